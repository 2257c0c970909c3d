//! The client for Autobahn's fuzzing server: asks for the number of cases, and echoes in each of them.
//!
//! Run:      bash .ci/autobahn-client        (starts the fuzzing server and checks its report)
//! Look at:  `echo`, an echo as a client.

use chinwag::{
    Config, Message,
    client::{Error, Event, WebSocket},
};
use std::{env, process::ExitCode, time::Duration};

fn main() -> ExitCode {
    let server = env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:9001".into());
    match run(&server) {
        Ok(cases) => {
            println!("{cases} cases");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("autobahn: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(server: &str) -> Result<usize, Error> {
    let mut cases = 0;
    for event in connect(&format!("{server}/getCaseCount"))?.events() {
        match event {
            Event::Message(Message::Text(count)) => cases = count.trim().parse().unwrap_or(0),
            Event::Error(error) => return Err(error),
            _ => {}
        }
    }
    for case in 1..=cases {
        echo(&connect(&format!("{server}/runCase?case={case}&agent=chinwag"))?);
    }
    echo(&connect(&format!("{server}/updateReports?agent=chinwag"))?);
    Ok(cases)
}

/// Returns at the end of the connection, whatever the server did.
fn echo(socket: &WebSocket) {
    for event in socket.events() {
        if let Event::Message(message) = event {
            socket.send(message);
        }
    }
}

fn connect(url: &str) -> Result<WebSocket, Error> {
    let builder = WebSocket::builder(url).config(Config::client().close_timeout(Duration::from_secs(2)));
    #[cfg(feature = "deflate")]
    let builder = builder.deflate(chinwag::Deflate::default());
    builder.connect()
}
