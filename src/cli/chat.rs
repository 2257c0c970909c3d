//! `chinwag chat URL`: the chat in a terminal, or in a pipe.
//!
//! Owns the course of it and the exit codes. 0: closed as wished, and everything that was said was heard; 1: refused or
//! lost; 2: the command line is wrong.

mod args;
mod keyboard;
mod screen;

use args::{Args, Wish};
use chinwag::chat::client::{ChatClient, Event};
use screen::Screen;
use std::{
    io::{self, IsTerminal},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

const LOST: u8 = 1;
const USAGE: u8 = 2;

/// The program, where its first word is `chat`.
pub(crate) fn main() -> ExitCode {
    let code = match args::read() {
        Ok(Wish::Help) => {
            print!("{}", args::HELP);
            Ok(ExitCode::SUCCESS)
        }
        Ok(Wish::Version) => {
            println!("chinwag {}", env!("CARGO_PKG_VERSION"));
            Ok(ExitCode::SUCCESS)
        }
        Ok(Wish::Chat(args)) => chat(&args),
        Err(error) => Err(error),
    };
    code.unwrap_or_else(|error| {
        eprintln!("chinwag chat: {error}");
        ExitCode::from(USAGE)
    })
}

/// From the first packet to the exit code.
fn chat(args: &Args) -> Result<ExitCode, String> {
    let chat = ChatClient::builder(args.socket()?, &args.name).patience(args.retry).connect();
    let chat = chat.map_err(|error| error.to_string())?;
    let wished = Arc::new(AtomicBool::new(false));
    let people = io::stdin().is_terminal() && io::stdout().is_terminal();
    let (mut screen, _terminal) = match people {
        true => keyboard::start(&chat, &wished)?,
        false => (Screen::plain(), keyboard::forward(&chat, &wished)),
    };
    screen.wish(&args.name);
    let good = chat.events().iter().fold(true, |good, event| good & show(&event, &chat, &mut screen));
    Ok(match good && wished.load(Ordering::Acquire) {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(LOST),
    })
}

/// Shows what happened. False: the exit code shall tell that something went wrong.
fn show(event: &Event, chat: &ChatClient, screen: &mut Screen) -> bool {
    if !screen.show(event) {
        // Nobody reads any more what is printed.
        chat.close();
    }
    match event {
        Event::Refused { text, .. } => text.is_none(),
        Event::Closed { error, unheard, .. } => error.is_none() && *unheard == 0,
        _ => true,
    }
}

/// A thread that is not waited for: it may sit in a read until the process ends.
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), String> {
    thread::Builder::new().name(name.into()).spawn(work).map(drop).map_err(|error| format!("no thread: {error}"))
}
