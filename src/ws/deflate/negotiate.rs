//! The negotiation: offers of clients, and responses of servers (RFC 7692 5 and 7.1).

use super::{Agreement, Deflate, Parameters};
use crate::ws::http::list_elements;
use std::str;
use tungstenite::http::{HeaderMap, header::SEC_WEBSOCKET_EXTENSIONS};

impl Deflate {
    /// What a server agrees to: the first offer that it can accept. `None`: the connection has no compression.
    pub(crate) fn accept(self, headers: &HeaderMap) -> Option<Agreement> {
        let offer = elements(headers).find_map(Parameters::parse)?;
        // The largest window of the client, if it may be limited.
        let client_bits = offer.client_max_window_bits.map(|bits| bits.unwrap_or(15));
        let context_bits = self.context_bits().filter(|_| !offer.client_no_context_takeover);
        let context_bits = context_bits.and_then(|most| match client_bits {
            Some(bits) => Some(most.min(bits)),
            None => (most == 15).then_some(most),
        });
        let parameters = Parameters {
            server_no_context_takeover: true,
            client_no_context_takeover: context_bits.is_none(),
            server_max_window_bits: offer.server_max_window_bits,
            client_max_window_bits: context_bits.filter(|bits| *bits < 15).map(Some),
        };
        let threshold = self.threshold_for(offer.server_max_window_bits);
        Some(Agreement { parameters, threshold, context_bits })
    }

    /// What a client offers, as the value of `Sec-WebSocket-Extensions`.
    pub(crate) fn offer(self) -> String {
        self.offered().to_string()
    }

    fn offered(self) -> Parameters {
        Parameters {
            server_no_context_takeover: self.context_bits().is_none(),
            client_no_context_takeover: true,
            server_max_window_bits: self.context_bits().filter(|bits| *bits < 15),
            client_max_window_bits: Some(None),
        }
    }

    /// What the response to this client's offer agrees to. `None`: the server declined.
    ///
    /// # Errors
    /// The response does not fit the offer.
    pub(crate) fn check(self, headers: &HeaderMap) -> Result<Option<Agreement>, &'static str> {
        let mut elements = elements(headers);
        let Some(element) = elements.next() else { return Ok(None) };
        if elements.next().is_some() {
            return Err("it selects an extension that was not offered");
        }
        let parameters = Parameters::parse(element).ok_or("it selects an extension that was not offered")?;
        let offered = self.offered();
        let server_bits = parameters.server_max_window_bits.unwrap_or(15);
        let is_allowed = (parameters.server_no_context_takeover || !offered.server_no_context_takeover)
            && server_bits <= offered.server_max_window_bits.unwrap_or(15)
            && parameters.client_max_window_bits != Some(None);
        if !is_allowed {
            return Err("it selects other parameters of permessage-deflate than were offered");
        }
        Ok(Some(Agreement {
            parameters,
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
                ("server_no_context_takeover", None) => std::mem::replace(&mut parsed.server_no_context_takeover, true),
                ("client_no_context_takeover", None) => std::mem::replace(&mut parsed.client_no_context_takeover, true),
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
