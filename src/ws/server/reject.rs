//! Rejects connections that get no thread of their own, with 503.

use super::{Shared, handshake::respond};
use crate::ws::{
    config::Config, handshake, handshake_stream::HandshakeStream, http::Method, tcp::send_now, tls::ListenerMode,
};
use rustix::net::{RecvFlags, recv};
use std::{
    net::{Shutdown, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

/// Rejected connections whose request is read first. More of them get their 503 at once, and may see a reset instead.
const MAX_POLITE: usize = 16;

/// How long such a request may take.
const POLITE_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads the request on another thread and responds with 503. Without a thread it does not wait for the request.
pub(super) fn reject(stream: Arc<TcpStream>, mode: Option<ListenerMode>, shared: &Shared) {
    // Each job holds a clone.
    if Arc::strong_count(&shared.polite_rejections) <= MAX_POLITE {
        let running = Arc::clone(&shared.polite_rejections);
        // The job holds nothing of `Shared`: the events of a server that ends do not wait for it.
        let (thread_stream, thread_mode) = (Arc::clone(&stream), mode.clone());
        let job = move || {
            reject_politely(&thread_stream, thread_mode.as_ref());
            drop(running);
        };
        if shared.threads.run(job).is_ok() {
            return;
        }
    }
    reject_now(&stream, mode.as_ref(), Duration::ZERO);
}

fn reject_politely(stream: &TcpStream, mode: Option<&ListenerMode>) {
    let deadline = Instant::now() + POLITE_TIMEOUT;
    let Ok(session) = mode.map_or(Ok(None), ListenerMode::session) else { return };
    if let Ok(mut stream) = HandshakeStream::start(stream, session, deadline) {
        let request = handshake::read_request(&mut stream, &Config::default());
        let is_head = request.is_ok_and(|(request, _)| request.method() == Method::HEAD);
        respond(&mut stream, &handshake::server_full(), is_head);
    }
}

/// Responds with 503 without blocking, except to wait for the request if `timeout` is not zero. A request that has arrived is
/// read: unread bytes would cause a reset, which destroys the response.
pub(super) fn reject_now(stream: &TcpStream, mode: Option<&ListenerMode>, timeout: Duration) {
    if !timeout.is_zero() {
        let _ = stream.set_read_timeout(Some(timeout)).and_then(|()| stream.peek(&mut [0]));
    }
    let mut request = [0; 1024];
    let _ = recv(stream, &mut request[..], RecvFlags::DONTWAIT);
    let _ = match mode.and_then(ListenerMode::busy_alert) {
        None => send_now(stream, &handshake::server_full().to_bytes(request.starts_with(b"HEAD "))),
        Some(alert) => send_now(stream, alert),
    };
    let _ = stream.shutdown(Shutdown::Write);
    let _ = recv(stream, &mut [0; 1024][..], RecvFlags::DONTWAIT);
}
