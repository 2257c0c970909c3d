//! Parses the URLs of WebSockets as the WHATWG specifies them (<https://websockets.spec.whatwg.org/>).

use crate::ws::access::{Host, default_port};
use crate::ws::http::percent_encoded;

/// A URL, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// `ws` or `wss`.
    scheme: &'static str,
    /// Its port is set only if it is not the default port.
    pub(super) host: Host,
    /// Path and query, percent-encoded.
    pub(super) resource: String,
}

impl Target {
    /// # Errors
    /// What is wrong. It does not repeat the URL, which may contain a password.
    pub(super) fn parse(url: &str) -> Result<Self, &'static str> {
        let url = url.trim();
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "ws" | "http" => "ws",
            "wss" | "https" => "wss",
            _ => return Err("it must begin with ws:// or wss://"),
        };
        if rest.contains('#') {
            return Err("it must not have a fragment: remove the # and what follows it");
        }
        let (authority, resource) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err("it must not contain a name or a password: send them in a header field such as Authorization");
        }
        let mut host = Host::parse(authority)?;
        host.port = host.port.filter(|port| Some(*port) != default_port(scheme));
        // As browsers do it.
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{}|".contains(&byte);
        let resource = percent_encoded(resource.as_bytes(), is_plain);
        let resource = if resource.starts_with('/') { resource } else { format!("/{resource}") };
        Ok(Self { scheme, host, resource })
    }

    pub(super) fn is_secure(&self) -> bool {
        self.scheme == "wss"
    }

    pub(super) fn port(&self) -> u16 {
        self.host.port.or(default_port(self.scheme)).unwrap_or_default()
    }

    /// The URL in its normal form.
    pub(super) fn to_url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.host, self.resource)
    }
}

/// The Fetch standard's bad ports (<https://fetch.spec.whatwg.org/#port-blocking>), in ascending order. They belong to
/// other protocols, and a hostile page could make a browser talk to them.
const BAD_PORTS: [u16; 82] = [
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
    111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
    540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
    6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
];

/// Whether browsers refuse to connect to that port: it is on the Fetch standard's list of bad ports.
#[must_use]
pub fn is_blocked(port: u16) -> bool {
    BAD_PORTS.binary_search(&port).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_urls_are_normalised() {
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
            let target = Target::parse(url).expect(url);
            assert_eq!(
                (target.to_url().as_str(), target.host.name.as_str(), target.port()),
                (normal, host, port),
                "{url}"
            );
        }
    }

    #[test]
    fn invalid_urls_get_a_sentence() {
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
        ] {
            let error = Target::parse(url).expect_err(url);
            assert!(error.contains(word) && !error.contains('\n'), "{url}: {error}");
        }
    }

    #[test]
    fn error_does_not_repeat_a_password() {
        let error = Target::parse("ws://me:secret@host/").expect_err("userinfo");
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn bad_ports_are_blocked() {
        assert!(BAD_PORTS.is_sorted());
        let table = [(22, true), (80, false), (443, false), (6000, true), (6502, false), (6667, true), (10080, true)];
        for (port, blocked) in table {
            assert_eq!(is_blocked(port), blocked, "{port}");
        }
    }
}
