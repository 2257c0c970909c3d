//! IP addresses and networks, as flags name them and as limits per address count them.

use crate::ws::access::Invalid;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
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
    /// The first address of the network.
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// The network with that prefix length around `address`, which is not an IPv4-mapped one.
    fn around(address: IpAddr, prefix: u32) -> Self {
        let first = |bits: u128, unused: u32| bits & u128::MAX.checked_shl(unused).unwrap_or(0);
        let address = match address {
            IpAddr::V4(v4) => Ipv4Addr::from_bits(first(v4.to_bits().into(), 32 - prefix) as u32).into(),
            IpAddr::V6(v6) => Ipv6Addr::from_bits(first(v6.to_bits(), 128 - prefix)).into(),
        };
        Self { address, prefix }
    }

    /// Whether the address is in this network.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && Self::around(address, self.prefix) == self
    }

    /// Whether every address of its IP version is in this network.
    #[must_use]
    pub fn is_everything(self) -> bool {
        self.prefix == 0
    }

    fn parse(text: &str) -> Option<Self> {
        let (text, prefix) = text.split_once('/').map_or((text, None), |(text, prefix)| (text, Some(prefix)));
        let address: IpAddr = match text.strip_prefix('[') {
            Some(rest) => IpAddr::V6(rest.strip_suffix(']')?.parse().ok()?),
            None => text.parse().ok()?,
        };
        // A sign is not a digit.
        let is_number = |digits: &&str| digits.bytes().all(|byte| byte.is_ascii_digit());
        let Some(prefix) = prefix else { return Some(address.into()) };
        let prefix: u32 = Some(prefix).filter(is_number)?.parse().ok()?;
        match address.to_canonical() {
            _ if prefix > bits(address) => None,
            IpAddr::V4(mapped) if address.is_ipv6() && prefix >= 96 => Some(Self::around(mapped.into(), prefix - 96)),
            _ => Some(Self::around(address, prefix)),
        }
    }
}

/// The bits of an address.
fn bits(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// As [`FromStr`] reads it. A network of one address is that address.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix == bits(self.address) {
            true => write!(f, "{}", self.address),
            false => write!(f, "{}/{}", self.address, self.prefix),
        }
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { address, prefix: bits(address) }
    }
}

impl FromStr for Network {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let help = "use one such as 127.0.0.1, ::1, 10.0.0.0/8 or fd00::/8";
        Self::parse(text).ok_or_else(|| Invalid(format!("{text:?} is not an IP address or a network; {help}")))
    }
}

/// What limits per address count for an address: the numbers of networks, the smallest first, each with the factor by which its
/// limit is larger. An IPv6 client can use every address of its /64, and a customer usually gets a /56 or a /48.
pub(crate) fn counted(address: IpAddr) -> impl Iterator<Item = (u128, u32)> {
    let (address, levels): (u128, &[(u32, u32)]) = match address.to_canonical() {
        IpAddr::V4(v4) => (v4.to_ipv6_mapped().to_bits(), &[(128, 1)]),
        IpAddr::V6(v6) => (v6.to_bits(), &[(64, 1), (56, 4), (48, 16)]),
    };
    // The low bits of an IPv6 network are 0, so its prefix length fits there.
    let number = move |prefix| {
        if prefix == 128 { address } else { address >> (128 - prefix) << (128 - prefix) | u128::from(prefix) }
    };
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
        let sizes = sizes.map(|(address, prefix, factor)| (number(address) | prefix, factor));
        assert_eq!(networks("2001:db8:1:2345:6::7"), sizes);
        let [one, two, three] = ["2001:db8:1:2345::", "2001:db8:1:ffff::9", "2001:db8:2::"]
            .map(|address| largest_counted(address.parse().expect("an address")));
        assert!(one == two && one != three);
    }
}
