//! Who may come in: the rules on `Host`, `Origin` and the access token.
//!
//! Owns the lists and the comparisons. Knows no requests, no answers and no sockets: it is given strings
//! and says yes, or why not.
//!
//! Two attacks by web pages on servers in a local network are closed by default. A page that makes its own
//! name point here (DNS rebinding) is known by its foreign `Host`; a page from elsewhere that opens
//! a WebSocket to here (cross-site WebSocket hijacking) is known by its foreign `Origin` (RFC 6455 10.2).

mod host;
mod origin;
mod refusal;
mod token;

pub use host::Host;
pub use refusal::{Invalid, Refusal};

use origin::Origin;
use token::Token;

/// Who may come in.
///
/// The default answers to IP literals and to `localhost`; lets in the pages that came from the same host
/// (any port) and the programs that send no `Origin`; and asks for no token.
#[derive(Debug, Clone, Default)]
pub struct Access {
    hosts: Vec<String>,
    any_host: bool,
    origins: Vec<Origin>,
    any_origin: bool,
    require_origin: bool,
    token: Option<Token>,
}

impl Access {
    /// No rule at all: any host, any origin, no token.
    #[must_use]
    pub fn open() -> Self {
        Self { any_host: true, any_origin: true, ..Self::default() }
    }

    /// Answers to this machine's own name too, with and without `.local`. What is no valid host name is left out.
    #[must_use]
    pub fn machine_name(mut self, name: &str) -> Self {
        if let Some(host) = Host::parse_name(name) {
            let short = host.trim_end_matches(".local").to_owned();
            self.hosts.push(format!("{short}.local"));
            self.hosts.push(short);
        }
        self
    }

    /// Answers to one more host name (the flag `--host`); `*` is any, and DNS rebinding is open again.
    ///
    /// # Errors
    /// That is no host name, or it comes with a port or a scheme.
    pub fn allow_host(mut self, name: &str) -> Result<Self, Invalid> {
        if name == "*" {
            self.any_host = true;
            return Ok(self);
        }
        let host = Host::parse_name(name).ok_or_else(|| Invalid::host(name))?;
        self.hosts.push(host);
        Ok(self)
    }

    /// Lets in the pages of one more origin (the flag `--origin`), such as `https://chat.example:8443`; `*` is
    /// any, `null` is pages without an origin: local files and sandboxed frames.
    ///
    /// # Errors
    /// That is no origin (RFC 6454 6.2): the scheme is missing, or it has a path.
    pub fn allow_origin(mut self, origin: &str) -> Result<Self, Invalid> {
        if origin == "*" {
            self.any_origin = true;
            return Ok(self);
        }
        let parsed = Origin::parse(origin).ok_or_else(|| Invalid::origin(origin))?;
        self.origins.push(parsed);
        Ok(self)
    }

    /// Refuses handshakes without an `Origin`, thus those of most programs (the flag `--require-origin`).
    #[must_use]
    pub fn require_origin(mut self, required: bool) -> Self {
        self.require_origin = required;
        self
    }

    /// Asks for this token: the content of the file given with `--token-file`, white space around it dropped.
    ///
    /// # Errors
    /// It is empty, or has characters that a header field cannot carry.
    pub fn token(mut self, token: &str) -> Result<Self, Invalid> {
        self.token = Some(Token::new(token)?);
        Ok(self)
    }

    /// Does this server answer to that host?
    ///
    /// # Errors
    /// [`Refusal::Host`].
    pub fn check_host(&self, host: &Host) -> Result<(), Refusal> {
        let known = self.any_host || host.ip.is_some() || host.name == "localhost" || self.hosts.contains(&host.name);
        if known {
            return Ok(());
        }
        Err(Refusal::Host(host.name.clone()))
    }

    /// May a page of that origin connect? `host` is the request's own.
    ///
    /// # Errors
    /// [`Refusal::Origin`], [`Refusal::BadOrigin`] or [`Refusal::NoOrigin`].
    pub fn check_origin(&self, origin: Option<&str>, host: &Host) -> Result<(), Refusal> {
        match origin {
            None if self.require_origin => Err(Refusal::NoOrigin),
            None => Ok(()),
            Some(_) if self.any_origin => Ok(()),
            Some(text) => self.check_page(text, host),
        }
    }

    fn check_page(&self, text: &str, host: &Host) -> Result<(), Refusal> {
        let origin = Origin::parse(text).ok_or(Refusal::BadOrigin)?;
        if origin.is_on(host) || self.origins.contains(&origin) {
            return Ok(());
        }
        Err(Refusal::Origin(origin.to_string()))
    }

    /// Is that the token? The time this takes does not tell how much of it was right.
    ///
    /// # Errors
    /// [`Refusal::NoToken`] or [`Refusal::WrongToken`].
    pub fn check_token(&self, offered: Option<&[u8]>) -> Result<(), Refusal> {
        match (&self.token, offered) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(Refusal::NoToken),
            (Some(token), Some(offered)) if token.is(offered) => Ok(()),
            (Some(_), Some(_)) => Err(Refusal::WrongToken),
        }
    }
}

#[cfg(test)]
mod tests;
