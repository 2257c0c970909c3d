//! Conversations with the rules, as transcripts.

use super::*;
use core::net::IpAddr;

mod archive;
mod behind;
mod history;
mod identity;
mod moderation;
mod nonces;
mod post;
mod restore;
mod rooms;
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
        Self { chat: Chat::new(rules), now: 1000, offset: 0 }
    }

    fn outputs(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut out = Vec::new();
        let now = Now { uptime: self.now, date: self.now.saturating_add_signed(self.offset) };
        self.chat.apply(now, input, &mut out);
        out
    }

    fn put(&mut self, input: Input<'_>) -> Vec<String> {
        let out = self.outputs(input);
        out.iter()
            .filter(|output| !matches!(output, Output::Subscribe(..) | Output::Unsubscribe(..) | Output::Restricted))
            .map(show)
            .collect()
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
        Output::Subscribe(..) | Output::Unsubscribe(..) | Output::Restricted => String::new(),
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

#[test]
fn played_bytes_are_hexadecimal_and_limited() {
    let mut script = Script::new(Rules::default());
    script.join(2, Dialect::Chinwag);
    for play in [r#""8""#, r#""81 0""#, r#""xy""#, r#""+1""#, "5", "[129]", &format!("\"{}\"", "00".repeat(4097))] {
        let output = script.text(2, &format!(r#"{{"type":"inspect","play":{play}}}"#));
        assert!(output[0].contains("missing-field"), "{play}: {output:?}");
    }
}

#[test]
fn inspect_and_drop_exist_in_dialect_chinwag_only() {
    let mut script = Script::new(Rules::default());
    script.join(1, Dialect::Json);
    script.join(2, Dialect::Chinwag);
    let rows = [
        (r#"{"type":"inspect"}"#, "2< its handshake []"),
        (r#"{"type":"inspect","play":"81 05 aB"}"#, "2< its handshake [81, 5, ab]"),
        (r#"{"type":"drop"}"#, "2x cut"),
    ];
    for (text, output) in rows {
        assert_eq!(script.text(2, text), [output]);
        let error = script.text(1, text);
        assert!(error[0].contains("unknown-type"), "{error:?}");
    }
}

#[test]
fn mdn_client_signs_in_and_talks() {
    let mut script = Script::new(Rules::default());
    assert_eq!(
        script.join(1, Dialect::Json),
        [format!(r#"1< {{"type":"id","id":1,"seq":0,"log":"00000000000000000","resume":"{}"}}"#, token(1))]
    );
    assert_eq!(
        script.name(1, " bob "),
        [r#"*< {"type":"userlist","users":["bob"]}"#, r#"*< {"type":"username","name":"bob","id":1,"date":1000}"#]
    );
    assert_eq!(script.say(1, "hi"), [r#"*< {"type":"message","name":"bob","text":"hi","id":1,"date":1000,"seq":1}"#]);
    script.now = 1100;
    script.join(2, Dialect::Json);
    assert_eq!(
        script.name(2, "Bob"),
        [
            r#"2< {"type":"rejectusername","id":2,"name":"Bob1"}"#,
            r#"*< {"type":"userlist","users":["bob","Bob1"]}"#,
            r#"*< {"type":"username","name":"Bob1","id":2,"date":1100}"#
        ]
    );
    script.now = 1200;
    assert_eq!(script.put(Input::Left(1, false)), ["*< * bob left", r#"*< {"type":"userlist","users":["Bob1"]}"#]);
    assert_eq!(script.put(Input::Left(1, false)), [""; 0]);
    script.now = 1300;
    let freed =
        [r#"*< {"type":"userlist","users":["bob"]}"#, r#"*< {"type":"username","name":"bob","id":2,"date":1300}"#];
    assert_eq!(script.name(2, "bob"), freed);
}

#[test]
fn text_client_has_a_name_from_the_start() {
    let mut script = Script::with(&["ann"]);
    assert_eq!(
        script.join(7, Dialect::Text),
        [
            &format!(r#"7< {{"type":"id","id":7,"seq":0,"log":"00000000000000000","resume":"{}"}}"#, token(7)),
            r#"7< {"type":"rejectusername","id":7,"name":"guest-7"}"#,
            r#"*< {"type":"userlist","users":["ann","guest-7"]}"#,
            r#"*< {"type":"username","name":"guest-7","id":7,"date":3000}"#
        ]
    );
    assert_eq!(
        script.text(7, "hi"),
        [r#"*< {"type":"message","name":"guest-7","text":"hi","id":7,"date":3000,"seq":1}"#]
    );
    assert_eq!(script.text(7, "/users"), ["7< * users: ann, guest-7"]);
    assert!(script.text(7, "/help")[0].starts_with("7< * commands: /name bob"));
    let hint = script.text(7, "/shrug me");
    assert!(hint[0].contains("unknown-type") && hint[0].contains("There is no command /shrug."), "{hint:?}");
    assert_eq!(script.text(7, "/quit"), ["7x 1000 bye", "*< * guest-7 left"]);
    assert_eq!(script.text(7, "anyone?"), [""; 0]);
}

#[test]
fn taken_guest_name_gets_a_number() {
    let mut script = Script::with(&["GUEST-7"]);
    assert!(script.join(7, Dialect::Text)[1].contains(r#""name":"guest-71""#));
}

#[test]
fn private_message_goes_to_target_and_sender() {
    let mut script = Script::with(&["ann", "bob", "eve"]);
    let line = r#"{"type":"message","text":"psst","target":"BOB"}"#;
    let copy = r#"{"type":"message","name":"ann","text":"psst","id":1,"date":3000,"target":"bob","targetId":2}"#;
    assert_eq!(script.text(1, line), [format!("2< {copy}"), format!("1< {copy}")]);
    let own = copy.replace("ann", "bob").replace(r#""id":1"#, r#""id":2"#);
    assert_eq!(script.text(2, line), [format!("2< {own}")]);
    for absent in ["carol", "", "\\u200b"] {
        let out = script.text(1, &line.replace("BOB", absent));
        assert!(out.len() == 1 && out[0].starts_with(r#"1< {"type":"error","reason":"no-such-user""#), "{out:?}");
    }
}

/// Comparing a name takes time that grows with its length, so the length is checked first.
#[test]
fn overlong_names_are_rejected_before_comparison() {
    let long = format!("{}ん", "・".repeat(20_000));
    let spaced = format!("a{}b", " ".repeat(31));
    for name in [&long, &spaced] {
        let mut script = Script::with(&["a b"]);
        script.join(2, Dialect::Text);
        let private = [
            script.text(1, &format!(r#"{{"type":"message","text":"x","target":"{name}"}}"#)),
            script.text(2, &format!("/msg \"{name}\" x")),
        ];
        assert!(private.iter().all(|out| out.len() == 1 && out[0].contains("no-such-user")), "{private:?}");
        script.now += 60_000;
        let renames = [script.name(1, name), script.text(2, &format!("/name {name}"))];
        assert!(renames.iter().all(|out| out[0].contains("rejectusername")), "{renames:?}");
    }
}

#[test]
fn error_goes_to_its_sender_only() {
    let mut script = Script::with(&["ann"]);
    script.join(2, Dialect::Chinwag);
    let long = "x".repeat(8001);
    let rows = [
        (1, "hi".to_owned(), "bad-json"),
        (1, r#"{"type":"id"}"#.to_owned(), "unknown-type"),
        (1, r#"{"type":"message"}"#.to_owned(), "missing-field"),
        (1, r#"{"type":"message","text":" \n "}"#.to_owned(), "missing-field"),
        (1, format!(r#"{{"type":"message","text":"{long}"}}"#), "too-long"),
        (2, r#"{"type":"message","text":"hi"}"#.to_owned(), "no-name"),
        (2, r#"{"type":"message","text":"hi","target":"ann"}"#.to_owned(), "no-name"),
    ];
    for (id, text, reason) in rows {
        let out = script.text(id, &text);
        let start = format!(r#"{id}< {{"type":"error","reason":"{reason}","about":""#);
        assert!(out.len() == 1 && out[0].starts_with(&start), "{text:.40} {out:?}");
    }
    for (text, is_accepted) in [("é".repeat(8000), true), ("é".repeat(8001), false), ("x".repeat(8000), true)] {
        assert_eq!(script.say(1, &text)[0].starts_with("*< "), is_accepted, "{}", text.len());
    }
}

#[test]
fn binary_message_closes_the_connection() {
    let mut script = Script::with(&["ann"]);
    let out = script.put(Input::Binary(1));
    assert!(out[0].starts_with(r#"1< {"type":"error","reason":"not-text""#));
    assert_eq!(out[1..], ["1x 1003 text only", "*< * ann left", r#"*< {"type":"userlist","users":[]}"#]);
    assert_eq!(script.put(Input::Binary(1)), [""; 0]);
}

#[test]
fn hundred_errors_in_a_row_close_the_connection() {
    let mut script = Script::new(Rules { rate: None, ..Rules::default() });
    script.join(1, Dialect::Json);
    script.name(1, "ann");
    for _ in 0..99 {
        assert_eq!(script.text(1, "{").len(), 1);
    }
    script.say(1, "a good one");
    for _ in 0..99 {
        assert_eq!(script.text(1, "{").len(), 1);
    }
    let last = script.text(1, "{");
    assert!(last[0].contains("bad-json"));
    assert_eq!(last[1..], ["1x 1008 too many errors", "*< * ann left"]);
}

/// Escaped in JSON, each would take six bytes. Terminals interpret those of C1 as well.
#[test]
fn control_characters_are_replaced() {
    let mut script = Script::with(&["ann", "bob"]);
    for (sent, received) in [
        (r"a\u0001\u001f\u001b[1m\u0000", "a\u{fffd}\u{fffd}\u{fffd}[1m\u{fffd}"),
        (r"tab\tline\r\nline", r"tab\tline\r\nline"),
        (r"\u000b", ""),
        ("del\u{7f} nel\u{85} csi\u{9b} bidi\u{202e}", "del\u{fffd} nel\u{fffd} csi\u{fffd} bidi\u{202e}"),
    ] {
        for target in ["", r#","target":"bob""#] {
            let out = script.text(1, &format!(r#"{{"type":"message","text":"{sent}"{target}}}"#));
            let expected = format!(r#""text":"{received}","id":1"#);
            let is_expected =
                |line: &String| line.contains(&expected) || received.is_empty() && line.contains("missing-field");
            assert!(out.iter().all(is_expected), "{out:?}");
        }
    }
}

#[test]
fn user_list_has_oldest_connection_first() {
    let mut script = Script::new(Rules { list_interval: 0, ..Rules::default() });
    script.join(9, Dialect::Json);
    script.join(3, Dialect::Json);
    script.name(3, "first");
    assert_eq!(script.name(9, "second")[0], r#"*< {"type":"userlist","users":["first","second"]}"#);
    assert_eq!(script.chat.members(RoomId::LOBBY).collect::<Vec<_>>(), [3, 9]);
}

#[test]
fn user_list_exists_if_a_user_has_a_name() {
    let mut script = Script::new(Rules::default());
    script.join(1, Dialect::Chinwag);
    assert_eq!(script.chat.user_list(RoomId::LOBBY), None);
    script.name(1, "ann");
    let list = script.chat.user_list(RoomId::LOBBY);
    assert_eq!(list.as_ref().map(words).as_deref(), Some(r#"{"type":"userlist","users":["ann"]}"#));
    assert_eq!(script.chat.rooms().map(|(name, users)| (&**name, users)).collect::<Vec<_>>(), [("", 1)]);
}

#[test]
fn rejected_names_get_a_replacement() {
    let long = "x".repeat(32);
    let rows = [
        (3, "bob", Some("bob2")),
        (3, "BOB", Some("BOB2")),
        (3, "bob1", Some("bob11")),
        (3, "\\u202ebob", Some("guest")),
        (3, "b\u{43e}b", Some("guest")),
        (3, "", Some("guest")),
        (1, "bob", None),
        (1, "Bob", None),
        (2, "bob", Some("bob1")),
        (2, "bob1", None),
        (3, &long, None),
        (2, &long, Some(&format!("{}1", "x".repeat(31)))),
    ];
    let mut script = Script::with(&["bob", "bob", "carol"]);
    for (id, asked, given) in rows {
        script.now += 1000;
        let out = script.name(id, asked);
        let rejected = given.map(|name| format!(r#"{id}< {{"type":"rejectusername","id":{id},"name":"{name}"}}"#));
        let error = (given == Some("guest")).then_some("bad-name");
        assert_eq!(
            out.len(),
            2 + usize::from(rejected.is_some()) + usize::from(error.is_some()),
            "{id} {asked} {out:?}"
        );
        assert!(error.is_none_or(|reason| out[3].contains(reason)), "{id} {asked} {out:?}");
        assert!(rejected.is_none_or(|line| out[0] == line), "{id} {asked} {out:?}");
    }
}
