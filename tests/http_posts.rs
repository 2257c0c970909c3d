//! Messages posted over HTTP: which requests are accepted, and what a room receives.

mod support;

use serde_json::{Value, json};
use std::io::Write as _;
use std::net::{Shutdown, SocketAddr};
use std::time::Instant;
use support::stream::{Stream, post, posted};
use support::{Answer, Client, http, raw, start_binary};

/// The target, header fields, a body, and what follows from them.
type Row<'a, T> = (&'a str, &'a [&'a str], &'a [u8], T);

const JSON: &str = "Content-Type: application/json";

#[track_caller]
fn receipt(answer: &Answer) -> Value {
    assert_eq!((answer.status, answer.header("content-type")), (201, Some("application/json")), "{}", answer.text());
    serde_json::from_slice(&answer.body).expect("JSON")
}

/// What the room receives next.
#[track_caller]
fn message(client: &mut Client) -> (String, String) {
    let message = client.wait_for("message");
    let part = |field: &str| message[field].as_str().expect("a string").to_owned();
    (part("name"), part("text"))
}

#[test]
fn bodies_and_names_of_each_kind_are_accepted() {
    let server = start_binary(&[]);
    let mut ann = Client::enter(server.addr(), "/room/kitchen");
    ann.sign_in("ann");
    let long = "x".repeat(8000);
    let object = r#"{"text":"hi","name":"bob"}"#;
    let rows: &[Row<'_, (&str, &str)>] = &[
        ("", &[], b"door open", ("guest", "door open")),
        ("", &["Content-Type: text/plain; charset=UTF-8"], "h\u{e9}".as_bytes(), ("guest", "h\u{e9}")),
        ("", &["Content-Type: text/plain;charset=\"utf-8\""], b"a", ("guest", "a")),
        // What `curl -d` sends.
        ("", &["Content-Type: application/x-www-form-urlencoded"], b"a=b&c", ("guest", "a=b&c")),
        ("", &[], b"two\r\nlines\r\n", ("guest", "two\r\nlines")),
        ("", &[], b"/name bob\n", ("guest", "/name bob")),
        ("", &[], long.as_bytes(), ("guest", &long)),
        ("?name=front+door", &[], b"a", ("front door", "a")),
        ("?name=B%C3%A4r&token=x", &["Name: eve"], b"a", ("B\u{e4}r", "a")),
        ("?name=", &["Name: B\u{e4}r"], b"a", ("B\u{e4}r", "a")),
        ("?name=", &["Name: "], b"a", ("guest", "a")),
        ("?name=eve", &[JSON], object.as_bytes(), ("bob", "hi")),
        ("?name=eve", &[JSON], br#"{"text":"\ud83d","extra":1}"#, ("eve", "\u{fffd}")),
        ("", &["Content-Type: Application/JSON; charset=utf-8"], object.as_bytes(), ("bob", "hi")),
        ("?name=eve", &[JSON], br#"{"text":"hi","name":""}"#, ("eve", "hi")),
        ("/?name=x", &[], b"a", ("x", "a")),
    ];
    for (seq, (target, fields, body, (name, text))) in (1_u64..).zip(rows) {
        let answer = post(server.addr(), &format!("/room/kitchen{target}"), fields, body);
        assert_eq!(receipt(&answer), json!({"seq": seq, "room": "kitchen"}), "{target} {fields:?}");
        assert_eq!(message(&mut ann), ((*name).to_owned(), (*text).to_owned()), "{target} {fields:?}");
    }
    assert_eq!(receipt(&post(server.addr(), "/", &[], "hi")), json!({"seq": 1, "room": ""}), "the lobby");
}

#[test]
fn refusals_say_what_is_wrong_as_text_or_as_json() {
    let server = start_binary(&["--limit", "message=20000"]);
    let huge = "x".repeat(20_001);
    let rows: &[Row<'_, (u16, &str, &str)>] = &[
        ("/", &[], b"", (400, "missing-field", "empty")),
        ("/", &[], b" \n", (400, "missing-field", "empty")),
        ("/", &[], &huge.as_bytes()[..8001], (413, "too-long", "at most 4968 characters")),
        ("/", &[], huge.as_bytes(), (413, "payload-too-large", "At most 20000 bytes")),
        ("/", &[], b"\xff", (415, "not-text", "UTF-8")),
        ("/", &["Content-Type: image/png"], b"a", (415, "not-text", "text/plain or application/json")),
        ("/", &["Content-Type: multipart/form-data; boundary=x"], b"a", (415, "not-text", "text/plain")),
        ("/", &["Content-Type: text/plain; charset=latin1"], b"a", (415, "not-text", "UTF-8")),
        ("/", &["Content-Encoding: gzip"], b"a", (415, "not-text", "text/plain")),
        ("/", &[JSON], b"hi", (400, "bad-json", "JSON object")),
        ("/", &[JSON], b"[1]", (400, "bad-json", "JSON object")),
        ("/", &[JSON], b"{}", (400, "missing-field", "text")),
        ("/", &[JSON], br#"{"text":"x","name":5}"#, (400, "missing-field", "name")),
        ("/", &[JSON], br#"{"text":"x","nonce":""}"#, (400, "missing-field", "nonce")),
        ("/", &[JSON], br#"{"text":"x","target":"nobody"}"#, (404, "no-such-user", "no such user")),
        ("/?name=%D0%B0nn", &[], b"x", (400, "bad-name", "name")),
        ("/?name=a%0Ab", &[], b"x", (400, "bad-name", "name")),
        ("/?name=%zz", &[], b"x", (400, "bad-name", "name")),
        ("/?name=%FF", &[], b"x", (400, "bad-name", "name")),
        ("/", &["Name: a\tb"], b"x", (400, "bad-name", "name")),
        ("/", &["Origin: http://evil.example"], b"x", (403, "forbidden", "evil.example")),
        ("/", &["Origin: null"], b"x", (403, "forbidden", "null")),
        ("/", &["Sec-Fetch-Site: cross-site"], b"x", (403, "forbidden", "null")),
        ("/room/", &[], b"x", (404, "not-found", "/room/NAME")),
        ("/other", &[], b"x", (404, "not-found", "/room/NAME")),
        ("/rooms", &[], b"x", (404, "not-found", "--list-rooms")),
        ("/style.css", &[], b"x", (405, "method-not-allowed", "GET, HEAD and OPTIONS")),
    ];
    for (target, fields, body, (status, reason, about)) in rows {
        let answer = post(server.addr(), target, fields, body);
        let text = answer.text();
        assert_eq!(answer.status, *status, "{target} {fields:?}: {text}");
        assert!(text.contains(about) && text.ends_with('\n') && text.lines().count() == 1, "{target}: {text}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        for accept in ["Accept: application/json", "Accept: text/html;q=0.1, Application/JSON;q=0.9"] {
            let answer = post(server.addr(), target, &[*fields, &[accept]].concat(), body);
            let error: Value = serde_json::from_slice(&answer.body).expect("JSON");
            assert_eq!((answer.status, &error["type"]), (*status, &json!("error")), "{target}: {error}");
            assert_eq!(error["reason"], *reason, "{target} {fields:?}");
            assert!(error["about"].as_str().expect("a sentence").contains(about), "{error}");
        }
        let refused = post(server.addr(), target, &[*fields, &["Accept: application/json;q=0"]].concat(), body);
        assert_eq!(refused.text(), text, "{target}");
    }
    assert_eq!(posted(server.addr(), "/", "x"), 1, "nothing was sent");
}

#[test]
fn error_names_the_nonce() {
    let server = start_binary(&[]);
    let answer = post(server.addr(), "/", &[JSON, "Accept: application/json"], r#"{"text":" ","nonce":"n1"}"#);
    let error: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!((answer.status, &error["nonce"]), (400, &json!("n1")));
}

/// Also for a message that came over WebSocket, and if the name was taken meanwhile.
#[test]
fn repeated_nonce_is_answered_as_the_first_time() {
    let server = start_binary(&[]);
    let mut ann = Client::enter(server.addr(), "/");
    let object = r#"{"text":"hi","name":"eve","nonce":"n1"}"#;
    let first = receipt(&post(server.addr(), "/", &[JSON], object));
    assert_eq!(message(&mut ann), ("eve".to_owned(), "hi".to_owned()));
    ann.sign_in("eve");
    for answer in [
        post(server.addr(), "/", &[JSON], object),
        post(server.addr(), "/?name=eve", &[JSON], r#"{"text":"other","nonce":"n1"}"#),
    ] {
        assert_eq!(receipt(&answer), first);
    }
    ann.say_json(&json!({"type": "message", "text": "own", "nonce": "n2"}));
    assert_eq!(ann.wait_for("message")["seq"], 2, "no message came twice");
    assert_eq!(receipt(&post(server.addr(), "/", &[JSON], r#"{"text":"x","nonce":"n2"}"#))["seq"], 2);
    let other = post(server.addr(), "/room/other", &[JSON], object);
    assert_eq!(receipt(&other)["seq"], 1, "a nonce belongs to its room");
}

#[test]
fn name_of_a_present_user_gets_a_number() {
    let server = start_binary(&[]);
    let mut ann = Client::enter(server.addr(), "/");
    ann.sign_in("Ann");
    for (name, seq) in [("ann", 1), ("ANN", 2), ("%EF%BD%81nn", 3)] {
        let receipt = receipt(&post(server.addr(), &format!("/?name={name}"), &[], "it is me"));
        let (shown, _) = message(&mut ann);
        assert_eq!(receipt, json!({"seq": seq, "room": "", "name": shown}));
        assert!(shown.ends_with('1'), "{shown}");
    }
    let mut guest = Client::enter(server.addr(), "/");
    guest.sign_in("guest");
    assert_eq!(receipt(&post(server.addr(), "/", &[], "hi"))["name"], "guest1");
}

/// The sender has a number of its own, and is in no list of users.
#[test]
fn sender_is_not_part_of_the_room() {
    let server = start_binary(&["--list-rooms"]);
    let mut ann = Client::enter(server.addr(), "/room/a");
    ann.sign_in("ann");
    posted(server.addr(), "/room/a?name=sensor", "21 degrees");
    posted(server.addr(), "/room/b", "an empty room");
    let message = ann.wait_for("message");
    let id = message["id"].as_u64().expect("a number");
    ann.say_json(&json!({"type": "message", "text": "psst", "target": id}));
    assert_eq!(ann.wait_for("error")["reason"], "no-such-user");
    ann.say_json(&json!({"type": "username", "name": "Ann"}));
    assert_eq!(ann.wait_for("userlist")["users"], json!(["Ann"]));
    let rooms = support::raw::get(server.addr(), "/rooms").text();
    assert_eq!(
        serde_json::from_str::<Value>(&rooms).expect("JSON"),
        json!({"rooms": [{"name": "", "users": 0}, {"name": "a", "users": 1}, {"name": "b", "users": 0}]})
    );
}

#[test]
fn private_message_reaches_its_target_only() {
    let server = start_binary(&[]);
    let (mut ann, mut bob) = (Client::enter(server.addr(), "/"), Client::enter(server.addr(), "/"));
    ann.sign_in("ann");
    bob.sign_in("bob");
    let id = ann.wait_until("bob", |object| object["name"] == "bob")["id"].as_u64().expect("a number");
    for body in [
        r#"{"text":"psst","target":"Bob","name":"door"}"#.to_owned(),
        json!({"text": "psst", "target": id}).to_string(),
    ] {
        let receipt = receipt(&post(server.addr(), "/", &[JSON], body));
        assert_eq!(receipt, json!({"room": ""}));
        let message = bob.wait_for("message");
        assert_eq!((&message["text"], &message["targetId"]), (&json!("psst"), &json!(id)));
    }
    posted(server.addr(), "/", "public");
    assert_eq!(message(&mut ann).1, "public", "the first message that ann receives");
}

#[test]
fn token_is_required_as_for_a_websocket() {
    let folder = support::temp::Folder::new("post-token");
    let file = folder.path("token");
    std::fs::write(&file, "a-token-of-many-characters").expect("a file");
    let server = start_binary(&["--token-file", &file]);
    let right = "Authorization: Bearer a-token-of-many-characters";
    assert_eq!(post(server.addr(), "/", &[right], "x").status, 201);
    assert_eq!(post(server.addr(), "/?token=a-token-of-many-characters", &[], "x").status, 201);
    let stream = |fields: &[&str]| Stream::try_open(server.addr(), "/?format=text", fields).expect("a response").head;
    assert!(stream(&[right]).contains(" 200 "));
    for fields in [&[][..], &["Authorization: Bearer wrong"]] {
        let answer = post(server.addr(), "/", fields, "x");
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")));
        assert!(stream(fields).contains(" 401 "));
    }
    assert_eq!(post(server.addr(), "/", &[right], "x").status, 201);
}

#[test]
fn body_may_come_in_pieces_and_with_a_fin() {
    let (server, hasty) = (start_binary(&[]), start_binary(&["--limit", "handshake-seconds=1"]));
    let addr = server.addr();
    let head = |fields: &str| format!("POST / HTTP/1.1\r\nHost: {addr}\r\n{fields}\r\n");
    let whole = head("Content-Length: 2\r\n") + "hi";
    let whole = whole.as_bytes();
    let answers =
        [raw(addr, whole), support::raw::raw_then_fin(addr, whole), support::raw::raw_in_single_bytes(addr, whole)];
    for answer in answers {
        assert_eq!(Answer::parse(&answer).status, 201);
    }
    for (request, status) in [
        (head("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 411),
        (head("Transfer-Encoding: chunked\r\n") + "2\r\nhi\r\n0\r\n\r\n", 411),
        (head("Content-Length: 2\r\nUpgrade: websocket\r\n") + "hi", 400),
    ] {
        assert_eq!(http(addr, &request).status, status, "{request}");
    }
    let late = format!("POST / HTTP/1.1\r\nHost: {}\r\nContent-Length: 5\r\n\r\nhi", hasty.addr());
    assert_eq!(http(hasty.addr(), &late).status, 408);
    let half = Answer::parse(&support::raw::raw_then_fin(addr, (head("Content-Length: 5\r\n") + "hi").as_bytes()));
    assert_eq!(half.status, 400, "{}", half.text());
}

/// curl waits for the 100 response before it sends a long body.
#[test]
fn expectation_of_a_long_body_is_answered() {
    let server = start_binary(&[]);
    let mut stream = std::net::TcpStream::connect(server.addr()).expect("a connection");
    stream.set_read_timeout(Some(support::DEADLINE)).expect("a deadline");
    let head =
        format!("POST / HTTP/1.1\r\nHost: {}\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", server.addr());
    stream.write_all(head.as_bytes()).expect("written");
    let mut continued = [0; 25];
    std::io::Read::read_exact(&mut stream, &mut continued).expect("a response");
    assert_eq!(&continued, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hi").expect("written");
    stream.shutdown(Shutdown::Write).expect("a FIN");
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut rest).expect("a response");
    assert_eq!(Answer::parse(&rest).status, 201);
}

#[test]
fn methods_of_a_room_are_consistent() {
    let server = start_binary(&[]);
    let answer = |method: &str, target: &str, fields: &str| {
        http(server.addr(), &format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n{fields}\r\n", server.addr()))
    };
    let allowed = Some("GET, HEAD, POST, OPTIONS");
    for target in ["/", "/room/a", "/room/a/", "/room/a?format=text"] {
        let options = answer("OPTIONS", target, "");
        assert_eq!((options.status, options.header("allow")), (204, allowed), "{target}");
        for method in ["PUT", "DELETE", "PATCH"] {
            let refused = answer(method, target, "");
            assert_eq!((refused.status, refused.header("allow")), (405, allowed), "{method} {target}");
        }
    }
    let head = answer("HEAD", "/", "Accept: text/event-stream\r\n");
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    assert_eq!(head.header("content-length"), None);
    assert_eq!(answer("HEAD", "/", "Accept: text/event-stream\r\nOrigin: http://evil.example\r\n").status, 403);
    assert_eq!(answer("GET", "/?format=xml", "").status, 400);
    assert!(answer("GET", "/rooms", "Accept: text/html\r\n").text().contains("--list-rooms"));
    assert_eq!(answer("GET", "/room/a/b", "").text(), answer("POST", "/room", "").text());
}

/// `Retry-After` is the time after which the same message is accepted, rounded up.
#[test]
fn refusals_for_now_say_when_to_try_again() {
    let (server, token) = (support::temp::Folder::new("post-later"), "an-admin-token-of-many-characters");
    let (admin, access) = (server.path("admin"), server.path("access"));
    std::fs::write(&admin, token)
        .and_then(|()| std::fs::write(&access, "an-access-token-0123456789"))
        .expect("written");
    let limits = ["--limit", "address-rate=1", "--limit", "address-burst=40", "--limit", "wrong-token-seconds=60"];
    let flags = ["--token-file", &access, "--admin-token-file", &admin, "--trusted-proxy", "127.0.0.1"];
    let server = start_binary(&[&flags[..], &limits].concat());
    let as_client = |address: &str, offered: &str, target: &str, body: &[u8]| {
        let (address, offered) = (format!("X-Forwarded-For: {address}"), format!("Authorization: Bearer {offered}"));
        post(server.addr(), target, &[&address, &offered], body)
    };
    let wait = |answer: &Answer| {
        (answer.status, answer.header("retry-after").map(|wait| wait.parse::<u64>().expect("a number")))
    };
    let mut op = Client::enter(server.addr(), &format!("/?token={token}"));
    op.say_json(&json!({"type": "admin", "command": "slow kitchen 3600"}));
    op.wait_for("notice");
    assert_eq!(as_client("192.0.2.1", token, "/room/kitchen", b"the first one of a new room").status, 201);
    let slow = as_client("192.0.2.2", token, "/room/kitchen", b"x");
    let (status, seconds) = wait(&slow);
    assert!(status == 429 && (2..=3600).contains(&seconds.expect("a wait")), "{status} {seconds:?} {}", slow.text());
    assert!(slow.text().contains(&format!("in {} seconds", seconds.unwrap_or_default())), "{}", slow.text());
    // A post to a new room costs 16 tokens, of which one comes back in each second.
    let posts = (0..).map(|number| as_client("192.0.2.3", token, &format!("/room/{number}"), b"x"));
    let refused = posts.into_iter().find(|answer| answer.status != 201).expect("the rate of the address");
    let (status, seconds) = wait(&refused);
    assert!(status == 429 && (1..=16).contains(&seconds.expect("a wait")), "{status} {seconds:?}");
    for _ in 0..8 {
        assert_eq!(as_client("192.0.2.4", "wrong", "/", b"x").status, 401);
    }
    let (status, seconds) = wait(&as_client("192.0.2.4", "wrong", "/", b"x"));
    assert!(status == 429 && (2..=60).contains(&seconds.expect("a wait")), "{status} {seconds:?}");
    // What does not end by itself has no time.
    op.say_json(&json!({"type": "admin", "command": "close kitchen"}));
    op.wait_for("notice");
    let closed = as_client("192.0.2.5", token, "/room/kitchen", b"x");
    assert_eq!((wait(&closed), closed.text().as_str()), ((403, None), "An operator has closed this room.\n"));
    let fields = [&*format!("Authorization: Bearer {token}")];
    let head = Stream::try_open(server.addr(), "/room/kitchen?format=text", &fields).expect("a response").head;
    assert!(head.contains(" 403 ") && !head.contains("Retry-After"), "{head}");
}

fn from(addr: SocketAddr, client: &str) -> Answer {
    post(addr, "/", &[&format!("X-Forwarded-For: {client}")], "x")
}

#[test]
fn rates_of_addresses_and_rooms_hold() {
    let server = start_binary(&[
        "--trusted-proxy",
        "127.0.0.1",
        "--limit",
        "address-rate=1",
        "--limit",
        "address-burst=5",
        "--limit",
        "room-rate=1",
        "--limit",
        "room-burst=12",
    ]);
    let begin = Instant::now();
    let mut refused = None;
    let mut accepted = |client: &str| {
        let answers = (0..20).map(|_| from(server.addr(), client));
        let (accepted, others): (Vec<_>, Vec<_>) = answers.partition(|answer| answer.status == 201);
        // Tokens come back while the test runs.
        let tokens = begin.elapsed().as_secs() as usize + 1;
        refused = others.into_iter().next();
        (accepted.len(), tokens)
    };
    let (first, tokens) = accepted("192.0.2.1");
    assert!((5..=5 + tokens).contains(&first), "the rate of one address: {first}");
    let (second, tokens) = accepted("192.0.2.2");
    assert!((5..=5 + tokens).contains(&second), "another address: {second}");
    let (third, tokens) = accepted("192.0.2.3");
    assert!(first + second + third <= 12 + tokens, "the rate of the room: {third}");
    if let Some(refused) = refused {
        assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")), "{}", refused.text());
    }
}
