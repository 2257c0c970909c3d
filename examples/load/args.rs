//! The flags of the load generator.

use lexopt::{Arg, Parser, ValueExt};
use std::{ffi::OsString, str::FromStr};
use tungstenite::http::Uri;

/// `--help`.
pub(crate) const HELP: &str = "\
Load generator for a running chinwag: measures the latency of messages.

usage: load [URL] [FLAGS]      URL: the chat           [ws://127.0.0.1:6502/]
  --clients N   connections; each one receives everything     [100]
  --rate N      messages a second, of all senders together    [500]
  --secs N      how long                                      [10]
  --senders N   clients that send messages                    [all, at most 100]
  --text N      bytes of a message's text, at least 32        [64]

Start the server with --no-limits: its default bounds suit people.
Exit status: 0; 1 if messages were lost, doubled or out of order, or the run
was stopped; 2 for a wrong flag.
";

/// Bytes that a text needs for its mark and number.
const MIN_TEXT: usize = 32;

/// The flags, checked.
#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) url: Uri,
    pub(crate) clients: usize,
    pub(crate) rate: u64,
    pub(crate) secs: u64,
    pub(crate) senders: usize,
    pub(crate) text: usize,
}

/// Parses the command line. `None` is `--help`.
///
/// # Errors
/// One line that describes the problem.
pub(crate) fn read(mut parser: Parser) -> Result<Option<Args>, String> {
    let with_hint = |error: lexopt::Error| format!("{error}; --help lists the flags");
    let mut args = Args { url: url("ws://127.0.0.1:6502/")?, clients: 100, rate: 500, secs: 10, senders: 0, text: 64 };
    while let Some(arg) = parser.next().map_err(with_hint)? {
        let name = match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            Arg::Value(value) => {
                args.url = url(&value.string().map_err(with_hint)?)?;
                continue;
            }
            Arg::Long(name @ ("clients" | "rate" | "secs" | "senders" | "text")) => name.to_owned(),
            other => return Err(with_hint(other.unexpected())),
        };
        let value = parser.value().map_err(with_hint)?;
        match name.as_str() {
            "clients" => args.clients = number(&name, value)?,
            "rate" => args.rate = number(&name, value)?,
            "secs" => args.secs = number(&name, value)?,
            "senders" => args.senders = number(&name, value)?,
            _ => args.text = number(&name, value)?,
        }
    }
    check(args).map(Some)
}

fn check(mut args: Args) -> Result<Args, String> {
    if args.senders == 0 {
        args.senders = args.clients.min(100);
    }
    if args.senders > args.clients {
        return Err(format!("--senders {}: there are only {} clients", args.senders, args.clients));
    }
    if args.text < MIN_TEXT {
        return Err(format!("--text {}: at least {MIN_TEXT} bytes, which hold the message's number", args.text));
    }
    Ok(args)
}

/// A number from 1 to a million.
fn number<T: FromStr>(name: &str, value: OsString) -> Result<T, String> {
    let text = value.to_string_lossy();
    let number = text.parse::<u32>().ok().filter(|number| (1..=1_000_000).contains(number));
    number
        .and_then(|_| text.parse().ok())
        .ok_or_else(|| format!("--{name} {text}: write a whole number from 1 to 1000000"))
}

fn url(text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|error| format!("{text}: {error}; write ws://HOST:PORT/"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("ws"), Some(_)) => Ok(uri),
        (Some("wss"), _) => Err(format!("{text}: this program has no TLS; use ws://, without the proxy")),
        _ => Err(format!("{text}: write ws://HOST:PORT/")),
    }
}
