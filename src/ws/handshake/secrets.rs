//! Takes the secrets out of a request, and records what may be shown of the handshake.

use crate::ws::http::{HandshakeTranscript, Request, percent_decoded};
use tungstenite::http::{Uri, header, header::AUTHORIZATION, uri::PathAndQuery};

const KEY: &str = "token=";
const MASK: &str = "token=***";

/// Fields whose values may be shown, together with `Sec-WebSocket-*`. Others may carry credentials, or notes of a proxy
/// that are for this server only.
const HARMLESS: [&str; 8] =
    ["accept-encoding", "accept-language", "cache-control", "connection", "host", "origin", "pragma", "upgrade"];

/// Bytes of the fields that are kept, and of the target. A browser sends less than 1 KiB, and each connection keeps its
/// transcript.
const MAX_TRANSCRIPT: usize = 4 * 1024;

/// The fields of a request as they were spelled, one line each.
#[derive(Debug, Clone)]
struct Fields(String);

/// Whether the request carries an access token, right or wrong.
#[must_use]
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
    let field = request.headers().get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
    match field.split_at_checked("Bearer ".len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"Bearer ") => return Some(token.trim_ascii().to_vec()),
        _ => {}
    }
    let token = request.uri().query()?.split('&').find_map(|pair| pair.strip_prefix(KEY))?;
    Some(percent_decoded(token).unwrap_or_else(|| token.into()))
}

fn masked(uri: &Uri) -> Uri {
    let query = uri.query().unwrap_or_default();
    let pairs: Vec<&str> = query.split('&').map(|pair| if pair.starts_with(KEY) { MASK } else { pair }).collect();
    let path = format!("{}?{}", uri.path(), pairs.join("&")).parse();
    let mut parts = uri.clone().into_parts();
    // If masking fails, the query is dropped rather than shown.
    parts.path_and_query = Some(path.unwrap_or_else(|_| PathAndQuery::from_static("/")));
    Uri::from_parts(parts).unwrap_or_default()
}

/// Keeps the fields with the request, because an `http::Request` does not keep their spelling.
pub(super) fn record_fields(request: &mut Request, fields: &[httparse::Header<'_>]) {
    let mut lines = String::new();
    for field in fields {
        let name = field.name.to_ascii_lowercase();
        let harmless = name.starts_with("sec-websocket-") || HARMLESS.contains(&name.as_str());
        let value = if harmless { String::from_utf8_lossy(field.value.trim_ascii()) } else { "***".into() };
        if lines.len() + field.name.len() + value.len() > MAX_TRANSCRIPT {
            lines.push_str("…\n");
            break;
        }
        lines.extend([field.name, ": ", &value, "\n"]);
    }
    request.extensions_mut().insert(Fields(lines));
}

/// Adds the [`HandshakeTranscript`] to a request that was accepted. Its target has no secrets any more.
#[inline(never)] // As `take_token`.
pub(super) fn record_transcript(request: &mut Request, response: &[u8]) {
    let Some(Fields(fields)) = request.extensions_mut().remove() else { return };
    // Pages must not see cookies that are HttpOnly, and the chat shows this to its page.
    let is_hidden = |line: &str| line.get(..11).is_some_and(|name| name.eq_ignore_ascii_case("set-cookie:"));
    let mut shown = String::new();
    for line in String::from_utf8_lossy(response).lines().filter(|line| !line.is_empty() && !is_hidden(line)) {
        shown.extend([line, "\n"]);
    }
    shown.truncate(shown.trim_end().len());
    // Formatting needs another page of stack, which the connection keeps: only for a proxy's requests, with scheme and host.
    let target = match (request.uri().scheme(), request.uri().path_and_query()) {
        (None, Some(target)) => target.as_str().to_owned(),
        _ => request.uri().to_string(),
    };
    let target: String = target.chars().take(MAX_TRANSCRIPT).collect();
    let transcript = HandshakeTranscript {
        request: [request.method().as_str(), " ", &target, " HTTP/1.1\n", &fields].concat(),
        response: shown,
    };
    request.extensions_mut().insert(transcript);
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
    fn fields_that_fit_are_in_the_transcript() {
        for (lengths, kept) in [
            (vec![MAX_TRANSCRIPT - 4], 1),
            (vec![MAX_TRANSCRIPT - 3], 0),
            (vec![2000, MAX_TRANSCRIPT - 2007 - 4], 2),
            (vec![2000, MAX_TRANSCRIPT - 2007 - 3], 1),
            (vec![1, 2, 3], 3),
        ] {
            let values: Vec<_> = lengths.iter().map(|length| vec![b'x'; *length]).collect();
            let fields: Vec<_> = values.iter().map(|value| httparse::Header { name: "Host", value }).collect();
            let mut request = Request::new(());
            record_fields(&mut request, &fields);
            let Fields(lines) = request.extensions().get().expect("fields");
            assert_eq!(lines.matches("Host: x").count(), kept, "{lengths:?}");
            assert_eq!(lines.ends_with("…\n"), kept < lengths.len());
        }
    }

    #[test]
    fn transcript_of_a_large_head_is_cut() {
        let value = [0xff; 2000];
        let raw = [httparse::Header { name: "Origin", value: &value }; 4];
        let mut request = Request::new(());
        *request.uri_mut() = format!("/?{}", "x".repeat(60_000)).parse().expect("a target");
        record_fields(&mut request, &raw);
        record_transcript(&mut request, b"HTTP/1.1 101 Switching Protocols\r\n\r\n");
        let transcript = request.extensions().get::<HandshakeTranscript>().expect("a transcript");
        let size = transcript.request.len();
        assert!(size < 2 * MAX_TRANSCRIPT + 100 && transcript.request.ends_with("…\n"), "{size}");
    }
}
