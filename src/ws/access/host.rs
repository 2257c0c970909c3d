//! The `Host` of a request, parsed strictly (RFC 9112 3.2, RFC 3986 3.2.2).
//!
//! Owns what a host name looks like. Knows no rules on which one is welcome.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A host name or an IP literal, and perhaps a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// In lower case, without brackets and without the final dot of a fully qualified name.
    pub name: String,
    /// The address that an IP literal stands for.
    pub ip: Option<IpAddr>,
    /// The port, if one is given.
    pub port: Option<u16>,
}

impl Host {
    /// Parses `uri-host [":" port]`; `None` if that is no valid `Host`.
    ///
    /// Names may have ASCII letters, digits, `-`, `.` and `_`: what else RFC 3986 allows in them
    /// (`%41`, `!`, `,`) no server on the web is called.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix('[') {
            Some(literal) => Self::parse_ipv6(literal),
            None => Self::parse_named(text),
        }
    }

    /// Parses a name without a port, as flags give it; IPv6 literals with or without brackets.
    pub(super) fn parse_name(text: &str) -> Option<String> {
        if let Ok(ip) = text.parse::<Ipv6Addr>() {
            return Some(ip.to_string());
        }
        let host = Self::parse(text)?;
        let bare = !text.contains(':') || text.ends_with(']');
        bare.then_some(host.name)
    }

    /// Do both name the same host? The ports do not matter.
    #[must_use]
    pub fn same_name(&self, other: &Self) -> bool {
        match (self.ip, other.ip) {
            (Some(one), Some(two)) => one == two,
            _ => self.name == other.name,
        }
    }

    /// What comes after `[`. A zone (`fe80::1%25eth0`, RFC 6874) is dropped: it means something to its sender only.
    fn parse_ipv6(text: &str) -> Option<Self> {
        let (literal, port) = text.split_once(']')?;
        let address = literal.split('%').next()?;
        let ip: Ipv6Addr = address.parse().ok()?;
        let port = match port {
            "" => None,
            port => parse_port(port.strip_prefix(':')?)?,
        };
        Some(Self { name: ip.to_string(), ip: Some(ip.into()), port })
    }

    fn parse_named(text: &str) -> Option<Self> {
        let (name, port) = match text.split_once(':') {
            Some((name, port)) => (name, parse_port(port)?),
            None => (text, None),
        };
        let name = name.strip_suffix('.').unwrap_or(name);
        is_name(name).then(|| Self { name: name.to_ascii_lowercase(), ip: name.parse().ok(), port })
    }
}

impl fmt::Display for Host {
    /// As in a URL: IPv6 in brackets, the port if there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            Some(IpAddr::V6(ip)) => write!(f, "[{ip}]")?,
            _ => f.write_str(&self.name)?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// At most 255 bytes (RFC 1035 2.3.4), no empty label.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let labels = name.split('.').all(|label| !label.is_empty());
    labels && name.len() <= 255 && name.bytes().all(allowed)
}

/// `port = *DIGIT`: none at all is a port too, the default one.
fn parse_port(text: &str) -> Option<Option<u16>> {
    if text.is_empty() {
        return Some(None);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok().map(Some) } else { None }
}
