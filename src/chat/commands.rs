//! What each command does.
//!
//! Owns signing in, talking and asking. A command that is refused changes nothing. Whether one more
//! is bearable was settled before, by `chat.rs`.

use std::sync::Arc;

use super::room::Seat;
use super::{Chat, Now, Output, Rules, broadcast, send};
use crate::protocol::{Audience, Command, ErrorReason, Name, Notice, Problem, UserId};

/// Who says something, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speaker {
    pub(super) now: Now,
    pub(super) id: UserId,
    pub(super) seat: Seat,
}

impl Chat {
    /// Does what a member asked for, or says why not.
    pub(super) fn obey(&mut self, speaker: Speaker, command: Command, out: &mut Vec<Output>) -> Result<(), Problem> {
        let Speaker { now, id, .. } = speaker;
        match command {
            Command::SetName(asked) => self.rename(speaker, &asked, out),
            Command::Say { text, target: None } => self.say(speaker, text, out)?,
            Command::Say { text, target: Some(name) } => self.whisper(speaker, text, &name, out)?,
            Command::Inspect => out.push(Output::ShowHandshake { to: id }),
            Command::Drop => out.push(Output::Drop { who: id }),
            Command::ListUsers => out.push(send(id, Notice::Users(self.lobby.users()))),
            Command::Help => out.push(send(id, Notice::Help)),
            Command::Quit => self.put_out(now, id, 1000, "bye", out),
            Command::UnknownCommand(word) => return Err(unknown_command(&word)),
        }
        Ok(())
    }

    /// People who type lines have a name from the start: the first line that they type is heard.
    pub(super) fn name_guest(&mut self, speaker: Speaker, out: &mut Vec<Output>) {
        let asked = format!("guest-{}", speaker.id);
        let Some(granted) = self.lobby.rename(speaker.seat, &asked, self.name_chars()) else {
            return;
        };
        out.push(send(speaker.id, Notice::You { name: granted.name.clone() }));
        self.announce(speaker, granted.name, out);
    }

    fn rename(&mut self, speaker: Speaker, asked: &str, out: &mut Vec<Output>) {
        let Some(granted) = self.lobby.rename(speaker.seat, asked, self.name_chars()) else {
            return;
        };
        if !granted.as_asked {
            let (id, name) = (speaker.id, granted.name.clone());
            out.push(send(id, Notice::RejectUsername { id, name }));
        }
        self.announce(speaker, granted.name, out);
    }

    /// A name was set: the list first, unless it has to wait, then whose name it is.
    fn announce(&mut self, speaker: Speaker, name: Name, out: &mut Vec<Output>) {
        self.list_if_due(speaker.now, out);
        out.push(broadcast(Notice::Username { name, id: speaker.id, date: speaker.now.date }));
    }

    fn say(&self, speaker: Speaker, text: Arc<str>, out: &mut Vec<Output>) -> Result<(), Problem> {
        let name = self.allow(speaker, &text)?.clone();
        let text = displayable(text);
        let (id, date) = (speaker.id, speaker.now.date);
        out.push(broadcast(Notice::Message { name, text, id, date, audience: Audience::Room }));
        Ok(())
    }

    /// A private message: to its target and to its sender; once, if they are the same.
    fn whisper(&self, speaker: Speaker, text: Arc<str>, target: &str, out: &mut Vec<Output>) -> Result<(), Problem> {
        let name = self.allow(speaker, &text)?;
        let text = displayable(text);
        let (to, target) = self.lobby.find(target, self.name_chars()).ok_or(ErrorReason::NoSuchUser)?;
        let (id, date) = (speaker.id, speaker.now.date);
        let copy = |audience| {
            let (name, text) = (name.clone(), text.clone());
            Notice::Message { name, text, id, date, audience }
        };
        out.push(send(to, copy(Audience::You(target.clone()))));
        if to != id {
            out.push(send(id, copy(Audience::Other(target.clone()))));
        }
        Ok(())
    }

    /// The speaker's name, if it has one and may say this: a text must have something in it that is
    /// not white space, and not too much.
    fn allow(&self, speaker: Speaker, text: &str) -> Result<&Name, Problem> {
        let name = self.lobby.name(speaker.seat).ok_or(ErrorReason::NoName)?;
        let max = self.rules.text_chars;
        if text.trim_start().is_empty() {
            return Err(Problem::new(ErrorReason::MissingField, "The text is empty. Say something."));
        }
        // No text has more characters than bytes: most need not be counted.
        if text.len() > max && text.chars().count() > max {
            return Err(ErrorReason::TooLong.into());
        }
        Ok(name)
    }

    fn name_chars(&self) -> usize {
        self.rules.name_chars.clamp(Rules::LEAST_NAME_CHARS, Rules::MOST_NAME_CHARS)
    }
}

/// The text, without what can be shown on no screen: in JSON, each of these bytes would become six.
fn displayable(text: Arc<str>) -> Arc<str> {
    if text.contains(is_control) {
        return text.replace(is_control, "\u{fffd}").into();
    }
    text
}

/// C0, DEL and C1 (ECMA-48), which terminals obey, but for what moves on within a text.
fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t')
}

fn unknown_command(word: &str) -> Problem {
    let word: String = word.chars().take(32).collect();
    let about = format!("There is no command /{word}. Type /help to see those there are, or //{word} to say /{word}.");
    Problem::new(ErrorReason::UnknownType, about)
}
