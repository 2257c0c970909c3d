//! What is printed, and how it looks.
//!
//! Owns lines and colours. What others wrote is made harmless for a terminal first.

use chinwag::{
    chat::client::{Event, Said},
    chat::protocol::{sanitize_name, sanitize_text},
    client::Error,
};
use rustyline::ExternalPrinter;
use std::{
    env,
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
};

/// Where lines go.
pub(super) struct Screen {
    way: Way,
    colours: bool,
    users: Users,
    wished: Option<String>,
}

/// Who is there: for `/users`.
pub(super) type Users = Arc<Mutex<Vec<String>>>;

enum Way {
    /// Messages to stdout, all else to stderr: for pipes.
    Plain,
    /// All of it above the line that is being typed.
    Above(Box<dyn ExternalPrinter + Send>),
}

impl Screen {
    pub(super) fn plain() -> Self {
        Self { way: Way::Plain, colours: colours(), users: Users::default(), wished: None }
    }

    pub(super) fn above(printer: impl ExternalPrinter + Send + 'static, users: Users) -> Self {
        Self { way: Way::Above(Box::new(printer)), colours: colours(), users, wished: None }
    }

    /// The name that was asked for: should the server give another one, a line says so.
    pub(super) fn wish(&mut self, name: &str) {
        self.wished = Some(name.to_owned());
    }

    /// False: nobody reads it any more.
    pub(super) fn show(&mut self, event: &Event) -> bool {
        match event {
            // It stands there already, as it was typed; or it came through the pipe.
            Event::Said(said) if said.own => true,
            Event::Said(said) => self.message(said),
            Event::Users(users) => {
                self.users.lock().unwrap_or_else(PoisonError::into_inner).clone_from(users);
                true
            }
            Event::Named(name) => {
                let wished = self.wished.take().filter(|wished| wished != name);
                self.remark(&named(name, wished.as_deref()))
            }
            other => remark(other).is_none_or(|remark| self.remark(&remark)),
        }
    }

    fn message(&mut self, said: &Said) -> bool {
        let line = message(said, self.colours);
        match &mut self.way {
            Way::Plain => writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush()).is_ok(),
            Way::Above(printer) => printer.print(line + "\n").is_ok(),
        }
    }

    fn remark(&mut self, remark: &str) -> bool {
        let line = if self.colours { format!("\x1b[2m* {remark}\x1b[0m") } else { format!("* {remark}") };
        match &mut self.way {
            Way::Plain => {
                let _ = writeln!(io::stderr(), "{line}");
                true
            }
            Way::Above(printer) => printer.print(line + "\n").is_ok(),
        }
    }
}

/// <https://no-color.org>: set and not empty means none.
fn colours() -> bool {
    io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// As the dialect `text` writes it.
fn message(said: &Said, colours: bool) -> String {
    let name = sanitize_name(&said.name);
    let name = if colours { format!("\x1b[1;{}m{name}\x1b[0m", colour(&said.name)) } else { name };
    let to = match &said.target {
        None => String::new(),
        Some(_) => " (to you)".into(),
    };
    format!("{name}{to}: {}", sanitize_text(&said.text))
}

/// One of the six colours that are neither black nor white, always the same for a name.
fn colour(name: &str) -> u32 {
    31 + name.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % 6
}

/// What is worth a line besides messages.
fn remark(event: &Event) -> Option<String> {
    Some(match event {
        Event::Named(name) => named(name, None),
        Event::Joined(name) => format!("{} signed in", sanitize_name(name)),
        Event::Refused { about, text: Some(text), .. } => {
            format!("refused: {} ({})", sanitize_text(about), beginning(&sanitize_text(text)))
        }
        Event::Refused { about, .. } => format!("refused: {}", sanitize_text(about)),
        Event::Gap { missed: Some(1) } => "one message was missed".into(),
        Event::Gap { missed: Some(missed) } => format!("{missed} messages were missed"),
        Event::Gap { missed: None } => "messages may have been missed".into(),
        Event::Lost { why, retry_in } => format!("{why}; trying again in {:.1} s", retry_in.as_secs_f64()),
        Event::Closed { error: Some(error), unheard, .. } => {
            format!("{}{}{}", sanitize_text(&error.to_string()), advice(error), lost(*unheard))
        }
        Event::Closed { code, reason, unheard, .. } if !(*code == 1000 && reason.is_empty() && *unheard == 0) => {
            format!("closed, {code} {}{}", sanitize_text(reason), lost(*unheard)).trim_end().to_owned()
        }
        _ => return None,
    })
}

/// What the flags can do about it.
fn advice(error: &Error) -> &'static str {
    match error {
        Error::Untrusted(_) => "; if it is the right one, trust it with --ca-file FILE",
        _ => "",
    }
}

/// The server does not say why it gave another name.
fn named(name: &str, wished: Option<&str>) -> String {
    let now = format!("you are {}", sanitize_name(name));
    match wished {
        None => now,
        Some(wished) => format!("{now}: {:?} is taken, or cannot be a name", beginning(&sanitize_text(wished))),
    }
}

fn lost(unheard: usize) -> String {
    match unheard {
        0 => String::new(),
        1 => "; one message was not heard".into(),
        many => format!("; {many} messages were not heard"),
    }
}

/// Enough of a message to know which one it was.
fn beginning(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('\u{2026}');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str) -> Event {
        Event::Joined(name.into())
    }

    #[test]
    fn what_others_wrote_cannot_command_the_terminal() {
        let joined = remark(&event("\x1b[2Jeve\n* ann signed in")).expect("a remark");
        assert!(!joined.contains(['\x1b', '\n']), "{joined}");
        let closed = Event::Closed { code: 4000, reason: "\x1b]0;x\x07".into(), error: None, unheard: 2 };
        let closed = remark(&closed).expect("a remark");
        assert!(!closed.contains(['\x1b', '\x07']) && closed.ends_with("; 2 messages were not heard"), "{closed}");
    }

    #[test]
    fn another_name_than_the_wished_one_is_explained() {
        assert_eq!(named("ann", None), "you are ann");
        assert_eq!(named("ann1", Some("ann")), "you are ann1: \"ann\" is taken, or cannot be a name");
        assert!(!named("guest", Some("\x1b[2J")).contains('\x1b'));
    }

    #[test]
    fn an_end_as_wished_is_not_worth_a_line() {
        assert_eq!(remark(&Event::Closed { code: 1000, reason: String::new(), error: None, unheard: 0 }), None);
        assert_eq!(remark(&event("bob")).as_deref(), Some("bob signed in"));
        let missed = |count| remark(&Event::Gap { missed: Some(count) });
        assert_eq!(
            [missed(1), missed(2)].map(Option::unwrap_or_default),
            ["one message was missed", "2 messages were missed"]
        );
        assert_eq!(beginning(&"x".repeat(50)).chars().count(), 41);
    }
}
