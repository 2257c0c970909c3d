//! The command line and the environment, read into [`Flags`].

use super::amount::Unit;
use super::flags::{Feature, Flag, Subcommand, Value, variable};
use lexopt::{Arg, Parser};
use std::ffi::{OsStr, OsString};
use std::{collections::HashMap, env, fs, path::Path};

/// What the program is asked to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print a help text, or the version.
    Print(String),
    Run(Subcommand, Flags),
}

/// The flags that were given, and their values as text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    values: HashMap<&'static str, Vec<OsString>>,
    /// The URL of `chinwag chat URL`, or the file of `chinwag history FILE`.
    pub(crate) operand: Option<OsString>,
}

/// Reads the command line and the environment of this process.
///
/// # Errors
/// One line that names the flag or the variable that is wrong.
pub(crate) fn read() -> Result<Command, String> {
    command(env::args_os().skip(1).collect(), |name| env::var_os(name))
}

fn command(mut words: Vec<OsString>, get: impl Fn(&str) -> Option<OsString>) -> Result<Command, String> {
    let (subcommand, advice) = match words.first().and_then(|word| word.to_str()) {
        Some("chat") => (Subcommand::Chat, "chinwag chat --help"),
        Some("history") => (Subcommand::History, "chinwag --help-history"),
        _ => (Subcommand::Serve, "chinwag --help"),
    };
    if subcommand != Subcommand::Serve {
        words.remove(0);
    }
    let parse = |words| parse(subcommand, words).map_err(|error| format!("{error}; {advice} lists the flags"));
    let mut flags = parse(words)?;
    let information = ["help", "help-tls", "help-history", "help-limits", "version"];
    if let Some(name) = information.into_iter().find(|name| flags.has(name)) {
        return Ok(Command::Print(subcommand.help(name)));
    }
    // A flag replaces the values of its variable.
    for (name, values) in parse(environment(subcommand, get)?)?.values {
        flags.values.entry(name).or_insert(values);
    }
    subcommand.feature().map_or(Ok(()), Feature::check)?;
    for Flag { name, feature, .. } in subcommand.flags().filter(|flag| flags.has(flag.name)) {
        feature.map_or(Ok(()), Feature::check).map_err(|missing| format!("--{name}: {missing}"))?;
    }
    Ok(Command::Run(subcommand, flags))
}

fn parse(subcommand: Subcommand, words: Vec<OsString>) -> Result<Flags, lexopt::Error> {
    let (mut flags, mut parser) = (Flags::default(), Parser::from_args(words));
    while let Some(arg) = parser.next()? {
        let name = match &arg {
            Arg::Short('h') => "help",
            Arg::Short('V') => "version",
            Arg::Short('v') => "verbose",
            Arg::Short('q') => "quiet",
            Arg::Long(name) => name,
            Arg::Value(value) if subcommand != Subcommand::Serve && flags.operand.is_none() => {
                flags.operand = Some(value.clone());
                continue;
            }
            _ => return Err(arg.unexpected()),
        };
        let Some(flag) = subcommand.flags().find(|flag| flag.name == name) else { return Err(arg.unexpected()) };
        let value = match flag.value {
            Value::Switch => OsString::new(),
            Value::Optional => parser.optional_value().unwrap_or_default(),
            Value::Required => parser.value()?,
        };
        flags.values.entry(flag.name).or_default().push(value);
    }
    Ok(flags)
}

/// The environment as arguments: `CHINWAG_LISTEN=x` is `--listen=x`. An empty variable does not count.
fn environment(subcommand: Subcommand, get: impl Fn(&str) -> Option<OsString>) -> Result<Vec<OsString>, String> {
    let mut words = Vec::new();
    let has_variable = |flag: &Flag| flag.has_variable() && subcommand != Subcommand::History;
    for flag in subcommand.flags().filter(has_variable) {
        let name = variable(flag.name);
        let Some(value) = get(&name).filter(|value| !value.is_empty()) else { continue };
        let word = OsString::from(format!("--{}", flag.name));
        let times = match (flag.value, value.to_string_lossy().to_ascii_lowercase().as_str()) {
            (Value::Required, _) => None,
            (_, "1" | "true" | "yes" | "on") => Some(1),
            (_, "0" | "false" | "no" | "off") => Some(0),
            (_, "2") if flag.name == "verbose" => Some(2),
            (Value::Optional, _) => None,
            (Value::Switch, _) => {
                let values = if flag.name == "verbose" { "0, 1 or 2" } else { "1 or 0" };
                return Err(format!("{name} is {value:?}; write {values}"));
            }
        };
        match times {
            Some(times) => words.extend(vec![word; times]),
            None => words.push([&word, OsStr::new("="), &value].into_iter().collect()),
        }
    }
    Ok(words)
}

impl Flags {
    /// How often a flag was given.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.values.get(name).map_or(0, Vec::len)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.count(name) > 0
    }

    pub(crate) fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.has(name))
    }

    /// The value of a flag, which may be the name of a file. If a flag was repeated, its last value counts.
    pub(crate) fn value(&self, name: &str) -> Option<&OsStr> {
        self.values.get(name)?.last().map(OsString::as_os_str)
    }

    /// The value of a flag, as text.
    ///
    /// # Errors
    /// One line: it is not UTF-8.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, String> {
        self.value(name).map(|value| utf8(name, value)).transpose()
    }

    /// All values of a flag, which may be repeated. Commas also separate values.
    ///
    /// # Errors
    /// One line: a value is not UTF-8.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<&str>, String> {
        let mut list = Vec::new();
        for value in self.values.get(name).into_iter().flatten() {
            list.extend(utf8(name, value)?.split(',').map(str::trim));
        }
        Ok(list)
    }

    /// The value of a flag, as an amount of this unit, at least `least`.
    ///
    /// # Errors
    /// One line that says what to write.
    pub(crate) fn amount<N: TryFrom<u64>>(&self, name: &str, unit: Unit, least: u64) -> Result<Option<N>, String> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let amount = unit.parse(text).filter(|amount| *amount >= least).and_then(|amount| amount.try_into().ok());
        let wrong = || format!("--{name} {text:?}: write {}, at least {least}", unit.example());
        amount.ok_or_else(wrong).map(Some)
    }

    /// The content of the file that a flag names.
    ///
    /// # Errors
    /// One line: it cannot be read.
    pub(crate) fn content(&self, name: &str) -> Result<Option<String>, String> {
        let read =
            |file| fs::read_to_string(file).map_err(|error| format!("--{name} {}: {error}", Path::new(file).display()));
        self.value(name).map(read).transpose()
    }
}

fn utf8<'a>(name: &str, value: &'a OsStr) -> Result<&'a str, String> {
    value.to_str().ok_or_else(|| format!("--{name} is not UTF-8"))
}

#[cfg(all(test, feature = "history"))]
impl Flags {
    /// The flags of a command line, for other tests.
    pub(crate) fn of(subcommand: Subcommand, words: &[&str]) -> Self {
        parse(subcommand, words.iter().map(OsString::from).collect()).expect("known flags")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str, variables: &[(&str, &str)]) -> Result<Command, String> {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        command(line.split_whitespace().map(OsString::from).collect(), find)
    }

    fn server(line: &str, variables: &[(&str, &str)]) -> Flags {
        match parsed(line, variables) {
            Ok(Command::Run(Subcommand::Serve, flags)) => flags,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn flags_override_the_environment_and_commas_separate_values() {
        let flags = server("--listen 127.0.0.1:1 -v", &[("CHINWAG_LISTEN", "[::1]:1"), ("CHINWAG_HOST", "a, b")]);
        assert_eq!(flags.list("listen"), Ok(vec!["127.0.0.1:1"]));
        assert_eq!(flags.list("host"), Ok(vec!["a", "b"]));
        assert_eq!((flags.count("verbose"), flags.has("quiet")), (1, false));
        let flags = server("--listen 127.0.0.1:1,[::1]:1 --listen [::1]:2 --limit=x=1,y=2", &[]);
        assert_eq!(flags.list("listen"), Ok(vec!["127.0.0.1:1", "[::1]:1", "[::1]:2"]));
        assert_eq!(flags.list("limit"), Ok(vec!["x=1", "y=2"]));
    }

    #[test]
    fn mistakes_are_named() {
        for (line, variables, part) in [
            ("--lisen x", &[][..], "--lisen"),
            ("-x", &[], "-x"),
            ("stray", &[], "stray"),
            ("--listen", &[], "--listen"),
            ("--name ann", &[], "--name"),
            ("chat ws://h/ ws://i/", &[], "ws://i/"),
            ("chat ws://h/ --nmae x", &[], "--nmae"),
            ("chat --name", &[], "--name"),
            ("history f g", &[], "g"),
            ("history f -q", &[], "-q"),
            ("", &[("CHINWAG_NO_LIMITS", "maybe")], "CHINWAG_NO_LIMITS"),
            ("", &[("CHINWAG_VERBOSE", "lots")], "CHINWAG_VERBOSE"),
        ] {
            let error = parsed(line, variables).expect_err(line);
            assert!(error.contains(part) && !error.contains('\n'), "{line}: {error}");
        }
    }

    #[test]
    fn every_flag_has_a_variable() {
        for subcommand in [Subcommand::Serve, Subcommand::Chat] {
            for flag in subcommand.flags().filter(Flag::has_variable) {
                let variable = variable(flag.name);
                let words = environment(subcommand, |name| (name == variable).then(|| "1".into()));
                let flags = parse(subcommand, words.expect("1 is a value")).expect("a flag");
                let expected = if flag.value == Value::Required { "1" } else { "" };
                assert_eq!(flags.value(flag.name), Some(OsStr::new(expected)), "{variable}");
            }
        }
    }

    #[test]
    fn switches_are_on_or_off() {
        for (name, value, count) in [
            ("VERBOSE", "2", 2),
            ("VERBOSE", "0", 0),
            ("LIST_ROOMS", "Yes", 1),
            ("LIST_ROOMS", "off", 0),
            ("QUIET", "", 0),
        ] {
            let flags = server("", &[(&format!("CHINWAG_{name}"), value)]);
            assert_eq!(flags.count(&name.to_ascii_lowercase().replace('_', "-")), count, "{name}={value}");
        }
        assert_eq!(server("", &[("CHINWAG_TLS_SELF_SIGNED", "no"), ("CHINWAG_VERSION", "7")]), Flags::default());
    }

    #[test]
    fn help_comes_before_everything_else() {
        for line in ["--help", "-vh", "chat -h", "history --help", "--help-limits", "--help-tls"] {
            let variables = [("CHINWAG_NO_LIMITS", "nonsense"), ("CHINWAG_TLS_CERT", "x")];
            assert!(matches!(parsed(line, &variables), Ok(Command::Print(..))), "{line}");
        }
    }

    #[test]
    fn a_missing_feature_is_named() {
        for (line, feature, is_built) in [
            ("--hsts 1", "tls", cfg!(feature = "tls")),
            ("--history-days 1", "history", cfg!(feature = "history")),
            ("chat ws://h/", "terminal", cfg!(feature = "terminal")),
            ("history f", "history", cfg!(feature = "history")),
        ] {
            let (parsed, advice) = (parsed(line, &[]), format!("cargo build --release --features {feature}"));
            assert_eq!(parsed.is_ok(), is_built, "{line}");
            assert!(parsed.is_ok() || parsed.is_err_and(|error| error.contains(&advice)), "{line}");
        }
    }
}
