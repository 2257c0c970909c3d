//! Who may come in: the rules on `Host`, `Origin` and the access token.
//!
//! Owns the lists and the comparisons. Knows no requests, no answers and no sockets: it is given strings
//! and says yes, or why not.

mod host;

pub use host::Host;

/// Who may come in. The default answers to IP literals and `localhost`, lets pages in that the
/// same host served (any port) and programs that send no `Origin`, and asks for no token.
#[derive(Debug, Clone, Default)]
pub struct Access {}

impl Access {
    /// No rule at all: any host, any origin, no token.
    pub fn open() -> Self {
        todo!()
    }
    /// Answers to this machine's own name too, with and without `.local`. A name that is no valid host name is left out.
    #[must_use]
    pub fn machine_name(self, name: &str) -> Self {
        todo!()
    }
    /// Answers to one more host name; `*` is any. For `--host`.
    pub fn allow_host(self, name: &str) -> Result<Self, Invalid> {
        todo!()
    }
    /// Lets pages of one more origin in, such as `https://chat.example:8443`; `*` is any, `null` is files and sandboxes. For `--origin`.
    pub fn allow_origin(self, origin: &str) -> Result<Self, Invalid> {
        todo!()
    }
    /// Refuses handshakes without an `Origin`, thus most programs. For `--require-origin`.
    #[must_use]
    pub fn require_origin(self, required: bool) -> Self {
        todo!()
    }
    /// Asks for this token (surrounding white space is dropped). For the content of `--token-file`.
    pub fn token(self, token: &str) -> Result<Self, Invalid> {
        todo!()
    }
    /// Does this server answer to that host?
    pub fn check_host(&self, host: &Host) -> Result<(), Refusal> {
        todo!()
    }
    /// May a page of that origin connect?
    pub fn check_origin(&self, origin: Option<&str>, host: Option<&Host>) -> Result<(), Refusal> {
        todo!()
    }
    /// Is that the token? Compared in constant time.
    pub fn check_token(&self, offered: Option<&[u8]>) -> Result<(), Refusal> {
        todo!()
    }
}

/// A host name, origin or token that cannot be used; its `Display` is a sentence that says what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid(String);

/// Why somebody may not come in; its `Display` is a sentence that names the flag that would change it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The request is for a host name that is not this server's (421).
    Host(String),
    /// A page of a foreign origin (403).
    Origin(String),
    /// No `Origin`, and one is required (403).
    NoOrigin,
    /// No token, and one is required (401).
    NoToken,
    /// Not the token (401).
    WrongToken,
}

impl Refusal {
    /// The HTTP status that says so: 401, 403 or 421.
    pub fn status(&self) -> u16 {
        todo!()
    }
}
