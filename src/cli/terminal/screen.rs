//! Output: one line for each event, names in bold. Text from others cannot control the terminal.

use super::{logging, print};
use chinwag::chat::client::{Event, Message};
use chinwag::chat::protocol::{sanitize_name, sanitize_text};
use chinwag::{DisconnectReason, client::Error};
use rustyline::ExternalPrinter;
use std::env;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) struct Screen {
    /// Prints above the line that is being typed. `None` in a pipe: messages go to stdout, everything else to stderr.
    printer: Option<Box<dyn ExternalPrinter + Send>>,
    is_styled: bool,
    users: Users,
}

/// The users in the room, for `/users`.
pub(super) type Users = Arc<Mutex<Vec<String>>>;

impl Screen {
    pub(super) fn new(printer: Option<Box<dyn ExternalPrinter + Send>>, users: Users) -> Self {
        // <https://no-color.org>: none if it is set and not empty.
        let is_styled = io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { printer, is_styled, users }
    }

    /// Returns false if the reader of the output is gone.
    pub(super) fn show(&mut self, event: &Event) -> bool {
        match event {
            // It is visible already, as it was typed, or it came through the pipe.
            Event::Message(message) if message.own => true,
            Event::Message(message) => self.print(format_message(message, self.is_styled), true),
            Event::Users(users) => {
                self.users.lock().unwrap_or_else(PoisonError::into_inner).clone_from(users);
                true
            }
            other => {
                if let Event::Closed { undelivered, .. } = other {
                    // The printer prints on the thread of the keyboard, and the program may end before that.
                    if self.printer.take().is_some() {
                        let _ = print("\r\x1b[K");
                    }
                    for text in undelivered {
                        self.remark(&format!("not delivered: {}", sanitize_text(text)));
                    }
                }
                remark(other).is_none_or(|remark| self.remark(&remark))
            }
        }
    }

    fn remark(&mut self, remark: &str) -> bool {
        let line = if self.is_styled { format!("\x1b[2m* {remark}\x1b[0m") } else { format!("* {remark}") };
        self.print(line, false)
    }

    /// In a pipe, only messages go to stdout.
    fn print(&mut self, line: String, is_message: bool) -> bool {
        match &mut self.printer {
            Some(printer) => printer.print(line + "\n").is_ok(),
            None if is_message => writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush()).is_ok(),
            None => {
                logging::write_line(&line);
                true
            }
        }
    }
}

/// A message as the dialect `text` writes it.
fn format_message(message: &Message, is_styled: bool) -> String {
    let name = sanitize_name(&message.name);
    let name = if is_styled { format!("\x1b[1m{name}\x1b[0m") } else { name };
    let to = if message.target.is_some() { " (to you)" } else { "" };
    format!("{name}{to}: {}", sanitize_text(&message.text))
}

/// The line for an event that is not a message; `None` if it needs no line.
fn remark(event: &Event) -> Option<String> {
    Some(match event {
        Event::Named(name) => format!("you are {}", sanitize_name(name)),
        Event::Joined(name) => format!("{} signed in", sanitize_name(name)),
        Event::Refused { explanation, text: Some(text), .. } => {
            format!("refused: {} ({})", sanitize_text(explanation), sanitize_text(text))
        }
        Event::Refused { explanation, .. } => format!("refused: {}", sanitize_text(explanation)),
        Event::Deleted { seqs } => format!("messages deleted by an operator: {}", seqs.len()),
        Event::Notice(text) => {
            let lines: Vec<_> = text.lines().map(sanitize_text).collect();
            format!("notice: {}", lines.join("\n* "))
        }
        Event::Gap { missed: Some(missed) } => format!("messages missed: {missed}"),
        Event::Gap { missed: None } => "messages may have been missed".into(),
        Event::Disconnected { reason, retry_in } => {
            format!("{}; trying again in {:.1} s", sanitize_text(reason), retry_in.as_secs_f64())
        }
        Event::Closed { error: Some(error), .. } => sanitize_text(explained(error).trim_end()),
        _ => return None,
    })
}

/// The error, with the flag that helps. The server's words about tokens are for programs that send HTTP.
fn explained(error: &Error) -> String {
    match error {
        Error::Untrusted(_) => format!("{error}; if it is the right certificate, trust it with --ca-file FILE"),
        Error::Refused { status: 401, .. } => {
            "the server requires its access token (401): write it into a file, and add --token-file FILE".into()
        }
        Error::Ended(DisconnectReason::ClosedByPeer { code, reason }) => format!("closed, {code} {reason}"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chinwag::chat::protocol::is_deceptive;
    use std::time::Duration;

    fn event(name: &str) -> Event {
        Event::Joined(name.into())
    }

    #[test]
    fn text_from_others_cannot_control_the_terminal() {
        let evil = || "\x1b[2Jeve\n* ann signed in\u{200b}\u{e0041}\u{202e}\x07".to_owned();
        let refused = |text| Event::Refused { reason: evil(), explanation: evil(), text };
        let failed = Error::Refused { status: 503, body: evil() };
        let closed = Error::Ended(DisconnectReason::ClosedByPeer { code: 4000, reason: evil() });
        let events = [
            event(&evil()),
            Event::Named(evil()),
            Event::Notice(evil().replace('\n', " ")),
            refused(None),
            refused(Some(evil())),
            Event::Disconnected { reason: evil(), retry_in: Duration::ZERO },
            Event::Closed { error: Some(failed), undelivered: Vec::new() },
            Event::Closed { error: Some(closed), undelivered: Vec::new() },
        ];
        for event in &events {
            let line = remark(event).expect("a remark");
            assert!(!line.contains(is_deceptive), "{line:?}");
        }
    }

    #[test]
    fn an_orderly_end_needs_no_line() {
        assert_eq!(remark(&Event::Closed { error: None, undelivered: Vec::new() }), None);
        assert_eq!(remark(&event("bob")).as_deref(), Some("bob signed in"));
    }
}
