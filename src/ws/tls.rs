//! TLS with rustls: the certificates of servers and clients, and the sessions of connections. It does no network I/O.

mod acceptor;
mod connector;
mod pem;
mod self_signed;

pub use {
    acceptor::Acceptor,
    connector::Connector,
    rustls,
    self_signed::{addresses_of_this_machine, self_signed},
};

use crate::ws::session::Session;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};

/// The only protocol that is spoken over TLS (RFC 7301). There is no HTTP/2.
const HTTP_1_1: &[u8] = b"http/1.1";

impl Session for rustls::Connection {
    fn read(&mut self, input: &mut VecDeque<u8>, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // An error stays in the session. It is returned after the plaintext that came before it.
            let processed = self.process_new_packets();
            match self.reader().read(buffer) {
                Err(why) if why.kind() == ErrorKind::WouldBlock => {
                    processed.map_err(|why| io::Error::new(ErrorKind::InvalidData, why))?;
                    if input.is_empty() {
                        return Err(why);
                    }
                    self.read_tls(input)?;
                }
                done => return done,
            }
        }
    }

    fn is_handshaking(&self) -> bool {
        (**self).is_handshaking()
    }

    fn certificates(&self) -> Vec<Vec<u8>> {
        self.peer_certificates().unwrap_or_default().iter().map(|certificate| certificate.to_vec()).collect()
    }

    fn write(&mut self, bytes: &[u8], out: &mut dyn Write) {
        // The connection limits what waits in `out`.
        self.set_buffer_limit(None);
        let _ = self.writer().write_all(bytes);
        self.flush(out);
    }

    fn flush(&mut self, out: &mut dyn Write) {
        while self.wants_write() {
            // Writing to memory does not fail.
            let _ = self.write_tls(out);
        }
    }

    fn close(&mut self, out: &mut dyn Write) {
        self.send_close_notify();
        self.flush(out);
    }
}
