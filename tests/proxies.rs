//! Trusted proxies and exempt networks, as flags.

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use support::binary::{command, start};
use support::{Chinwag, Client, start_binary};
use tungstenite::Error;

/// The status of a handshake that a proxy forwards for that client.
fn forwarded(addr: SocketAddr, client: &str) -> (u16, Option<Client>) {
    match Client::try_connect(addr, &[], &[("X-Forwarded-For", client)]) {
        Ok(client) => (101, Some(client)),
        Err(Error::Http(response)) => (response.status().as_u16(), None),
        Err(other) => panic!("no HTTP answer: {other}"),
    }
}

/// How many of three handshakes for the same client succeed if one address may have two.
fn admitted(chinwag: &Chinwag, client: &str) -> usize {
    let handshakes: Vec<_> = (0..3).map(|_| forwarded(chinwag.addr(), client)).collect();
    handshakes.iter().filter(|(status, _)| *status == 101).count()
}

#[test]
fn proxies_and_exemptions_may_be_networks() {
    let limits = ["--limit", "per-address=2"];
    let with = |more: &[&str]| start_binary(&[&limits[..], more].concat());
    let table: &[(&[&str], usize, usize)] = &[
        (&[], 3, 3),
        (&["--trusted-proxy", "127.0.0.1"], 2, 2),
        (&["--trusted-proxy", "10.0.0.0/8,127.0.0.0/8"], 2, 2),
        (&["--trusted-proxy", "::ffff:127.0.0.0/104"], 2, 2),
        (&["--trusted-proxy", "10.0.0.0/8"], 3, 3),
        (&["--trusted-proxy", "127.0.0.1", "--exempt", "203.0.113.0/24"], 3, 2),
        (&["--trusted-proxy", "127.0.0.1", "--exempt", "203.0.113.0/24", "--exempt", "2001:db8::/32"], 3, 3),
    ];
    for (flags, ipv4, ipv6) in table {
        let chinwag = with(flags);
        assert_eq!(admitted(&chinwag, "203.0.113.1"), *ipv4, "{flags:?}");
        assert_eq!(admitted(&chinwag, "2001:db8::1"), *ipv6, "{flags:?}");
    }
    let chinwag = start(command(&["--listen", "[::1]:0", "--trusted-proxy", "[::1]", "--limit", "per-address=2"]));
    assert_eq!(admitted(&chinwag, "203.0.113.1"), 2);
}

#[test]
fn wrong_networks_are_refused_with_one_line() {
    for (flag, value) in [
        ("--trusted-proxy", "localhost"),
        ("--trusted-proxy", "10.0.0.0/33"),
        ("--trusted-proxy", "[::1]:80"),
        ("--trusted-proxy", "0.0.0.0/0"),
        ("--trusted-proxy", "::/0"),
        ("--exempt", "10.0.0/8"),
        ("--exempt", "::1/129"),
    ] {
        let output = command(&["--listen", "127.0.0.1:0", flag, value]).output().expect("it runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), error.lines().count()), (Some(2), 1), "{error}");
        assert!(error.contains(flag), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn ignored_proxy_on_this_machine_is_logged_once() {
    let chinwag = start_binary(&[]);
    forwarded(chinwag.addr(), "203.0.113.1");
    assert!(chinwag.wait_for_log("X-Forwarded-For").contains("--trusted-proxy 127.0.0.1"));
    forwarded(chinwag.addr(), "203.0.113.1");
    chinwag.signal("TERM");
    let (_, log) = chinwag.wait_for_exit(Duration::from_secs(8));
    assert!(!log.iter().any(|line| line.contains("X-Forwarded-For")), "{log:#?}");

    let trusting = start_binary(&["--trusted-proxy", "127.0.0.1"]);
    forwarded(trusting.addr(), "203.0.113.1");
    Client::connect(trusting.addr(), &[]);
    trusting.signal("TERM");
    let (_, log) = trusting.wait_for_exit(Duration::from_secs(8));
    assert!(!log.iter().any(|line| line.contains("X-Forwarded-For")), "{log:#?}");
}

#[cfg(unix)]
#[test]
fn exempting_every_address_gets_a_warning() {
    for (network, is_everything) in
        [("0.0.0.0/0", true), ("::/0", true), ("::ffff:0:0/96", true), ("10.0.0.0/8", false), ("::1", false)]
    {
        let chinwag = start_binary(&["--exempt", network]);
        chinwag.signal("TERM");
        let (_, log) = chinwag.wait_for_exit(support::DEADLINE);
        let is_warning = |line: &String| line.contains("WARN") && line.contains("--exempt");
        assert_eq!(log.iter().any(is_warning), is_everything, "{network}: {log:?}");
    }
}
