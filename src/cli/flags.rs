//! All flags. The help texts in `help/` are their table: a line that begins with `  -` names flags, and shows whether they
//! take a value.

use Value::{Optional, Required, Switch};

/// `chinwag --help`. A flag of a feature that this build lacks is refused with the feature's name.
const SERVER: &str = include_str!("help/server.txt");
/// The least `head` is twice what browsers send, the least `message` fits a sign-in, and `events` are allocated at once.
pub(crate) const LIMITS: &str = include_str!("help/limits.txt");
const SERVICE: &str = include_str!("help/service.txt");
const TLS: &str = include_str!("help/tls.txt");
const HISTORY: &str = include_str!("help/history.txt");
const HISTORY_HELP: &str = concat!(include_str!("help/history.txt"), include_str!("help/history_command.txt"));
#[cfg(feature = "cluster")]
const CLUSTER: &str = include_str!("cluster/help.txt");

/// The parts of the program that a build may lack: the name of the feature, what it is, and whether this build has it.
const FEATURES: [(&str, &str, bool); 5] = [
    ("check", "chinwag check", cfg!(feature = "check")),
    ("deflate", "compression", cfg!(feature = "deflate")),
    ("history", "stored history", cfg!(feature = "history")),
    ("terminal", "the terminal client", cfg!(feature = "terminal")),
    ("tls", "TLS", cfg!(feature = "tls")),
];

/// Checks that this build has a feature. Every build has "".
///
/// # Errors
/// It is missing. The line also names the features that this build has: an installation replaces the last one.
pub(crate) fn check_feature(name: &str) -> Result<(), String> {
    let missing = FEATURES.iter().find(|(other, .., is_built)| *other == name && !is_built);
    let Some((_, what, _)) = missing else { return Ok(()) };
    let wanted = FEATURES.iter().filter(|(other, .., is_built)| *is_built || *other == name);
    let names = wanted.map(|(name, ..)| *name).collect::<Vec<_>>().join(",");
    let command = format!("cargo install --locked --path . --features {names}");
    Err(format!("this chinwag was built without {what}; in the folder of its source, run: {command}"))
}

/// The first words of the command line that choose another command than the server, which is "".
pub(crate) const COMMANDS: [&str; 5] = ["chat", "check", "ctl", "health", "history"];

/// The texts with the flags of a command, and the feature that they need. A command that needs one has a single text.
pub(crate) fn texts(command: &str) -> Vec<(&'static str, &'static str)> {
    match command {
        "chat" => vec![(include_str!("help/chat.txt"), "terminal")],
        "check" => vec![(include_str!("help/check.txt"), "check")],
        "ctl" => vec![(include_str!("help/ctl.txt"), "")],
        "health" => vec![(include_str!("help/health.txt"), "")],
        "history" => vec![(include_str!("help/history_command.txt"), "history")],
        _ => vec![
            (SERVER, ""),
            (SERVICE, ""),
            (TLS, "tls"),
            (HISTORY, "history"),
            #[cfg(feature = "cluster")]
            (CLUSTER, ""),
        ],
    }
}

/// The flags that a command accepts.
pub(crate) fn flags_of(command: &str) -> Vec<Flag> {
    texts(command).into_iter().flat_map(|(text, feature)| flags(text, feature)).collect()
}

/// The text of `--help` or the like, or of `--version`.
pub(crate) fn help(command: &str, flag: &str) -> String {
    let (text, feature) = match (flag, command) {
        // The line for --tls-cert names --help-tls as well.
        #[cfg(feature = "cluster")]
        ("help", "") => return SERVER.replace("   --help-tls   ", "   --help-cluster   "),
        ("version", _) => (concat!("chinwag ", env!("CARGO_PKG_VERSION"), "\n"), ""),
        #[cfg(feature = "cluster")]
        ("help-cluster", _) => (CLUSTER, ""),
        ("help-limits", _) => (LIMITS, ""),
        ("help-service", _) => (SERVICE, ""),
        ("help-tls", _) => (TLS, "tls"),
        ("help-history", _) | (_, "history") => (HISTORY_HELP, "history"),
        _ => texts(command)[0],
    };
    check_feature(feature).map_or_else(|missing| missing + "\n", |()| text.to_owned())
}

#[derive(Debug, Clone)]
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    pub(crate) value: Value,
    pub(crate) feature: &'static str,
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
fn flags(text: &'static str, feature: &'static str) -> impl Iterator<Item = Flag> {
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
            "ca-file" => "tls",
            "deflate" => "deflate",
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
            &[texts("health")[0].0],
            &[HISTORY_HELP],
            &[texts("chat")[0].0],
            &[texts("ctl")[0].0],
        ] {
            let text = texts.concat();
            assert!(text.lines().count() <= 24 && text.lines().all(|line| line.chars().count() <= 80), "{text}");
        }
    }

    #[test]
    fn flags_are_read_from_the_help() {
        let text = "  --a-b N   x (see --help-c)\n  -v, --d   --e[=FILE]\n--f is prose";
        let found: Vec<_> = flags(text, "").map(|flag| (flag.name, flag.value)).collect();
        assert_eq!(found, [("a-b", Required), ("help-c", Switch), ("d", Switch), ("e", Optional)]);
    }

    #[test]
    fn missing_feature_is_explained() {
        for (name, _, is_built) in FEATURES {
            let line = check_feature(name).err().unwrap_or_default();
            assert_eq!(line.contains(name) && !line.contains('\n'), !is_built, "{line}");
            let names = line.rsplit(' ').next().unwrap_or_default();
            let is_expected = |(other, _, is_built): &(&str, &str, bool)| {
                names.split(',').any(|name| name == *other) == (*is_built || *other == name)
            };
            assert!(is_built || FEATURES.iter().all(is_expected), "{line}");
        }
    }
}
