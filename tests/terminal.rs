//! `chinwag chat`: pipes, exit codes, and a terminal (in tmux).

#![cfg(unix)]

mod support;

use std::process::Command;
use std::time::Duration;

use support::script::run_to_end;

/// Runs `chinwag chat` with this input. Returns stdout, stderr and the exit code.
fn chat(arguments: &[&str], input: &str) -> (String, String, i32) {
    let mut shell = Command::new("sh");
    shell.args(["-c", "input=$1; shift; printf '%s' \"$input\" | \"$@\"", "sh", input]);
    shell.arg(env!("CARGO_BIN_EXE_chinwag")).arg("chat").args(arguments);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CHINWAG_")) {
        shell.env_remove(name);
    }
    let output = run_to_end(shell, Duration::from_secs(30));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.code().expect("no signal"))
}

#[cfg(not(feature = "terminal"))]
#[test]
fn missing_feature_is_one_line_and_status_2() {
    let (out, err, code) = chat(&["ws://localhost:6502/"], "");
    assert_eq!((out.as_str(), code, err.lines().count()), ("", 2, 1), "{err}");
    assert!(err.contains("--features ") && err.contains("terminal"), "{err}");
}

#[cfg(all(feature = "terminal", not(feature = "tls")))]
#[test]
fn missing_tls_is_one_line_with_the_command_to_install_both() {
    for url in ["wss://localhost:6502/", "HTTPS://localhost/"] {
        let (out, err, code) = chat(&[url], "");
        assert_eq!((out.as_str(), code, err.lines().count()), ("", 2, 1), "{err}");
        assert!(err.contains("cargo install") && err.contains("terminal,tls"), "{err}");
    }
}

#[cfg(feature = "terminal")]
mod with_it {
    use super::chat;
    use crate::support::{Client, run, skip, start_binary, wait_until};
    use std::process::Command;
    use std::time::Duration;

    #[test]
    fn every_line_of_a_pipe_is_delivered_before_the_exit() {
        let server = start_binary(&[]);
        let mut bob = Client::connect(server.addr(), &["chinwag.v1"]);
        bob.sign_in("bob");
        bob.say_json(&serde_json::json!({"type": "message", "text": "red\u{1b}[31m\nand\u{202e} more"}));
        bob.wait_for("message");
        let input = "first\n\n/not a command\n  indented\nlast, without a line break";
        let (out, err, code) = chat(&[&format!("ws://{}/", server.addr()), "--name", "printer"], input);
        assert_eq!(code, 0, "{err}");
        for expected in ["first", "/not a command", "  indented", "last, without a line break"] {
            assert_eq!(bob.wait_for("message")["text"], expected);
        }
        assert!(!out.contains(['\u{1b}', '\u{202e}']), "no control characters, no colours: {out:?}");
        assert_eq!((out.lines().count(), out.starts_with("bob: red")), (1, true), "only messages of others: {out:?}");
        assert!(err.contains("you are printer"), "{err}");
    }

    #[test]
    fn exit_codes_distinguish_wrong_usage_from_failures() {
        let server = start_binary(&["--limit", "text=10"]);
        let url = format!("ws://{}/", server.addr());
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        for (arguments, input, expected, word) in [
            (&[][..], "", 2, "which URL"),
            (&["localhost:6502"], "", 2, "ws://"),
            (&["ws://localhost:6502/", "--nmae", "x"], "", 2, "--nmae"),
            (&[&url, "--ca-file", "/no/such/file"], "", 2, "--ca-file"),
            (&[&format!("ws://{nobody}/")], "hi", 1, &format!("nothing listens at {nobody};")),
            (&["ws://localhost:6502/", "--token-file", "/no/such/file"], "", 2, "the file does not exist; write"),
            (&[&format!("{url}nowhere")], "hi", 1, "404"),
            (&[&url], "this is too long\n", 1, "this is too long"),
            (&[&format!("{url}room/kitchen")], "hi\n", 0, ""),
            (&["--help"], "", 0, ""),
        ] {
            let (_, err, code) = chat(arguments, input);
            assert!(code == expected && err.contains(word), "{arguments:?}: {code}, {err}");
        }
        let mut kitchen = Client::try_enter(server.addr(), "/room/kitchen", &["text"], &[]).expect("a room");
        while !kitchen.next_text().ends_with("hi") {}
    }

    #[test]
    fn missing_or_wrong_token_is_answered_with_the_flag() {
        let folder = crate::support::temp::Folder::new("terminal-token");
        let (right, wrong) = (folder.path("right"), folder.path("wrong"));
        std::fs::write(&right, "0123456789abcdef").and_then(|()| std::fs::write(&wrong, "x")).expect("written");
        let server = start_binary(&["--token-file", &right, "--limit", "wrong-token-seconds=0"]);
        let url = format!("ws://{}/", server.addr());
        for (token, expected) in [(None, 1), (Some(&wrong), 1), (Some(&right), 0)] {
            let flag = token.map(|token| format!("--token-file={token}"));
            let arguments: Vec<_> = [url.as_str()].into_iter().chain(flag.as_deref()).collect();
            let (_, err, code) = chat(&arguments, "hi\n");
            assert_eq!((code, err.contains("add --token-file FILE")), (expected, expected == 1), "{err}");
            assert!(!err.contains("Bearer") && !err.contains("?token="), "{err}");
        }
    }

    #[cfg(feature = "tls")]
    #[test]
    fn untrusted_certificate_is_accepted_with_the_named_flag() {
        use crate::support::{binary, temp::Folder};
        let folder = Folder::new("terminal-tls");
        let own = folder.path("own.pem");
        let flags = ["--listen-tls", "127.0.0.1:0", &format!("--tls-self-signed={own}")];
        let (secure, plain) = (binary::start(binary::command(&flags)), start_binary(&[]));
        let [secure, plain] = [&secure, &plain].map(|server| format!("wss://{}/", server.addr()));
        for (arguments, expected, words) in [
            (&[secure.as_str()][..], 1, "trust it with --ca-file FILE"),
            (&[&secure, "--ca-file", &own], 0, "you are"),
            (&[&plain, "--ca-file", &own], 1, "does not speak TLS at that port; use ws://"),
        ] {
            let (_, err, code) = chat(arguments, "hi\n");
            assert!(code == expected && err.contains(words), "{arguments:?}: {code}, {err}");
        }
    }

    #[test]
    fn version_is_that_of_the_program() {
        assert_eq!(chat(&["-V"], "").0, format!("chinwag {}\n", env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn two_users_chat_in_two_terminals() {
        if Command::new("tmux").arg("-V").output().is_err() {
            return skip("no tmux");
        }
        let server = start_binary(&[]);
        let url = format!("ws://{}/", server.addr());
        let [ann, bob] = ["ann", "bob"].map(|name| Pane::start(&url, name));
        for (pane, name) in [(&ann, "ann"), (&bob, "bob")] {
            pane.wait_for(&format!("you are {name}"));
        }
        ann.keys(&["hello bob", "Enter"]);
        bob.wait_for("ann: hello bob");
        bob.keys(&["half a li"]);
        ann.keys(&["/msg bob psst", "Enter"]);
        bob.wait_for("ann (to you): psst");
        bob.wait_for("> half a li");
        bob.keys(&["ne", "Enter"]);
        ann.wait_for("bob: half a line");
        bob.keys(&["/name bobby", "Enter"]);
        bob.wait_for("you are bobby");
        // The server sends changes of the list up to 100 ms later.
        let listed = |line: &str| line.starts_with("* users: ") && line.contains("bobby") && line.contains("ann");
        wait_until(LONG, "a list with the new name", || {
            bob.keys(&["/users", "Enter"]);
            bob.shown().lines().any(listed)
        });
        bob.keys(&["/quit", "Enter"]);
        bob.wait_for("exit 0");
        drop(server);
        ann.wait_for("trying again");
        ann.keys(&["C-c"]);
        ann.wait_for("exit ");
    }

    #[test]
    fn operators_keep_order_from_a_terminal() {
        use crate::support::temp::Folder;
        if Command::new("tmux").arg("-V").output().is_err() {
            return skip("no tmux");
        }
        let folder = Folder::new("terminal-admin");
        let (token, bans) = (folder.path("admin.token"), folder.path("bans.txt"));
        std::fs::write(&token, "the-admin-token-0123456789").expect("written");
        let flags = ["--admin-token-file", &token, "--bans", &bans];
        let server = start_binary(&flags);
        let url = format!("ws://{}/", server.addr());
        let operator = Pane::start(&format!("{url} --token-file {token}"), "op");
        let [ann, eve] = ["annie", "eve"].map(|name| Pane::start(&url, name));
        for (pane, name) in [(&operator, "op"), (&ann, "annie"), (&eve, "eve")] {
            pane.wait_for(&format!("you are {name}"));
        }
        ann.keys(&["/kick eve", "Enter"]);
        ann.wait_for("refused: Only operators may do this.");
        ann.keys(&["/frobnicate", "Enter"]);
        ann.wait_for("There is no command /frobnicate.");
        ann.keys(&["first", "Enter"]);
        operator.wait_for("annie: first");
        operator.keys(&["/delete 1", "Enter"]);
        ann.wait_for("messages deleted by an operator: 1");
        operator.wait_for("notice: Messages deleted: 1.");
        operator.keys(&["/mute annie", "Enter"]);
        operator.wait_for("notice: In force: mute annie.");
        ann.keys(&["second", "Enter"]);
        ann.wait_for("refused: An operator has muted you. (second)");
        operator.keys(&["/kick eve", "Enter"]);
        eve.wait_for("closed, 1008 kicked by an operator");
        eve.wait_for("exit 1");
        operator.keys(&["/ban 127.0.0.0/8 1h", "Enter"]);
        ann.wait_for("closed, 1008 banned by an operator");
        // Also in another process of the server.
        operator.keys(&["/quit", "Enter"]);
        operator.wait_for("exit 0");
        drop(server);
        let server = start_binary(&flags);
        let (_, err, code) = chat(&[&format!("ws://{}/", server.addr())], "hi\n");
        assert!(code == 1 && err.contains("An operator of this server has banned your address."), "{err}");
    }

    #[test]
    fn name_that_is_not_given_is_explained() {
        let server = start_binary(&[]);
        let mut ann = Client::connect(server.addr(), &["chinwag.v1"]);
        ann.sign_in("ann");
        let long = "x".repeat(33);
        for (name, words) in [
            ("ann", &["you are ann1\n"][..]),
            (
                &long,
                &[
                    "you are guest",
                    "This name is not allowed. Use 1 to 32 visible characters, and letters of one script.",
                ],
            ),
            ("\u{430}nn", &["you are guest", "letters of one script"]),
        ] {
            let (_, err, _) = chat(&[&format!("ws://{}/", server.addr()), "--name", name], "hi\n");
            assert!(words.iter().all(|part| err.contains(part)), "{name}: {err}");
        }
    }

    /// A terminal that runs the chat, and then prints its exit code.
    struct Pane {
        socket: String,
    }

    impl Pane {
        fn start(url: &str, name: &str) -> Pane {
            let pane = Pane { socket: format!("chinwag-{}-{name}", std::process::id()) };
            let program = env!("CARGO_BIN_EXE_chinwag");
            let command = format!("{program} chat {url} --name {name}; echo exit $?; exec cat");
            run(pane.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", &command]), LONG);
            pane
        }

        fn tmux(&self, arguments: &[&str]) -> Command {
            let mut tmux = Command::new("tmux");
            tmux.args(["-L", &self.socket]).args(arguments);
            tmux
        }

        fn keys(&self, keys: &[&str]) {
            run(self.tmux(&[&["send-keys"], keys].concat()), LONG);
        }

        #[track_caller]
        fn wait_for(&self, line: &str) {
            wait_until(LONG, &format!("{line}, in {}", self.shown()), || self.shown().contains(line));
        }

        fn shown(&self) -> String {
            String::from_utf8_lossy(&run(self.tmux(&["capture-pane", "-p"]), LONG).stdout).into_owned()
        }
    }

    const LONG: Duration = Duration::from_secs(10);

    impl Drop for Pane {
        fn drop(&mut self) {
            let _ = self.tmux(&["kill-server"]).status();
        }
    }
}
