//! What programs look for in requests: cookies, tokens, parameters, and paths below their own.

use super::{Request, percent_decoded};
use tungstenite::http::header::{AUTHORIZATION, COOKIE};

/// The value of a cookie of the request (RFC 6265 4.2.1), without quotes around it.
///
/// ```
/// use chinwag::http::{Request, cookie};
///
/// let mut request = Request::default();
/// request.headers_mut().insert("Cookie", "theme=dark; session=\"a1\"".parse()?);
/// assert_eq!(cookie(&request, "session"), Some("a1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn cookie<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let fields = request.headers().get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// The token in `Authorization: Bearer` (RFC 6750 2.1).
///
/// ```
/// use chinwag::http::{Request, bearer};
///
/// let mut request = Request::default();
/// request.headers_mut().insert("Authorization", "Bearer swordfish".parse()?);
/// assert_eq!(bearer(&request), Some("swordfish"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

/// The first value of a parameter of the query, decoded as browsers encode it: `+` and `%20` are spaces. Empty if it has no `=`. If
/// the server requires an access token, `token` is masked: see [`TokenCheck`](super::TokenCheck).
///
/// ```
/// use chinwag::http::{Request, query};
///
/// let mut request = Request::default();
/// *request.uri_mut() = "/live?room=red%20hall&since=7".parse()?;
/// assert_eq!(query(&request, "room").as_deref(), Some("red hall"));
/// assert_eq!(query(&request, "color"), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn query(request: &Request, name: &str) -> Option<String> {
    let decode = |text: &str| percent_decoded(&text.replace('+', " "));
    let mut pairs = request.uri().query()?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    decode(pairs.find(|(key, _)| decode(key).as_deref() == Some(name))?.1)
}

/// The request as a site sees it that is mounted below a path: without that path. `None`: it is for something else.
///
/// ```
/// use chinwag::http::{Request, below};
///
/// let mut request = Request::default();
/// *request.uri_mut() = "/admin/log?lines=5".parse()?;
/// assert_eq!(below("/admin", &request).map(|request| request.uri().to_string()).as_deref(), Some("/log?lines=5"));
/// assert!(below("/adm", &request).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn below(path: &str, request: &Request) -> Option<Request> {
    let rest = path_below(path, request.uri().path())?;
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let uri = format!("{rest}{query}").parse().ok()?;
    let mut request = request.clone();
    *request.uri_mut() = uri;
    Some(request)
}

/// The rest of a path below another one. It begins with a slash.
pub(crate) fn path_below<'a>(parent: &str, path: &'a str) -> Option<&'a str> {
    match path.strip_prefix(parent.trim_end_matches('/'))? {
        "" => Some("/"),
        rest => rest.starts_with('/').then_some(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_in_any_field() {
        let mut request = Request::new(());
        for field in ["a=1; b=2;c=\"3\"", "d=x=y; =z; e", "a=other; f="] {
            request.headers_mut().append("Cookie", field.parse().expect("a value"));
        }
        for (name, value) in [
            ("a", Some("1")),
            ("b", Some("2")),
            ("c", Some("3")),
            ("d", Some("x=y")),
            ("e", None),
            ("f", Some("")),
            ("A", None),
        ] {
            assert_eq!(cookie(&request, name), value, "{name}");
        }
    }

    #[test]
    fn token_follows_the_scheme_in_any_letter_case() {
        for (field, token) in [
            ("Bearer a1", Some("a1")),
            ("bearer  a1 ", Some("a1")),
            ("BEARER a b", Some("a b")),
            ("Bearer ", Some("")),
            ("Bearer", None),
            ("Bearera1", None),
            ("Basic a1", None),
            ("", None),
        ] {
            let mut request = Request::new(());
            assert_eq!(bearer(&request), None);
            request.headers_mut().insert(AUTHORIZATION, field.parse().expect("a value"));
            assert_eq!(bearer(&request), token, "{field}");
        }
    }

    #[test]
    fn parameters_are_decoded_names_and_values() {
        for (target, value) in [
            ("/?a=1", Some("1")),
            ("/?b=2&a=1&a=3", Some("1")),
            ("/?a", Some("")),
            ("/?a=", Some("")),
            ("/?a=x=y", Some("x=y")),
            ("/?a=x+y%20z%2B", Some("x y z+")),
            ("/?%61=%C3%A9", Some("\u{e9}")),
            ("/?a=%FF", None),
            ("/?a=%4", None),
            ("/?A=1&aa=2&b=a", None),
            ("/a=1", None),
            ("/?", None),
        ] {
            let mut request = Request::new(());
            *request.uri_mut() = target.parse().expect("a target");
            assert_eq!(query(&request, "a").as_deref(), value, "{target}");
        }
    }

    #[test]
    fn only_whole_segments_are_a_parent() {
        for (parent, path, rest) in [
            ("/chat", "/chat", Some("/")),
            ("/chat", "/chat/", Some("/")),
            ("/chat/", "/chat/room/a", Some("/room/a")),
            ("/chat", "/chatter", None),
            ("/chat", "/", None),
            ("/chat", "/x/chat", None),
            ("/", "/room/a", Some("/room/a")),
            ("", "/", Some("/")),
            ("/a/b", "/a/b/c", Some("/c")),
        ] {
            assert_eq!(path_below(parent, path), rest, "{parent} {path}");
        }
    }
}
