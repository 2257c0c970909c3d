//! All flags. The help texts are their table: a line that begins with `  -` says which flags there are, and whether they
//! take a value.

use Value::{Optional, Required, Switch};

/// `chinwag --help`, in a build with every feature.
const SERVER: &str = "\
chinwag: a small WebSocket chat server. Run it and open the address it prints.

usage: chinwag [FLAGS]
       chinwag chat URL      chat in a terminal (see chinwag chat --help)
       chinwag history FILE  print stored messages (see --help-history)
  --listen ADDR:PORT   where to listen; may be repeated    [127.0.0.1:6502]
  --dialect NAME       for clients without a subprotocol: json, text [json]
  --history-lines N    messages that a new client receives; 0: none [50]
  --history FILE       store messages in FILE (see --help-history)
  --list-rooms         list the rooms and their users at /rooms, for everyone
  --host NAME          a host name of this server; may be repeated
  --origin ORIGIN      accept pages of this origin, too; '*': any; repeatable
  --require-origin     refuse clients that send no Origin (most programs)
  --tls-cert FILE      https:// and wss:// (see --help-tls)
  --token-file FILE    accept only clients that send the token in FILE
  --trusted-proxy ADDR a proxy whose X-Forwarded-For is trusted; repeatable
  --limit NAME=VALUE   change a limit; may be repeated (see --help-limits)
  --no-limits          no limits against hostile clients, for benchmarks
  --allow-blocked-port listen on a port that browsers refuse to connect to
  -v, --verbose        log more (-vv: every frame)   -q, --quiet: only errors
  -h, --help   --help-limits   --help-tls   --help-history   -V, --version

Every flag is also an environment variable: --token-file is CHINWAG_TOKEN_FILE.
Commas separate several values. Flags override variables. RUST_LOG is honoured.
";

const TLS: &str = "\
https:// and wss:// without a proxy. docs/TLS.md says more.

  --tls-cert FILE          the certificate, followed by its chain, as PEM
  --tls-key FILE           its private key, as PEM; may be the same file
  --tls-self-signed[=FILE] instead of both: generates a certificate, stores it
                           in ~/.local/state/chinwag or in FILE, and prints its
                           SHA-256 fingerprint
  --listen-tls ADDR:PORT   where to accept TLS; may be repeated [127.0.0.1:6502]
  --redirect-http ADDR:PORT  where to answer plain HTTP with 308 to https://
  --hsts SECONDS           how long browsers shall use https:// only

Addresses of --listen stay plain: add --listen-tls. A changed certificate is used
for the next client, or at once after SIGHUP; no client is dropped, and one that
cannot be used is reported in the log. Flags are also environment variables:
CHINWAG_TLS_CERT.
";

const HISTORY: &str = "\
Stored history: a message is in FILE before any client receives it.
docs/HISTORY.md says more.

  --history FILE         store messages in FILE, an SQLite database
  --history-sync MODE    normal: kill -9 loses nothing, a power cut may lose the
                         last seconds; full: neither loses anything, but the
                         disk has more to write                   [normal]
  --history-days N       delete messages that are older than N days  [never]
  --history-rows N       keep only the last N messages of all rooms    [all]

These flags are also environment variables: CHINWAG_HISTORY=FILE.
";

const HISTORY_COMMAND: &str = "
chinwag history FILE     prints the messages in FILE, even while a server uses it
  --room NAME            only this room; '' is the lobby
  --json                 as JSON, one line for each message
  --export               everything, as JSON lines, for a backup
  --import               adds an export from stdin; no server may use FILE
  -h, --help
";

const CHAT: &str = "\
chinwag chat: chat in a terminal, or through a pipe.

usage: chinwag chat URL [FLAGS]        URL: such as ws://localhost:6502/
  --name NAME          your name                              [your login name]
  --room NAME          the room; default: the one in the URL, or the lobby
  --token-file FILE    the file with the access token that the server needs
  --ca-file FILE       for wss://: trust only the certificates in FILE
  --retry SECONDS      how long to try to reconnect after a loss           [60]
  -h, --help   -V, --version

In a terminal, each line is a message; /name bob, /msg ann hi, /users and /quit
are commands, and //x sends /x. In a pipe, every line is a message, and after the
last one it waits until all are delivered: tail -f log | chinwag chat URL

Every flag is also an environment variable: --name is CHINWAG_NAME.
Colours are used if stdout is a terminal and NO_COLOR is not set.
Exit code: 0 closed, all delivered; 1 refused or connection lost; 2 wrong usage.
";

/// A part of the program that a build may lack.
#[derive(Debug)]
pub(crate) struct Feature {
    name: &'static str,
    what: &'static str,
    /// Where `--help` points to.
    see: &'static str,
    is_built: bool,
}

const FEATURES: [&Feature; 3] = [TLS_FEATURE, HISTORY_FEATURE, TERMINAL_FEATURE];

const TLS_FEATURE: &Feature =
    &Feature { name: "tls", what: "TLS", see: "(see --help-tls)", is_built: cfg!(feature = "tls") };

const HISTORY_FEATURE: &Feature = &Feature {
    name: "history",
    what: "stored history",
    see: "(see --help-history)",
    is_built: cfg!(feature = "history"),
};

const TERMINAL_FEATURE: &Feature = &Feature {
    name: "terminal",
    what: "the terminal client",
    see: "(see chinwag chat --help)",
    is_built: cfg!(feature = "terminal"),
};

impl Feature {
    /// # Errors
    /// The feature is missing. The line says how to get it.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self { name, what, .. } = self;
        match self.is_built {
            true => Ok(()),
            false => Err(format!(
                "this chinwag was built without {what}; build it with: cargo build --release --features {name}"
            )),
        }
    }
}

/// What the first word of the command line chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subcommand {
    Serve,
    Chat,
    History,
}

impl Subcommand {
    pub(crate) fn feature(self) -> Option<&'static Feature> {
        match self {
            Self::Serve => None,
            Self::Chat => Some(TERMINAL_FEATURE),
            Self::History => Some(HISTORY_FEATURE),
        }
    }

    /// The flags that it accepts.
    pub(crate) fn flags(self) -> impl Iterator<Item = Flag> {
        let tables: &[(&str, Option<&Feature>)] = match self {
            Self::Serve => &[(TLS, Some(TLS_FEATURE)), (HISTORY, Some(HISTORY_FEATURE)), (SERVER, None)],
            Self::Chat => &[(CHAT, Some(TERMINAL_FEATURE))],
            Self::History => &[(HISTORY_COMMAND, Some(HISTORY_FEATURE))],
        };
        tables.iter().flat_map(|(text, feature)| flags(text, *feature))
    }

    /// The text of `--help`, or of `--help-tls` and the like.
    pub(crate) fn help(self, flag: &str) -> String {
        match (flag, self) {
            ("help-tls", _) => help(TLS_FEATURE, &[TLS]),
            ("help-history", _) | (_, Self::History) => help(HISTORY_FEATURE, &[HISTORY, HISTORY_COMMAND]),
            (_, Self::Chat) => help(TERMINAL_FEATURE, &[CHAT]),
            (_, Self::Serve) => {
                let missing = FEATURES.iter().filter(|feature| !feature.is_built);
                missing.fold(SERVER.to_owned(), |help, feature| {
                    help.replace(feature.see, &format!("(needs feature {})", feature.name))
                })
            }
        }
    }
}

fn help(feature: &Feature, texts: &[&str]) -> String {
    feature.check().map_or_else(|missing| missing + "\n", |()| texts.concat())
}

#[derive(Debug)]
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    pub(crate) value: Value,
    pub(crate) feature: Option<&'static Feature>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Switch,
    Optional,
    Required,
}

impl Flag {
    /// Whether it is also an environment variable.
    pub(crate) fn has_variable(&self) -> bool {
        !self.name.starts_with("help") && self.name != "version"
    }
}

/// The flags in a help text, such as `--quiet`, `--name NAME` and `--tls-self-signed[=FILE]`.
fn flags(text: &'static str, feature: Option<&'static Feature>) -> impl Iterator<Item = Flag> {
    let lines = text.lines().filter(|line| line.starts_with("  -"));
    let words = lines.flat_map(|line| line.match_indices("--").map(|(at, dashes)| &line[at + dashes.len()..]));
    words.map(move |word| {
        let end = word.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(word.len());
        let (name, rest) = word.split_at(end);
        let value = match rest.as_bytes() {
            [b'[', ..] => Optional,
            [b' ', b'A'..=b'Z', ..] => Required,
            _ => Switch,
        };
        // Only TLS needs certificates.
        let feature = if name == "ca-file" { Some(TLS_FEATURE) } else { feature };
        Flag { name, value, feature }
    })
}

/// The environment variable of a flag.
pub(crate) fn variable(name: &str) -> String {
    format!("CHINWAG_{}", name.to_ascii_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_fits_a_screen() {
        for texts in
            [&[SERVER][..], &[Subcommand::Serve.help("help").as_str()], &[TLS], &[HISTORY, HISTORY_COMMAND], &[CHAT]]
        {
            let text = texts.concat();
            assert!(text.lines().count() <= 24 && text.lines().all(|line| line.chars().count() <= 81), "{text}");
        }
    }

    #[test]
    fn flags_are_read_from_the_help() {
        let text = "  --a-b N   x (see --help-c)\n  -v, --d   --e[=FILE]\n--f is prose";
        let found: Vec<_> = flags(text, None).map(|flag| (flag.name, flag.value)).collect();
        assert_eq!(found, [("a-b", Required), ("help-c", Switch), ("d", Switch), ("e", Optional)]);
    }

    #[test]
    fn missing_features_are_marked() {
        let help = Subcommand::Serve.help("help");
        for feature in FEATURES {
            let needs = format!("(needs feature {})", feature.name);
            assert!(SERVER.contains(feature.see) && help.contains(feature.see) == feature.is_built, "{feature:?}");
            assert!(!SERVER.contains(&needs) && help.contains(&needs) != feature.is_built, "{feature:?}");
            assert!(
                feature.check().map_or_else(|line| line.contains("--features ") && !line.contains('\n'), |()| true)
            );
        }
    }
}
