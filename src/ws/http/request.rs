//! What programs look for in requests: cookies, and paths below their own.

use super::Request;
use tungstenite::http::header::COOKIE;

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
