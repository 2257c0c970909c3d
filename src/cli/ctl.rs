//! `chinwag ctl COMMAND…`: sends an operator's command to a running server, and prints the answer.

use super::{arguments::Flags, health, logging, print};
use chinwag::chat::protocol::sanitize_text;
use std::process::ExitCode;

/// Where the unit of packages puts the socket.
const DEFAULT: &str = "unix:/run/chinwag/admin.sock";

/// Runs `chinwag ctl`. Exits with 1 if the server refuses the command, and with 2 if the words do not fit it.
///
/// # Errors
/// One line: wrong usage, or no server answers.
pub(crate) fn run(flags: &Flags) -> Result<ExitCode, String> {
    let words = flags.words.iter().map(|word| word.to_str().map(str::to_owned).ok_or("the command is not UTF-8"));
    let words = words.collect::<Result<Vec<_>, _>>()?;
    let place = flags.text("admin")?.filter(|place| !place.is_empty()).unwrap_or(DEFAULT);
    if place.strip_prefix("unix:").is_none_or(str::is_empty) {
        return Err(format!("--admin {place}: commands go through a unix socket; write unix:PATH"));
    }
    let encoded: String = line(&words).bytes().map(|byte| format!("%{byte:02X}")).collect();
    let (status, body) = health::ask(place, "POST", &format!("/ctl?command={encoded}"))?;
    let lines: String = body.lines().map(|line| sanitize_text(line) + "\n").collect();
    match status {
        200 => print(&lines).map(|()| ExitCode::SUCCESS),
        400 => {
            logging::write_line(lines.trim_end());
            let is_wrong =
                ["Write: ", "There is no command ", "A quotation mark "].iter().any(|start| lines.starts_with(start));
            Ok(ExitCode::from(if is_wrong { 2 } else { 1 }))
        }
        431 => Err("the command is too long; send it in parts".to_owned()),
        _ => Err(format!("the server at {place} answers {status}: {}", lines.trim_end())),
    }
}

/// One line of the words of a command line. Words with spaces are quoted, but not those that have quotation marks around them, and
/// not a line that is one word for the shell.
fn line(words: &[String]) -> String {
    let is_quoted = |word: &str| word.len() > 1 && word.starts_with('"') && word.ends_with('"');
    let quote = |word: &String| match word.is_empty() || word.contains(|c: char| c.is_whitespace() || c == '"') {
        true if !is_quoted(word) => format!("\"{}\"", word.replace('"', "\"\"")),
        _ => word.clone(),
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
            (&["ban", "\"10.0.0.1\""], "ban \"10.0.0.1\""),
            (&["kick", "\"Ann B\""], "kick \"Ann B\""),
            (&["kick", "\""], "kick \"\"\"\""),
            (&["ban", "10.0.0.0/8", "2h"], "ban 10.0.0.0/8 2h"),
            (&["notice", "Back soon"], "notice \"Back soon\""),
        ] {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            assert_eq!(line(&words), expected);
        }
    }
}
