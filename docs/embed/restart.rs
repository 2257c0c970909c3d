//! Ctrl-C ends the server cleanly: each client gets Close 1001. Enter restarts it at the same port.
//!
//! Needs:    cargo add ctrlc --features termination, in a program of your own
//! Run:      cargo run --example embed_restart -- 127.0.0.1:9008

use chinwag::Server;
use std::{env, error::Error, io, sync::mpsc, thread};

enum Command {
    Restart,
    Stop,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut addr = env::args().nth(1).unwrap_or("127.0.0.1:9008".into());
    let (sender, commands) = mpsc::channel();
    let ctrl_c = sender.clone();
    ctrlc::set_handler(move || _ = ctrl_c.send(Command::Stop))?;
    thread::spawn(move || io::stdin().lines().map_while(Result::ok).try_for_each(|_| sender.send(Command::Restart)));
    loop {
        let server = Server::builder().listen(addr.as_str())?.serve(|ws| {
            for message in &ws {
                ws.send(message);
            }
        })?;
        addr = server.local_addrs()[0].to_string();
        println!("echo at ws://{addr}/");
        let command = commands.recv()?;
        server.handle().shut_down();
        server.wait();
        if let Command::Stop = command {
            return Ok(());
        }
    }
}
