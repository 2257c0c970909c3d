//! `chinwag chat URL`: the chat in a terminal, or through a pipe.

mod keyboard;
mod pipe;
mod screen;

use super::{amount::Unit, arguments::Flags, flags::check_feature, logging, print, spawn, token};
use chinwag::chat::client::{ChatClient, Event};
use chinwag::client::{Builder, WebSocket};
use screen::{Screen, Users};
use std::io::{self, IsTerminal};
use std::{env, process::ExitCode, time::Duration};

const USER: &str = if cfg!(windows) { "USERNAME" } else { "USER" };

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
        None => env::var(USER).ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "guest".to_owned()),
    };
    let retry = flags.amount("retry", Unit::Seconds, 0)?.unwrap_or(60);
    let chat = ChatClient::connect_with(socket(flags)?, &name, Duration::from_secs(retry));
    let chat = chat.map_err(|error| error.to_string())?;
    let is_interactive = io::stdin().is_terminal() && io::stdout().is_terminal();
    let pipe = if is_interactive { None } else { Some(pipe::start(chat.clone())?) };
    let (mut screen, _terminal) = match is_interactive {
        true => keyboard::start(chat.clone())?,
        false => (Screen::new(None, Users::default()), Box::new(()) as _),
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
    let mut socket = WebSocket::builder(url);
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
