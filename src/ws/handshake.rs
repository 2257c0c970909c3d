//! The server's side of an HTTP request and of the WebSocket handshake: a request head in, a response out.
//!
//! The rules are RFC 6455 4.2 and RFC 9112. They do not use sockets: the server sends the [`Response`] or the frames.
//! docs/HANDSHAKE.md lists them as a table.

pub(crate) mod body;
pub(crate) mod head;
mod request;
mod secrets;
pub(crate) mod upgrade;

use log::error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{fmt, sync::Arc, time::Duration};
use tungstenite::http::header::{HOST, ORIGIN};
use tungstenite::http::{HeaderName, Version};

pub use head::HeadError;
pub use request::read_request;
pub(crate) use secrets::offers_token;
pub use upgrade::{Accept, AcceptHook, Data, Upgrade};

use crate::ws::access::{Access, Host};
#[cfg(feature = "deflate")]
use crate::ws::deflate::Deflate;
use crate::ws::http::{
    ALLOWED_METHODS, HttpHandler, Method, Request, Response, Route, Router, ShowedAdminToken, TokenCheck, date_line,
    list_contains, single_field,
};

/// What a server accepts, and how it responds to other requests.
#[derive(Clone, Default)]
pub struct Policy {
    /// Which hosts, origins and tokens are accepted. Default: [`Access::default`].
    pub access: Access,
    /// The subprotocols that this server supports (RFC 6455 1.9). Default: none.
    pub protocols: Vec<Arc<str>>,
    /// The paths that accept WebSocket handshakes. Elsewhere they get 404. Default: every path.
    pub endpoint: Option<Endpoint>,
    /// Decides about handshakes and streams that have passed all other checks. Default: all are accepted.
    pub accept: Option<AcceptHook>,
    /// What happens to requests that are not handshakes. When it returns `None`, they are for `http_handler`. Default: none.
    pub route: Option<Router>,
    /// Responds to the other requests. When it returns `None`, the response is 404. Without it, the response is
    /// 426 at an endpoint. Default: none.
    pub http_handler: Option<HttpHandler>,
    /// How long the 101 response waits, and the reply to the client's Close frame. Default: not at all.
    pub delay: Option<fn(&Request) -> Duration>,
    /// Agrees to compression with clients that offer it. Default: none.
    #[cfg(feature = "deflate")]
    pub deflate: Option<Deflate>,
}

/// Whether a path accepts WebSocket handshakes.
pub type Endpoint = Arc<dyn Fn(&str) -> bool + Send + Sync>;

impl Policy {
    fn is_endpoint(&self, request: &Request) -> bool {
        self.endpoint.as_ref().is_none_or(|is_endpoint| is_endpoint(request.uri().path()))
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("access", &self.access).finish_non_exhaustive()
    }
}

/// The outcome of a handshake: what is sent back, and whether frames follow.
#[derive(Debug)]
#[non_exhaustive]
pub enum Negotiated {
    /// The handshake succeeded: send the response, then frames. Or the program streams the response: [`Route::Stream`].
    Upgrade(Upgrade),
    /// The program responds, when the body of so many bytes was read: [`Route::Ask`].
    Request(usize),
    /// A page or a refusal: send [`Response::to_bytes`] (only the head if the method was HEAD), then close.
    Response(Response),
}

/// Applies all rules to a request. If it succeeds, [`HandshakeTranscript::of`](crate::http::HandshakeTranscript::of) has both
/// heads.
///
/// It also removes the secrets from the request: if an access token is required, the value of `?token=` is replaced, and
/// `Authorization`, `Cookie` and `Proxy-Authorization` are marked sensitive. What remains may be logged or shown with `Debug`.
///
/// A panic in the functions of the policy is logged and answered with 500.
///
/// ```
/// use chinwag::{Config, handshake::{Negotiated, Policy, negotiate, read_request}};
///
/// let mut bytes: &[u8] = b"GET /live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// let (mut request, first_frames) = read_request(&mut bytes, &Config::default())?;
/// let Negotiated::Upgrade(upgrade) = negotiate(&mut request, &Policy::default()) else { panic!("refused") };
/// assert!(upgrade.response.starts_with(b"HTTP/1.1 101 ") && first_frames.is_empty());
/// # Ok::<(), chinwag::handshake::HeadError>(())
/// ```
#[inline(never)] // As `apply_rules`.
pub fn negotiate(request: &mut Request, policy: &Policy) -> Negotiated {
    note_token(request, &policy.access);
    let outcome = catch_unwind(AssertUnwindSafe(|| apply_rules(request, policy)));
    let outcome = outcome.unwrap_or_else(|_| Err(bug(request, "the HTTP handler panicked")));
    let negotiated = outcome.unwrap_or_else(Negotiated::Response);
    if let Negotiated::Upgrade(upgrade) = &negotiated {
        request.extensions_mut().insert(secrets::ResponseHead(upgrade.response.clone()));
    }
    negotiated
}

/// Takes the access token out of the request, and keeps what it allows.
#[inline(never)] // See `apply_rules`.
fn note_token(request: &mut Request, access: &Access) {
    let token = secrets::take_token(request, access.has_tokens());
    if access.is_admin_token(token.as_deref()) {
        request.extensions_mut().insert(ShowedAdminToken);
    }
    request.extensions_mut().insert(TokenCheck(access.check_token(token.as_deref())));
}

/// The response if the user's code fails.
#[inline(never)] // See `apply_rules`.
fn bug(request: &Request, what: &str) -> Response {
    error!("{what}: {} {:?}", request.method(), request.uri().path());
    Response::text(500, "This server has a bug; its log says more.")
}

/// The rules, in their order. A foreign `Host` gets neither a page nor a handshake.
///
/// # Errors
/// The refusal.
// The functions that it calls are not inlined: a thread keeps every stack page, and their frames must not lie below those that
// format the 101 response.
fn apply_rules(request: &Request, policy: &Policy) -> Result<Negotiated, Response> {
    let length = body::length(request.headers())?;
    let host = accepted_host(request, &policy.access)?;
    if !upgrade::is_requested(request.headers()) {
        return no_upgrade(request, length, host.as_ref(), policy);
    }
    check_no_body(length)?;
    let host = host.as_ref().ok_or_else(upgrade::old_version)?;
    let key = upgrade::check(request, policy)?;
    let protocol = upgrade::select_protocol(request.headers(), &policy.protocols)?;
    check_client(request, host, &policy.access)?;
    let accept = policy.accept.as_ref().map_or_else(|| Ok(Accept::new()), |ask| ask(request))?;
    #[cfg(feature = "deflate")]
    let deflate = policy.deflate.and_then(|deflate| deflate.accept(request.headers()));
    #[cfg(not(feature = "deflate"))]
    let deflate = None;
    let upgrade = accept.into_upgrade(request.headers(), &key, protocol, deflate, &date_line());
    let wrong = |why| bug(request, &format!("the answer of Builder::accept is wrong: {why}"));
    upgrade.map(Negotiated::Upgrade).map_err(wrong)
}

/// A request that is not a handshake. The program, or else the HTTP handler, has the response.
#[inline(never)] // See `apply_rules`.
fn no_upgrade(request: &Request, length: usize, host: Option<&Host>, policy: &Policy) -> Result<Negotiated, Response> {
    let response = match policy.route.as_ref().and_then(|route| route(request)) {
        None => page(request, policy),
        Some(Route::Respond(response)) if response.status >= 400 => response,
        Some(route) => {
            let host = host.ok_or_else(|| bad_request("Host is missing."))?;
            check_client(request, host, &policy.access)?;
            match route {
                Route::Ask => return Ok(Negotiated::Request(length)),
                Route::Respond(response) => response,
                Route::Stream { protocol, keepalive } => {
                    check_no_body(length)?;
                    let data = policy.accept.as_ref().map_or(Ok(None), |ask| ask(request).map(|accept| accept.data))?;
                    let (protocol, keepalive) = (Some(protocol.into()), Some(keepalive));
                    return Ok(Negotiated::Upgrade(Upgrade { protocol, keepalive, data, ..Upgrade::default() }));
                }
            }
        }
    };
    // Health checks ask with OPTIONS, of which handlers need to know nothing.
    if response.status == 405 && request.method() == Method::OPTIONS {
        let allowed = response.header("Allow").unwrap_or(ALLOWED_METHODS).to_owned();
        return Ok(Negotiated::Response(Response::empty(204).with("Allow", allowed)));
    }
    if response.status < 400 {
        check_no_body(length)?;
    }
    Ok(Negotiated::Response(response))
}

/// Only a request for the program has a body: otherwise, whatever follows the head can only be frames.
#[inline(never)] // See `apply_rules`.
fn check_no_body(length: usize) -> Result<(), Response> {
    if length == 0 {
        return Ok(());
    }
    Err(bad_request("This request cannot have a body: Content-Length must be 0 or left out."))
}

/// Not parsed for each request: the parser of names needs a deep stack.
static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether this client may open a connection, or send a request to the program.
#[inline(never)] // See `apply_rules`.
fn check_client(request: &Request, host: &Host, access: &Access) -> Result<(), Response> {
    let origin =
        single_field(request.headers(), &ORIGIN).map_err(|()| bad_request("Origin is given more than once."))?;
    // Bytes that are not text are not an origin either.
    let origin = origin.map(|value| value.to_str().unwrap_or_default());
    // A form or an image of another site, from a browser that does not send the origin.
    let is_foreign = list_contains(request.headers(), &SEC_FETCH_SITE, "cross-site");
    access.check_origin(origin.or(is_foreign.then_some("null")), host)?;
    let token = request.extensions().get();
    token.map_or_else(|| access.check_token(None), |TokenCheck(result)| result.clone())
}

/// The host that the request is for, if this server accepts it. `None` only with HTTP/1.0, which had no `Host`.
///
/// The host of an absolute target wins, but the field is required all the same (RFC 9112 3.2).
#[inline(never)] // See `apply_rules`.
fn accepted_host(request: &Request, access: &Access) -> Result<Option<Host>, Response> {
    let parse = |text: &str| {
        let invalid = |_| bad_request("Host must be a host name or an IP address, with an optional port.");
        Host::parse(text).map_err(invalid)
    };
    let field = single_field(request.headers(), &HOST).map_err(|()| bad_request("Host is given more than once."))?;
    if field.is_none() && request.version() != Version::HTTP_10 {
        return Err(bad_request("Host is missing."));
    }
    let host = field.map(|value| parse(value.to_str().unwrap_or_default())).transpose()?;
    let target = request.uri().authority().map(|authority| parse(authority.as_str())).transpose()?;
    let host = target.or(host);
    host.as_ref().map_or(Ok(()), |host| access.check_host(host))?;
    Ok(host)
}

/// Redirects to the same path on that port, with 308 (RFC 9110 15.4.9). A request without an accepted host is refused, so
/// that a client is never sent to another server.
#[inline(never)] // See `apply_rules`.
pub(crate) fn redirect(request: &Request, access: &Access, https_port: u16) -> Result<Response, Response> {
    let host = accepted_host(request, access)?.ok_or_else(|| bad_request("Host is missing."))?;
    let host = Host { port: Some(https_port).filter(|port| *port != 443), ..host };
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let target = if target.starts_with('/') { target } else { "/" };
    let location = format!("https://{host}{target}");
    Ok(Response::text(308, format!("This server uses HTTPS: {location}")).with("Location", location))
}

/// The response to a request without an upgrade.
fn page(request: &Request, policy: &Policy) -> Response {
    let not_found = || Response::text(404, "Nothing is at this path.");
    match &policy.http_handler {
        // The whole server (RFC 9110 9.3.7).
        _ if request.uri().path() == "*" => Response::method_not_allowed(),
        Some(handler) => handler(request).unwrap_or_else(not_found),
        None if !policy.is_endpoint(request) => not_found(),
        None if !matches!(*request.method(), Method::GET | Method::HEAD) => Response::method_not_allowed(),
        None => upgrade::required("This is a WebSocket server. Connect to it with ws:// or a WebSocket client."),
    }
}

/// The response to a client that exceeds a limit on connections: 503.
pub fn server_full() -> Response {
    try_later(503, "This server is full. Try again later.", 10)
}

/// A response that may be another one after so many seconds.
pub(crate) fn try_later(status: u16, sentence: &str, seconds: u64) -> Response {
    Response::text(status, sentence).with("Retry-After", seconds.to_string())
}

fn bad_request(sentence: &str) -> Response {
    Response::text(400, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirected(host: &str, target: &str, port: u16) -> Response {
        let mut request = Request::new(());
        *request.uri_mut() = target.parse().expect("a target");
        request.headers_mut().insert("Host", host.parse().expect("a value"));
        redirect(&request, &Access::default(), port).unwrap_or_else(|refusal| refusal)
    }

    #[test]
    fn redirect_keeps_the_path_and_changes_the_port() {
        for (host, target, port, location) in [
            ("localhost", "/", 443, "https://localhost/"),
            ("LOCALHOST:80", "/a?b=c", 8443, "https://localhost:8443/a?b=c"),
            ("[::1]:8080", "/room/x%20y", 443, "https://[::1]/room/x%20y"),
            ("x", "http://127.0.0.1:1/y", 2, "https://127.0.0.1:2/y"),
            ("localhost", "*", 443, "https://localhost/"),
        ] {
            let response = redirected(host, target, port);
            assert_eq!((response.status, response.header("Location")), (308, Some(location)));
        }
    }

    #[test]
    fn redirect_never_leads_to_a_foreign_host() {
        for (host, status) in [("evil.example", 421), ("a b", 400), ("", 400)] {
            let response = redirected(host, "/", 443);
            assert_eq!((response.status, response.header("Location")), (status, None), "{host}");
        }
    }
}
