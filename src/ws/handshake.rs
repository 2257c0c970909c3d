//! The server's side of an HTTP request and of the WebSocket handshake: a request head in, a response out.
//!
//! The rules are RFC 6455 4.2 and RFC 9112. They do not use sockets: the server sends the [`Response`] or the frames.
//! docs/HANDSHAKE.md lists them as a table.

mod accept;
pub(crate) mod body;
pub(crate) mod head;
mod redirect;
mod request;
mod request_line;
mod secrets;
mod transcript;
pub(crate) mod upgrade;

use std::{fmt, sync::Arc, time::Duration};
use tungstenite::http::header::{HOST, ORIGIN};
use tungstenite::http::{HeaderName, Version};

use accept::{bug, catch};

pub use accept::{Accept, AcceptHook, Data, Upgrade};
pub use head::HeadError;
pub(crate) use redirect::redirect;
pub use request::read_request;
pub(crate) use secrets::offers_token;

use crate::ws::access::{Access, Host};
use crate::ws::deflate::Agreement;
#[cfg(feature = "deflate")]
use crate::ws::deflate::Deflate;
use crate::ws::http::{
    ALLOWED_METHODS, HttpHandler, Method, Request, Response, Route, Router, ShowedAdminToken, TokenCheck,
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
    /// Decides about handshakes that have passed all other checks. Default: all are accepted.
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
#[inline(never)] // As `apply_rules`.
pub fn negotiate(request: &mut Request, policy: &Policy) -> Negotiated {
    let token = secrets::take_token(request, policy.access.has_tokens());
    if policy.access.is_admin_token(token.as_deref()) {
        request.extensions_mut().insert(ShowedAdminToken);
    }
    request.extensions_mut().insert(TokenCheck(policy.access.check_token(token.as_deref())));
    let outcome = catch(request, || apply_rules(request, policy));
    // Not among the rules, because a thread keeps every stack page: their frame must not lie below the parser of origins.
    let handshake = outcome.and_then(|(host, key, protocol)| {
        check_client(request, &host, &policy.access)?;
        let ask = |ask: &AcceptHook| catch(request, || Ok(ask(request)?));
        Ok((policy.accept.as_ref().map_or_else(|| Ok(Accept::new()), ask)?, key, protocol))
    });
    handshake.map_or_else(|other| other, |accepted| conclude(request, policy, accepted))
}

/// The 101 response of an accepted handshake.
#[inline(never)] // As `apply_rules`.
fn conclude(
    request: &mut Request,
    _policy: &Policy,
    (accept, key, protocol): (Accept, String, Option<Arc<str>>),
) -> Negotiated {
    #[cfg(feature = "deflate")]
    if let Some(agreement) = _policy.deflate.and_then(|deflate| deflate.accept(request.headers())) {
        request.extensions_mut().insert(agreement);
    }
    match accept.into_upgrade(request, &key, protocol) {
        Ok(upgrade) => {
            transcript::record_response(request, &upgrade.response);
            Negotiated::Upgrade(upgrade)
        }
        Err(why) => bug(request, &format!("the answer of Builder::accept is wrong: {why}")).into(),
    }
}

impl From<Response> for Negotiated {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}

/// The rules, in their order. A foreign `Host` gets neither a page nor a handshake. Returns the host, the value of
/// `Sec-WebSocket-Accept` and the subprotocol of a handshake. [`check_client`] is left.
///
/// # Errors
/// What happens to every other request.
#[inline(never)] // Its frame of 1 KiB must not lie below those that format the 101 response: one page more per connection.
fn apply_rules(request: &Request, policy: &Policy) -> Result<(Host, String, Option<Arc<str>>), Negotiated> {
    let headers = request.headers();
    let length = body::length(headers)?;
    let host = accepted_host(request, &policy.access)?;
    if !upgrade::is_requested(headers) {
        return Err(without_upgrade(request, length, host.as_ref(), policy)?);
    }
    check_no_body(length)?;
    let host = host.ok_or_else(upgrade::old_version)?;
    let key = upgrade::check(request, policy)?;
    Ok((host, key, upgrade::select_protocol(headers, &policy.protocols)?))
}

/// The agreement on compression that the response names.
pub(crate) fn agreement(request: &Request) -> Option<Agreement> {
    request.extensions().get().cloned()
}

/// A request that is not a handshake. The program, or else the HTTP handler, has the response.
fn without_upgrade(
    request: &Request,
    length: usize,
    host: Option<&Host>,
    policy: &Policy,
) -> Result<Negotiated, Response> {
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
                    let (protocol, keepalive) = (Some(protocol.into()), Some(keepalive));
                    return Ok(Negotiated::Upgrade(Upgrade { protocol, keepalive, ..Upgrade::default() }));
                }
            }
        }
    };
    // Health checks ask with OPTIONS, of which handlers need to know nothing.
    if response.status == 405 && request.method() == Method::OPTIONS {
        let allowed = response.header("Allow").unwrap_or(ALLOWED_METHODS).to_owned();
        return Ok(Response::empty(204).with("Allow", allowed).into());
    }
    if response.status < 400 {
        check_no_body(length)?;
    }
    Ok(response.into())
}

/// Only a request for the program has a body: otherwise, whatever follows the head can only be frames.
fn check_no_body(length: usize) -> Result<(), Response> {
    if length == 0 {
        return Ok(());
    }
    Err(bad_request("This request cannot have a body: Content-Length must be 0 or left out."))
}

/// Not parsed for each request: the parser of names needs a deep stack.
static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether this client may open a connection, or send a request to the program.
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
fn accepted_host(request: &Request, access: &Access) -> Result<Option<Host>, Response> {
    let parse = |text: &str| {
        let invalid = |_| bad_request("Host must be a host name or an IP address, with an optional port.");
        Host::parse(text).map_err(invalid)
    };
    let host = match single_field(request.headers(), &HOST) {
        Ok(Some(value)) => Some(parse(value.to_str().unwrap_or_default())?),
        Ok(None) if request.version() == Version::HTTP_10 => None,
        Ok(None) => return Err(bad_request("Host is missing.")),
        Err(()) => return Err(bad_request("Host is given more than once.")),
    };
    let target = request.uri().authority().map(|authority| parse(authority.as_str())).transpose()?;
    let host = target.or(host);
    host.as_ref().map_or(Ok(()), |host| access.check_host(host))?;
    Ok(host)
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

/// The response to a client whose address has sent too many wrong access tokens: 429.
#[must_use]
pub(crate) fn too_many_tokens() -> Response {
    try_later(429, "Too many wrong access tokens from this address. Try again later.")
}

/// The response to a request for which the program had none in time: 503.
pub(crate) fn no_response() -> Response {
    try_later(503, "The server did not respond in time. Try again later.")
}

/// The response to a client that exceeds a limit on connections: 503.
#[must_use]
pub fn server_full() -> Response {
    try_later(503, "This server is full. Try again later.")
}

fn try_later(status: u16, sentence: &str) -> Response {
    Response::text(status, sentence).with("Retry-After", "10")
}

fn bad_request(sentence: &str) -> Response {
    Response::text(400, sentence)
}
