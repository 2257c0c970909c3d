//! Input: lines that are typed in a terminal, with their commands.

use super::{Screen, print, screen::Users, spawn, stderr};
use chinwag::chat::{
    client::ChatClient,
    protocol::{sanitize_name, sanitize_text},
    rules::command_usage,
};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::{DefaultEditor, error::ReadlineError};
use std::io;
use std::sync::{Arc, PoisonError};

/// The settings of a terminal. Dropping this restores them: the program may end while a line is being typed.
pub(super) struct Terminal(Termios);

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.0);
    }
}

/// Starts line editing in a terminal. What arrives is shown above the line that is being typed.
///
/// # Errors
/// One line: the terminal cannot be used.
pub(super) fn start(chat: ChatClient, name: String) -> Result<(Screen, Option<Terminal>), String> {
    let unusable = |error: ReadlineError| format!("this terminal cannot be used: {error}");
    let before = tcgetattr(io::stdin()).ok().map(Terminal);
    let mut editor = DefaultEditor::new().map_err(unusable)?;
    let printer = editor.create_external_printer().map_err(unusable)?;
    let users = Users::default();
    let screen = Screen::new(Some(Box::new(printer)), name, Arc::clone(&users));
    let type_all = move || {
        if type_lines(&mut editor, &chat, &users) {
            chat.close();
        }
        chat.finish();
    };
    spawn("keyboard", Box::new(type_all))?;
    Ok((screen, before))
}

/// Executes lines until Ctrl-D or `/quit`, which wait for all messages to be delivered. Returns true after Ctrl-C, and when the
/// terminal is gone, which does not wait.
fn type_lines(editor: &mut DefaultEditor, chat: &ChatClient, users: &Users) -> bool {
    loop {
        let line = match editor.readline("> ") {
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => line,
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                stderr::write_line("* this line was not sent: it has bytes that are not UTF-8");
                continue;
            }
            Err(ReadlineError::Eof) => return false,
            Err(ReadlineError::Interrupted) => return true,
            Err(error) => {
                stderr::write_line(&format!("* the terminal cannot be read: {error}"));
                return true;
            }
        };
        let _ = editor.add_history_entry(&line);
        if !execute(&line, chat, users) {
            return false;
        }
    }
}

/// Returns false after the last line.
fn execute(line: &str, chat: &ChatClient, users: &Users) -> bool {
    let Some(command) = line.strip_prefix('/') else { return chat.send(line) };
    let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
    match (word, rest.trim()) {
        ("quit", _) => false,
        ("name", name) if !name.is_empty() => chat.rename(name),
        ("users", _) => print_users(users),
        ("msg", rest) => match private_message(rest) {
            Some((target, text)) => chat.send_to(target, text),
            None => print_commands(),
        },
        _ if command.starts_with('/') => chat.send(command),
        _ if command_usage(word).is_some() => chat.command(command),
        ("help" | "name", _) => print_commands(),
        _ => print(&format!("* there is no command /{}\n", sanitize_text(word))).is_ok() && print_commands(),
    }
}

/// `ann hi`, or `"Ann B" hi`.
fn private_message(rest: &str) -> Option<(&str, &str)> {
    let (target, text) = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => rest.split_once(' ')?,
    };
    Some((target, text.trim())).filter(|(target, text)| !target.is_empty() && !text.is_empty())
}

fn print_users(users: &Users) -> bool {
    let users = users.lock().unwrap_or_else(PoisonError::into_inner);
    let names: Vec<_> = users.iter().map(|name| sanitize_name(name)).collect();
    print(&format!("* users: {}\n", names.join(", "))).is_ok()
}

fn print_commands() -> bool {
    print("* commands: /name bob, /msg ann hi (/msg \"Ann B\" hi), /users, /quit; //x says /x\n").is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_messages_need_a_name_and_a_text() {
        for (rest, expected) in [
            ("ann hi there", Some(("ann", "hi there"))),
            ("\"Ann B\" hi", Some(("Ann B", "hi"))),
            ("ann", None),
            ("\"Ann B hi", None),
            ("\"\" hi", None),
            ("", None),
        ] {
            assert_eq!(private_message(rest), expected, "{rest}");
        }
    }
}
