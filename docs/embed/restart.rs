//! Ctrl-C ends the server cleanly: each client gets Close 1001. SIGHUP restarts it at the same port.
//!
//! Needs:    cargo add signal-hook, in a program of your own
//! Run:      cargo run --example embed_restart -- 127.0.0.1:9008

use chinwag::Server;
use signal_hook::consts::{SIGHUP, SIGINT};
use std::{env, error::Error, sync::mpsc, thread};

fn main() -> Result<(), Box<dyn Error>> {
    let mut addr = env::args().nth(1).unwrap_or("127.0.0.1:9008".into());
    let (sender, signals) = mpsc::channel();
    let mut caught = signal_hook::iterator::Signals::new([SIGHUP, SIGINT])?;
    thread::spawn(move || caught.forever().try_for_each(|signal| sender.send(signal)));
    loop {
        let server = Server::builder().listen(addr.as_str())?.serve(|ws| {
            for message in &ws {
                ws.send(message);
            }
        })?;
        addr = server.local_addrs()[0].to_string();
        println!("echo at ws://{addr}/");
        let signal = signals.recv()?;
        server.handle().shut_down();
        server.wait();
        if signal == SIGINT {
            return Ok(());
        }
    }
}
