//! Operators in the program: tokens, bans before the handshake, the file of bans, restarts.
#![cfg(feature = "cli")]
#![cfg(unix)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::process::Command;

use serde_json::{Value, json};
use support::binary::command as chinwag_command;
use support::raw::http_unix;
use support::script::{printed, run_to_end};
use support::temp::Folder;
use support::{Chinwag, Client, DEADLINE, http, start_binary};
use tungstenite::Error;

const ADMIN: &str = "the-admin-token-0123456789";
const ACCESS: &str = "the-access-token-0123456789";

/// Files for one server.
struct Files {
    folder: Folder,
    bans: String,
    token: String,
}

impl Files {
    fn new(name: &str) -> Files {
        let folder = Folder::new(name);
        let (bans, token) = (folder.path("bans.txt"), folder.path("admin.token"));
        fs::write(&token, ADMIN).expect("written");
        Files { folder, bans, token }
    }

    fn start(&self, more: &[&str]) -> Chinwag {
        let own = ["--bans", &self.bans, "--admin-token-file", &self.token, "--trusted-proxy", "127.0.0.1"];
        start_binary(&[&own, more].concat())
    }

    fn bans(&self) -> String {
        fs::read_to_string(&self.bans).expect("readable")
    }
}

/// A client behind the trusted proxy, which has this address.
fn from(chinwag: &Chinwag, address: &str) -> Result<Client, Error> {
    Client::try_enter(chinwag.addr(), "/", &["chinwag.v1"], &[("X-Forwarded-For", address)])
}

fn user(chinwag: &Chinwag, name: &str, address: &str) -> Client {
    let mut client = from(chinwag, address).expect("no ban");
    client.sign_in(name);
    client
}

fn operator(chinwag: &Chinwag) -> Client {
    let mut client = Client::enter(chinwag.addr(), &format!("/?token={ADMIN}"));
    client.sign_in("op");
    client
}

/// The answer to a command: the text of the notice, or the error.
fn command(operator: &mut Client, line: &str) -> String {
    operator.say_json(&json!({"type": "admin", "command": line}));
    let is_answer = |object: &Value| object["type"] == "notice" || object["type"] == "error";
    let answer = operator.wait_until("an answer", is_answer);
    answer["text"].as_str().or(answer["about"].as_str()).unwrap_or_default().to_owned()
}

fn say(client: &mut Client, text: &str) -> Value {
    client.say_json(&json!({"type": "message", "text": text}));
    client.wait_until("an answer", |object| object["text"] == text || object["type"] == "error")
}

fn status(result: Result<Client, Error>) -> (u16, String) {
    match result {
        Err(Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            (response.status().as_u16(), String::from_utf8_lossy(&body).into_owned())
        }
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn restrictions_hold_at_once_and_after_a_restart() {
    let files = Files::new("restrictions");
    let chinwag = files.start(&[]);
    let (mut op, mut ann) = (operator(&chinwag), user(&chinwag, "ann", "192.0.2.1"));
    let (mut bob, mut eve) = (user(&chinwag, "bob", "203.0.113.7"), user(&chinwag, "eve", "192.0.2.2"));
    assert_eq!(command(&mut op, "kick ann"), "Connections closed: 1.");
    assert_eq!(ann.wait_for_close(), (1008, "kicked by an operator".to_owned()));
    ann = user(&chinwag, "ann", "192.0.2.1");
    assert_eq!(command(&mut op, "ban 203.0.113.0/24 7d").split(" until").next(), Some("In force: ban 203.0.113.0/24"));
    assert_eq!(bob.wait_for_close(), (1008, "banned by an operator".to_owned()));
    assert!(command(&mut op, "ban Eve").contains("In force: ban Eve"));
    assert_eq!(eve.wait_for_close().0, 1008);
    command(&mut op, "mute ann");
    assert_eq!(say(&mut ann, "hi")["reason"], "muted");

    let check = |chinwag: &Chinwag| {
        let (code, sentence) = status(from(chinwag, "203.0.113.200"));
        assert_eq!((code, sentence.as_str()), (403, "An operator of this server has banned your address.\n"));
        let page = http(chinwag.addr(), "GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.1\r\n\r\n");
        assert_eq!(page.status, 403, "pages as well");
        let mut eve = from(chinwag, "192.0.2.9").expect("another address");
        eve.say_json(&json!({"type": "username", "name": "EVE"}));
        assert_eq!(eve.wait_for_close(), (1008, "banned by an operator".to_owned()));
        user(chinwag, "zoe", "203.0.114.1");
    };
    check(&chinwag);
    chinwag.signal("KILL");
    drop(chinwag);

    let chinwag = files.start(&[]);
    check(&chinwag);
    let mut ann = user(&chinwag, "ann", "192.0.2.1");
    assert_eq!(say(&mut ann, "hi")["reason"], "muted");
    let mut op = operator(&chinwag);
    assert!(command(&mut op, "unmute ann").contains("has ended"));
    assert_eq!(say(&mut ann, "hi")["type"], "message");
    assert!(command(&mut op, "unban 203.0.113.0/24").contains("has ended"));
    user(&chinwag, "bob", "203.0.113.7");
    assert_eq!(files.bans(), "ban Eve\n");
}

#[test]
fn only_the_admin_token_makes_an_operator() {
    let files = Files::new("admin-token");
    let access = files.folder.path("token");
    fs::write(&access, ACCESS).expect("written");
    let chinwag = files.start(&["--token-file", &access, "--limit", "wrong-token-seconds=0"]);
    for (token, is_operator) in [(ACCESS, false), (ADMIN, true)] {
        let field = format!("Bearer {token}");
        let mut client = Client::try_enter(chinwag.addr(), "/", &["chinwag.v1"], &[("Authorization", &field)])
            .expect("both tokens are accepted");
        client.sign_in("ann");
        assert_eq!(command(&mut client, "bans") == "There are no restrictions.", is_operator, "{token}");
        // The text protocol has commands as lines.
        let field = [("Authorization", field.as_str())];
        let mut text = Client::try_enter(chinwag.addr(), "/", &["text"], &field).expect("accepted");
        text.say("/bans");
        loop {
            let line = text.next_text();
            if line.starts_with("* notice: ") || line.starts_with("* refused: ") {
                assert_eq!(line == "* notice: There are no restrictions.", is_operator, "{line}");
                break;
            }
        }
    }
    assert_eq!(status(Client::try_enter(chinwag.addr(), "/?token=wrong", &[], &[])).0, 401);
    // The token is not shown in logs or transcripts.
    let mut op = Client::enter(chinwag.addr(), &format!("/?token={ADMIN}"));
    op.say_json(&json!({"type": "inspect"}));
    assert!(!op.wait_for("handshake").to_string().contains(ADMIN));
    // SIGHUP reads it again.
    fs::write(&files.token, "another-admin-token-0123456").expect("written");
    chinwag.signal("HUP");
    chinwag.wait_for_log("SIGHUP: read again: --token-file, --admin-token-file, --bans");
    assert_eq!(status(Client::try_enter(chinwag.addr(), &format!("/?token={ADMIN}"), &[], &[])).0, 401);
}

#[test]
fn without_an_access_token_a_wrong_one_is_no_operator() {
    let files = Files::new("admin-alone");
    let chinwag = files.start(&[]);
    for target in ["/", "/?token=wrong", "/?token="] {
        let mut client = Client::enter(chinwag.addr(), target);
        client.sign_in("ann");
        assert!(command(&mut client, "kick ann").starts_with("Only operators may do this."), "{target}");
    }
    assert_eq!(command(&mut operator(&chinwag), "kick zoe"), "No connection of zoe is open.");
}

/// Without an access token as well: the client is let in, so only this limit slows down its guesses.
#[test]
fn admin_token_cannot_be_guessed_at_full_speed() {
    for access in [false, true] {
        let files = Files::new("admin-guesses");
        let access_file = files.folder.path("access.token");
        fs::write(&access_file, ACCESS).expect("written");
        let more = ["--limit", "wrong-token-seconds=60", "--token-file", &access_file];
        let chinwag = files.start(&more[..if access { 4 } else { 2 }]);
        let offer = |token: &str, address: &str| {
            let fields = [("X-Forwarded-For", address), ("Authorization", &*format!("Bearer {token}"))];
            match Client::try_enter(chinwag.addr(), "/", &["chinwag.v1"], &fields) {
                Ok(_) => 101,
                error => status(error).0,
            }
        };
        let statuses: Vec<u16> = (0..12).map(|guess| offer(&format!("guess-{guess}"), "203.0.113.1")).collect();
        let first = if access { 401 } else { 101 };
        assert_eq!(statuses, [[first; 8].as_slice(), &[429; 4]].concat());
        assert_eq!(offer(ADMIN, "203.0.113.1"), 429, "also the right one");
        assert_eq!(offer(ADMIN, "203.0.113.2"), 101);
        if !access {
            user(&chinwag, "ann", "203.0.113.1");
        }
    }
}

#[test]
fn file_of_bans_is_edited_by_hand() {
    let files = Files::new("bans-by-hand");
    let by_hand = "# the school\nban 203.0.113.0/24\n\nbna 192.0.2.7\nban ann until 2001-01-01T00:00:00Z\nmute bob\n";
    fs::write(&files.bans, by_hand).expect("written");
    let chinwag = files.start(&[]);
    let line = chinwag.wait_for_log("line 4 is ignored");
    assert!(line.contains("WARN") && line.contains("There is no command bna"), "{line}");
    assert_eq!(status(from(&chinwag, "203.0.113.1")).0, 403);
    let (mut op, mut ann) = (operator(&chinwag), user(&chinwag, "ann", "192.0.2.7"));
    assert_eq!(command(&mut op, "bans"), "ban 203.0.113.0/24\nmute bob");

    // What was added meanwhile stays; what has ended goes.
    fs::write(&files.bans, format!("{by_hand}ban 192.0.2.7\n")).expect("written");
    command(&mut op, "unmute bob");
    assert_eq!(files.bans(), "# the school\nban 203.0.113.0/24\n\nbna 192.0.2.7\nban 192.0.2.7\n");
    assert_eq!(say(&mut ann, "still here")["type"], "message");
    chinwag.signal("HUP");
    assert_eq!(ann.wait_for_close(), (1008, "banned by an operator".to_owned()));
    assert_eq!(status(from(&chinwag, "192.0.2.7")).0, 403);
    // A file that cannot be read changes nothing.
    fs::remove_file(&files.bans).and_then(|()| fs::create_dir(&files.bans)).expect("a folder in its place");
    chinwag.signal("HUP");
    chinwag.wait_for_log("bans");
    assert_eq!(status(from(&chinwag, "192.0.2.7")).0, 403);
    let answer = command(&mut op, "ban zoe");
    assert!(answer.starts_with("In force: ban zoe"), "{answer}");
}

#[cfg(feature = "history")]
#[test]
fn deleted_messages_stay_deleted_after_a_restart() {
    let files = Files::new("deleted-restart");
    let history = files.folder.path("chat.db");
    let chinwag = files.start(&["--history", &history]);
    let (mut op, mut ann) = (operator(&chinwag), user(&chinwag, "ann", "192.0.2.1"));
    for text in ["one", "the secret word", "three"] {
        say(&mut ann, text);
    }
    assert_eq!(command(&mut op, "delete 2"), "Messages deleted: 1.");
    assert_eq!(ann.wait_for("deleted")["seq"], json!([2]));
    chinwag.signal("KILL");
    drop(chinwag);
    let chinwag = files.start(&["--history", &history]);
    let mut zoe = from(&chinwag, "192.0.2.3").expect("no ban");
    zoe.wait_for("message");
    assert_eq!(zoe.expect("deleted")["seq"], json!([2]));
    assert_eq!(zoe.expect("message")["seq"], 3);
    let content = ["", "-wal"].map(|ending| fs::read(format!("{history}{ending}")).unwrap_or_default());
    assert!(content.iter().all(|bytes| !bytes.windows(15).any(|part| part == b"the secret word")));
}

/// What `chinwag ctl` prints, and its exit code.
fn ctl(socket: &str, words: &[&str]) -> (String, i32) {
    let admin = format!("unix:{socket}");
    let mut all = vec!["ctl", "--admin", &admin];
    all.extend(words);
    let output = run_to_end(chinwag_command(&all), DEADLINE);
    (printed(&output), output.status.code().unwrap_or(-1))
}

#[test]
fn ctl_commands_a_running_server() {
    let files = Files::new("ctl");
    let socket = files.folder.path("admin.sock");
    let (line, code) = ctl(&socket, &["who"]);
    assert!(code == 2 && line.lines().count() == 1 && line.contains(&format!("--admin unix:{socket}")), "{line}");
    let chinwag = files.start(&["--admin", &format!("unix:{socket}")]);
    let mut ann = user(&chinwag, "Ann B", "203.0.113.7");
    // In Korean, three bytes a letter, of which each is percent-encoded.
    let (long, longer) = ("안녕".repeat(3000), "안녕".repeat(9000));
    let numbers: Vec<String> = (1..3000).map(|number| number.to_string()).collect();
    let delete: Vec<&str> = ["delete"].into_iter().chain(numbers.iter().map(String::as_str)).collect();
    for (words, code, part) in [
        (&["who"][..], 0, "\"Ann B\" / 203.0.113.7\n"),
        (&["rooms"], 0, "/ users: 1, last message: 0\n"),
        (&["stats"], 0, "connections: 1\n"),
        (&["bans"], 0, "There are no restrictions.\n"),
        (&["kick"], 2, "Write: kick WHO. WHO is"),
        (&["kick", "zoe"], 1, "No connection of zoe is open."),
        (&["knock", "\u{1b}[2J"], 2, "There is no command knock"),
        (&["kcik", "ann"], 2, "The commands are: who"),
        (&["bans x"], 2, "Write: bans."),
        (&["ban", "300.1.2.3"], 2, "Write: ban WHO [TIME]. WHO is a name, an address such as 10.0.0.1"),
        (&["ban", "\"300.1.2.3\""], 0, "In force: ban \"300.1.2.3\". Connections closed: 0."),
        (&["unban", "\"300.1.2.3\""], 0, "ban \"300.1.2.3\" has ended."),
        (&["mute", "zoe", "ann"], 2, "Write: mute WHO [TIME]"),
        (&["unmute", "zoe"], 1, "There is no such restriction of zoe."),
        (&["delete", "7"], 0, "Messages deleted: 0."),
        (&["ban", "203.0.114.0/24", "2h"], 0, "In force: ban 203.0.114.0/24 until 20"),
        (&["notice", "Back  soon, 'all' \"of\" us: 안녕 +%&="], 0, "Sent to 1 connections."),
        (&["notice", "--", "--hi"], 0, "Sent to 1 connections."),
        (&["notice", &long], 0, "Sent to 1 connections."),
        (&["notice", &longer], 2, "the command is too long"),
        (&delete, 0, "Messages deleted: 0."),
        (&["kick", "Ann B"], 0, "Connections closed: 1."),
        (&["--help"], 0, "chinwag ctl: keep order"),
        (&[], 2, "There is no command"),
        (&["who", "--help"], 0, "chinwag ctl: keep order"),
        (&["notice", "hi", "--amdin", "x"], 2, "(did you mean --admin?)"),
        (&["--frob", "who"], 2, "--frob"),
    ] {
        let (line, found) = ctl(&socket, words);
        assert!(found == code && line.contains(part), "{words:?}: {found} {line}");
    }
    assert_eq!(ann.wait_for("notice")["text"], "Back  soon, 'all' \"of\" us: 안녕 +%&=");
    ann.wait_until("what looks like a flag", |object| object["text"] == "--hi");
    assert_eq!(ann.wait_for_close(), (1008, "kicked by an operator".to_owned()));
    assert_eq!(status(from(&chinwag, "203.0.114.1")).0, 403);
    assert!(files.bans().starts_with("ban 203.0.114.0/24 until 20"));
}

/// A flag is a flag wherever it is.
#[test]
fn flags_of_ctl_may_follow_the_command() {
    let files = Files::new("ctl-flags");
    let admin = format!("unix:{}", files.folder.path("admin.sock"));
    let chinwag = files.start(&["--admin", &admin]);
    let mut ann = user(&chinwag, "ann", "192.0.2.1");
    for words in [&["ctl", "who", "--admin", &admin][..], &["ctl", "notice", "hi", "--admin", &admin]] {
        let output = run_to_end(chinwag_command(words), DEADLINE);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", printed(&output));
    }
    assert_eq!(ann.wait_for("notice")["text"], "hi");
    for (words, part) in [
        (
            &["ctl", "--admin", &admin, "who", "--admin", "unix:x"][..],
            "--admin or CHINWAG_ADMIN: only one value is possible",
        ),
        (&["ctl", "who", "--admin", "unix:"], "write unix:PATH"),
        (&["ctl", "who", "--admin", "127.0.0.1:1"], "write unix:PATH"),
    ] {
        let output = run_to_end(chinwag_command(words), DEADLINE);
        let line = printed(&output);
        assert!(
            output.status.code() == Some(2) && line.contains(part) && line.lines().count() == 1,
            "{words:?}: {line}"
        );
    }
}

/// The log says what was done and who did it. Notices are not repeated there, and what failed is not done.
#[test]
fn log_names_what_operators_have_done() {
    let files = Files::new("ctl-log");
    let socket = files.folder.path("admin.sock");
    let chinwag = files.start(&["--admin", &format!("unix:{socket}")]);
    let mut op = operator(&chinwag);
    for words in [&["kick", "nobody"][..], &["ban"], &["notice", "a secret"], &["ban", "zoe", "2h"]] {
        ctl(&socket, words);
    }
    command(&mut op, "mute 203.0.113.0/24");
    chinwag.signal("TERM");
    let (_, log) = chinwag.wait_for_exit(DEADLINE);
    let done: Vec<_> = log.iter().filter_map(|line| line.split("an operator's command").nth(1)).collect();
    assert_eq!(done[..2], [": notice", ": ban zoe 2h"], "{log:?}");
    assert!(done.len() == 3 && done[2].ends_with(" (op): mute 203.0.113.0/24"), "{done:?}");
}

/// Otherwise bans would end with the process, and nobody would know until then.
#[test]
fn file_of_bans_must_be_usable_at_the_start() {
    let files = Files::new("bans-unusable");
    let path = |name: &str| files.folder.path(name);
    fs::create_dir(path("folder")).expect("created");
    fs::write(path("latin1"), b"ban Jos\xe9\n").expect("written");
    assert!(Command::new("mkfifo").arg(path("pipe")).status().is_ok_and(|status| status.success()));
    for name in ["missing/bans.txt", "folder", "latin1", "pipe"] {
        let arguments = ["--listen", "127.0.0.1:0", "--bans", &path(name)];
        let output = run_to_end(chinwag_command(&arguments), DEADLINE);
        let line = printed(&output);
        assert_eq!((output.status.code(), line.lines().count()), (Some(2), 1), "{name}: {line}");
        assert!(line.contains("--bans ") && line.contains(&path(name)), "{name}: {line}");
    }
    assert_eq!(fs::read(path("latin1")).expect("readable"), b"ban Jos\xe9\n", "it is not changed");
    assert!(fs::metadata(path("pipe")).is_ok_and(|found| found.file_type().is_fifo()), "it is not replaced");
    let _chinwag = files.start(&[]);
    assert_eq!(files.bans(), "", "a new file");
}

/// The start changes nothing, and a command keeps the mode.
#[test]
fn file_of_bans_stays_as_it_was_given() {
    let files = Files::new("bans-mode");
    fs::write(&files.bans, "ban ann until 2001-01-01T00:00:00Z").expect("written");
    fs::set_permissions(&files.bans, Permissions::from_mode(0o640)).expect("its owner");
    let state = || fs::metadata(&files.bans).map(|found| (found.ino(), found.mode() & 0o777)).expect("a file");
    let before = state();
    let chinwag = files.start(&[]);
    assert_eq!((state(), files.bans().as_str()), (before, "ban ann until 2001-01-01T00:00:00Z"));
    command(&mut operator(&chinwag), "mute bob");
    assert_eq!((state().1, files.bans().as_str()), (0o640, "mute bob\n"));
}

#[test]
fn bad_lines_are_reported_once() {
    let files = Files::new("bans-bad");
    let by_hand = "ban 192.0.2.7\nban \"Ann\nban 10.0.0.0/99\n";
    fs::write(&files.bans, by_hand).expect("written");
    let chinwag = files.start(&[]);
    for part in ["line 2 is ignored: A quotation mark is not closed.", "line 3 is ignored: Write: ban WHO [TIME]. WHO"]
    {
        let line = chinwag.wait_for_log(part);
        assert!(line.contains(&format!("--bans {}: line", files.bans)), "{line}");
    }
    let mut op = operator(&chinwag);
    for name in ["bob", "zoe"] {
        command(&mut op, &format!("mute {name}"));
    }
    assert_eq!(files.bans(), format!("{by_hand}mute bob\nmute zoe\n"));
    chinwag.signal("TERM");
    let (_, log) = chinwag.wait_for_exit(DEADLINE);
    assert!(log.iter().all(|line| !line.contains("is ignored")), "{log:?}");
}

#[test]
fn lost_file_of_bans_changes_nothing() {
    let files = Files::new("bans-lost");
    fs::write(&files.bans, "ban 192.0.2.7\n").expect("written");
    let chinwag = files.start(&[]);
    let mut op = operator(&chinwag);
    fs::remove_file(&files.bans).expect("removed");
    chinwag.signal("HUP");
    let line = chinwag.wait_for_log("the old restrictions stay in use");
    assert!(line.contains(&files.bans) && line.contains("ERROR"), "{line}");
    assert_eq!(status(from(&chinwag, "192.0.2.7")).0, 403);
    // The next change writes all of them.
    command(&mut op, "mute bob");
    assert_eq!(files.bans(), "ban 192.0.2.7\nmute bob\n");
}

/// Commands are for users of the socket: not for the port of the chat, and not for web pages.
#[test]
fn commands_come_through_the_unix_socket_only() {
    let files = Files::new("ctl-elsewhere");
    let socket = files.folder.path("admin.sock");
    let chinwag = files.start(&["--admin", &format!("unix:{socket}")]);
    let mut ann = user(&chinwag, "ann", "192.0.2.1");
    let request = "POST /ctl?command=kick%20ann HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n";
    assert_eq!(http(chinwag.addr(), &format!("{request}\r\n")).status, 404);
    for (field, method, expected) in [
        ("Origin: https://evil.example\r\n", "POST", 403),
        ("Sec-Fetch-Site: cross-site\r\n", "POST", 403),
        ("", "GET", 405),
    ] {
        let request = request.replace("POST", method);
        assert_eq!(http_unix(&socket, &format!("{request}{field}\r\n")).status, expected, "{field} {method}");
    }
    assert_eq!(say(&mut ann, "still here")["type"], "message");
}
