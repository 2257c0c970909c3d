//! A chat that remembers: what was said is in a file before anybody sees it, and there after a restart.
//!
//! Run:      cargo run --features history --example 11_history -- 127.0.0.1:6511 chat.db
//! Look at:  the page: say something, end this program with Ctrl-C (or kill -9), start it again. And look into the file:
//!           sqlite3 chat.db .dump

use chinwag::chat::history::{Durability, History, Settings};
use chinwag::{Server, chat::protocol::Dialect, chat::rules::Rules, chat::server::ChatServer};
use std::{env, error::Error};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let addr = args.next().unwrap_or("127.0.0.1:6511".into());
    let mut settings = Settings::new(args.next().unwrap_or("chat.db".into()));
    // What may a power cut take? Nothing, and each batch of messages waits for the disk; or, by default, the last seconds.
    settings.durability = Durability::Full;
    let history = History::open(&settings)?;
    let server = Server::builder()
        .protocols(ChatServer::protocols())
        .endpoint(ChatServer::is_endpoint)
        .site(ChatServer::site)
        .first_id(history.first_id()) // a number that is in the history shall be nobody else's
        .listen(addr)?
        .start()?;
    println!("chat at http://{}/", server.local_addrs()[0]);
    // The chat decides, the history keeps, and only then is it said: so nobody has seen what a restart forgets.
    ChatServer::new(server, Rules::default(), Dialect::Json).archive(Box::new(history)).run();
    Ok(())
}
