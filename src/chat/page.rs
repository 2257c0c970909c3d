//! The client page: its embedded files, and how they are served.

use miniz_oxide::inflate::decompress_to_vec;
use tungstenite::http::header::{ACCEPT_ENCODING, HeaderName, IF_NONE_MATCH};

use crate::ws::http::{Method, Request, Response};

/// Name and gzip form of each file of the page. `build.rs` writes this list.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// Bytes before the compressed data, in files of `build.rs` (RFC 1952 2.3).
const GZIP_HEADER: usize = 10;

/// Everything comes from this server and nothing is inline. Connections may go anywhere, so that users can try other servers.
const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Answers GET and HEAD requests for the files of the page, and other methods with 405. `None` if there is no file at the
/// path. The signature is that of [`HttpHandler`](crate::ws::http::HttpHandler).
pub fn respond(request: &Request) -> Option<Response> {
    match request.uri().path() {
        "/" => index(request),
        // The page has one address, so that browsers store it once.
        "/index.html" => None,
        // Browsers request this path on their own.
        "/favicon.ico" => serve(request, "icon.svg"),
        path => serve(request, path.strip_prefix('/')?),
    }
}

/// Answers with the page itself at any path, otherwise like [`respond`].
pub fn index(request: &Request) -> Option<Response> {
    serve(request, "index.html")
}

fn serve(request: &Request, name: &str) -> Option<Response> {
    let (_, gzip) = FILES.iter().find(|(file, _)| *file == name)?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Some(Response::method_not_allowed());
    }
    let is_compressed = accepts_gzip(request);
    let tag = entity_tag(gzip, is_compressed);
    if matches_tag(request, &tag) {
        return Some(with_caching(Response::empty(304), tag));
    }
    let response = if is_compressed { compressed(gzip) } else { plain(gzip) };
    let response = with_caching(response, tag)
        .with("Content-Type", content_type(name))
        .with("Content-Security-Policy", SECURITY_POLICY)
        .with("Cross-Origin-Resource-Policy", "same-origin")
        .with("Referrer-Policy", "no-referrer")
        .with("X-Content-Type-Options", "nosniff");
    Some(response)
}

fn compressed(gzip: &'static [u8]) -> Response {
    Response { body: gzip.into(), ..Response::empty(200) }.with("Content-Encoding", "gzip")
}

/// Decompressed for each request: almost all browsers and libraries accept gzip.
fn plain(gzip: &[u8]) -> Response {
    let body = decompress_to_vec(gzip.get(GZIP_HEADER..).unwrap_or_default());
    Response { body: body.unwrap_or_default().into(), ..Response::empty(200) }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/html; charset=utf-8",
    }
}

/// The checksum and length at the end of the gzip form (RFC 1952 2.3.1) identify the version. The compressed form is a
/// representation of its own (RFC 9110 8.8.3.3).
fn entity_tag(gzip: &[u8], is_compressed: bool) -> String {
    let trailer = gzip.last_chunk().copied().map_or(0, u64::from_be_bytes);
    format!("\"{trailer:016x}{}\"", if is_compressed { "-gzip" } else { "" })
}

/// Browsers store the file but revalidate it each time, so that a new version of the server shows its new page at once.
fn with_caching(response: Response, tag: String) -> Response {
    response.with("Cache-Control", "no-cache").with("ETag", tag).with("Vary", "Accept-Encoding")
}

/// Whether the client accepts gzip (RFC 9110 12.5.3): it names the coding, without a weight of zero.
fn accepts_gzip(request: &Request) -> bool {
    elements(request, ACCEPT_ENCODING).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let is_refused = parts.filter_map(|part| part.strip_prefix("q=")).any(is_zero);
        is_named && !is_refused
    })
}

/// Zero is `0`, or `0.` and up to three zeros (RFC 9110 12.4.2). `parse::<f32>()` would add 15 KB to the binary.
fn is_zero(weight: &str) -> bool {
    weight.bytes().all(|byte| matches!(byte, b'0' | b'.'))
}

/// Whether the client has this version already. Weak tags match as well (RFC 9110 13.1.2).
fn matches_tag(request: &Request, tag: &str) -> bool {
    elements(request, IF_NONE_MATCH).any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// The elements of a comma-separated header field (RFC 9110 5.6.1).
fn elements(request: &Request, field: HeaderName) -> impl Iterator<Item = &str> {
    let values = request.headers().get_all(field).into_iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, path: &str) -> Request {
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().expect("a path");
        request
    }

    fn get(path: &str) -> Response {
        respond(&request(Method::GET, path)).expect("a page")
    }

    #[test]
    fn every_file_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/chat/page");
        for entry in std::fs::read_dir(folder).expect("the folder of the page") {
            let file = entry.expect("a file").path();
            let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
            let path = if name == "index.html" { "/".to_owned() } else { format!("/{name}") };
            assert_eq!(get(&path).body, std::fs::read(&file).expect("its content"), "{path}");
        }
    }

    #[test]
    fn gzip_is_sent_to_clients_that_accept_it() {
        let table = [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip;q=0.0, *", false),
            ("gzip;q=0.001", true),
            ("identity", false),
            ("x-gzipper", false),
        ];
        for (accepted, is_compressed) in table {
            let mut request = request(Method::GET, "/");
            request.headers_mut().insert(ACCEPT_ENCODING, accepted.parse().expect("a value"));
            let page = respond(&request).expect("a page");
            assert_eq!(page.header("Content-Encoding"), is_compressed.then_some("gzip"), "{accepted}");
            assert_eq!(
                (page.body.starts_with(&[0x1f, 0x8b]), page.header("Vary")),
                (is_compressed, Some("Accept-Encoding"))
            );
            let content = if is_compressed { super::plain(&page.body).body } else { page.body.clone() };
            assert_eq!(*content, include_bytes!("page/index.html")[..], "{accepted}");
            let plain = get("/");
            assert_eq!(page.header("ETag") == plain.header("ETag"), !is_compressed);
        }
    }

    #[test]
    fn file_has_its_content_type_and_strict_headers() {
        let types = [
            ("/", "text/html; charset=utf-8"),
            ("/style.css", "text/css; charset=utf-8"),
            ("/main.js", "text/javascript; charset=utf-8"),
            ("/favicon.ico", "image/svg+xml"),
        ];
        for (path, content_type) in types {
            let page = get(path);
            assert_eq!((page.status, page.header("content-type")), (200, Some(content_type)));
            assert_eq!(page.header("Content-Security-Policy"), Some(SECURITY_POLICY));
            assert_eq!(page.header("X-Content-Type-Options"), Some("nosniff"));
            assert_eq!(page.header("Referrer-Policy"), Some("no-referrer"));
        }
        assert!(!SECURITY_POLICY.contains("unsafe"));
    }

    #[test]
    fn unknown_paths_and_methods_are_refused() {
        for path in ["/index.html", "/index.html/..", "/page", "/main", "//main.js"] {
            assert_eq!(respond(&request(Method::GET, path)), None, "{path}");
        }
        assert_eq!(respond(&request(Method::POST, "/none")), None);
        assert_eq!(get("/?token=x").status, 200);
        let post = respond(&request(Method::POST, "/")).expect("an answer");
        assert_eq!((post.status, post.header("Allow")), (405, Some("GET, HEAD, OPTIONS")));
    }

    #[test]
    fn known_version_is_answered_with_304() {
        let tag = get("/").header("ETag").expect("a tag").to_owned();
        let weak = format!("W/{tag}");
        let list = format!("\"other\", {tag}");
        for (known, status) in [(tag.as_str(), 304), (&weak, 304), (&list, 304), ("*", 304), ("\"other\"", 200)] {
            let mut again = request(Method::GET, "/");
            let value = known.parse().expect("a header value");
            again.headers_mut().insert(IF_NONE_MATCH, value);
            let answer = respond(&again).expect("a page");
            assert_eq!(answer.status, status, "{known}");
            assert_eq!(answer.header("ETag"), Some(tag.as_str()));
        }
    }
}
