//! Members that take messages more slowly than their room sends them.

use super::{
    archive::{archived, stored},
    history::{summary, with_messages},
    *,
};
use crate::chat::protocol::StoredMessage;

const SMALL: Rate = Rate { per_second: 1, burst: 3 };

/// The room of `ann` with two messages, and with `bob`, whose connection 2 is behind. Time has passed, so that user lists are
/// sent at once.
fn with_slow_bob(rules: Rules) -> Script {
    let mut script = with_messages(rules, 2);
    script.join(2, Dialect::Chinwag);
    script.name(2, "bob");
    script.now += 60_000;
    script.put(Input::Tick);
    script.now += 60_000;
    assert_eq!(script.outputs(Input::Behind(2)), [Output::Unsubscribe(2)]);
    script
}

#[test]
fn slow_member_receives_from_the_log_what_it_could_not_take() {
    let two = 2 * StoredMessage { date: 121_000, ..stored(1) }.wire_size();
    // Bytes of a part, messages in memory, and the parts.
    let rows: [(usize, usize, &[&str]); 6] = [
        (9 * two, 500, &["3 4 5 6 7 8 9 userlist"]),
        (two, 500, &["3 4", "5 6", "7 8", "9 userlist"]),
        (0, 7, &["3", "4", "5", "6", "7", "8", "9 userlist"]),
        (two, 5, &["gap 2 5 6", "7 8", "9 userlist"]),
        (two, 2, &["gap 5 8 9 userlist"]),
        (two, 0, &["gap 7 userlist"]),
    ];
    for (replay_bytes, room_messages, expected) in rows {
        let mut script = with_slow_bob(Rules { replay_bytes, room_messages, ..Rules::default() });
        for number in 3..=9 {
            script.say(1, &number.to_string());
        }
        for part in expected {
            assert_eq!(script.chat.catching_up().collect::<Vec<_>>(), [2]);
            let out = script.outputs(Input::Ready(2));
            assert_eq!(summary(&out.iter().map(show).collect::<Vec<_>>()), *part, "{replay_bytes} {room_messages}");
            assert_eq!(out.contains(&Output::Subscribe(2)), part.ends_with("userlist"), "{part}");
        }
        assert_eq!(script.chat.catching_up().count(), 0);
        assert_eq!(script.put(Input::Ready(2)), [""; 0], "nothing comes twice");
    }
}

/// Otherwise a list that is larger than the send buffer would be sent without end.
#[test]
fn user_list_follows_only_if_something_was_missed() {
    let mut script = with_slow_bob(Rules::default());
    assert_eq!(script.outputs(Input::Ready(2)), [Output::Subscribe(2)]);
    script.put(Input::Behind(2));
    script.join(3, Dialect::Chinwag);
    script.name(3, "eve");
    assert_eq!(script.put(Input::Ready(2)), [r#"2< {"type":"userlist","users":["ann","bob","eve"]}"#]);
    script.put(Input::Behind(2));
    script.say(1, "3");
    assert_eq!(summary(&script.put(Input::Ready(2))), "3 userlist");
}

#[test]
fn only_subscribed_members_fall_behind() {
    let mut script = with_slow_bob(Rules { replay_bytes: 0, ..Rules::default() });
    script.enter(3, Dialect::Chinwag, "", Some(Since { seq: 0, log: None }));
    script.put(Input::Left(1, false));
    for id in [1, 2, 3, 9] {
        assert_eq!(script.outputs(Input::Behind(id)), [], "{id}");
    }
    assert_eq!(script.chat.catching_up().collect::<Vec<_>>(), [2, 3]);
    script.put(Input::Left(2, false));
    assert_eq!(script.chat.catching_up().collect::<Vec<_>>(), [3]);
}

/// It is still part of the room: what it sends is broadcast, private messages and answers reach it at once.
#[test]
fn slow_member_can_talk() {
    let mut script = with_slow_bob(Rules::default());
    let line = r#"{"type":"message","text":"3","nonce":"n"}"#;
    assert!(script.text(2, line)[0].starts_with("*< "));
    assert_eq!(script.text(2, line), [""; 0], "it receives the first one in its turn");
    let private = script.text(1, r#"{"type":"message","text":"psst","target":"bob"}"#);
    assert!(private[0].starts_with("2< "), "{private:?}");
    let renamed = script.name(2, "rob");
    let own = r#"{"type":"username","name":"rob","id":2"#;
    assert!(
        renamed[1].starts_with(&format!("2< {own}")) && renamed[2].starts_with(&format!("*< {own}")),
        "{renamed:?}"
    );
    assert_eq!(summary(&script.put(Input::Ready(2))), "3 userlist");
}

/// As for a client that returns, an archive fills the gap, up to a limit.
#[test]
fn slow_member_receives_from_the_archive_what_memory_forgot() {
    let mut script = archived(9, 3, Rules { room_messages: 3, replay_messages: 5, ..Rules::default() });
    for (id, name) in [(1, "ann"), (2, "bob")] {
        script.join(id, Dialect::Chinwag);
        script.name(id, name);
    }
    script.put(Input::Behind(2));
    for number in 10..=13 {
        script.say(1, &number.to_string());
    }
    assert_eq!(script.put(Input::Ready(2)), ["2< load  9..10"]);
    script.say(1, "14");
    let loaded = script.put(Input::Loaded(2, 10, Some(&[stored(10)])));
    assert_eq!(summary(&loaded), "10");
    for number in 15..=17 {
        script.say(1, &number.to_string());
    }
    assert_eq!(script.put(Input::Ready(2))[0..], [r#"2< {"type":"gap","missed":2}"#, "2< load  12..14"]);
}

#[test]
fn addresses_and_rooms_have_a_rate_of_their_own() {
    let rules = Rules { rate: None, list_interval: 0, ..Rules::default() };
    let (one, other) = (Some("192.0.2.1"), Some("192.0.2.2"));
    // The connections that send a message of so many bytes, one after the other, and whether it is accepted. Connections
    // 1 and 2 have one address, 3 has another, 4 has none, and 5 has the address of 1 in another room.
    let (accepted, rejected) = (true, false);
    type Sent = (UserId, usize, bool);
    let rows: [(Rules, &[Sent]); 4] = [
        (
            Rules { address_rate: Some(SMALL), ..rules },
            &[
                (1, 1, accepted),
                (2, 1025, accepted),
                (2, 1, rejected),
                (1, 1, rejected),
                (5, 1, rejected),
                (3, 1, accepted),
            ],
        ),
        (
            Rules { address_rate: Some(SMALL), ..rules },
            &[(4, 5000, accepted), (4, 5000, accepted), (4, 5000, accepted)],
        ),
        (
            Rules { room_rate: Some(SMALL), ..rules },
            &[(1, 1025, accepted), (4, 1, accepted), (3, 1, rejected), (2, 1, rejected), (5, 1, accepted)],
        ),
        (Rules { address_rate: None, room_rate: None, ..rules }, &[(1, 8000, accepted), (2, 8000, accepted)]),
    ];
    for (rules, messages) in rows {
        let mut script = Script::new(rules);
        for (id, room, address) in [(1, "", one), (2, "", one), (3, "", other), (4, "", None), (5, "b", one)] {
            script.come_from(address, id, room);
        }
        for (id, bytes, is_accepted) in messages {
            let out = script.text(*id, &"x".repeat(*bytes));
            assert_eq!(out[0].starts_with('*'), *is_accepted, "{id} {bytes}: {out:.60?}");
            assert!(*is_accepted || out[0].contains("too-fast"), "{out:.60?}");
        }
        script.now += 1000;
        assert!(script.text(messages[0].0, "one more")[0].starts_with('*'));
    }
}

/// A rename is broadcast and counts. Many users who sign in at once are not a flood. Private messages are not for the room.
#[test]
fn rate_of_a_room_counts_what_is_for_the_room() {
    let mut script = Script::new(Rules { room_rate: Some(Rate { burst: 2, ..SMALL }), ..Rules::default() });
    for id in 1..=9 {
        script.join(id, Dialect::Chinwag);
        assert!(script.name(id, &format!("user{id}")).concat().contains("username"), "{id}");
    }
    let private = r#"{"type":"message","text":"x","target":"user1"}"#;
    assert!((0..9).all(|_| script.text(3, private)[0].contains(r#""target":"user1""#)));
    assert!(script.name(1, "ann").concat().contains("username"));
    assert!(script.say(2, "hi")[0].starts_with("*< "));
    let refused = [script.name(1, "eve"), script.text(3, r#"{"type":"message","text":"x","nonce":"n7"}"#)];
    assert!(refused.iter().all(|out| out.len() == 1 && out[0].contains("too-fast")), "{refused:?}");
    assert!(refused[1][0].contains(r#""nonce":"n7""#), "{refused:?}");
}

/// An address cannot restore its burst by reconnecting, and the addresses that are remembered are bounded.
#[test]
fn addresses_are_remembered_after_the_last_connection() {
    let mut script = Script::new(Rules { address_rate: Some(SMALL), room_rate: None, ..Rules::default() });
    for (id, is_accepted) in (1..).zip([true, true, true, false, false]) {
        script.come_from(Some("192.0.2.1"), id, "");
        assert_eq!(script.text(id, "x")[0].starts_with('*'), is_accepted, "{id}");
        script.put(Input::Left(id, false));
    }
    for id in 6..6000 {
        script.come_from(Some(&format!("2001:db8:{id}::1")), id, "");
        assert!(script.text(id, "x")[0].starts_with('*'), "{id}");
        script.put(Input::Left(id, false));
    }
    script.come_from(Some("192.0.2.1"), 6000, "");
    assert!(script.text(6000, "x")[0].contains("too-fast"), "the one that sent most is forgotten last");
}

/// A customer with IPv6 has 256 or 65536 networks of the smallest size that is counted.
#[test]
fn rate_of_an_address_counts_three_sizes_of_ipv6_networks() {
    let rules = Rules { rate: None, room_rate: None, address_rate: Some(SMALL), ..Rules::default() };
    for (step, expected) in [(0_u128, 3), (1 << 64, 12), (1 << 72, 48), (1 << 80, 100)] {
        let mut script = Script::new(rules);
        let accepted = (1..=100).filter(|id| {
            let address = std::net::Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) + step * u128::from(*id));
            script.come_from(Some(&address.to_string()), *id, "");
            script.text(*id, "x")[0].starts_with('*')
        });
        assert_eq!(accepted.count(), expected, "{step:x}");
    }
}

/// Connections that use up the rate of a room, or of an address that many users share, cannot silence the others.
#[test]
fn messages_of_quiet_members_are_accepted_while_others_flood() {
    let rules = Rules { rate: None, ..Rules::default() };
    for rules in [Rules { room_rate: Some(SMALL), ..rules }, Rules { address_rate: Some(SMALL), ..rules }] {
        let mut script = Script::new(rules);
        (1..=3).for_each(|id| script.come_from(Some("192.0.2.1"), id, ""));
        // The time, the connection, the bytes of its message, and whether that is accepted. The others send all the time.
        for (after, id, bytes, is_accepted) in [
            (0, 3, 1, false),
            (1999, 3, 1, false),
            (1, 3, 1, true),
            (0, 3, 1, false),
            (1999, 3, 1, false),
            (1, 3, 1, true),
            (3999, 3, 1025, false),
            (1, 3, 1025, true),
            (0, 1, 1, false),
        ] {
            for _ in 0..after {
                script.now += 1;
                (1..=2).for_each(|id| drop(script.text(id, "flood")));
            }
            (0..4).for_each(|_| drop(script.text(2, "flood")));
            let out = script.text(id, &"x".repeat(bytes));
            assert_eq!(out[0].starts_with('*'), is_accepted, "{after} {id} {bytes}: {out:.60?}");
        }
    }
}
