//! The rules of the chat on standard input: no network, no threads, no clock. What goes in, and what comes out.
//!
//! Run:      cargo run --example 04_rules
//! Look at:  the answers to  1 join   2 join   1 /name ann   2 /msg ann hi   1 hello   2 leave   (a line each)

use chinwag::chat::protocol::{Dialect, ServerMessage};
use chinwag::chat::rules::{Chat, Input, Now, Output, RoomName, Rules};
use std::io::{self, BufRead};

fn main() -> io::Result<()> {
    let (mut chat, lobby) = (Chat::new(Rules::default()), RoomName::lobby());
    let mut out = Vec::new();
    for (second, line) in io::stdin().lock().lines().enumerate() {
        let line = line?;
        let Some((id, input)) = line.split_once(' ').and_then(|(id, said)| Some((id.parse().ok()?, said))) else {
            println!("a line is a number and `join`, `leave`, or what that connection says");
            continue;
        };
        let input = match input {
            "join" => Input::Joined { id, dialect: Dialect::Text, room: &lobby, since: None },
            "leave" => Input::Left { id },
            text => Input::Text { id, text },
        };
        // A second a line: the chat has no clock, it is told the time.
        let now = Now::new(1000 * second as u64, 0);
        chat.apply(now, input, &mut out);
        out.drain(..).for_each(show);
    }
    Ok(())
}

/// Nothing has been sent anywhere: an output says what is to be done.
fn show(output: Output) {
    match output {
        Output::Send { to, message } => println!("  to {to}: {}", words(&message)),
        Output::Subscribe { id } => println!("  {id} is subscribed to the room"),
        Output::Broadcast { message, .. } => println!("  to all: {}", words(&message)),
        Output::Close { id, code, .. } => println!("  close {id} with {code}"),
        other => println!("  {other:?}"),
    }
}

fn words(message: &ServerMessage) -> String {
    Dialect::Text.encode(message).or_else(|| Dialect::Chinwag.encode(message)).unwrap_or_default()
}
