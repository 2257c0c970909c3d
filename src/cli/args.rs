//! What the command line and the environment say, as it was said.
//!
//! Owns the flags: their names, their environment variables, their help. What they mean is [`super::setup`]'s.

use super::history_flags::{self, Command as HistoryCommand, Flags as HistoryFlags};
use super::tls::Flags as TlsFlags;
use lexopt::{Arg, Parser, ValueExt};
use std::{env, ffi::OsString};

/// `--help` of a build with every feature. It fits a screen.
const HELP: &str = "\
chinwag: a small WebSocket chat server. Run it, open the address that it prints.

usage: chinwag [FLAGS]
       chinwag chat URL      the chat in a terminal (chinwag chat --help)
       chinwag history FILE  what --history has kept (see --help-history)
  --listen ADDR:PORT   where to listen; may be repeated    [127.0.0.1:6502]
  --dialect NAME       for clients that name no subprotocol: json, text [json]
  --history-lines N    messages that newcomers are shown; 0: none [50]
  --history FILE       keep messages in FILE (see --help-history)
  --list-rooms         list the rooms and their users at /rooms, for anybody
  --host NAME          a host name this server answers to; may be repeated
  --origin ORIGIN      pages of this origin may connect, too; '*': any
  --require-origin     refuse clients that send no Origin (most programs)
  --tls-cert FILE      https:// and wss:// (see --help-tls)
  --token-file FILE    let in only those who know the token in FILE
  --trusted-proxy ADDR a proxy whose X-Forwarded-For is believed; repeatable
  --limit NAME=VALUE   change a bound; may be repeated (see --help-limits)
  --no-limits          no bounds against hostile clients: to measure on loopback
  --allow-blocked-port listen on a port that browsers refuse to connect to
  -v, --verbose        log more (-vv: every frame)   -q, --quiet: only errors
  -h, --help   --help-limits   --help-tls   --help-history   -V, --version

Every flag is an environment variable, too: --token-file is CHINWAG_TOKEN_FILE;
several values are separated by commas. The flag wins. RUST_LOG is heeded.
";

/// What a line in the help says of a feature, what it says in a build without it, and whether this is one with it.
const FEATURES: [(&str, &str, bool); 3] = [
    ("(chinwag chat --help)", "(needs feature terminal)", cfg!(feature = "terminal")),
    ("(see --help-history)", "(needs feature history)", cfg!(feature = "history")),
    ("(see --help-tls)", "(needs feature tls)", cfg!(feature = "tls")),
];

/// `--help`. What this build has not is marked: whoever tries it is told which build has it.
pub(crate) fn help() -> String {
    let absent = FEATURES.iter().filter(|(.., is_here)| !is_here);
    absent.fold(HELP.to_owned(), |help, (see, needs, _)| help.replace(see, needs))
}

/// The flags, as given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) listen: Vec<String>,
    pub(crate) dialect: Option<String>,
    pub(crate) history_lines: Option<String>,
    pub(crate) history: HistoryFlags,
    pub(crate) list_rooms: bool,
    pub(crate) host: Vec<String>,
    pub(crate) origin: Vec<String>,
    pub(crate) require_origin: bool,
    pub(crate) token_file: Option<OsString>,
    pub(crate) trusted_proxy: Vec<String>,
    pub(crate) tls: TlsFlags,
    pub(crate) limit: Vec<String>,
    pub(crate) no_limits: bool,
    pub(crate) allow_blocked_port: bool,
    pub(crate) verbose: u8,
    pub(crate) quiet: bool,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Run(Box<Args>),
    Help,
    HelpLimits,
    HelpTls,
    HelpHistory,
    History(HistoryCommand),
    Version,
}

/// Reads the command line, then the environment for what the command line leaves open.
///
/// # Errors
/// A sentence for a flag or a variable that is wrong.
pub(crate) fn read() -> Result<Wish, String> {
    parse(Parser::from_env(), |name| env::var_os(name))
}

fn parse(mut parser: Parser, variable: impl Fn(&str) -> Option<OsString>) -> Result<Wish, String> {
    let mut args = Args::default();
    let said = |error: lexopt::Error| format!("{error}; chinwag --help lists the flags");
    while let Some(arg) = parser.next().map_err(said)? {
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(Wish::Help),
            Arg::Long("help-limits") => return Ok(Wish::HelpLimits),
            Arg::Long("help-tls") => return Ok(Wish::HelpTls),
            Arg::Long("help-history") => return Ok(Wish::HelpHistory),
            Arg::Value(word) if word == "history" => {
                return Ok(history_flags::command(&mut parser)?.map_or(Wish::HelpHistory, Wish::History));
            }
            Arg::Short('V') | Arg::Long("version") => return Ok(Wish::Version),
            other => flag(other.into(), &mut parser, &mut args).map_err(said)?,
        }
    }
    fill(&mut args, variable)?;
    Ok(Wish::Run(Box::new(args)))
}

/// A flag, free of the parser that it borrowed from.
enum Flag {
    Short(char),
    Long(String),
    Value(OsString),
}

impl From<Arg<'_>> for Flag {
    fn from(arg: Arg<'_>) -> Self {
        match arg {
            Arg::Short(letter) => Self::Short(letter),
            Arg::Long(name) => Self::Long(name.into()),
            Arg::Value(value) => Self::Value(value),
        }
    }
}

fn flag(flag: Flag, parser: &mut Parser, args: &mut Args) -> Result<(), lexopt::Error> {
    let name = match &flag {
        Flag::Long(name) => name.as_str(),
        Flag::Short('v') => "verbose",
        Flag::Short('q') => "quiet",
        Flag::Short(letter) => return Err(Arg::Short(*letter).unexpected()),
        Flag::Value(value) => return Err(Arg::Value(value.clone()).unexpected()),
    };
    match name {
        "listen" => args.listen.extend(split(&parser.value()?.string()?)),
        "dialect" => args.dialect = Some(parser.value()?.string()?),
        "history-lines" => args.history_lines = Some(parser.value()?.string()?),
        "list-rooms" => args.list_rooms = true,
        "host" => args.host.extend(split(&parser.value()?.string()?)),
        "origin" => args.origin.extend(split(&parser.value()?.string()?)),
        "require-origin" => args.require_origin = true,
        "token-file" => args.token_file = Some(parser.value()?),
        "trusted-proxy" => args.trusted_proxy.extend(split(&parser.value()?.string()?)),
        "limit" => args.limit.extend(split(&parser.value()?.string()?)),
        "no-limits" => args.no_limits = true,
        "allow-blocked-port" => args.allow_blocked_port = true,
        "verbose" => args.verbose = args.verbose.saturating_add(1),
        "quiet" => args.quiet = true,
        other => match args.tls.take(other, parser)? || args.history.take(other, parser)? {
            true => {}
            false => return Err(Arg::Long(other).unexpected()),
        },
    }
    Ok(())
}

/// What the flags left open, from `CHINWAG_…`. An empty variable counts as none.
fn fill(args: &mut Args, variable: impl Fn(&str) -> Option<OsString>) -> Result<(), String> {
    let get = |name: &str| variable(name).filter(|value| !value.is_empty());
    for (name, list) in [
        ("CHINWAG_LISTEN", &mut args.listen),
        ("CHINWAG_HOST", &mut args.host),
        ("CHINWAG_ORIGIN", &mut args.origin),
        ("CHINWAG_TRUSTED_PROXY", &mut args.trusted_proxy),
        ("CHINWAG_LIMIT", &mut args.limit),
    ] {
        if let (true, Some(value)) = (list.is_empty(), get(name)) {
            *list = split(&text(name, value)?).collect();
        }
    }
    for (name, yes) in [
        ("CHINWAG_LIST_ROOMS", &mut args.list_rooms),
        ("CHINWAG_REQUIRE_ORIGIN", &mut args.require_origin),
        ("CHINWAG_NO_LIMITS", &mut args.no_limits),
        ("CHINWAG_ALLOW_BLOCKED_PORT", &mut args.allow_blocked_port),
        ("CHINWAG_QUIET", &mut args.quiet),
    ] {
        *yes |= get(name).map_or(Ok(false), |value| switch(name, value))?;
    }
    for (name, one) in [("CHINWAG_DIALECT", &mut args.dialect), ("CHINWAG_HISTORY_LINES", &mut args.history_lines)] {
        if let (None, Some(value)) = (&one, get(name)) {
            *one = Some(text(name, value)?);
        }
    }
    if let (0, Some(value)) = (args.verbose, get("CHINWAG_VERBOSE")) {
        let value = text("CHINWAG_VERBOSE", value)?;
        args.verbose = value.parse().map_err(|_| format!("CHINWAG_VERBOSE is {value:?}; write 0, 1 or 2"))?;
    }
    args.tls.fill(get)?;
    args.history.fill(get)?;
    args.token_file = args.token_file.take().or_else(|| get("CHINWAG_TOKEN_FILE"));
    Ok(())
}

/// Several values are separated by commas, which no value has in it.
pub(super) fn split(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(|item| item.trim().to_owned())
}

fn text(name: &str, value: OsString) -> Result<String, String> {
    value.into_string().map_err(|_| format!("{name} is not UTF-8"))
}

fn switch(name: &str, value: OsString) -> Result<bool, String> {
    let value = text(name, value)?;
    match value.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(format!("{name} is {value:?}; write 1 or 0")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str, variables: &[(&str, &str)]) -> Result<Wish, String> {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        parse(Parser::from_args(line.split_whitespace()), find)
    }

    #[test]
    fn flags_win_over_the_environment_and_lists_are_split() {
        let wish = run("--listen 127.0.0.1:1234 -v", &[("CHINWAG_LISTEN", "[::1]:1"), ("CHINWAG_HOST", "a, b")]);
        let expected = Args {
            listen: vec!["127.0.0.1:1234".into()],
            host: vec!["a".into(), "b".into()],
            verbose: 1,
            ..Args::default()
        };
        assert_eq!(wish, Ok(Wish::Run(Box::new(expected))));
    }

    #[test]
    fn a_flag_takes_several_values_as_a_variable_does() {
        let wish = run("--listen 127.0.0.1:1,[::1]:1 --listen [::1]:2 --host a,b --limit=x=1,y=2", &[]);
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let expected = Args {
            listen: words(&["127.0.0.1:1", "[::1]:1", "[::1]:2"]),
            host: words(&["a", "b"]),
            limit: words(&["x=1", "y=2"]),
            ..Args::default()
        };
        assert_eq!(wish, Ok(Wish::Run(Box::new(expected))));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, variables, word) in [
            ("--lisen x", &[][..], "--lisen"),
            ("-x", &[], "-x"),
            ("stray", &[], "stray"),
            ("--listen", &[], "--listen"),
            ("", &[("CHINWAG_NO_LIMITS", "maybe")], "CHINWAG_NO_LIMITS"),
            ("", &[("CHINWAG_VERBOSE", "lots")], "CHINWAG_VERBOSE"),
        ] {
            let error = run(line, variables).expect_err(line);
            assert!(error.contains(word) && !error.contains('\n'), "{line}: {error}");
        }
    }

    #[test]
    fn every_flag_in_the_help_is_read_and_has_its_variable() {
        for word in HELP.split_whitespace().filter(|word| word.starts_with("--")) {
            let word = word.trim_end_matches([',', ':', ';', ')']);
            let parsed = run(&format!("{word} 1"), &[]).or_else(|_| run(word, &[]));
            assert!(parsed.is_ok(), "{word}: {parsed:?}");
        }
        for help in [HELP, &help()] {
            assert!(help.lines().count() <= 24 && help.lines().all(|line| line.len() <= 80), "{help}");
        }
    }

    #[test]
    fn what_this_build_has_not_is_marked() {
        for (see, needs, is_here) in FEATURES {
            assert!(HELP.contains(see) && help().contains(see) == is_here, "{see}");
            assert!(!HELP.contains(needs) && help().contains(needs) != is_here, "{needs}");
        }
    }
}
