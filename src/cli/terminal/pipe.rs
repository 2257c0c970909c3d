//! Input through a pipe: each line is a message to the room.

use super::{spawn, stderr};
use chinwag::chat::{client::ChatClient, protocol::sanitize_text};
use std::{
    io::{self, BufRead, ErrorKind, Read},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// Bytes of the longest line. No server accepts a message of that size by default.
const MAX_LINE: usize = 1024 * 1024;

/// Before another attempt to read an input that does not block.
const PAUSE: Duration = Duration::from_millis(20);

/// How far the input was read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Progress {
    /// Waits for the next line. The client has all lines before it.
    Waiting,
    /// This line was read, and the client may not have it yet.
    Sending(String),
    /// The client has every line.
    Complete,
    /// A line was too long, or the input could not be read to its end.
    Incomplete,
}

/// The state of the input, for the exit code.
#[derive(Debug, Clone)]
pub(super) struct Pipe(Arc<Mutex<Progress>>);

/// What a read led to.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Text(String),
    TooLong,
    End,
}

impl Pipe {
    /// Starts to send every line of stdin, no faster than the chat accepts them. Closes the chat after the last one.
    ///
    /// # Errors
    /// One line: the system has no thread left.
    pub(super) fn start(chat: ChatClient) -> Result<Self, String> {
        let pipe = Self(Arc::new(Mutex::new(Progress::Waiting)));
        let of_thread = pipe.clone();
        spawn("stdin", Box::new(move || of_thread.forward(&chat, &mut io::stdin().lock())))?;
        Ok(pipe)
    }

    /// What was not sent when the chat ended, if anything. If this side closed the chat, lines that were not read do not count.
    pub(super) fn unsent(&self, was_closed_here: bool) -> Option<String> {
        match &*self.progress() {
            Progress::Complete => None,
            Progress::Waiting if was_closed_here => None,
            Progress::Waiting => Some("the chat ended before the input; later lines were not sent".into()),
            Progress::Sending(line) => Some(format!("this line and later ones were not sent: {}", sanitize_text(line))),
            Progress::Incomplete => Some("a part of the input was not sent".into()),
        }
    }

    fn forward(&self, chat: &ChatClient, input: &mut impl BufRead) {
        let mut end = Progress::Complete;
        loop {
            *self.progress() = Progress::Waiting;
            match read_line(input) {
                Ok(Line::Text(line)) if line.trim().is_empty() => {}
                Ok(Line::Text(line)) => {
                    *self.progress() = Progress::Sending(line.clone());
                    if !chat.send(line) {
                        return;
                    }
                }
                Ok(Line::TooLong) => {
                    stderr::write_line(&format!("* a line of more than {MAX_LINE} bytes was not sent"));
                    end = Progress::Incomplete;
                }
                Ok(Line::End) => break,
                Err(error) => {
                    stderr::write_line(&format!("* the input cannot be read to its end: {error}"));
                    end = Progress::Incomplete;
                    break;
                }
            }
        }
        // Before `finish`, because the chat may end at once.
        *self.progress() = end;
        chat.finish();
    }

    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next line, without its line break. Bytes that are not UTF-8 become U+FFFD.
fn read_line(input: &mut impl BufRead) -> io::Result<Line> {
    let (mut line, mut is_too_long) = (Vec::new(), false);
    loop {
        let room = (MAX_LINE + 1).saturating_sub(line.len()) as u64;
        match input.by_ref().take(room).read_until(b'\n', &mut line) {
            // Another program made the terminal or the pipe non-blocking.
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Err(error) => return Err(error),
            Ok(0) if line.is_empty() && !is_too_long => return Ok(Line::End),
            Ok(count) if count > 0 && line.last() != Some(&b'\n') && line.len() > MAX_LINE => {
                is_too_long = true;
                line.clear();
            }
            Ok(_) if is_too_long => return Ok(Line::TooLong),
            Ok(_) => {
                let text = line.strip_suffix(b"\n").unwrap_or(&line);
                let text = text.strip_suffix(b"\r").unwrap_or(text);
                return Ok(Line::Text(String::from_utf8_lossy(text).into_owned()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

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
                Ok(Line::Text(line)) => line,
                Ok(Line::TooLong) => "TOO LONG".into(),
                Ok(Line::End) => return lines,
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
    fn an_error_is_not_the_end_and_an_input_that_does_not_block_is_read_again() {
        let error = |kind: ErrorKind| Err(kind.into());
        let chunks =
            vec![Ok(b"on".to_vec()), error(ErrorKind::WouldBlock), error(ErrorKind::Interrupted), Ok(b"e\n".to_vec())];
        assert_eq!(read_all(chunks), ["one"]);
        let chunks = vec![Ok(b"one\ntw".to_vec()), error(ErrorKind::Other)];
        assert_eq!(read_all(chunks), ["one", "other error"]);
    }

    #[test]
    fn a_line_that_is_too_long_takes_no_memory_and_the_next_one_is_read() {
        let chunk = || Ok(vec![b'x'; 64 * 1024]);
        let long = (0..40).map(|_| chunk()).chain([Ok(b"\nnext\n".to_vec())]);
        assert_eq!(read_all(long.collect()), ["TOO LONG", "next"]);
        let longest = (0..16).map(|_| chunk()).chain([Ok(b"\nnext\n".to_vec())]);
        let lines = read_all(longest.collect());
        assert_eq!((lines[0].len(), lines[1].as_str()), (MAX_LINE, "next"));
    }

    #[test]
    fn unread_input_is_complete_only_if_this_side_closed() {
        for (progress, expected) in [
            (Progress::Waiting, [false, true]),
            (Progress::Sending("x".into()), [false, false]),
            (Progress::Complete, [true, true]),
            (Progress::Incomplete, [false, false]),
        ] {
            let pipe = Pipe(Arc::new(Mutex::new(progress)));
            assert_eq!([false, true].map(|here| pipe.unsent(here).is_none()), expected);
        }
    }
}
