//! The handshake as it was seen: for those who want to look at it, such as the page's inspector.
//!
//! Owns the spelling, which an `http::Request` forgets, and hides what is secret. It travels with the request, as an
//! extension of it.

use crate::ws::http::{HandshakeTranscript, Request};

/// Header fields whose values may be shown. Not those of others: credentials and cookies, and what a proxy in between
/// has added for this server only.
const HARMLESS: [&str; 12] = [
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "host",
    "origin",
    "pragma",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "sec-websocket-version",
    "upgrade",
];

/// The most of it that is kept, in bytes: a browser's takes less than 1 KiB, and this is memory of each connection.
const MOST: usize = 4 * 1024;

/// The header fields, a line each, as they were spelled.
#[derive(Debug, Clone)]
struct Fields(String);

/// Keeps the fields with the request.
pub(super) fn keep(raw: &[httparse::Header<'_>], request: &mut Request) {
    let whole: usize = raw.iter().map(|field| field.name.len() + field.value.len() + 3).sum();
    let mut lines = String::with_capacity(whole.min(MOST));
    for field in raw {
        let harmless = HARMLESS.iter().any(|name| field.name.eq_ignore_ascii_case(name));
        let value = if harmless { String::from_utf8_lossy(field.value.trim_ascii()) } else { "***".into() };
        if lines.len() + field.name.len() + value.len() > MOST {
            lines.push_str("…\n");
            break;
        }
        lines.extend([field.name, ": ", &value, "\n"]);
    }
    request.extensions_mut().insert(Fields(lines));
}

/// Both heads, when the answer is known. The target is the one that secrets have been taken out of.
pub(super) fn complete(request: &mut Request, response: &[u8]) {
    let Some(Fields(fields)) = request.extensions_mut().remove() else { return };
    let mut said = String::with_capacity(fields.len() + 128);
    said.extend([request.method().as_str(), " "]);
    said.extend(request.uri().to_string().chars().take(MOST));
    said.extend([" HTTP/1.1\n", &fields]);
    let mut answered = String::with_capacity(response.len());
    answered.extend(String::from_utf8_lossy(response.trim_ascii_end()).chars().filter(|character| *character != '\r'));
    request.extensions_mut().insert(HandshakeTranscript { request: said, response: answered });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_head_is_not_kept_whole() {
        let value = [0xff; 2000];
        let raw = [httparse::Header { name: "Origin", value: &value }; 4];
        let mut request = Request::new(());
        *request.uri_mut() = format!("/?{}", "x".repeat(60_000)).parse().expect("a target");
        keep(&raw, &mut request);
        complete(&mut request, b"HTTP/1.1 101 Switching Protocols\r\n\r\n");
        let seen = request.extensions().get::<HandshakeTranscript>().expect("it is there");
        assert!(seen.request.len() < 2 * MOST + 100 && seen.request.ends_with("…\n"), "{}", seen.request.len());
    }
}
