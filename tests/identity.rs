//! Users keep their names after a lost connection, over real sockets.

mod support;

use serde_json::{Value, json};
use std::net::{Shutdown, SocketAddr};
use support::{Client, start_binary};

/// Connects and signs in. Returns the resume secret as well.
fn sign_in(addr: SocketAddr, protocol: &str, name: &str, resume: &Value) -> (Client, Value) {
    let mut client = Client::connect(addr, &[protocol]);
    let hello = client.expect("id");
    client.say_json(&json!({"type": "username", "name": name, "resume": resume}));
    (client, hello)
}

fn named(client: &mut Client, id: &Value) -> Value {
    client.wait_until("its name", |object| object["type"] == "username" && object["id"] == *id)
}

fn ann_and_bob(addr: SocketAddr, protocol: &str) -> (Client, Value, Client) {
    let (mut ann, hello) = sign_in(addr, protocol, "ann", &Value::Null);
    named(&mut ann, &hello["id"]);
    let (mut bob, bobs) = sign_in(addr, protocol, "bob", &Value::Null);
    named(&mut bob, &bobs["id"]);
    (ann, hello, bob)
}

#[test]
fn lost_name_comes_back_with_the_secret_only() {
    for protocol in ["json", "chinwag.v1"] {
        for how in [Shutdown::Write, Shutdown::Both] {
            let server = start_binary(&[]); // the names of the round before may not be free yet
            let (ann, lost, mut bob) = ann_and_bob(server.addr(), protocol);
            ann.stream().shutdown(how).expect("it is connected");
            bob.wait_until("a list without ann", |object| object["users"] == json!(["bob"]));
            let (mut eve, hers) = sign_in(server.addr(), protocol, "ann", &json!("1-0123456789abcdef"));
            assert_eq!(named(&mut eve, &hers["id"])["name"], "ann1");
            bob.say_json(&json!({"type": "message", "text": "psst", "target": "ann", "nonce": "n"}));
            let error = bob.wait_for("error");
            assert_eq!((&error["reason"], &error["nonce"]), (&json!("no-such-user"), &json!("n")));
            let (mut again, hello) = sign_in(server.addr(), protocol, "ann", &lost["resume"]);
            let username = named(&mut again, &hello["id"]);
            assert_eq!((&username["name"], &username["was"]), (&json!("ann"), &lost["id"]));
            assert_eq!(named(&mut bob, &hello["id"])["was"], lost["id"]);
            bob.say_json(&json!({"type": "message", "text": "psst", "target": hello["id"], "nonce": "m"}));
            let private = again.wait_until("a private message", |object| object["text"] == "psst");
            assert_eq!((&private["targetId"], &private["nonce"]), (&hello["id"], &Value::Null));
            assert_eq!(bob.wait_for("message")["nonce"], "m");
        }
    }
}

#[test]
fn name_is_free_after_a_close_frame() {
    let server = start_binary(&[]);
    let (mut ann, lost, mut bob) = ann_and_bob(server.addr(), "chinwag.v1");
    ann.close(1001);
    bob.wait_until("a list without ann", |object| object["users"] == json!(["bob"]));
    let (mut other, hello) = sign_in(server.addr(), "chinwag.v1", "ann", &Value::Null);
    assert_eq!(named(&mut other, &hello["id"])["name"], "ann");
    let (mut late, hello) = sign_in(server.addr(), "chinwag.v1", "ann", &lost["resume"]);
    let username = named(&mut late, &hello["id"]);
    assert_eq!((&username["name"], &username["was"]), (&json!("ann1"), &Value::Null));
}

#[test]
fn connection_that_is_still_open_is_replaced() {
    let server = start_binary(&[]);
    let (mut ghost, old, mut bob) = ann_and_bob(server.addr(), "chinwag.v1");
    let (mut ann, hello) = sign_in(server.addr(), "chinwag.v1", "ann", &old["resume"]);
    assert_eq!(named(&mut ann, &hello["id"])["name"], "ann");
    assert_eq!(ghost.wait_for_close().0, 1008);
    let list = bob.wait_until("a list with ann's new id", |object| object["ids"][1] == hello["id"]);
    assert_eq!(list["users"], json!(["bob", "ann"]));
    assert_ne!(old["resume"], hello["resume"]);
}

/// Its sender gets the message in its place among the others, with the nonce.
#[test]
fn nonce_comes_back_to_the_author_only() {
    let server = start_binary(&[]);
    let (mut ann, _, mut bob) = ann_and_bob(server.addr(), "chinwag.v1");
    for (text, nonce) in [("1", Some("n1")), ("2", None), ("3", Some("n3"))] {
        ann.say_json(&json!({"type": "message", "text": text, "nonce": nonce}));
    }
    let mut late = Client::connect(server.addr(), &["chinwag.v1"]);
    for (seq, nonce) in [(1, Some("n1")), (2, None), (3, Some("n3"))] {
        let own = ann.wait_for("message");
        assert_eq!((&own["seq"], own["nonce"].as_str()), (&json!(seq), nonce));
        for other in [&mut bob, &mut late] {
            let copy = other.wait_for("message");
            assert_eq!((&copy["seq"], &copy["nonce"]), (&json!(seq), &Value::Null));
        }
    }
}
