//! Conversations with the machine, written down as transcripts.

use super::*;

/// A chat, and the time in it.
struct Script {
    chat: Chat,
    /// Both clocks show it, but for how much the date was set forward or back.
    now: Millis,
    set: i64,
}

impl Script {
    fn new(rules: Rules) -> Self {
        Self { chat: Chat::new(rules), now: 1000, set: 0 }
    }

    fn put(&mut self, input: Input<'_>) -> Vec<String> {
        let mut out = Vec::new();
        let now = Now { uptime: self.now, date: self.now.saturating_add_signed(self.set) };
        self.chat.apply(now, input, &mut out);
        out.iter().map(show).collect()
    }

    fn join(&mut self, id: UserId, dialect: Dialect) -> Vec<String> {
        self.put(Input::Joined { id, dialect })
    }

    fn text(&mut self, id: UserId, text: &str) -> Vec<String> {
        self.put(Input::Text { id, text })
    }

    fn name(&mut self, id: UserId, name: &str) -> Vec<String> {
        self.text(id, &format!(r#"{{"type":"username","name":"{name}"}}"#))
    }

    fn say(&mut self, id: UserId, text: &str) -> Vec<String> {
        self.text(id, &format!(r#"{{"type":"message","text":"{text}"}}"#))
    }

    /// Connections 1, 2, … with these names; the last list is long ago.
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

/// `1< …` is sent to 1, `*< …` to the room, in words of JSON or else of text; `1x 1000 bye` closes.
fn show(output: &Output) -> String {
    match output {
        Output::Send { to, notice } => format!("{to}< {}", words(notice)),
        Output::Broadcast { notice, .. } => format!("*< {}", words(notice)),
        Output::ShowHandshake { to } => format!("{to}< its handshake"),
        Output::Drop { who } => format!("{who}x cut"),
        Output::Close { to, code, reason } => format!("{to}x {code} {reason}"),
    }
}

fn words(notice: &Notice) -> String {
    let mut out = String::new();
    if !Dialect::Chinwag.encode(notice, &mut out) {
        assert!(Dialect::Text.encode(notice, &mut out));
    }
    out
}

#[test]
fn what_learners_ask_for_is_not_for_clients_that_only_know_mdn() {
    let mut script = Script::new(Rules::default());
    script.join(1, Dialect::Json);
    script.join(2, Dialect::Chinwag);
    for (said, done) in [(r#"{"type":"inspect"}"#, "2< its handshake"), (r#"{"type":"drop"}"#, "2x cut")] {
        assert_eq!(script.text(2, said), [done]);
        let refusal = script.text(1, said);
        assert!(refusal[0].contains("unknown-type"), "{refusal:?}");
    }
}

#[test]
fn mdn_sign_in_and_talk() {
    let mut script = Script::new(Rules::default());
    assert_eq!(script.join(1, Dialect::Json), [r#"1< {"type":"id","id":1}"#]);
    assert_eq!(
        script.name(1, " bob "),
        [r#"*< {"type":"userlist","users":["bob"]}"#, r#"*< {"type":"username","name":"bob","id":1,"date":1000}"#]
    );
    assert_eq!(script.say(1, "hi"), [r#"*< {"type":"message","name":"bob","text":"hi","id":1,"date":1000}"#]);
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
    assert_eq!(script.put(Input::Left { id: 1 }), ["*< * bob left", r#"*< {"type":"userlist","users":["Bob1"]}"#]);
    assert_eq!(script.put(Input::Left { id: 1 }), [""; 0]);
    script.now = 1300;
    let freed =
        [r#"*< {"type":"userlist","users":["bob"]}"#, r#"*< {"type":"username","name":"bob","id":2,"date":1300}"#];
    assert_eq!(script.name(2, "bob"), freed);
}

#[test]
fn text_people_have_a_name_from_the_start() {
    let mut script = Script::with(&["ann"]);
    assert_eq!(
        script.join(7, Dialect::Text),
        [
            r#"7< {"type":"id","id":7}"#,
            "7< * you are guest-7",
            r#"*< {"type":"userlist","users":["ann","guest-7"]}"#,
            r#"*< {"type":"username","name":"guest-7","id":7,"date":3000}"#
        ]
    );
    assert_eq!(script.text(7, "hi"), [r#"*< {"type":"message","name":"guest-7","text":"hi","id":7,"date":3000}"#]);
    assert_eq!(script.text(7, "/users"), ["7< * users: ann, guest-7"]);
    assert!(script.text(7, "/help")[0].starts_with("7< * commands: /name bob"));
    let hint = script.text(7, "/shrug me");
    assert!(hint[0].contains("unknown-type") && hint[0].contains("There is no command /shrug."), "{hint:?}");
    assert_eq!(script.text(7, "/quit"), ["7x 1000 bye", "*< * guest-7 left"]);
    assert_eq!(script.text(7, "anyone?"), [""; 0]);
}

#[test]
fn a_guest_number_that_somebody_took() {
    let mut script = Script::with(&["GUEST-7"]);
    assert_eq!(script.join(7, Dialect::Text)[1], "7< * you are guest-71");
}

#[test]
fn private_messages_go_to_two() {
    let mut script = Script::with(&["ann", "bob", "eve"]);
    let line = r#"{"type":"message","text":"psst","target":"BOB"}"#;
    let heard = r#"{"type":"message","name":"ann","text":"psst","id":1,"date":3000,"target":"bob"}"#;
    assert_eq!(script.text(1, line), [format!("2< {heard}"), format!("1< {heard}")]);
    let own = heard.replace("ann", "bob").replace("\"id\":1", "\"id\":2");
    assert_eq!(script.text(2, line), [format!("2< {own}")]);
    for nobody in ["carol", "", "\\u200b"] {
        let out = script.text(1, &line.replace("BOB", nobody));
        assert!(out.len() == 1 && out[0].starts_with(r#"1< {"type":"error","reason":"no-such-user""#), "{out:?}");
    }
}

/// Wherever a name comes from a peer, it is measured before it is compared.
#[test]
fn names_that_are_too_long_are_nobodys() {
    let long = format!("{}ん", "・".repeat(20_000));
    let spaced = format!("a{}b", " ".repeat(31));
    for name in [&long, &spaced] {
        let mut script = Script::with(&["a b"]);
        script.join(2, Dialect::Text);
        let whispers = [
            script.text(1, &format!(r#"{{"type":"message","text":"x","target":"{name}"}}"#)),
            script.text(2, &format!("/msg \"{name}\" x")),
        ];
        assert!(whispers.iter().all(|out| out.len() == 1 && out[0].contains("no-such-user")), "{whispers:?}");
        script.now += 60_000;
        let renames = [script.name(1, name), script.text(2, &format!("/name {name}"))];
        assert!(renames.iter().all(|out| out[0].contains("rejectusername")), "{renames:?}");
    }
}

#[test]
fn refusals_go_to_the_offender_only() {
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
    assert_eq!(script.say(1, &"é".repeat(8000)).len(), 1);
}

#[test]
fn a_binary_message_ends_it() {
    let mut script = Script::with(&["ann"]);
    let out = script.put(Input::Binary { id: 1 });
    assert!(out[0].starts_with(r#"1< {"type":"error","reason":"not-text""#));
    assert_eq!(out[1..], ["1x 1003 text only", "*< * ann left", r#"*< {"type":"userlist","users":[]}"#]);
    assert_eq!(script.put(Input::Binary { id: 1 }), [""; 0]);
}

#[test]
fn a_hundred_errors_in_a_row_end_it() {
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

#[test]
fn flooding_is_refused_then_ends_it() {
    let rate = Some(Rate::new(10, 3));
    let mut script = Script::new(Rules { rate, ..Rules::default() });
    script.join(1, Dialect::Json);
    script.name(1, "ann");
    let mut outcomes = Vec::new();
    // Two tokens are left. The wait gives two back: one pays the debt, one the next message.
    for wait in [0, 0, 0, 200, 0, 0, 0] {
        script.now += wait;
        let out = script.say(1, "hi").join(" ");
        let seen = ["\"text\":\"hi\"", "too-fast", "1x 1008 flooding"].into_iter().find(|word| out.contains(word));
        outcomes.push(seen.unwrap_or("?"));
    }
    let (fine, fast, out) = ("\"text\":\"hi\"", "too-fast", "1x 1008 flooding");
    assert_eq!(outcomes, [fine, fine, fast, fine, fast, fast, out]);
}

/// What a peer has to read grows with what was sent, not with how many messages it came in.
#[test]
fn large_messages_cost_more() {
    let mut script = Script::new(Rules { rate: Some(Rate::new(10, 10)), ..Rules::default() });
    script.join(1, Dialect::Text);
    // How much later, of how many bytes, and whether it is heard. A refusal costs one token.
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
    for (row, (wait, bytes, is_heard)) in rows.into_iter().enumerate() {
        script.now += wait;
        let out = script.text(1, &"x".repeat(bytes));
        assert_eq!(out[0].starts_with("*< "), is_heard, "row {row}: {out:.60?}");
    }
}

#[test]
fn a_message_that_costs_more_than_the_burst_costs_the_burst() {
    let mut script = Script::new(Rules { rate: Some(Rate::new(1, 3)), ..Rules::default() });
    script.join(1, Dialect::Text);
    let long = "x".repeat(8000);
    assert!(script.text(1, &long)[0].starts_with("*< "));
    assert!(script.text(1, &long)[0].contains("too-fast"));
    script.now += 4000;
    assert!(script.text(1, &long)[0].starts_with("*< "));
}

/// Escaped in JSON they would be six bytes each.
#[test]
fn control_characters_are_not_passed_on() {
    let mut script = Script::with(&["ann", "bob"]);
    for (sent, heard) in [
        (r"a\u0001\u001f\u001b[1m\u0000", "a\u{fffd}\u{fffd}\u{fffd}[1m\u{fffd}"),
        (r"tab\tline\r\nline", r"tab\tline\r\nline"),
        (r"\u000b", ""),
        ("del\u{7f} nel\u{85} bidi\u{202e}", "del\u{7f} nel\u{85} bidi\u{202e}"),
    ] {
        for target in ["", r#","target":"bob""#] {
            let out = script.text(1, &format!(r#"{{"type":"message","text":"{sent}"{target}}}"#));
            let said = format!(r#""text":"{heard}","id":1"#);
            let is_as_said = |line: &String| line.contains(&said) || heard.is_empty() && line.contains("missing-field");
            assert!(out.iter().all(is_as_said), "{out:?}");
        }
    }
}

#[test]
fn no_limits_at_all() {
    let mut script = Script::new(Rules::unlimited());
    script.join(1, Dialect::Json);
    script.name(1, "ann");
    assert_eq!((0..1000).map(|_| script.text(1, "{").len()).sum::<usize>(), 1000);
    assert_eq!((0..1000).map(|_| script.say(1, "hi").len()).sum::<usize>(), 1000);
    assert_eq!(script.say(1, &"x".repeat(100_000)).len(), 1);
}

#[test]
fn user_lists_are_merged_and_none_is_lost() {
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
    assert_eq!(script.put(Input::Left { id: 1 }), ["*< * a left"]);
    assert_eq!(script.chat.next_tick(), Some(1100));
    script.now = 1099;
    assert_eq!(script.put(Input::Tick), [""; 0]);
    script.now = 1100;
    assert_eq!(script.put(Input::Tick), [r#"*< {"type":"userlist","users":["b","c"]}"#]);
    assert_eq!(script.chat.next_tick(), None);
    script.name(4, "d");
    assert_eq!(script.chat.next_tick(), Some(1200));
    // Even if the clock went back that never does, the list would not be held up.
    script.now = 5;
    assert_eq!(script.put(Input::Tick), [r#"*< {"type":"userlist","users":["b","c","d"]}"#]);
}

/// Whoever sets the clock that dates come from, nothing is held up and nobody may talk faster.
#[test]
fn no_pace_depends_on_the_date() {
    const HOUR: i64 = 3_600_000;
    for set in [-HOUR, HOUR] {
        let mut script = Script::new(Rules { rate: Some(Rate::new(1, 2)), ..Rules::default() });
        script.now = 2 * HOUR.unsigned_abs();
        script.join(1, Dialect::Chinwag);
        script.name(1, "a");
        script.name(1, "b");
        let due = script.chat.next_tick();
        script.set = set;
        assert!(script.say(1, "x")[0].contains("too-fast"), "nothing was earned");
        assert_eq!(script.chat.next_tick(), due);
        script.now += 99;
        assert_eq!(script.put(Input::Tick), [""; 0]);
        script.now += 1;
        assert_eq!(script.put(Input::Tick), [r#"*< {"type":"userlist","users":["b"]}"#]);
        script.now += 2000;
        let date = script.now.saturating_add_signed(set);
        let said = format!(r#"*< {{"type":"message","name":"b","text":"x","id":1,"date":{date}}}"#);
        assert_eq!(script.say(1, "x"), [said], "what time has paid for is heard, at the date that it is");
    }
}

/// So many people with the longest names, none of them talking too fast. Time passes as they sign in.
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

/// Ticks until no list waits any more.
fn settle(script: &mut Script) -> Option<(Millis, usize)> {
    script.now = script.chat.next_tick()?;
    let out = script.put(Input::Tick);
    lists_in(script, &out)
}

/// One who renames ten times a second, in a large room: it costs each member 4 KiB a second, after a burst.
#[test]
fn renaming_without_end_makes_no_more_lists_than_are_paid() {
    let (mut script, _) = crowd(Rules::default(), 300, 1000);
    let list = settle(&mut script).expect("the last list").1;
    let (mut bytes, begin) = (0, script.now);
    for turn in 0..600 {
        script.now = begin + 100 * turn;
        let out = script.name(1, &format!("{}{}", "y".repeat(30), turn % 2));
        bytes += lists_in(&script, &out).map_or(0, |(_, length)| length);
    }
    assert!(bytes < 4096 * (60 + 32) + 2 * list, "{bytes}");
    assert!(bytes > 4096 * 60, "{bytes}: the room hears what it pays for");
}

#[test]
fn a_storm_of_sign_ins_is_over_soon() {
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

/// Afterwards all is as it was, and without the bound it is never otherwise.
#[test]
fn pauses_shrink_again() {
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

#[test]
fn lists_are_in_order_of_joining_not_of_signing_in() {
    let mut script = Script::new(Rules { list_interval: 0, ..Rules::default() });
    script.join(9, Dialect::Json);
    script.join(3, Dialect::Json);
    script.name(3, "second");
    assert_eq!(script.name(9, "first")[0], r#"*< {"type":"userlist","users":["first","second"]}"#);
    assert_eq!(script.chat.members(RoomId::LOBBY).collect::<Vec<_>>(), [9, 3]);
}

#[test]
fn names_that_are_given_instead() {
    let long = "x".repeat(32);
    let rows = [
        (3, "bob", Some("bob2")),
        (3, "BOB", Some("BOB2")),
        (3, "bob1", Some("bob11")),
        (3, "\\u202ebob", Some("guest")),
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
        assert_eq!(out.len(), if rejected.is_some() { 3 } else { 2 }, "{id} {asked} {out:?}");
        assert!(rejected.is_none_or(|line| out[0] == line), "{id} {asked} {out:?}");
    }
}
