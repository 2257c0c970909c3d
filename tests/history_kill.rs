//! `kill -9`: what anybody was shown is in the file, once, under its number; and everybody ends with the same transcript.
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

/// Clients that write at the same time, each with so many messages under way.
const CLIENTS: usize = 50;
const WINDOW: usize = 4;

/// How many messages at least come through between two kills.
const MESSAGES: u64 = 300;

/// For all of it: a loaded machine is slow.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn nothing_that_anybody_was_shown_is_lost_when_the_server_is_killed_20_times() {
    let folder = Folder::new("kill");
    story(&folder.path("chat.db"), 20, |_, _| ());
}

#[test]
fn nor_with_a_full_disk_in_the_middle() {
    let Some(disk) = SmallDisk::mount("kill-full") else { return skip("only root may mount a small disk") };
    story(&disk.path("chat.db"), 6, |place, server| {
        disk.fill();
        place.wait_for_messages();
        // The log has room for some of them.
        server.wait_for_log("the disk is full");
        place.wait_for_messages();
        assert!(!stored(&disk.path("chat.db")).is_empty(), "what it holds is readable");
        disk.make_room();
        server.wait_for_log("nothing was lost");
    });
}

/// Clients write and write; the server is killed so many times, and in the middle something else happens.
fn story(file: &str, kills: usize, middle: impl Fn(&Place, &Chinwag)) {
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
        let (status, said) = server.wait_for_exit(support::DEADLINE);
        assert_eq!(status.code(), None, "it ended by itself: {said:#?}");
        server = serve(file);
        place.is_at(server.addr());
    }
    place.enough.store(true, SeqCst);
    wait_until(PATIENCE, "everybody has heard what it said", || place.content.load(SeqCst) == CLIENTS);
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
        let (name, said, transcript) = done.expect("a client does not panic");
        assert!(transcript == stored, "{name} has not what the file has; {}", differ(&transcript, stored));
        let own: Vec<&str> = stored.iter().filter_map(|line| line.strip_prefix(&format!("{name}: "))).collect();
        let expected: Vec<String> = (0..said).map(|nth| nth.to_string()).collect();
        assert_eq!(own, expected, "each message of {name} once, in the order in which it said them");
    }
}

fn serve(file: &str) -> Chinwag {
    start_binary(&["--no-limits", "--limit", "replay=100000000", "--history", file])
}

/// What `chinwag history` has of the lobby: as many lines as the last one's number says, or numbers have gaps.
fn stored(file: &str) -> Vec<String> {
    let output = run(command(&["history", file, "--json", "--room", ""]), PATIENCE);
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")).zip(1..);
    let line = |(entry, number): (Value, u64)| {
        assert_eq!(entry["seq"], number, "numbers without gap or double");
        shown(&entry)
    };
    lines.map(line).collect()
}

fn shown(entry: &Value) -> String {
    format!("{}: {}", entry["name"].as_str().expect("a name"), entry["text"].as_str().expect("a text"))
}

fn differ(one: &[String], other: &[String]) -> String {
    let at = one.iter().zip(other).position(|(one, other)| one != other);
    format!("{} and {} messages, the first difference at {at:?}", one.len(), other.len())
}

/// What all clients know.
#[derive(Default)]
struct Place {
    /// Where the server is, and how often it was started.
    addr: Mutex<(Option<SocketAddr>, usize)>,
    moved: Condvar,
    /// Messages that the first client has heard.
    heard: AtomicU64,
    /// No new messages from now on.
    enough: AtomicBool,
    /// Clients that have heard all that they said.
    content: AtomicUsize,
    /// The last number, when it is known.
    end: AtomicU64,
}

impl Place {
    fn is_at(&self, addr: SocketAddr) {
        let mut place = self.addr.lock().expect("no panics here");
        *place = (Some(addr), place.1 + 1);
        self.moved.notify_all();
    }

    fn wait_for_messages(&self) {
        let before = self.heard.load(SeqCst);
        wait_until(PATIENCE, "messages", || self.heard.load(SeqCst) >= before + MESSAGES);
    }

    /// Where it is now, if that is another start of it than the one that is known.
    fn after(&self, known: usize) -> (SocketAddr, usize) {
        let place = self.addr.lock().expect("no panics here");
        let (place, waited) =
            self.moved.wait_timeout_while(place, PATIENCE, |place| place.1 <= known).expect("no panics here");
        assert!(!waited.timed_out(), "no new server");
        (place.0.expect("started"), place.1)
    }
}

/// A client as docs/PROTOCOL.md wants it: it comes back with `since` and `log`, and says again what it has not heard.
struct Writer {
    name: String,
    place: Arc<Place>,
    transcript: Vec<String>,
    log: Option<String>,
    /// Its own messages that it has not heard yet, by nonce, in order.
    open: VecDeque<u64>,
    said: u64,
    is_content: bool,
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
            said: 0,
            is_content: false,
        };
        std::thread::spawn(move || {
            let mut known = 0;
            while !writer.is_at_the_end() {
                let (addr, start) = writer.place.after(known);
                // Whatever ends a connection to this server: it was killed, so the next one is waited for; or it put
                // this client out, which is the end of the test.
                let _ = writer.visit(addr);
                known = start;
            }
            (writer.name, writer.said, writer.transcript)
        })
    }

    fn is_at_the_end(&self) -> bool {
        let end = self.place.end.load(SeqCst);
        end > 0 && self.transcript.len() as u64 >= end
    }

    /// One connection, to its end.
    fn visit(&mut self, addr: SocketAddr) -> Result<(), tungstenite::Error> {
        let mut socket = self.connect(addr)?;
        let id = next(&mut socket)?;
        assert_eq!(id["type"], "id");
        self.is_the_same_log(&id);
        let last = id["seq"].as_u64().expect("a number");
        assert!(last >= self.transcript.len() as u64, "{} was shown what is not there any more", self.name);
        while (self.transcript.len() as u64) < last {
            let object = next(&mut socket)?;
            assert_eq!(object["type"], "message", "only what was missed comes first: {object}");
            self.hear(&object);
        }
        socket.send(Message::text(format!(r#"{{"type":"username","name":"{}"}}"#, self.name)))?;
        for nth in self.open.clone() {
            say(&mut socket, &self.name, nth)?;
        }
        while !self.is_at_the_end() {
            while self.open.len() < WINDOW && !self.place.enough.load(SeqCst) {
                say(&mut socket, &self.name, self.said)?;
                self.open.push_back(self.said);
                self.said += 1;
            }
            self.be_content();
            match next(&mut socket) {
                Ok(object) => self.hear_any(&object),
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
        assert_eq!(self.log.get_or_insert(log.clone()), &log, "a new numbering");
    }

    fn hear_any(&mut self, object: &Value) {
        match object["type"].as_str() {
            Some("message") => self.hear(object),
            Some("userlist" | "username") => {}
            other => panic!("{} is told {other:?}: {object}", self.name),
        }
    }

    fn hear(&mut self, object: &Value) {
        let seq = object["seq"].as_u64().expect("a number");
        let line = shown(object);
        let next = self.transcript.len() as u64 + 1;
        assert!(seq <= next, "{} misses what is before {seq}, has {}", self.name, next - 1);
        if seq == next {
            self.transcript.push(line);
        } else {
            // It said something again that had arrived.
            assert_eq!(self.transcript[seq as usize - 1], line);
            assert_eq!(object["name"], self.name.as_str());
        }
        if object["name"] == self.name.as_str() {
            let nth: u64 = object["text"].as_str().and_then(|text| text.parse().ok()).expect("its own text");
            self.open.retain(|open| *open != nth);
        }
        if self.name == "w0" {
            self.place.heard.fetch_add(1, SeqCst);
        }
    }

    fn be_content(&mut self) {
        if self.place.enough.load(SeqCst) && self.open.is_empty() && !self.is_content {
            self.is_content = true;
            self.place.content.fetch_add(1, SeqCst);
        }
    }
}

fn say(socket: &mut WebSocket<TcpStream>, name: &str, nth: u64) -> Result<(), tungstenite::Error> {
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

/// Nothing came for a while.
fn is_pause(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}
