//! The accept thread of a listener: admits connections and gives each to a thread. It must neither end nor spin when the
//! operating system runs out of descriptors or threads.

use super::handshake::{PendingHandshake, respond};
use super::{Shared, listener::Listener, rejection_log::Rejection, trusted_proxies::trusts};
use crate::ws::tcp::{RECEIVE_NOW, send_now};
use crate::ws::{
    config::Config, handshake, handshake_stream::HandshakeStream, http::Method, peer::next_id, session::ListenerMode,
};
use rustix::net::recv;
use std::io::{Error, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use std::{fs::File, sync::Arc, thread};

/// The pause when resources are exhausted. 50 attempts a second cost little.
const PAUSE: Duration = Duration::from_millis(20);

/// Rejected connections whose request is read first. More of them get their 503 at once, and may see a reset instead.
const MAX_POLITE: usize = 16;

/// How long such a request may take.
const POLITE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a client may take for its request during a shutdown.
const LAST_REQUESTS: Duration = Duration::from_millis(250);

/// The accept loop of one listener.
pub(super) struct AcceptLoop {
    /// Before `shared`, so that the port is free when the channel of events ends.
    pub(super) listener: Listener,
    pub(super) shared: Arc<Shared>,
    /// A descriptor kept in reserve. Closing it frees one, so that a connection can be accepted and rejected.
    pub(super) reserve: Option<File>,
}

impl AcceptLoop {
    /// Runs until the shutdown.
    pub(super) fn run(&mut self) {
        loop {
            if self.reserve.is_none() {
                self.reserve = File::open("/dev/null").ok();
            }
            match self.listener.accept(&self.shared.stop.0) {
                Ok(None) => {
                    // Clients that have just connected get a response: if the socket stays open for the next process, a restart
                    // refuses none.
                    if self.shared.registry.cut_handshakes(LAST_REQUESTS) {
                        thread::sleep(LAST_REQUESTS);
                        self.shared.registry.cut_handshakes(Duration::ZERO);
                    }
                    return;
                }
                Ok(Some((stream, addr))) => self.admit(stream, addr),
                Err(error) => match error.kind() {
                    // The client is gone already, another process has accepted it, or a signal arrived.
                    ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset => {}
                    ErrorKind::Interrupted | ErrorKind::WouldBlock => {}
                    _ => self.reject_one(&error),
                },
            }
        }
    }

    /// Gives the connection to a thread of the pool, or rejects it with 503.
    fn admit(&self, stream: TcpStream, addr: SocketAddr) {
        let (shared, mode, stream) = (Arc::clone(&self.shared), self.listener.mode.clone(), Arc::new(stream));
        let is_proxy = self.listener.is_unix || trusts(&shared.proxies, addr.ip());
        let permit = match shared.registry.admit(next_id(), &stream, addr.ip(), is_proxy, &shared.config) {
            Ok(permit) => permit,
            Err(why) => {
                shared.rejections.log(why, format_args!("rejected {addr} with 503: {why}"));
                return self.reject(&stream);
            }
        };
        if permit.has_cut_another {
            shared.rejections.log(Rejection::SlowRequest, format_args!("cut a handshake to admit {addr}"));
        }
        let deadline = Instant::now() + shared.config.handshake_timeout;
        let handshake =
            PendingHandshake { stream: Arc::clone(&stream), addr, is_proxy, mode, permit, shared, deadline };
        if let Err(error) = self.shared.threads.run(Box::new(move || serve(handshake))) {
            let rejections = &self.shared.rejections;
            rejections.log(Rejection::Exhausted, format_args!("rejected {addr} with 503: no thread: {error}"));
            thread::sleep(PAUSE);
            reject_now(&stream, &self.listener.mode);
        }
    }

    /// Responds with 503 on another thread, after the request. Without a thread it does not wait for the request.
    fn reject(&self, stream: &Arc<TcpStream>) {
        // The job holds nothing of `Shared`: the events of a server that ends do not wait for it.
        let (running, mode) = (Arc::clone(&self.shared.polite_rejections), self.listener.mode.clone());
        let is_allowed = Arc::strong_count(&running) <= MAX_POLITE + 1;
        let thread_stream = Arc::clone(stream);
        let job = move || {
            reject_politely(thread_stream, &mode);
            drop(running);
        };
        if !is_allowed || self.shared.threads.run(Box::new(job)).is_err() {
            reject_now(stream, &self.listener.mode);
        }
    }

    /// Without a free descriptor, nothing can be accepted: uses the reserve to reject one client.
    fn reject_one(&mut self, error: &Error) {
        let rejections = &self.shared.rejections;
        rejections.log(Rejection::Exhausted, format_args!("cannot accept: {error}; one client is rejected with 503"));
        drop(self.reserve.take());
        let accepted = self.listener.accept(&self.shared.stop.0);
        thread::sleep(PAUSE);
        if let Ok(Some((stream, _))) = accepted {
            reject_now(&stream, &self.listener.mode);
        }
    }
}

/// Serves a socket to its end, on the thread of the socket.
fn serve(mut handshake: PendingHandshake) {
    if let Some(accepted) = handshake.run() {
        let PendingHandshake { permit, shared, stream, .. } = handshake;
        drop(stream);
        (shared.handler)(accepted, permit, &shared);
    }
}

fn reject_politely(socket: Arc<TcpStream>, mode: &ListenerMode) {
    let Ok(session) = mode.session() else { return };
    let mut stream = HandshakeStream::new(socket, session, Instant::now() + POLITE_TIMEOUT);
    let request = handshake::read_request(&mut stream, &Config::default());
    let is_head = request.is_ok_and(|(request, _)| request.method() == Method::HEAD);
    if !stream.is_handshaking() {
        respond(&mut stream, mode.hsts, handshake::server_full(), is_head);
    }
}

/// Responds with 503 without blocking. A request that has arrived is read: unread bytes would cause a reset, which destroys the
/// response. A client that uses TLS gets no response.
fn reject_now(stream: &TcpStream, mode: &ListenerMode) {
    let mut request = [0; 1024];
    let _ = recv(stream, &mut request[..], RECEIVE_NOW);
    if mode.tls.is_none() {
        let _ = send_now(stream, &handshake::server_full().to_bytes(request.starts_with(b"HEAD ")));
    }
}
