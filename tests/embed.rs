//! The programs of docs/embed: each does what docs/EMBED.md says.

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use chinwag::sans_io::{Protocol, Role};
use chinwag::{
    Accept, DisconnectReason, Message, Server, WebSocket, client,
    http::{Response, bearer},
};
use support::DEADLINE;
use support::example::Example;
use support::raw::get;
use support::temp::Folder;

fn open(url: &str) -> WebSocket {
    client::WebSocket::builder(url).open().expect("a server")
}

#[track_caller]
fn text(ws: &WebSocket) -> String {
    match ws.recv_timeout(DEADLINE) {
        Ok(Some(Message::Text(text))) => text.as_str().to_owned(),
        other => panic!("expected a text, got {other:?}"),
    }
}

#[track_caller]
fn wait_for(ws: &WebSocket, expected: &str) {
    while text(ws) != expected {}
}

#[test]
fn dashboard_shows_its_page_and_sends_the_value() {
    let (_example, addr) = Example::serve("embed_dashboard");
    let page = get(addr, "/");
    assert!(page.status == 200 && page.text().contains("/live"), "{page:?}");
    assert_eq!(get(addr, "/other").status, 404);
    assert!(client::WebSocket::builder(&format!("ws://{addr}/")).open().is_err(), "only /live is an endpoint");
    let viewers = [(), ()].map(|()| open(&format!("ws://{addr}/live")));
    for viewer in &viewers {
        while !text(viewer).ends_with(" s, 2 viewers") {}
    }
}

#[test]
fn rpc_answers_the_users_that_are_signed_in() {
    let (_example, addr) = Example::serve("embed_rpc");
    let client = client::WebSocket::builder(&format!("ws://{addr}/"));
    let refused = client.clone().header("Cookie", "session=guess").open();
    assert!(matches!(refused, Err(client::Error::Refused { status: 401, .. })), "{refused:?}");
    for (user, upload) in [("ann", 5), ("bob", 7)] {
        let ws = client
            .clone()
            .header("Cookie", &format!("theme=dark; session=secret-of-{user}"))
            .open()
            .expect("a session");
        ws.send(r#"{"jsonrpc":"2.0","id":1,"method":"whoami"}"#);
        assert_eq!(text(&ws), format!(r#"{{"id":1,"jsonrpc":"2.0","result":"{user}"}}"#));
        ws.send(vec![0; upload]);
        ws.send(r#"{"jsonrpc":"2.0","id":2,"method":"uploaded"}"#);
        assert_eq!(text(&ws), format!(r#"{{"id":2,"jsonrpc":"2.0","result":{upload}}}"#));
        ws.send(r#"{"id":3,"method":"?"}"#);
        assert!(text(&ws).contains("-32601"));
        ws.send("not JSON");
        assert!(matches!(ws.recv(), Err(DisconnectReason::ClosedByPeer { code: 1007, .. })));
    }
}

#[test]
fn accept_loop_is_full_duplex() {
    let (_example, addr) = Example::serve("embed_duplex");
    let ws = open(&format!("ws://{addr}/"));
    wait_for(&ws, "tick");
    ws.send("hello");
    wait_for(&ws, "hello");
}

#[cfg(unix)]
#[test]
fn accept_loop_is_full_duplex_over_a_unix_socket() {
    let folder = Folder::new("embed");
    let path = folder.path("duplex.sock");
    let example = Example::start("embed_duplex", &[&path]);
    assert_eq!(example.next_line(), format!("duplex at {path}"));
    let stream = std::os::unix::net::UnixStream::connect(&path).expect("it listens");
    let ws = client::WebSocket::builder("ws://localhost/").open_over(stream).expect("a handshake");
    wait_for(&ws, "tick");
    ws.send("hello");
    wait_for(&ws, "hello");
}

#[cfg(feature = "tls")]
#[test]
fn accept_loop_is_full_duplex_with_tls() {
    let folder = Folder::new("embed-tls");
    let file = folder.path("certificate.pem");
    let (_example, addr) = Example::serve_with("embed_duplex_tls", &[&file]);
    let trusted = chinwag::tls::Connector::trusting(&file).expect("a certificate");
    let url = format!("wss://localhost:{}/", addr.port());
    let client = client::WebSocket::builder(&url).tls(trusted);
    let stream = std::net::TcpStream::connect(addr).expect("it listens");
    let ws = client.clone().open_over(stream).expect("a handshake");
    ws.send("hello");
    assert_eq!(text(&ws), "hello");
    let ws = client.open().expect("a second client");
    ws.send("also");
    assert_eq!(text(&ws), "also");
}

/// What `embed_stdio` writes if its input is this.
#[track_caller]
fn answer_on_stdout(input: &[u8]) -> Vec<u8> {
    let mut command = Command::new(support::example::path("embed_stdio"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("cargo has built the example");
    child.stdin.take().expect("a pipe").write_all(input).expect("it reads");
    let (mut stdout, (sender, output)) = (child.stdout.take().expect("a pipe"), mpsc::channel());
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        sender.send(stdout.read_to_end(&mut bytes).map(|_| bytes))
    });
    let output = output.recv_timeout(DEADLINE);
    let _ = child.kill();
    let _ = child.wait();
    output.expect("it ends after its input").expect("a pipe")
}

/// The transport is two pipes. The request and the first frames arrive together.
#[test]
fn stdio_echoes_over_pipes() {
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let mut client = Protocol::new(Role::Client, chinwag::Config::client());
    assert!(client.send("one\n") && client.send("two\n"));
    let mut input = request.as_bytes().to_vec();
    input.extend(client.bytes_to_send());
    let output = answer_on_stdout(&input);
    let head = output.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head") + 4;
    assert!(output.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&output));
    client.receive(&output[head..]);
    for expected in ["one\n", "two\n"] {
        assert_eq!(client.next_message(), Ok(Some(expected.into())));
    }
    assert_eq!(client.next_message(), Ok(None), "without a Close frame there is none in the answer");
    let refused = answer_on_stdout(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(refused.starts_with(b"HTTP/1.1 426 "), "{}", String::from_utf8_lossy(&refused));
}

#[test]
fn client_comes_back_with_its_header() {
    let builder = Server::builder().accept(|request| match bearer(request) {
        Some("swordfish") => Ok(Accept::new()),
        _ => Err(Response::text(401, "No.")),
    });
    let server = builder.listen("127.0.0.1:0").expect("a free port").start().expect("enough threads");
    let example = Example::start("embed_client", &[&format!("ws://{}/", server.local_addrs()[0])]);
    for number in 0..3 {
        let peer = support::serving::connected(&server);
        assert_eq!(support::serving::text(&server).1, "hello");
        peer.send(format!("number {number}"));
        peer.close(1012, "restart").expect("a code that may be sent");
        assert_eq!(example.next_line(), format!("number {number}"));
        assert_eq!(example.next_line(), "disconnected: closed by the peer, 1012 (restart)");
        support::serving::disconnected(&server);
    }
    #[cfg(unix)]
    {
        let peer = support::serving::connected(&server);
        assert_eq!(support::serving::text(&server).1, "hello");
        example.signal("INT");
        drop(support::serving::closing(&server, &peer));
        assert_eq!(example.finish(""), ["disconnected: closed by the peer, 1000"]);
    }
}

/// Ctrl-C ends it, also in a pause. Otherwise it would try for ever.
#[cfg(unix)]
#[test]
fn client_without_a_server_ends_with_ctrl_c() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let example = Example::start("embed_client", &[&format!("ws://{closed}/")]);
    for _ in 0..2 {
        assert!(example.next_line().contains("nothing listens"));
    }
    example.signal("INT");
    assert!(example.finish("").iter().all(|line| line.contains("nothing listens")));
}

#[test]
fn game_sends_the_positions_of_all_players() {
    let (_example, addr) = Example::serve("embed_game");
    let players: Vec<_> = (0..20).map(|_| open(&format!("ws://{addr}/"))).collect();
    for player in &players {
        player.send("right");
        player.send("right");
        player.send("left");
    }
    let all_moved = format!("{:?}", [1; 20]);
    players.iter().for_each(|player| wait_for(player, &all_moved));
}

#[cfg(feature = "chat")]
#[test]
fn chat_and_rpc_share_a_port() {
    let (_example, addr) = Example::serve("embed_chat_and_rpc");
    let rpc = open(&format!("ws://{addr}/rpc"));
    rpc.send("call");
    assert_eq!(text(&rpc), "call");
    let [ann, bob, other] = ["/chat", "/chat/", "/chat/room/x"].map(|path| open(&format!("ws://{addr}{path}")));
    for (ws, name) in [(&ann, "ann"), (&bob, "bob"), (&other, "eve")] {
        ws.send(format!(r#"{{"type":"username","name":"{name}"}}"#));
    }
    other.send(r#"{"type":"message","text":"in another room"}"#);
    bob.send(r#"{"type":"message","text":"hello"}"#);
    loop {
        let text = text(&ann);
        assert!(!text.contains("in another room"), "{text}");
        if text.contains(r#""text":"hello""#) {
            break;
        }
    }
    // The page, whose addresses are relative.
    let redirect = get(addr, "/chat");
    assert_eq!((redirect.status, redirect.header("location")), (308, Some("./chat/")));
    for (path, status) in
        [("/chat/", 200), ("/chat/room/x", 200), ("/chat/page.js", 200), ("/", 404), ("/chatter", 404)]
    {
        assert_eq!(get(addr, path).status, status, "{path}");
    }
    for path in ["/", "/chat/room/", "/other"] {
        assert!(client::WebSocket::builder(&format!("ws://{addr}{path}")).open().is_err(), "{path}");
    }
}

#[test]
fn restart_keeps_the_port_and_tells_the_clients() {
    let (mut example, addr) = Example::serve("embed_restart");
    let connect = || {
        let ws = open(&format!("ws://{addr}/"));
        ws.send("hello");
        assert_eq!(text(&ws), "hello");
        ws
    };
    let closed =
        |ws: &WebSocket| matches!(ws.recv_timeout(DEADLINE), Err(DisconnectReason::ClosedByPeer { code: 1001, .. }));

    let ws = connect();
    example.write("\n");
    assert!(closed(&ws));
    assert_eq!(example.next_line(), format!("echo at ws://{addr}/"));

    let ws = connect();
    #[cfg(unix)]
    {
        example.signal("INT");
        assert!(closed(&ws));
        assert!(example.finish("").is_empty());
    }
    #[cfg(not(unix))]
    drop(ws);
}
