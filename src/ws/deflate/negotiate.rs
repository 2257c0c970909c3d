//! The negotiation: offers of clients, and responses of servers (RFC 7692 5 and 7.1).

use super::{Agreement, Deflate};
use crate::ws::http::list_elements;
use std::{fmt::Write, mem, str};
use tungstenite::http::{HeaderMap, header::SEC_WEBSOCKET_EXTENSIONS};

/// The parameters of an offer or a response (RFC 7692 7.1).
#[derive(Default)]
struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// In an offer, the value may be absent.
    client_max_window_bits: Option<Option<u8>>,
}

impl Deflate {
    /// What a server agrees to: the first offer that it can accept. `None`: the connection has no compression.
    pub(crate) fn accept(self, headers: &HeaderMap) -> Option<Agreement> {
        let offer = elements(headers).find_map(Parameters::parse)?;
        let context_bits = self.context_bits().filter(|_| !offer.client_no_context_takeover);
        let context_bits = match offer.client_max_window_bits {
            Some(bits) => context_bits.map(|most| most.min(bits.unwrap_or(15))),
            // The client's window cannot be limited.
            None => context_bits.filter(|most| *most == 15),
        };
        let mut response = "permessage-deflate; server_no_context_takeover".to_owned();
        if context_bits.is_none() {
            response += "; client_no_context_takeover";
        }
        if let Some(bits) = offer.server_max_window_bits {
            let _ = write!(response, "; server_max_window_bits={bits}");
        }
        if let Some(bits) = context_bits.filter(|bits| *bits < 15) {
            let _ = write!(response, "; client_max_window_bits={bits}");
        }
        let threshold = self.threshold_for(offer.server_max_window_bits);
        Some(Agreement { response: response.into(), threshold, context_bits })
    }

    /// What a client offers, as the value of `Sec-WebSocket-Extensions`.
    pub(crate) fn offer(self) -> String {
        let server = match self.context_bits() {
            None => "; server_no_context_takeover".to_owned(),
            Some(15) => String::new(),
            Some(bits) => format!("; server_max_window_bits={bits}"),
        };
        format!("permessage-deflate{server}; client_no_context_takeover; client_max_window_bits")
    }

    /// What the response to this client's offer agrees to. `None`: the server declined.
    ///
    /// # Errors
    /// The response does not fit the offer.
    pub(crate) fn check(self, headers: &HeaderMap) -> Result<Option<Agreement>, &'static str> {
        let mut elements = elements(headers);
        let Some(element) = elements.next() else { return Ok(None) };
        let parameters = Parameters::parse(element).filter(|_| elements.next().is_none());
        let parameters = parameters.ok_or("it selects an extension that was not offered")?;
        let server_bits = parameters.server_max_window_bits.unwrap_or(15);
        let is_allowed = match self.context_bits() {
            None => parameters.server_no_context_takeover,
            Some(most) => server_bits <= most,
        };
        if !is_allowed || parameters.client_max_window_bits == Some(None) {
            return Err("it selects other parameters of permessage-deflate than were offered");
        }
        Ok(Some(Agreement {
            response: element.into(),
            threshold: self.threshold_for(parameters.client_max_window_bits.flatten()),
            context_bits: Some(server_bits).filter(|_| !parameters.server_no_context_takeover),
        }))
    }
}

/// The elements of all fields. One that is not text is another extension.
fn elements(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    list_elements(headers, &SEC_WEBSOCKET_EXTENSIONS).map(|element| str::from_utf8(element).unwrap_or_default())
}

impl Parameters {
    /// `None` if it is another extension, or if a parameter is unknown, repeated, or has an invalid value (RFC 7692 7).
    fn parse(element: &str) -> Option<Self> {
        let (mut parts, mut parsed) = (element.split(';').map(str::trim_ascii), Self::default());
        if parts.next()? != "permessage-deflate" {
            return None;
        }
        for part in parts {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim_ascii_end(), Some(bits(value.trim_ascii_start())?)),
                None => (part, None),
            };
            let is_repeated = match (name, value) {
                ("server_no_context_takeover", None) => mem::replace(&mut parsed.server_no_context_takeover, true),
                ("client_no_context_takeover", None) => mem::replace(&mut parsed.client_no_context_takeover, true),
                ("server_max_window_bits", Some(bits)) => parsed.server_max_window_bits.replace(bits).is_some(),
                ("client_max_window_bits", bits) => parsed.client_max_window_bits.replace(bits).is_some(),
                _ => return None,
            };
            if is_repeated {
                return None;
            }
        }
        Some(parsed)
    }
}

/// A number from 8 to 15. No known peer sends it as a quoted string.
fn bits(value: &str) -> Option<u8> {
    (8..=15).find(|bits| bits.to_string() == value)
}
