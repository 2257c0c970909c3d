//! The thread of one WebSocket: dialling, handshake, messages, the end.
//!
//! Owns the order of events: `Open` first, `Close` once and last, a panic included.

use super::{
    Error, Event, ReadyState,
    answer::{self, Agreed, Failure},
    builder::Builder,
    dial::dial,
    event,
    request::Request,
    state::State,
    url::Target,
};
use crate::{
    ws::connection::{Connection, PeerInfo, Reader, Role, Transport, WriteReactor},
    ws::line::Line,
    ws::tls::{Connector, Session},
};
use crossbeam_channel::{Receiver, Sender};
use log::{debug, error, trace};
use std::{
    io::{self, ErrorKind},
    net::TcpStream,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

/// What the thread works with.
pub(super) struct Work {
    pub(super) target: Target,
    pub(super) settings: Arc<Builder>,
    pub(super) state: Arc<State>,
    pub(super) cancelled: Receiver<()>,
    pub(super) events: Sender<Event>,
}

impl Work {
    /// The thread.
    pub(super) fn run(self) {
        let (error, close) = match catch_unwind(AssertUnwindSafe(|| self.live())) {
            Ok(Ok(end)) => end,
            Ok(Err(error)) => (Some(error), event::abnormal()),
            Err(_) => {
                error!("a WebSocket's thread panicked; please report this");
                (Some(Error::Lost), event::abnormal())
            }
        };
        self.state.closed();
        debug!("{}: closed: {error:?}, {close:?}", self.state.url());
        if let Some(error) = error {
            self.tell(Event::Error(error));
        }
        self.tell(close);
    }

    /// From the first packet to the last: how it ended.
    fn live(&self) -> Result<(Option<Error>, Event), Error> {
        let (connection, reader) = self.open()?;
        debug!("{}: open, subprotocol {:?}", self.state.url(), self.state.protocol());
        self.tell(Event::Open);
        self.pump(reader);
        Ok(event::end(connection.end()))
    }

    fn open(&self) -> Result<(Arc<Connection>, Reader), Error> {
        let stream = Arc::new(dial(&self.target, self.settings.connect_timeout, &self.cancelled)?);
        let _ = stream.set_nodelay(true);
        let agreed = self.shake_hands(&stream);
        if self.state.ready() != ReadyState::Connecting {
            return Err(Error::Cancelled);
        }
        let (Agreed { protocol, input }, session) = agreed?;
        let (reactor, id) = WriteReactor::of_process().map_err(Error::Start)?;
        let config = Arc::new(self.settings.config.clone());
        let transport = Transport { stream, session, input };
        let (connection, reader) = Connection::new(PeerInfo::only_id(id), Role::Client, transport, config, reactor);
        self.state.open(&connection, protocol)?;
        Ok((connection, reader))
    }

    /// TLS, if that is wanted, then the WebSocket's own, within one deadline.
    fn shake_hands(&self, stream: &Arc<TcpStream>) -> Result<(Agreed, Option<Session>), Error> {
        self.state.dialled(stream)?;
        let within = self.settings.config.handshake_timeout;
        let deadline = Instant::now() + within;
        let mut line = self.line(stream, deadline)?;
        let request = Request::new(&self.target, &self.settings.protocols, &self.settings.headers);
        line.write_until(&request.bytes, deadline).map_err(|why| self.explain(why))?;
        match answer::read(&mut line, deadline, &request, &self.settings.protocols) {
            Ok(Agreed { protocol, input }) => {
                let (session, input) = line.hand_over(input);
                Ok((Agreed { protocol, input }, session))
            }
            Err(Failure::Deadline) => Err(Error::HandshakeTimeout(within)),
            Err(Failure::Error(Error::Connect(why))) if why.kind() == ErrorKind::InvalidData => Err(self.explain(why)),
            Err(Failure::Error(error)) => Err(error),
        }
    }

    fn line<'a>(&self, stream: &'a TcpStream, deadline: Instant) -> Result<Line<'a>, Error> {
        match self.connector() {
            None => Ok(Line::plain(stream)),
            Some(connector) => {
                let session = connector.session(&self.target.host).map_err(Error::Tls)?;
                Line::secure(stream, session, deadline).map_err(|why| self.explain(why))
            }
        }
    }

    /// With `wss://`.
    fn connector(&self) -> Option<&Connector> {
        self.settings.tls.as_ref().filter(|_| self.target.secure)
    }

    /// What befell the socket before there was an answer.
    fn explain(&self, why: io::Error) -> Error {
        let host = self.target.authority();
        match (why.kind(), self.connector()) {
            (ErrorKind::WouldBlock | ErrorKind::TimedOut, _) => {
                Error::HandshakeTimeout(self.settings.config.handshake_timeout)
            }
            (ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset, Some(connector)) => {
                connector.explain(&why, &host).map_or(Error::Untrusted(host), Error::Tls)
            }
            _ => Error::Connect(why),
        }
    }

    /// Messages, from the socket into the channel. When that is full this waits, thus does not read, thus TCP slows the
    /// server down. When nobody is left to receive them, they are read and dropped until the connection has ended.
    fn pump(&self, mut reader: Reader) {
        while let Some(message) = reader.next() {
            trace!("{}: {message:?}", self.state.url());
            self.tell(Event::Message(message));
        }
    }

    fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }
}
