//! The environment as arguments: `CHINWAG_LISTEN=x` is `--listen=x`.

use super::flags::{Flag, Subcommand, Value, variable};
use super::suggest::{did_you_mean, with_port};
use std::ffi::{OsStr, OsString};

pub(crate) const PREFIX: &str = "CHINWAG_";

/// Variables that belong to the tests and tools of this project, and the version, which images of containers often have.
const IGNORED: &[&str] = &[
    "BIN",
    "BLESS",
    "BROWSER",
    "CHROMIUM",
    "DEADLINE",
    "FIREFOX",
    "FIREFOX_PYTHON",
    "MDN",
    "NO_SKIP",
    "OUTAGE",
    "PYTHON",
    "SCREENSHOTS",
    "SCRIPTS",
    "SHOTS",
    "SOAK_SECONDS",
    "URL",
    "VERSION",
];

/// The words of a command line for these variables, of which each begins with [`PREFIX`]. An empty one does not count.
///
/// # Errors
/// One line: there is no such variable, or its value is wrong.
pub(crate) fn words(subcommand: Subcommand, variables: &[(String, OsString)]) -> Result<Vec<OsString>, String> {
    let mut words = Vec::new();
    if subcommand == Subcommand::History {
        return Ok(words);
    }
    let variables = variables.iter().filter(|(_, value)| !value.is_empty());
    for (name, value) in variables.clone() {
        check_name(name, value)?;
    }
    for flag in subcommand.flags().filter(Flag::has_variable) {
        let name = variable(flag.name);
        let Some((_, value)) = variables.clone().find(|(found, _)| *found == name) else { continue };
        let word = OsString::from(format!("--{}", flag.name));
        match times(&flag, value)? {
            Some(times) => words.extend(vec![word; times]),
            None => words.push([&word, OsStr::new("="), value].into_iter().collect()),
        }
    }
    Ok(words)
}

/// How often the variable of a switch sets it. `None`: the value is that of the flag.
fn times(flag: &Flag, value: &OsStr) -> Result<Option<usize>, String> {
    Ok(match (flag.value, value.to_string_lossy().to_ascii_lowercase().as_str()) {
        (Value::Required, _) => None,
        (_, "1" | "true" | "yes" | "on") => Some(1),
        (_, "0" | "false" | "no" | "off") => Some(0),
        (_, "2") if flag.name == "verbose" => Some(2),
        (Value::Optional, _) => None,
        (Value::Switch, _) => {
            let values = if flag.name == "verbose" { "0, 1 or 2" } else { "1 or 0" };
            return Err(format!("{} is {value:?}; write {values}", variable(flag.name)));
        }
    })
}

fn check_name(name: &str, value: &OsStr) -> Result<(), String> {
    let flags = Subcommand::Serve.flags().chain(Subcommand::Chat.flags()).filter(Flag::has_variable);
    let known: Vec<String> = flags.map(|flag| variable(flag.name)).collect();
    let (value, rest) = (value.to_string_lossy(), name.get(PREFIX.len()..).unwrap_or_default());
    if known.iter().any(|known| known == name) || IGNORED.contains(&rest) || is_of_kubernetes(rest, &value) {
        return Ok(());
    }
    let advice = match rest {
        "PORT" | "ADDRESS" | "BIND" => format!(" (did you mean CHINWAG_LISTEN={}?)", with_port(&value)),
        _ => did_you_mean(rest, known.iter().map(|known| &known[PREFIX.len()..])).replace("mean ", "mean CHINWAG_"),
    };
    Err(format!("there is no variable {name}{advice}; every flag has one: chinwag --help lists the flags"))
}

/// Kubernetes sets such variables in each container if there is a service called `chinwag` or `chinwag-…`.
fn is_of_kubernetes(rest: &str, value: &str) -> bool {
    let is_port = rest.split("PORT_").nth(1).is_some_and(|port| port.starts_with(|c: char| c.is_ascii_digit()));
    let is_url = rest.ends_with("PORT") && value.contains("://");
    is_port || is_url || rest.contains("SERVICE_HOST") || rest.contains("SERVICE_PORT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &str) -> Result<(), String> {
        check_name(&format!("{PREFIX}{name}"), value.as_ref())
    }

    #[test]
    fn unknown_names_are_refused_with_the_nearest() {
        for (name, value, advice) in [
            ("TOKENFILE", "x", "CHINWAG_TOKEN_FILE?"),
            ("LISTEN_", "x", "CHINWAG_LISTEN?"),
            ("TOKEN", "x", "CHINWAG_TOKEN_FILE?"),
            ("PORT", "8080", "CHINWAG_LISTEN=127.0.0.1:8080?"),
            ("FROBNICATE", "x", "--help"),
            ("HELP", "1", "--help"),
            ("", "1", "--help"),
        ] {
            let error = check(name, value).expect_err(name);
            assert!(error.contains(advice) && error.contains(name), "{name}: {error}");
        }
        assert!(check_name("chinwag_listen", "x".as_ref()).is_err_and(|error| error.contains("CHINWAG_LISTEN?")));
    }

    #[test]
    fn names_of_others_are_ignored() {
        for (name, value) in [
            ("NAME", "ann"),
            ("HISTORY", "x"),
            ("PYTHON", "/usr/bin/python3"),
            ("PORT", "tcp://10.0.0.1:6502"),
            ("PORT_6502_TCP_ADDR", "10.0.0.1"),
            ("SERVICE_HOST", "10.0.0.1"),
            ("WEB_SERVICE_PORT_HTTP", "80"),
        ] {
            assert_eq!(check(name, value), Ok(()), "{name}");
        }
    }
}
