//! Takes the secrets out of a request.

use crate::ws::http::{Request, percent_decoded};
use tungstenite::http::{Uri, header, header::AUTHORIZATION};

const KEY: &str = "token=";
const MASK: &str = "token=***";

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

/// If masking fails, the whole target is dropped rather than shown.
fn masked(uri: &Uri) -> Uri {
    let text = uri.to_string();
    let (path, query) = text.split_once('?').unwrap_or_default();
    let pairs: Vec<&str> = query.split('&').map(|pair| if pair.starts_with(KEY) { MASK } else { pair }).collect();
    format!("{path}?{}", pairs.join("&")).parse().unwrap_or_default()
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
}
