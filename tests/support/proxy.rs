//! A TCP proxy that simulates a failing network.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A proxy between a client and a server.
#[derive(Debug)]
pub struct Proxy {
    pub addr: SocketAddr,
    wires: Arc<Mutex<Vec<TcpStream>>>,
    drop_replies: Arc<AtomicBool>,
}

impl Proxy {
    /// Forwards all connections to `to`.
    pub fn start(to: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let (wires, drop_replies) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let proxy = Proxy { addr, wires: Arc::clone(&wires), drop_replies: Arc::clone(&drop_replies) };
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(to) else { continue };
                let copy = |stream: &TcpStream| stream.try_clone().expect("a descriptor");
                wires.lock().unwrap_or_else(PoisonError::into_inner).extend([copy(&client), copy(&server)]);
                let (from, to, dropped) = (copy(&server), copy(&client), Arc::clone(&drop_replies));
                std::thread::spawn(move || forward(client, server, &AtomicBool::new(false)));
                std::thread::spawn(move || forward(from, to, &dropped));
            }
        });
        proxy
    }

    /// Whether the server's bytes are dropped from now on.
    pub fn drop_replies(&self, drop: bool) {
        self.drop_replies.store(drop, Ordering::SeqCst);
    }

    /// Cuts all connections.
    pub fn cut(&self) {
        for wire in self.wires.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = wire.shutdown(Shutdown::Both);
        }
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, drop_bytes: &AtomicBool) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !drop_bytes.load(Ordering::SeqCst) && to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
