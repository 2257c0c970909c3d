//! The rules of the chat on standard input: inputs and outputs, without network, threads or clock.
//!
//! Run:      cargo run --example 04_rules
//! Look at:  the output for  1 join   2 join   1 /name ann   2 /msg ann hi   1 hello   2 leave   (one line each)

use chinwag::chat::protocol::{Dialect, ServerMessage};
use chinwag::chat::rules::{Chat, ClientInfo, Input, Now, Output, RoomName, Rules};
use std::io::{self, BufRead};

fn main() -> io::Result<()> {
    let (mut chat, lobby) = (Chat::new(Rules::default(), 0), RoomName::lobby());
    for (second, line) in io::stdin().lock().lines().enumerate() {
        let line = line?;
        let Some((id, input)) = line.split_once(' ').and_then(|(id, input)| Some((id.parse().ok()?, input))) else {
            println!("write a number, then `join`, `leave` or a message");
            continue;
        };
        let input = match input {
            "join" => Input::Joined(ClientInfo { id, dialect: Dialect::Text, ..ClientInfo::default() }, &lobby, None),
            "leave" => Input::Left(id, false),
            text => Input::Text(id, text),
        };
        // The chat has no clock. Here, each line takes a second.
        let now = Now { uptime: 1000 * second as u64, date: 0 };
        chat.apply(now, input).into_iter().for_each(show);
    }
    Ok(())
}

/// An output describes what a server has to send or close.
fn show(output: Output) {
    match output {
        Output::Send(to, message) => println!("  to {to}: {}", line(&message)),
        Output::Subscribe(id) => println!("  {id} is subscribed to the room"),
        Output::Broadcast(_, message, ..) => println!("  to all: {}", line(&message)),
        Output::Close(id, code, ..) => println!("  close {id} with {code}"),
        other => println!("  {other:?}"),
    }
}

fn line(message: &ServerMessage) -> String {
    Dialect::Text.encode(message).or_else(|| Dialect::Chinwag.encode(message)).unwrap_or_default()
}
