//! The hot paths, through the public API: dialects, rules, frames, the handshake, and a fan-out over loopback.
//!
//! Run:  cargo bench                        all
//!       cargo bench -- chat                those with "chat" in their name
//!       cargo test --bench hot_paths       each once, as a test

use chinwag::{
    Config, Frames, Server,
    chat::protocol::{Dialect, ServerMessage, StoredMessage},
    chat::rules::{Chat, ClientInfo, Input, Now, RoomName, Rules},
    chat::server::ChatServer,
    handshake::{Negotiated, Policy, negotiate, read_request},
};
use divan::{Bencher, black_box, counter::ItemsCount};
use std::{
    io,
    net::{SocketAddr, TcpStream},
    sync::Arc,
    thread,
};
use tungstenite::{Message, WebSocket, client::ClientRequestBuilder, protocol::WebSocketConfig};

/// Clients in the room.
const ROOM: u64 = 100;

/// A fixed time: the rules have no clock.
const NOW: Now = Now { uptime: 0, date: 1_800_000_000_000 };

const HELLO: &str =
    r#"{"type":"message","text":"How are you? I am fine, thank you, and so is everybody <here>.","date":1}"#;

fn main() {
    divan::main();
}

#[divan::bench(args = ["json", "chinwag.v1", "text"])]
fn decode(bencher: Bencher, name: &str) {
    let dialect = dialect(name);
    bencher.bench(|| dialect.decode(black_box(HELLO)));
}

#[divan::bench(args = ["json", "chinwag.v1", "text"])]
fn encode(bencher: Bencher, name: &str) {
    let dialect = dialect(name);
    let text = "How are you? I am fine, thank you, and so is everybody <here>.";
    let mut entry = StoredMessage::new("", 1234, "ann", text);
    (entry.date, entry.id) = (NOW.date, 7);
    let message = ServerMessage::Message(entry);
    bencher.bench(|| dialect.encode(black_box(&message)));
}

/// A list of a thousand users, as in a join storm.
#[divan::bench(args = ["json", "chinwag.v1"])]
fn encode_list(bencher: Bencher, name: &str) {
    let dialect = dialect(name);
    let users =
        ServerMessage::UserList { users: (0..1000).map(|id| Arc::from(format!("user {id}"))).collect(), ids: None };
    bencher.bench(|| dialect.encode(black_box(&users)));
}

#[divan::bench(args = [64, 1024, 65536])]
fn frames(bencher: Bencher, bytes: usize) {
    let (mut frames, text) = (Frames::new(), "x".repeat(bytes));
    bencher.bench_local(|| {
        frames.text(black_box(&text));
        frames.clear(usize::MAX);
    });
}

#[divan::bench]
fn chat_message(bencher: Bencher) {
    let mut chat = room(ROOM);
    bencher.bench_local(|| chat.apply(NOW, Input::Text(1, black_box(HELLO))));
}

#[divan::bench(args = [100, 1000])]
fn chat_sign_ins(bencher: Bencher, people: u64) {
    bencher.counter(ItemsCount::new(people)).bench(|| room(people));
}

#[divan::bench]
fn handshake(bencher: Bencher) {
    let policy = Policy { protocols: ChatServer::protocols().map(Arc::from).collect(), ..Policy::default() };
    bencher.bench(|| {
        let mut head = Head(black_box(REQUEST));
        let read = read_request(&mut head, &Config::default());
        let (mut request, _) = read.expect("a whole request");
        let negotiated = negotiate(&mut request, &policy);
        assert!(matches!(negotiated, Negotiated::Upgrade(_)));
    });
}

/// One client sends `messages` at once, and all clients receive them.
#[divan::bench(args = [1, 16], sample_size = 1)]
fn loopback(bencher: Bencher, messages: u64) {
    let mut clients = connected(serve());
    bencher.counter(ItemsCount::new(messages * ROOM)).bench_local(|| {
        (0..messages).for_each(|_| clients[0].send(Message::text(HELLO)).expect("it is sent"));
        for client in &mut clients {
            (0..messages).for_each(|_| wait_for(client, r#"{"type":"message""#));
        }
    });
}

fn dialect(name: &str) -> Dialect {
    Dialect::from_name(name).expect("a dialect")
}

/// A chat with that many users.
fn room(people: u64) -> Chat {
    let mut chat = Chat::new(Rules::unlimited(), 0);
    for id in 1..=people {
        let sign_in = format!(r#"{{"type":"username","name":"user {id}"}}"#);
        let room = &RoomName::lobby();
        let client = ClientInfo { id, dialect: Dialect::Json, ..ClientInfo::default() };
        let _ = chat.apply(NOW, Input::Joined(client, room, None));
        let _ = chat.apply(NOW, Input::Text(id, &sign_in));
    }
    chat
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:6502\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nOrigin: http://127.0.0.1:6502\r\nSec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en\r\nSec-WebSocket-Protocol: chinwag.v1, json\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

/// A request head in one piece.
struct Head(&'static [u8]);

impl io::Read for Head {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        io::Read::read(&mut self.0, buffer)
    }
}

/// Starts a chat that ends with this program.
fn serve() -> SocketAddr {
    let builder = Server::builder().config(Config::unlimited()).protocols(ChatServer::protocols());
    let server = builder.listen("127.0.0.1:0").and_then(chinwag::Builder::start).expect("a server");
    let addr = server.local_addrs()[0];
    thread::spawn(move || ChatServer::new(server, Rules::unlimited(), Dialect::Json).run());
    addr
}

/// Connects the clients. The first one has a name.
fn connected(addr: SocketAddr) -> Vec<WebSocket<TcpStream>> {
    let mut clients: Vec<_> = (0..ROOM).map(|_| connect(addr)).collect();
    clients.iter_mut().for_each(|client| wait_for(client, r#"{"type":"id""#));
    clients[0].send(Message::text(r#"{"type":"username","name":"ann"}"#)).expect("it is sent");
    clients.iter_mut().for_each(|client| wait_for(client, r#"{"type":"userlist""#));
    clients
}

fn connect(addr: SocketAddr) -> WebSocket<TcpStream> {
    let stream = TcpStream::connect(addr).expect("a connection");
    stream.set_nodelay(true).expect("TCP");
    let request = ClientRequestBuilder::new(format!("ws://{addr}/").parse().expect("a URI")).with_sub_protocol("json");
    let config = WebSocketConfig::default().read_buffer_size(4096);
    tungstenite::client::client_with_config(request, stream, Some(config)).expect("a handshake").0
}

/// Reads up to a message that begins with `start`.
fn wait_for(client: &mut WebSocket<TcpStream>, start: &str) {
    loop {
        match client.read().expect("a message") {
            Message::Text(text) if text.starts_with(start) => return,
            _ => {}
        }
    }
}
