//! Rooms: their members, and which rooms are forgotten.

use super::*;

/// Enters the room and signs in as `bob`.
fn bob(script: &mut Script, id: UserId, room: &str) -> Vec<String> {
    let mut out = script.enter(id, Dialect::Chinwag, room, None);
    out.extend(script.name(id, "bob"));
    out
}

fn rooms(script: &Script) -> String {
    let rooms: Vec<String> = script.chat.rooms().map(|(name, users)| format!("{name}={users}")).collect();
    rooms.join(" ")
}

fn few(rooms: usize) -> Rules {
    Rules { rooms, room_users: Some(2), ..Rules::default() }
}

#[test]
fn messages_stay_in_their_room() {
    let mut script = Script::new(Rules::default());
    for (id, room, users) in [(1, "", r#"["bob"]"#), (2, "a", r#"["bob"]"#), (3, "A", r#"["bob","bob1"]"#)] {
        script.now += 1000;
        let out = bob(&mut script, id, room);
        let mark = if room.is_empty() { "*<" } else { "*1<" };
        assert!(out.contains(&format!(r#"{mark} {{"type":"userlist","users":{users}}}"#)), "{out:?}");
    }
    assert_eq!(script.members(RoomId::LOBBY), [1]);
    let place = script.chat.room_of(2).expect("it is in a room");
    assert_eq!(script.chat.room_of(3), Some(place), "names of rooms are compared like users' names");
    assert_eq!(script.members(place), [2, 3]);

    assert!(script.say(1, "x")[0].starts_with(r#"*< {"type":"message","name":"bob","text":"x""#));
    assert!(script.say(2, "y")[0].starts_with(r#"*1< {"type":"message","name":"bob","text":"y""#));
    let private = r#"{"type":"message","text":"x","target":"bob1"}"#;
    assert!(script.text(1, private)[0].contains("no-such-user"));
    assert!(script.text(2, private)[0].starts_with("3< "));
    script.enter(4, Dialect::Text, "a", None);
    assert_eq!(script.text(4, "/users"), ["4< * users: bob, bob1, guest-4"]);
    script.now += 1000;
    assert_eq!(
        script.put(Input::Left(3, false)),
        ["*1< * bob1 left", r#"*1< {"type":"userlist","users":["bob","guest-4"]}"#]
    );
}

#[test]
fn each_room_has_its_own_numbers() {
    let mut script = Script::new(Rules::default());
    bob(&mut script, 1, "");
    bob(&mut script, 2, "a");
    let seq = |out: Vec<String>| out[0].rsplit("\"seq\":").next().map(str::to_owned);
    for (id, expected) in [(1, "1}"), (2, "1}"), (2, "2}"), (1, "2}"), (2, "3}")] {
        assert_eq!(seq(script.say(id, "x")).as_deref(), Some(expected));
    }
}

#[test]
fn room_exists_while_it_has_users_or_history() {
    let mut script = Script::new(Rules::default());
    assert_eq!(rooms(&script), "=0");
    bob(&mut script, 1, "Quiet");
    bob(&mut script, 2, "Loud");
    script.enter(3, Dialect::Chinwag, "loud", None);
    script.say(2, "hello");
    assert_eq!(rooms(&script), "=0 Quiet=1 Loud=1");
    for id in 1..=3 {
        script.put(Input::Left(id, false));
    }
    assert_eq!(rooms(&script), "=0 Loud=0");
    let out = script.enter(4, Dialect::Chinwag, "LOUD", None);
    assert!(out.len() == 2 && out[1].contains("hello"), "{out:?}");
}

#[test]
fn longest_empty_room_is_forgotten_first() {
    let mut script = Script::new(few(3));
    for (id, room) in [(1, "a"), (2, "b")] {
        bob(&mut script, id, room);
        script.say(id, "hello");
    }
    let full = "9x 1013 too many rooms; try again later";
    assert_eq!(script.enter(9, Dialect::Text, "c", None), [full]);
    assert_eq!(script.chat.room_of(9), None);
    assert_eq!(script.text(9, "hi"), [""; 0]);
    script.put(Input::Left(2, false));
    script.put(Input::Left(1, false));
    // `b` has been empty for longer than `a`, until a client enters it.
    script.enter(3, Dialect::Chinwag, "b", None);
    bob(&mut script, 4, "c");
    assert_eq!(rooms(&script), "=0 b=0 c=1");
    assert_eq!(script.enter(10, Dialect::Chinwag, "a", None), ["10x 1013 too many rooms; try again later"]);
    script.put(Input::Left(3, false));
    let again = script.enter(11, Dialect::Chinwag, "a", None);
    assert!(again.len() == 1 && again[0].contains(r#""seq":0"#), "it was created again: {again:?}");
    // The lobby always exists.
    assert!(script.enter(12, Dialect::Chinwag, "", None)[0].starts_with("12< "));
    assert_eq!(rooms(&script), "=0 c=1 a=0");
}

#[test]
fn recreated_room_has_another_log_id() {
    let mut script = Script::new(few(2));
    let log_id = |out: Vec<String>| out[0].rsplit("\"log\":").next().map(str::to_owned);
    let first = log_id(bob(&mut script, 1, "a"));
    script.say(1, "hello");
    script.put(Input::Left(1, false));
    bob(&mut script, 2, "b");
    script.put(Input::Left(2, false));
    let second = log_id(bob(&mut script, 3, "a"));
    assert!(first.is_some() && first != second, "{first:?} {second:?}");
    assert_ne!(log_id(Script::new(few(2)).join(1, Dialect::Json)), {
        let mut other = Script::new(few(2));
        other.chat = Chat::new(few(2), 7);
        log_id(other.join(1, Dialect::Json))
    });
}

#[test]
fn full_room_refuses_connections() {
    let mut script = Script::new(few(5));
    for (id, room) in [(1, ""), (2, "a"), (3, ""), (4, "a")] {
        assert!(script.enter(id, Dialect::Chinwag, room, None)[0].contains("\"id\""));
    }
    for room in ["", "a"] {
        assert_eq!(script.enter(9, Dialect::Chinwag, room, None), ["9x 1013 this room is full; try again later"]);
    }
    script.put(Input::Left(1, false));
    assert!(script.enter(10, Dialect::Chinwag, "", None)[0].contains("\"id\""));
}

/// A pending list disappears with its room.
#[test]
fn each_room_has_its_own_user_list() {
    let mut script = Script::new(Rules::default());
    for (id, room) in [(1, ""), (2, "a"), (3, "b")] {
        bob(&mut script, id, room);
        script.name(id, "rob");
    }
    assert_eq!(script.chat.next_tick(), Some(1100));
    script.put(Input::Left(3, false));
    script.now = 1100;
    let users = r#"{"type":"userlist","users":["rob"]}"#;
    assert_eq!(script.put(Input::Tick), [format!("*< {users}"), format!("*1< {users}")]);
    assert_eq!(script.chat.next_tick(), None);
}

/// Neither is forgotten to make room for another one.
#[test]
fn lobby_and_rooms_in_use_are_kept() {
    let mut script = Script::new(few(2));
    for id in [1, 2] {
        bob(&mut script, id, "a");
        script.say(id, "x");
    }
    script.put(Input::Left(1, false));
    bob(&mut script, 3, "");
    script.put(Input::Left(3, false));
    assert_eq!(script.enter(4, Dialect::Chinwag, "b", None), ["4x 1013 too many rooms; try again later"]);
    script.enter(5, Dialect::Chinwag, "", None);
    assert_eq!((script.chat.room_of(5), rooms(&script).as_str()), (Some(RoomId::LOBBY), "=0 a=1"));
}
