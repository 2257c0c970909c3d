//! What users are called, and who is in the list of users.

use super::*;

#[test]
fn taken_guest_name_gets_a_number() {
    let mut script = Script::with(&["GUEST-7"]);
    assert!(script.join(7, Dialect::Text)[1].contains(r#""name":"guest-71""#));
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

#[test]
fn user_list_has_oldest_connection_first() {
    let mut script = Script::new(Rules { list_interval: 0, ..Rules::default() });
    script.join(9, Dialect::Json);
    script.join(3, Dialect::Json);
    script.name(3, "first");
    assert_eq!(script.name(9, "second")[0], r#"*< {"type":"userlist","users":["first","second"]}"#);
    assert_eq!(script.members(RoomId::LOBBY), [3, 9]);
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
