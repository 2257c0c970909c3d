//! The client page: its embedded files, and how they are served.

use miniz_oxide::inflate::decompress_to_vec;
use tungstenite::http::header::{ACCEPT, ACCEPT_ENCODING, IF_NONE_MATCH};

use crate::ws::http::{Method, Request, Response, TokenCheck, accepts, list_elements, media_type};

/// Name, version and gzip form of each file of the page. `build.rs` writes this list.
static FILES: &[(&str, &str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// Bytes before the compressed data, in files of `build.rs` (RFC 1952 2.3).
const GZIP_HEADER: usize = 10;

/// Everything comes from this server and nothing is inline. Connections may go anywhere, so that users can try other servers.
const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; manifest-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Answers GET and HEAD requests for the files of the page, and other methods with 405. `/token` answers whether the
/// request has the access token. `None` if there is nothing at the path. The signature is that of
/// [`HttpHandler`](crate::ws::http::HttpHandler).
pub fn respond(request: &Request) -> Option<Response> {
    match request.uri().path() {
        "/" => serve(request, "index.html"),
        // The page has one address, so that browsers store it once.
        "/index.html" | "/room.html" => None,
        // Browsers request this path on their own.
        "/favicon.ico" => serve(request, "icon.svg"),
        "/token" => Some(check_token(request)),
        path => serve(request, path.strip_prefix('/')?),
    }
}

/// Answers with 404 and a link to the lobby if a browser asks for a page; `None` for other programs. The link is relative,
/// because a proxy may have removed the first part of the path.
pub fn not_found(request: &Request) -> Option<Response> {
    if !accepts(request, &ACCEPT, "text/html") || !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let lobby = "../".repeat(request.uri().path().matches('/').count().saturating_sub(1));
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>404</title>\
        <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"./{lobby}style.css\">\
        <main class=\"lost\"><h1>Nothing is here.</h1><p>A room's address ends in /room/ and a name of 1 to 64 visible \
        characters.<p lang=\"ko\">이 주소에는 아무것도 없습니다. 대화방의 주소는 /room/과 보이는 글자 1~64자의 이름으로 끝납니다.\
        <p><a href=\"./{lobby}\">To the lobby · 로비로</a></main>"
    );
    Some(with_security(Response::html(404, body)))
}

/// Browsers hide from a page why its WebSocket was refused, so the page asks here: 204, or the refusal (401).
fn check_token(request: &Request) -> Response {
    let refusal = request.extensions().get::<TokenCheck>().and_then(|TokenCheck(result)| result.clone().err());
    refusal.unwrap_or_else(|| Response::empty(204)).with("Cache-Control", "no-store")
}

/// Answers with the file of this name: `room.html` is the page of a room, whose path is one folder below the lobby's. Otherwise like
/// [`respond`].
pub fn serve(request: &Request, name: &str) -> Option<Response> {
    let (_, version, gzip) = FILES.iter().find(|(file, ..)| *file == name)?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Some(Response::method_not_allowed());
    }
    let is_versioned = request.uri().query().and_then(|query| query.strip_prefix("v=")) == Some(*version);
    // A file at the address with its version never changes. Others are revalidated each time, so that a new version of the
    // server shows its new page at once.
    let caching = if is_versioned { "public, max-age=31536000, immutable" } else { "no-cache" };
    let is_compressed = accepts(request, &ACCEPT_ENCODING, "gzip");
    // The compressed form is a representation of its own (RFC 9110 8.8.3.3).
    let tag = format!("\"{version}{}\"", if is_compressed { "-gzip" } else { "" });
    let response = match is_compressed {
        _ if is_known(request, &tag) => Response::empty(304),
        true => Response { body: (*gzip).into(), ..Response::empty(200) }.with("Content-Encoding", "gzip"),
        false => Response { body: plain(gzip).into(), ..Response::empty(200) },
    };
    // The pages of the course have no ending.
    let kind = if name.contains('.') { media_type(name.as_ref()) } else { "text/html; charset=utf-8" };
    let response = response.with("Content-Type", kind).with("X-Content-Type-Options", "nosniff");
    let response = response.with("Cache-Control", caching).with("ETag", tag).with("Vary", "Accept-Encoding");
    Some(with_security(response))
}

/// Whether the client has this version already. Weak tags match as well (RFC 9110 13.1.2).
fn is_known(request: &Request, tag: &str) -> bool {
    list_elements(request.headers(), &IF_NONE_MATCH)
        .any(|known| known == b"*" || known.strip_prefix(b"W/").unwrap_or(known) == tag.as_bytes())
}

fn with_security(response: Response) -> Response {
    response
        .with("Content-Security-Policy", SECURITY_POLICY)
        .with("Cross-Origin-Resource-Policy", "same-origin")
        .with("Referrer-Policy", "no-referrer")
}

/// Decompressed for each request: almost all browsers and libraries accept gzip.
fn plain(gzip: &[u8]) -> Vec<u8> {
    decompress_to_vec(gzip.get(GZIP_HEADER..).unwrap_or_default()).unwrap_or_default()
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

    fn content(path: &str) -> String {
        String::from_utf8(get(path).body.into_owned()).expect("text")
    }

    #[test]
    fn scripts_and_styles_are_joined_without_comments() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/chat/page");
        let (script, later) = (content("/page.js"), content("/inspector.js"));
        let styles = [content("/style.css"), content("/inspector.css")];
        for entry in std::fs::read_dir(folder).expect("the folder of the page") {
            let file = entry.expect("a file").path();
            let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
            match name.rsplit_once('.').expect("an ending") {
                (_, "js") => {
                    let part = format!("const {} = ", name.replace(['-', '.'], "_"));
                    assert_eq!([&script, &later].iter().filter(|script| script.contains(&part)).count(), 1, "{name}");
                }
                (_, "css" | "html") => {}
                _ => assert_eq!(get(&format!("/{name}")).body, std::fs::read(&file).expect("its content"), "{name}"),
            }
        }
        assert!(later.contains("'WebSocket' in window // "), "a comment in a string");
        for text in [script, later] {
            assert!(!text.contains("\n//") && !text.contains("import "));
        }
        assert!(styles[0].starts_with(":root") && styles[1].contains("#inspector"));
        assert!(styles.iter().all(|style| !style.contains("*/")));
    }

    #[test]
    fn addresses_are_relative_and_have_versions_that_never_change() {
        let room = serve(&request(Method::GET, "/room/x"), "room.html").expect("the page of a room");
        let rooms = String::from_utf8(room.body.into_owned()).expect("text");
        for (page, folder) in [(content("/"), ""), (rooms, "../")] {
            let (_, rest) = page.split_once(&format!("src=\"{folder}page.js?v=")).expect("a relative address");
            let version = rest.split('"').next().expect("a version");
            for (query, caching) in [
                (format!("?v={version}"), "public, max-age=31536000, immutable"),
                ("?v=0".to_owned(), "no-cache"),
                (String::new(), "no-cache"),
            ] {
                let file = get(&format!("/page.js{query}"));
                assert_eq!(file.header("Cache-Control"), Some(caching), "{query}");
            }
            assert!(!page.contains("=\"/") && !page.contains("<!--"), "{page}");
        }
        for file in ["inspector.js", "inspector.css", "inspector.html"] {
            let script = content("/page.js");
            let (_, rest) = script.split_once(&format!("'./{file}?v=")).expect("a versioned address");
            let query = rest.split('\'').next().expect("a version");
            let caching = get(&format!("/{file}?v={query}")).header("Cache-Control").map(str::to_owned);
            assert!(caching.is_some_and(|caching| caching.ends_with("immutable")), "{file}");
        }
        assert_eq!(get("/").header("Cache-Control"), Some("no-cache"));
    }

    #[test]
    fn token_is_checked_by_a_request() {
        for (check, status) in [(Ok(()), 204), (Err(Response::empty(401)), 401)] {
            let mut request = request(Method::GET, "/token");
            request.extensions_mut().insert(TokenCheck(check));
            let answer = respond(&request).expect("an answer");
            assert_eq!((answer.status, answer.header("Cache-Control")), (status, Some("no-store")));
        }
    }

    #[test]
    fn browser_gets_a_page_with_a_link_for_404() {
        for (path, lobby) in [("/nowhere", "\"./\""), ("/room/", "\"./../\""), ("/room/a/b", "\"./../../\"")] {
            let mut browser = request(Method::GET, path);
            assert_eq!(not_found(&browser), None, "{path}: not a browser");
            browser.headers_mut().insert(ACCEPT, "text/html, text/plain;q=0.8".parse().expect("a value"));
            let answer = not_found(&browser).expect("a page");
            assert!(answer.status == 404 && String::from_utf8_lossy(&answer.body).contains(lobby), "{path}");
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
            let content = if is_compressed { super::plain(&page.body).into() } else { page.body.clone() };
            let plain = get("/");
            assert_eq!(content, plain.body, "{accepted}");
            assert_eq!(page.header("ETag") == plain.header("ETag"), !is_compressed);
        }
    }

    #[test]
    fn file_has_its_content_type_and_strict_headers() {
        let types = [
            ("/", "text/html; charset=utf-8"),
            ("/style.css", "text/css; charset=utf-8"),
            ("/page.js", "text/javascript; charset=utf-8"),
            ("/manifest.webmanifest", "application/manifest+json"),
            ("/favicon.ico", "image/svg+xml"),
            ("/icon-192.png", "image/png"),
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
        let two_slashes = "//page.js";
        for path in ["/index.html", "/room.html", "/index.html/..", "/page", "/main.js", two_slashes] {
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
