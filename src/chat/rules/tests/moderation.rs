//! What operators do, and what the others see of it.

use super::{history::summary, *};
use crate::chat::protocol::StoredMessage;

/// `op` is an operator at 192.0.2.1, `ann` and `bob` are at 10.0.0.1 and 10.0.0.2, all with the dialect `chinwag.v1`.
pub(super) fn script(rules: Rules) -> Script {
    let mut script = Script::new(Rules { rate: None, list_interval: 0, ..rules });
    for (id, name, address) in [(1, "op", "192.0.2.1"), (2, "ann", "10.0.0.1"), (3, "bob", "10.0.0.2")] {
        connect(&mut script, id, address);
        script.name(id, name);
        script.now += 1000;
    }
    script
}

fn connect(script: &mut Script, id: UserId, address: &str) -> Vec<String> {
    let (address, is_admin) = (address.parse().ok(), id == 1);
    let client = ClientInfo { id, dialect: Dialect::Chinwag, secret: id.into(), address, is_exempt: false, is_admin };
    script.put(Input::Joined(client, &RoomName::lobby(), None))
}

fn admin(script: &mut Script, id: UserId, command: &str) -> Vec<String> {
    script.text(id, &serde_json::json!({"type": "admin", "command": command}).to_string())
}

/// What is closed, and the answer.
fn answer(out: &[String]) -> String {
    let is_answer = |line: &&String| line.contains("x 10") || line.starts_with("ok ") || line.starts_with("err ");
    out.iter().filter(is_answer).cloned().collect::<Vec<_>>().join("; ")
}

#[test]
fn commands_close_connections() {
    for (command, expected) in [
        ("kick ann", "2x 1008 kicked by an operator; ok Connections closed: 1."),
        ("kick 10.0.0.0/8", "2x 1008 kicked by an operator; 3x 1008 kicked by an operator; ok Connections closed: 2."),
        ("kick zoe", "err No connection of zoe is open."),
        ("kick 10.0.0.3", "err No connection of 10.0.0.3 is open."),
        ("ban BOB", "3x 1008 banned by an operator; ok In force: ban BOB. Connections closed: 1."),
        ("ban 10.0.0.2", "3x 1008 banned by an operator; ok In force: ban 10.0.0.2. Connections closed: 1."),
        ("mute ann", "ok In force: mute ann. Connections closed: 0."),
        ("close den", "ok In force: close den. Connections closed: 0."),
        ("bans", "ok There are no restrictions."),
        ("kick \"ann\"", "2x 1008 kicked by an operator; ok Connections closed: 1."),
        (
            "kick 10.0.0",
            "err Write: kick WHO. WHO is a name, an address such as 10.0.0.1 or a network such as 10.0.0.0/8, and a name that has spaces or looks like an address is in quotation marks.",
        ),
        ("kick \"10.0.0\"", "err No connection of \"10.0.0\" is open."),
        ("kick \"ann", "err A quotation mark is not closed."),
        ("kick @ann", "2x 1008 kicked by an operator; ok Connections closed: 1."),
        ("slow den 0", "err There is no such restriction of den."),
        ("open den", "err There is no such restriction of den."),
        ("unmute 10.0.0.0/8", "err There is no such restriction of 10.0.0.0/8."),
        ("delete \"5\" 1", "ok Messages deleted: 0."),
        ("delete / 1", "ok Messages deleted: 0."),
        ("forget ann", "ok Messages deleted: 0."),
        ("stats", "ok connections: 3\nusers: 3\nrooms: 1\nmessages in memory: 0\n"),
        ("unban ann", "err There is no such restriction of ann."),
        ("delete 1", "ok Messages deleted: 0."),
        ("delete den 1", "ok Messages deleted: 0."),
        ("rooms", "ok / users: 3, last message: 0\n"),
        ("who", "ok 1 op / 192.0.2.1\n2 ann / 10.0.0.1\n3 bob / 10.0.0.2\n"),
    ] {
        let mut script = script(Rules::default());
        let out = script.put(Input::Command(command));
        assert_eq!(answer(&out), expected, "{command}");
    }
}

#[test]
fn words_that_do_not_fit_are_explained() {
    for command in [
        "who is",
        "kick",
        "kick a b",
        "kick \u{202e}",
        "unban",
        "open",
        "delete",
        "delete den",
        "delete 5 x",
        "delete 0",
        "forget",
        "notice",
    ] {
        let answer = answer(&script(Rules::default()).put(Input::Command(command)));
        let verb = command.split(' ').next().unwrap_or_default();
        assert!(answer.starts_with(&format!("err Write: {verb}")), "{command}: {answer}");
    }
}

#[test]
fn notices_are_what_follows() {
    for (command, text) in [
        ("notice Back in  5 minutes ", "Back in  5 minutes"),
        ("notice \"Back soon\"", "Back soon"),
        ("notice \"a\" and b", "\\\"a\\\" and b"),
        ("notice 5 \"or more", "5 \\\"or more"),
    ] {
        let out = script(Rules::default()).put(Input::Command(command));
        assert_eq!(out[0], format!(r#"*< {{"type":"notice","text":"{text}"}}"#));
    }
}

#[test]
fn only_operators_command_and_get_the_answer() {
    let mut script = script(Rules::default());
    for (id, command, expected) in [
        (2, "kick bob", r#""reason":"not-admin""#),
        (2, "kcik bob", r#""reason":"unknown-type""#),
        (1, "kick", r#""reason":"bad-command","about":"Write: kick WHO. WHO is"#),
        (1, "kick zoe", r#""reason":"bad-command","about":"No connection of zoe is open.""#),
        (1, "bans", r#"{"type":"notice","text":"There are no restrictions."}"#),
    ] {
        let out = admin(&mut script, id, command);
        assert!(out.len() == 1 && out[0].starts_with(&format!("{id}< ")) && out[0].contains(expected), "{out:?}");
    }
    let out = admin(&mut script, 1, "kick bob");
    assert!(
        out[0] == "3x 1008 kicked by an operator" && out.last().is_some_and(|line| line.starts_with("1< ")),
        "{out:?}"
    );
    // An operator is never closed by the own command.
    assert!(!admin(&mut script, 1, "ban 0.0.0.0/0").join(" ").contains("1x"));
    // MDN's client has no commands; the text protocol has them as lines.
    script.join(8, Dialect::Json);
    assert!(admin(&mut script, 8, "who")[0].contains("unknown-type"));
}

#[test]
fn a_kicked_user_may_come_back_under_the_same_name() {
    let mut script = script(Rules::default());
    script.put(Input::Command("kick ann"));
    connect(&mut script, 4, "10.0.0.1");
    assert!(script.name(4, "ann").iter().all(|line| !line.contains("rejectusername")), "the name is free");
}

#[test]
fn a_banned_name_is_refused_however_it_is_written_until_the_ban_ends() {
    let mut script = script(Rules::default());
    script.put(Input::Command("ban zoe 60s"));
    for (id, name) in [(4, "zoe"), (5, "ZOE"), (6, " Zo\u{65} ")] {
        connect(&mut script, id, "10.0.0.9");
        let out = script.name(id, name);
        assert!(out.contains(&format!("{id}x 1008 banned by an operator")), "{out:?}");
        assert!(!out.join(" ").contains("username"), "{out:?}");
    }
    assert!(script.name(2, "zoe").contains(&"2x 1008 banned by an operator".to_owned()), "a new name");
    script.now += 61_000;
    connect(&mut script, 7, "10.0.0.9");
    assert!(script.name(7, "zoe").join(" ").contains(r#""name":"zoe""#));
}

#[test]
fn a_muted_user_can_neither_write_nor_change_the_name() {
    for mute in ["mute ann", "mute 10.0.0.1", "mute 10.0.0.0/24 60s"] {
        let mut script = script(Rules::default());
        script.put(Input::Command(mute));
        for text in [
            r#"{"type":"message","text":"hi"}"#,
            r#"{"type":"message","text":"hi","target":"bob"}"#,
            r#"{"type":"username","name":"other"}"#,
        ] {
            let out = script.text(2, text);
            assert!(out.len() == 1 && out[0].contains(r#""reason":"muted""#), "{mute} {text}: {out:?}");
        }
        assert_eq!(summary(&script.say(1, "others write")), "others write");
        // Others may be in the network, and need a name to read on.
        connect(&mut script, 5, "10.0.0.5");
        assert!(script.name(5, "eve").join(" ").contains(r#""name":"eve""#), "{mute}");
        // A new connection does not end it.
        script.put(Input::Left(2, false));
        connect(&mut script, 6, "10.0.0.1");
        script.name(6, "Ann");
        assert!(script.say(6, "hi")[0].contains("muted"), "{mute}");
        let lift = mute.trim_end_matches(" 60s").replace("mute", "unmute");
        assert!(answer(&script.put(Input::Command(&lift))).starts_with("ok "), "{lift}");
        assert_eq!(summary(&script.say(6, "again")), "again");
    }
}

#[test]
fn slow_rooms_take_one_message_of_each_user_in_a_time() {
    let mut script = script(Rules::default());
    script.put(Input::Command("slow / 10"));
    script.now += 10_000;
    let mut results = Vec::new();
    for (id, wait, text) in
        [(2, 0, "a"), (2, 0, "b"), (3, 0, "c"), (2, 9999, "d"), (2, 1, "e"), (1, 0, "f"), (1, 0, "g")]
    {
        script.now += wait;
        results.push(script.say(id, text)[0].contains("slow-mode"));
    }
    assert_eq!(results, [false, true, false, true, false, false, false], "operators are not slowed down");
    // Neither a private message nor a new connection gets around it.
    assert!(!script.text(2, r#"{"type":"message","text":"x","target":"bob"}"#)[0].contains("error"));
    connect(&mut script, 4, "10.0.0.1");
    script.name(4, "zoe");
    assert!(script.say(4, "z")[0].contains("Send it again in 10 seconds"));
    script.put(Input::Command("slow / 0"));
    assert_eq!(summary(&script.say(4, "z")), "z");
}

/// A message that was delivered is confirmed again, although a new one would be refused.
#[test]
fn resent_message_is_no_new_one() {
    let mut script = script(Rules::default());
    let text = r#"{"type":"message","text":"hi","nonce":"n1"}"#;
    script.text(2, text);
    for command in ["slow / 10", "mute ann"] {
        script.put(Input::Command(command));
        let out = script.text(2, text);
        assert!(out.len() == 1 && out[0].contains(r#""seq":1,"nonce":"n1""#), "{command}: {out:?}");
    }
}

#[test]
fn closed_room_lets_nobody_in_until_it_is_open() {
    let mut script = script(Rules::default());
    let out = script.put(Input::Command("close /"));
    assert_eq!(out.iter().filter(|line| line.ends_with("x 1008 this room was closed by an operator")).count(), 3);
    assert_eq!(connect(&mut script, 4, "10.0.0.1"), ["4x 1008 this room was closed by an operator"]);
    assert_eq!(script.enter(5, Dialect::Chinwag, "den", None).len(), 1, "other rooms are open");
    script.put(Input::Command("open /"));
    assert_eq!(connect(&mut script, 6, "10.0.0.1").len(), 1);
}

#[test]
fn deleted_messages_leave_their_numbers() {
    let mut script = script(Rules::default());
    for text in ["one", "two", "three"] {
        script.text(2, &format!(r#"{{"type":"message","text":"{text}","nonce":"{text}"}}"#));
    }
    let out = script.put(Input::Command("delete 1 3"));
    assert_eq!(out, [r#"*< {"type":"deleted","seq":[1,3]}"#, "ok Messages deleted: 2."]);
    assert_eq!(script.put(Input::Command("delete 3")), ["ok Messages deleted: 0."]);
    let out = connect(&mut script, 4, "10.0.0.4");
    assert_eq!(summary(&out[..4]), "deleted two deleted");
    assert!(out[1].contains(r#"{"type":"deleted","seq":[1]}"#), "{out:?}");
    let since = Some(Since { seq: 2, log: None });
    assert_eq!(summary(&script.enter(5, Dialect::Chinwag, "", since)), "deleted");
    assert!(script.say(3, "four")[0].contains(r#""seq":4"#), "numbers have no gap");
    assert!(!format!("{:?}", script.chat).contains("three"), "nothing of it is in memory");
}

#[test]
fn messages_of_a_name_are_forgotten_in_all_rooms() {
    let mut script = script(Rules::default());
    script.enter(5, Dialect::Chinwag, "den", None);
    script.name(5, "ANN");
    script.say(2, "from ann");
    script.say(3, "from bob");
    script.say(5, "from ANN");
    let out = script.put(Input::Command("forget Ann"));
    let deleted = [r#"*< {"type":"deleted","seq":[1]}"#, r#"*1< {"type":"deleted","seq":[1]}"#];
    assert_eq!(out, [deleted[0], deleted[1], "ok Messages deleted: 2."]);
}

#[test]
fn catching_up_members_learn_of_deletions_and_notices() {
    let mut script = script(Rules::default());
    script.say(2, "one");
    script.put(Input::Behind(3));
    script.say(2, "two");
    let out = script.put(Input::Command("delete 1 2"));
    assert!(out.contains(&r#"3< {"type":"deleted","seq":[1]}"#.to_owned()), "{out:?}");
    assert_eq!(summary(&script.put(Input::Ready(3))), "deleted userlist", "the other one in its turn");
    script.put(Input::Behind(3));
    let out = script.put(Input::Command("notice Back soon"));
    let notices = out.iter().filter(|line| line.contains(r#"{"type":"notice","text":"Back soon"}"#)).count();
    assert_eq!((notices, answer(&out).as_str()), (2, "ok Sent to 3 connections."), "{out:?}");
}

#[test]
fn archive_deletes_as_well() {
    let mut script = script(Rules { archive: true, room_messages: 1, ..Rules::default() });
    let old = StoredMessage::new("", 1, "eve", "old");
    script.chat.restore(&RoomName::lobby(), RoomSnapshot { log: "x".into(), last: 1, messages: vec![old] });
    script.say(2, "new");
    let out = script.put(Input::Command("delete 1 2"));
    assert_eq!(out, [r#"*< {"type":"deleted","seq":[2]}"#, "erase"], "what is in memory at once");
    let erased: [(Arc<str>, u64); 3] = [("".into(), 1), ("".into(), 2), ("den".into(), 2)];
    let out = script.put(Input::Erased(None, Some(&erased)));
    assert_eq!(out, [r#"*< {"type":"deleted","seq":[1]}"#, "ok Messages deleted: 3."]);
    let out = script.put(Input::Erased(Some(1), None));
    assert!(out[0].starts_with("1< ") && out[0].contains("not writable"), "{out:?}");
    assert_eq!(script.put(Input::Command("delete den 2")), ["erase"], "a room that is not in memory");
}

#[test]
fn restrictions_are_replaced_as_a_whole() {
    let mut script = script(Rules::default());
    script.put(Input::Command("mute ann"));
    let new = ["ban bob", "ban 10.0.0.0/8 1s"].map(|line| Restriction::parse(line, script.now).expect(line));
    let closed = script.put(Input::Restrictions(&new)).iter().filter(|line| line.contains("banned by")).count();
    assert_eq!(closed, 2);
    let shown = |script: &Script| script.chat.restrictions().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(shown(&script).len(), 2);
    script.now += 2000;
    assert_eq!(answer(&script.put(Input::Command("bans"))), "ok ban bob\n");
}

#[test]
fn posts_are_restricted_as_well() {
    use crate::chat::protocol::Post;
    let mut script = script(Rules::default());
    script.now += 10_000;
    let mut results = Vec::new();
    for (command, name, address) in [
        ("ban zoe", "ZOE", "192.0.2.1"),
        ("mute zoe", "zoe", "192.0.2.1"),
        ("mute 10.0.0.0/8", "eve", "10.9.9.9"),
        ("close /", "eve", "192.0.2.1"),
        ("slow / 10", "eve", "192.0.2.1"),
    ] {
        script.put(Input::Command(command));
        for name in [name, name, "other"] {
            let post = Post { name: Some(name.into()), ..Post::from_text("hi") };
            let address = if name == "other" { "192.0.2.9" } else { address }.parse().ok();
            let mut out = script.outputs(Input::Post(99, address, &RoomName::lobby(), &post));
            let Some(Output::Posted(99, result)) = out.pop() else { panic!("the result is the last output: {out:?}") };
            results.push(result.map_or_else(|error| format!("{:?}", error.reason), |_| "sent".to_owned()));
            script.now += 5000;
        }
        let lift = command.replace("close", "open").replace(" 10", " 0");
        let lift = if lift.starts_with(['b', 'm']) { format!("un{command}") } else { lift };
        assert!(answer(&script.put(Input::Command(&lift))).starts_with("ok "), "{lift}");
    }
    let muted = ["Muted", "Muted", "sent"];
    assert_eq!(results, [&muted[..], &muted, &muted, &["Muted"; 3], &["sent", "SlowMode", "sent"]].concat());
}

/// The log says who did what. A notice may be private to those who were there.
#[test]
fn executed_commands_are_lines_for_the_log() {
    let mut script = script(Rules::default());
    let mut line = |by: Option<UserId>, command: &str| {
        let text = serde_json::json!({"type": "admin", "command": command}).to_string();
        let out = script.outputs(by.map_or(Input::Command(command), |id| Input::Text(id, &text)));
        let mut lines = out.into_iter().filter_map(|output| match output {
            Output::Executed(line) => Some(line),
            _ => None,
        });
        (lines.next(), lines.next())
    };
    for (by, command, expected) in [
        (None, " ban zoe 5m", Some("an operator's command: ban zoe 5m")),
        (Some(1), "mute 10.0.0.0/8", Some("an operator's command from connection 1 (op): mute 10.0.0.0/8")),
        (None, "notice Back soon", Some("an operator's command: notice")),
        (None, "kick nobody", None),
        (None, "kick", None),
        (None, "bna zoe", None),
        (Some(2), "ban zoe", None),
    ] {
        assert_eq!(line(by, command), (expected.map(str::to_owned), None), "{command}");
    }
}

/// Otherwise nobody could lift the ban over the network.
#[test]
fn operator_who_bans_the_own_network_stays() {
    let mut script = script(Rules::default());
    admin(&mut script, 1, "ban 192.0.2.0/24");
    assert_eq!(answer(&script.name(1, "op2")), "");
    let out = admin(&mut script, 1, "unban 192.0.2.0/24");
    assert!(out.iter().any(|line| line.contains("has ended")), "{out:?}");
}
