//! A whole chat with its page. The crate does the rest: handshakes, frames, Pings, closing, limits, slow clients.
//!
//! Run:      cargo run --example 00_chat -- 127.0.0.1:9000
//! Look at:  http://127.0.0.1:9000/ in two windows. Change your name with  /nick ann

use chinwag::{Event, Message, Peer, PeerId, Server, http::Response};
use std::{collections::HashMap, env};

/// The page is ordinary JavaScript: one line to connect, one to receive, one to send.
const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<title>chat</title>
<pre id="messages"></pre>
<form><input autofocus autocomplete="off" aria-label="message"> <button>send</button></form>
<script>
  const ws = new WebSocket(location.href.replace('http', 'ws'));
  const show = (line) => document.querySelector('#messages').append(line + '\n');
  ws.onmessage = (event) => show(event.data);
  ws.onclose = (event) => show(`closed: ${event.code} ${event.reason}`);
  document.querySelector('form').onsubmit = (event) => {
    event.preventDefault();
    ws.send(document.querySelector('input').value);
    event.target.reset();
  };
</script>
"#;

fn main() -> Result<(), chinwag::Error> {
    let addr = env::args().nth(1).unwrap_or("127.0.0.1:9000".into());
    let server = Server::builder()
        .site(|request| (request.uri().path() == "/").then(|| Response::html(200, PAGE)))
        .listen(addr)?
        .start()?;
    println!("chat at http://{}/", server.local_addrs()[0]);
    let mut chat = Chat::default();
    // Each connection has a thread that reads. Their events come here, one at a time, so the chat needs no lock.
    for event in server.events() {
        match event {
            Event::Connected(peer, _request) => chat.join(peer),
            Event::Message(peer, Message::Text(text)) => chat.receive(peer.id(), text.trim()),
            Event::Message(peer, Message::Binary(_)) => _ = peer.close(1003, "text only"),
            Event::Disconnected(peer, _reason) => chat.leave(peer.id()),
            _ => {}
        }
    }
    Ok(())
}

struct Member {
    peer: Peer,
    name: String,
}

#[derive(Default)]
struct Chat {
    members: HashMap<PeerId, Member>,
}

impl Chat {
    fn join(&mut self, peer: Peer) {
        let name = format!("guest#{}", peer.id());
        peer.send(format!("Welcome, {name}. Change your name with /nick NAME"));
        self.members.insert(peer.id(), Member { peer, name: name.clone() });
        self.send_all(&format!("* {name} has joined, {} here", self.members.len()));
    }

    fn receive(&mut self, id: PeerId, line: &str) {
        let Some(member) = self.members.get(&id) else { return };
        match line.split_once(' ') {
            _ if line.is_empty() => {}
            Some(("/nick", name)) => self.rename(id, name),
            _ if line.starts_with('/') => _ = member.peer.send("There is one command: /nick NAME"),
            _ => self.send_all(&format!("{}: {line}", member.name)),
        }
    }

    fn rename(&mut self, id: PeerId, name: &str) {
        let is_taken = self.members.values().any(|member| member.name == name);
        let Some(member) = self.members.get_mut(&id) else { return };
        if is_taken || !name.chars().all(char::is_alphanumeric) || name.chars().count() > 20 {
            member.peer.send("A name has at most 20 letters and digits, and belongs to one member.");
            return;
        }
        let old = std::mem::replace(&mut member.name, name.to_owned());
        self.send_all(&format!("* {old} is {name} now"));
    }

    fn leave(&mut self, id: PeerId) {
        if let Some(member) = self.members.remove(&id) {
            self.send_all(&format!("* {} has left", member.name));
        }
    }

    /// A send never waits. A client that does not receive is closed when its buffer is full.
    fn send_all(&self, line: &str) {
        for member in self.members.values() {
            member.peer.send(line);
        }
    }
}
