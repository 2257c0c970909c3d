//! The environment as flags: `CHINWAG_LISTEN=x` is `--listen=x`.

use super::flags::{Flag, PREFIX, Value, flags_of, is_information, variable};
use super::suggest::{did_you_mean, nearest_flag};
use std::ffi::OsString;

/// Variables that belong to the tests and tools of this project, and the version, which images of containers often have.
const IGNORED: &str = "BIN BLESS BROWSER CHROMIUM DEADLINE FIREFOX FIREFOX_PYTHON MDN NO_SKIP OUTAGE PYTHON \
    SCREENSHOTS SCRIPTS SHOTS SOAK_SECONDS URL VERSION";

/// Names and values.
pub(crate) type Variables<'a> = dyn Iterator<Item = (OsString, OsString)> + 'a;

/// The flags that these variables set, and their values. An empty variable does not count.
///
/// # Errors
/// One line: there is no such variable, or its value is wrong.
pub(crate) fn values(command: &str, variables: &mut Variables<'_>) -> Result<Vec<(&'static str, OsString)>, String> {
    let mut values = Vec::new();
    let flags = flags_of(command);
    for (name, value) in variables {
        let (name, text) = (name.to_string_lossy(), value.to_string_lossy());
        let is_ours = name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
        if !is_ours || value.is_empty() {
            continue;
        }
        let Some(flag) = flags.iter().find(|flag| is_variable(flag, &name)) else {
            check_name(&name, &text)?;
            continue;
        };
        match (flag.value, text.to_ascii_lowercase().as_str()) {
            (Value::Required, _) => values.push((flag.name, value)),
            (_, "1" | "true" | "yes" | "on") => values.push((flag.name, OsString::new())),
            (_, "0" | "false" | "no" | "off") => {}
            (Value::Optional, _) => values.push((flag.name, value)),
            (Value::Switch, _) => return Err(format!("{name} is {value:?}; write 1 or 0")),
        }
    }
    Ok(values)
}

/// Whether the variable of this flag has this name.
fn is_variable(flag: &Flag, name: &str) -> bool {
    !is_information(flag.name) && variable(flag.name) == name
}

/// Accepts the names that the server does not use, and that mean something to another program, or to `chinwag chat`.
fn check_name(name: &str, value: &str) -> Result<(), String> {
    let flags = [flags_of(""), flags_of("chat")].concat();
    let rest = name.get(PREFIX.len()..).unwrap_or_default();
    let is_known = flags.iter().any(|flag| is_variable(flag, name)) || IGNORED.split(' ').any(|name| name == rest);
    // In each container, Kubernetes names a service that is called `chinwag` or `chinwag-…`.
    let is_of_kubernetes = ["SERVICE_HOST", "SERVICE_PORT", "PORT_"].iter().any(|part| rest.contains(part));
    if is_known || is_of_kubernetes || (rest.ends_with("PORT") && value.contains("://")) {
        return Ok(());
    }
    let names = flags.iter().map(|flag| flag.name).filter(|name| !is_information(name)).collect();
    let flag = nearest_flag(&rest.replace('_', "-"), names);
    let advice = did_you_mean(flag.map(|flag| variable(flag).replace(' ', "=")).as_deref());
    Err(format!("there is no variable {name}{advice}; every flag has one: chinwag --help lists the flags"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &str) -> Result<(), String> {
        check_name(&format!("{PREFIX}{name}"), value)
    }

    #[test]
    fn unknown_names_are_refused_with_the_nearest() {
        for (name, value, advice) in [
            ("TOKENFILE", "x", "CHINWAG_TOKEN_FILE?"),
            ("LISTEN_", "x", "CHINWAG_LISTEN?"),
            ("TOKEN", "x", "CHINWAG_TOKEN_FILE?"),
            ("PORT", "8080", "CHINWAG_LISTEN=ADDR:PORT?"),
            ("FROBNICATE", "x", "--help"),
            ("HELP", "1", "--help"),
            ("", "1", "--help"),
        ] {
            let error = check(name, value).expect_err(name);
            assert!(error.contains(advice) && error.contains(name), "{name}: {error}");
        }
        assert!(check_name("chinwag_listen", "x").is_err_and(|error| error.contains("CHINWAG_LISTEN?")));
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
