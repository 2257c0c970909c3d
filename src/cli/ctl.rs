//! `chinwag ctl COMMAND…`: sends an operator's command to a running server, and prints the answer.

use super::{arguments::Flags, print, stderr};
use chinwag::chat::protocol::sanitize_text;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

/// Where the unit of packages puts the socket.
const DEFAULT: &str = "unix:/run/chinwag/admin.sock";

/// The server answers within a second or two.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes of an answer.
const MAX_ANSWER: u64 = 4 << 20;

/// Runs `chinwag ctl`. Exits with 1 if the server refuses the command.
///
/// # Errors
/// One line: no server answers.
pub(crate) fn run(flags: &Flags) -> Result<ExitCode, String> {
    if flags.words.is_empty() {
        return Err("which command? Such as: chinwag ctl who; see chinwag ctl --help".to_owned());
    }
    let place = flags.text("admin")?.unwrap_or(DEFAULT);
    let path = place.strip_prefix("unix:").ok_or_else(|| format!("--admin {place}: write unix:PATH"))?;
    let answer = ask(path, &line(&flags.words)).map_err(|error| {
        format!("no server answers at --admin {place}: {error}; start it with --admin {place}, or write where it is")
    })?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let lines: String = body.lines().map(|line| sanitize_text(line) + "\n").collect();
    match head.split(' ').nth(1) {
        Some("200") => print(&lines).map(|()| ExitCode::SUCCESS),
        Some("400") => {
            stderr::write_line(lines.trim_end());
            Ok(ExitCode::FAILURE)
        }
        status => Err(format!("the server at {place} answers {}: {}", status.unwrap_or("nothing"), lines.trim_end())),
    }
}

/// One request and its response.
fn ask(path: &str, line: &str) -> io::Result<String> {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    let command: String = line.bytes().map(encode).collect();
    let request = format!("POST /ctl?command={command} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// One line of the words of a command line. Words with spaces are quoted, but not a line that is one word for the shell.
fn line(words: &[String]) -> String {
    let quote = |word: &String| match word.is_empty() || word.contains(|c: char| c.is_whitespace() || c == '"') {
        true => format!("\"{}\"", word.replace('"', "\"\"")),
        false => word.clone(),
    };
    match words {
        [only] => only.clone(),
        words => words.iter().map(quote).collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_shell_stay_words() {
        for (words, expected) in [
            (&["who"][..], "who"),
            (&["kick \"Ann B\""], "kick \"Ann B\""),
            (&["kick", "Ann B"], "kick \"Ann B\""),
            (&["kick", "a\"b"], "kick \"a\"\"b\""),
            (&["close", ""], "close \"\""),
            (&["ban", "10.0.0.0/8", "2h"], "ban 10.0.0.0/8 2h"),
            (&["notice", "Back soon"], "notice \"Back soon\""),
        ] {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            assert_eq!(line(&words), expected);
        }
    }
}
