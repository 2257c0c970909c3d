//! The limits of the registry, without handshakes.

use super::*;
use std::io::Write;
use std::net::TcpListener;

fn config(connections: usize, per_address: usize, handshakes: usize) -> Config {
    Config {
        max_connections: connections,
        max_connections_per_address: per_address,
        max_handshakes: handshakes,
        ..Config::default()
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn proxy() -> IpAddr {
    ip("127.0.0.1")
}

fn stream() -> Arc<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    Arc::new(TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection"))
}

/// Admits connections from all of `addresses` and keeps them. Returns the error of each one.
fn admit(config: &Config, addresses: &[&str]) -> Vec<Option<Rejection>> {
    let (registry, stream) = (Arc::<ConnectionRegistry>::default(), stream());
    let admitted: Vec<_> =
        (0..).zip(addresses).map(|(id, text)| registry.admit(id, &stream, ip(text), false, config)).collect();
    admitted.iter().map(|permit| permit.as_ref().err().copied()).collect()
}

#[test]
fn each_limit_admits_exactly_its_number() {
    let limits = [Rejection::Connections, Rejection::ConnectionsPerAddress, Rejection::Handshakes];
    let [too_many, address, handshakes] = limits.map(Some);
    let four = ["192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.2"];
    assert_eq!(admit(&config(3, 0, 0), &four), [None, None, None, too_many]);
    assert_eq!(admit(&config(0, 2, 0), &four), [None, None, None, address]);
    assert_eq!(admit(&config(0, 0, 3), &four), [None, None, None, handshakes]);
    assert_eq!(admit(&config(0, 0, 0), &four), [None; 4]);
}

#[test]
fn loopback_has_no_limit_per_address() {
    assert_eq!(admit(&config(0, 1, 0), &["127.0.0.1", "127.0.0.1", "::1", "::1"]), [None; 4]);
}

#[test]
fn ipv6_is_counted_per_64_prefix_and_mapped_ipv4_as_ipv4() {
    let config = config(0, 1, 0);
    let address = Some(Rejection::ConnectionsPerAddress);
    assert_eq!(admit(&config, &["2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1"]), [None, address, None]);
    assert_eq!(admit(&config, &["192.0.2.1", "::ffff:192.0.2.1"]), [None, address]);
}

#[test]
fn larger_ipv6_networks_have_larger_limits() {
    let registry = Arc::<ConnectionRegistry>::default();
    let (stream, config) = (stream(), config(0, 2, 0));
    let mut permits = Vec::new();
    for (step, expected) in [(1_u128, 2), (1 << 64, 8), (1 << 72, 32), (1 << 80, 40)] {
        permits.clear();
        let address = |number: u128| IpAddr::from(((0x2001_0db8_u128 << 96) | (number * step)).to_be_bytes());
        let admit = |number| registry.admit(number as u64, &stream, address(number), false, &config);
        permits.extend((0..40).filter_map(|number| admit(number).ok()));
        assert_eq!(permits.len(), expected, "{step:x}");
    }
    drop(permits);
    assert_eq!(lock(&registry.0).per_network.len(), 0);
}

#[test]
fn exempt_networks_have_no_limit_per_address() {
    let networks = vec!["192.0.2.0/31".parse().expect("a network"), "fd00::/8".parse().expect("a network")];
    let config = Config { exempt_networks: networks, ..config(0, 1, 0) };
    let addresses = ["192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2", "192.0.2.2", "fd01::1", "fd01::1"];
    let full = Some(Rejection::ConnectionsPerAddress);
    assert_eq!(admit(&config, &addresses), [None, None, None, None, full, None, None]);
    let config = Config { max_handshakes: 1, ..config };
    assert_eq!(admit(&config, &["192.0.2.1", "192.0.2.1"]), [None, Some(Rejection::Handshakes)]);
}

/// Handshakes, a newcomer, the least age, and the handshakes that are left.
type Cut = (&'static [&'static str], &'static str, Duration, Option<&'static [usize]>);

/// The addresses whose handshakes are left after one from `newcomer` has made room.
fn left_after_a_cut(handshakes: &[&str], newcomer: &str, age: Duration) -> Option<Vec<usize>> {
    let (registry, stream, config) = (Arc::<ConnectionRegistry>::default(), stream(), config(0, 0, 0));
    let admit = |(id, text): (u64, &&str)| registry.admit(id, &stream, ip(text), false, &config).expect("no limit");
    let _permits: Vec<_> = (0..).zip(handshakes).map(admit).collect();
    let mut inner = lock(&registry.0);
    let left = inner
        .cut_handshake(ip(newcomer), age)
        .then(|| (0..handshakes.len()).filter(|id| inner.handshakes.get(*id as u64).is_some()).collect());
    // A permit that is dropped takes the lock.
    drop(inner);
    left
}

#[test]
fn the_network_with_most_handshakes_gives_way() {
    let (young, any_age) = (Duration::from_secs(60), Duration::ZERO);
    let table: &[Cut] = &[
        (&["192.0.2.1", "192.0.2.2", "192.0.2.2"], "192.0.2.3", young, Some(&[0, 2])),
        (&["192.0.2.1", "192.0.2.2", "192.0.2.2"], "192.0.2.1", young, Some(&[0, 2])),
        (&["192.0.2.1", "192.0.2.2", "192.0.2.2"], "192.0.2.2", young, None),
        (&["192.0.2.1", "192.0.2.2", "192.0.2.2"], "192.0.2.2", any_age, Some(&[0, 2])),
        (&["192.0.2.1", "192.0.2.2"], "192.0.2.3", young, Some(&[1])),
        (&["192.0.2.1", "192.0.2.2"], "192.0.2.1", young, None),
        (&["192.0.2.1", "2001:db8:0:1::1", "2001:db8:0:ffff::2"], "192.0.2.2", young, Some(&[0, 2])),
        (&["192.0.2.1", "2001:db8:0:1::1", "2001:db8:0:ffff::2"], "2001:db8:0:7::", young, None),
        (&["192.0.2.1", "2001:db8:0:1::1", "2001:db8:0:ffff::2"], "2001:db8:1::", young, Some(&[0, 2])),
        (&[], "192.0.2.1", any_age, None),
    ];
    for (handshakes, newcomer, age, left) in table {
        let actual = left_after_a_cut(handshakes, newcomer, *age);
        assert_eq!(actual.as_deref(), *left, "{handshakes:?} {newcomer}");
    }
}

#[test]
fn an_address_at_its_limit_cuts_no_handshake() {
    let (registry, stream, config) = (Arc::<ConnectionRegistry>::default(), stream(), config(0, 1, 1));
    let admit = |id, text| registry.admit(id, &stream, ip(text), false, &config);
    let first = admit(1, "192.0.2.1").expect("no limit");
    assert_eq!(admit(2, "192.0.2.1").err(), Some(Rejection::ConnectionsPerAddress));
    assert!(lock(&registry.0).handshakes.get(1).is_some() && !first.has_cut_another);
    let other = admit(3, "192.0.2.2").expect("the slot of the first handshake");
    assert!(lock(&registry.0).handshakes.get(1).is_none() && other.has_cut_another);
}

#[test]
fn a_dropped_permit_frees_every_count() {
    let (registry, stream, config) = (Arc::<ConnectionRegistry>::default(), stream(), config(1, 1, 1));
    for id in 0..3 {
        let mut permit = registry.admit(id, &stream, proxy(), true, &config).expect("the only place");
        permit.count_for(ip("192.0.2.1"), &config).expect("the only one of its address");
        permit.end_handshake();
        assert_eq!(registry.admit(9, &stream, proxy(), true, &config).err(), Some(Rejection::Connections));
    }
    let inner = lock(&registry.0);
    assert_eq!((inner.count, inner.handshakes.len(), inner.per_network.len()), (0, 0, 0));
}

#[test]
fn behind_a_proxy_the_limit_is_that_of_the_named_address() {
    let (registry, stream, config) = (Arc::<ConnectionRegistry>::default(), stream(), config(0, 1, 0));
    let [mut first, mut second] =
        [1, 2].map(|id| registry.admit(id, &stream, proxy(), true, &config).expect("no limit"));
    assert_eq!(first.count_for(ip("192.0.2.1"), &config), Ok(()));
    assert_eq!(second.count_for(ip("192.0.2.1"), &config), Err(Rejection::ConnectionsPerAddress));
    assert_eq!(second.count_for(ip("192.0.2.2"), &config), Ok(()));
}

#[test]
fn only_an_old_handshake_is_cut_and_its_connection_still_counts() {
    let (registry, stream, config) = (Arc::<ConnectionRegistry>::default(), stream(), config(3, 0, 1));
    let answered = registry.admit(1, &stream, proxy(), true, &config).expect("the first one");
    answered.end_handshake();
    let _handshake = registry.admit(2, &stream, proxy(), true, &config).expect("no other handshake");
    assert!(!lock(&registry.0).cut_handshake(proxy(), Duration::from_secs(60)), "it is young");
    assert!(lock(&registry.0).cut_handshake(proxy(), Duration::ZERO));
    assert!(!lock(&registry.0).cut_handshake(proxy(), Duration::ZERO), "there is no other handshake");
    let _third = registry.admit(3, &stream, proxy(), true, &config).expect("the slot of the handshake that was cut");
    assert_eq!(registry.admit(4, &stream, proxy(), true, &config).err(), Some(Rejection::Connections));
}

/// A restart must not refuse a client that has just connected.
#[test]
fn shutdown_cuts_old_handshakes_before_new_ones() {
    let (registry, config) = (Arc::<ConnectionRegistry>::default(), config(0, 0, 0));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let stream = Arc::new(TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection"));
    let permit = registry.admit(2, &stream, proxy(), true, &config).expect("no limit");
    registry.shut_down();
    assert!(registry.cut_handshakes(Duration::from_secs(3600)), "it is young");
    stream.as_ref().write_all(b"a request").expect("an open socket");
    assert!(!registry.cut_handshakes(Duration::ZERO), "no other is left");
    stream.as_ref().write_all(b"more").expect_err("it was cut");
    drop(permit);
    assert_eq!(lock(&registry.0).count, 0);
}
