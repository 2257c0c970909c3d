//! A TLS client that does nothing on its own. All reads have a deadline.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};

use super::support::DEADLINE;
use super::support::frames::{self, Frame, handshake};

/// The supported versions.
pub const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

#[derive(Debug)]
pub struct Client {
    pub tls: ClientConnection,
    pub stream: TcpStream,
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// With `close_notify`.
    Proper,
    /// A FIN and nothing before it.
    Cut,
}

impl Client {
    /// Connects and does the handshake. Trusts only that certificate.
    #[track_caller]
    pub fn connect(
        addr: SocketAddr,
        trusted: &CertificateDer<'static>,
        version: &'static SupportedProtocolVersion,
    ) -> Client {
        let mut client = Client::begin(addr, trusted, version);
        if let Err(why) = client.shake() {
            panic!("the TLS handshake failed: {why}");
        }
        client
    }

    /// Connects, and sends nothing.
    #[track_caller]
    pub fn begin(
        addr: SocketAddr,
        trusted: &CertificateDer<'static>,
        version: &'static SupportedProtocolVersion,
    ) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone()).expect("a certificate");
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[version])
            .expect("a version of TLS")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = "localhost".try_into().expect("a name");
        let tls = ClientConnection::new(Arc::new(config), name).expect("a client");
        let stream = TcpStream::connect_timeout(&addr, DEADLINE).expect("the server accepts connections");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        stream.set_write_timeout(Some(DEADLINE)).expect("a timeout");
        stream.set_nodelay(true).expect("an option");
        Client { tls, stream }
    }

    /// Does the TLS handshake.
    pub fn shake(&mut self) -> io::Result<()> {
        while self.tls.is_handshaking() {
            self.flush()?;
            if self.tls.is_handshaking() && self.pull()? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        self.flush()
    }

    /// A WebSocket. `behind` is sent in the same record as the request.
    #[track_caller]
    pub fn open_with(addr: SocketAddr, trusted: &CertificateDer<'static>, behind: &[u8]) -> Client {
        let mut client = Client::connect(addr, trusted, &rustls::version::TLS13);
        client.upgrade(addr, behind);
        client
    }

    #[track_caller]
    pub fn upgrade(&mut self, addr: SocketAddr, behind: &[u8]) {
        self.send(&[&handshake(addr, "")[..], behind].concat());
        let head = self.read_head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    }

    /// Sends plaintext.
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(16_384) {
            self.tls.writer().write_all(part).expect("rustls keeps it until it is sent");
            self.flush().expect("the server reads");
        }
    }

    /// The ciphertext that `bytes` become, not sent.
    pub fn encrypt(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.tls.writer().write_all(bytes).expect("rustls keeps it until it is sent");
        let mut ciphertext = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut ciphertext).expect("memory");
        }
        ciphertext
    }

    /// Sends `close_notify` and the FIN.
    pub fn say_goodbye(&mut self) {
        self.tls.send_close_notify();
        self.flush().expect("the server reads");
        self.fin();
    }

    /// Sends the FIN.
    pub fn fin(&self) {
        self.stream.shutdown(Shutdown::Write).expect("a connected socket");
    }

    /// Everything until the end, and the kind of end.
    #[track_caller]
    pub fn read_to_end(&mut self) -> (Vec<u8>, End) {
        let mut all = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return (all, End::Proper),
                Ok(count) => all.extend_from_slice(&buffer[..count]),
                Err(why) if why.kind() == ErrorKind::UnexpectedEof => return (all, End::Cut),
                Err(why) => panic!("no end of the connection: {why}; after {} bytes", all.len()),
            }
        }
    }

    /// After a proper end there must be the FIN, not a reset.
    #[track_caller]
    pub fn expect_fin(&mut self) {
        assert_eq!(self.stream.read(&mut [0; 16]).expect("no reset"), 0, "bytes after close_notify");
    }

    pub fn read_head(&mut self) -> String {
        frames::read_head(self)
    }

    /// The next frame. `None` after a proper end.
    pub fn read_frame(&mut self) -> io::Result<Option<Frame>> {
        frames::read_frame(self)
    }

    #[track_caller]
    pub fn expect_frame(&mut self) -> Frame {
        match self.read_frame() {
            Ok(Some(frame)) => frame,
            other => panic!("expected a frame, got {other:?}"),
        }
    }

    /// Sends what rustls has buffered.
    pub fn flush(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            self.tls.write_tls(&mut self.stream)?;
        }
        Ok(())
    }

    fn pull(&mut self) -> io::Result<usize> {
        let count = loop {
            match self.tls.read_tls(&mut self.stream) {
                // The test of SIGHUP is in the same process, and a read with a timeout is not taken up again.
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                done => break done?,
            }
        };
        self.tls.process_new_packets().map_err(|why| io::Error::new(ErrorKind::InvalidData, why))?;
        Ok(count)
    }
}

impl Read for Client {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.reader().read(buffer) {
                Err(why) if why.kind() == ErrorKind::WouldBlock => self.pull()?,
                done => return done,
            };
        }
    }
}
