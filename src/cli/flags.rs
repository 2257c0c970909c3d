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

/// What the first word of the command line chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subcommand {
    Serve,
    Chat,
    Check,
    Ctl,
    History,
    Health,
}

impl Subcommand {
    pub(crate) fn feature(self) -> Option<&'static Feature> {
        match self {
            Self::Serve | Self::Ctl | Self::Health => None,
            Self::Chat => Some(&TERMINAL_FEATURE),
            Self::Check => Some(&CHECK_FEATURE),
            Self::History => Some(&HISTORY_FEATURE),
        }
    }

    /// The flags that it accepts.
    pub(crate) fn flags(self) -> Vec<Flag> {
        let tables = match self {
            Self::Serve => {
                vec![(TLS, Some(&TLS_FEATURE)), (HISTORY, Some(&HISTORY_FEATURE)), (SERVER, None), (SERVICE, None)]
            }
            Self::Chat => vec![(CHAT, self.feature())],
            Self::Check => vec![(CHECK, self.feature())],
            Self::Ctl => vec![(CTL, None)],
            Self::History => vec![(HISTORY_COMMAND, self.feature())],
            Self::Health => vec![(HEALTH, None)],
        };
        let mut found = Vec::new();
        #[cfg(feature = "cluster")]
        if self == Self::Serve {
            flags(CLUSTER, None, &mut found);
        }
        for (text, feature) in tables {
            flags(text, feature, &mut found);
        }
        found
    }

    /// The text of `--help` or the like, or of `--version`.
    pub(crate) fn help(self, flag: &str) -> String {
        match (flag, self) {
            ("version", _) => concat!("chinwag ", env!("CARGO_PKG_VERSION"), "\n").to_owned(),
            #[cfg(feature = "cluster")]
            ("help-cluster", _) => CLUSTER.to_owned(),
            ("help-limits", _) => LIMITS.to_owned(),
            ("help-service", _) => SERVICE.to_owned(),
            ("help-tls", _) => help(&TLS_FEATURE, &[TLS]),
            ("help-history", _) | (_, Self::History) => help(&HISTORY_FEATURE, &[HISTORY, HISTORY_COMMAND]),
            (_, Self::Ctl) => CTL.to_owned(),
            (_, Self::Check) => help(&CHECK_FEATURE, &[CHECK]),
            (_, Self::Chat) => help(&TERMINAL_FEATURE, &[CHAT]),
            (_, Self::Health) => HEALTH.to_owned(),
            (_, Self::Serve) => {
                let missing = FEATURES.iter().filter(|feature| !feature.is_built);
                let help = missing.fold(SERVER.to_owned(), |help, feature| {
                    help.replace(feature.see, &format!("(needs feature {})", feature.name))
                });
                // The line for --limit names --help-limits, too.
                #[cfg(feature = "cluster")]
                let help = help.replace("   --help-limits   ", "   --help-cluster   ");
                help
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

/// Finds the flags in a help text, such as `--quiet`, `--name NAME` and `--tls-self-signed[=FILE]`.
fn flags(text: &'static str, feature: Option<&'static Feature>, found: &mut Vec<Flag>) {
    for line in text.lines().filter(|line| line.starts_with("  -")) {
        for word in line.split("--").skip(1) {
            let end = word.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(word.len());
            let (name, rest) = word.split_at(end);
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
            found.push(Flag { name, value, feature });
        }
    }
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
            &[Subcommand::Serve.help("help").as_str()],
            &[TLS],
            &[SERVICE],
            &[HEALTH],
            &[HISTORY, HISTORY_COMMAND],
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
        let mut found = Vec::new();
        flags(text, None, &mut found);
        let found: Vec<_> = found.iter().map(|flag| (flag.name, flag.value)).collect();
        assert_eq!(found, [("a-b", Required), ("help-c", Switch), ("d", Switch), ("e", Optional)]);
    }

    #[test]
    fn missing_features_are_marked() {
        let help = Subcommand::Serve.help("help");
        for feature in FEATURES {
            let needs = format!("(needs feature {})", feature.name);
            assert!(SERVER.contains(feature.see) && help.contains(feature.see) == feature.is_built, "{feature:?}");
            assert!(!SERVER.contains(&needs) && help.contains(&needs) != feature.is_built, "{feature:?}");
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
