//! Takes the secrets out of a request, and makes the transcript that may be shown.

use crate::ws::http::{HandshakeTranscript, Request, bearer, percent_decoded};
use tungstenite::Bytes;
use tungstenite::http::{Uri, header, header::AUTHORIZATION};

const KEY: &str = "token=";
const MASK: &str = "token=***";

/// Whether the request carries an access token, right or wrong.
pub(crate) fn offers_token(request: &Request) -> bool {
    token(request).is_some()
}

/// Marks credentials as sensitive. If the server `requires` an access token, returns it and hides it in the request:
/// otherwise `?token=` has a meaning of its own.
#[inline(never)] // Its frame must not lie below those of the rules: a thread keeps every stack page.
pub(super) fn take_token(request: &mut Request, requires: bool) -> Option<Vec<u8>> {
    let token = token(request).filter(|_| requires);
    for (name, value) in request.headers_mut() {
        if [AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE].contains(name) {
            value.set_sensitive(true);
        }
    }
    if requires && request.uri().query().is_some_and(|query| query.contains(KEY)) {
        *request.uri_mut() = masked(request.uri());
    }
    token
}

/// The token in `Authorization: Bearer` (RFC 6750 2.1), or else in `?token=`.
fn token(request: &Request) -> Option<Vec<u8>> {
    let in_query = || request.uri().query()?.split('&').find_map(|pair| pair.strip_prefix(KEY));
    let decode = |token: &str| percent_decoded(token).unwrap_or_else(|| token.into());
    bearer(request).map(str::to_owned).or_else(|| in_query().map(decode)).map(String::into_bytes)
}

/// If masking fails, the whole target is dropped rather than shown.
fn masked(uri: &Uri) -> Uri {
    let text = uri.to_string();
    let (path, query) = text.split_once('?').unwrap_or_default();
    let pairs: Vec<&str> = query.split('&').map(|pair| if pair.starts_with(KEY) { MASK } else { pair }).collect();
    format!("{path}?{}", pairs.join("&")).parse().unwrap_or_default()
}

/// Fields whose values may be shown, together with `Sec-WebSocket-*`. Others may carry credentials, or notes of a proxy
/// that are for this server only.
const HARMLESS: [&str; 8] =
    ["accept-encoding", "accept-language", "cache-control", "connection", "host", "origin", "pragma", "upgrade"];

/// The longest head that is shown, in characters. A browser sends less than 1000.
const MAX_LENGTH: usize = 4 * 1024;

/// The head of a request as it was sent, with secrets: an `http::Request` does not keep the spelling of fields.
#[derive(Clone)]
pub(super) struct RequestHead(pub(super) Bytes);

/// The response to a request that was accepted. Empty for a stream.
#[derive(Clone)]
pub(super) struct ResponseHead(pub(super) Vec<u8>);

impl HandshakeTranscript {
    /// The transcript of the handshake that this request began. `None` if it was not accepted.
    #[must_use]
    pub fn of(request: &Request) -> Option<Self> {
        let ResponseHead(response) = request.extensions().get().filter(|ResponseHead(bytes)| !bytes.is_empty())?;
        let RequestHead(head) = request.extensions().get()?;
        // The target of the parsed request has no secrets any more.
        let mut sent = format!("{} {} HTTP/1.1\n", request.method(), request.uri());
        for (name, value) in fields(&String::from_utf8_lossy(head)) {
            let lower = name.to_ascii_lowercase();
            let is_harmless = lower.starts_with("sec-websocket-") || HARMLESS.contains(&lower.as_str());
            sent.extend([name, ": ", if is_harmless { value } else { "***" }, "\n"]);
        }
        let mut received = "HTTP/1.1 101 Switching Protocols".to_owned();
        for (name, value) in fields(&String::from_utf8_lossy(response)) {
            // Pages must not see cookies that are HttpOnly, and the chat shows this to its page.
            if !name.eq_ignore_ascii_case("set-cookie") {
                received.extend(["\n", name, ": ", value]);
            }
        }
        let cut = |head: String| head.chars().take(MAX_LENGTH).collect();
        Some(Self { request: cut(sent), response: cut(received) })
    }
}

/// The header fields of a head that was parsed already.
fn fields(head: &str) -> impl Iterator<Item = (&str, &str)> {
    head.lines().skip(1).filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_in_the_field_and_in_the_query() {
        for (field, target, expected) in [
            ("Bearer a", "/?token=b", Some("a")),
            ("bearer  a ", "/", Some("a")),
            ("Basic a", "/?x=1&token=b%2B", Some("b+")),
            ("Bearer", "/?token=%zz", Some("%zz")),
            ("Bearer ", "/", Some("")),
            ("Basic a", "/?Token=b", None),
            ("", "/token=b", None),
        ] {
            let mut request = Request::new(());
            *request.uri_mut() = target.parse().expect("a target");
            request.headers_mut().insert(AUTHORIZATION, field.parse().expect("a value"));
            assert_eq!(offers_token(&request), expected.is_some(), "{field} {target}");
            assert_eq!(take_token(&mut request, true).as_deref(), expected.map(str::as_bytes), "{field} {target}");
            assert_eq!(take_token(&mut request, false), None, "{field} {target}");
            assert!(request.headers()[AUTHORIZATION].is_sensitive());
        }
    }

    #[test]
    fn transcript_masks_what_may_be_secret_and_is_cut() {
        let mut request = Request::new(());
        *request.uri_mut() = "/?token=***".parse().expect("a target");
        let head =
            format!("GET /?token=a HTTP/1.1\r\nHOST:x \r\nCookie: a=b:c\r\nOrigin: {}\r\n\r\n", "x".repeat(9999));
        request.extensions_mut().insert(RequestHead(Bytes::from(head)));
        assert_eq!(HandshakeTranscript::of(&request), None);
        let response = b"HTTP/1.1 101 Switching Protocols\r\nSet-Cookie: a=b\r\nDate: now\r\n\r\n";
        request.extensions_mut().insert(ResponseHead(response.to_vec()));
        let transcript = HandshakeTranscript::of(&request).expect("it was accepted");
        assert!(transcript.request.starts_with("GET /?token=*** HTTP/1.1\nHOST: x\nCookie: ***\nOrigin: xx"));
        assert_eq!(transcript.request.len(), MAX_LENGTH);
        assert_eq!(transcript.response, "HTTP/1.1 101 Switching Protocols\nDate: now");
    }
}
