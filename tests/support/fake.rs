//! A server for one connection that does what a test wants, to test clients against odd servers.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

use tungstenite::handshake::derive_accept_key;

use super::frames::read_head;

/// A server for one connection.
#[derive(Debug)]
pub struct Fake {
    pub addr: SocketAddr,
    thread: JoinHandle<()>,
}

impl Fake {
    /// Accepts one connection, reads the head of the request, and calls `then` with both.
    pub fn then(then: impl FnOnce(TcpStream, String) + Send + 'static) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            stream.set_read_timeout(Some(super::DEADLINE)).expect("a timeout");
            let head = read_head(&mut stream);
            then(stream, head);
        });
        Fake { addr, thread }
    }

    /// Sends these bytes and closes the connection.
    pub fn replying(bytes: impl Into<Vec<u8>>) -> Fake {
        let bytes = bytes.into();
        Fake::then(move |mut stream, _| stream.write_all(&bytes).expect("room for an answer"))
    }

    /// Sends a 101 response with `behind` in the same segment, and calls `then`.
    pub fn open(behind: Vec<u8>, then: impl FnOnce(TcpStream) + Send + 'static) -> Fake {
        Fake::then(move |mut stream, head| {
            let answer = [switching(&head, "").into_bytes(), behind].concat();
            stream.write_all(&answer).expect("room for an answer");
            then(stream);
        })
    }

    /// The URL for a client.
    pub fn url(&self) -> String {
        format!("ws://{}/", self.addr)
    }

    /// Waits until its thread ends.
    #[track_caller]
    pub fn done(self) {
        self.thread.join().expect("the fake server does not panic");
    }
}

/// The 101 response for a request. `more` has further header lines, each with its CRLF.
pub fn switching(head: &str, more: &str) -> String {
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).expect("a key");
    let accept = derive_accept_key(key.trim().as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
    )
}
