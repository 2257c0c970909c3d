//! The server under systemd: notifications, the watchdog, sockets that are passed, priorities of log lines. And `chinwag health`.

#![cfg(unix)]

mod support;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{self, UnixDatagram, UnixListener};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use support::binary::{command, start, start_with_stderr};
use support::raw::{get, get_unix};
use support::script::run_to_end;
use support::temp::Folder;
use support::{Chinwag, DEADLINE, wait_until};

/// A service manager that receives notifications.
struct Manager(UnixDatagram);

impl Manager {
    fn new(address: &net::SocketAddr) -> Self {
        let socket = UnixDatagram::bind_addr(address).expect("a free name");
        socket.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        Self(socket)
    }

    /// The next notification that is not from the watchdog.
    #[track_caller]
    fn next(&self) -> String {
        loop {
            let text = self.next_of_any_kind();
            if text != "WATCHDOG=1" {
                return text;
            }
        }
    }

    #[track_caller]
    fn next_of_any_kind(&self) -> String {
        let mut buffer = [0; 4096];
        let length = self.0.recv(&mut buffer).expect("a notification");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }
}

/// A server with these variables, of which `$$` is its own process id.
fn start_with(variables: &[(&str, &str)], stdin: Option<OwnedFd>, args: &[&str]) -> Chinwag {
    let server = command(args);
    // The shell knows the process id, which `exec` keeps, and makes stdin the first passed descriptor.
    let mut script: String = variables.iter().map(|(name, value)| format!("{name}={value} ")).collect();
    script = if stdin.is_some() { format!("exec 3<&0 </dev/null; {script}") } else { script };
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{script}exec \"$0\" \"$@\"")]).arg(server.get_program()).args(server.get_args());
    for (name, value) in server.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.stdin(stdin.map_or_else(Stdio::null, Stdio::from));
    start(shell)
}

const LISTEN: [&str; 2] = ["--listen", "127.0.0.1:0"];

#[test]
fn manager_is_notified_of_start_and_end() {
    let folder = Folder::new("notify");
    let path = folder.path("notify");
    let manager = Manager::new(&net::SocketAddr::from_pathname(&path).expect("an address"));
    let chinwag = start_with(&[("NOTIFY_SOCKET", &path)], None, &LISTEN);
    let ready = manager.next();
    assert!(ready.starts_with("READY=1\nSTATUS=") && ready.contains(&chinwag.addr().to_string()), "{ready}");
    assert_eq!(get(chinwag.addr(), "/readyz").status, 200);
    chinwag.signal("TERM");
    let stopping = manager.next();
    assert!(stopping.starts_with("STOPPING=1\nSTATUS="), "{stopping}");
    assert!(chinwag.wait_for_exit(DEADLINE).0.success());
}

#[test]
fn watchdog_is_answered_by_this_process_only() {
    let folder = Folder::new("watchdog");
    let path = folder.path("notify");
    for (pid, is_answered) in [("$$", true), ("1", false)] {
        let _ = fs::remove_file(&path);
        let manager = Manager::new(&net::SocketAddr::from_pathname(&path).expect("an address"));
        let variables = [("NOTIFY_SOCKET", path.as_str()), ("WATCHDOG_USEC", "200000"), ("WATCHDOG_PID", pid)];
        let chinwag = start_with(&variables, None, &LISTEN);
        while !manager.next_of_any_kind().starts_with("READY=1") {}
        for _ in 0..if is_answered { 5 } else { 0 } {
            assert_eq!(manager.next_of_any_kind(), "WATCHDOG=1");
        }
        assert_eq!(get(chinwag.addr(), "/readyz").status, 200);
        chinwag.signal("TERM");
        let mut seen = manager.next_of_any_kind();
        while is_answered && seen == "WATCHDOG=1" {
            seen = manager.next_of_any_kind();
        }
        assert!(seen.starts_with("STOPPING=1"), "{pid}: {seen}");
        chinwag.wait_for_exit(DEADLINE);
    }
}

/// Only a debug build can let the chat thread hang.
#[cfg(debug_assertions)]
#[test]
fn chat_thread_that_hangs_does_not_answer_the_watchdog() {
    let folder = Folder::new("watchdog-hang");
    let (path, admin) = (folder.path("notify"), folder.path("admin"));
    let manager = Manager::new(&net::SocketAddr::from_pathname(&path).expect("an address"));
    let variables = [("NOTIFY_SOCKET", path.as_str()), ("WATCHDOG_USEC", "100000")];
    let _chinwag = start_with(&variables, None, &[&LISTEN[..], &["--admin", &format!("unix:{admin}")]].concat());
    while manager.next_of_any_kind() != "WATCHDOG=1" {}
    assert_eq!(get_unix(&admin, "/debug/hang", "").status, 503);
    // It hangs: what was sent before is read, and then nothing comes for a while.
    manager.0.set_nonblocking(true).expect("a socket");
    while manager.0.recv(&mut [0; 64]).is_ok() {}
    assert_eq!(get_unix(&admin, "/readyz", "").status, 503);
    assert!(manager.0.recv(&mut [0; 64]).is_err(), "the chat thread hangs, and still the watchdog is answered");
    manager.0.set_nonblocking(false).expect("a socket");
    while manager.next_of_any_kind() != "WATCHDOG=1" {}
}

fn passed(socket: OwnedFd) -> Chinwag {
    start_with(&[("LISTEN_FDS", "1"), ("LISTEN_PID", "$$")], Some(socket), &[])
}

#[test]
fn restart_with_a_passed_socket_refuses_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let copy = || OwnedFd::from(listener.try_clone().expect("a descriptor"));
    let mut chinwag = passed(copy());
    assert_eq!(chinwag.addr(), addr);
    let is_over = Arc::new(AtomicBool::new(false));
    let clients = thread::spawn({
        let is_over = Arc::clone(&is_over);
        move || {
            let mut served = 0;
            while !is_over.load(Ordering::SeqCst) {
                served += usize::from(is_served(addr));
            }
            served
        }
    });
    for _ in 0..3 {
        chinwag.signal("TERM");
        assert!(chinwag.wait_for_exit(DEADLINE).0.success());
        chinwag = passed(copy());
        wait_until(DEADLINE, "the next server", || is_served(addr));
    }
    is_over.store(true, Ordering::SeqCst);
    assert!(clients.join().expect("no connection is refused") > 0);
}

/// Whether the page was served. A request that the old server was reading at its end may be cut.
#[track_caller]
fn is_served(addr: SocketAddr) -> bool {
    let mut stream = TcpStream::connect(addr).expect("somebody listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    let mut answer = String::new();
    let sent = stream.write_all(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let _ = sent.and_then(|()| stream.read_to_string(&mut answer));
    answer.starts_with("HTTP/1.1 200")
}

#[test]
fn unix_socket_can_be_passed_and_stays() {
    let folder = Folder::new("passed-unix");
    let path = folder.path("s");
    let listener = UnixListener::bind(&path).expect("a socket");
    for _ in 0..2 {
        let socket = listener.try_clone().expect("a descriptor").into();
        let chinwag = start_with(&[("LISTEN_FDS", "1"), ("LISTEN_PID", "$$")], Some(socket), &LISTEN);
        assert!(chinwag.next_line().contains("a socket that was passed"));
        for answer in [get(chinwag.addr(), "/readyz"), get_unix(&path, "/readyz", "")] {
            assert_eq!(answer.status, 200);
        }
        chinwag.signal("TERM");
        assert!(chinwag.wait_for_exit(DEADLINE).0.success());
        assert!(fs::exists(&path).expect("a folder"), "the file belongs to systemd");
    }
}

#[test]
fn sockets_for_another_process_are_not_used() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let socket = Some(OwnedFd::from(listener.try_clone().expect("a descriptor")));
    let chinwag = start_with(&[("LISTEN_FDS", "1"), ("LISTEN_PID", "1")], socket, &LISTEN);
    assert_ne!(Some(chinwag.addr()), listener.local_addr().ok());
}

#[test]
fn descriptors_that_are_no_listeners_are_refused() {
    for (count, stdin) in [("1", "/dev/null"), ("2", "/dev/null"), ("100000", "/dev/null"), ("x", "/dev/null")] {
        let server = command(&[]);
        let script = format!("exec 3<{stdin}; LISTEN_FDS={count} LISTEN_PID=$$ exec \"$0\"");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).arg(server.get_program());
        let output = run_to_end(shell, DEADLINE);
        let error = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("LISTEN_FDS") && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn log_lines_have_a_priority_in_the_journal_only() {
    let folder = Folder::new("journal");
    for is_journal in [true, false] {
        let path = folder.path(if is_journal { "journal" } else { "file" });
        let log = File::create(&path).expect("a file");
        let found = log.metadata().expect("a file");
        let inode = if is_journal { found.ino() } else { found.ino() + 1 };
        let mut command = command(&[&LISTEN[..], &["--no-limits"]].concat());
        command.env("JOURNAL_STREAM", format!("{}:{inode}", found.dev()));
        let chinwag = start_with_stderr(command, Stdio::from(log));
        chinwag.signal("TERM");
        chinwag.wait_for_exit(DEADLINE);
        let text = fs::read_to_string(&path).expect("a log");
        for (part, priority) in [("WARN ", "<4>"), ("INFO ", "<6>")] {
            let line = text.lines().find(|line| line.contains(part)).expect("a line");
            assert_eq!(line.starts_with(priority), is_journal, "{line}");
            assert!(is_journal || line.starts_with("20"), "{line}");
        }
    }
}

#[test]
fn health_is_a_line_and_an_exit_code() {
    let folder = Folder::new("health");
    let admin = format!("unix:{}", folder.path("admin"));
    let chinwag = start(command(&[&LISTEN[..], &["--admin", &admin]].concat()));
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
    let base = format!("http://{}", chinwag.addr());
    for (url, code, part) in [
        (base.as_str(), 0, "200 ready"),
        (&format!("{base}/"), 0, "200 ready"),
        (&format!("{base}/healthz"), 0, "200 ok"),
        (&format!("{base}/nothing"), 1, "404 Nothing is at this path."),
        (&admin, 0, "200 ready"),
        (&format!("http://{closed}"), 1, "refused (os error 111); start it, or name its URL"),
        (&format!("unix:{}", folder.path("nothing")), 1, "start it with --admin unix:"),
        ("ftp://localhost/", 2, "write http://HOST:PORT"),
        ("unix:", 2, "or unix:PATH"),
        ("http://", 2, "write http://HOST:PORT"),
    ] {
        let output = run_to_end(command(&["health", url]), DEADLINE);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
        assert_eq!(output.status.code(), Some(code), "{url}: {text}");
        assert!(text.contains(part) && text.lines().count() == 1, "{url}: {text}");
    }
}

/// A server that sends a byte now and then is not an answer.
#[test]
fn health_waits_for_a_limited_time() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", server.local_addr().expect("an address"));
    thread::spawn(move || {
        let (mut stream, _) = server.accept().expect("a client");
        stream.set_read_timeout(Some(std::time::Duration::from_millis(100))).expect("a timeout");
        // The client sends no more, so each read waits until its timeout.
        while stream.write_all(b"x").is_ok() {
            let _ = stream.read(&mut [0; 1024]);
        }
    });
    let output = run_to_end(command(&["health", &url]), DEADLINE);
    let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text, format!("{url}: no answer within 5 seconds; the server hangs or is stopped\n"));
}

/// Nothing answers there, or another user's server does.
#[test]
fn admin_socket_that_cannot_be_used_is_explained() {
    let folder = Folder::new("health-socket");
    let path = folder.path("s");
    // It accepts no connection.
    let _listener = UnixListener::bind(&path).expect("a socket");
    let place = format!("unix:{path}");
    let check = |part: &str| {
        for (args, code) in [(&["health", &place][..], 1), (&["ctl", "who", "--admin", &place], 2)] {
            let output = run_to_end(command(args), DEADLINE);
            let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
            assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
            assert!(text.contains(&format!("{place}: {part}")) && text.lines().count() == 1, "{args:?}: {text}");
        }
    };
    check("no answer within 5 seconds; the server hangs or is stopped");
    fs::set_permissions(&path, PermissionsExt::from_mode(0o000)).expect("our own file");
    // Root may do everything.
    if net::UnixStream::connect(&path).is_err() {
        check("permission denied; root and the socket's user and group may connect");
    }
}
