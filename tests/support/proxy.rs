//! A network that fails: bytes are passed on until the wire is cut, or lost on their way.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Between a client and a server.
#[derive(Debug)]
pub struct Proxy {
    pub addr: SocketAddr,
    wires: Arc<Mutex<Vec<TcpStream>>>,
    deaf: Arc<AtomicBool>,
}

impl Proxy {
    /// Passes on what comes to whoever is at `to`, for any number of connections.
    pub fn start(to: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let (wires, deaf) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let proxy = Proxy { addr, wires: Arc::clone(&wires), deaf: Arc::clone(&deaf) };
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(to) else { continue };
                let copy = |stream: &TcpStream| stream.try_clone().expect("a descriptor");
                wires.lock().unwrap_or_else(PoisonError::into_inner).extend([copy(&client), copy(&server)]);
                let (from, to, deaf) = (copy(&server), copy(&client), Arc::clone(&deaf));
                std::thread::spawn(move || pass(client, server, &AtomicBool::new(false)));
                std::thread::spawn(move || pass(from, to, &deaf));
            }
        });
        proxy
    }

    /// From now on, what the server says is lost.
    pub fn deafen(&self, deaf: bool) {
        self.deaf.store(deaf, Ordering::SeqCst);
    }

    /// Cuts all connections there are.
    pub fn cut(&self) {
        for wire in self.wires.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = wire.shutdown(Shutdown::Both);
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, lost: &AtomicBool) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !lost.load(Ordering::SeqCst) && to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
