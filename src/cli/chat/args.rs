//! What the command line of `chinwag chat` and the environment say.
//!
//! Owns the flags, their environment variables, their help, and the sentences for what makes no sense.

use chinwag::{
    chat::rules::RoomName,
    client::{Builder, WebSocket},
};
use lexopt::{Arg, Parser, ValueExt};
use std::{env, ffi::OsString, fs, time::Duration};

/// `chinwag chat --help`.
pub(crate) const HELP: &str = "\
chinwag chat: the chat in a terminal, or in a pipe.

usage: chinwag chat URL [FLAGS]        URL: such as ws://localhost:6502/
  --name NAME          who you are                            [your login name]
  --room NAME          the room; without it, the lobby, or the one in the URL
  --token-file FILE    the access token that the server wants is in FILE
  --ca-file FILE       for wss://: trust those in FILE, instead of the system's
  --retry SECONDS      how long to try again when the connection is lost [60]
  -h, --help   -V, --version

In a terminal, a line is a message; /name bob, /msg ann hi, /users and /quit are
commands, and //x says /x. In a pipe, every line is a message, and at the end of
the input it waits until all have been heard: tail -f log | chinwag chat URL

Every flag is an environment variable, too: --name is CHINWAG_NAME.
Colours: when stdout is a terminal, and NO_COLOR is not set.
Exit code: 0 closed as wished, all was heard; 1 refused or lost; 2 wrong usage.
";

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Wish {
    Help,
    Version,
    Chat(Args),
}

/// The flags, with their defaults.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Args {
    url: String,
    pub(crate) name: String,
    room: Option<String>,
    token_file: Option<OsString>,
    ca_file: Option<OsString>,
    pub(crate) retry: Duration,
}

/// Reads the command line behind `chat`, then the environment.
///
/// # Errors
/// A sentence.
pub(crate) fn read() -> Result<Wish, String> {
    parse(Parser::from_args(env::args_os().skip(2)), |name| env::var_os(name).filter(|value| !value.is_empty()))
}

fn parse(mut parser: Parser, variable: impl Fn(&str) -> Option<OsString>) -> Result<Wish, String> {
    let said = |error: lexopt::Error| format!("{error}; chinwag chat --help lists the flags");
    let (mut url, mut name, mut room, mut token_file, mut ca_file, mut retry) = (None, None, None, None, None, None);
    while let Some(arg) = parser.next().map_err(said)? {
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(Wish::Help),
            Arg::Short('V') | Arg::Long("version") => return Ok(Wish::Version),
            Arg::Long("name") => name = Some(parser.value().map_err(said)?),
            Arg::Long("room") => room = Some(parser.value().map_err(said)?),
            Arg::Long("token-file") => token_file = Some(parser.value().map_err(said)?),
            Arg::Long("ca-file") => ca_file = Some(parser.value().map_err(said)?),
            Arg::Long("retry") => retry = Some(parser.value().map_err(said)?),
            Arg::Value(value) if url.is_none() => url = Some(value),
            other => return Err(said(other.unexpected())),
        }
    }
    let url = text("URL", url)?.ok_or("which URL? Such as: chinwag chat ws://localhost:6502/")?;
    let name = text("--name", name.or_else(|| variable("CHINWAG_NAME")).or_else(|| variable("USER")))?;
    let retry = text("--retry", retry.or_else(|| variable("CHINWAG_RETRY")))?;
    Ok(Wish::Chat(Args {
        url,
        name: name.unwrap_or_else(|| "guest".into()),
        room: text("--room", room.or_else(|| variable("CHINWAG_ROOM")))?,
        token_file: token_file.or_else(|| variable("CHINWAG_TOKEN_FILE")),
        ca_file: ca_file.or_else(|| variable("CHINWAG_CA_FILE")),
        retry: Duration::from_secs(retry.map_or(Ok(60), |retry| seconds(&retry))?),
    }))
}

fn text(name: &str, value: Option<OsString>) -> Result<Option<String>, String> {
    value.map(|value| value.string().map_err(|_| format!("{name} is not UTF-8"))).transpose()
}

fn seconds(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("--retry {text}: write a number of seconds, such as 60, or 0"))
}

impl Args {
    /// The URL, with the room in it, unless it names one already.
    fn url(&self) -> Result<String, String> {
        let Some(room) = self.room.as_ref().filter(|room| !room.is_empty()) else { return Ok(self.url.clone()) };
        let Some(name) = RoomName::new(room) else {
            return Err(format!(
                "--room {room:?}: no room can have this name; write at most {} visible characters",
                RoomName::MOST_CHARS
            ));
        };
        let (base, query) =
            self.url.split_once('?').map_or((self.url.as_str(), None), |(base, query)| (base, Some(query)));
        let base = base.trim_end_matches('/');
        if base.contains("/room/") {
            return Err(format!("--room {room}: the URL names a room already"));
        }
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        Ok(format!("{base}{}{query}", name.to_path()))
    }

    /// The connection to be.
    ///
    /// # Errors
    /// A sentence on the flag that is wrong.
    pub(crate) fn socket(&self) -> Result<Builder, String> {
        let mut socket = WebSocket::builder(&self.url()?);
        if let Some(token) = self.token()? {
            socket = socket.header("Authorization", &format!("Bearer {token}"));
        }
        match &self.ca_file {
            Some(file) => trusting(file, socket),
            None => Ok(socket),
        }
    }

    /// What the file has.
    fn token(&self) -> Result<Option<String>, String> {
        let Some(file) = &self.token_file else { return Ok(None) };
        let shown = file.to_string_lossy();
        let content = fs::read_to_string(file).map_err(|error| format!("--token-file {shown}: {error}"))?;
        match content.trim() {
            "" => Err(format!("--token-file {shown}: it is empty")),
            token => Ok(Some(token.to_owned())),
        }
    }
}

#[cfg(feature = "tls")]
fn trusting(file: &OsString, socket: Builder) -> Result<Builder, String> {
    let connector = chinwag::tls::Connector::trusting(file).map_err(|error| format!("--ca-file {error}"))?;
    Ok(socket.tls(connector))
}

#[cfg(not(feature = "tls"))]
fn trusting(_: &OsString, _: Builder) -> Result<Builder, String> {
    Err("--ca-file is for wss://, which needs TLS; build with --features tls".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str], variables: &[(&str, &str)]) -> Result<Args, String> {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        match parse(Parser::from_args(words), find)? {
            Wish::Chat(args) => Ok(args),
            Wish::Help => Err("help".into()),
            Wish::Version => Err("version".into()),
        }
    }

    #[test]
    fn flags_win_over_the_environment_and_there_are_defaults() {
        let plain = args(&["ws://h/"], &[("USER", "ann")]).expect("a URL");
        assert_eq!((plain.name.as_str(), plain.retry.as_secs(), plain.room.is_none()), ("ann", 60, true));
        let full = args(&["--name=bob", "ws://h/", "--retry", "0"], &[("CHINWAG_NAME", "x"), ("CHINWAG_ROOM", "den")]);
        let full = full.expect("a URL");
        assert_eq!((full.name.as_str(), full.retry.as_secs(), full.room.as_deref()), ("bob", 0, Some("den")));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (words, word) in [
            (&[][..], "which URL"),
            (&["ws://h/", "ws://i/"], "ws://i/"),
            (&["ws://h/", "--nmae", "x"], "--nmae"),
            (&["ws://h/", "--retry", "soon"], "--retry soon"),
            (&["ws://h/", "--name"], "--name"),
        ] {
            let error = args(words, &[]).expect_err(word);
            assert!(error.contains(word) && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_room_goes_into_the_path() {
        for (url, room, expected) in [
            ("ws://h:1/", "kitchen", Ok("ws://h:1/room/kitchen")),
            ("ws://h:1", "a b/c?\u{e9}", Ok("ws://h:1/room/a%20b%2Fc%3F%C3%A9")),
            ("ws://h/chat/?token=x", "den", Ok("ws://h/chat/room/den?token=x")),
            ("ws://h/room/den", "attic", Err(())),
        ] {
            let args = args(&[url, "--room", room], &[]).expect("a URL");
            assert_eq!(args.url().map_err(drop), expected.map(str::to_owned), "{url} {room}");
        }
    }

    #[test]
    fn no_room_is_the_lobby_and_an_impossible_one_is_named() {
        let with = |room| args(&["ws://h/", "--room", room], &[]).expect("a URL").url();
        assert_eq!(with("").as_deref(), Ok("ws://h/"));
        for room in [" ", "\x1b", &"x".repeat(200)] {
            assert!(with(room).is_err_and(|error| error.contains("--room") && !error.contains(char::is_control)));
        }
    }

    #[test]
    fn the_help_fits_a_screen() {
        assert!(HELP.lines().count() <= 24 && HELP.lines().all(|line| line.len() <= 80));
    }
}
