//! How fast a client may send, and how often user lists are sent.

use super::*;

#[test]
fn flooding_is_rejected_then_closed() {
    let rate = Some(Rate { per_second: 10, burst: 3 });
    let mut script = Script::new(Rules { rate, ..Rules::default() });
    script.join(1, Dialect::Json);
    script.name(1, "ann");
    let mut outcomes = Vec::new();
    // Two tokens are left. The wait returns two: one pays the debt, one the next message.
    for wait in [0, 0, 0, 200, 0, 0, 0] {
        script.now += wait;
        let out = script.say(1, "hi").join(" ");
        let seen = ["\"text\":\"hi\"", "too-fast", "1x 1008 flooding"].into_iter().find(|word| out.contains(word));
        outcomes.push(seen.unwrap_or("?"));
    }
    let (fine, fast, out) = ("\"text\":\"hi\"", "too-fast", "1x 1008 flooding");
    assert_eq!(outcomes, [fine, fine, fast, fine, fast, fast, out]);
}

/// The cost for other clients grows with the bytes, not with the number of messages.
#[test]
fn large_messages_cost_more() {
    let mut script = Script::new(Rules { rate: Some(Rate { per_second: 10, burst: 10 }), ..Rules::default() });
    script.join(1, Dialect::Text);
    // The time that passes, the bytes, and whether the message is accepted. A rejection costs one token.
    let rows = [
        (0, 1, true),       // 9 left
        (0, 1024, true),    // 8
        (0, 1025, true),    // 6
        (0, 6145, false),   // 5
        (0, 5120, true),    // 0
        (500, 6000, false), // 4
        (600, 7999, true),  // 2
        (1000, 7999, true), // 2, for there is never more than the burst
        (0, 8000, false),
    ];
    for (row, (wait, bytes, is_accepted)) in rows.into_iter().enumerate() {
        script.now += wait;
        let out = script.text(1, &"x".repeat(bytes));
        assert_eq!(out[0].starts_with("*< "), is_accepted, "row {row}: {out:.60?}");
    }
}

#[test]
fn price_of_a_message_is_at_most_the_burst() {
    let mut script = Script::new(Rules { rate: Some(Rate { per_second: 1, burst: 3 }), ..Rules::default() });
    script.join(1, Dialect::Text);
    let long = "x".repeat(8000);
    assert!(script.text(1, &long)[0].starts_with("*< "));
    assert!(script.text(1, &long)[0].contains("too-fast"));
    script.now += 4000;
    assert!(script.text(1, &long)[0].starts_with("*< "));
}

#[test]
fn unlimited_rules_reject_nothing() {
    let mut script = Script::new(Rules::unlimited());
    script.join(1, Dialect::Json);
    script.name(1, "ann");
    assert_eq!((0..1000).map(|_| script.text(1, "{").len()).sum::<usize>(), 1000);
    assert_eq!((0..1000).map(|_| script.say(1, "hi").len()).sum::<usize>(), 1000);
    assert_eq!(script.say(1, &"x".repeat(100_000)).len(), 1);
    let Rules { text_chars, rate, address_rate, room_rate, strikes, list_bytes, room_users, .. } = Rules::unlimited();
    assert_eq!((text_chars, rate, address_rate, room_rate), (usize::MAX, None, None, None));
    assert_eq!((strikes, list_bytes, room_users), (None, None, None));
}

#[test]
fn user_lists_are_merged() {
    let mut script = Script::new(Rules::default());
    for id in 1..=4 {
        script.join(id, Dialect::Json);
    }
    assert_eq!(script.chat.next_tick(), None);
    assert_eq!(script.name(1, "a").len(), 2);
    assert_eq!(script.chat.next_tick(), None);
    script.now = 1010;
    assert_eq!(script.name(2, "b"), [r#"*< {"type":"username","name":"b","id":2,"date":1010}"#]);
    script.now = 1020;
    script.name(3, "c");
    assert_eq!(script.put(Input::Left(1, false)), ["*< * a left"]);
    assert_eq!(script.chat.next_tick(), Some(1100));
    script.now = 1099;
    assert_eq!(script.put(Input::Tick), [""; 0]);
    script.now = 1100;
    assert_eq!(script.put(Input::Tick), [r#"*< {"type":"userlist","users":["b","c"]}"#]);
    assert_eq!(script.chat.next_tick(), None);
    script.name(4, "d");
    assert_eq!(script.chat.next_tick(), Some(1200));
    script.now = 1200;
    assert_eq!(script.put(Input::Tick), [r#"*< {"type":"userlist","users":["b","c","d"]}"#]);
}

/// Setting the clock of dates delays nothing, and allows no client to send faster.
#[test]
fn date_does_not_affect_rates() {
    const HOUR: i64 = 3_600_000;
    for offset in [-HOUR, HOUR] {
        let mut script = Script::new(Rules { rate: Some(Rate { per_second: 1, burst: 2 }), ..Rules::default() });
        script.now = 2 * HOUR.unsigned_abs();
        script.join(1, Dialect::Chinwag);
        script.name(1, "a");
        script.name(1, "b");
        let due = script.chat.next_tick();
        script.offset = offset;
        assert!(script.say(1, "x")[0].contains("too-fast"), "no token came back");
        assert_eq!(script.chat.next_tick(), due);
        script.now += 99;
        assert_eq!(script.put(Input::Tick), [""; 0]);
        script.now += 1;
        assert_eq!(script.put(Input::Tick), [r#"*< {"type":"userlist","users":["b"]}"#]);
        script.now += 2000;
        let date = script.now.saturating_add_signed(offset);
        let sent = format!(r#"*< {{"type":"message","name":"b","text":"x","id":1,"date":{date},"seq":1}}"#);
        assert_eq!(script.say(1, "x"), [sent], "accepted, with the new date");
    }
}

/// So many users with the longest names sign in within so many milliseconds.
fn crowd(rules: Rules, people: u64, millis: Millis) -> (Script, Vec<(Millis, usize)>) {
    let mut script = Script::new(Rules { rate: None, ..rules });
    let mut lists = Vec::new();
    for id in 1..=people {
        script.now = 1000 + millis * (id - 1) / people;
        let mut out = script.join(id, Dialect::Chinwag);
        out.extend(script.name(id, &format!("{id:x>31}")));
        lists.extend(lists_in(&script, &out));
    }
    (script, lists)
}

fn lists_in(script: &Script, out: &[String]) -> Option<(Millis, usize)> {
    out.iter().find(|line| line.contains("userlist")).map(|line| (script.now, line.len()))
}

/// The tick that sends the last list.
fn settle(script: &mut Script) -> Option<(Millis, usize)> {
    script.now = script.chat.next_tick()?;
    let out = script.put(Input::Tick);
    lists_in(script, &out)
}

/// A user renames ten times a second in a large room. That costs each member 4 KiB a second, after a burst.
#[test]
fn endless_renaming_is_bounded_in_list_bytes() {
    let (mut script, _) = crowd(Rules::default(), 300, 1000);
    let list = settle(&mut script).expect("the last list").1;
    let (mut bytes, begin) = (0, script.now);
    for turn in 0..600 {
        script.now = begin + 100 * turn;
        let out = script.name(1, &format!("{}{}", "y".repeat(30), turn % 2));
        bytes += lists_in(&script, &out).map_or(0, |(_, length)| length);
    }
    assert!(bytes < 4096 * (60 + 32) + 2 * list, "{bytes}");
    assert!(bytes > 4096 * 60, "{bytes}: all of the rate is used");
}

#[test]
fn list_follows_a_storm_of_sign_ins_soon() {
    for millis in [0, 1000, 3000] {
        let (mut script, mut lists) = crowd(Rules::default(), 1000, millis);
        lists.extend(settle(&mut script));
        assert_eq!(lists[0].0, 1000, "the first one at once");
        assert!(lists[1].0 <= 1110, "the next one soon: {lists:?}");
        let (end, bytes) = lists[lists.len() - 1];
        assert!(end <= 1000 + millis + 2000 && bytes > 1000 * 34, "{lists:?}");
        assert_eq!(script.chat.next_tick(), None);
    }
}

/// Without the bound in bytes, they never grow.
#[test]
fn pauses_between_lists_shrink_again() {
    let (mut script, _) = crowd(Rules::default(), 300, 1000);
    script.now = settle(&mut script).expect("the last list").0 + 60_000;
    script.name(1, "a");
    script.name(1, "b");
    let pause = script.chat.next_tick().expect("a list waits") - script.now;
    assert!((100..500).contains(&pause), "{pause}");

    let (mut script, lists) = crowd(Rules::unlimited(), 1000, 3000);
    assert!(lists.windows(2).all(|pair| (100..=103).contains(&(pair[1].0 - pair[0].0))), "{lists:?}");
    assert!(settle(&mut script).is_some_and(|(now, _)| now <= 4100));
}
