//! What is typed, or comes through a pipe.
//!
//! Owns the commands of the terminal, and the terminal's settings, which are as before when the program ends.

use super::{Screen, screen::Users, spawn};
use chinwag::{chat::client::ChatClient, chat::protocol::sanitize_name};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::{DefaultEditor, error::ReadlineError};
use std::{
    io,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// The settings of a terminal, put back when this is dropped: the program may end while a line is being typed.
pub(super) struct Terminal(Option<Termios>);

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, before);
        }
    }
}

/// A pipe: every line is a message; its end is the wish to end. Waits with the chat: lines are not read faster than they
/// are heard.
pub(super) fn forward(chat: &ChatClient, wished: &Arc<AtomicBool>) -> Terminal {
    let (chat, wished) = (chat.clone(), Arc::clone(wished));
    // Without a thread, nothing is read, and the chat is closed as its last handle goes.
    let _ = spawn("stdin", move || {
        let lines = io::stdin().lines().map_while(Result::ok).filter(|line| !line.trim().is_empty());
        if lines.into_iter().all(|line| chat.say(line)) {
            wished.store(true, Ordering::Release);
            chat.finish();
        }
    });
    Terminal(None)
}

/// A person: line editing, and what comes in above it.
///
/// # Errors
/// A sentence: the terminal cannot be used.
pub(super) fn start(chat: &ChatClient, wished: &Arc<AtomicBool>) -> Result<(Screen, Terminal), String> {
    let unusable = |error: ReadlineError| format!("this terminal cannot be used: {error}");
    let before = Terminal(tcgetattr(io::stdin()).ok());
    let mut editor = DefaultEditor::new().map_err(unusable)?;
    let printer = editor.create_external_printer().map_err(unusable)?;
    let (chat, wished, users) = (chat.clone(), Arc::clone(wished), Users::default());
    let screen = Screen::above(printer, Arc::clone(&users));
    spawn("keyboard", move || {
        let interrupted = type_lines(&mut editor, &chat, &users);
        wished.store(true, Ordering::Release);
        if interrupted {
            chat.close();
        }
        chat.finish();
    })?;
    Ok((screen, before))
}

/// Until Ctrl-D or `/quit`, which wait until all was heard; or Ctrl-C, which does not: then it is true.
fn type_lines(editor: &mut DefaultEditor, chat: &ChatClient, users: &Users) -> bool {
    loop {
        let line = match editor.readline("> ") {
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => line,
            Err(error) => return matches!(error, ReadlineError::Interrupted),
        };
        let _ = editor.add_history_entry(&line);
        if !obey(&line, chat, users) {
            return false;
        }
    }
}

/// False: it is the last line.
fn obey(line: &str, chat: &ChatClient, users: &Users) -> bool {
    let Some(command) = line.strip_prefix('/') else { return chat.say(line) };
    let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
    match (word, rest.trim()) {
        ("quit", _) => false,
        ("name", name) if !name.is_empty() => chat.rename(name),
        ("users", _) => list(users),
        ("msg", rest) => match addressed(rest) {
            Some((target, text)) => chat.say_to(target, text),
            None => help(),
        },
        _ if command.starts_with('/') => chat.say(command),
        _ => help(),
    }
}

/// `ann hi`, or `"Ann B" hi`.
fn addressed(rest: &str) -> Option<(&str, &str)> {
    let (target, text) = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => rest.split_once(' ')?,
    };
    Some((target, text.trim())).filter(|(target, text)| !target.is_empty() && !text.is_empty())
}

fn list(users: &Users) -> bool {
    let users = users.lock().unwrap_or_else(PoisonError::into_inner);
    let names: Vec<_> = users.iter().map(|name| sanitize_name(name)).collect();
    println!("* users: {}", names.join(", "));
    true
}

fn help() -> bool {
    println!("* commands: /name bob, /msg ann hi (/msg \"Ann B\" hi), /users, /quit; //x says /x");
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_messages_have_a_name_and_a_text() {
        for (rest, expected) in [
            ("ann hi there", Some(("ann", "hi there"))),
            ("\"Ann B\" hi", Some(("Ann B", "hi"))),
            ("ann", None),
            ("\"Ann B hi", None),
            ("\"\" hi", None),
            ("", None),
        ] {
            assert_eq!(addressed(rest), expected, "{rest}");
        }
    }
}
