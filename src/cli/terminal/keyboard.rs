//! Input: lines that are typed in a terminal, with their commands.

use super::{Screen, logging, print, screen::Users, spawn};
use chinwag::chat::client::ChatClient;
use chinwag::chat::protocol::{ClientMessage, Dialect, Post, ServerMessage, Target};
#[cfg(unix)]
use rustix::termios::{self, OptionalActions, Termios};
use rustyline::{DefaultEditor, error::ReadlineError};
use std::any::Any;
use std::io;
use std::sync::{Arc, PoisonError};

/// The settings of a terminal. Dropping this restores them: the program may end while a line is being typed.
#[cfg(unix)]
struct Terminal(Termios);

#[cfg(unix)]
impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Drain, &self.0);
    }
}

/// Starts line editing in a terminal. What arrives is shown above the line that is being typed.
///
/// # Errors
/// One line: the terminal cannot be used.
pub(super) fn start(chat: ChatClient) -> Result<(Screen, Box<dyn Any>), String> {
    let unusable = |error: ReadlineError| format!("this terminal cannot be used: {error}");
    #[cfg(unix)]
    let before = termios::tcgetattr(io::stdin()).ok().map(Terminal);
    // There, rustyline restores them.
    #[cfg(windows)]
    let before = ();
    let mut editor = DefaultEditor::new().map_err(unusable)?;
    let printer = editor.create_external_printer().map_err(unusable)?;
    let users = Users::default();
    let screen = Screen::new(Some(Box::new(printer)), Arc::clone(&users));
    let type_all = move || {
        if type_lines(&mut editor, &chat, &users) {
            chat.close();
        }
        chat.finish();
    };
    spawn("keyboard", Box::new(type_all))?;
    Ok((screen, Box::new(before)))
}

/// Executes lines until Ctrl-D or `/quit`, which wait for all messages to be delivered. Returns true after Ctrl-C, and when the
/// terminal is gone, which does not wait.
fn type_lines(editor: &mut DefaultEditor, chat: &ChatClient, users: &Users) -> bool {
    loop {
        let line = match editor.readline("> ") {
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => line,
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                logging::write_line("* this line was not sent: it has bytes that are not UTF-8");
                continue;
            }
            Err(ReadlineError::Eof) => return false,
            Err(ReadlineError::Interrupted) => return true,
            Err(error) => {
                logging::write_line(&format!("* the terminal cannot be read: {error}"));
                return true;
            }
        };
        let _ = editor.add_history_entry(&line);
        if !execute(&line, chat, users) {
            return false;
        }
    }
}

/// Executes a line of the dialect `text`. Returns false after the last one.
fn execute(line: &str, chat: &ChatClient, users: &Users) -> bool {
    match Dialect::Text.decode(line) {
        Ok(ClientMessage::Message(Post { text, target: Some(Target::Name(name)), .. })) => chat.send_to(&name, &text),
        Ok(ClientMessage::Message(post)) => chat.send(&*post.text),
        Ok(ClientMessage::SetName(name, ..)) => chat.rename(&name),
        Ok(ClientMessage::Command(line)) => chat.command(&line),
        Ok(ClientMessage::ListUsers) => {
            let users = users.lock().unwrap_or_else(PoisonError::into_inner);
            show(&ServerMessage::Users(users.iter().map(|name| name.as_str().into()).collect()))
        }
        Ok(ClientMessage::Help) => show(&ServerMessage::Help),
        Ok(_) => false,
        Err(error) => show(&ServerMessage::Error(error)),
    }
}

fn show(message: &ServerMessage) -> bool {
    Dialect::Text.encode(message).is_none_or(|line| print(&(line + "\n")).is_ok())
}
