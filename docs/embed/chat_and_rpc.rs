//! The chat below `/chat` and a service of your own at `/rpc`, on one port.
//!
//! Run:      cargo run --example embed_chat_and_rpc -- 127.0.0.1:9007

use chinwag::chat::{protocol::Dialect, rules::Rules, server::ChatServer};
use chinwag::crossbeam_channel::{at, never, select};
use chinwag::{Event, Server};
use std::env;

fn main() -> Result<(), chinwag::Error> {
    let addr = env::args().nth(1).unwrap_or("127.0.0.1:9007".into());
    let builder = Server::builder().endpoint(|path| path == "/rpc").listen(addr)?;
    let server = ChatServer::mount(builder, "/chat").start()?;
    println!("chat at http://{}/chat/", server.local_addrs()[0]);
    let events = server.events().clone();
    let mut chat = ChatServer::new(server, Rules::default(), Dialect::Json).mounted_at("/chat");
    loop {
        let tick = chat.next_tick().map_or_else(never, at);
        select! {
            recv(tick) -> _ => chat.tick(),
            recv(events) -> event => match event {
                Ok(Event::Message(peer, message)) if peer.path() == "/rpc" => _ = peer.send(message),
                Ok(event) if event.path() == "/rpc" => {}
                Ok(event) => chat.handle(event),
                Err(_) => return Ok(()), // after a shutdown
            },
        }
    }
}
