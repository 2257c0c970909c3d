//! `kill -9`: each message that a client received is in the file, once, and all clients end with the same transcript.
#![cfg(feature = "history")]

mod support;

use std::collections::VecDeque;
use std::net::{SocketAddr, TcpStream};

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, mpsc::channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::binary::{Chinwag, command, start_binary};
use support::temp::{Folder, SmallDisk};
use support::{run, skip, wait_until};
use tungstenite::client::ClientRequestBuilder;
use tungstenite::{Message, WebSocket};

/// Clients that write at the same time, each with this many messages under way.
const CLIENTS: usize = 50;
const WINDOW: usize = 4;

/// The messages that are at least delivered between two kills.
const MESSAGES: u64 = 300;

/// A loaded machine is slow.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn sent_messages_survive_20_kills() {
    let folder = Folder::new("kill");
    run_clients(&folder.path("chat.db"), 20, |_, _| ());
}

#[test]
fn sent_messages_survive_kills_and_a_full_disk() {
    let Some(disk) = SmallDisk::mount("kill-full") else { return skip("only root may mount a small disk") };
    run_clients(&disk.path("chat.db"), 6, |place, server| {
        disk.fill();
        place.wait_for_messages();
        // The write-ahead log has space for some of them.
        server.wait_for_log("the disk is full");
        place.wait_for_messages();
        assert!(!stored(&disk.path("chat.db")).is_empty(), "what it holds is readable");
        disk.make_room();
        server.wait_for_log("nothing was lost");
    });
}

/// Clients write all the time. The server is killed this many times, and `middle` runs halfway.
fn run_clients(file: &str, kills: usize, middle: impl Fn(&Place, &Chinwag)) {
    let place = Arc::new(Place::default());
    let mut server = serve(file);
    place.is_at(server.addr());
    let clients: Vec<_> = (0..CLIENTS).map(|nth| Writer::start(nth, &place)).collect();
    for nth in 0..kills {
        place.wait_for_messages();
        if nth == kills / 2 {
            middle(&place, &server);
        }
        server.signal("KILL");
        let (status, output) = server.wait_for_exit(support::DEADLINE);
        assert_eq!(status.code(), None, "it ended by itself: {output:#?}");
        server = serve(file);
        place.is_at(server.addr());
    }
    place.stop.store(true, SeqCst);
    wait_until(PATIENCE, "all clients have received their own messages", || place.complete.load(SeqCst) == CLIENTS);
    let stored = stored(file);
    place.end.store(stored.len() as u64, SeqCst);
    all_have(clients, &stored);
    println!("{} messages, {CLIENTS} clients, killed {kills} times", stored.len());
}

fn all_have(clients: Vec<JoinHandle<Done>>, stored: &[String]) {
    let (sender, receiver) = channel();
    std::thread::spawn(move || clients.into_iter().for_each(|client| drop(sender.send(client.join()))));
    for _ in 0..CLIENTS {
        let done = receiver.recv_timeout(PATIENCE).expect("a client ends");
        let (name, sent, transcript) = done.expect("a client does not panic");
        assert!(
            transcript == stored,
            "{name} has another transcript than the file; {}",
            difference(&transcript, stored)
        );
        let own: Vec<&str> = stored.iter().filter_map(|line| line.strip_prefix(&format!("{name}: "))).collect();
        let expected: Vec<String> = (0..sent).map(|nth| nth.to_string()).collect();
        assert_eq!(own, expected, "each message of {name} once, in the order in which it sent them");
    }
}

fn serve(file: &str) -> Chinwag {
    start_binary(&["--no-limits", "--limit", "replay=100000000", "--history", file])
}

/// The messages that `chinwag history` prints for the lobby. Their numbers have no gaps.
fn stored(file: &str) -> Vec<String> {
    let output = run(command(&["history", file, "--export", "--room", ""]), PATIENCE);
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    // The first line is about the room.
    let lines = text.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).expect("JSON")).zip(1..);
    let line = |(entry, number): (Value, u64)| {
        assert_eq!(entry["seq"], number, "numbers without gap or double");
        shown(&entry)
    };
    lines.map(line).collect()
}

fn shown(entry: &Value) -> String {
    format!("{}: {}", entry["name"].as_str().expect("a name"), entry["text"].as_str().expect("a text"))
}

fn difference(one: &[String], other: &[String]) -> String {
    let at = one.iter().zip(other).position(|(one, other)| one != other);
    format!("{} and {} messages, the first difference at {at:?}", one.len(), other.len())
}

/// Shared by all clients.
#[derive(Default)]
struct Place {
    /// The server's address, and how often it was started.
    addr: Mutex<(Option<SocketAddr>, usize)>,
    moved: Condvar,
    /// Messages that the first client has received.
    received: AtomicU64,
    /// Clients send no new messages once this is set.
    stop: AtomicBool,
    /// Clients that have received all their own messages.
    complete: AtomicUsize,
    /// The last message number, once it is known.
    end: AtomicU64,
}

impl Place {
    fn is_at(&self, addr: SocketAddr) {
        let mut place = self.addr.lock().expect("no panics here");
        *place = (Some(addr), place.1 + 1);
        self.moved.notify_all();
    }

    fn wait_for_messages(&self) {
        let before = self.received.load(SeqCst);
        wait_until(PATIENCE, "messages", || self.received.load(SeqCst) >= before + MESSAGES);
    }

    /// Waits for a later start of the server than the known one.
    fn after(&self, known: usize) -> (SocketAddr, usize) {
        let place = self.addr.lock().expect("no panics here");
        let (place, waited) =
            self.moved.wait_timeout_while(place, PATIENCE, |place| place.1 <= known).expect("no panics here");
        assert!(!waited.timed_out(), "no new server");
        (place.0.expect("started"), place.1)
    }
}

/// A client as docs/PROTOCOL.md describes it: it returns with `since` and `log`, and sends again what it has not received.
struct Writer {
    name: String,
    place: Arc<Place>,
    transcript: Vec<String>,
    log: Option<String>,
    /// Its own messages that it has not received yet, by nonce, in order.
    open: VecDeque<u64>,
    sent: u64,
    is_complete: bool,
}

type Done = (String, u64, Vec<String>);

impl Writer {
    fn start(nth: usize, place: &Arc<Place>) -> JoinHandle<Done> {
        let mut writer = Writer {
            name: format!("w{nth}"),
            place: place.clone(),
            transcript: Vec::new(),
            log: None,
            open: VecDeque::new(),
            sent: 0,
            is_complete: false,
        };
        std::thread::spawn(move || {
            let mut known = 0;
            while !writer.is_at_the_end() {
                let (addr, start) = writer.place.after(known);
                // The connection ends when the server is killed. If it ends for another reason, waiting for the next start
                // fails the test.
                let _ = writer.connect_once(addr);
                known = start;
            }
            (writer.name, writer.sent, writer.transcript)
        })
    }

    fn is_at_the_end(&self) -> bool {
        let end = self.place.end.load(SeqCst);
        end > 0 && self.transcript.len() as u64 >= end
    }

    /// Serves one connection until it ends.
    fn connect_once(&mut self, addr: SocketAddr) -> Result<(), tungstenite::Error> {
        let mut socket = self.connect(addr)?;
        let id = next(&mut socket)?;
        assert_eq!(id["type"], "id");
        self.is_the_same_log(&id);
        let last = id["seq"].as_u64().expect("a number");
        assert!(last >= self.transcript.len() as u64, "{} has received messages that are lost", self.name);
        while (self.transcript.len() as u64) < last {
            let object = next(&mut socket)?;
            assert_eq!(object["type"], "message", "missed messages come first: {object}");
            self.receive(&object);
        }
        socket.send(Message::text(format!(r#"{{"type":"username","name":"{}"}}"#, self.name)))?;
        for nth in self.open.clone() {
            send(&mut socket, &self.name, nth)?;
        }
        while !self.is_at_the_end() {
            while self.open.len() < WINDOW && !self.place.stop.load(SeqCst) {
                send(&mut socket, &self.name, self.sent)?;
                self.open.push_back(self.sent);
                self.sent += 1;
            }
            self.note_completion();
            match next(&mut socket) {
                Ok(object) => self.receive_any(&object),
                Err(tungstenite::Error::Io(error)) if is_pause(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn connect(&self, addr: SocketAddr) -> Result<WebSocket<TcpStream>, tungstenite::Error> {
        let log = self.log.as_ref().map(|log| format!("&log={log}")).unwrap_or_default();
        let uri = format!("ws://{addr}/?since={}{log}", self.transcript.len());
        let request = ClientRequestBuilder::new(uri.parse().expect("a URI")).with_sub_protocol("chinwag.v1");
        let stream = TcpStream::connect(addr)?;
        stream.set_read_timeout(Some(support::DEADLINE))?;
        let opened = tungstenite::client(request, stream);
        let (socket, _) = opened.map_err(|_| tungstenite::Error::ConnectionClosed)?;
        Ok(socket)
    }

    fn is_the_same_log(&mut self, id: &Value) {
        let log = id["log"].as_str().expect("a name").to_owned();
        assert_eq!(self.log.get_or_insert(log.clone()), &log, "a new log name");
    }

    fn receive_any(&mut self, object: &Value) {
        match object["type"].as_str() {
            Some("message") => self.receive(object),
            Some("userlist" | "username") => {}
            other => panic!("{} received {other:?}: {object}", self.name),
        }
    }

    fn receive(&mut self, object: &Value) {
        let seq = object["seq"].as_u64().expect("a number");
        let line = shown(object);
        let next = self.transcript.len() as u64 + 1;
        assert!(seq <= next, "{} misses what is before {seq}, has {}", self.name, next - 1);
        if seq == next {
            self.transcript.push(line);
        } else {
            // The answer to a message that was sent again and had arrived.
            assert_eq!(self.transcript[seq as usize - 1], line);
            assert_eq!(object["name"], self.name.as_str());
        }
        if object["name"] == self.name.as_str() {
            let nth: u64 = object["text"].as_str().and_then(|text| text.parse().ok()).expect("its own text");
            self.open.retain(|open| *open != nth);
        }
        if self.name == "w0" {
            self.place.received.fetch_add(1, SeqCst);
        }
    }

    fn note_completion(&mut self) {
        if self.place.stop.load(SeqCst) && self.open.is_empty() && !self.is_complete {
            self.is_complete = true;
            self.place.complete.fetch_add(1, SeqCst);
        }
    }
}

fn send(socket: &mut WebSocket<TcpStream>, name: &str, nth: u64) -> Result<(), tungstenite::Error> {
    socket.send(Message::text(format!(r#"{{"type":"message","text":"{nth}","nonce":"{name}-{nth}"}}"#)))
}

fn next(socket: &mut WebSocket<TcpStream>) -> Result<Value, tungstenite::Error> {
    let until = Instant::now() + support::DEADLINE;
    loop {
        match socket.read()? {
            Message::Text(text) => return Ok(serde_json::from_str(&text).expect("JSON")),
            Message::Close(_) => return Err(tungstenite::Error::ConnectionClosed),
            _ => assert!(Instant::now() < until, "nothing but Pings"),
        }
    }
}

/// The read timed out.
fn is_pause(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}
