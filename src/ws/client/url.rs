//! From a URL to whom to call and what to ask for.
//!
//! Owns the URLs of WebSockets as the WHATWG's standard has them (<https://websockets.spec.whatwg.org/>), and a
//! sentence for each that is none. Resolves no names.

use super::{Error, ports};
use crate::ws::http::percent_encoded;
use std::net::{IpAddr, Ipv6Addr};

/// A URL, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// `wss` or `https`.
    pub(super) secure: bool,
    /// A name or an address, without the brackets of IPv6.
    pub(super) host: String,
    pub(super) port: u16,
    /// Path and query, percent-encoded.
    pub(super) resource: String,
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`Error::Url`] with a sentence; [`Error::BlockedPort`].
    pub(super) fn parse(url: &str, allow_blocked_ports: bool) -> Result<Self, Error> {
        let target = Self::parts(url.trim()).map_err(|why| Error::Url { url: url.to_owned(), why })?;
        if !allow_blocked_ports && ports::is_blocked(target.port) {
            return Err(Error::BlockedPort(target.port));
        }
        Ok(target)
    }

    fn parts(url: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = url.split_once("://").ok_or("it must begin with ws:// or wss://")?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "ws" | "http" => false,
            "wss" | "https" => true,
            _ => return Err("it must begin with ws:// or wss://"),
        };
        if rest.contains('#') {
            return Err("a WebSocket's URL has no fragment: leave out the # and what follows it");
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, resource) = rest.split_at(end);
        let (host, port) = host_and_port(authority)?;
        let port = port.unwrap_or(default_port(secure));
        Ok(Self { secure, host, port, resource: encode(resource)? })
    }

    /// As in the field `Host`: without the port where that goes without saying.
    pub(super) fn authority(&self) -> String {
        let bracketed = self.host.contains(':');
        let host = if bracketed { format!("[{}]", self.host) } else { self.host.clone() };
        match self.port == default_port(self.secure) {
            true => host,
            false => format!("{host}:{}", self.port),
        }
    }

    /// The URL in full, with the scheme of WebSockets.
    pub(super) fn to_url(&self) -> String {
        let scheme = if self.secure { "wss" } else { "ws" };
        format!("{scheme}://{}{}", self.authority(), self.resource)
    }

    /// The host, if it is an address: then nobody has to be asked.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

const BRACKETS: &str = "an IPv6 address stands in brackets, such as ws://[::1]:6502/";

fn host_and_port(authority: &str) -> Result<(String, Option<u16>), &'static str> {
    if authority.contains('@') {
        return Err("names and passwords do not belong into a URL: send them as a header field, such as Authorization");
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => bracketed(rest)?,
        None => authority.rsplit_once(':').unwrap_or((authority, "")),
    };
    if !authority.starts_with('[') && host.contains(':') {
        return Err(BRACKETS);
    }
    check_host(host)?;
    let port = match port {
        "" => None,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            let port = digits.parse().ok().filter(|port| *port > 0);
            Some(port.ok_or("its port must be one of 1 to 65535")?)
        }
        _ => return Err("its port must be a number"),
    };
    Ok((host.to_ascii_lowercase(), port))
}

/// What follows the `[` of an IPv6 address.
fn bracketed(rest: &str) -> Result<(&str, &str), &'static str> {
    let (host, behind) = rest.split_once(']').ok_or(BRACKETS)?;
    host.parse::<Ipv6Addr>().map_err(|_| BRACKETS)?;
    match behind.strip_prefix(':') {
        Some(port) => Ok((host, port)),
        None if behind.is_empty() => Ok((host, "")),
        None => Err(BRACKETS),
    }
}

fn check_host(host: &str) -> Result<(), &'static str> {
    if host.is_empty() {
        return Err("it names no host");
    }
    if !host.is_ascii() {
        return Err("its host is not ASCII: write it in its xn-- form");
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    match host.bytes().all(allowed) {
        true => Ok(()),
        false => Err("its host has a character that no host name has"),
    }
}

/// Path and query, with what must not be there as it is percent-encoded, as browsers do.
fn encode(resource: &str) -> Result<String, &'static str> {
    if resource.contains('\\') {
        return Err("a path has / where this has \\");
    }
    let encoded = percent_encoded(resource.as_bytes(), |byte| byte.is_ascii_graphic() && !b"\"<>^`{}|".contains(&byte));
    Ok(if encoded.starts_with('/') { encoded } else { format!("/{encoded}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_what_they_mean() {
        for (url, normal, host, port) in [
            ("ws://localhost", "ws://localhost/", "localhost", 80),
            ("WS://LocalHost:80/", "ws://localhost/", "localhost", 80),
            ("http://example.org:6502/chat?x=1", "ws://example.org:6502/chat?x=1", "example.org", 6502),
            ("https://example.org?x", "wss://example.org/?x", "example.org", 443),
            ("wss://example.org:443/a/b", "wss://example.org/a/b", "example.org", 443),
            ("ws://[::1]:6502/", "ws://[::1]:6502/", "::1", 6502),
            ("ws://[::1]", "ws://[::1]/", "::1", 80),
            (" ws://a/room/caf\u{e9} 1 ", "ws://a/room/caf%C3%A9%201", "a", 80),
            ("ws://a/%20?q=a b", "ws://a/%20?q=a%20b", "a", 80),
            ("ws://a:/", "ws://a/", "a", 80),
        ] {
            let target = Target::parse(url, false).expect(url);
            assert_eq!((target.to_url().as_str(), target.host.as_str(), target.port), (normal, host, port), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (url, word) in [
            ("", "ws://"),
            ("localhost:6502", "ws://"),
            ("ftp://host/", "ws://"),
            ("ws://", "no host"),
            ("ws:///path", "no host"),
            ("ws://host/#top", "fragment"),
            ("ws://me:secret@host/", "Authorization"),
            ("ws://host:port/", "number"),
            ("ws://host:0/", "65535"),
            ("ws://host:65536/", "65535"),
            ("ws://::1/", "brackets"),
            ("ws://[::1/", "brackets"),
            ("ws://[host]/", "brackets"),
            ("ws://[::1]x/", "brackets"),
            ("ws://m\u{fc}nchen.example/", "xn--"),
            ("ws://ho st/", "character"),
            ("ws://host\\path", "character"),
            ("ws://host/a\\b", "has /"),
            ("ws://host:22/", "22"),
        ] {
            let said = Target::parse(url, false).expect_err(url).to_string();
            assert!(said.contains(word) && !said.contains('\n'), "{url}: {said}");
        }
        assert!(Target::parse("ws://host:22/", true).is_ok(), "it was allowed");
    }

    #[test]
    fn a_password_is_not_repeated() {
        let said = Target::parse("ws://me:secret@host/", false).expect_err("userinfo").to_string();
        assert!(!said.contains("secret"), "{said}");
    }
}
