//! `chinwag chat URL`: the chat in a terminal, or through a pipe.

mod keyboard;
mod pipe;
mod screen;

use super::{amount::Unit, arguments::Flags, flags::check_feature, logging, print, spawn, token};
use chinwag::chat::client::{ChatClient, Event};
use chinwag::chat::rules::RoomName;
use chinwag::client::{Builder, WebSocket};
use screen::{Screen, Users};
use std::io::{self, IsTerminal};
use std::{env, process::ExitCode, time::Duration};

const NOT_READ: &str = "the chat ended before the input; later lines were not sent";

/// How long the end of the chat waits to learn which line was not sent. The input may be a program that writes nothing more.
const LAST_LINE_TIMEOUT: Duration = Duration::from_secs(1);

/// Chats until the user or the server ends it. Exits with 1 if a message was refused or not delivered, if the close code is not
/// 1000, or if a pipe was not read to its end; otherwise with 0.
///
/// # Errors
/// One line: a flag is wrong, or this terminal cannot be used.
pub(crate) fn run(flags: &Flags) -> Result<ExitCode, String> {
    let name = match flags.text("name")? {
        Some(name) => name.to_owned(),
        None => env::var(if cfg!(windows) { "USERNAME" } else { "USER" })
            .ok()
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "guest".to_owned()),
    };
    let retry = flags.amount("retry", Unit::Seconds, 0)?.unwrap_or(60);
    let chat = ChatClient::connect_with(socket(flags)?, &name, Duration::from_secs(retry));
    let chat = chat.map_err(|error| error.to_string())?;
    let is_interactive = io::stdin().is_terminal() && io::stdout().is_terminal();
    let pipe = if is_interactive { None } else { Some(pipe::start(chat.clone())?) };
    let (mut screen, _terminal) = match is_interactive {
        true => keyboard::start(chat.clone(), name)?,
        false => (Screen::new(None, name, Users::default()), None),
    };
    let (mut is_ok, mut was_closed_here) = (true, false);
    for event in chat.events() {
        if !screen.show(&event) {
            // The reader of stdout is gone.
            chat.close();
            was_closed_here = true;
        }
        is_ok &= match event {
            Event::Refused { text, .. } => text.is_none(),
            Event::Closed { error, undelivered } => error.is_none() && undelivered.is_empty(),
            _ => true,
        };
    }
    // If this side closed the chat, lines that were not read do not count.
    let pipe = pipe.filter(|_| !was_closed_here);
    let unsent =
        pipe.and_then(|unsent| unsent.recv_timeout(LAST_LINE_TIMEOUT).unwrap_or_else(|_| Some(NOT_READ.into())));
    if let Some(unsent) = unsent {
        logging::write_line(&format!("* {unsent}"));
        is_ok = false;
    }
    Ok(if is_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The connection that the flags describe.
fn socket(flags: &Flags) -> Result<Builder, String> {
    let url = flags.url()?.ok_or("which URL? Such as: chinwag chat ws://localhost:6502/")?;
    let scheme = url.trim().split(':').next().unwrap_or_default();
    if ["wss", "https"].iter().any(|secure| scheme.eq_ignore_ascii_case(secure)) {
        check_feature("tls").map_err(|missing| format!("{url}: {missing}"))?;
    }
    let mut socket = WebSocket::builder(&with_room(url, flags.text("room")?.unwrap_or_default())?);
    let warn = |warning: &str| logging::write_line(&format!("* {warning}"));
    if let Some(token) = token::read("token-file", flags.value("token-file"), warn)? {
        socket = socket.header("Authorization", &format!("Bearer {token}"));
    }
    #[cfg(feature = "tls")]
    if let Some(file) = flags.value("ca-file") {
        let connector = chinwag::tls::Connector::trusting(file).map_err(|error| format!("--ca-file {error}"))?;
        socket = socket.tls(connector);
    }
    Ok(socket)
}

/// The URL with the path of a room. An empty name is the lobby, or the room that the URL names.
fn with_room(url: &str, room: &str) -> Result<String, String> {
    if room.is_empty() {
        return Ok(url.to_owned());
    }
    let name = RoomName::new(room).ok_or_else(|| {
        let most = RoomName::MAX_CHARS;
        format!("--room {room:?}: a room cannot have this name; write at most {most} visible characters")
    })?;
    let (base, query) = url.split_at(url.find('?').unwrap_or(url.len()));
    let base = base.trim_end_matches('/');
    match base.contains("/room/") {
        true => Err(format!("--room {room}: the URL names a room already")),
        false => Ok(format!("{base}{}{query}", name.to_path())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_goes_into_the_path() {
        for (url, room, expected) in [
            ("ws://h:1/", "kitchen", Ok("ws://h:1/room/kitchen")),
            ("ws://h:1", "a b/c?\u{e9}", Ok("ws://h:1/room/a%20b%2Fc%3F%C3%A9")),
            ("ws://h/chat/?token=x", "den", Ok("ws://h/chat/room/den?token=x")),
            ("ws://h/room/den", "attic", Err(())),
            ("ws://h/", "", Ok("ws://h/")),
        ] {
            assert_eq!(with_room(url, room).map_err(drop), expected.map(str::to_owned), "{url} {room}");
        }
    }

    #[test]
    fn an_impossible_room_is_named() {
        for room in [" ", "\x1b", &"x".repeat(200)] {
            let error = with_room("ws://h/", room).expect_err(room);
            assert!(error.contains("--room") && !error.contains(char::is_control), "{error}");
        }
    }
}
