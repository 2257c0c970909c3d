//! `--listen unix:PATH`: the socket's file, its mode and group, and the addresses of its clients.

#![cfg(unix)]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

use support::binary::command;
use support::raw::get_unix;
use support::script::run_to_end;
use support::temp::Folder;
use support::{Chinwag, DEADLINE, start_binary};

fn start(socket: &str, more: &[&str]) -> Chinwag {
    let place = format!("unix:{socket}");
    let chinwag = start_binary(&[&["--listen", &place][..], more].concat());
    assert_eq!(chinwag.next_line(), format!("chinwag is listening on {place}"));
    chinwag
}

/// What a server says that cannot start.
fn refusal(args: &[&str]) -> String {
    let output = run_to_end(command(args), DEADLINE);
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn socket_has_its_mode_and_group_and_is_removed_at_the_end() {
    let folder = Folder::new("unix-mode");
    let socket = folder.path("s");
    let group = fs::metadata(folder.path(".")).expect("a folder").gid().to_string();
    for (flags, mode) in [
        (&[][..], 0o660),
        (&["--socket-mode", "600"], 0o600),
        (&["--socket-mode", "0666", "--socket-group", &group], 0o666),
    ] {
        let chinwag = start(&socket, flags);
        let found = fs::metadata(&socket).expect("a socket");
        assert!(found.file_type().is_socket());
        assert_eq!((found.mode() & 0o777, found.gid().to_string()), (mode, group.clone()), "{flags:?}");
        assert_eq!(get_unix(&socket, "/", "").status, 200);
        chinwag.signal("TERM");
        assert!(chinwag.wait_for_exit(DEADLINE).0.success());
        assert!(!fs::exists(&socket).expect("a folder"), "{flags:?}");
    }
    for (flag, value) in
        [("--socket-mode", "rw"), ("--socket-mode", "1777"), ("--socket-mode", "0o660"), ("--socket-group", "no such")]
    {
        let error = refusal(&["--listen", &format!("unix:{socket}"), flag, value]);
        assert!(error.contains(flag) && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn socket_of_a_server_that_was_killed_is_replaced() {
    let folder = Folder::new("unix-stale");
    let socket = folder.path("s");
    drop(UnixListener::bind(&socket).expect("a socket that nobody listens on any more"));
    let killed = start(&socket, &[]);
    killed.signal("KILL");
    drop(killed);
    assert!(fs::exists(&socket).expect("a folder"));
    let _chinwag = start(&socket, &[]);
    assert_eq!(get_unix(&socket, "/healthz", "").status, 200);
}

#[test]
fn nothing_else_is_replaced() {
    let folder = Folder::new("unix-others");
    let path = |name| format!("unix:{}", folder.path(name));
    fs::write(folder.path("file"), "important").expect("written");
    fs::create_dir(folder.path("folder")).expect("created");
    std::os::unix::fs::symlink(folder.path("file"), folder.path("link")).expect("created");
    let _datagrams = UnixDatagram::bind(folder.path("datagrams")).expect("a socket");
    let _busy = UnixListener::bind(folder.path("busy")).expect("a socket");
    let chinwag = start(&folder.path("chinwag"), &[]);
    for name in ["file", "folder", "link", "datagrams", "busy", "chinwag", "no/folder", ""] {
        for flag in ["--listen", "--admin"] {
            let args = ["--listen", "127.0.0.1:0", flag, &path(name)];
            let error = refusal(if name.is_empty() && flag == "--listen" { &["--listen", "unix:"] } else { &args });
            assert!(error.contains("unix:") && error.lines().count() == 1, "{name}: {error}");
            assert_eq!(error.contains("its folder must exist"), name == "no/folder", "{name}: {error}");
        }
    }
    let long = refusal(&["--listen", &path(&"x".repeat(108))]);
    assert!(long.contains("the limit is 107 bytes") && long.lines().count() == 1, "{long}");
    let hint = refusal(&["--listen", "/tmp/chinwag.sock"]);
    assert!(hint.contains("unix:PATH") && hint.lines().count() == 1, "{hint}");
    assert_eq!(fs::read_to_string(folder.path("file")).expect("it is there"), "important");
    assert_eq!(get_unix(&folder.path("chinwag"), "/healthz", "").status, 200);
    // A socket that another server has put in its place is not removed at the end.
    fs::remove_file(folder.path("chinwag")).expect("it is there");
    let _next = start(&folder.path("chinwag"), &[]);
    chinwag.signal("TERM");
    chinwag.wait_for_exit(DEADLINE);
    assert_eq!(get_unix(&folder.path("chinwag"), "/healthz", "").status, 200);
}

/// The limits are those of the client that the proxy names.
#[test]
fn proxy_on_a_unix_socket_names_the_client() {
    let folder = Folder::new("unix-proxy");
    let socket = folder.path("s");
    let _chinwag = start(&socket, &["--limit", "per-address=2"]);
    let mut open = Vec::new();
    for (field, status) in [
        ("X-Forwarded-For: 192.0.2.1", "101"),
        ("X-Forwarded-For: 192.0.2.1", "101"),
        ("X-Forwarded-For: 192.0.2.1", "503"),
        ("X-Forwarded-For: 192.0.2.2", "101"),
        ("A: without an address", "101"),
        ("A: without an address", "101"),
        ("A: loopback has no limit", "101"),
    ] {
        let mut stream = UnixStream::connect(&socket).expect("a server");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
        let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{upgrade}\r\n{field}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut start = [0; 12];
        stream.read_exact(&mut start).expect("an answer");
        assert_eq!(String::from_utf8_lossy(&start), format!("HTTP/1.1 {status}"), "{field}");
        open.push(stream);
    }
    for target in ["/healthz", "/metrics"] {
        assert_eq!(get_unix(&socket, target, "X-Forwarded-For: 192.0.2.9\r\n").status, 404);
    }
}

#[test]
fn addresses_of_admin_are_checked() {
    for (flag, value) in [("--admin", "nowhere"), ("--admin", "127.0.0.1")] {
        let error = refusal(&["--listen", "127.0.0.1:0", flag, value]);
        assert!(error.contains("--admin") && error.lines().count() == 1, "{error}");
    }
}
