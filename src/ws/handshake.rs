//! The opening of a connection: request head in; page, upgrade or refusal out.
//!
//! Owns the rules of RFC 6455 4.2 and RFC 9112 on who gets which answer. Knows sockets only as a
//! [`DeadlineRead`] of bytes, writes nothing, and knows no chat. docs/HANDSHAKE.md has the rules as a table.

pub(crate) mod fields;
mod head;
mod head_error;
mod parse;
mod redirect;
mod secrets;
mod transcript;
mod upgrade;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use log::error;
use tungstenite::http::{Version, header};

pub use head::{DeadlineRead, Limits, read_request};
pub use head_error::HeadError;
pub use redirect::redirect;

use crate::ws::access::{Access, Host, Refusal};
use crate::ws::http::{HttpHandler, Method, Request, Response};

/// What a server does with a request: its rules, as data.
#[derive(Clone)]
pub struct Policy {
    /// Who may come in. Default: [`Access::default`].
    pub access: Access,
    /// The subprotocols that this server knows (RFC 6455 1.9). Default: none.
    pub protocols: Vec<Arc<str>>,
    /// The paths at which a WebSocket handshake may arrive; it gets 404 elsewhere. Default: every path.
    pub endpoint: fn(&str) -> bool,
    /// What answers requests that are no handshakes. Default: nothing does.
    pub http_handler: Option<HttpHandler>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { access: Access::default(), protocols: Vec::new(), endpoint: |_path| true, http_handler: None }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("access", &self.access)
            .field("protocols", &self.protocols)
            .field("http_handler", &self.http_handler.is_some())
            .finish_non_exhaustive()
    }
}

/// The outcome of a handshake: what is sent back, and whether frames follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Negotiated {
    /// The handshake succeeded: send [`AcceptedHandshake::response`], then frames.
    Upgrade(AcceptedHandshake),
    /// A page or a refusal: send [`Response::to_bytes`] (only the head if the method was HEAD), then close.
    Response(Response),
}

/// A handshake that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedHandshake {
    /// The whole 101 response, ready to send.
    pub response: Vec<u8>,
    /// The selected subprotocol, which the response names.
    pub protocol: Option<Arc<str>>,
}

/// Applies all rules to a request. If it succeeds, the request gets its
/// [`HandshakeTranscript`](crate::ws::http::HandshakeTranscript) as an extension.
///
/// It also removes the secrets from the request: the value of `?token=` is replaced, and `Authorization`, `Cookie` and
/// `Proxy-Authorization` are marked sensitive. What remains may be logged or shown with `Debug`.
///
/// A panic in the HTTP handler is logged and answered with 500.
pub fn negotiate(request: &mut Request, policy: &Policy) -> Negotiated {
    let token = secrets::take_token(request);
    match judge(request, token.as_deref(), policy) {
        Ok(Verdict::Upgrade(protocol)) => upgrade(request, protocol).unwrap_or_else(Negotiated::Response),
        Ok(Verdict::Page) => Negotiated::Response(page(request, policy)),
        Err(refusal) => Negotiated::Response(refusal),
    }
}

/// What the rules of this server say.
enum Verdict {
    Page,
    Upgrade(Option<Arc<str>>),
}

/// The last check, that of the key, and the 101 answer.
fn upgrade(request: &mut Request, protocol: Option<Arc<str>>) -> Result<Negotiated, Response> {
    let accept = upgrade::accept(request.headers())?;
    let response = upgrade::answer(&accept, protocol.as_deref());
    transcript::complete(request, &response);
    Ok(Negotiated::Upgrade(AcceptedHandshake { response, protocol }))
}

/// Does it come with an access token, right or wrong?
pub fn offers_token(request: &Request) -> bool {
    secrets::offers_token(request)
}

/// The answer for an address that has sent too many wrong access tokens: 429.
#[must_use]
pub fn too_many_tokens() -> Response {
    Response::text(429, "Too many wrong access tokens came from this address; try again later.")
        .with("Retry-After", "10")
}

/// The answer for a connection that is one too many: 503.
#[must_use]
pub fn server_full() -> Response {
    Response::text(503, "This server is full; try again later.").with("Retry-After", "10")
}

/// Host, then the rest: a foreign `Host` gets neither page nor handshake.
fn judge(request: &Request, token: Option<&[u8]>, policy: &Policy) -> Result<Verdict, Response> {
    fields::no_body(request.headers())?;
    let host = host_of(request)?;
    if let Some(host) = &host {
        policy.access.check_host(host).map_err(refused)?;
    }
    if !upgrade::is_wanted(request.headers()) {
        return Ok(Verdict::Page);
    }
    let Some(host) = host else {
        return Err(upgrade::old_version());
    };
    upgrade::check_request(request, policy)?;
    let protocol = upgrade::choose_protocol(request.headers(), &policy.protocols)?;
    check_origin(request, &host, &policy.access)?;
    policy.access.check_token(token).map_err(refused)?;
    Ok(Verdict::Upgrade(protocol))
}

/// The host that the request is for; `None` only with HTTP/1.0, which knew no `Host`.
/// The one of an absolute target wins over the header, which must be there all the same (RFC 9112 3.2).
fn host_of(request: &Request) -> Result<Option<Host>, Response> {
    let invalid = || bad_request("Host must be a host name or an IP address, and a port where there is one.");
    let header = match fields::single(request.headers(), header::HOST) {
        Ok(Some(value)) => Some(value.to_str().ok().and_then(Host::parse).ok_or_else(invalid)?),
        Ok(None) if request.version() == Version::HTTP_10 => None,
        Ok(None) => return Err(bad_request("Host is missing.")),
        Err(_) => return Err(bad_request("Host is given more than once.")),
    };
    match request.uri().authority() {
        Some(authority) => Host::parse(authority.as_str()).map(Some).ok_or_else(invalid),
        None => Ok(header),
    }
}

fn check_origin(request: &Request, host: &Host, access: &Access) -> Result<(), Response> {
    let origin = fields::single(request.headers(), header::ORIGIN)
        .map_err(|_| bad_request("Origin is given more than once."))?;
    // Bytes that are no text are no origin either.
    let origin = origin.map(|value| value.to_str().unwrap_or_default());
    access.check_origin(origin, host).map_err(refused)
}

/// What a request gets that wants no upgrade.
fn page(request: &Request, policy: &Policy) -> Response {
    if let Some(response) = policy.http_handler.as_ref().and_then(|handler| handle(request, handler)) {
        return response;
    }
    if !(policy.endpoint)(request.uri().path()) {
        return not_found("Nothing is at this path.");
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return upgrade::required("This is a WebSocket server; connect to it with ws:// or a WebSocket client.");
    }
    not_allowed("GET")
}

/// The handler is the user's code: a panic in it fails this request only.
fn handle(request: &Request, handler: &HttpHandler) -> Option<Response> {
    catch_unwind(AssertUnwindSafe(|| handler(request))).unwrap_or_else(|_| {
        error!("the HTTP handler panicked: {} {:?}", request.method(), request.uri().path());
        Some(Response::text(500, "This server has a bug; its log says more."))
    })
}

fn refused(refusal: Refusal) -> Response {
    let response = Response::text(refusal.status(), refusal.to_string());
    match refusal.status() {
        401 => response.with("WWW-Authenticate", "Bearer"),
        _ => response,
    }
}

fn bad_request(sentence: &str) -> Response {
    Response::text(400, sentence)
}

fn not_found(sentence: &str) -> Response {
    Response::text(404, sentence)
}

fn not_allowed(allow: &'static str) -> Response {
    Response::text(405, format!("Only {allow} is possible here.")).with("Allow", allow)
}
