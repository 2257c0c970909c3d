//! The rules on `Host`, `Origin` and the access token.
//!
//! Two attacks by web pages on servers in a local network are blocked by default. With DNS rebinding, a page lets its own
//! name resolve to this server: then `Host` is foreign. With cross-site WebSocket hijacking, a page from another site opens
//! a WebSocket to this server: then `Origin` is foreign (RFC 6455 10.2).

mod host;

pub use host::Host;
pub(crate) use host::default_port;
use host::normal_origin;

use crate::ws::{error::Error, http::Response, network::Network, spawn::lock};
use std::sync::{Arc, Mutex};
use std::{fmt, hint::black_box, net::IpAddr, time::SystemTime};

/// A network whose clients are banned, and until when.
pub type Ban = (Network, Option<SystemTime>);

/// Stands for all hosts, or for all origins.
const ANY: &str = "*";

/// Which requests a server accepts.
///
/// The default accepts IP literals, `localhost` and `*.localhost` as `Host`. It accepts pages from the same host (any scheme
/// and port), and programs, which send no `Origin`. It requires no token.
///
/// ```
/// use chinwag::{Access, Server, access::Host};
///
/// let access = Access::default()
///     .machine_name("pi.lab.example") // also pi and pi.local
///     .allow_host("chat.example")?
///     .allow_origin("https://www.example")?
///     .require_origin(true)
///     .token("swordfish")?;
/// let server = Server::builder().access(access.clone()).listen("127.0.0.1:0")?.start()?;
///
/// // While the server runs. Clones share the tokens and the bans.
/// access.replace_token("sunflower")?;
/// access.replace_admin_token("hummingbird")?;
/// access.ban(vec![("192.0.2.0/24".parse()?, None)]);
///
/// // What the server asks, without a server.
/// let host = Host::parse("chat.example:6502")?;
/// assert!(access.check_host(&host).is_ok() && access.check_origin(Some("https://www.example"), &host).is_ok());
/// assert_eq!(access.check_origin(Some("https://evil.example"), &host).unwrap_err().status, 403);
/// assert_eq!(access.check_token(Some(b"swordfish")).unwrap_err().status, 401);
/// assert_eq!(access.check_address([192, 0, 2, 7].into()).unwrap_err().status, 403);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Access {
    /// `*` is any.
    hosts: Vec<String>,
    /// In normal form. `*` is any.
    origins: Vec<String>,
    require_origin: bool,
    /// Shared by clones, so that it can be replaced while a server uses it.
    token: Arc<Mutex<Option<Token>>>,
    admin_token: Arc<Mutex<Option<Token>>>,
    /// Each until its time.
    banned: Arc<Mutex<Vec<Ban>>>,
}

impl Access {
    /// No rules: any host, any origin, no token. Then any web page that a user opens can use a server in the user's
    /// network.
    pub fn open() -> Self {
        Self { hosts: vec![ANY.to_owned()], origins: vec![ANY.to_owned()], ..Self::default() }
    }

    /// Accepts the name of this machine as well. If it is `pi.lab.example`, so are `pi` and `pi.local`. An invalid host name is
    /// ignored.
    pub fn machine_name(mut self, name: &str) -> Self {
        if let Some(host) = Host::parse(name).ok().filter(|host| host.ip.is_none() && host.port.is_none()) {
            let short = host.name.split('.').next().unwrap_or_default();
            self.hosts.extend([short.to_owned(), format!("{short}.local")]);
            self.hosts.push(host.name);
        }
        self
    }

    /// Accepts one more host name (the flag `--host`). `*` accepts any, which allows DNS rebinding.
    ///
    /// # Errors
    /// That is not a host name, or it has a port or a scheme.
    pub fn allow_host(mut self, name: &str) -> Result<Self, Error> {
        let help = "use the name alone, such as chat.example, or * for any";
        let invalid = || Error::invalid(format!("{name:?} is not a host name; {help}"));
        let any = (name == ANY).then(|| ANY.to_owned());
        self.hosts.push(any.or_else(|| Host::parse_name(name)).ok_or_else(invalid)?);
        Ok(self)
    }

    /// Accepts pages from one more origin (the flag `--origin`), such as `https://chat.example:8443`, `app://.`, or one word. A
    /// path is ignored. `*` accepts any origin. `null` accepts pages without an origin: local files and sandboxed frames.
    /// `file://` accepts the devices, apps and old browsers that send it.
    ///
    /// # Errors
    /// No client sends that as its origin, or it is a host name without a scheme.
    pub fn allow_origin(mut self, origin: &str) -> Result<Self, Error> {
        let help = "use one such as https://chat.example, app://. or null, or * for any";
        let invalid = || Error::invalid(format!("{origin:?} is not an origin; {help}"));
        let any = (origin == ANY).then(|| ANY.to_owned());
        self.origins.push(any.or_else(|| normal_origin(origin)).ok_or_else(invalid)?);
        Ok(self)
    }

    /// Refuses handshakes without an `Origin`, which includes those of most programs (the flag `--require-origin`). Default: false.
    pub fn require_origin(mut self, required: bool) -> Self {
        self.require_origin = required;
        self
    }

    /// Requires this token (the flag `--token-file`), as `Authorization: Bearer TOKEN` or `?token=TOKEN`. White space around it
    /// is ignored. Handshakes need it, and requests for [`Builder::route`](crate::Builder::route), but not the pages of
    /// [`Builder::site`](crate::Builder::site). [`Config::wrong_token_interval`](crate::Config::wrong_token_interval) limits
    /// guesses, also from loopback. Default: none is required.
    ///
    /// # Errors
    /// It is empty, or it has characters that a header field cannot carry.
    pub fn token(mut self, token: &str) -> Result<Self, Error> {
        self.token = Arc::default();
        self.replace_token(token).map(|()| self)
    }

    /// Replaces the token in this value and in its clones, also in those that a running server uses. Connections that are
    /// open stay open.
    ///
    /// # Errors
    /// As [`Access::token`]. The old token stays in use.
    pub fn replace_token(&self, token: &str) -> Result<(), Error> {
        *lock(&self.token) = Some(Token::new(token, &self.admin_token)?);
        Ok(())
    }

    /// Sets or replaces the token of operators, as [`Access::replace_token`]. It is also an access token. A handshake with
    /// it has the extension [`ShowedAdminToken`](crate::http::ShowedAdminToken).
    ///
    /// # Errors
    /// As [`Access::token`].
    pub fn replace_admin_token(&self, token: &str) -> Result<(), Error> {
        *lock(&self.admin_token) = Some(Token::new(token, &self.token)?);
        Ok(())
    }

    /// Bans the clients of these networks, each until its time: all their requests get 403. This replaces the networks of
    /// before, also in clones. Connections that are open stay open.
    pub fn ban(&self, networks: Vec<Ban>) {
        *lock(&self.banned) = networks;
    }

    /// Checks the address of a client.
    ///
    /// # Errors
    /// 403: the address is banned.
    pub fn check_address(&self, address: IpAddr) -> Result<(), Response> {
        let now = SystemTime::now();
        let is_banned = |(network, until): &Ban| until.is_none_or(|until| now < until) && network.contains(address);
        match lock(&self.banned).iter().any(is_banned) {
            true => Err(Response::text(403, "An operator of this server has banned your address.")),
            false => Ok(()),
        }
    }

    /// Whether this is the token of operators.
    #[must_use]
    pub fn is_admin_token(&self, offered: Option<&[u8]>) -> bool {
        lock(&self.admin_token).as_ref().zip(offered).is_some_and(|(token, offered)| token.equals(offered))
    }

    /// Whether there is any token.
    pub(crate) fn has_tokens(&self) -> bool {
        self.requires_token() || lock(&self.admin_token).is_some()
    }

    /// Whether handshakes need an access token.
    #[must_use]
    pub fn requires_token(&self) -> bool {
        lock(&self.token).is_some()
    }

    /// Checks the host that a request is for.
    ///
    /// # Errors
    /// 421: it is not this server's. The sentence names the flag which would allow it, and the method of this type, because
    /// programs that embed the server have no flags.
    pub fn check_host(&self, host: &Host) -> Result<(), Response> {
        let name = &host.name;
        let is_listed = self.hosts.iter().any(|listed| listed == ANY || listed == name);
        if is_listed || host.ip.is_some() || host.is_localhost() {
            return Ok(());
        }
        let help = format!("To allow it, start the server with --host {name} (in code: Access::allow_host).");
        Err(Response::text(421, format!("The host {name} is not allowed. {help}")))
    }

    /// Checks the origin of a handshake. `host` is the host that the request is for.
    ///
    /// # Errors
    /// 403: it is foreign, malformed, or missing and required. The sentence is as that of [`Access::check_host`].
    pub fn check_origin(&self, origin: Option<&str>, host: &Host) -> Result<(), Response> {
        let refuse = |sentence: &str| Err(Response::text(403, sentence));
        let origin = match origin {
            None if self.require_origin => {
                return refuse("Origin is missing, and this server was started with --require-origin.");
            }
            // A host without a scheme comes from programs only.
            Some(origin) if Host::parse(origin).is_ok_and(|own| own.name == host.name) => return Ok(()),
            Some(origin) if !self.origins.iter().any(|listed| listed == ANY) => origin,
            _ => return Ok(()),
        };
        let Some(origin) = normal_origin(origin) else {
            return refuse("Origin must be scheme://host[:port], null or a word.");
        };
        // On any port and with any scheme. Ports and schemes do not tell who made a page: browsers share cookies across them as
        // well, and pages with other schemes belong to installed programs.
        let origin_host = origin.split_once("://").and_then(|(_, host)| Host::parse(host).ok());
        // `null` includes `file://`: for a local file, browsers send the one and old browsers the other.
        let includes = |listed: &String| *listed == origin || (listed == "null" && origin == host::FILE);
        if origin_host.is_some_and(|own| own.name == host.name) || self.origins.iter().any(includes) {
            return Ok(());
        }
        refuse(&format!(
            "Pages from {origin} are not allowed. To allow them, start the server with --origin {} \
             (in code: Access::allow_origin).",
            shell_word(&origin)
        ))
    }

    /// Checks the token that a client sent. The time that this takes does not depend on how much of it is right.
    ///
    /// # Errors
    /// 401: it is wrong, or missing and required.
    pub fn check_token(&self, offered: Option<&[u8]>) -> Result<(), Response> {
        let is_right = |offered| lock(&self.token).as_ref().is_some_and(|token| token.equals(offered));
        let sentence = match offered {
            _ if !self.requires_token() => return Ok(()),
            Some(token) if is_right(token) || self.is_admin_token(offered) => return Ok(()),
            Some(_) => {
                "The access token is wrong. The right one is in the server's --token-file (in code: Access::token)."
            }
            None => {
                "This server requires an access token (--token-file; in code: Access::token). Send Authorization: Bearer TOKEN, or add \
                 ?token=TOKEN to the URL."
            }
        };
        Err(Response::text(401, sentence).with("WWW-Authenticate", "Bearer"))
    }
}

/// One word of a command line, quoted if a shell would change it: the text comes from a client.
fn shell_word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/@%+=".contains(&byte);
    if text.bytes().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// The access token. `Debug` does not show it.
#[derive(Clone)]
struct Token(Box<[u8]>);

impl Token {
    /// Not the same as the other one: then every user would be an operator. The error does not repeat the input, which may be close
    /// to the secret.
    fn new(token: &str, other: &Mutex<Option<Self>>) -> Result<Self, Error> {
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid("a token must be one line of visible ASCII characters, without spaces"));
        }
        if lock(other).as_ref().is_some_and(|other| *other.0 == *token.as_bytes()) {
            return Err(Error::invalid("the access token and the admin token must not be the same"));
        }
        Ok(Self(token.as_bytes().into()))
    }

    /// Compares all bytes of `offered`, even if an early one differs. The time depends only on its length.
    fn equals(&self, offered: &[u8]) -> bool {
        let pairs = offered.iter().zip(self.0.iter().cycle());
        let difference = pairs.fold(0, |difference, (one, two)| black_box(difference | (one ^ two)));
        difference == 0 && offered.len() == self.0.len()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests;
