//! From a URL to an open connection: the socket, the handshakes of TLS and of the WebSocket.

use super::handshake::{read_response, request};
use super::{Backoff, Error, builder::Builder, url::Target};
use crate::ws::connection::{PeerInfo, Role};
use crate::ws::tcp::{Socket, tcp};
use crate::ws::{handshake_stream::HandshakeStream, websocket::WebSocket};
#[cfg(feature = "tls")]
use rustls::CertificateError;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};
use std::{iter, mem, sync::Arc, thread};

impl Builder {
    /// Connects, and waits until the WebSocket is open. It has no events and no thread of its own: its user reads.
    ///
    /// ```
    /// # use chinwag::{Server, client};
    /// # let server = Server::builder().listen("127.0.0.1:0")?.serve(|ws| ws.recv().into_iter().for_each(|m| _ = ws.send(m)))?;
    /// # let url = format!("ws://{}/", server.local_addrs()[0]);
    /// let ws = client::WebSocket::builder(&url).open()?;
    /// ws.send("hello");
    /// assert_eq!(ws.recv()?, "hello".into());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Builder::connect`], and what [`Event::Error`](super::Event::Error) would report.
    pub fn open(mut self) -> Result<WebSocket, Error> {
        let target = self.check()?;
        let socket = dial(&target, self.config.handshake_timeout).and_then(tcp).map_err(Error::Connect)?;
        self.shake_hands(socket, &target)
    }

    /// As [`Builder::open`], over a socket that is connected already: TCP or Unix. The URL says whether TLS is used.
    ///
    /// ```no_run
    /// # #[cfg(unix)] {
    /// use chinwag::client::WebSocket;
    /// use std::os::unix::net::UnixStream;
    ///
    /// let socket = UnixStream::connect("/run/chat.sock").expect("a server");
    /// let ws = WebSocket::builder("ws://localhost/").open_over(socket)?;
    /// # }
    /// # Ok::<(), chinwag::client::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Builder::open`].
    pub fn open_over(mut self, socket: impl Socket) -> Result<WebSocket, Error> {
        let target = self.check()?;
        self.shake_hands(tcp(socket).map_err(Error::Connect)?, &target)
    }

    /// The handshakes of TLS and of the WebSocket, within one deadline.
    fn shake_hands(self, socket: Arc<TcpStream>, target: &Target) -> Result<WebSocket, Error> {
        let deadline = Instant::now() + self.config.handshake_timeout;
        #[cfg(not(feature = "tls"))]
        let session = None;
        #[cfg(feature = "tls")]
        let session = match &self.tls {
            Some(connector) if target.is_secure() => Some(connector.session(&target.host.name).map_err(Error::Tls)?),
            _ => None,
        };
        let explain = |why| self.explain(why, target);
        let mut stream = HandshakeStream::new(socket, session, deadline);
        let (request, accept) = request(target, &self);
        stream.send(request.as_bytes()).map_err(explain)?;
        let response = read_response(&mut stream, &accept, &self);
        let (info, input) = response.map_err(|error| match error {
            Error::Connect(why) => explain(why),
            error => error,
        })?;
        let path = target.resource.split('?').next().unwrap_or_default().into();
        let info = PeerInfo { path, ..info };
        let stream = stream.into_inner(input);
        WebSocket::without_server(info, Role::Client, stream, self.config).map_err(Error::Connect)
    }

    /// What a failure of the socket during the handshakes means.
    #[cfg_attr(not(feature = "tls"), expect(unused_variables))]
    fn explain(&self, why: io::Error, target: &Target) -> Error {
        match why.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Error::Timeout(self.config.handshake_timeout),
            #[cfg(feature = "tls")]
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset if target.is_secure() => {
                explain_tls(&why, target.host.to_string())
            }
            _ => Error::Connect(why),
        }
    }

    /// As [`Builder::open`], again and again: after each end of a connection, and after each failure. Between two attempts is a
    /// pause of up to 500 ms, which doubles up to 30 s and begins anew after a connection that lasted 10 s. What is sent while
    /// there is no connection is lost. It also comes back after the program itself has closed a connection: leave the loop to
    /// end it. To end it from another thread, set a flag that the loop checks after each item, close the connection with
    /// [`WebSocket::writer`], and [unpark](std::thread::Thread::unpark) the thread of the loop: that ends a pause, and one more attempt
    /// follows. An attempt takes at most [`Config::handshake_timeout`](crate::Config::handshake_timeout) for each address, and once
    /// more for the handshakes; the time of the name resolution is the system's. docs/embed/client.rs does all of that. If the URL or
    /// a header field changes, begin anew with another builder.
    ///
    /// ```no_run
    /// use chinwag::client::{Error, WebSocket};
    ///
    /// for connection in WebSocket::builder("ws://localhost:9000/").reconnecting()? {
    ///     match connection {
    ///         Ok(ws) => ws.iter().for_each(|message| println!("{}", message.as_text().unwrap_or("bytes"))),
    ///         Err(Error::Refused { status: 401, .. }) => break, // trying again does not help
    ///         Err(error) => eprintln!("{error}"),
    ///     }
    /// }
    /// # Ok::<(), chinwag::client::Error>(())
    /// ```
    ///
    /// # Errors
    /// A setting is invalid, as in [`Builder::connect`].
    pub fn reconnecting(mut self) -> Result<impl Iterator<Item = Result<WebSocket, Error>>, Error> {
        self.check()?;
        let (mut backoff, mut is_first, mut opened_at) = (Backoff::default(), true, None::<Instant>);
        Ok(iter::from_fn(move || {
            if !mem::take(&mut is_first) {
                thread::park_timeout(backoff.next(opened_at.map(|at| at.elapsed())));
            }
            let outcome = self.clone().open();
            opened_at = outcome.is_ok().then(Instant::now);
            Some(outcome)
        }))
    }
}

/// What a failure of the TLS handshake with that host and port means.
#[cfg(feature = "tls")]
fn explain_tls(why: &io::Error, host: String) -> Error {
    Error::Tls(match why.get_ref().and_then(|why| why.downcast_ref()) {
        _ if why.kind() != ErrorKind::InvalidData => {
            format!("{host} closed the connection during the TLS handshake; without TLS, use ws://")
        }
        Some(rustls::Error::InvalidMessage(_)) => format!("{host} does not speak TLS at that port; use ws://"),
        // A bad signature: the trusted authority has the same name as the one that signed, but another key.
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature)) => {
            return Error::Untrusted(host);
        }
        Some(rustls::Error::InvalidCertificate(why)) => format!("the certificate of {host} cannot be trusted: {why}"),
        _ => format!("the TLS handshake with {host} failed: {why}"),
    })
}

/// A socket that is connected to the first address of the host that accepts within the timeout. The system limits the time of
/// the name resolution.
fn dial(target: &Target, timeout: Duration) -> io::Result<TcpStream> {
    // Few systems resolve the names below `localhost`.
    let name = if target.host.is_localhost() { "localhost" } else { &target.host.name };
    let addresses = (name, target.port()).to_socket_addrs();
    let not_found = |error| io::Error::other(format!("the host {name} was not found: {error}"));
    connect_to_any(addresses.map_err(not_found)?, timeout)
}

fn connect_to_any(addresses: impl Iterator<Item = SocketAddr>, timeout: Duration) -> io::Result<TcpStream> {
    let mut failure = io::Error::other("the host has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, timeout.max(Duration::from_millis(1))) {
            Ok(stream) => return Ok(stream),
            // A URL need not have a port, so the user may not know it.
            Err(error) => {
                let text = match error.kind() {
                    ErrorKind::ConnectionRefused => format!("nothing listens at {address}; is the server running?"),
                    _ => format!("{address}: {error}"),
                };
                failure = io::Error::new(error.kind(), text);
            }
        }
    }
    Err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn every_address_is_tried() {
        let closed = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let open = listener.local_addr().expect("an address");
        let timeout = Duration::from_secs(5);
        let stream = connect_to_any([closed, open].into_iter(), timeout).expect("the second address accepts");
        assert_eq!(stream.peer_addr().expect("an address"), open);
        let error = connect_to_any([closed].into_iter(), timeout).expect_err("nothing listens");
        assert!(error.to_string().contains(&closed.to_string()), "{error}");
        assert!(connect_to_any([].into_iter(), timeout).is_err());
    }
}
