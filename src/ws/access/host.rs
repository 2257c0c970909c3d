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
            Some(digits) if !digits.contains(':') => match digits.parse() {
                Ok(port @ 1..) if !digits.starts_with('+') => Some(port),
                _ => return Err("its port must be a number from 1 to 65535"),
            },
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

    /// Whether that is this machine itself: `localhost` and the names below it (RFC 6761 6.3).
    pub(crate) fn is_localhost(&self) -> bool {
        self.name.strip_suffix("localhost").is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
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
    match name {
        "" => Err("it names no host"),
        _ if !name.is_ascii() => Err("its host is not ASCII: write it in its xn-- form"),
        _ if !name.bytes().all(allowed) => Err("its host has a character that host names do not have"),
        _ if name.split('.').any(str::is_empty) => Err("its host has an empty part"),
        _ if name.len() > 255 => Err("its host is longer than 255 characters"),
        _ => Ok(()),
    }
}

/// The longest `Origin` that is accepted: a scheme and a host name.
const MAX_ORIGIN: usize = 300;

/// The origin of programs and old browsers for a local file. It has no host.
pub(super) const FILE: &str = "file://";

/// Where a page came from, in normal form: `null`, `file://`, `scheme://host[:port]` without a default port, or one word. Origins
/// are the same if this is equal. Paths are cut off: browsers send none, but some libraries for devices do.
///
/// `None` if no client sends such an origin, or if it is a host name without a scheme.
pub(super) fn normal_origin(text: &str) -> Option<String> {
    // Commas separate the values of flags.
    if text.len() > MAX_ORIGIN || !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',') {
        return None;
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        // `null`, or the name that some program sends. `localhost` and names with dots or ports are hosts without a scheme.
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_word = !text.is_empty() && text.bytes().all(allowed) && !text.eq_ignore_ascii_case("localhost");
        return is_word.then(|| text.to_owned());
    };
    // RFC 3986 3.1.
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if !scheme.starts_with(|first: char| first.is_ascii_alphabetic()) || !scheme.bytes().all(allowed) {
        return None;
    }
    let scheme = scheme.to_ascii_lowercase();
    if scheme == "file" {
        return Some(FILE.to_owned());
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let default_port = default_port(&scheme);
    let shown = match Host::parse(authority) {
        Ok(host) => Host { port: host.port.filter(|port| Some(*port) != default_port), ..host }.to_string(),
        Err(_) if default_port.is_some() => return None,
        Err(_) => authority.to_ascii_lowercase(),
    };
    Some(format!("{scheme}://{shown}"))
}

/// The port of a URL that names none.
pub(crate) fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
