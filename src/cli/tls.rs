//! TLS as the flags want it: which certificate, and on which addresses.
//!
//! Owns the checks on those flags, and where a certificate is kept that this machine has made for itself.

pub(crate) use super::tls_flags::{Flags, HELP};

use super::{args::Args, setup, tls_flags::SelfSigned};
use chinwag::{
    Builder,
    tls::{self, Acceptor},
};
use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// The certificate, if there is to be TLS.
pub(crate) struct Tls {
    acceptor: Option<Acceptor>,
    self_signed: bool,
}

impl Tls {
    /// Reads the certificate, or makes one.
    ///
    /// # Errors
    /// One line that says what to do.
    pub(crate) fn prepare(args: &Args) -> Result<Self, String> {
        let flags = &args.tls;
        if !flags.wanted() {
            return Ok(Self { acceptor: None, self_signed: false });
        }
        let has_certificate = flags.cert.is_some() || flags.self_signed.is_some();
        if has_certificate && !args.listen.is_empty() && flags.listen.is_empty() {
            return Err("--listen is plain, and there is a certificate: say --listen-tls ADDR:PORT for TLS \
                (instead of --listen, or beside it)"
                .into());
        }
        let acceptor = acceptor(args)?;
        let acceptor = Some(match flags.hsts {
            Some(seconds) => acceptor.with_hsts(seconds),
            None => acceptor,
        });
        Ok(Self { acceptor, self_signed: flags.self_signed.is_some() })
    }

    /// Has the server listen where TLS is to be spoken, and where others are sent there.
    ///
    /// # Errors
    /// One line that says what to do.
    pub(crate) fn listen(&self, args: &Args, mut builder: Builder) -> Result<Builder, String> {
        let Some(acceptor) = &self.acceptor else { return Ok(builder) };
        let default = [setup::DEFAULT_LISTEN.to_owned()];
        let wanted = if args.tls.listen.is_empty() { &default[..] } else { &args.tls.listen };
        for text in wanted {
            let addr = setup::address("listen-tls", text, args)?;
            builder =
                builder.listen_tls(addr, acceptor).map_err(|error| setup::cannot_listen("listen-tls", &error, args))?;
        }
        for text in &args.tls.redirect {
            // No other port is proposed where that one is taken: browsers try 80.
            let addr = setup::address("redirect-http", text, args)?;
            builder = builder.redirect_http(addr).map_err(|error| format!("--redirect-http: {error}"))?;
        }
        Ok(builder)
    }

    /// What people have to know of a certificate for which nobody vouches.
    pub(crate) fn greeting(&self) -> Option<String> {
        let acceptor = self.acceptor.as_ref().filter(|_| self.self_signed)?;
        let fingerprint = acceptor.fingerprint();
        Some(format!(
            "browsers will warn of its certificate, which it made itself; compare the SHA-256 fingerprint:\n{fingerprint}\n"
        ))
    }

    /// What SIGHUP does.
    pub(crate) fn on_hangup(&self) -> Option<impl Fn() + Send + 'static> {
        let acceptor = self.acceptor.clone()?;
        Some(move || acceptor.reload())
    }
}

fn acceptor(args: &Args) -> Result<Acceptor, String> {
    let flags = &args.tls;
    match (&flags.cert, &flags.key, &flags.self_signed) {
        (Some(certificate), Some(key), None) => from_files(certificate, key),
        (None, None, Some(place)) => made_here(place, args),
        (None, None, None) => Err(format!(
            "{} wants a certificate: give --tls-cert FILE and --tls-key FILE, or --tls-self-signed",
            first_of(flags)
        )),
        (_, _, Some(_)) => Err("--tls-self-signed makes a certificate: leave out --tls-cert and --tls-key".into()),
        (Some(_), None, None) => {
            Err("--tls-cert wants its private key: give --tls-key FILE (the same file, if it has both)".into())
        }
        (None, Some(_), None) => Err("--tls-key is given, but no certificate: give --tls-cert FILE".into()),
    }
}

fn first_of(flags: &Flags) -> &'static str {
    match () {
        () if !flags.listen.is_empty() => "--listen-tls",
        () if !flags.redirect.is_empty() => "--redirect-http",
        () => "--hsts",
    }
}

fn from_files(certificate: &OsStr, key: &OsStr) -> Result<Acceptor, String> {
    Acceptor::from_pem_files(certificate, key).map_err(|error| format!("--tls-cert, --tls-key: {error}"))
}

/// The certificate in its place, made if it is not there.
fn made_here(place: &SelfSigned, args: &Args) -> Result<Acceptor, String> {
    let file = match place {
        SelfSigned::In(file) => PathBuf::from(file),
        SelfSigned::Anywhere => default_place()?,
    };
    let said = |error: tls::Error| format!("--tls-self-signed: {error}");
    if tls::self_signed(&file, &names(args)).map_err(said)? {
        log::info!("made a certificate, and keeps it in {}", file.display());
    }
    Acceptor::from_pem_files(&file, &file).map_err(said)
}

/// Where programs keep such things: systemd says it, or the XDG Base Directory Specification.
fn default_place() -> Result<PathBuf, String> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
    let folder = match (variable("STATE_DIRECTORY"), variable("XDG_STATE_HOME"), variable("HOME")) {
        (Some(folder), ..) => PathBuf::from(folder),
        (_, Some(folder), _) => Path::new(&folder).join("chinwag"),
        (.., Some(home)) => Path::new(&home).join(".local/state/chinwag"),
        _ => return Err("there is no HOME to keep the certificate in: say where, --tls-self-signed=FILE".into()),
    };
    Ok(folder.join("self-signed.pem"))
}

/// What this machine may be called, its own name first.
fn names(args: &Args) -> Vec<String> {
    let machine = rustix::system::uname().nodename().to_string_lossy().to_lowercase();
    let short = machine.trim_end_matches(".local").to_owned();
    let mut names = vec![short.clone(), format!("{short}.local"), "localhost".to_owned()];
    names.extend(args.host.iter().filter(|host| host.as_str() != "*").cloned());
    names.extend(tls::addresses_of_this_machine().iter().map(ToString::to_string));
    names.retain(|name| !name.is_empty() && name.is_ascii());
    names
}
