//! The thread of one WebSocket: connect, handshake, messages, and the end.

use super::handshake::{Accepted, Request, read_response};
use super::state::{Event, ReadyState, Stage, State};
use super::{Error, builder::Builder, dial::dial, url::Target};
use crate::ws::connection::{Connection, DisconnectReason, PeerInfo, Reader, Role, Transport, WriteReactor};
use crate::ws::handshake_stream::HandshakeStream;
use crate::ws::peer::next_id;
use crate::ws::tls::Connector;
use crossbeam_channel::{Receiver, Sender};
use log::{debug, error, trace};
use std::{io, io::ErrorKind, mem, net::TcpStream, sync::Arc, thread, time::Instant};

/// What the thread works with. When it is dropped, it sends the last events. So `Close` also follows a panic.
pub(super) struct Task {
    pub(super) target: Target,
    pub(super) settings: Builder,
    pub(super) state: Arc<State>,
    pub(super) cancelled: Receiver<()>,
    pub(super) events: Sender<Event>,
    /// The last event and the error before it, if there is one. At first: those after a panic.
    pub(super) end: (Option<Error>, Event),
}

/// 1006: the Close frame is missing (RFC 6455 7.1.5).
pub(super) const ABNORMAL: Event = Event::Close { code: 1006, reason: String::new(), was_clean: false };

impl Task {
    /// The thread.
    pub(super) fn run(mut self) {
        self.end = match self.open() {
            Ok((connection, mut reader)) => {
                debug!("{}: open, subprotocol {:?}", self.state.url, self.state.protocol.get());
                self.send(Event::Open);
                // While the channel is full, nothing is read, so TCP slows the server down. When it has no receivers any
                // more, messages are dropped until the connection ends.
                while let Some(message) = reader.next() {
                    trace!("{}: {message:?}", self.state.url);
                    self.send(Event::Message(message));
                }
                last_events(connection.end())
            }
            Err(error) => (Some(error), ABNORMAL),
        };
    }

    fn open(&self) -> Result<(Arc<Connection>, Reader), Error> {
        let state = &self.state;
        let advance = |stage| state.advance(stage);
        let dialled = |stream: &Arc<TcpStream>| advance(Stage::Handshake(Arc::clone(stream)));
        let outcome = dial_and_shake_hands(&self.target, &self.settings, &self.cancelled, dialled);
        if state.ready_state() != ReadyState::Connecting {
            return Err(Error::Cancelled);
        }
        let (connection, reader) = outcome?;
        let deflate = connection.info().deflate;
        state.extensions.get_or_init(|| deflate.map(|deflate| deflate.to_string()).unwrap_or_default());
        state.protocol.get_or_init(|| connection.info().protocol.as_deref().map(str::to_owned));
        advance(Stage::Connected(Arc::clone(&connection)))?;
        Ok((connection, reader))
    }

    fn send(&self, event: Event) {
        let _ = self.events.send(event);
    }
}

/// From a URL to an open connection. `dialled` gets the socket before the handshakes.
///
/// # Errors
/// The connection failed, or `dialled` did.
pub(super) fn dial_and_shake_hands(
    target: &Target,
    settings: &Builder,
    cancelled: &Receiver<()>,
    dialled: impl FnOnce(&Arc<TcpStream>) -> Result<(), Error>,
) -> Result<(Arc<Connection>, Reader), Error> {
    let stream = Arc::new(dial(target, settings.connect_timeout, cancelled)?);
    let _ = stream.set_nodelay(true);
    dialled(&stream)?;
    let (Accepted { protocol, deflate, .. }, transport) = shake_hands(&stream, target, settings)?;
    let addr = stream.peer_addr().ok();
    let path = target.path().into();
    let info = PeerInfo { id: next_id(), addr, protocol: protocol.map(Arc::from), path, data: None, deflate };
    let reactor = WriteReactor::of_process().map_err(Error::Start)?;
    Ok(Connection::new(info, Role::Client, transport, Arc::new(settings.config.clone()), reactor))
}

/// The handshakes of TLS and of the WebSocket, within one deadline.
pub(crate) fn shake_hands(
    socket: &Arc<TcpStream>,
    target: &Target,
    settings: &Builder,
) -> Result<(Accepted, Transport), Error> {
    let deadline = Instant::now() + settings.config.handshake_timeout;
    let connector = settings.tls.as_ref().filter(|_| target.is_secure());
    let explain = |why| explain(why, target, settings, connector);
    let session = connector.map(|connector| connector.session(&target.host.name));
    let session = session.transpose().map_err(Error::Tls)?;
    let mut stream = HandshakeStream::start(socket, session, deadline).map_err(explain)?;
    let request = Request::new(target, &settings.protocols, &settings.headers, settings.deflate);
    stream.send(&request.bytes).map_err(explain)?;
    let response = read_response(&mut stream, &request, &settings.protocols);
    let mut accepted = response.map_err(|error| match error {
        Error::Connect(why) if matches!(why.kind(), ErrorKind::InvalidData | ErrorKind::TimedOut) => explain(why),
        error => error,
    })?;
    let (session, input) = stream.hand_over(mem::take(&mut accepted.input));
    Ok((accepted, Transport { stream: Arc::clone(socket), session, input }))
}

/// What a failure of the socket during the handshakes means.
fn explain(why: io::Error, target: &Target, settings: &Builder, connector: Option<&Connector>) -> Error {
    let host = target.host.to_string();
    match (why.kind(), connector) {
        (ErrorKind::WouldBlock | ErrorKind::TimedOut, _) => Error::HandshakeTimeout(settings.config.handshake_timeout),
        (ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset, Some(connector)) => {
            connector.explain(&why, &host).map_or(Error::Untrusted(host), Error::Tls)
        }
        _ => Error::Connect(why),
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if thread::panicking() {
            error!("a WebSocket's thread panicked; please report this");
        }
        self.state.set_closed();
        let (error, close) = mem::replace(&mut self.end, (None, ABNORMAL));
        debug!("{}: closed: {error:?}, {close:?}", self.state.url);
        if let Some(error) = error {
            self.send(Event::Error(error));
        }
        self.send(close);
    }
}

/// The last events of a connection: the error, if there is one, and `Close`.
fn last_events(reason: DisconnectReason) -> (Option<Error>, Event) {
    let error = match reason {
        DisconnectReason::ClosedByPeer { code, reason } => {
            return (None, Event::Close { code, reason, was_clean: true });
        }
        // The server did not reply to our Close frame in time.
        DisconnectReason::ClosedLocally { .. } => return (None, ABNORMAL),
        DisconnectReason::ProtocolViolation { code, detail: what } => Error::Failed { code, what },
        DisconnectReason::SlowReader => Error::Full,
        DisconnectReason::PingTimeout => Error::Silent,
        DisconnectReason::ConnectionLost | DisconnectReason::Panicked => Error::Lost,
    };
    (Some(error), ABNORMAL)
}
