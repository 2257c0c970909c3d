//! The `Origin` that a browser sends for the page that connects (RFC 6454 6.2).
//!
//! Owns its parts and when two are the same. Knows no rules on which one is welcome.

use std::fmt;

use super::host::Host;

/// Where a page came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// `null` or `file://`: a local file, a sandboxed frame. Anybody can make such a page.
    Null,
    /// A scheme, a host, and a port if it is not the scheme's own.
    Tuple { scheme: String, host: Host },
}

impl Origin {
    /// `None` if that is no origin; one slash behind it, as in an address bar, is ignored.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if matches!(text, "null" | "file://" | "file:///") {
            return Some(Self::Null);
        }
        let (scheme, rest) = text.split_once("://")?;
        let mut host = Host::parse(rest.strip_suffix('/').unwrap_or(rest))?;
        let scheme = is_scheme(scheme).then(|| scheme.to_ascii_lowercase())?;
        host.port = host.port.filter(|port| Some(*port) != default_port(&scheme));
        Some(Self::Tuple { scheme, host })
    }

    /// Is the page from that host, whatever the port?
    pub(super) fn is_on(&self, host: &Host) -> bool {
        match self {
            Self::Null => false,
            // Not `chrome-extension://localhost`, which every app may call itself.
            Self::Tuple { scheme, host: own, .. } => matches!(scheme.as_str(), "http" | "https") && own.same_name(host),
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

/// RFC 3986 3.1.
fn is_scheme(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    text.len() <= 32 && text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(allowed)
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}
