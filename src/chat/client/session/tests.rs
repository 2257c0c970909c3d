//! Scripts of what a client sends and receives.

use super::*;

fn session() -> Session {
    Session::new("ann")
}

/// The events of these messages, as `Debug` writes them.
fn receive(session: &mut Session, texts: &[&str]) -> Vec<String> {
    texts.iter().filter_map(|text| session.receive(text)).map(|event| format!("{event:?}")).collect()
}

fn unsent(session: &mut Session) -> Vec<String> {
    std::iter::from_fn(|| session.next_unsent(usize::MAX)).collect()
}

fn send(session: &mut Session, texts: &[&str]) {
    texts.iter().for_each(|text| session.send((*text).into(), None));
}

/// The targets of the private messages that are sent now, as JSON, with their nonces.
fn sent_targets(session: &mut Session, names: &[&str]) -> Vec<(String, String)> {
    names.iter().for_each(|name| session.send("psst".into(), Some((*name).into())));
    let sent = unsent(session);
    let object = |text: &String| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    let field = |text: &String, name: &str| object(text)[name].to_string();
    sent.iter().map(|text| (field(text, "target"), field(text, "nonce"))).collect()
}

#[test]
fn query_asks_for_messages_after_the_last_one() {
    let mut session = session();
    assert_eq!(session.query(), None);
    receive(&mut session, &[r#"{"type":"id","id":3,"seq":9,"log":"abc"}"#]);
    assert_eq!(session.query(), None, "the history comes next");
    receive(&mut session, &[r#"{"type":"message","seq":8,"name":"bob","text":"x"}"#]);
    receive(&mut session, &[r#"{"type":"message","name":"bob","text":"private","target":"ann"}"#]);
    assert_eq!(session.query().as_deref(), Some("since=8&log=abc"));
    let again = receive(&mut session, &[r#"{"type":"message","seq":8,"name":"bob","text":"x"}"#]);
    assert!(again.is_empty(), "{again:?}");
    receive(&mut session, &[r#"{"type":"id","id":1,"seq":1,"log":"new"}"#, r#"{"type":"gap"}"#]);
    let first = receive(&mut session, &[r#"{"type":"message","seq":1,"name":"bob","text":"x"}"#]);
    assert_eq!((first.len(), session.query().as_deref()), (1, Some("since=1&log=new")));
}

#[test]
fn query_after_an_empty_room_begins_at_0() {
    let mut session = session();
    receive(&mut session, &[r#"{"type":"id","id":3,"seq":0,"log":"abc"}"#]);
    assert_eq!(session.query().as_deref(), Some("since=0&log=abc"));
}

#[test]
fn undelivered_messages_are_resent_with_their_nonces() {
    let mut session = session();
    send(&mut session, &["a", "b", "c"]);
    let sent = unsent(&mut session);
    assert_eq!(unsent(&mut session), Vec::<String>::new());
    let [first, second, _] = &sent[..] else { panic!("{sent:?}") };
    let delivery = |text: &str, seq: u32, sent: &str| {
        let nonce = &serde_json::from_str::<serde_json::Value>(sent).expect("JSON")["nonce"];
        format!(r#"{{"type":"message","seq":{seq},"id":7,"name":"ann","text":"{text}","nonce":{nonce}}}"#)
    };
    receive(&mut session, &[&delivery("b", 1, second)]);
    assert_eq!(session.sign_in(), r#"{"name":"ann","type":"username"}"#);
    assert_eq!(unsent(&mut session), [sent[0].clone(), sent[2].clone()]);
    // The reply to a duplicate: the message counts as delivered, and is not shown twice.
    session.last_seq = Some(5);
    let shown = receive(&mut session, &[&delivery("a", 4, first)]);
    assert_eq!((shown.len(), session.pending.len(), session.pending[0].text.as_str()), (0, 1, "c"));
}

#[test]
fn nonces_of_128_bits_are_not_repeated_or_counted() {
    let mut sessions = [session(), session()];
    let mut nonces: Vec<String> = Vec::new();
    for session in &mut sessions {
        (0..50).for_each(|_| session.send("x".into(), None));
        nonces.extend(session.pending.iter().map(|pending| pending.nonce.clone()));
    }
    assert!(nonces.iter().all(|nonce| nonce.len() == 32 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit())));
    // No half of a nonce tells another one: neither is a counter, and neither is constant.
    let mut halves: Vec<u64> = nonces.iter().flat_map(|nonce| [&nonce[..16], &nonce[16..]]).map(hex).collect();
    halves.sort_unstable();
    assert!(halves.windows(2).all(|pair| pair[1] - pair[0] > 1 << 16), "random ones are that close once in 10^7 runs");
}

fn hex(digits: &str) -> u64 {
    u64::from_str_radix(digits, 16).expect("hex digits")
}

#[test]
fn refusals_name_the_message() {
    let mut session = session();
    send(&mut session, &["too long", "quick"]);
    assert_eq!(unsent(&mut session).len(), 2);
    let nonces: Vec<String> = session.pending.iter().map(|pending| pending.nonce.clone()).collect();
    let error =
        |reason: &str, nonce: &str| format!(r#"{{"type":"error","reason":"{reason}","about":"x","nonce":"{nonce}"}}"#);
    let received = session.receive(&error("too-fast", &nonces[1]));
    assert!(matches!(received, Some(Event::Refused { text: None, .. })) && session.pending.len() == 2);
    assert_eq!(unsent(&mut session).len(), 2, "both are sent again");
    let shown = receive(&mut session, &[&error("too-long", &nonces[0])]);
    assert_eq!(shown, [r#"Refused { reason: "too-long", explanation: "x", text: Some("too long") }"#]);
    assert_eq!(session.pending.len(), 1);
}

#[test]
fn only_the_largest_message_is_too_big() {
    let mut session = session();
    send(&mut session, &["a", "the largest", "b"]);
    assert!(session.refuse_largest().is_none(), "nothing was sent");
    unsent(&mut session);
    send(&mut session, &["even larger, but not sent"]);
    let refused = session.refuse_largest();
    assert!(matches!(refused, Some(Event::Refused { text: Some(text), .. }) if text == "the largest"));
    assert_eq!(session.pending.len(), 3);
}

/// On a server where ann is 7, bob is 8, and eve is 9.
fn with_ids() -> Session {
    let mut session = session();
    let lines = [
        r#"{"type":"id","id":7,"seq":0,"log":"abc","resume":"secret-7"}"#,
        r#"{"type":"username","id":7,"name":"ann"}"#,
        r#"{"type":"userlist","users":["ann","bob","eve"],"ids":[7,8,9]}"#,
    ];
    receive(&mut session, &lines);
    session
}

#[test]
fn private_messages_name_the_id_of_a_known_user() {
    let targets = |session: &mut Session| -> Vec<String> {
        sent_targets(session, &["Bob", "zoe"]).into_iter().map(|(target, _)| target).collect()
    };
    assert_eq!(targets(&mut with_ids()), ["8", "\"zoe\""]);
}

/// bob leaves, and eve takes his name: she does not receive what was meant for him.
#[test]
fn private_messages_do_not_go_to_a_successor() {
    let mut session = with_ids();
    receive(&mut session, &[r#"{"type":"message","id":8,"name":"bob","text":"hi","target":"ann","targetId":7}"#]);
    receive(&mut session, &[r#"{"type":"userlist","users":["ann","bob"],"ids":[7,9]}"#]);
    receive(&mut session, &[r#"{"type":"username","id":9,"name":"bob"}"#]);
    let sent = sent_targets(&mut session, &["bob"]);
    assert_eq!(sent[0].0, "8");
    let error = format!(r#"{{"type":"error","reason":"no-such-user","about":"Gone.","nonce":{}}}"#, sent[0].1);
    let shown = receive(&mut session, &[&error]);
    assert!(shown[0].contains("Another user has this name now") && shown[0].contains("psst"), "{shown:?}");
    assert_eq!(sent_targets(&mut session, &["bob"])[0].0, "9", "now it is meant for the other one");
}

#[test]
fn a_partner_who_returns_is_followed() {
    let mut session = with_ids();
    let sent = sent_targets(&mut session, &["bob"]);
    let echo = r#"{"type":"message","id":7,"name":"ann","text":"psst","target":"bob","targetId":8,"nonce":NONCE}"#;
    receive(&mut session, &[&echo.replace("NONCE", &sent[0].1)]);
    assert_eq!(session.pending.len(), 0);
    receive(&mut session, &[r#"{"type":"username","id":12,"name":"bob","was":8}"#]);
    assert_eq!(sent_targets(&mut session, &["bob"])[0].0, "12");
}

#[test]
fn the_next_connection_shows_the_secret_and_asks_for_the_wanted_name() {
    let mut session = with_ids();
    receive(&mut session, &[r#"{"type":"rejectusername","id":7,"name":"ann1"}"#]);
    assert_eq!(session.sign_in(), r#"{"name":"ann","resume":"secret-7","type":"username"}"#);
    receive(&mut session, &[r#"{"type":"id","id":20,"seq":0,"log":"abc","resume":"secret-20"}"#]);
    assert_eq!(session.rename("anna".into()), r#"{"name":"anna","resume":"secret-20","type":"username"}"#);
    assert_eq!(session.sign_in(), r#"{"name":"anna","resume":"secret-20","type":"username"}"#);
    receive(&mut session, &[r#"{"type":"id","id":1,"seq":0,"log":"new"}"#]);
    assert_eq!(session.sign_in(), r#"{"name":"anna","type":"username"}"#, "another server");
}

/// The copy in the history has no nonce, and the id of the connection that sent it.
#[test]
fn own_messages_of_the_last_connection_are_recognised_in_the_history() {
    let mut session = with_ids();
    send(&mut session, &["mine"]);
    unsent(&mut session);
    session.sign_in();
    receive(&mut session, &[r#"{"type":"id","id":20,"seq":1,"log":"abc","resume":"s"}"#]);
    let shown = receive(&mut session, &[r#"{"type":"message","seq":1,"id":7,"name":"ann","text":"mine"}"#]);
    assert!(shown[0].ends_with("own: true })"), "{shown:?}");
    assert_eq!(unsent(&mut session).len(), 1, "sent again, so that the server names its number");
    receive(&mut session, &[r#"{"type":"username","id":20,"name":"ann"}"#]);
    let shown = receive(&mut session, &[r#"{"type":"message","seq":2,"id":7,"name":"eve","text":"mine"}"#]);
    assert!(shown[0].ends_with("own: false })"), "the server was restarted: {shown:?}");
}

#[test]
fn private_messages_are_not_resent_and_wait_until_their_target_is_known() {
    let mut session = with_ids();
    receive(&mut session, &[r#"{"type":"message","id":8,"name":"bob","text":"hi","target":"ann","targetId":7}"#]);
    sent_targets(&mut session, &["bob"]);
    let lost = session.connection_lost();
    assert!(matches!(&lost[..], [Event::Refused { text: Some(text), .. }] if text == "psst"), "{lost:?}");
    session.sign_in();
    assert_eq!(sent_targets(&mut session, &["bob"]), [], "bob may have another id");
    receive(&mut session, &[r#"{"type":"username","id":20,"name":"ann","was":7}"#]);
    assert_eq!(session.id, None);
    receive(&mut session, &[r#"{"type":"id","id":20,"log":"abc","resume":"s"}"#]);
    receive(&mut session, &[r#"{"type":"username","id":20,"name":"ann","was":7}"#]);
    assert_eq!(sent_targets(&mut session, &[])[0].0, "8");
}

#[test]
fn names_are_reported_once_and_unknown_messages_ignored() {
    let mut session = session();
    receive(&mut session, &[r#"{"type":"id","id":7}"#]);
    let shown = receive(
        &mut session,
        &[
            r#"{"type":"rejectusername","id":7,"name":"ann1"}"#,
            r#"{"type":"username","id":7,"name":"ann1"}"#,
            r#"{"type":"username","id":8,"name":"bob"}"#,
            r#"{"type":"userlist","users":["bob","ann1"]}"#,
            "not JSON",
            "[]",
            r#"{"type":"newer than this"}"#,
        ],
    );
    assert_eq!(shown, [r#"Named("ann1")"#, r#"Joined("bob")"#, r#"Users(["bob", "ann1"])"#]);
    assert_eq!(session.sign_in(), r#"{"name":"ann","type":"username"}"#);
}

/// Fields of another type, or unknown ones, do not matter, however large they are.
#[test]
fn odd_fields_are_ignored() {
    let mut session = session();
    let deep = format!(r#"{{"type":"gap","missed":"many","more":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let shown = receive(
        &mut session,
        &[
            &deep,
            r#"{"type":"message","seq":-1,"date":1.5,"name":7,"text":"x","target":null,"text":"hi"}"#,
            r#"{"type":"userlist","users":["bob",7],"ids":"none"}"#,
        ],
    );
    let message = r#"Message(Message { seq: None, date: 0, name: "", text: "hi", target: None, own: false })"#;
    assert_eq!(shown, ["Gap { missed: None }", message, "Users([])"]);
}

#[test]
fn deleted_messages_and_notices_are_events() {
    let mut session = session();
    receive(&mut session, &[r#"{"type":"id","id":3,"seq":5,"log":"abc"}"#]);
    let message = r#"{"type":"message","name":"bob","text":"hi","id":9,"date":1,"seq":4}"#;
    let (old, new) = (r#"{"type":"deleted","seq":[2,4]}"#, r#"{"type":"deleted","seq":[5]}"#);
    let events = receive(&mut session, &[message, old, new, r#"{"type":"notice","text":"a\nb"}"#]);
    assert_eq!(events[1..], ["Deleted { seqs: [2, 4] }", "Deleted { seqs: [5] }", "Notice(\"a\\nb\")"]);
    assert_eq!(session.query().as_deref(), Some("since=5&log=abc"), "it does not come again");
}
