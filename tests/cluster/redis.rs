//! A Redis of Debian's package, and a proxy before it that can drop everything silently.

use crate::support::temp::Folder;
use crate::support::{DEADLINE, wait_until};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A Redis that listens on a socket in its folder only: no port can be taken by another program.
pub struct Redis {
    folder: Folder,
    child: Option<Child>,
}

impl Redis {
    /// `None` if the package is not installed.
    pub fn start(name: &str) -> Option<Redis> {
        let mut redis = Redis { folder: Folder::new(name), child: None };
        Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().ok()?;
        redis.restart();
        Some(redis)
    }

    pub fn socket(&self) -> String {
        self.folder.path("redis.sock")
    }

    /// A file in its folder.
    pub fn path(&self, name: &str) -> String {
        self.folder.path(name)
    }

    /// Starts it with the data that is in its folder.
    pub fn restart(&mut self) {
        let (folder, socket) = (self.folder.path(""), self.socket());
        let options = ["--port", "0", "--unixsocket", &socket, "--dir", &folder, "--save", ""];
        let options = options.into_iter().chain(["--appendonly", "yes", "--appendfsync", "always", "--logfile", "log"]);
        let child = Command::new("redis-server").args(options).stdout(Stdio::null()).spawn();
        self.child = Some(child.expect("redis-server is installed"));
        wait_until(DEADLINE, "an answer of Redis", || self.command("PING").contains("PONG"));
    }

    /// `kill -9`.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it runs");
            child.wait().expect("it ends");
        }
        let _ = std::fs::remove_file(self.socket());
    }

    /// Stops it, and removes its data.
    pub fn lose_data(&mut self) {
        self.stop();
        std::fs::remove_dir_all(self.folder.path("appendonlydir")).expect("its data");
    }

    /// What a replica has that is behind.
    pub fn copy_data(&self) {
        let (from, to) = (self.folder.path("appendonlydir"), self.folder.path("copy"));
        copy(&from, &to);
    }

    /// Stops it, and replaces its data by the copy.
    pub fn lose_newest_data(&mut self) {
        self.lose_data();
        copy(&self.folder.path("copy"), &self.folder.path("appendonlydir"));
    }

    /// The answer to an inline command, as it is on the wire.
    pub fn command(&self, command: &str) -> String {
        let Ok(mut stream) = UnixStream::connect(self.socket()) else { return String::new() };
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        let _ = stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

fn copy(from: &str, to: &str) {
    let status = Command::new("cp").args(["-r", from, to]).status().expect("cp runs");
    assert!(status.success(), "{from} cannot be copied");
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Forwards connections to the socket of a Redis.
#[derive(Clone)]
pub struct Wire {
    addr: SocketAddr,
    open: Arc<Mutex<Vec<TcpStream>>>,
    is_silent: Arc<AtomicBool>,
}

impl Wire {
    pub fn to(redis: &Redis) -> Wire {
        let socket = redis.socket();
        Wire::start(move || UnixStream::connect(&socket).ok())
    }

    /// Forwards connections to what `connect` returns.
    pub fn start<S: Stream>(connect: impl Fn() -> Option<S> + Send + 'static) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let wire = Wire { addr, open: Arc::default(), is_silent: Arc::default() };
        let copy = wire.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Some(server) = connect() else { continue };
                copy.open
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(client.try_clone().expect("a descriptor"));
                let (from, to) = (server.copy(), client.try_clone().expect("a descriptor"));
                let (up, down) = (copy.is_silent.clone(), copy.is_silent.clone());
                let (end_client, end_server) = (client.try_clone().expect("one"), server.copy());
                std::thread::spawn(move || {
                    forward(client, server, &up);
                    end_server.end();
                });
                std::thread::spawn(move || {
                    forward(from, to, &down);
                    let _ = end_client.shutdown(Shutdown::Both);
                });
            }
        });
        wire
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn url(&self) -> String {
        format!("redis://{}/", self.addr)
    }

    /// Whether everything is dropped from now on, without an error.
    pub fn drop_silently(&self, is_silent: bool) {
        self.is_silent.store(is_silent, Ordering::SeqCst);
        if !is_silent {
            self.cut();
        }
    }

    pub fn cut(&self) {
        for stream in self.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A connection of either kind.
pub trait Stream: Read + Write + Send + 'static {
    fn copy(&self) -> Self;
    fn end(&self);
}

impl Stream for UnixStream {
    fn copy(&self) -> Self {
        self.try_clone().expect("a descriptor")
    }

    fn end(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl Stream for TcpStream {
    fn copy(&self) -> Self {
        self.try_clone().expect("a descriptor")
    }

    fn end(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

fn forward(mut from: impl Read, mut to: impl Write, is_silent: &AtomicBool) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !is_silent.load(Ordering::SeqCst) && to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
}
