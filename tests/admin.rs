//! What operators ask: `/healthz`, `/readyz` and `/metrics`, on a listener of their own and from this machine.

#![cfg(unix)]

mod support;

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use support::binary::Chinwag;
use support::raw::{get, get_unix};
use support::temp::Folder;
use support::{Answer, Client, DEADLINE, http, start_binary, wait_until};

/// A server with an admin socket.
fn start(folder: &Folder) -> (Chinwag, String) {
    let socket = folder.path("admin");
    (start_binary(&["--admin", &format!("unix:{socket}")]), socket)
}

fn metrics(socket: &str) -> String {
    get_unix(socket, "/metrics", "").text()
}

#[test]
fn admin_socket_answers_its_user_only_and_is_removed_at_the_end() {
    let folder = Folder::new("admin-socket");
    let (chinwag, socket) = start(&folder);
    let found = fs::metadata(&socket).expect("a socket");
    assert!(found.file_type().is_socket());
    assert_eq!(found.mode() & 0o777, 0o600);
    for (target, status, body) in
        [("/healthz", 200, "ok\n"), ("/readyz", 200, "ready\n"), ("/", 404, "Nothing is at this path.\n")]
    {
        let answer = get_unix(&socket, target, "");
        assert_eq!((answer.status, answer.text().as_str()), (status, body), "{target}");
    }
    for field in ["Origin: http://localhost\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
        assert_eq!(get_unix(&socket, "/healthz", field).status, 403, "{field}");
    }
    assert_eq!(get_unix(&socket, "/healthz", "Sec-Fetch-Site: none\r\n").status, 200, "typed into a browser");
    chinwag.signal("TERM");
    assert!(chinwag.wait_for_exit(DEADLINE).0.success());
    assert!(!fs::exists(&socket).expect("a folder"), "the socket is removed");
}

#[test]
fn only_programs_on_this_machine_find_the_paths_on_the_port_of_the_chat() {
    let chinwag = start_binary(&["--host", "chat.example", "--trusted-proxy", "127.0.0.1"]);
    for target in ["/healthz", "/readyz", "/metrics"] {
        for (host, field, status) in [
            ("localhost", "", 200),
            ("127.0.0.1:1", "", 200),
            ("chat.example", "", 404),
            ("localhost", "X-Forwarded-For: 192.0.2.1\r\n", 404),
            ("localhost", "X-Forwarded-For: 127.0.0.1\r\n", 404),
            ("localhost", "Forwarded: for=127.0.0.1\r\n", 404),
            ("localhost", "X-Real-IP: 127.0.0.1\r\n", 404),
        ] {
            let answer = http(chinwag.addr(), &format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{field}\r\n"));
            assert_eq!(answer.status, status, "{target} {host} {field}");
        }
        let answer: Answer = http(chinwag.addr(), &format!("POST {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, OPTIONS")), "{target}");
    }
}

#[test]
fn metrics_count_messages_deliveries_and_refusals() {
    let folder = Folder::new("admin-metrics");
    let (chinwag, socket) = start(&folder);
    let (mut ann, mut ben) = (Client::connect(chinwag.addr(), &["json"]), Client::connect(chinwag.addr(), &["json"]));
    ann.sign_in("ann");
    ben.sign_in("ben");
    ann.say(r#"{"type":"message","text":"hi"}"#);
    ben.wait_for("message");
    ann.say("{}");
    for (body, status) in [(&b"\xff"[..], 415), (b" ", 400), (b" ", 400)] {
        assert_eq!(support::stream::post(chinwag.addr(), "/", &[], body).status, status);
    }
    let expected = [
        "# TYPE chinwag_connections gauge",
        "# TYPE chinwag_messages_total counter",
        "# TYPE chinwag_flush_seconds histogram",
        "chinwag_connections 2",
        "chinwag_users 2",
        "chinwag_rooms 1",
        "chinwag_messages_total 1",
        "chinwag_deliveries_total 2",
        "chinwag_refused_messages_total{reason=\"not-text\"} 1",
        "chinwag_refused_messages_total{reason=\"missing-field\"} 3",
        "chinwag_flush_seconds_bucket{le=\"+Inf\"} ",
    ];
    wait_until(DEADLINE, "the numbers", || {
        let text = metrics(&socket);
        expected.iter().all(|line| text.lines().any(|found| found.starts_with(line)))
    });
    let answer = get_unix(&socket, "/metrics", "");
    assert!(answer.text().lines().all(|line| line.starts_with("chinwag_") || line.starts_with("# TYPE chinwag_")));
    assert!(!get(chinwag.addr(), "/metrics").text().contains("history_queue"), "without a history");
}

/// Only a debug build can let the chat thread hang.
#[cfg(debug_assertions)]
#[test]
fn chat_thread_that_hangs_is_not_ready_and_still_healthy() {
    let folder = Folder::new("admin-hang");
    let (_chinwag, socket) = start(&folder);
    assert_eq!(get_unix(&socket, "/debug/hang", "").status, 503);
    let answer = get_unix(&socket, "/readyz", "");
    assert_eq!((answer.status, answer.text().contains("chat thread")), (503, true), "{}", answer.text());
    assert_eq!(get_unix(&socket, "/healthz", "").status, 200);
    wait_until(DEADLINE, "the chat thread continues", || get_unix(&socket, "/readyz", "").status == 200);
}
