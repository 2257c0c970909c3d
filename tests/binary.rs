//! The program as users and supervisors see it: flags, messages, exit codes, signals.

mod support;

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use support::binary::{command, start};
use support::{Client, DEADLINE, run, skip, start_binary, wait_until};

/// A loopback address that other tests do not use, so that the ports that a test names are free.
const OWN_LOOPBACK: &str = "127.0.0.42";

#[test]
fn help_fits_a_screen() {
    let output = run(command(&["--help"]), DEADLINE);
    let help = String::from_utf8(output.stdout).expect("help is text");
    for (number, line) in help.lines().enumerate() {
        assert!(line.chars().count() <= 80, "line {} is over 80 wide: {line}", number + 1);
    }
    assert!(help.lines().count() <= 24, "{} lines are more than a screen", help.lines().count());
    for part in ["--listen", "127.0.0.1:6502", "CHINWAG_", "--version"] {
        assert!(help.contains(part), "no {part} in\n{help}");
    }
}

#[test]
fn version_is_that_of_the_crate() {
    let output = run(command(&["--version"]), DEADLINE);
    let version = String::from_utf8(output.stdout).expect("a version is text");
    assert_eq!(version, format!("chinwag {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_arguments_are_one_line_and_status_2() {
    let cases: &[(&[&str], &str)] = &[
        (&["--no-such-flag"], "--no-such-flag"),
        (&["--listen"], "--listen"),
        (&["--listen", "nonsense"], "nonsense"),
        (&["--listen", "127.0.0.1:99999"], "99999"),
        (&["--listen", ""], "--listen \"\": "),
        (&["--limit", "message=0"], "--limit message=0: give at least 256"),
        (&["--no-limits", "--limit", "close-seconds=61"], "--limit close-seconds=61: give at most 60"),
        (&["--host", ""], "--host: \"\" is not a host name"),
        (&["an-argument"], "an-argument"),
    ];
    for (args, part) in cases {
        let line = refused(command(args));
        assert!(line.contains(part), "{args:?}: no {part:?} in {line:?}");
    }
}

#[test]
fn wrong_environment_variable_is_refused() {
    let mut command = command(&[]);
    command.env("CHINWAG_LISTEN", "nonsense");
    let line = refused(command);
    assert!(line.contains("--listen") && line.contains("nonsense"), "{line:?}");
}

#[test]
fn port_in_use_is_one_line_and_status_2() {
    let taken = TcpListener::bind((OWN_LOOPBACK, 0)).expect("a free port");
    let addr = taken.local_addr().expect("a bound socket has an address").to_string();
    let line = refused(command(&["--listen", &addr]));
    assert!(line.contains(&addr) && line.contains("taken"), "{line:?}");
}

#[test]
fn privileged_port_is_one_line_and_status_2() {
    let first_free = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    if first_free.is_ok_and(|port| port.trim() == "0") {
        return; // this machine has no privileged ports
    }
    // Takes the right from root, too. setpriv is part of util-linux.
    let plain = command(&["--listen", "127.0.0.42:80"]);
    let mut limited = Command::new("setpriv");
    limited.args(["--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service", "--"]);
    limited.arg(plain.get_program()).args(plain.get_args());
    let Ok(output) = limited.stdin(Stdio::null()).output() else {
        return skip("no setpriv");
    };
    let line = one_line(&output);
    assert!(line.contains(":80") && line.contains("1024"), "{line:?}");
}

/// Browsers refuse to connect to these ports ("port blocking" in the Fetch standard), so the server does not listen there.
#[test]
fn port_that_browsers_block_is_refused_and_the_named_flag_overrides() {
    for port in [6000, 6566, 6667, 10080] {
        let addr = format!("{OWN_LOOPBACK}:{port}");
        let line = refused(command(&["--listen", &addr]));
        assert!(line.contains(&port.to_string()) && line.contains("browser"), "{line:?}");

        let chinwag = start(command(&["--listen", &addr, &flag_in(&line)]));
        assert_eq!(chinwag.addr().to_string(), addr);
    }
}

#[test]
fn first_line_is_the_address_to_open() {
    let chinwag = start_binary(&[]);
    let expected = format!("chinwag is listening; open http://{}/", chinwag.addr());
    assert_eq!(chinwag.greeting(), expected);
    let answer = support::raw::get(chinwag.addr(), "/");
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn flags_override_environment_variables() {
    let mut by_environment = command(&[]);
    by_environment.env("CHINWAG_LISTEN", format!("{OWN_LOOPBACK}:0"));
    assert_eq!(start(by_environment).addr().ip().to_string(), OWN_LOOPBACK);

    let mut by_flag = command(&["--listen", "127.0.0.1:0"]);
    by_flag.env("CHINWAG_LISTEN", format!("{OWN_LOOPBACK}:0"));
    assert_eq!(start(by_flag).addr().ip().to_string(), "127.0.0.1");
}

#[test]
fn several_addresses_are_one_chat() {
    let chinwag = start_binary(&["--listen", &format!("{OWN_LOOPBACK}:0")]);
    let second = chinwag.next_address();
    assert_eq!(second.ip().to_string(), OWN_LOOPBACK);

    let mut ann = Client::connect(chinwag.addr(), &["json"]);
    ann.sign_in("ann");
    let mut bob = Client::connect(second, &["json"]);
    bob.sign_in("bob");
    bob.say_json(&serde_json::json!({"type": "message", "text": "from there"}));
    let message = ann.wait_for("message");
    assert_eq!((&message["name"], &message["text"]), (&"bob".into(), &"from there".into()));
}

#[cfg(unix)]
#[test]
fn quiet_logs_nothing_and_verbose_logs_more() {
    let quiet = start_binary(&["-q"]);
    drop(Client::connect(quiet.addr(), &["json"]));
    quiet.signal("TERM");
    let (_, log) = quiet.wait_for_exit(DEADLINE);
    assert_eq!(log, Vec::<String>::new());

    // The handshake succeeds even if every subprotocol is unknown (RFC 6455 4.2.2), and `-v` logs that.
    let verbose = start_binary(&["-v"]);
    drop(Client::try_connect(verbose.addr(), &["x-unheard-of"], &[]));
    verbose.wait_for_log("x-unheard-of");
}

#[cfg(unix)]
#[test]
fn signal_closes_every_connection_with_1001_and_exits_with_0() {
    for name in ["TERM", "INT"] {
        let chinwag = start_binary(&[]);
        let mut ann = Client::connect(chinwag.addr(), &["json"]);
        let mut typist = Client::connect(chinwag.addr(), &["text"]);
        ann.expect("id");
        typist.next_text();

        chinwag.signal(name);
        assert_eq!(ann.wait_for_close().0, 1001, "SIG{name}");
        assert_eq!(typist.wait_for_close().0, 1001, "SIG{name}");
        ann.wait_for_end();
        typist.wait_for_end();
        // Every client has answered, so the server does not wait for 5 s.
        let (status, log) = chinwag.wait_for_exit(Duration::from_secs(3));
        assert_eq!(status.code(), Some(0), "SIG{name}: {log:#?}");
    }
}

#[cfg(unix)]
#[test]
fn client_without_an_answer_delays_the_exit_by_at_most_5_seconds() {
    let chinwag = start_binary(&[]);
    let _silent = client_that_received_its_close(&chinwag);
    let (status, log) = chinwag.wait_for_exit(Duration::from_secs(8));
    assert_eq!(status.code(), Some(0), "{log:#?}");
}

#[cfg(unix)]
#[test]
fn shutdown_refuses_new_clients_and_a_second_signal_exits_at_once() {
    let chinwag = start_binary(&[]);
    let addr = chinwag.addr();
    let _silent = client_that_received_its_close(&chinwag);
    wait_until(Duration::from_secs(2), "no more connections", || TcpStream::connect(addr).is_err());
    chinwag.signal("TERM");
    chinwag.wait_for_exit(Duration::from_secs(2));
}

/// Sends SIGTERM while a client is connected that receives its Close frame and never answers.
fn client_that_received_its_close(chinwag: &support::Chinwag) -> Client {
    let mut client = Client::connect(chinwag.addr(), &["json"]);
    client.expect("id");
    chinwag.signal("TERM");

    // Reads the socket itself, because tungstenite would answer: FIN and opcode 8 (RFC 6455 5.5.1), and the code 1001.
    let mut stream = client.stream();
    stream.set_read_timeout(Some(DEADLINE)).expect("not zero");
    let mut frames = Vec::new();
    while !frames.windows(4).any(|w| w[0] == 0x88 && w[2..] == 1001_u16.to_be_bytes()) {
        let mut bytes = [0; 256];
        let count = match stream.read(&mut bytes) {
            Err(why) if why.kind() == std::io::ErrorKind::Interrupted => continue,
            read => read.expect("a Close frame comes before the deadline"),
        };
        assert!(count > 0, "the connection ended without a Close frame: {frames:?}");
        frames.extend_from_slice(&bytes[..count]);
    }
    client
}

/// Runs a command that must end with status 2 and one line on stderr. Returns the line.
#[track_caller]
fn refused(command: Command) -> String {
    one_line(&support::script::run_to_end(command, DEADLINE))
}

#[track_caller]
fn one_line(output: &Output) -> String {
    let printed = support::script::printed(output);
    assert_eq!(output.status.code(), Some(2), "{printed}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "nothing belongs on stdout");
    assert_eq!(printed.lines().count(), 1, "one line, not: {printed}");
    printed
}

/// The first flag in a line, except `--listen`.
#[track_caller]
fn flag_in(line: &str) -> String {
    let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let mut flags = words.filter(|word| word.starts_with("--") && *word != "--listen");
    flags.next().unwrap_or_else(|| panic!("no flag in {line:?}")).to_owned()
}
