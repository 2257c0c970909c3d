//! Conversations with the rules, as transcripts.

use super::*;
use core::net::IpAddr;

mod archive;
mod behind;
mod history;
mod identity;
mod moderation;
mod names;
mod nonces;
mod post;
mod restore;
mod rooms;
mod talk;
mod throttle;

/// A chat, and the time in it.
struct Script {
    chat: Chat,
    now: Millis,
    /// How far the clock of dates was set forward or back.
    offset: i64,
}

impl Script {
    fn new(rules: Rules) -> Self {
        Self { chat: Chat::new(rules, 0), now: 1000, offset: 0 }
    }

    fn outputs(&mut self, input: Input<'_>) -> Vec<Output> {
        let now = Now { uptime: self.now, date: self.now.saturating_add_signed(self.offset) };
        self.chat.apply(now, input)
    }

    fn put(&mut self, input: Input<'_>) -> Vec<String> {
        let out = self.outputs(input);
        out.iter().filter(|output| !show(output).is_empty()).map(show).collect()
    }

    fn join(&mut self, id: UserId, dialect: Dialect) -> Vec<String> {
        self.enter(id, dialect, "", None)
    }

    /// An empty name is the lobby.
    fn enter(&mut self, id: UserId, dialect: Dialect, room: &str, since: Option<Since<'_>>) -> Vec<String> {
        let room = if room.is_empty() { RoomName::lobby() } else { RoomName::new(room).expect("a room's name") };
        self.put(Input::Joined(
            ClientInfo { id, dialect, secret: u128::from(id), ..ClientInfo::default() },
            &room,
            since,
        ))
    }

    /// Joins with the dialect `text`, from this address.
    fn come_from(&mut self, address: Option<&str>, id: UserId, room: &str) {
        let address = address.map(|address| address.parse().expect("an address"));
        let room = if room.is_empty() { RoomName::lobby() } else { RoomName::new(room).expect("a room's name") };
        self.put(Input::Joined(
            ClientInfo { id, dialect: Dialect::Text, secret: u128::from(id), address, ..ClientInfo::default() },
            &room,
            None,
        ));
    }

    fn members(&self, room: RoomId) -> Vec<UserId> {
        self.chat.members.iter().filter(|(_, member)| member.room == room).map(|(id, _)| id).collect()
    }

    fn text(&mut self, id: UserId, text: &str) -> Vec<String> {
        self.put(Input::Text(id, text))
    }

    fn name(&mut self, id: UserId, name: &str) -> Vec<String> {
        self.text(id, &format!(r#"{{"type":"username","name":"{name}"}}"#))
    }

    fn say(&mut self, id: UserId, text: &str) -> Vec<String> {
        self.text(id, &format!(r#"{{"type":"message","text":"{text}"}}"#))
    }

    /// Connections 1, 2, … with these names, after their user lists.
    fn with(names: &[&str]) -> Self {
        let mut script = Self::new(Rules::default());
        for (id, name) in (1..).zip(names) {
            script.join(id, Dialect::Chinwag);
            script.name(id, name);
        }
        script.now += 1000;
        script.put(Input::Tick);
        script.now += 1000;
        script
    }
}

/// `1< …` is sent to 1, `*< …` to the lobby, `*1< …` to room 1, `*-2< …` to the lobby without 2; in JSON or else as text.
/// `1x 1000 bye` closes.
fn show(output: &Output) -> String {
    match output {
        Output::Send(to, message) => format!("{to}< {}", words(message)),
        Output::Broadcast(room, message, except) => {
            let room = if *room == RoomId::LOBBY { String::new() } else { room.0.to_string() };
            let except = except.map(|id| format!("-{id}")).unwrap_or_default();
            format!("*{room}{except}< {}", words(message))
        }
        Output::Subscribe(..) | Output::Unsubscribe(..) | Output::Restricted | Output::Executed(..) => String::new(),
        Output::Store(message) => format!("store {} {}: {}", message.room, message.seq, message.text),
        Output::Load { id, room, after, up_to, .. } => format!("{id}< load {room} {after}..{up_to}"),
        Output::Erase(..) => "erase".to_owned(),
        Output::Posted(id, result) => format!("{id} posted {result:?}"),
        Output::Answer(Ok(answer)) => format!("ok {answer}"),
        Output::Answer(Err(answer)) => format!("err {answer}"),
        Output::SendHandshake(to, play) => format!("{to}< its handshake {play:x?}"),
        Output::Cut(id) => format!("{id}x cut"),
        Output::Close(id, code, reason) => format!("{id}x {code} {reason}"),
    }
}

/// The resume token of a connection, whose secret is its number.
fn token(id: UserId) -> String {
    format!("{id:x}-{id:032x}")
}

fn words(message: &ServerMessage) -> String {
    Dialect::Json.encode(message).or_else(|| Dialect::Text.encode(message)).expect("one of them has it")
}
