//! The addresses of this machine, for a certificate that is made for them.
//!
//! Owns where Linux lists them, and what helps elsewhere.

use std::{
    collections::BTreeSet,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket},
};

/// The addresses under which others may reach this machine, and 127.0.0.1 and ::1. Link-local ones of IPv6 are left out: a
/// URL cannot name them.
#[must_use]
pub fn addresses_of_this_machine() -> Vec<IpAddr> {
    let four = fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
    let six = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let mut all: BTreeSet<IpAddr> = version_4(&four).map(IpAddr::V4).chain(version_6(&six).map(IpAddr::V6)).collect();
    all.extend(towards_others());
    all.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
    all.into_iter().collect()
}

/// In the table of routes, each address of this machine has a line, and below it one that says `host LOCAL`.
fn version_4(table: &str) -> impl Iterator<Item = Ipv4Addr> {
    let below = table.lines().skip(1);
    table.lines().zip(below).filter(|(_, below)| below.trim() == "/32 host LOCAL").filter_map(|(line, _)| {
        let address = line.trim().strip_prefix("|-- ")?;
        address.parse().ok()
    })
}

/// A line for each: 32 digits, then other things.
fn version_6(table: &str) -> impl Iterator<Item = Ipv6Addr> {
    let addresses = table.lines().filter_map(|line| u128::from_str_radix(line.split(' ').next()?, 16).ok());
    addresses.map(Ipv6Addr::from).filter(|address| !address.is_unicast_link_local())
}

/// The address that this machine would use to reach others: no packet is sent for that.
fn towards_others() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_linux_are_understood() {
        let four = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 192.168.1.0\n        /24 link UNICAST\n     |-- 192.168.1.7\n        /32 host LOCAL\n";
        assert_eq!(version_4(four).collect::<Vec<_>>(), [Ipv4Addr::new(192, 168, 1, 7)]);
        let six = "fe80000000000000000000000000abcd 02 40 20 80 eth0\n20010db8000000000000000000000001 02 40 00 80 eth0\nodd\n";
        assert_eq!(version_6(six).map(|ip| ip.to_string()).collect::<Vec<_>>(), ["2001:db8::1"]);
        assert!(addresses_of_this_machine().contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }
}
