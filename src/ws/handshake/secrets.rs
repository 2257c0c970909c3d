//! The access token, taken out of a request; and other secrets, marked as such.
//!
//! Owns where secrets stand in a request. Knows not whether they are right.

use tungstenite::http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use tungstenite::http::uri::PathAndQuery;
use tungstenite::http::{HeaderMap, Uri};

use crate::ws::http::Request;

const KEY: &str = "token=";
const MASK: &str = "token=***";

/// Whether there is a token in it.
pub(super) fn offers_token(request: &Request) -> bool {
    offered(request).is_some()
}

fn offered(request: &Request) -> Option<Vec<u8>> {
    bearer(request.headers()).or_else(|| from_query(request.uri().query()?))
}

/// The token that the client offers, in `Authorization: Bearer` or, where that is not there, in `?token=`.
/// Afterwards the request does not show it any more.
pub(super) fn take_token(request: &mut Request) -> Option<Vec<u8>> {
    let token = offered(request);
    for name in [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE] {
        mark_sensitive(request.headers_mut(), &name);
    }
    mask_query(request.uri_mut());
    token
}

/// The credentials of the scheme `Bearer`, whose name may come in any letter case (RFC 6750 2.1, RFC 9110 11.1).
fn bearer(headers: &HeaderMap) -> Option<Vec<u8>> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    let is_bearer = scheme.eq_ignore_ascii_case(b"Bearer ");
    is_bearer.then(|| token.trim_ascii().to_vec())
}

fn from_query(query: &str) -> Option<Vec<u8>> {
    let token = query.split('&').find_map(|pair| pair.strip_prefix(KEY))?;
    Some(percent_decoded(token.as_bytes()))
}

fn mark_sensitive(headers: &mut HeaderMap, name: &tungstenite::http::HeaderName) {
    if let tungstenite::http::header::Entry::Occupied(mut entry) = headers.entry(name) {
        entry.iter_mut().for_each(|value| value.set_sensitive(true));
    }
}

fn mask_query(uri: &mut Uri) {
    let Some(query) = uri.query() else { return };
    if !query.contains(KEY) {
        return;
    }
    let pairs: Vec<&str> = query.split('&').map(|pair| if pair.starts_with(KEY) { MASK } else { pair }).collect();
    let masked = format!("{}?{}", uri.path(), pairs.join("&"));
    *uri = with_path(uri, &masked);
}

/// The same URI with another path and query; `/` should that not be possible: rather that than a secret.
fn with_path(uri: &Uri, path: &str) -> Uri {
    let mut parts = uri.clone().into_parts();
    let path = path.parse::<PathAndQuery>();
    parts.path_and_query = Some(path.unwrap_or_else(|_| PathAndQuery::from_static("/")));
    Uri::from_parts(parts).unwrap_or_default()
}

/// What is no `%` and two hexadecimal digits stays as it is.
fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        let escaped = if *first == b'%' { hex_byte(behind) } else { None };
        decoded.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &behind[2..] } else { behind };
    }
    decoded
}

fn hex_byte(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}
