//! Clients that write all the time, connect again to any node, and resend what was not confirmed.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tungstenite::client::ClientRequestBuilder;
use tungstenite::{Message, WebSocket};

/// A loaded machine is slow.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What all clients share.
#[derive(Default)]
pub struct Place {
    pub nodes: Mutex<Vec<SocketAddr>>,
    /// Between two messages of one client.
    pub pause: Duration,
    pub is_over: AtomicBool,
    /// Messages that were confirmed.
    pub confirmed: AtomicU64,
    pub longest_outage: Mutex<Duration>,
}

/// What one client received of the room's messages.
#[derive(Debug, Default)]
pub struct Transcript {
    pub name: String,
    /// By the names of the numberings, in the order in which they were received: number, nonce or "", text.
    pub messages: Vec<(String, u64, String)>,
    /// Each number of missing messages; 0 if it is unknown.
    pub gaps: Vec<u64>,
    pub sent: Vec<String>,
    pub refused: Vec<String>,
    pub name_now: String,
    pub reconnects: u64,
}

struct Client {
    place: Arc<Place>,
    transcript: Transcript,
    number: usize,
    log: String,
    last: u64,
    resume: String,
    current: String,
    outbox: VecDeque<(String, String)>,
    sent: u64,
    lost_at: Option<Instant>,
    has_seen_end: bool,
}

pub const END: &str = "the end";

/// Starts a client, which ends after [`Place::is_over`], when it has received [`END`] and all its messages are confirmed.
pub fn start(place: &Arc<Place>, number: usize) -> JoinHandle<Transcript> {
    let place = place.clone();
    std::thread::spawn(move || {
        let transcript = Transcript { name: format!("user{number}"), ..Transcript::default() };
        let (log, resume, current) = Default::default();
        let mut client = Client {
            place,
            transcript,
            number,
            log,
            last: 0,
            resume,
            current,
            outbox: VecDeque::new(),
            sent: 0,
            lost_at: None,
            has_seen_end: false,
        };
        client.run();
        client.transcript
    })
}

type Socket = WebSocket<TcpStream>;

impl Client {
    fn run(&mut self) {
        let end = Instant::now() + PATIENCE * 4;
        let mut attempt = self.number;
        while !self.is_done() {
            assert!(Instant::now() < end, "{} waits in vain: {:?}", self.transcript.name, self.outbox);
            attempt += 1;
            match self.connect(attempt) {
                Some(mut socket) => {
                    self.talk(&mut socket, end);
                    self.transcript.reconnects += 1;
                    self.lost_at.get_or_insert_with(Instant::now);
                }
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    fn is_done(&self) -> bool {
        self.place.is_over.load(SeqCst) && self.outbox.is_empty() && self.has_seen_end
    }

    fn connect(&self, attempt: usize) -> Option<Socket> {
        let nodes = self.place.nodes.lock().expect("no panic").clone();
        let addr = *nodes.get(attempt % nodes.len().max(1))?;
        let stream = TcpStream::connect_timeout(&addr, Duration::from_secs(5)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        stream.set_nodelay(true).expect("an option");
        let target = match self.log.as_str() {
            "" => String::new(),
            log => format!("?since={}&log={log}", self.last),
        };
        let uri = format!("ws://{addr}/room/x{target}").parse().expect("a URI");
        let request = ClientRequestBuilder::new(uri).with_sub_protocol("chinwag.v1");
        let (socket, _) = tungstenite::client(request, stream).ok()?;
        socket.get_ref().set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
        Some(socket)
    }

    fn talk(&mut self, socket: &mut Socket, end: Instant) {
        let mut next = Instant::now();
        let mut is_named = false;
        while !self.is_done() && Instant::now() < end {
            match socket.read() {
                Ok(Message::Text(text)) => {
                    let object: Value = serde_json::from_str(&text).expect("JSON");
                    is_named |= self.receive(&object, socket);
                }
                Ok(Message::Close(_)) => {}
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
            if is_named && next <= Instant::now() && !self.place.is_over.load(SeqCst) {
                next = Instant::now() + self.place.pause;
                self.sent += 1;
                let message =
                    (format!("{}-{}", self.transcript.name, self.sent), format!("{} says {}", self.number, self.sent));
                self.transcript.sent.push(message.0.clone());
                self.say(socket, &message);
                self.outbox.push_back(message);
            }
        }
    }

    fn say(&self, socket: &mut Socket, (nonce, text): &(String, String)) {
        let text = format!("{text} [{nonce}]");
        let _ = socket.send(Message::text(json!({"type": "message", "text": text, "nonce": nonce}).to_string()));
    }

    /// Returns whether it has its name now.
    fn receive(&mut self, object: &Value, socket: &mut Socket) -> bool {
        let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
        match object["type"].as_str().expect("a type") {
            "id" => {
                let is_first = text("resume") != self.current;
                // After a gap without a number, everything comes again. Without a gap the numbering goes on under another name.
                self.log = text("log");
                if is_first {
                    self.current = text("resume");
                    let name = json!({"type": "username", "name": self.transcript.name, "resume": self.resume});
                    let _ = socket.send(Message::text(name.to_string()));
                } else {
                    self.last = object["seq"].as_u64().expect("a number");
                }
                false
            }
            "gap" => {
                let missed = object["missed"].as_u64().unwrap_or(0);
                self.last = if missed == 0 { 0 } else { self.last + missed };
                self.transcript.gaps.push(missed);
                false
            }
            "username" if self.current.starts_with(&format!("{:x}-", object["id"].as_u64().expect("an id"))) => {
                self.transcript.name_now = text("name");
                self.resume.clone_from(&self.current);
                if let Some(lost) = self.lost_at.take() {
                    let mut longest = self.place.longest_outage.lock().expect("no panic");
                    *longest = longest.max(lost.elapsed());
                }
                let unconfirmed: Vec<_> = self.outbox.iter().cloned().collect();
                unconfirmed.iter().for_each(|message| self.say(socket, message));
                true
            }
            "message" => {
                self.receive_message(object, &text("text"), &text("nonce"));
                false
            }
            "error" => {
                let nonce = text("nonce");
                assert!(!nonce.is_empty(), "an error without a nonce: {object}");
                self.outbox.retain(|(other, _)| *other != nonce);
                self.transcript.refused.push(nonce);
                false
            }
            _ => false,
        }
    }

    fn receive_message(&mut self, object: &Value, text: &str, nonce: &str) {
        let seq = object["seq"].as_u64().expect("a number");
        if !nonce.is_empty() {
            let before = self.outbox.len();
            self.outbox.retain(|(other, _)| other != nonce);
            self.place.confirmed.fetch_add((before - self.outbox.len()) as u64, SeqCst);
        }
        self.has_seen_end |= text.starts_with(END);
        if seq <= self.last {
            // The answer to a message that was sent twice.
            assert!(!nonce.is_empty(), "{} got {object} after {}", self.transcript.name, self.last);
            return;
        }
        if self.transcript.messages.last().is_some_and(|(log, _, _)| *log == self.log) {
            assert_eq!(seq, self.last + 1, "{} has a gap of which it was not told", self.transcript.name);
        }
        self.last = seq;
        self.transcript.messages.push((self.log.clone(), seq, text.to_owned()));
        // A confirmation that came in the history, which has no nonces for others.
        let prefix = format!("{}-", self.transcript.name);
        if let Some(nonce) = nonce_in(text).filter(|nonce| nonce.starts_with(&prefix)) {
            let before = self.outbox.len();
            self.outbox.retain(|(other, _)| other != nonce);
            self.place.confirmed.fetch_add((before - self.outbox.len()) as u64, SeqCst);
        }
    }
}

/// The texts end with their nonces, because the history has none.
fn nonce_in(text: &str) -> Option<&str> {
    text.split(['[', ']']).nth(1)
}

/// As [`check_numbers`], and every message was received or refused.
pub fn check(transcripts: &[Transcript]) {
    let by_number = check_numbers(transcripts);
    let received: BTreeSet<&str> = by_number.values().filter_map(|text| nonce_in(text)).collect();
    for transcript in transcripts {
        for nonce in transcript.sent.iter().filter(|nonce| !transcript.refused.contains(nonce)) {
            assert!(received.contains(nonce.as_str()), "{nonce} is lost");
        }
    }
}

/// All clients have received the same messages with the same numbers, each message once, and have different names.
pub fn check_numbers(transcripts: &[Transcript]) -> BTreeMap<(String, u64), String> {
    let mut by_number: BTreeMap<(String, u64), String> = BTreeMap::new();
    for transcript in transcripts {
        for (log, seq, text) in &transcript.messages {
            let known = by_number.entry((log.clone(), *seq)).or_insert_with(|| text.clone());
            assert_eq!(known, text, "{}: message {seq} of {log}", transcript.name);
        }
    }
    let names: BTreeSet<_> = transcripts.iter().map(|transcript| &transcript.name_now).collect();
    assert_eq!(names.len(), transcripts.len(), "names are unique");
    for (log, _) in by_number.keys().map(|(log, _)| (log, ())).collect::<BTreeSet<_>>() {
        let mut texts: Vec<&String> = by_number.iter().filter(|((of, _), _)| of == log).map(|(_, text)| text).collect();
        let all = texts.len();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), all, "a message has two numbers in {log}");
    }
    by_number
}
