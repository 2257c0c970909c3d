//! The accept thread of a listener: admits connections and gives each to a thread. It must neither end nor spin when the
//! operating system runs out of descriptors or threads.

use super::{
    Shared,
    connection_task::ConnectionTask,
    handshake::PendingHandshake,
    registry::Permit,
    reject::{reject, reject_now},
    rejection_log::Rejection,
};
use crate::ws::peer::next_id;
use log::debug;
use rustix::io::Errno;
use std::{
    fs::File,
    io,
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

/// How long to wait for a place before the next attempt when resources are exhausted. 50 attempts a second cost little.
const PAUSE: Duration = Duration::from_millis(20);

/// A handshake that takes longer is cut if another client of the same network needs its place.
const SLOW_HANDSHAKE: Duration = Duration::from_millis(250);

/// The accept loop of one listener.
pub(super) struct AcceptLoop {
    shared: Arc<Shared>,
    index: usize,
    /// A descriptor kept in reserve. Closing it frees one, so that a connection can be accepted and rejected.
    reserve: Option<File>,
}

impl AcceptLoop {
    pub(super) fn new(shared: Arc<Shared>, index: usize) -> Self {
        Self { shared, index, reserve: open_reserve() }
    }

    /// Runs until the shutdown.
    pub(super) fn run(&mut self) {
        loop {
            let accepted = self.accept();
            if self.shared.registry.is_shut_down() {
                return;
            }
            match accepted {
                Ok((stream, addr)) if self.reserve.is_some() => self.admit(stream, addr),
                Ok((stream, addr)) => {
                    self.reject_exhausted(&stream, format_args!("rejected {addr} with 503: no descriptor left"));
                }
                Err(error) if is_temporary(&error) => debug!("accept: {error}"),
                Err(error) => {
                    self.shared.rejections.log(Rejection::Exhausted, format_args!("cannot accept: {error}"));
                    self.shared.registry.wait_for_place(PAUSE);
                }
            }
        }
    }

    /// Accepts a connection. `accept` fails at once if no descriptor is free, even if no client is waiting. Then this closes the
    /// reserve, waits for the next connection, and tries to get the reserve back.
    fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let listener = &self.shared.listeners[self.index];
        let mut accepted = listener.accept();
        if accepted.as_ref().is_err_and(is_exhausted) {
            drop(self.reserve.take());
            accepted = listener.accept();
        }
        if self.reserve.is_none() {
            self.reserve = open_reserve();
        }
        accepted
    }

    /// Gives the connection to a thread of the pool, or rejects it with 503.
    fn admit(&self, stream: TcpStream, addr: SocketAddr) {
        let (shared, index, stream) = (Arc::clone(&self.shared), self.index, Arc::new(stream));
        let permit = match self.permit(&stream, addr) {
            Ok(permit) => permit,
            Err(why) => {
                shared.rejections.log(why, format_args!("rejected {addr} with 503: {why}"));
                return reject(stream, index, &shared);
            }
        };
        let thread_stream = Arc::clone(&stream);
        let job = move || serve(thread_stream, addr, index, permit, &shared);
        if let Err(error) = self.shared.threads.run(job) {
            self.reject_exhausted(&stream, format_args!("rejected {addr} with 503: no thread: {error}"));
        }
    }

    /// A permit, if necessary at the expense of another handshake.
    fn permit(&self, stream: &Arc<TcpStream>, addr: SocketAddr) -> Result<Permit, Rejection> {
        let shared = &self.shared;
        // The address of a client behind a proxy is known only after its request was read.
        let is_proxy = shared.listeners[self.index].is_unix || shared.proxies.trusts(addr.ip());
        let id = next_id();
        let admit = || shared.registry.admit(id, stream, addr.ip(), is_proxy, &shared.config);
        match admit() {
            Err(Rejection::Handshakes) if shared.registry.cut_handshake_to_admit(addr.ip(), SLOW_HANDSHAKE) => {
                shared.rejections.log(Rejection::SlowRequest, format_args!("cut a handshake to admit {addr}"));
                admit()
            }
            result => result,
        }
    }

    fn reject_exhausted(&self, stream: &TcpStream, message: std::fmt::Arguments<'_>) {
        self.shared.rejections.log(Rejection::Exhausted, message);
        reject_now(stream, self.shared.listeners[self.index].mode.as_ref(), PAUSE);
        self.shared.registry.wait_for_place(PAUSE);
    }
}

/// Serves a socket to its end, on the thread of the socket.
fn serve(stream: Arc<TcpStream>, addr: SocketAddr, index: usize, mut permit: Permit, shared: &Arc<Shared>) {
    let listener = &shared.listeners[index];
    let deadline = Instant::now() + shared.config.handshake_timeout;
    let handshake = PendingHandshake { stream: &stream, addr, listener, permit: &mut permit, shared, deadline };
    if let Some(accepted) = handshake.run() {
        drop(stream);
        match &shared.handler {
            None => ConnectionTask::start(accepted, permit, shared).run(),
            Some(handler) => handler(accepted, permit, shared),
        }
    }
}

fn open_reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

fn errno(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw_os_error)
}

fn is_exhausted(error: &io::Error) -> bool {
    matches!(errno(error), Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
}

/// The client is gone already, another process has accepted it, or a signal arrived.
fn is_temporary(error: &io::Error) -> bool {
    matches!(errno(error), Some(Errno::CONNABORTED | Errno::INTR | Errno::AGAIN))
}
