//! The connections of the load generator, on one thread and non-blocking.

use crate::args::Args;
use mio::{Events, Interest, Poll, Token, Waker, event::Event, net::TcpStream};
use std::{
    io::{self, ErrorKind},
    net::{SocketAddr, ToSocketAddrs},
    time::Duration,
};
use tungstenite::{
    Error, Message, WebSocket,
    client::ClientRequestBuilder,
    handshake::HandshakeError,
    http::Uri,
    protocol::{CloseFrame, WebSocketConfig},
};

/// The timeout of connecting and of the handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// All connections.
pub(crate) struct Clients {
    poll: Poll,
    events: Events,
    clients: Vec<WebSocket<TcpStream>>,
}

impl Clients {
    /// Connects all clients, one after the other.
    pub(crate) fn connect(args: &Args) -> Result<Clients, String> {
        #[cfg(unix)]
        allow_files(args.clients)?;
        let addr = resolve(&args.url)?;
        let poll = Poll::new().map_err(|error| format!("cannot poll: {error}"))?;
        let mut clients = Vec::with_capacity(args.clients);
        for nth in 0..args.clients {
            let mut client = connect(&args.url, addr).map_err(|why| format!("client {nth} cannot connect: {why}"))?;
            let interests = Interest::READABLE | Interest::WRITABLE;
            let registered = poll.registry().register(client.get_mut(), Token(nth), interests);
            registered.map_err(|error| format!("client {nth}: {error}"))?;
            clients.push(client);
        }
        Ok(Clients { poll, events: Events::with_capacity(1024), clients })
    }

    /// Ends a [`wait`](Self::wait) early.
    pub(crate) fn waker(&self) -> Result<Waker, String> {
        Waker::new(self.poll.registry(), Token(usize::MAX)).map_err(|error| format!("cannot poll: {error}"))
    }

    /// Waits until a socket is ready, at most `timeout`. Returns the clients that are ready, and whether to read or to flush.
    pub(crate) fn wait(&mut self, timeout: Duration) -> Result<Vec<(usize, bool)>, String> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(format!("cannot poll: {error}")),
            _ => {}
        }
        // On Windows, a socket that is read in vain becomes writable again.
        let must_read = |event: &Event| event.is_readable() || event.is_read_closed() || event.is_error();
        let ready = self.events.iter().map(|event| (event.token().0, must_read(event)));
        Ok(ready.filter(|(nth, _)| *nth < self.clients.len()).collect())
    }

    /// Reads all messages that have arrived for a client, and writes what it still has to send.
    pub(crate) fn read(&mut self, nth: usize, mut receive: impl FnMut(&str)) -> Result<(), String> {
        loop {
            match self.clients[nth].read() {
                Ok(Message::Text(text)) => receive(text.as_str()),
                Ok(Message::Close(frame)) => return Err(closed(nth, frame)),
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(format!("client {nth} lost its connection: {error}")),
            }
        }
        self.flush(nth)
    }

    /// Sends a text. What the socket does not accept is sent later.
    pub(crate) fn send(&mut self, nth: usize, text: String) -> Result<(), String> {
        match self.clients[nth].write(Message::text(text)) {
            Ok(()) => self.flush(nth),
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(format!("client {nth} cannot send: {error}: the server does not read")),
        }
    }

    /// Writes what a client still has to send.
    pub(crate) fn flush(&mut self, nth: usize) -> Result<(), String> {
        match self.clients[nth].flush() {
            Ok(()) => Ok(()),
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(format!("client {nth} cannot send: {error}")),
        }
    }

    /// Closes all connections.
    pub(crate) fn close(&mut self) {
        for client in &mut self.clients {
            // An error means that the connection is closed.
            let _ = client.close(None).and_then(|()| client.flush());
        }
    }
}

/// Raises the limit of open files as far as possible. Windows has none.
#[cfg(unix)]
fn allow_files(clients: usize) -> Result<(), String> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    // Those besides the connections, with some to spare.
    let needed = clients as u64 + 32;
    let bounds = getrlimit(Resource::Nofile);
    // On failure, the present limit may still be enough.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: bounds.maximum, maximum: bounds.maximum });
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if needed <= allowed {
        return Ok(());
    }
    Err(format!("--clients {clients}: only {allowed} open files are allowed here; raise that with ulimit -n"))
}

fn resolve(url: &Uri) -> Result<SocketAddr, String> {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_u16().unwrap_or(80);
    let mut found = (host, port).to_socket_addrs().map_err(|error| format!("{url}: {error}"))?;
    found.next().ok_or_else(|| format!("{url}: no such address"))
}

fn connect(url: &Uri, addr: SocketAddr) -> Result<WebSocket<TcpStream>, String> {
    let no_response = || format!("no response to the handshake within {CONNECT_TIMEOUT:?}");
    let with_hint = |error: io::Error| format!("{error}; is a chinwag listening at {addr}?");
    let stream = std::net::TcpStream::connect_timeout(&addr, CONNECT_TIMEOUT).map_err(with_hint)?;
    stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(CONNECT_TIMEOUT))).map_err(with_hint)?;
    let request = ClientRequestBuilder::new(url.clone()).with_sub_protocol("chinwag.v1");
    // tungstenite's default is 128 KiB for each connection.
    let config = WebSocketConfig::default().read_buffer_size(4096).max_write_buffer_size(16 * 1024 * 1024);
    match tungstenite::client::client_with_config(request, TcpStream::from_std(stream), Some(config)) {
        Ok((client, _)) => {
            rustix::io::ioctl_fionbio(client.get_ref(), true).map_err(|error| with_hint(error.into()))?;
            Ok(client)
        }
        // Windows' kind of a read timeout.
        Err(HandshakeError::Failure(Error::Io(error))) if error.kind() == ErrorKind::TimedOut => Err(no_response()),
        Err(HandshakeError::Failure(error)) => Err(refused(error)),
        Err(HandshakeError::Interrupted(_)) => Err(no_response()),
    }
}

/// Why the handshake was refused, and what to do.
fn refused(error: Error) -> String {
    let Error::Http(response) = error else { return error.to_string() };
    let body = response.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    let refusal = format!("{}: {}", response.status(), body.trim());
    match response.status().as_u16() {
        503 => format!(
            "{refusal} It is a bound of the server (--no-limits, or --limit connections=N and per-address=N), \
             or its open files or threads; its log names it"
        ),
        _ => refusal,
    }
}

/// Why the server closed a connection, from the status code (RFC 6455 7.4).
fn closed(nth: usize, frame: Option<CloseFrame>) -> String {
    let Some(frame) = frame else { return format!("the server closed client {nth}") };
    let hint = match u16::from(frame.code) {
        1001 => "it is shutting down",
        1008 => "too fast, or too many errors, for its bounds; run it with --no-limits, or with --limit rate=0",
        1009 => "--text is over its bound on messages; raise that with --limit message=N",
        1013 => "this client reads too slowly; lower --rate, or raise --limit outbox=N",
        _ => "this is unexpected",
    };
    format!("the server closed client {nth}: {} {} ({hint})", u16::from(frame.code), frame.reason)
}
