//! The flags for TLS, as given.
//!
//! Owns their names, their environment variables and `--help-tls`. What they mean is [`super::tls`]'s.

use super::args::split;
use lexopt::{Parser, ValueExt};
use std::ffi::{OsStr, OsString};

/// `--help-tls`.
pub(crate) const HELP: &str = "\
https:// and wss:// without a proxy. docs/TLS.md says more.

  --tls-cert FILE          the certificate, its chain behind it, as PEM
  --tls-key FILE           its private key, as PEM; may be the same file
  --tls-self-signed[=FILE] instead: a certificate that this machine makes for
                           itself, kept in ~/.local/state/chinwag or in FILE;
                           prints its SHA-256 fingerprint
  --listen-tls ADDR:PORT   where to speak TLS; may be repeated  [127.0.0.1:6502]
  --redirect-http ADDR:PORT  where to answer plain HTTP with 308 to https://
  --hsts SECONDS           have browsers come by https:// only, for so long

--listen stays plain: beside it, say --listen-tls. A changed certificate is shown
to the next newcomer, or send SIGHUP; nobody is dropped, and one that cannot be
used is reported in the log. Every flag is a variable, too: CHINWAG_TLS_CERT.
";

/// The flags.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    pub(crate) cert: Option<OsString>,
    pub(crate) key: Option<OsString>,
    pub(crate) self_signed: Option<SelfSigned>,
    pub(crate) listen: Vec<String>,
    pub(crate) redirect: Vec<String>,
    pub(crate) hsts: Option<u32>,
}

/// Where the certificate is kept that this machine makes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SelfSigned {
    Anywhere,
    In(OsString),
}

impl Flags {
    /// One of ours, or `false`.
    pub(crate) fn take(&mut self, name: &str, parser: &mut Parser) -> Result<bool, lexopt::Error> {
        match name {
            "tls-cert" => self.cert = Some(parser.value()?),
            "tls-key" => self.key = Some(parser.value()?),
            "tls-self-signed" => {
                self.self_signed = Some(parser.optional_value().map_or(SelfSigned::Anywhere, SelfSigned::In));
            }
            "listen-tls" => self.listen.extend(split(&parser.value()?.string()?)),
            "redirect-http" => self.redirect.extend(split(&parser.value()?.string()?)),
            "hsts" => self.hsts = Some(parser.value()?.parse_with(seconds)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What was left open, from the environment.
    ///
    /// # Errors
    /// A sentence for a variable that is wrong.
    pub(crate) fn fill(&mut self, get: impl Fn(&str) -> Option<OsString>) -> Result<(), String> {
        self.cert = self.cert.take().or_else(|| get("CHINWAG_TLS_CERT"));
        self.key = self.key.take().or_else(|| get("CHINWAG_TLS_KEY"));
        if let (None, Some(value)) = (&self.self_signed, get("CHINWAG_TLS_SELF_SIGNED")) {
            self.self_signed = self_signed(value);
        }
        for (name, list) in [("CHINWAG_LISTEN_TLS", &mut self.listen), ("CHINWAG_REDIRECT_HTTP", &mut self.redirect)] {
            if let (true, Some(value)) = (list.is_empty(), get(name)) {
                let text = value.into_string().map_err(|_| format!("{name} is not UTF-8"))?;
                *list = split(&text).collect();
            }
        }
        if let (None, Some(value)) = (self.hsts, get("CHINWAG_HSTS")) {
            let text = value.to_string_lossy();
            self.hsts = Some(seconds(&text).map_err(|why| format!("CHINWAG_HSTS is {text:?}: {why}"))?);
        }
        Ok(())
    }

    /// The addresses that were given.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &String> {
        self.listen.iter().chain(&self.redirect)
    }

    /// How many addresses speak TLS: with a certificate and none given, the default one does.
    pub(crate) fn secure(&self) -> usize {
        match self.wanted() {
            true => self.listen.len().max(1),
            false => 0,
        }
    }

    /// Is TLS wanted at all?
    pub(crate) fn wanted(&self) -> bool {
        *self != Self::default()
    }
}

fn seconds(text: &str) -> Result<u32, &'static str> {
    text.parse().map_err(|_| "--hsts wants a number of seconds, such as 31536000")
}

/// `1` is yes, `0` is no, and else it is a file.
fn self_signed(value: OsString) -> Option<SelfSigned> {
    let is = |words: &[&str]| words.iter().any(|word| value.as_os_str() == OsStr::new(word));
    match () {
        () if is(&["0", "false", "no", "off"]) => None,
        () if is(&["1", "true", "yes", "on"]) => Some(SelfSigned::Anywhere),
        () => Some(SelfSigned::In(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(variables: &[(&str, &str)]) -> Result<Flags, String> {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        let mut flags = Flags::default();
        flags.fill(find).map(|()| flags)
    }

    #[test]
    fn every_flag_has_its_variable() {
        let flags = filled(&[
            ("CHINWAG_TLS_CERT", "a"),
            ("CHINWAG_TLS_KEY", "b"),
            ("CHINWAG_TLS_SELF_SIGNED", "/x.pem"),
            ("CHINWAG_LISTEN_TLS", "c, d"),
            ("CHINWAG_REDIRECT_HTTP", "e"),
            ("CHINWAG_HSTS", "60"),
        ]);
        let expected = Flags {
            cert: Some("a".into()),
            key: Some("b".into()),
            self_signed: Some(SelfSigned::In("/x.pem".into())),
            listen: vec!["c".into(), "d".into()],
            redirect: vec!["e".into()],
            hsts: Some(60),
        };
        assert_eq!(flags, Ok(expected));
        assert!(filled(&[("CHINWAG_HSTS", "long")]).is_err_and(|error| error.contains("CHINWAG_HSTS")));
        assert_eq!(self_signed("1".into()), Some(SelfSigned::Anywhere));
        assert_eq!(self_signed("no".into()), None);
    }

    #[test]
    fn the_help_fits_a_screen() {
        assert!(HELP.lines().count() <= 24 && HELP.lines().all(|line| line.len() <= 81), "{HELP}");
    }
}
