//! The address of a client behind a trusted proxy, from `X-Forwarded-For` or `Forwarded` (RFC 7239).

use crate::ws::{http::Request, network::Network};
use std::net::{IpAddr, SocketAddr};
use tungstenite::http::{HeaderMap, header::AsHeaderName, header::FORWARDED};

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The proxies whose header fields are used. Those of other senders are ignored.
#[derive(Debug, Default)]
pub(super) struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    pub(super) fn new(networks: impl IntoIterator<Item = Network>) -> Self {
        Self(networks.into_iter().collect())
    }

    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// The client's address: the last hop that is not a trusted proxy. `None` if the request names none; the connection then
    /// counts as the proxy's own.
    ///
    /// `X-Forwarded-For` takes precedence: proxies set it, and most pass on a `Forwarded` that the client wrote.
    pub(super) fn client_of(&self, request: &Request) -> Option<IpAddr> {
        let headers = request.headers();
        match headers.contains_key(X_FORWARDED_FOR) {
            true => self.last_hop(&hops(headers, X_FORWARDED_FOR)),
            false => self.last_hop(&for_parameters(headers)),
        }
    }

    fn last_hop(&self, hops: &[Option<IpAddr>]) -> Option<IpAddr> {
        hops.iter().rev().copied().find(|hop| hop.is_none_or(|address| !self.trusts(address))).flatten()
    }
}

/// Whether a proxy has named the client.
pub(super) fn names_a_client(request: &Request) -> bool {
    let headers = request.headers();
    headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED)
}

/// The elements of a list of addresses; `None` for an element that is not an address.
fn hops(headers: &HeaderMap, name: &str) -> Vec<Option<IpAddr>> {
    elements(headers, name).map(address).collect()
}

/// The `for` of each element (RFC 7239 5.2). A comma inside quotes would split an element, but addresses contain none.
fn for_parameters(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    elements(headers, FORWARDED).map(for_of).collect()
}

/// The elements of a list. One that is not text is empty: it must not hide the others, which a proxy has added.
fn elements(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter();
    values
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|element| std::str::from_utf8(element).unwrap_or_default())
}

fn for_of(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let mut nodes = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case("for"));
    address(nodes.next()?.1.trim().trim_matches('"'))
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse().map(|both: SocketAddr| both.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tungstenite::http::HeaderValue;

    type Row = (&'static [(&'static str, &'static str)], Option<&'static str>);

    fn client(headers: &[(&'static str, &'static str)]) -> Option<String> {
        let mut request = Request::new(());
        for (name, value) in headers {
            request.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        let proxies = TrustedProxies::new(["127.0.0.1", "10.0.0.0/24"].map(|text| text.parse().expect("a network")));
        proxies.client_of(&request).map(|address| address.to_string())
    }

    #[test]
    fn the_last_hop_that_is_not_a_trusted_proxy_counts() {
        let table: &[Row] = &[
            (&[], None),
            (&[("x-forwarded-for", "192.0.2.1")], Some("192.0.2.1")),
            (&[("x-forwarded-for", "1.1.1.1, 192.0.2.1")], Some("192.0.2.1")),
            (&[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "192.0.2.1:4711")], Some("192.0.2.1")),
            (&[("x-forwarded-for", "192.0.2.1, 10.0.0.1")], Some("192.0.2.1")),
            (&[("x-forwarded-for", "192.0.2.1, 10.0.0.7, ::ffff:10.0.0.255")], Some("192.0.2.1")),
            (&[("x-forwarded-for", "192.0.2.1, 10.0.1.0")], Some("10.0.1.0")),
            (&[("x-forwarded-for", "192.0.2.1, unknown")], None),
            (&[("x-forwarded-for", "192.0.2.1,")], None),
            (&[("x-forwarded-for", "[2001:db8::1]:80")], Some("2001:db8::1")),
            (&[("x-forwarded-for", "::ffff:192.0.2.1")], Some("192.0.2.1")),
            (&[("forwarded", "for=192.0.2.43;proto=http, For=\"[2001:db8::7]:47\";by=10.0.0.1")], Some("2001:db8::7")),
            (&[("forwarded", "for=192.0.2.1, for=_hidden")], None),
            (&[("forwarded", "proto=https")], None),
            (&[("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1")], Some("192.0.2.1")),
            (&[("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=8.8.8.8")], Some("192.0.2.1")),
            (&[("x-forwarded-for", "192.0.2.1"), ("forwarded", "x")], Some("192.0.2.1")),
        ];
        for (headers, expected) in table {
            assert_eq!(client(headers).as_deref(), *expected, "{headers:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_text_do_not_hide_the_address_of_the_proxy() {
        let mut request = Request::new(());
        let value = HeaderValue::from_bytes(b"\xff, 192.0.2.1").expect("a value");
        request.headers_mut().insert(X_FORWARDED_FOR, value);
        let proxies = TrustedProxies::new(["127.0.0.1".parse().expect("an address")]);
        assert_eq!(proxies.client_of(&request), "192.0.2.1".parse().ok());
    }
}
