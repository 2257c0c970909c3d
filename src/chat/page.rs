//! The client page: embedded files and how they are served.
//!
//! Owns paths, content types, caching and the content security policy. Knows no sockets and no chat.

use tungstenite::http::header::{ACCEPT_ENCODING, IF_NONE_MATCH};

use crate::chat::gzip::unpack;
use crate::ws::http::{Method, Request, Response};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file at a path, compressed by `build.rs`.
macro_rules! file {
    ($content_type:expr, $name:literal) => {
        file!($content_type, $name, concat!("/", $name))
    };
    ($content_type:expr, $name:literal, $path:expr) => {
        Page::new($path, $content_type, include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")))
    };
}

/// Every file of the page. The second line answers the browsers that ask for an icon unasked.
static PAGES: &[Page] = &[
    file!(HTML, "index.html", "/"),
    file!(SVG, "icon.svg", "/favicon.ico"),
    file!(JS, "address.js"),
    file!(JS, "composer.js"),
    file!(JS, "connection.js"),
    file!(JS, "dom.js"),
    file!(SVG, "icon.svg"),
    file!(JS, "inspector-connection.js"),
    file!(JS, "inspector-events.js"),
    file!(JS, "inspector-handshake.js"),
    file!(JS, "inspector-try.js"),
    file!(CSS, "inspector.css"),
    file!(JS, "inspector.js"),
    file!(JS, "log.js"),
    file!(JS, "main.js"),
    file!(JS, "notify.js"),
    file!(JS, "outbox.js"),
    file!(JS, "people.js"),
    file!(JS, "rooms.js"),
    file!(JS, "session.js"),
    file!(JS, "socket.js"),
    file!(JS, "status.js"),
    file!(JS, "storage.js"),
    file!(JS, "strings.js"),
    file!(CSS, "style.css"),
    file!(JS, "text.js"),
    file!(JS, "translations.js"),
];

/// Nothing from elsewhere, nothing inline, no forms, no frames. Connections may go anywhere: the page lets
/// people try other servers.
const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Answers GET and HEAD of the page's files, 405 for other methods; `None`: there is no such file.
/// It fits [`crate::ws::http::HttpHandler`].
pub fn respond(request: &Request) -> Option<Response> {
    file(request, request.uri().path())
}

/// Answers with the page itself, whatever the request's path; otherwise as [`respond`].
pub fn index(request: &Request) -> Option<Response> {
    file(request, "/")
}

fn file(request: &Request, path: &str) -> Option<Response> {
    let page = PAGES.iter().find(|page| page.path == path)?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let refusal = Response::text(405, "Only GET and HEAD are possible here.");
        return Some(refusal.with("Allow", "GET, HEAD"));
    }
    Some(page.answer(request))
}

/// One embedded file.
struct Page {
    path: &'static str,
    content_type: &'static str,
    gzip: &'static [u8],
    hash: u64,
}

impl Page {
    const fn new(path: &'static str, content_type: &'static str, gzip: &'static [u8]) -> Self {
        Self { path, content_type, gzip, hash: hash(gzip) }
    }

    fn answer(&self, request: &Request) -> Response {
        let packed = accepts_gzip(request);
        // Another form is another entity (RFC 9110 8.8.3.3).
        let tag = format!("\"{:016x}{}\"", self.hash, if packed { "-gzip" } else { "" });
        if is_known(request, &tag) {
            return with_caching(Response::empty(304), tag);
        }
        let response = if packed { self.packed() } else { self.plain() };
        with_caching(response.with("Content-Type", self.content_type), tag)
            .with("Content-Security-Policy", SECURITY_POLICY)
            .with("Cross-Origin-Resource-Policy", "same-origin")
            .with("Referrer-Policy", "no-referrer")
            .with("X-Content-Type-Options", "nosniff")
    }

    fn packed(&self) -> Response {
        let response = Response::empty(200).with("Content-Encoding", "gzip");
        Response { body: self.gzip.into(), ..response }
    }

    /// Unpacked for each request: nearly all browsers and libraries take gzip.
    fn plain(&self) -> Response {
        let body = unpack(self.gzip);
        Response { body: body.unwrap_or_default().into(), ..Response::empty(200) }
    }
}

/// Kept by the browser, but asked for each time: a new version of the server shows its new page at once.
fn with_caching(response: Response, tag: String) -> Response {
    response.with("Cache-Control", "no-cache").with("ETag", tag).with("Vary", "Accept-Encoding")
}

/// Does the client take gzip (RFC 9110 12.5.3)? It says so by name, unless with a weight of zero.
fn accepts_gzip(request: &Request) -> bool {
    let fields = request.headers().get_all(ACCEPT_ENCODING).iter();
    let mut codings = fields.filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(','));
    codings.any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = parts.filter_map(|part| part.strip_prefix("q=")).any(is_zero);
        named && !refused
    })
}

/// Zero is `0`, or `0.` and up to three zeros (RFC 9110 12.4.2). `parse::<f32>()` would bring 15 KB into the binary.
fn is_zero(weight: &str) -> bool {
    weight.bytes().all(|byte| matches!(byte, b'0' | b'.'))
}

/// Does the browser have that very version? Weak tags count too (RFC 9110 13.1.2).
fn is_known(request: &Request, tag: &str) -> bool {
    let fields = request.headers().get_all(IF_NONE_MATCH).iter();
    let lists = fields.filter_map(|value| value.to_str().ok());
    let mut tags = lists.flat_map(|list| list.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// FNV-1a, at compile time: it tells versions apart, and nobody gains by making two files collide.
const fn hash(content: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < content.len() {
        hash = (hash ^ content[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
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
            let content = std::fs::read(&file).expect("its content");
            let served = PAGES.iter().any(|page| unpack(page.gzip).as_ref() == Some(&content));
            assert!(served, "{} is missing in PAGES", file.display());
        }
    }

    #[test]
    fn gzip_is_for_those_who_take_it() {
        let table = [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip;q=0.0, *", false),
            ("gzip;q=0.001", true),
            ("identity", false),
            ("x-gzipper", false),
        ];
        for (accepted, packed) in table {
            let mut request = request(Method::GET, "/");
            request.headers_mut().insert(ACCEPT_ENCODING, accepted.parse().expect("a value"));
            let page = respond(&request).expect("a page");
            assert_eq!(page.header("Content-Encoding"), packed.then_some("gzip"), "{accepted}");
            assert_eq!((page.body.starts_with(&[0x1f, 0x8b]), page.header("Vary")), (packed, Some("Accept-Encoding")));
            let content = if packed { unpack(&page.body) } else { Some(page.body.to_vec()) };
            assert_eq!(content.as_deref(), Some(&include_bytes!("page/index.html")[..]), "{accepted}");
            let plain = get("/");
            assert_eq!(page.header("ETag") == plain.header("ETag"), !packed);
        }
    }

    #[test]
    fn each_page_has_its_type_and_the_strict_headers() {
        let types = [("/", HTML), ("/style.css", CSS), ("/main.js", JS), ("/favicon.ico", SVG)];
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
    fn other_paths_and_methods() {
        assert_eq!(respond(&request(Method::GET, "/index.html/..")), None);
        assert_eq!(respond(&request(Method::POST, "/none")), None);
        assert_eq!(get("/?token=x").status, 200);
        let post = respond(&request(Method::POST, "/")).expect("an answer");
        assert_eq!((post.status, post.header("Allow")), (405, Some("GET, HEAD")));
    }

    #[test]
    fn a_known_version_is_not_sent_again() {
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
