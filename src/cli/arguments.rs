//! The command line and the environment, read into [`Flags`].

use super::amount::Unit;
use super::environment::{self, Variables};
use super::flags::{COMMANDS, Value, check_feature, flags_of, help, is_information, texts, variable};
use super::suggest::{did_you_mean, nearest, nearest_flag};
use lexopt::{Arg, Parser};
use std::env;
use std::ffi::{OsStr, OsString};

/// What the program is asked to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print a help text, or the version.
    Print(String),
    /// Run the command of this name with these flags. The server's name is "".
    Run(&'static str, Flags),
}

/// The flags that were given, and their values as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    /// A flag that was repeated is here several times.
    values: Vec<(&'static str, OsString)>,
    /// The URL of `chinwag chat URL`, the file of `chinwag history FILE`, or the words of `chinwag ctl COMMAND…`.
    pub(crate) words: Vec<OsString>,
}

/// The flags that may be repeated.
const LISTS: &str = "exempt host limit listen listen-tls origin redirect-http trusted-proxy verbose";

/// Reads the command line and the environment of this process.
///
/// # Errors
/// One line that names the flag or the variable that is wrong.
pub(crate) fn read() -> Result<Command, String> {
    command(env::args_os().skip(1).collect(), &mut env::vars_os())
}

fn command(mut words: Vec<OsString>, variables: &mut Variables<'_>) -> Result<Command, String> {
    let command = COMMANDS.into_iter().find(|command| words.first().is_some_and(|word| word == command));
    words.drain(..usize::from(command.is_some()));
    let command = command.unwrap_or_default();
    let help_flag = format!("chinwag {command} --help").replace("  ", " ");
    let mut flags = parse(command, words).map_err(|error| format!("{error}; {help_flag} lists the flags"))?;
    if let Some((name, _)) = flags.values.iter().find(|(name, _)| is_information(name)) {
        return Ok(Command::Print(help(command, name)));
    }
    let mut values = environment::values(command, variables)?;
    // A flag replaces the values of its variable.
    values.retain(|(name, _)| !flags.has(name));
    let given = flags.values.len();
    flags.values.append(&mut values);
    for (at, (name, value)) in flags.values.iter().enumerate() {
        let has_comma = at >= given && *name == "admin" && value.as_encoded_bytes().contains(&b',');
        if has_comma || flags.count(name) > 1 && LISTS.split(' ').all(|list| list != *name) {
            let why = if has_comma { ", and this one has a comma" } else { "" };
            return Err(format!("--{name} or {}: only one value is possible{why}", variable(name)));
        }
    }
    // Nothing of the command works without it.
    check_feature(texts(command)[0].1)?;
    for flag in flags_of(command).iter().filter(|flag| flags.has(flag.name)) {
        check_feature(flag.feature).map_err(|missing| format!("--{}: {missing}", flag.name))?;
    }
    Ok(Command::Run(command, flags))
}

fn parse(command: &str, words: Vec<OsString>) -> Result<Flags, lexopt::Error> {
    let (known, mut flags, mut parser) = (flags_of(command), Flags::default(), Parser::from_args(words));
    while let Some(arg) = parser.next()? {
        let word = match &arg {
            Arg::Short('h') => "help",
            Arg::Short('V') => "version",
            Arg::Short('v') => "verbose",
            Arg::Short('q') => "quiet",
            Arg::Short('p') => "port",
            Arg::Short(_) => "",
            Arg::Long(name) => name,
            Arg::Value(value) if command == "ctl" || !command.is_empty() && flags.words.is_empty() => {
                flags.words.push(value.clone());
                continue;
            }
            Arg::Value(value) => value.to_str().unwrap_or_default(),
        };
        let is_flag = !matches!(arg, Arg::Value(_));
        let Some(flag) = known.iter().find(|flag| is_flag && flag.name == word) else {
            let advice = did_you_mean(likely(command, word).as_deref());
            return Err(format!("{}{advice}", arg.unexpected()).into());
        };
        let value = match flag.value {
            Value::Switch => OsString::new(),
            Value::Optional => parser.optional_value().unwrap_or_default(),
            Value::Required => parser.value()?,
        };
        flags.values.push((flag.name, value));
    }
    Ok(flags)
}

/// What may be meant by an argument that is unknown.
fn likely(command: &str, word: &str) -> Option<String> {
    let flags: Vec<_> = flags_of(command).iter().map(|flag| flag.name).collect();
    let flag = match (command, nearest(word, &COMMANDS)) {
        ("", _) if word.contains("://") => return Some(format!("chinwag chat {word}")),
        ("", Some(command)) => return Some(format!("chinwag {command}")),
        ("", None) => nearest_flag(word, flags)?,
        _ => nearest(word, &flags)?,
    };
    Some(format!("--{flag}"))
}

impl Flags {
    /// How often a flag was given.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.values.iter().filter(|(flag, _)| *flag == name).count()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The value of a flag, which may be the name of a file. If a flag was repeated, its last value counts.
    pub(crate) fn value(&self, name: &str) -> Option<&OsStr> {
        self.values.iter().rfind(|(flag, _)| *flag == name).map(|(_, value)| value.as_os_str())
    }

    /// The value of a flag, as text.
    ///
    /// # Errors
    /// One line: it is not UTF-8.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, String> {
        self.value(name).map(|value| utf8(name, value)).transpose()
    }

    /// The URL of a command, if there is one.
    ///
    /// # Errors
    /// One line: it is not UTF-8.
    pub(crate) fn url(&self) -> Result<Option<&str>, String> {
        self.words.first().map(|url| url.to_str().ok_or_else(|| "the URL is not UTF-8".to_owned())).transpose()
    }

    /// The value of a flag that must be one of these.
    ///
    /// # Errors
    /// One line that lists them.
    pub(crate) fn choice<'a>(&self, name: &str, choices: &[&'a str]) -> Result<Option<&'a str>, String> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let found = choices.iter().find(|choice| **choice == text).copied();
        let advice = || did_you_mean(nearest(text, choices));
        found.ok_or_else(|| format!("--{name} {text:?}: write {}{}", choices.join(" or "), advice())).map(Some)
    }

    /// All values of a flag, which may be repeated. Commas also separate values.
    ///
    /// # Errors
    /// One line: a value is not UTF-8.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<&str>, String> {
        let mut list = Vec::new();
        for (_, value) in self.values.iter().filter(|(flag, _)| *flag == name) {
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
        let at_least = if least > 0 { format!(", at least {least}") } else { String::new() };
        let wrong = || format!("--{name} {text:?}: write {}{at_least}", unit.example());
        amount.ok_or_else(wrong).map(Some)
    }
}

fn utf8<'a>(name: &str, value: &'a OsStr) -> Result<&'a str, String> {
    value.to_str().ok_or_else(|| format!("--{name} is not UTF-8"))
}

#[cfg(test)]
impl Flags {
    /// The flags of a command line, for other tests.
    pub(crate) fn of(command: &str, words: &[&str]) -> Self {
        parse(command, words.iter().map(OsString::from).collect()).expect("known flags")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str, variables: &[(&str, &str)]) -> Result<Command, String> {
        let mut variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        command(line.split_whitespace().map(OsString::from).collect(), &mut variables)
    }

    fn server(line: &str, variables: &[(&str, &str)]) -> Flags {
        match parsed(line, variables) {
            Ok(Command::Run("", flags)) => flags,
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
        // A flag replaces its variable, so that these are not two values.
        let flags = server("--bans a,b -vv", &[("CHINWAG_BANS", "c")]);
        assert_eq!((flags.text("bans"), flags.count("verbose")), (Ok(Some("a,b")), 2));
    }

    #[test]
    fn one_value_may_have_a_comma() {
        for (name, value) in [
            #[cfg(feature = "cluster")]
            ("cluster", "redis://:pa,ss@h/"),
            #[cfg(feature = "history")]
            ("history", "/srv/a,b.db"),
            ("token-file", "/run/a,b"),
            ("bans", "a,b"),
        ] {
            assert_eq!(server("", &[(&variable(name), value)]).text(name), Ok(Some(value)), "{name}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (line, variables, part) in [
            ("--lisen x", &[][..], "(did you mean --listen?)"),
            ("--token x", &[], "(did you mean --token-file?)"),
            ("--port 8080", &[], "(did you mean --listen ADDR:PORT?)"),
            ("-p 8080", &[], "(did you mean --listen ADDR:PORT?)"),
            ("--prot 8080", &[], "(did you mean --listen ADDR:PORT?)"),
            ("7000", &[], "7000"),
            ("ws://h:1/", &[], "(did you mean chinwag chat ws://h:1/?)"),
            ("https://h", &[], "(did you mean chinwag chat https://h?)"),
            ("-q wss://h/", &[], "(did you mean chinwag chat wss://h/?)"),
            ("chta ws://h/", &[], "(did you mean chinwag chat?)"),
            ("histroy f", &[], "(did you mean chinwag history?)"),
            ("help", &[], "(did you mean --help?)"),
            ("-x", &[], "-x"),
            ("stray", &[], "stray"),
            ("--listen", &[], "--listen"),
            ("--name ann", &[], "--name"),
            ("chat ws://h/ ws://i/", &[], "ws://i/"),
            ("chat ws://h/ --nmae x", &[], "(did you mean --name?)"),
            ("chat --name", &[], "--name"),
            ("history f g", &[], "g"),
            ("history f -q", &[], "-q"),
            ("--admin unix:a --admin unix:b", &[], "--admin or CHINWAG_ADMIN: only one value is possible"),
            ("--bans a --bans b", &[], "--bans or CHINWAG_BANS: only one value is possible"),
            ("--dialect=json -q --dialect=json", &[], "--dialect or CHINWAG_DIALECT: only one value is possible"),
            ("ctl who --admin unix:a --admin unix:a", &[], "--admin or CHINWAG_ADMIN: only one value is possible"),
            (
                "",
                &[("CHINWAG_ADMIN", "a,b")],
                "--admin or CHINWAG_ADMIN: only one value is possible, and this one has a comma",
            ),
            ("ctl who", &[("CHINWAG_ADMIN", "unix:a,unix:b")], "--admin or CHINWAG_ADMIN: only one value is possible"),
            ("chat ws://h/ --name a --name b", &[], "--name or CHINWAG_NAME: only one value is possible"),
            ("", &[("CHINWAG_NO_LIMITS", "maybe")], "CHINWAG_NO_LIMITS"),
            ("", &[("CHINWAG_VERBOSE", "lots")], "CHINWAG_VERBOSE"),
            ("", &[("CHINWAG_TOKENFILE", "x")], "(did you mean CHINWAG_TOKEN_FILE?)"),
            ("chat ws://h/", &[("CHINWAG_NAMME", "x")], "(did you mean CHINWAG_NAME?)"),
        ] {
            let error = parsed(line, variables).expect_err(line);
            assert!(error.contains(part) && !error.contains('\n'), "{line}: {error}");
        }
    }

    #[test]
    fn every_flag_has_a_variable() {
        for command in ["", "chat"] {
            for flag in flags_of(command).into_iter().filter(|flag| !is_information(flag.name)) {
                let variable = crate::cli::flags::variable(flag.name);
                let values = environment::values(command, &mut [(variable.clone().into(), "1".into())].into_iter());
                let expected = if flag.value == Value::Required { "1" } else { "" };
                assert_eq!(values, Ok(vec![(flag.name, expected.into())]), "{variable}");
            }
        }
    }

    #[test]
    fn switches_are_on_or_off() {
        for (name, value, count) in [
            ("VERBOSE", "1", 1),
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
            let parsed = parsed(line, &[]);
            assert_eq!(parsed.is_ok(), is_built, "{line}");
            let names_it = |error: String| error.contains("cargo install") && error.contains(feature);
            assert!(parsed.is_ok() || parsed.is_err_and(names_it), "{line}");
        }
    }
}
