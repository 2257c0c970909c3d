//! A sensor in the chat: it publishes a reading every few seconds and follows commands, in one thread.
//!
//! Needs:    cargo add crossbeam-channel, in a program of your own
//! Run:      cargo run --example 08_sensor -- ws://127.0.0.1:6502/        (with a chinwag running there)
//! Look at:  http://127.0.0.1:6502/ in a browser. Send `every 1` or `stop`. `select!` waits for a message or for the
//!           next reading, whichever is first.

use chinwag::{
    Message,
    client::{Error, Event, WebSocket},
};
use crossbeam_channel::{never, select, tick};
use std::{env, fs, time::Duration};

fn main() -> Result<(), Error> {
    let url = env::args().nth(1).unwrap_or("ws://127.0.0.1:6502/".into());
    let socket = WebSocket::connect(&url, &["text"])?;
    let mut due = never();
    loop {
        select! {
            recv(due) -> _ => {
                socket.send(format!("{:.2}", reading()));
            }
            recv(socket.events()) -> event => match event {
                Ok(Event::Open) => {
                    socket.send("/name sensor");
                    due = tick(Duration::from_secs(5));
                }
                Ok(Event::Message(Message::Text(line))) => match command(&line) {
                    Some(0) => due = never(),
                    Some(seconds) => due = tick(Duration::from_secs(seconds)),
                    None => println!("{line}"),
                },
                Ok(Event::Error(error)) => return Err(error),
                Ok(_) => {}
                Err(_) => return Ok(()),
            },
        }
    }
}

/// `bob: every 3` and `bob: stop` are commands. The sensor's own messages are not.
fn command(line: &str) -> Option<u64> {
    match line.split_once(": ")?.1.split_once(' ') {
        Some(("every", seconds)) => seconds.parse().ok(),
        None if line.ends_with(": stop") => Some(0),
        _ => None,
    }
}

/// Read your sensor here. This one reads the load of the machine.
fn reading() -> f64 {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0.0)
}
