//! The certificate that the flags for TLS name, or that this machine generates for itself.

use super::{amount::Unit, arguments::Flags, listen::asks_for_tls, machine_name};
use chinwag::tls::{Acceptor, addresses_of_this_machine};
use std::{env, ffi::OsStr, path::PathBuf};

/// The certificate, if any flag asks for TLS.
///
/// # Errors
/// One line that says what to do.
pub(crate) fn acceptor(flags: &Flags) -> Result<Option<Acceptor>, String> {
    if !asks_for_tls(flags) {
        return Ok(None);
    }
    let has_certificate = flags.has("tls-cert") || flags.has("tls-self-signed");
    if has_certificate && flags.has("listen") && !flags.has("listen-tls") {
        return Err("--listen is plain, but there is a certificate: add --listen-tls ADDR:PORT for TLS, \
            or use it instead of --listen"
            .into());
    }
    let hsts = flags.amount("hsts", Unit::Seconds, 0)?;
    Ok(Some(hsts.into_iter().fold(certificate(flags)?, Acceptor::with_hsts)))
}

fn certificate(flags: &Flags) -> Result<Acceptor, String> {
    match (flags.value("tls-cert"), flags.value("tls-key"), flags.value("tls-self-signed")) {
        (Some(certificate), Some(key), None) => {
            Acceptor::from_pem_files(certificate, key).map_err(|error| format!("--tls-cert, --tls-key: {error}"))
        }
        (None, None, Some(file)) => self_signed(file, flags),
        (None, None, None) => {
            let flag = ["listen-tls", "redirect-http"].into_iter().find(|flag| flags.has(flag)).unwrap_or("hsts");
            Err(format!("--{flag} needs a certificate: add --tls-cert FILE and --tls-key FILE, or --tls-self-signed"))
        }
        (_, _, Some(_)) => Err("--tls-self-signed generates a certificate: leave out --tls-cert and --tls-key".into()),
        _ => Err("--tls-cert and --tls-key need each other: add both (the same file, if it has both)".into()),
    }
}

/// The certificate in this file, which is generated if it does not exist. Without a name, in the state directory.
fn self_signed(file: &OsStr, flags: &Flags) -> Result<Acceptor, String> {
    let file = if file.is_empty() { default_file()? } else { PathBuf::from(file) };
    Acceptor::self_signed(file, host_names(flags)?).map_err(|error| format!("--tls-self-signed: {error}"))
}

/// The state directory: systemd names it, or else the XDG Base Directory Specification.
fn default_file() -> Result<PathBuf, String> {
    let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    let folders = [("STATE_DIRECTORY", ""), ("XDG_STATE_HOME", "chinwag"), (home, ".local/state/chinwag")];
    let folder = folders.into_iter().find_map(|(variable, below)| {
        env::var_os(variable).filter(|value| !value.is_empty()).map(|folder| PathBuf::from(folder).join(below))
    });
    let folder = folder.ok_or("no HOME directory to store the certificate in: add --tls-self-signed=FILE")?;
    Ok(folder.join("self-signed.pem"))
}

/// The names and addresses that this machine may be reached by, its own name first.
fn host_names(flags: &Flags) -> Result<Vec<String>, String> {
    let machine = machine_name().to_lowercase();
    let machine = machine.trim_end_matches('.');
    let short = machine.split('.').next().unwrap_or_default();
    let mut names = vec![short.to_owned(), format!("{short}.local"), machine.to_owned(), "localhost".to_owned()];
    names.extend(flags.list("host")?.into_iter().filter(|host| *host != "*").map(str::to_owned));
    names.extend(addresses_of_this_machine().iter().map(ToString::to_string));
    names.retain(|name| !name.is_empty() && name.is_ascii());
    Ok(names)
}

/// What users need to know about a certificate that no authority has signed.
pub(crate) fn fingerprint(flags: &Flags, acceptor: Option<&Acceptor>) -> String {
    let Some(acceptor) = acceptor.filter(|_| flags.has("tls-self-signed")) else { return String::new() };
    let warning = "browsers will warn about the self-signed certificate; compare its SHA-256 fingerprint:";
    format!("{warning}\n{}\n", acceptor.fingerprint())
}
