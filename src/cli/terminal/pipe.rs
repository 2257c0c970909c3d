//! Input through a pipe: each line is a message to the room.

use super::spawn;
use chinwag::chat::{client::ChatClient, protocol::sanitize_text};
use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, sync_channel};

/// Bytes of the longest line. A longer one is sent in parts, which no server accepts by default.
const MAX_LINE: u64 = 1024 * 1024;

/// What was not sent, once the input is read.
pub(super) type Unsent = Receiver<Option<String>>;

/// Starts to send every line of stdin, no faster than the chat accepts them. Closes the chat after the last one.
///
/// # Errors
/// One line: the system has no thread left.
pub(super) fn start(chat: ChatClient) -> Result<Unsent, String> {
    let (sender, unsent) = sync_channel(1);
    let forward = move || {
        // Before `finish`, because the chat may end at once.
        let _ = sender.send(forward(&chat, &mut io::stdin().lock()));
        chat.finish();
    };
    spawn("stdin", Box::new(forward))?;
    Ok(unsent)
}

fn forward(chat: &ChatClient, input: &mut impl BufRead) -> Option<String> {
    loop {
        match read_line(input) {
            Ok(Some(line)) if line.trim().is_empty() => {}
            Ok(Some(line)) => {
                let shown = sanitize_text(&line);
                if !chat.send(line) {
                    return Some(format!("this line and later ones were not sent: {shown}"));
                }
            }
            Ok(None) => return None,
            Err(error) => return Some(format!("the input cannot be read to its end: {error}")),
        }
    }
}

/// The next line, without its line break; `None` at the end. Bytes that are not UTF-8 become U+FFFD.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    let text = line.strip_suffix(b"\n").unwrap_or(&line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    Ok(Some(String::from_utf8_lossy(text).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, ErrorKind};

    /// Gives one chunk or error after the other.
    struct Script(Vec<io::Result<Vec<u8>>>);

    impl Read for Script {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let chunk = if self.0.is_empty() { Vec::new() } else { self.0.remove(0)? };
            buffer[..chunk.len()].copy_from_slice(&chunk);
            Ok(chunk.len())
        }
    }

    fn read_all(chunks: Vec<io::Result<Vec<u8>>>) -> Vec<String> {
        let mut input = BufReader::with_capacity(64 * 1024, Script(chunks));
        let mut lines = Vec::new();
        loop {
            lines.push(match read_line(&mut input) {
                Ok(Some(line)) => line,
                Ok(None) => return lines,
                Err(error) => error.kind().to_string(),
            });
            assert!(lines.len() < 20, "{lines:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_lose_nothing() {
        for (input, expected) in [
            (&b"one\nJ\xfcrgen\r\nthree\n"[..], &["one", "J\u{fffd}rgen", "three"][..]),
            (b"\xff\n\nlast", &["\u{fffd}", "", "last"]),
            (b"cut \xe2\x82", &["cut \u{fffd}"]),
            (b"\xed\xa0\xbd\n\0\n", &["\u{fffd}\u{fffd}\u{fffd}", "\0"]),
            (b"", &[]),
        ] {
            assert_eq!(read_all(vec![Ok(input.to_vec())]), expected, "{input:?}");
        }
    }

    #[test]
    fn an_error_is_not_the_end() {
        let error = |kind: ErrorKind| Err(kind.into());
        let chunks = vec![Ok(b"on".to_vec()), error(ErrorKind::Interrupted), Ok(b"e\n".to_vec())];
        assert_eq!(read_all(chunks), ["one"]);
        let chunks = vec![Ok(b"one\ntw".to_vec()), error(ErrorKind::Other)];
        assert_eq!(read_all(chunks), ["one", "other error"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_sent_in_parts() {
        let chunk = || Ok(vec![b'x'; 64 * 1024]);
        let long = (0..40).map(|_| chunk()).chain([Ok(b"\nnext\n".to_vec())]);
        let lengths: Vec<usize> = read_all(long.collect()).iter().map(String::len).collect();
        assert_eq!(lengths, [1 << 20, 1 << 20, 1 << 19, 4]);
    }
}
