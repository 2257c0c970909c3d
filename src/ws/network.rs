//! IP addresses and networks, as flags name them and as limits per address count them.

use crate::ws::error::Error;
use std::net::{IpAddr, Ipv6Addr};
use std::{fmt, str::FromStr};

/// An IP address, or a network such as `10.0.0.0/8` or `fd00::/8` (RFC 4632, RFC 4291 2.3). An IPv4-mapped IPv6 address is its
/// IPv4 address.
///
/// ```
/// let network: chinwag::Network = "10.0.0.0/8".parse()?;
/// assert!(network.contains("10.1.2.3".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "chat", derive(serde::Serialize, serde::Deserialize))]
pub struct Network {
    /// The first address of the network. That of an IPv4 network is mapped into IPv6.
    first: u128,
    /// How many bits of the IPv6 address all addresses of the network share.
    prefix: u32,
}

impl Network {
    /// The network with that prefix length around an address.
    fn around(address: u128, prefix: u32) -> Self {
        Self { first: address & u128::MAX.checked_shl(128 - prefix).unwrap_or(0), prefix }
    }

    /// Whether the address is in this network.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        let address = bits(address);
        is_ipv4(address) == self.is_ipv4() && Self::around(address, self.prefix) == self
    }

    /// Whether every address of its IP version is in this network.
    #[must_use]
    pub fn is_everything(self) -> bool {
        self.prefix == if self.is_ipv4() { IPV4_PREFIX } else { 0 }
    }

    fn is_ipv4(self) -> bool {
        self.prefix >= IPV4_PREFIX && is_ipv4(self.first)
    }

    fn parse(text: &str) -> Option<Self> {
        let (text, prefix) = text.split_once('/').map_or((text, None), |(text, prefix)| (text, Some(prefix)));
        let address: IpAddr = match text.strip_prefix('[') {
            Some(rest) => IpAddr::V6(rest.strip_suffix(']')?.parse().ok()?),
            None => text.parse().ok()?,
        };
        let Some(prefix) = prefix else { return Some(address.into()) };
        // A sign is not a digit.
        let is_number = |digits: &&str| digits.bytes().all(|byte| byte.is_ascii_digit());
        let prefix: u32 = Some(prefix).filter(is_number)?.parse().ok()?;
        let (most, before) = if address.is_ipv4() { (32, IPV4_PREFIX) } else { (128, 0) };
        (prefix <= most).then(|| Self::around(bits(address), before + prefix))
    }
}

/// The bits before an IPv4 address that is mapped into IPv6.
const IPV4_PREFIX: u32 = 96;

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// Whether this is a mapped IPv4 address (RFC 4291 2.5.5.2).
fn is_ipv4(address: u128) -> bool {
    address >> 32 == 0xffff
}

/// As [`FromStr`] reads it. A network of one address is that address.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = if self.is_ipv4() { IPV4_PREFIX } else { 0 };
        let address = IpAddr::from(Ipv6Addr::from_bits(self.first));
        let shown = if self.is_ipv4() { address.to_canonical() } else { address };
        match self.prefix {
            128 => write!(f, "{shown}"),
            prefix => write!(f, "{shown}/{}", prefix - before),
        }
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self::around(bits(address), 128)
    }
}

impl FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let help = "use one such as 127.0.0.1, ::1, 10.0.0.0/8 or fd00::/8";
        Self::parse(text).ok_or_else(|| Error::invalid(format!("{text:?} is not an IP address or a network; {help}")))
    }
}

/// What limits per address count for an address: the numbers of networks, the smallest first, each with the factor by which its
/// limit is larger. An IPv6 client can use every address of its /64, and a customer usually gets a /56 or a /48.
pub(crate) fn counted(address: IpAddr) -> impl Iterator<Item = (u128, u64)> {
    let address = bits(address);
    let levels: &[(u32, u64)] = if is_ipv4(address) { &[(128, 1)] } else { &[(64, 1), (56, 4), (48, 16)] };
    // The low bits of an IPv6 network are 0, so its prefix length fits there.
    let number = move |prefix| Network::around(address, prefix).first | u128::from(prefix % 128);
    levels.iter().map(move |(prefix, factor)| (number(*prefix), *factor))
}

/// The largest network that is counted for an address.
pub(crate) fn largest_counted(address: IpAddr) -> u128 {
    counted(address).last().map_or(0, |(network, _)| network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_contains_its_addresses_only() {
        let table: &[(&str, &[&str], &[&str])] = &[
            ("127.0.0.1", &["127.0.0.1", "::ffff:127.0.0.1"], &["127.0.0.2", "::1"]),
            ("::1", &["::1"], &["::2", "0.0.0.1"]),
            ("[::1]", &["::1"], &["127.0.0.1"]),
            ("10.0.0.0/8", &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], &["11.0.0.0", "9.255.255.255"]),
            ("192.168.1.7/24", &["192.168.1.0", "192.168.1.255"], &["192.168.0.255", "192.168.2.0"]),
            ("192.0.2.8/31", &["192.0.2.8", "192.0.2.9"], &["192.0.2.7", "192.0.2.10"]),
            ("192.0.2.8/32", &["192.0.2.8"], &["192.0.2.9"]),
            ("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::", "2001:db8::1"]),
            ("::/0", &["::", "2001:db8::1"], &["0.0.0.0", "::ffff:1.2.3.4"]),
            ("fd00::/8", &["fd00::", "fdff::1"], &["fc00::", "fe00::"]),
            ("[2001:db8::]/32", &["2001:db8:ffff::"], &["2001:db9::"]),
            ("2001:db8::/128", &["2001:db8::"], &["2001:db8::1"]),
            ("::ffff:10.0.0.0/104", &["10.255.0.1", "::ffff:10.0.0.1"], &["11.0.0.1", "::"]),
            ("::ffff:10.0.0.0/80", &["::1", "::ffff"], &["10.0.0.1", "::1:0:0:0"]),
            ("::ffff:192.0.2.1", &["192.0.2.1"], &["192.0.2.2"]),
            ("::ffff:0:0/96", &["1.2.3.4"], &["::1"]),
        ];
        for (text, inside, outside) in table {
            let network: Network = text.parse().expect("a network");
            let contains = |address: &&str| network.contains(address.parse().expect("an address"));
            assert!(inside.iter().all(contains), "{text}");
            assert!(!outside.iter().any(contains), "{text}");
        }
    }

    #[test]
    fn network_is_written_as_it_is_read() {
        for (text, shown) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3"),
            ("[fd00::1]/8", "fd00::/8"),
            ("::1", "::1"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            let network: Network = text.parse().expect("a network");
            assert_eq!((network.to_string().as_str(), shown.parse()), (shown, Ok(network)), "{text}");
        }
    }

    #[test]
    fn mistakes_are_not_networks() {
        for text in [
            "",
            "*",
            "localhost",
            "10",
            "10.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "10.0.0.0/255.0.0.0",
            "/8",
            "::1/129",
            "[::1",
            "::1]",
            "[::1]:80",
            "[10.0.0.1]",
            "[fd00::/8]",
            "127.0.0.1:80",
            "fe80::1%eth0",
            " 10.0.0.1",
            "::ffff:10.0.0.0/129",
            "10.0.0.0/99999999999",
        ] {
            let error = text.parse::<Network>().expect_err(text).to_string();
            assert!(error.starts_with(&format!("{text:?} is not")) && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn only_a_prefix_of_zero_is_everything() {
        for (text, expected) in [("0.0.0.0/0", true), ("::/0", true), ("0.0.0.0", false), ("::/1", false)] {
            assert_eq!(text.parse::<Network>().expect("a network").is_everything(), expected, "{text}");
        }
    }

    #[test]
    fn limits_count_ipv4_addresses_and_three_sizes_of_ipv6_networks() {
        let networks = |address: &str| counted(address.parse().expect("an address")).collect::<Vec<_>>();
        let number = |address: &str| address.parse::<Ipv6Addr>().expect("an address").to_bits();
        for ipv4 in ["192.0.2.1", "::ffff:192.0.2.1"] {
            assert_eq!(networks(ipv4), [(number("::ffff:192.0.2.1"), 1)], "{ipv4}");
        }
        let sizes = [("2001:db8:1:2345::", 64, 1), ("2001:db8:1:2300::", 56, 4), ("2001:db8:1::", 48, 16)];
        let sizes = sizes.map(|(address, prefix, factor)| (number(address) | u128::from(prefix as u32), factor));
        assert_eq!(networks("2001:db8:1:2345:6::7"), sizes);
        let [one, two, three] = ["2001:db8:1:2345::", "2001:db8:1:ffff::9", "2001:db8:2::"]
            .map(|address| largest_counted(address.parse().expect("an address")));
        assert!(one == two && one != three);
    }
}
