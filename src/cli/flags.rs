//! All flags. The help texts in `help/` are their table: a line that begins with `  -` names flags, and shows whether they
//! take a value.

use Value::{Optional, Required, Switch};

/// `chinwag --help` of a build with every feature.
const SERVER: &str = include_str!("help/server.txt");
/// The least `head` is twice what browsers send, the least `message` fits a sign-in, and `events` are allocated at once.
pub(crate) const LIMITS: &str = include_str!("help/limits.txt");
const SERVICE: &str = include_str!("help/service.txt");
const HEALTH: &str = include_str!("help/health.txt");
const TLS: &str = include_str!("help/tls.txt");
const HISTORY: &str = include_str!("help/history.txt");
const HISTORY_COMMAND: &str = include_str!("help/history_command.txt");
const HISTORY_HELP: &str = concat!(include_str!("help/history.txt"), include_str!("help/history_command.txt"));
#[cfg(feature = "cluster")]
const CLUSTER: &str = include_str!("cluster/help.txt");
const CTL: &str = include_str!("help/ctl.txt");
const CHECK: &str = include_str!("help/check.txt");
const CHAT: &str = include_str!("help/chat.txt");

/// A part of the program that a build may lack.
#[derive(Debug)]
pub(crate) struct Feature {
    name: &'static str,
    what: &'static str,
    /// Where `--help` points to.
    see: &'static str,
    is_built: bool,
}

const fn feature(name: &'static str, what: &'static str, see: &'static str, is_built: bool) -> Feature {
    Feature { name, what, see, is_built }
}

pub(crate) static TLS_FEATURE: Feature = feature("tls", "TLS", "(see --help-tls)", cfg!(feature = "tls"));
static DEFLATE_FEATURE: Feature = feature("deflate", "compression", "(RFC 7692)", cfg!(feature = "deflate"));
static HISTORY_FEATURE: Feature =
    feature("history", "stored history", "(see --help-history)", cfg!(feature = "history"));
static TERMINAL_FEATURE: Feature =
    feature("terminal", "the terminal client", "(see chinwag chat --help)", cfg!(feature = "terminal"));
static CHECK_FEATURE: Feature =
    feature("check", "chinwag check", "(see chinwag check --help)", cfg!(feature = "check"));
static FEATURES: [&Feature; 5] = [&CHECK_FEATURE, &DEFLATE_FEATURE, &HISTORY_FEATURE, &TERMINAL_FEATURE, &TLS_FEATURE];

impl Feature {
    /// # Errors
    /// The feature is missing. The line also names those that this build has: an installation replaces the last one.
    pub(crate) fn check(&self) -> Result<(), String> {
        let wanted = FEATURES.iter().filter(|feature| feature.is_built || feature.name == self.name);
        let names = wanted.map(|feature| feature.name).collect::<Vec<_>>().join(",");
        let command = format!("cargo install --locked --path . --features {names}");
        let missing =
            format!("this chinwag was built without {}; in the folder of its source, run: {command}", self.what);
        if self.is_built { Ok(()) } else { Err(missing) }
    }
}

/// The first words of the command line that choose another command than the server, which is "".
pub(crate) const COMMANDS: [&str; 5] = ["chat", "check", "ctl", "health", "history"];

/// The texts with the flags of a command, and the feature that they need. A command that needs one has a single text.
fn texts(command: &str) -> Vec<(&'static str, Option<&'static Feature>)> {
    match command {
        "chat" => vec![(CHAT, Some(&TERMINAL_FEATURE))],
        "check" => vec![(CHECK, Some(&CHECK_FEATURE))],
        "ctl" => vec![(CTL, None)],
        "health" => vec![(HEALTH, None)],
        "history" => vec![(HISTORY_COMMAND, Some(&HISTORY_FEATURE))],
        _ => vec![
            (SERVER, None),
            (SERVICE, None),
            (TLS, Some(&TLS_FEATURE)),
            (HISTORY, Some(&HISTORY_FEATURE)),
            #[cfg(feature = "cluster")]
            (CLUSTER, None),
        ],
    }
}

/// The feature without which nothing of a command works.
pub(crate) fn feature_of(command: &str) -> Option<&'static Feature> {
    texts(command)[0].1
}

/// The flags that a command accepts.
pub(crate) fn flags_of(command: &str) -> Vec<Flag> {
    texts(command).into_iter().flat_map(|(text, feature)| flags(text, feature)).collect()
}

/// The text of `--help` or the like, or of `--version`.
pub(crate) fn help(command: &str, flag: &str) -> String {
    let (text, feature) = match (flag, command) {
        ("version", _) => (concat!("chinwag ", env!("CARGO_PKG_VERSION"), "\n"), None),
        #[cfg(feature = "cluster")]
        ("help-cluster", _) => (CLUSTER, None),
        ("help-limits", _) => (LIMITS, None),
        ("help-service", _) => (SERVICE, None),
        ("help-tls", _) => (TLS, Some(&TLS_FEATURE)),
        ("help-history", _) | (_, "history") => (HISTORY_HELP, Some(&HISTORY_FEATURE)),
        (_, "") => return server_help(),
        _ => texts(command)[0],
    };
    feature.map_or(Ok(()), Feature::check).map_or_else(|missing| missing + "\n", |()| text.to_owned())
}

fn server_help() -> String {
    let missing = FEATURES.iter().filter(|feature| !feature.is_built);
    let help = missing.fold(SERVER.to_owned(), |help, feature| {
        help.replace(feature.see, &format!("(needs feature {})", feature.name))
    });
    // The line for --limit names --help-limits, too.
    #[cfg(feature = "cluster")]
    let help = help.replace("   --help-limits   ", "   --help-cluster   ");
    help
}

#[derive(Debug, Clone)]
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

/// Whether a flag prints a text. It has no environment variable.
pub(crate) fn is_information(name: &str) -> bool {
    name.starts_with("help") || name == "version"
}

/// Finds the flags in a help text, such as `--quiet`, `--name NAME` and `--tls-self-signed[=FILE]`.
fn flags(text: &'static str, feature: Option<&'static Feature>) -> impl Iterator<Item = Flag> {
    let lines = text.lines().filter(|line| line.starts_with("  -"));
    lines.flat_map(|line| line.split("--").skip(1)).map(move |word| {
        let (name, rest) =
            word.split_at(word.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(word.len()));
        let value = match rest.as_bytes() {
            [b'[', ..] => Optional,
            [b' ', b'A'..=b'Z', ..] => Required,
            _ => Switch,
        };
        let feature = match name {
            // Only TLS needs certificates.
            "ca-file" => Some(&TLS_FEATURE),
            "deflate" => Some(&DEFLATE_FEATURE),
            _ => feature,
        };
        Flag { name, value, feature }
    })
}

/// Every variable begins with it.
pub(crate) const PREFIX: &str = "CHINWAG_";

/// The environment variable of a flag.
pub(crate) fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_fits_a_screen() {
        for texts in [
            &[SERVER][..],
            &[help("", "help").as_str()],
            &[TLS],
            &[SERVICE],
            &[HEALTH],
            &[HISTORY_HELP],
            &[CHAT],
            &[CTL],
        ] {
            let text = texts.concat();
            assert!(text.lines().count() <= 24 && text.lines().all(|line| line.chars().count() <= 80), "{text}");
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
        let shown = help("", "help");
        for feature in FEATURES {
            let needs = format!("(needs feature {})", feature.name);
            assert!(SERVER.contains(feature.see) && shown.contains(feature.see) == feature.is_built, "{feature:?}");
            assert!(!SERVER.contains(&needs) && shown.contains(&needs) != feature.is_built, "{feature:?}");
            let line = feature.check().err().unwrap_or_default();
            assert_eq!(line.contains(feature.name) && !line.contains('\n'), !feature.is_built, "{line}");
            let names = line.rsplit(' ').next().unwrap_or_default();
            let is_expected = |other: &&Feature| {
                names.split(',').any(|name| name == other.name) == (other.is_built || other.name == feature.name)
            };
            assert!(feature.is_built || FEATURES.iter().all(is_expected), "{line}");
        }
    }
}
