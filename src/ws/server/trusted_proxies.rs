//! The address of a client behind a trusted proxy, from `X-Forwarded-For`.

use crate::ws::{http::Request, network::Network};
use std::net::{IpAddr, SocketAddr};
use std::str;
use tungstenite::http::HeaderName;

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whether this is the address of a proxy whose header fields are used.
pub(super) fn trusts(proxies: &[Network], address: IpAddr) -> bool {
    proxies.iter().any(|network| network.contains(address))
}

/// The client's address: the last hop that is not a trusted proxy. `None` if the request names none; the connection then
/// counts as the proxy's own.
pub(super) fn client_of(request: &Request, proxies: &[Network]) -> Option<IpAddr> {
    let fields = request.headers().get_all(&X_FORWARDED_FOR).into_iter();
    let mut hops = fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b',')).map(address);
    hops.rfind(|hop| hop.is_none_or(|address| !trusts(proxies, address))).flatten()
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(hop).ok()?.trim();
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
        let proxies = ["127.0.0.1", "10.0.0.0/24"].map(|text| text.parse().expect("a network"));
        client_of(&request, &proxies).map(|address| address.to_string())
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
            (&[("forwarded", "for=192.0.2.1")], None),
        ];
        for (headers, expected) in table {
            assert_eq!(client(headers).as_deref(), *expected, "{headers:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_text_do_not_hide_the_address_of_the_proxy() {
        let mut request = Request::new(());
        let value = HeaderValue::from_bytes(b"\xff, 192.0.2.1").expect("a value");
        request.headers_mut().insert(&X_FORWARDED_FOR, value);
        let proxies = ["127.0.0.1".parse().expect("an address")];
        assert_eq!(client_of(&request, &proxies), "192.0.2.1".parse().ok());
    }
}
