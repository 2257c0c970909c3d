//! Echo over TLS: `wss://` for WebSockets, `https://` for other requests.
//!
//! Run:      cargo run --features tls --example 10_tls -- 127.0.0.1:9443 cert.pem key.pem
//!           (without files it makes a self-signed certificate)
//! Look at:  `acceptor`. The rest is the same as in 02_echo.

use chinwag::{
    Config, Error, Event, Server,
    tls::{Acceptor, self_signed},
};
use std::env;

fn main() -> Result<(), Error> {
    let args: Vec<String> = env::args().skip(1).collect();
    let addr = args.first().map_or("127.0.0.1:9443", String::as_str);
    let acceptor = acceptor(args.get(1..).unwrap_or_default())?;
    let mut config = Config::default();
    config.max_message_size = 32 * 1024 * 1024;
    config.max_send_buffer = 64 * 1024 * 1024;
    let server = Server::builder().config(config).listen_tls(addr, &acceptor)?.start()?;
    println!("echo at wss://{}/, certificate {}", server.local_addrs()[0], acceptor.fingerprint());
    for event in server.events() {
        if let Event::Message(peer, message) = event {
            peer.send(message);
        }
    }
    Ok(())
}

fn acceptor(files: &[String]) -> Result<Acceptor, Error> {
    match files {
        [] => {
            let file = env::temp_dir().join("chinwag-echo.pem");
            self_signed(&file, &["localhost".into(), "127.0.0.1".into()])?;
            Acceptor::from_pem_files(&file, &file)
        }
        // One file may hold both.
        [certificate, rest @ ..] => Acceptor::from_pem_files(certificate, rest.first().unwrap_or(certificate)),
    }
}
