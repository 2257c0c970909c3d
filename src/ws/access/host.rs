//! Host names with their ports (RFC 9112 3.2, RFC 3986 3.2.2), and the origins of web pages (RFC 6454 6.2).

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A host name or an IP literal, with an optional port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// In lower case and normal form, without brackets and without the final dot of a fully qualified name. Two hosts are
    /// the same if their names are equal.
    pub name: String,
    /// The address, if the host is an IP literal.
    pub ip: Option<IpAddr>,
    /// The port, if one is given.
    pub port: Option<u16>,
}

const BRACKETS: &str = "an IPv6 address must be in brackets, such as [::1]:6502";

impl Host {
    /// Parses `uri-host [":" port]`.
    ///
    /// Names may contain ASCII letters, digits, `-`, `.` and `_`. RFC 3986 also allows characters such as `!` and `,` and
    /// percent-encoding, but no server on the web uses them.
    ///
    /// # Errors
    /// That is not a host. The sentence says why.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or(BRACKETS)?,
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            // `port = *DIGIT`: without digits it is the default port.
            Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => match digits.parse() {
                Ok(port @ 1..) => Some(port),
                _ => return Err("its port must be one of 1 to 65535"),
            },
            Some(text) if !text.contains(':') => return Err("its port must be a number"),
            _ => return Err(BRACKETS),
        };
        if text.starts_with('[') {
            // A zone (`fe80::1%25eth0`, RFC 6874) has a meaning on the sender's machine only.
            let ip: Ipv6Addr = name.split('%').next().unwrap_or(name).parse().map_err(|_| BRACKETS)?;
            return Ok(Self { name: ip.to_string(), ip: Some(ip.into()), port });
        }
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        check_name(&name)?;
        Ok(Self { ip: name.parse().ok(), name, port })
    }

    /// Parses a host name without a port, as flags give it. IPv6 literals may be in brackets.
    pub(super) fn parse_name(text: &str) -> Option<String> {
        if let Ok(ip) = text.parse::<Ipv6Addr>() {
            return Some(ip.to_string());
        }
        let host = Self::parse(text).ok()?;
        let has_no_port = !text.contains(':') || text.ends_with(']');
        has_no_port.then_some(host.name)
    }
}

impl fmt::Display for Host {
    /// As in a URL: IPv6 in brackets, and the port if there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            Some(IpAddr::V6(ip)) => write!(f, "[{ip}]")?,
            _ => f.write_str(&self.name)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// At most 255 bytes (RFC 1035 2.3.4), without empty labels.
fn check_name(name: &str) -> Result<(), &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() {
        Err("it names no host")
    } else if !name.is_ascii() {
        Err("its host is not ASCII: write it in its xn-- form")
    } else if !name.bytes().all(allowed) {
        Err("its host has a character that host names do not have")
    } else if name.len() > 255 || name.split('.').any(str::is_empty) {
        Err("its host has an empty part, or is longer than 255 characters")
    } else {
        Ok(())
    }
}

/// Where a page came from, as a browser sends it in `Origin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// `null` or `file://`: a local file or a sandboxed frame. Everyone can make such a page.
    Null,
    /// A scheme, a host, and a port unless it is the default port of the scheme.
    Tuple { scheme: String, host: Host },
}

impl Origin {
    /// `None` if that is not an origin. One slash after it is ignored, because address bars show it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if matches!(text, "null" | "file://" | "file:///") {
            return Some(Self::Null);
        }
        let (scheme, rest) = text.split_once("://")?;
        // RFC 3986 3.1.
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let begins = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
        if !begins || scheme.len() > 32 || !scheme.bytes().all(allowed) {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let mut host = Host::parse(rest.strip_suffix('/').unwrap_or(rest)).ok()?;
        host.port = host.port.filter(|port| Some(*port) != default_port(&scheme));
        Some(Self::Tuple { scheme, host })
    }

    /// Whether the page came from that host, on any port.
    pub(super) fn is_on(&self, host: &Host) -> bool {
        match self {
            Self::Null => false,
            // Other schemes do not count: an app may choose `localhost` as the host of its own scheme.
            Self::Tuple { scheme, host: own } => matches!(scheme.as_str(), "http" | "https") && own.name == host.name,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Tuple { scheme, host } => write!(f, "{scheme}://{host}"),
        }
    }
}

/// The port of a URL that names none.
pub(crate) fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}
