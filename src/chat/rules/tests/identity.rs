//! Users get their names back after a lost connection, and private messages reach the right user.

use super::*;

impl Script {
    fn lose(&mut self, id: UserId) -> Vec<String> {
        self.put(Input::Left(id, true))
    }

    /// A new connection asks for a name, with the token of an earlier one.
    fn come_back(&mut self, id: UserId, name: &str, token: &str) -> Vec<String> {
        self.enter(id, Dialect::Chinwag, "", None);
        self.resume(id, name, token)
    }

    fn resume(&mut self, id: UserId, name: &str, token: &str) -> Vec<String> {
        self.text(id, &format!(r#"{{"type":"username","name":"{name}","resume":"{token}"}}"#))
    }

    /// The name of the user of a connection.
    fn name_of(&self, id: UserId) -> Option<&str> {
        self.chat.room(id)?.name_of(id).map(|name| &*name.shown)
    }

    fn whisper(&mut self, id: UserId, target: &str) -> Vec<String> {
        self.text(id, &format!(r#"{{"type":"message","text":"psst","target":{target},"nonce":"n"}}"#))
    }
}

#[test]
fn lost_name_is_reserved_for_the_holder_of_the_token() {
    let mut script = Script::with(&["ann", "bob"]);
    assert_eq!(script.lose(1), ["*< * ann left", r#"*< {"type":"userlist","users":["bob"]}"#]);
    assert_eq!(script.chat.rooms().map(|(_, users)| users).sum::<usize>(), 1, "only users who are here count");
    script.now += 1000;
    let other = script.come_back(3, "Ann", "");
    assert_eq!(other[0], r#"3< {"type":"rejectusername","id":3,"name":"Ann1"}"#);
    script.now += 1000;
    assert_eq!(
        script.come_back(4, "ann", &token(1)),
        [
            r#"*< {"type":"userlist","users":["bob","Ann1","ann"]}"#,
            r#"*< {"type":"username","name":"ann","id":4,"was":1,"date":5000}"#
        ]
    );
    // The token is used up, and this connection has another one.
    script.come_back(5, "ann", &token(1));
    assert_eq!(script.name_of(5), Some("ann2"));
    script.lose(4);
    script.come_back(6, "ann", &token(4));
    assert_eq!(script.name_of(6), Some("ann"));
}

#[test]
fn name_is_free_after_a_proper_close_and_after_a_minute() {
    let quit = |script: &mut Script| script.put(Input::Left(1, false));
    // How the connection ends, the time until another user asks, and the name that this one gets.
    type End<'a> = &'a dyn Fn(&mut Script) -> Vec<String>;
    let rows: &[(End, Millis, &str)] = &[
        (&quit, 0, "ann"),
        (&|script| script.lose(1), 0, "ann1"),
        (&|script| script.lose(1), 59_999, "ann1"),
        (&|script| script.lose(1), 60_000, "ann"),
        (&|script| script.put(Input::Binary(1)), 0, "ann1"),
    ];
    for (row, (end, wait, name)) in rows.iter().enumerate() {
        let mut script = Script::with(&["ann"]);
        end(&mut script);
        script.now += wait;
        script.come_back(2, "ann", "");
        assert_eq!(script.name_of(2), Some(*name), "row {row}");
        // In its time, the token is worth the name; then it is ignored.
        let out = script.come_back(3, "ann", &token(1));
        let is_back = name.ends_with('1');
        assert_eq!(script.name_of(3), Some(if is_back { "ann" } else { "ann1" }), "row {row}");
        assert_eq!(out.iter().any(|line| line.contains(r#""was":1"#)), is_back, "row {row}");
    }
    let mut script = Script::new(Rules::default());
    script.join(1, Dialect::Text);
    script.text(1, "/name ann");
    script.text(1, "/quit");
    script.come_back(2, "ann", "");
    assert_eq!(script.name_of(2), Some("ann"));
}

#[test]
fn token_takes_the_name_over_from_a_connection_that_is_still_here() {
    let mut script = Script::with(&["ann", "bob"]);
    assert_eq!(
        script.come_back(3, "ann", &token(1)),
        [
            "1x 1008 replaced by a newer connection of this user",
            r#"*< {"type":"userlist","users":["bob","ann"]}"#,
            r#"*< {"type":"username","name":"ann","id":3,"was":1,"date":3000}"#
        ]
    );
    assert_eq!(script.members(RoomId::LOBBY), [2, 3]);
    assert_eq!(script.say(1, "hi"), [""; 0]);
    assert_eq!(script.lose(1), [""; 0], "it left before");
    assert!(script.say(3, "hi")[0].contains(r#""name":"ann""#));
    // So is one that is catching up.
    script.chat.rules.replay_bytes = 0;
    script.say(3, "there");
    script.enter(4, Dialect::Chinwag, "", Some(Since { seq: 0, log: None }));
    script.name(4, "carol");
    assert_eq!(script.chat.catching_up().count(), 1);
    script.come_back(5, "carol", &token(4));
    assert_eq!(script.chat.catching_up().count(), 0);
}

#[test]
fn wrong_token_is_ignored() {
    let mut script = Script::with(&["ann", "bob"]);
    script.enter(3, Dialect::Chinwag, "kitchen", None);
    script.name(3, "eve");
    script.enter(4, Dialect::Chinwag, "", None);
    script.put(Input::Left(9, true));
    let wrong = [
        format!("1-{:032x}", 2), // the secret of another connection
        format!("9-{:032x}", 9), // of none
        token(3),                // of another room
        token(4),                // of a user without a name
        token(5),                // of this connection
        "1".to_owned(),
        String::new(),
    ];
    script.enter(5, Dialect::Chinwag, "", None);
    for token in wrong {
        script.now += 10_000;
        let out = script.resume(5, "ann", &token);
        assert!(script.name_of(5) == Some("ann1") && !out.concat().contains("was"), "{token} {out:?}");
        assert!(!out.concat().contains("x 1008"), "{token} {out:?}");
    }
    script.lose(1);
    script.lose(3);
    for token in [format!("1-{:032x}", 2), token(3)] {
        script.resume(5, "ann", &token);
        assert_eq!(script.name_of(5), Some("ann1"), "{token}");
    }
    script.resume(5, "ann", &token(1));
    assert_eq!(script.name_of(5), Some("ann"));
}

/// The client asks for the name that its user wanted, which may have been taken.
#[test]
fn requested_name_precedes_the_earlier_one() {
    // The user who leaves meanwhile, the name that `ann1` asks for, and the name that it gets.
    let rows = [
        (0, "ann", "ann1"),
        (1, "ann", "ann"),
        (0, "ann1", "ann1"),
        (0, "zoe", "zoe"),
        (0, "bob", "ann1"),
        (0, "", "ann1"),
    ];
    for (leaving, asked, name) in rows {
        let mut script = Script::with(&["ann", "bob", "ann"]);
        script.lose(3);
        script.put(Input::Left(leaving, false));
        script.come_back(4, asked, &token(3));
        assert_eq!(script.name_of(4), Some(name), "{asked} after {leaving} left");
    }
}

#[test]
fn reservations_of_a_room_are_bounded() {
    let mut script = Script::new(Rules::unlimited());
    for id in 0..1026 {
        script.join(id, Dialect::Chinwag);
        script.name(id, &format!("u{id}"));
    }
    for id in 0..1026 {
        script.lose(id);
    }
    for (id, name) in [(1023, "u10231"), (1024, "u1024"), (0, "u01")] {
        script.come_back(2000 + id, &format!("u{id}"), "");
        assert_eq!(script.name_of(2000 + id), Some(name));
    }
}

/// One network cannot use up the reservations of a room.
#[test]
fn reservations_of_a_network_are_bounded() {
    let mut script = Script::new(Rules::unlimited());
    let room = &RoomName::lobby();
    for id in 0..258 {
        // All of one /48 but the last.
        let number = if id == 257 { 1 << 80 } else { u128::from(id) << 64 };
        let address = Some(IpAddr::from(((0x2001_0db8_u128 << 96) | number).to_be_bytes()));
        let (dialect, secret) = (Dialect::Chinwag, u128::from(id));
        script.put(Input::Joined(ClientInfo { id, dialect, secret, address, ..ClientInfo::default() }, room, None));
        script.name(id, &format!("u{id}"));
    }
    for id in 0..258 {
        script.lose(id);
    }
    for (id, name) in [(0, "u01"), (255, "u2551"), (256, "u256"), (257, "u2571")] {
        script.come_back(1000 + id, &format!("u{id}"), "");
        assert_eq!(script.name_of(1000 + id), Some(name));
    }
}

/// A room without a history exists as long as its reservations.
#[test]
fn room_outlives_its_users_while_a_name_is_reserved() {
    let mut script = Script::new(Rules { rooms: 3, ..Rules::default() });
    let rooms =
        |script: &Script| script.chat.rooms().map(|(name, users)| format!("{name}={users}")).collect::<Vec<_>>();
    script.enter(1, Dialect::Chinwag, "kitchen", None);
    script.name(1, "ann");
    script.lose(1);
    assert_eq!(rooms(&script), ["=0", "kitchen=0"]);
    script.enter(2, Dialect::Chinwag, "kitchen", None);
    script.name(2, "ann");
    assert_eq!(script.name_of(2), Some("ann1"));
    script.put(Input::Left(2, false));
    script.now += 59_999;
    script.put(Input::Tick);
    assert_eq!(rooms(&script), ["=0", "kitchen=0"]);
    script.now += 1;
    script.put(Input::Tick);
    assert_eq!(rooms(&script), ["=0", "kitchen=0"], "a local clock ends no reservation");
    script.put(Input::Binary(9));
    assert_eq!(rooms(&script), ["=0"]);
    // It makes place for others, and then the token is of no use.
    for (id, room) in [(3, "a"), (4, "b"), (5, "c")] {
        script.enter(id, Dialect::Chinwag, room, None);
        script.name(id, "ann");
        script.lose(id);
    }
    assert_eq!(rooms(&script), ["=0", "b=0", "c=0"]);
    script.enter(6, Dialect::Chinwag, "b", None);
    script.resume(6, "ann", &token(3));
    assert_eq!(script.name_of(6), Some("ann1"));
    script.resume(6, "ann", &token(4));
    assert_eq!(script.name_of(6), Some("ann"));
}

#[test]
fn private_message_reaches_a_connection_or_is_refused() {
    let mut script = Script::with(&["ann", "bob"]);
    script.enter(3, Dialect::Chinwag, "", None);
    script.enter(4, Dialect::Chinwag, "kitchen", None);
    script.name(4, "eve");
    let refused =
        |out: Vec<String>| out.len() == 1 && out[0].contains("no-such-user") && out[0].contains(r#""nonce":"n""#);
    let out = script.whisper(2, "1");
    assert!(out[0].starts_with("1< ") && out[0].contains(r#""target":"ann","targetId":1"#), "{out:?}");
    assert!(out[1].starts_with("2< ") && out[1].contains(r#""nonce":"n""#), "{out:?}");
    for (target, why) in [("3", "no name"), ("4", "another room"), ("9", "nobody"), ("\"9\"", "a name of digits")] {
        assert!(refused(script.whisper(2, target)), "{why}");
    }
    script.name(3, "4");
    assert!(script.whisper(2, "\"4\"")[0].starts_with("3< "), "a name of digits");
    script.lose(1);
    script.come_back(5, "ann", "");
    assert!(refused(script.whisper(2, "\"ann\"")), "the name is reserved");
    assert!(refused(script.whisper(2, "1")), "it has left");
    script.come_back(6, "ann", &token(1));
    assert!(refused(script.whisper(2, "1")), "the user has a new connection");
    assert!(script.whisper(2, "6")[0].starts_with("6< "));
    assert!(script.whisper(2, "\"ann\"")[0].starts_with("6< "));
}

#[test]
fn user_list_names_the_connection_of_each_user() {
    let mut script = Script::with(&["ann", "bob"]);
    script.join(3, Dialect::Chinwag);
    let out = script.chat.apply(Now { uptime: 9000, date: 0 }, Input::Left(1, true));
    let list = out.iter().find_map(|output| match output {
        Output::Broadcast(_, message, ..) => Dialect::Chinwag.encode(message).filter(|text| text.contains("userlist")),
        _ => None,
    });
    assert_eq!(list.as_deref(), Some(r#"{"type":"userlist","users":["bob"],"ids":[2]}"#));
}

#[test]
fn size_of_the_user_list_is_that_of_its_json() {
    let mut script = Script::with(&["ann", "Zoë"]);
    for (id, name) in [(9, "b"), (10, "c"), (99, "d"), (1 << 53, "e")] {
        script.join(id, Dialect::Chinwag);
        script.name(id, name);
    }
    script.join(100, Dialect::Chinwag);
    let room = script.chat.room(1).expect("it is in the lobby");
    let list = Dialect::Chinwag.encode(&room.user_list()).expect("JSON");
    // The last name and the last id have no comma.
    assert_eq!(room.user_list_size(), list.len() - r#"{"type":"userlist","users":[],"ids":[]}"#.len() + 2, "{list}");
}
