//! A token file that others can read, and a token that can be guessed, get a warning. A file without a token is refused.

#![cfg(unix)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use support::binary::command;
use support::script::{printed, run_to_end};
use support::temp::Folder;
use support::{DEADLINE, start_binary};

const LONG: &str = "0123456789abcdef";

/// The warnings of a server with this token in a file with this mode.
fn warnings(test: &str, token: &str, mode: u32) -> Vec<String> {
    let folder = Folder::new(&format!("token-{test}"));
    let file = folder.path("token");
    fs::write(&file, token).expect("written");
    fs::set_permissions(&file, Permissions::from_mode(mode)).expect("our own file");
    let chinwag = start_binary(&["--token-file", &file]);
    chinwag.signal("TERM");
    let (_, log) = chinwag.wait_for_exit(DEADLINE);
    log.into_iter().filter(|line| line.contains("WARN") && line.contains("--token-file")).collect()
}

#[test]
fn token_file_that_others_can_read_gets_a_warning() {
    for (mode, count) in [(0o600, 0), (0o400, 0), (0o640, 0), (0o644, 1), (0o602, 1)] {
        let found = warnings("mode", LONG, mode);
        assert_eq!(found.len(), count, "{mode:o}: {found:?}");
        let is_named = |line: &String| line.contains("every user") && line.contains("chmod o= ");
        assert!(found.iter().all(is_named), "{mode:o}: {found:?}");
    }
}

#[test]
fn short_token_gets_a_warning_that_does_not_show_it() {
    for (token, count) in [(LONG, 0), ("0123456789abcde", 1), ("  0123456789abcde\n", 1), ("x", 1)] {
        let found = warnings("length", token, 0o600);
        assert_eq!(found.len(), count, "{token}: {found:?}");
        assert!(found.iter().all(|line| line.contains("16 characters") && !line.contains("abcde")), "{found:?}");
    }
}

#[test]
fn file_that_has_no_token_is_one_line_and_status_2() {
    let folder = Folder::new("token-none");
    let (empty, large) = (folder.path("empty"), folder.path("large"));
    fs::write(&empty, " \n").and_then(|()| fs::write(&large, "x".repeat(64 * 1024 + 1))).expect("written");
    for (file, part) in [
        (empty.as_str(), "the file is empty; write"),
        (&large, "more than 65536 bytes"),
        ("/dev/zero", "more than 65536 bytes"),
        (&folder.path("nothing"), "the file does not exist; write"),
        (&folder.path(""), "--token-file"),
    ] {
        let output = run_to_end(command(&["--listen", "127.0.0.1:0", "--token-file", file]), DEADLINE);
        let line = printed(&output);
        assert_eq!((output.status.code(), line.lines().count()), (Some(2), 1), "{file}: {line}");
        assert!(line.contains(part) && line.contains(file), "{file}: {line}");
    }
}

/// If the two were the same, every user would be an operator.
#[test]
fn errors_about_tokens_name_their_file() {
    let folder = Folder::new("token-both");
    let (access, admin, words) = (folder.path("access"), folder.path("admin"), folder.path("words"));
    fs::write(&access, LONG).and_then(|()| fs::write(&admin, format!(" {LONG}\n"))).expect("written");
    fs::write(&words, "two words in the file").expect("written");
    for file in [&access, &admin, &words] {
        fs::set_permissions(file, Permissions::from_mode(0o600)).expect("our own file");
    }
    let nothing = folder.path("nothing");
    for (flag, file, part) in [
        ("--admin-token-file", &admin, "the access token and the admin token must not be the same"),
        ("--admin-token-file", &words, "without spaces"),
        ("--admin-token-file", &nothing, "write the server's admin token into it"),
    ] {
        let flags = ["--listen", "127.0.0.1:0", "--token-file", &access, flag, file];
        let output = run_to_end(command(&flags), DEADLINE);
        let line = printed(&output);
        assert_eq!((output.status.code(), line.lines().count()), (Some(2), 1), "{file}: {line}");
        assert!(line.contains(&format!("{flag} {file}: ")) && line.contains(part), "{file}: {line}");
    }
    let output = run_to_end(command(&["--listen", "127.0.0.1:0", "--token-file", &words]), DEADLINE);
    assert!(printed(&output).contains(&format!("--token-file {words}: ")), "{}", printed(&output));
}

#[test]
fn largest_file_is_read() {
    let token = format!("{LONG}{}", " ".repeat(64 * 1024 - LONG.len()));
    assert_eq!(warnings("largest", &token, 0o600), [""; 0]);
}
