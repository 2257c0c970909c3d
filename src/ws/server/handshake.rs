//! From an accepted socket to a WebSocket, or to an HTTP response. Reading the request and writing a response have deadlines.

use super::{
    Event, HttpRequest, Responder, Shared, listener::Listener, registry::Permit, rejection_log::Rejection,
    trusted_proxies, wake_guard::WakeGuard,
};
use crate::ws::error::Visible;
use crate::ws::{
    config::Config,
    connection::Transport,
    handshake::{self, HeadError, Negotiated, Upgrade, body},
    handshake_stream::{self, HandshakeStream},
    http::{self, ClientAddr, Request, Response},
    tls::{ListenerMode, Session},
};
use log::{debug, warn};
use std::{
    fmt, io,
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex, Once, PoisonError},
    time::{Duration, Instant},
};
use tungstenite::http::{
    Version,
    header::{ACCEPT, EXPECT},
};

/// How long the client may take to read a response that is not an upgrade.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The period in which an address may open as many WebSockets as it may have open at once.
const OPENING_PERIOD: Duration = Duration::from_secs(10);

/// A handshake that succeeded. Its 101 response is still to be sent.
pub(super) struct AcceptedHandshake {
    /// The address of the client. Behind a trusted proxy: the address that the proxy names, and port 0.
    pub(super) addr: SocketAddr,
    pub(super) request: Box<Request>,
    pub(super) upgrade: Upgrade,
    /// For a stream in place of a WebSocket.
    pub(super) keepalive: Option<&'static [u8]>,
    pub(super) transport: Transport,
}

/// A connection before its handshake is done.
pub(super) struct PendingHandshake<'a> {
    pub(super) stream: &'a Arc<TcpStream>,
    pub(super) addr: SocketAddr,
    pub(super) listener: &'a Listener,
    pub(super) permit: &'a mut Permit,
    pub(super) shared: &'a Shared,
    /// For the request, TLS included.
    pub(super) deadline: Instant,
}

impl<'a> PendingHandshake<'a> {
    /// Reads and judges the request, and responds unless it opens a connection. `None`: the connection is over.
    // Not inlined, like a few others on the connection's thread: their frames would stay on the stack while it waits for
    // messages. Measured: 15.6 KiB for an idle connection instead of 11.7.
    #[inline(never)]
    pub(super) fn run(mut self) -> Option<AcceptedHandshake> {
        let mut stream = self.start_tls()?;
        let (mut request, input) = self.read_request(&mut stream)?;
        let (upgrade, keepalive) = match self.judge(&mut request) {
            Ok(Negotiated::Upgrade(upgrade)) => (upgrade, None),
            Ok(Negotiated::Stream { protocol, keepalive }) => {
                (Upgrade { response: Vec::new(), protocol: Some(protocol.into()), data: None }, Some(keepalive))
            }
            other => {
                self.answer(&mut stream, request, input, other);
                return None;
            }
        };
        let (session, input) = stream.hand_over(input);
        let transport = Transport { stream: Arc::clone(self.stream), session, input };
        Some(AcceptedHandshake { addr: self.addr, request, upgrade, keepalive, transport })
    }

    /// Responds to a request that does not open a connection.
    #[inline(never)] // As `run`.
    fn answer(
        &self,
        stream: &mut HandshakeStream<'_>,
        request: Box<Request>,
        input: Vec<u8>,
        negotiated: Result<Negotiated, Response>,
    ) {
        let (is_head, is_json) = (request.method() == "HEAD", http::accepts(&request, &ACCEPT, "application/json"));
        let response = match negotiated {
            Ok(Negotiated::Request(length)) => self.ask(stream, request, length, input),
            Ok(Negotiated::Response(response)) | Err(response) => response,
            Ok(_) => return,
        };
        let response = if is_json { response.refusal_as_json() } else { response };
        respond(stream, &response, is_head);
    }

    /// The TLS handshake, on a TLS port.
    fn start_tls(&self) -> Option<HandshakeStream<'a>> {
        let session = self.listener.mode.as_ref().map_or(Ok(None), ListenerMode::session).ok()?;
        if session.is_none() {
            return Some(HandshakeStream::plain(self.stream));
        }
        // A TLS record begins with neither; the PROXY protocol begins with either.
        let is_plain = |first: u8| first.is_ascii_alphabetic() || first == b'\r';
        if handshake_stream::peek(self.stream, self.deadline).is_some_and(is_plain) {
            self.log(Rejection::PlainOnTlsPort, format_args!("400 plain HTTP on a TLS port"));
            reject_plain(self.stream, self.deadline);
            return None;
        }
        let stream = HandshakeStream::start(self.stream, session, self.deadline);
        stream.inspect_err(|error| self.log_tls_failure(error)).ok()
    }

    /// Reads the request, or responds to an invalid one.
    fn read_request(&self, stream: &mut HandshakeStream<'_>) -> Option<(Box<Request>, Vec<u8>)> {
        let error = match handshake::read_request(stream, &self.shared.config, self.deadline) {
            Ok(head) => return Some(head),
            Err(error) => error,
        };
        let kind = match error {
            HeadError::Tls => Rejection::TlsOnPlainPort,
            HeadError::Deadline => Rejection::SlowRequest,
            _ => Rejection::InvalidRequest,
        };
        match error.response() {
            Some(response) => {
                self.log(kind, format_args!("{} {error}", response.status));
                respond(stream, &response, false);
            }
            None => debug!("{}: {error}", self.addr),
        }
        None
    }

    /// Applies all rules in order: redirect, trusted proxies, wrong tokens, the handshake, and the rate of openings.
    ///
    /// # Errors
    /// The response, if the request is not a handshake or is rejected.
    fn judge(&mut self, request: &mut Request) -> Result<Negotiated, Response> {
        self.check_redirect(request)?;
        self.apply_proxy(request)?;
        request.extensions_mut().insert(ClientAddr(self.addr));
        let policy = &self.shared.policy;
        policy.access.check_address(self.addr.ip()).map_err(|refusal| {
            let response = refusal.into();
            self.log_response(request, &response);
            response
        })?;
        let offers_token = policy.access.requires_token() && handshake::offers_token(request);
        let negotiated = handshake::negotiate(request, policy);
        let is_wrong = matches!(&negotiated, Negotiated::Response(response) if response.status == 401);
        // After the check and before its result is sent: parallel guesses are counted one after another.
        let delay = if offers_token { self.check_wrong_tokens(is_wrong)? } else { Duration::ZERO };
        match negotiated {
            Negotiated::Upgrade(ref upgrade) => {
                self.check_opening_rate()?;
                self.log_unknown_protocols(request, upgrade.protocol.as_deref());
                Ok(negotiated)
            }
            Negotiated::Stream { .. } => self.check_opening_rate().map(|()| negotiated),
            Negotiated::Request(_) => Ok(negotiated),
            Negotiated::Response(response) => {
                self.log_response(request, &response);
                if !delay.is_zero() {
                    self.permit.delay();
                    self.shared.registry.sleep(delay);
                }
                Err(response)
            }
        }
    }

    /// Reads the body, and waits for the response of the program.
    #[inline(never)] // As `run`.
    fn ask(&self, stream: &mut HandshakeStream<'_>, request: Box<Request>, length: usize, input: Vec<u8>) -> Response {
        let body = match self.read_body(stream, &request, length, input) {
            Ok(body) => body,
            Err(response) => {
                self.log_response(&request, &response);
                return response;
            }
        };
        // From here on the client has nothing to do, so the connection no longer counts as a handshake.
        self.permit.delay();
        let deadline = Instant::now() + self.shared.config.handshake_timeout;
        let (guard, waiter) = WakeGuard::new();
        let response = Arc::new(Mutex::new(None));
        let responder = Responder { response: Arc::clone(&response), _wake: guard };
        let (id, addr) = (self.permit.id(), self.addr);
        let is_exempt = self.shared.config.is_exempt(addr.ip());
        let event = Event::Request(Box::new(HttpRequest { id, addr, is_exempt, head: request, body, responder }));
        if self.shared.events.send_deadline(event, deadline).is_ok() {
            waiter.wait(Some(deadline));
        }
        let response = response.lock().unwrap_or_else(PoisonError::into_inner).take();
        let response = response.unwrap_or_else(handshake::no_response);
        debug!("request {id} from {addr}: answered {}", response.status);
        response
    }

    fn read_body(
        &self,
        stream: &mut HandshakeStream<'_>,
        request: &Request,
        length: usize,
        input: Vec<u8>,
    ) -> Result<Vec<u8>, Response> {
        body::check_size(length, self.shared.config.max_message_size)?;
        // curl waits for this before it sends a long body (RFC 9110 10.1.1).
        let is_expected = http::list_contains(request.headers(), &EXPECT, "100-continue");
        if is_expected && input.is_empty() && request.version() == Version::HTTP_11 {
            // If it fails, reading fails as well.
            let _ = stream.write_until(b"HTTP/1.1 100 Continue\r\n\r\n", self.deadline);
        }
        body::read_body(stream, input, length, self.deadline)
    }

    fn check_redirect(&self, request: &Request) -> Result<(), Response> {
        let Some(https_port) = self.listener.mode.as_ref().and_then(ListenerMode::https_port) else { return Ok(()) };
        let response = handshake::redirect(request, &self.shared.policy.access, https_port);
        self.log_response(request, &response);
        Err(response)
    }

    /// Behind a trusted proxy, the limits per address apply to the address that the proxy names. The clients of a unix socket
    /// are trusted: its mode says who they are.
    #[inline(never)] // As `run`.
    fn apply_proxy(&mut self, request: &Request) -> Result<(), Response> {
        if !self.listener.is_unix && !self.shared.proxies.trusts(self.addr.ip()) {
            self.warn_about_ignored_proxy(request);
            return Ok(());
        }
        if let Some(ip) = self.shared.proxies.client_of(request) {
            self.addr = SocketAddr::new(ip, 0);
        }
        let counted = self.permit.count_for(self.addr.ip(), &self.shared.config);
        counted.map_err(|rejection| self.reject_with_503(rejection, rejection))
    }

    /// Logs once how to trust a proxy on this machine. Clients of a proxy that is not trusted share the limits of one address.
    fn warn_about_ignored_proxy(&self, request: &Request) {
        static ONCE: Once = Once::new();
        let ip = self.addr.ip().to_canonical();
        if ip.is_loopback() && trusted_proxies::names_a_client(request) {
            ONCE.call_once(|| {
                warn!(
                    "X-Forwarded-For and Forwarded from {ip} are ignored; if a proxy of yours sends them, start the server \
                     with --trusted-proxy {ip} (in code: Builder::trusted_proxies)"
                );
            });
        }
    }

    /// An address that offered too many wrong tokens gets 429, even for the right one. Otherwise a wrong token is counted, and
    /// the delay of its response returned: until the responses before it to the same address are sent.
    fn check_wrong_tokens(&self, is_wrong: bool) -> Result<Duration, Response> {
        let (ip, interval, now) = (self.addr.ip(), self.shared.config.wrong_token_delay, Instant::now());
        let limiter = &self.shared.wrong_tokens;
        let delay = match is_wrong {
            true => limiter.try_count(ip, interval, now),
            false => limiter.allows(ip, interval, now).then_some(Duration::ZERO),
        };
        delay.ok_or_else(|| {
            self.log(Rejection::WrongTokens, format_args!("429, too many wrong access tokens"));
            handshake::too_many_tokens()
        })
    }

    /// Limits how often an address opens WebSockets, so that a new connection does not evade the limits of the last one.
    fn check_opening_rate(&self) -> Result<(), Response> {
        let (ip, limit) = (self.addr.ip(), self.shared.config.max_connections_per_address);
        if limit == 0 || self.shared.config.is_exempt(ip) {
            return Ok(());
        }
        let interval = OPENING_PERIOD / u32::try_from(limit).unwrap_or(u32::MAX);
        match self.shared.openings.try_count(ip, interval, Instant::now()) {
            Some(_) => Ok(()),
            None => Err(self.reject_with_503(Rejection::ConnectionsPerAddress, "it opens WebSockets too often")),
        }
    }

    fn reject_with_503(&self, kind: Rejection, why: impl fmt::Display) -> Response {
        self.shared.rejections.log(kind, format_args!("rejected {} with 503: {why}", self.addr));
        handshake::server_full()
    }

    fn log(&self, kind: Rejection, message: fmt::Arguments<'_>) {
        self.shared.rejections.log(kind, format_args!("{}: {message}", self.addr));
    }

    fn log_tls_failure(&self, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                self.log(Rejection::SlowRequest, format_args!("the TLS handshake timed out"));
            }
            _ => self.log(Rejection::TlsHandshake, format_args!("the TLS handshake failed: {error}")),
        }
    }

    #[inline(never)] // As `run`.
    fn log_response(&self, request: &Request, response: &Response) {
        let (addr, status, method, path) = (self.addr, response.status, request.method(), request.uri().path());
        match status {
            401 | 403 | 421 => {
                let body = String::from_utf8_lossy(&response.body);
                self.log(Rejection::AccessDenied, format_args!("{status} {}", Visible(body.trim_end())));
            }
            _ => debug!("{addr}: {method} {path:?} answered {status}"),
        }
    }

    /// A client that offers only unknown subprotocols gets none (RFC 6455 4.2.2). A browser then ends the connection.
    fn log_unknown_protocols(&self, request: &Request, chosen: Option<&str>) {
        if chosen.is_none() {
            for names in request.headers().get_all("Sec-WebSocket-Protocol") {
                debug!("{}: no known subprotocol among {names:?}", self.addr);
            }
        }
    }
}

/// Responds in plain text, which is what this client understands.
fn reject_plain(stream: &TcpStream, deadline: Instant) {
    let mut stream = HandshakeStream::plain(stream);
    let request = handshake::read_request(&mut stream, &Config::default(), deadline);
    let is_head = request.as_ref().is_ok_and(|(request, _)| request.method() == "HEAD");
    let response = match request {
        Err(error @ HeadError::ProxyProtocol) => error.response(),
        _ => None,
    };
    let wrong_port = || Response::text(400, "This port speaks TLS; use https:// or wss:// here.");
    respond(&mut stream, &response.unwrap_or_else(wrong_port), is_head);
}

/// Sends a whole HTTP response and ends the connection, in a way that lets the client read the response.
pub(super) fn respond(stream: &mut HandshakeStream<'_>, response: &Response, head_only: bool) {
    let deadline = Instant::now() + RESPONSE_TIMEOUT;
    let bytes = match stream.session.as_ref().and_then(Session::hsts) {
        None => response.to_bytes(head_only),
        Some(seconds) => {
            let hsts = format!("max-age={seconds}");
            response.clone().with("Strict-Transport-Security", hsts).to_bytes(head_only)
        }
    };
    if stream.write_until(&bytes, deadline).is_ok() {
        stream.hang_up(deadline);
    }
}
