//! From an accepted socket to a WebSocket, or to an HTTP response. Reading the request and writing a response have deadlines.

use super::{Event, HttpRequest, Responder, Shared, registry::Permit, rejection_log::Rejection, trusted_proxies};
use crate::ws::handshake::{self, HeadError, Negotiated, Upgrade, body};
use crate::ws::http::{self, ClientAddr, ClientCertificates, Request, Response, ShowedAdminToken};
use crate::ws::{
    connection::BufferedStream, error::Visible, handshake_stream::HandshakeStream, queue::queue,
    rate_limiter::AddressLimiter, session::ListenerMode, spawn::lock,
};
use log::{debug, warn};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};
use std::{fmt, mem};
use tungstenite::http::Version;
use tungstenite::http::header::{ACCEPT, EXPECT};

/// How long the client may take to read a response that is not an upgrade.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Wrong access tokens that an address may offer at once. After that, every token gets 429.
const MAX_WRONG_TOKENS: u64 = 8;

/// The period in which an address may open as many WebSockets as it may have open at once.
const OPENING_PERIOD: Duration = Duration::from_secs(10);

/// A handshake that succeeded. Its 101 response is still to be sent.
pub(super) struct AcceptedHandshake {
    /// The address of the client. Behind a trusted proxy: the address that the proxy names, and port 0.
    pub(super) addr: SocketAddr,
    pub(super) request: Box<Request>,
    pub(super) upgrade: Upgrade,
    pub(super) stream: Box<BufferedStream>,
}

/// A connection before its handshake is done.
pub(super) struct PendingHandshake {
    pub(super) stream: Arc<TcpStream>,
    pub(super) addr: SocketAddr,
    /// Whether the socket is that of a trusted proxy, which names the client in its request.
    pub(super) is_proxy: bool,
    pub(super) mode: ListenerMode,
    pub(super) permit: Permit,
    pub(super) shared: Arc<Shared>,
    /// For the request, TLS included.
    pub(super) deadline: Instant,
}

impl PendingHandshake {
    /// Reads and judges the request, and responds unless it opens a connection. `None`: the connection is over.
    // Not inlined, like a few others on the connection's thread: their frames would stay on the stack while it waits for
    // messages. Measured: 15.6 KiB for an idle connection instead of 11.7.
    #[inline(never)]
    pub(super) fn run(&mut self) -> Option<Box<AcceptedHandshake>> {
        let mut stream = self.start()?;
        let lacks_tls = self.mode.tls.is_some() && stream.stream.session.is_none();
        let (mut request, input) = match handshake::read_request(&mut stream, &self.shared.config) {
            Ok(head) => head,
            // `judge` names the better reason.
            Err(HeadError::Invalid(400, _)) if lacks_tls => Default::default(),
            Err(error) => {
                self.reject_head(&mut stream, &error);
                return None;
            }
        };
        if let Some(session) = stream.stream.session.as_ref().filter(|_| self.mode.tls.is_some()) {
            request.extensions_mut().insert(ClientCertificates(session.certificates()));
        }
        let asked = match self.judge(&mut request, lacks_tls) {
            Ok(Negotiated::Upgrade(upgrade)) => {
                let (addr, stream) = (self.addr, stream.into_inner(input));
                // A box, because the caller's frame stays.
                return Some(Box::new(AcceptedHandshake { addr, request, upgrade, stream }));
            }
            Ok(Negotiated::Request(length)) => Ok(length),
            Ok(Negotiated::Response(response)) | Err(response) => Err(response),
        };
        self.answer(&mut stream, request, input, asked);
        None
    }

    /// Responds to a request that does not open a connection: the program has the response if it asked for a body of that length.
    #[inline(never)] // As `run`.
    fn answer(
        &self,
        stream: &mut HandshakeStream,
        mut request: Box<Request>,
        input: Vec<u8>,
        asked: Result<usize, Response>,
    ) {
        let (is_head, is_json) = (request.method() == "HEAD", http::accepts(&request, &ACCEPT, "application/json"));
        let response = asked.and_then(|length| self.ask(stream, &mut request, length, input));
        let response = response.inspect_err(|refusal| self.log_response(&request, refusal));
        let response = response.unwrap_or_else(|refusal| refusal);
        let response = if is_json { response.refusal_as_json() } else { response };
        respond(stream, self.mode.hsts, response, is_head);
    }

    /// The stream of the socket, with TLS on a TLS port. A client that uses no TLS there gets a plain stream, to be told so.
    #[inline(never)] // As `run`.
    fn start(&self) -> Option<HandshakeStream> {
        let session = self.mode.session().ok()?;
        let mut stream = HandshakeStream::new(Arc::clone(&self.stream), session, self.deadline);
        // A TLS record begins with neither; the PROXY protocol begins with either.
        let is_plain = |first: &u8| first.is_ascii_alphabetic() || *first == b'\r';
        // If nothing can be received, reading the request says why.
        if self.mode.tls.is_some() && stream.receive().is_ok() {
            stream.stream.session.take_if(|_| stream.stream.received.front().is_some_and(is_plain));
        }
        Some(stream)
    }

    #[inline(never)] // As `run`.
    fn reject_head(&self, stream: &mut HandshakeStream, error: &HeadError) {
        // Nothing can be sent before the end of the TLS handshake.
        if stream.is_handshaking() {
            return self.log(Rejection::TlsHandshake, format_args!("no TLS handshake: {error}"));
        }
        let Some(response) = error.response() else { return debug!("{}: {error}", self.addr) };
        let kind = match error {
            HeadError::Tls => Rejection::TlsOnPlainPort,
            HeadError::Deadline => Rejection::SlowRequest,
            _ => Rejection::InvalidRequest,
        };
        self.log(kind, format_args!("{} {error}", response.status));
        respond(stream, self.mode.hsts, response, false);
    }

    /// Applies all rules in order: redirect, trusted proxies, bans, the handshake, wrong tokens, and the rate of openings.
    ///
    /// # Errors
    /// The response, if the request is refused.
    #[inline(never)] // As `run`.
    fn judge(&mut self, request: &mut Request, lacks_tls: bool) -> Result<Negotiated, Response> {
        if lacks_tls {
            self.log(Rejection::PlainOnTlsPort, format_args!("400 plain HTTP on a TLS port"));
            return Err(Response::text(400, "This port speaks TLS; use https:// or wss:// here."));
        }
        let access = &self.shared.policy.access;
        if let Some(https_port) = self.mode.https_port {
            return handshake::redirect(request, access, https_port).map(Negotiated::Response);
        }
        self.apply_proxy(request)?;
        request.extensions_mut().insert(ClientAddr(self.addr));
        let Shared { policy, wrong_tokens, openings, config, .. } = &*self.shared;
        policy.access.check_address(self.addr.ip())?;
        let offers_token = policy.access.has_tokens() && handshake::offers_token(request);
        let negotiated = handshake::negotiate(request, policy);
        if offers_token {
            // Counted before the result is sent, so that parallel guesses cannot exceed the limit together.
            let is_wrong = match &negotiated {
                Negotiated::Response(response) => response.status == 401,
                // Without an access token, the client is let in, but it may have guessed the token of operators.
                _ => !policy.access.requires_token() && request.extensions().get::<ShowedAdminToken>().is_none(),
            };
            let wait = self.charge(wrong_tokens, is_wrong, config.wrong_token_interval, MAX_WRONG_TOKENS);
            if wait > 0 {
                self.log(Rejection::WrongTokens, format_args!("too many wrong access tokens"));
                let sentence = "Too many wrong access tokens from this address. Try again later.";
                return Err(handshake::try_later(429, sentence, wait.div_ceil(1_000_000)));
            }
        }
        // A new connection must not evade the limits of the last one.
        let (opens, most) = (matches!(negotiated, Negotiated::Upgrade(_)), config.max_connections_per_address as u64);
        let interval = OPENING_PERIOD.div_f64(most.max(1) as f64);
        if opens && most > 0 && !config.is_exempt(self.addr.ip()) && self.charge(openings, true, interval, most) > 0 {
            return Err(self.server_full(Rejection::ConnectionsPerAddress));
        }
        Ok(negotiated)
    }

    /// How many microseconds one more event of the client's address must wait. If it need not, it is counted if asked for.
    fn charge(&self, limiter: &Mutex<AddressLimiter>, counts: bool, interval: Duration, burst: u64) -> u64 {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let (now, interval) = (micros(self.shared.started_at.elapsed()), micros(interval));
        let mut limiter = lock(limiter);
        limiter.charge(self.addr.ip(), counts.into(), now, interval, burst)
    }

    /// Reads the body, and waits for the response of the program, which takes the request.
    ///
    /// # Errors
    /// The response to a wrong body.
    #[inline(never)] // As `run`.
    fn ask(
        &self,
        stream: &mut HandshakeStream,
        request: &mut Box<Request>,
        length: usize,
        input: Vec<u8>,
    ) -> Result<Response, Response> {
        body::check_size(length, self.shared.config.max_message_size)?;
        // curl waits for this before it sends a long body (RFC 9110 10.1.1).
        let is_expected = http::list_contains(request.headers(), &EXPECT, "100-continue");
        if is_expected && input.is_empty() && request.version() == Version::HTTP_11 {
            // If it fails, reading fails as well.
            let _ = stream.send(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        let body = body::read_body(stream, input, length)?;
        // From here on the client has nothing to do, so the connection no longer counts as a handshake.
        self.permit.end_handshake();
        let deadline = Instant::now() + self.shared.config.handshake_timeout;
        let (sender, answer) = queue(1);
        let (id, addr, responder) = (self.permit.id, self.addr, Responder(sender));
        let is_exempt = self.shared.config.is_exempt(addr.ip());
        let head = mem::take(request);
        let event = Event::Request(Box::new(HttpRequest { id, addr, is_exempt, head, body, responder }));
        // If this fails, the event is dropped, and so is the sender.
        let _ = self.shared.events.send_deadline(event, deadline);
        let response = answer.pop(deadline.saturating_duration_since(Instant::now()));
        let late = || handshake::try_later(503, "The server did not respond in time. Try again later.", 10);
        let response = response.unwrap_or_else(late);
        debug!("request {id} from {addr}: answered {}", response.status);
        Ok(response)
    }

    /// Behind a trusted proxy, the limits per address apply to the address that the proxy names.
    #[inline(never)] // As `run`.
    fn apply_proxy(&mut self, request: &Request) -> Result<(), Response> {
        let named = trusted_proxies::client_of(request, &self.shared.proxies);
        if self.is_proxy {
            self.addr = named.map_or(self.addr, |ip| SocketAddr::new(ip, 0));
            let counted = self.permit.count_for(self.addr.ip(), &self.shared.config);
            return counted.map_err(|rejection| self.server_full(rejection));
        }
        // Clients of a proxy that is not trusted share the limits of one address.
        static ONCE: Once = Once::new();
        let ip = self.addr.ip().to_canonical();
        if named.is_some() && ip.is_loopback() {
            ONCE.call_once(|| {
                warn!(
                    "X-Forwarded-For from {ip} is ignored; if a proxy of yours sends it, start the server with \
                     --trusted-proxy {ip} (in code: Builder::trusted_proxies)"
                );
            });
        }
        Ok(())
    }

    fn server_full(&self, kind: Rejection) -> Response {
        self.log(kind, format_args!("rejected with 503: {kind}"));
        handshake::server_full()
    }

    fn log(&self, kind: Rejection, message: fmt::Arguments<'_>) {
        self.shared.rejections.log(kind, format_args!("{}: {message}", self.addr));
    }

    #[inline(never)] // As `run`.
    fn log_response(&self, request: &Request, response: &Response) {
        let (addr, status, method, path) = (self.addr, response.status, request.method(), request.uri().path());
        if let 401 | 403 | 421 = status {
            let body = String::from_utf8_lossy(&response.body);
            return self.log(Rejection::AccessDenied, format_args!("{status} {}", Visible(body.trim_end())));
        }
        debug!("{addr}: {method} {path:?} answered {status}");
    }
}

/// Sends a whole HTTP response and ends the connection, in a way that lets the client read the response.
pub(super) fn respond(stream: &mut HandshakeStream, hsts: Option<u32>, mut response: Response, head_only: bool) {
    stream.deadline = Instant::now() + RESPONSE_TIMEOUT;
    // Not to a client without TLS, although the port has it (RFC 6797 7.2).
    if let Some(seconds) = hsts.filter(|_| stream.stream.session.is_some()) {
        response = response.with("Strict-Transport-Security", format!("max-age={seconds}"));
    }
    if stream.send(&response.to_bytes(head_only)).is_ok() {
        stream.hang_up();
    }
}
