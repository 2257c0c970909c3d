//! Messages without a connection.

use super::{archive::archived, *};
use crate::chat::protocol::{ErrorReason, Post, Receipt, Target};

fn post(text: &str) -> Post {
    Post::from_text(text)
}

fn named(name: &str) -> Post {
    Post { name: Some(name.into()), ..post("hi") }
}

impl Script {
    /// Returns the number and the name, or the reason, and what was sent.
    fn post(&mut self, room: &str, address: Option<IpAddr>, post: Post) -> (Result<Receipt, ErrorReason>, Vec<String>) {
        let room = if room.is_empty() { RoomName::lobby() } else { RoomName::new(room).expect("a room's name") };
        let now = Now { uptime: self.now, date: self.now };
        if self.chat.charge_post(now, address, &room, post.text.len()) > 0 {
            return (Err(ErrorReason::TooFast), vec![]);
        }
        let mut out = self.outputs(Input::Post(99, address, &room, &post));
        let Some(Output::Posted(99, result)) = out.pop() else { panic!("the result is the last output: {out:?}") };
        (result.map_err(|error| error.reason), out.iter().map(show).collect())
    }

    fn posted(&mut self, room: &str, post: Post) -> (Option<u64>, Option<String>) {
        let receipt = self.post(room, None, post).0.expect("accepted");
        (receipt.seq, receipt.name.map(|name| name.to_string()))
    }
}

#[test]
fn room_receives_the_message_and_nothing_else() {
    let mut script = Script::with(&["ann"]);
    let (receipt, out) = script.post("", None, Post { nonce: Some("n".into()), ..post("door open") });
    assert_eq!(receipt.map(|receipt| receipt.seq), Ok(Some(1)));
    assert_eq!(
        out,
        [format!(r#"*< {{"type":"message","name":"guest","text":"door open","id":99,"date":{},"seq":1}}"#, script.now)]
    );
    let repeated = Post { nonce: Some("n".into()), ..post("other") };
    let (receipt, out) = script.post("", None, repeated.clone());
    assert_eq!((receipt.map(|receipt| receipt.seq), out), (Ok(Some(1)), vec![]), "nothing is sent again");
    assert_eq!(script.posted("b", repeated).0, Some(1), "a nonce is of one room");
    assert_eq!(script.posted("b", post("hi")).0, Some(2));
}

/// A script that got no answer sends the same again. Nothing is published then, so nothing is limited.
#[test]
fn repeated_message_is_answered_in_a_slow_closed_or_busy_room() {
    for command in ["slow kitchen 60", "close kitchen", "mute guest", ""] {
        let rules = Rules { room_rate: Some(Rate { per_second: 1, burst: 2 }), ..Rules::default() };
        let mut script = Script::new(rules);
        let message = Post { nonce: Some("n".into()), ..post("hi") };
        assert_eq!(script.posted("kitchen", message.clone()).0, Some(1));
        script.put(Input::Command(command));
        while script.post("kitchen", None, post("hi")).0.is_ok() {}
        assert_eq!(script.posted("kitchen", message).0, Some(1), "{command}");
    }
}

#[test]
fn names_of_users_and_reserved_names_get_a_number() {
    let mut script = Script::with(&["Ann", "bob"]);
    script.put(Input::Left(2, true));
    let rows = [
        (Some(" eve "), None),
        (None, None),
        (Some(""), None),
        (Some("ann"), Some("ann1")),
        (Some("ＡＮＮ"), Some("ＡＮＮ1")),
        (Some("bob"), Some("bob1")),
        (Some("b\u{fe0f}ill"), Some("bill")),
    ];
    for (name, shown) in rows {
        let post = Post { name: name.map(str::to_owned), ..post("hi") };
        let expected = shown.filter(|_| cfg!(feature = "precis") || name != Some("ＡＮＮ"));
        assert_eq!(script.posted("", post).1.as_deref(), expected, "{name:?}");
    }
    assert_eq!(script.posted("b", named("ann")).1, None, "in another room");
    script.now += 61_000;
    assert_eq!(script.posted("", named("bob")).1, None, "the name is free now");
}

#[test]
fn refused_messages_change_nothing() {
    let rules =
        Rules { text_chars: 5, rooms: 2, room_rate: Some(Rate { per_second: 1, burst: 2 }), ..Rules::default() };
    let mut script = Script::new(rules);
    script.enter(1, Dialect::Chinwag, "a", None);
    script.name(1, "ann");
    let target = |name: &str| Post { target: Some(Target::Name(name.into())), ..post("hi") };
    let rows = [
        ("", post("  "), ErrorReason::MissingField),
        ("", post("sixsix"), ErrorReason::TooLong),
        ("", named("\u{430}nn"), ErrorReason::BadName),
        ("", named(&"x".repeat(33)), ErrorReason::BadName),
        ("", target("ann"), ErrorReason::NoSuchUser),
        ("a", Post { target: Some(Target::Id(7)), ..post("hi") }, ErrorReason::NoSuchUser),
        ("b", post("hi"), ErrorReason::Unavailable),
    ];
    for (room, post, reason) in rows {
        script.now += 100_000;
        let (result, out) = script.post(room, None, post.clone());
        assert_eq!((result, out), (Err(reason), vec![]), "{room} {post:?}");
    }
    script.now += 10_000;
    let results: Vec<_> = (0..3).map(|_| script.post("a", None, post("hi")).0.map(|receipt| receipt.seq)).collect();
    assert_eq!(results, [Ok(Some(1)), Ok(Some(2)), Err(ErrorReason::TooFast)]);
    assert!(
        script.post("a", None, target("ann")).1[0].starts_with("1< "),
        "the rate of the room counts what is for it"
    );
}

#[test]
fn posts_share_the_rate_of_their_address() {
    let mut script =
        Script::new(Rules { address_rate: Some(Rate { per_second: 1, burst: 3 }), rate: None, ..Rules::default() });
    let address = |number: u8| Some(IpAddr::from([192, 0, 2, number]));
    script.come_from(Some("192.0.2.7"), 1, "");
    script.text(1, "one");
    let rows = [(address(7), true), (address(7), true), (address(7), false), (address(8), true), (None, true)];
    for (address, is_accepted) in rows {
        assert_eq!(script.post("", address, post("hi")).0.is_ok(), is_accepted, "{address:?}");
    }
}

/// Each may take the place of another room, whose messages are lost then.
#[test]
fn address_opens_few_rooms_with_posts() {
    let mut script =
        Script::new(Rules { address_rate: Some(Rate { per_second: 1, burst: 40 }), rooms: 3, ..Rules::default() });
    let address = Some(IpAddr::from([192, 0, 2, 7]));
    let accepted = |script: &mut Script, room: &str| script.post(room, address, post("hi")).0.is_ok();
    let rows =
        [("a", true), ("a", true), ("b", true), ("c", false), ("d", false), ("a", true), ("b", true), ("", true)];
    for (room, is_accepted) in rows {
        assert_eq!(accepted(&mut script, room), is_accepted, "{room}");
    }
    let rooms: Vec<_> = script.chat.rooms().map(|(name, _)| name.to_string()).collect();
    assert_eq!(rooms, ["", "a", "b"], "refused messages take no place");
}

#[test]
fn message_is_stored_first() {
    let mut script = archived(9, 3, Rules::default());
    let (receipt, out) = script.post("", None, post("hi"));
    assert_eq!(receipt.map(|receipt| receipt.seq), Ok(Some(10)));
    assert_eq!(out[0], "store  10: hi");
    assert!(out[1].starts_with("*< "), "{out:?}");
}

/// A room that scripts use is not the one that has been empty for the longest time.
#[test]
fn posts_keep_a_room_in_use() {
    let mut script = Script::new(Rules { rooms: 3, ..Rules::default() });
    for (room, seq) in [("a", 1), ("b", 1), ("a", 2), ("c", 1), ("a", 3), ("b", 1)] {
        assert_eq!(script.posted(room, post("hi")).0, Some(seq), "{room}");
    }
}

#[test]
fn stream_begins_after_the_last_message_of_its_reader() {
    let mut script = Script::new(Rules::default());
    (1..=3).for_each(|seq| assert_eq!(script.posted("", post("hi")).0, Some(seq)));
    // `since`, the numbering, and what a reader receives: the number of the first `id`, and the messages.
    let since = |seq, log| Some(Since { seq, log });
    let rows = [
        (None, vec![3]),
        (since(3, None), vec![3]),
        (since(1, None), vec![1, 2, 3]),
        (since(0, None), vec![0, 1, 2, 3]),
        (since(4, None), vec![0, 1, 2, 3]),
        (since(1, Some("other")), vec![0, 1, 2, 3]),
    ];
    for (id, (since, expected)) in (1..).zip(rows) {
        let lobby = RoomName::lobby();
        let joined = Input::Joined(ClientInfo { id, dialect: Dialect::Sse, ..ClientInfo::default() }, &lobby, since);
        let numbers = script.outputs(joined).into_iter().filter_map(|output| match output {
            Output::Send(_, ServerMessage::Id { seq, .. }) => Some(seq),
            Output::Send(_, ServerMessage::History(message)) => Some(message.seq),
            _ => None,
        });
        assert_eq!(numbers.collect::<Vec<_>>(), expected, "{since:?}");
    }
}

#[test]
fn post_that_must_wait_says_how_long() {
    let rate = |burst| Some(Rate { per_second: 1, burst });
    let mut script = moderation::script(Rules { room_rate: rate(1), address_rate: rate(40), ..Rules::default() });
    let charge = |script: &mut Script, address: &str| {
        let now = Now { uptime: script.now, date: script.now };
        script.chat.charge_post(now, address.parse().ok(), &RoomName::new("new").expect("a name"), 1)
    };
    // A post to a new room costs 16 tokens.
    assert_eq!([(); 3].map(|()| charge(&mut script, "192.0.2.9")), [0, 0, 8_000_000]);
    let post = |script: &mut Script, room: &str, text: &str| {
        let room = RoomName::new(room).expect("a room's name");
        let mut out = script.outputs(Input::Post(99, None, &room, &Post::from_text(text)));
        match out.pop() {
            Some(Output::Posted(99, Err(error))) => Some((error.reason, error.retry_after, error.message)),
            Some(Output::Posted(99, Ok(_))) => None,
            other => panic!("the result is the last output: {other:?}"),
        }
    };
    script.put(Input::Command("slow kitchen 30"));
    // Also the first one, which creates the room.
    assert_eq!(post(&mut script, "kitchen", "a"), None);
    script.now += 500;
    let (reason, wait, sentence) = post(&mut script, "kitchen", "b").expect("slow mode");
    assert_eq!((reason, wait), (ErrorReason::SlowMode, 30), "rounded up");
    assert!(sentence.contains("in 30 seconds"), "{sentence}");
    script.now += 29_500;
    assert_eq!(post(&mut script, "kitchen", "c"), None);
    assert_eq!(post(&mut script, "garden", "a"), None);
    let (reason, wait, _) = post(&mut script, "garden", "b").expect("too fast");
    assert_eq!((reason, wait), (ErrorReason::TooFast, 1));
    script.put(Input::Command("close garden"));
    let (reason, _, sentence) = post(&mut script, "garden", "c").expect("closed");
    assert_eq!((reason, &*sentence), (ErrorReason::Muted, "An operator has closed this room."));
}
