//! A WebSocket client on tungstenite. Each read has a deadline.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use tungstenite::client::ClientRequestBuilder;
use tungstenite::handshake::HandshakeError;
use tungstenite::http::Uri;
use tungstenite::{Error, Message, WebSocket};

use super::DEADLINE;

/// One connection to a server under test.
#[derive(Debug)]
pub struct Client {
    socket: WebSocket<Deadlined>,
    protocol: Option<String>,
    seen: Vec<String>,
}

impl Client {
    /// Connects and offers `protocols`, the preferred one first. An empty list sends no such header.
    #[track_caller]
    pub fn connect(addr: SocketAddr, protocols: &[&str]) -> Client {
        match Client::try_connect(addr, protocols, &[]) {
            Ok(client) => client,
            Err(error) => panic!("the handshake with {addr} for {protocols:?} failed: {error}"),
        }
    }

    /// Connects with more header fields, such as `Origin`. An HTTP refusal is `Error::Http`.
    pub fn try_connect(addr: SocketAddr, protocols: &[&str], headers: &[(&str, &str)]) -> Result<Client, Error> {
        Client::try_enter(addr, "/", protocols, headers)
    }

    /// Connects to a path, with or without a query, such as a room's. Offers `chinwag.v1`.
    #[track_caller]
    pub fn enter(addr: SocketAddr, target: &str) -> Client {
        match Client::try_enter(addr, target, &["chinwag.v1"], &[]) {
            Ok(client) => client,
            Err(error) => panic!("the handshake with {addr} at {target} failed: {error}"),
        }
    }

    /// Connects to a path, with more header fields.
    pub fn try_enter(
        addr: SocketAddr,
        target: &str,
        protocols: &[&str],
        headers: &[(&str, &str)],
    ) -> Result<Client, Error> {
        let uri: Uri = format!("ws://{addr}{target}").parse().expect("an address and a path make a URI");
        let mut request = ClientRequestBuilder::new(uri);
        for protocol in protocols {
            request = request.with_sub_protocol(*protocol);
        }
        for (name, value) in headers {
            request = request.with_header(*name, *value);
        }
        let stream = Deadlined::connect(addr)?;
        let (socket, response) = match tungstenite::client(request, stream) {
            Ok(done) => done,
            Err(HandshakeError::Failure(error)) => return Err(error),
            Err(HandshakeError::Interrupted(_)) => {
                return Err(Error::Io(io::ErrorKind::TimedOut.into()));
            }
        };
        let protocol = response.headers().get("Sec-WebSocket-Protocol");
        let protocol = protocol.map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned());
        Ok(Client { socket, protocol, seen: Vec::new() })
    }

    /// The subprotocol that the server chose.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// This client's own address, as the server sees it.
    pub fn addr(&self) -> SocketAddr {
        self.socket.get_ref().stream.local_addr().expect("a connected socket has an address")
    }

    /// The socket, for tests of clients that misbehave.
    pub fn stream(&self) -> &TcpStream {
        &self.socket.get_ref().stream
    }

    /// Sends one message of any kind.
    #[track_caller]
    pub fn send(&mut self, message: Message) {
        self.allow(DEADLINE);
        if let Err(error) = self.socket.send(message) {
            panic!("could not send: {error}; {}", self.history());
        }
    }

    /// Sends one text message.
    #[track_caller]
    pub fn say(&mut self, text: &str) {
        self.send(Message::text(text));
    }

    /// Sends one JSON object as a text message.
    #[track_caller]
    pub fn say_json(&mut self, object: &Value) {
        self.say(&object.to_string());
    }

    /// Signs in with `json` or `chinwag.v1`, and reads up to the `username` that confirms it.
    #[track_caller]
    pub fn sign_in(&mut self, name: &str) -> Value {
        self.say_json(&serde_json::json!({"type": "username", "name": name}));
        self.wait_for("username")
    }

    /// The next message, including Pings and Pongs. `Err` is the end of the connection.
    pub fn try_next(&mut self) -> Result<Message, Error> {
        self.allow(DEADLINE);
        self.socket.read()
    }

    /// The next text message.
    #[track_caller]
    pub fn next_text(&mut self) -> String {
        match self.next_data() {
            Message::Text(text) => text.as_str().to_owned(),
            other => panic!("expected a text, got {other:?}; {}", self.history()),
        }
    }

    /// The next text message, read as JSON.
    #[track_caller]
    pub fn next_json(&mut self) -> Value {
        let text = self.next_text();
        match serde_json::from_str(&text) {
            Ok(value) => value,
            Err(error) => panic!("not JSON: {text:?}: {error}; {}", self.history()),
        }
    }

    /// The next object, which must be of type `kind`.
    #[track_caller]
    pub fn expect(&mut self, kind: &str) -> Value {
        let object = self.next_json();
        assert_eq!(object["type"], kind, "{}", self.history());
        object
    }

    /// The next object of type `kind`. Skips other messages.
    #[track_caller]
    pub fn wait_for(&mut self, kind: &str) -> Value {
        self.wait_until(kind, |object| object["type"] == kind)
    }

    /// The next object for which `matches` is true. Skips other messages.
    #[track_caller]
    pub fn wait_until(&mut self, what: &str, matches: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + DEADLINE;
        loop {
            let object = self.next_json();
            if matches(&object) {
                return object;
            }
            assert!(Instant::now() < until, "no {what} within {DEADLINE:?}; {}", self.history());
        }
    }

    /// Skips messages up to the server's Close frame. Returns its code and reason; 1005 is a Close without a code.
    #[track_caller]
    pub fn wait_for_close(&mut self) -> (u16, String) {
        loop {
            match self.next_data() {
                Message::Close(None) => return (1005, String::new()),
                Message::Close(Some(frame)) => {
                    return (frame.code.into(), frame.reason.as_str().to_owned());
                }
                _ => {}
            }
        }
    }

    /// After a Close frame, the server must close the TCP connection with a FIN, not a reset.
    #[track_caller]
    pub fn wait_for_end(&mut self) {
        match self.try_next() {
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => {}
            other => panic!("expected the end of the connection, got {other:?}; {}", self.history()),
        }
    }

    /// Sends Close with `code`. Returns the code and reason of the server's Close.
    #[track_caller]
    pub fn close(&mut self, code: u16) -> (u16, String) {
        let frame = tungstenite::protocol::CloseFrame { code: code.into(), reason: "".into() };
        self.allow(DEADLINE);
        if let Err(error) = self.socket.close(Some(frame)) {
            panic!("could not send Close: {error}; {}", self.history());
        }
        self.wait_for_close()
    }

    /// The next message that is neither a Ping nor a Pong.
    #[track_caller]
    fn next_data(&mut self) -> Message {
        loop {
            match self.try_next() {
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(message) => {
                    self.seen.push(message.to_string());
                    return message;
                }
                Err(error) => panic!("no further message: {error}; {}", self.history()),
            }
        }
    }

    fn allow(&mut self, time: Duration) {
        self.socket.get_mut().until = Instant::now() + time;
    }

    /// The last messages, for the report of a failing test.
    fn history(&self) -> String {
        let last = self.seen.len().saturating_sub(8);
        format!("the last of {} messages: {:#?}", self.seen.len(), &self.seen[last..])
    }
}

/// A stream with one deadline for a whole operation, which may take several reads.
#[derive(Debug)]
pub(super) struct Deadlined {
    pub(super) stream: TcpStream,
    pub(super) until: Instant,
}

impl Deadlined {
    pub(super) fn connect(addr: SocketAddr) -> io::Result<Deadlined> {
        let stream = TcpStream::connect_timeout(&addr, DEADLINE)?;
        stream.set_nodelay(true)?;
        Ok(Deadlined { stream, until: Instant::now() + DEADLINE })
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Deadlined {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.stream.set_read_timeout(Some(self.left()?))?;
            match self.stream.read(buffer) {
                // A machine that stops its processes for a while interrupts their system calls.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

impl Write for Deadlined {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
