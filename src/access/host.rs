//! The `Host` of a request, parsed strictly.
use std::net::IpAddr;
/// A `Host` value: a name or an IP literal, and perhaps a port (RFC 9112 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// In lower case, no brackets, no final dot.
    pub name: String,
    /// The address that an IP literal stands for.
    pub ip: Option<IpAddr>,
    /// The port, if given.
    pub port: Option<u16>,
}
impl Host {
    /// `None`: that is no valid `Host`.
    pub fn parse(text: &str) -> Option<Self> {
        todo!()
    }
}
