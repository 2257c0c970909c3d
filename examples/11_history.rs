//! A chat that remembers: each message is in a file before a client receives it, and still there after a restart.
//!
//! Run:      cargo run --features history --example 11_history -- 127.0.0.1:6511 chat.db
//! Look at:  the page: write something, end this program with Ctrl-C (or kill -9), and start it again. Look into the file:
//!           sqlite3 chat.db .dump

use chinwag::chat::history::{History, Settings};
use chinwag::{Server, chat::protocol::Dialect, chat::rules::Rules, chat::server::ChatServer};
use std::{env, error::Error};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let addr = args.next().unwrap_or("127.0.0.1:6511".into());
    let mut settings = Settings::new(args.next().unwrap_or("chat.db".into()));
    // A power failure loses nothing, because each batch of messages waits for the disk. By default it may lose the last seconds.
    settings.sync = true;
    let history = History::open(&settings)?;
    let server = Server::builder()
        .protocols(ChatServer::protocols())
        .endpoint(ChatServer::is_endpoint)
        .route(ChatServer::route)
        .site(ChatServer::site)
        .first_id(history.first_id()) // an id in the history must not belong to another client
        .listen(addr)?
        .start()?;
    println!("chat at http://{}/", server.local_addrs()[0]);
    // The rules accept a message, the history stores it, and only then is it sent. No client knows a message that a restart loses.
    ChatServer::new(server, Rules::default(), Dialect::Json).archive(Box::new(history)).run();
    Ok(())
}
