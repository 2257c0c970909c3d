//! Which host names are valid, as tables.

use super::*;

fn host(text: &str) -> Host {
    Host::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
}

#[test]
fn valid_hosts_are_parsed() {
    let table: &[(&str, &str, Option<u16>)] = &[
        ("localhost", "localhost", None),
        ("LocalHost:6502", "localhost", Some(6502)),
        ("localhost.:80", "localhost", Some(80)),
        ("localhost:", "localhost", None),
        ("my_host-1.example", "my_host-1.example", None),
        ("127.0.0.1:6502", "127.0.0.1", Some(6502)),
        ("[::1]", "::1", None),
        ("[0:0::1]:65535", "::1", Some(65535)),
        ("[fe80::1%25eth0]:80", "fe80::1", Some(80)),
        ("127.1", "127.1", None),
    ];
    for (text, name, port) in table {
        let host = host(text);
        assert_eq!((host.name.as_str(), host.port), (*name, *port), "{text}");
    }
}

#[test]
fn invalid_hosts_are_rejected() {
    let long = "a".repeat(256);
    let table = [
        "",
        ".",
        ":80",
        "a b",
        "a,b",
        "a/b",
        "http://a",
        "user@a",
        "a:b",
        "a:+80",
        "a:65536",
        "a:80:80",
        "::1",
        "[::1",
        "[::1]80",
        "[::1]:x",
        "[]",
        "[127.0.0.1]",
        "a..b",
        ".a",
        "a%20b",
        "bücher.example",
        "*",
        &long,
    ];
    for text in table {
        assert!(Host::parse(text).is_err(), "{text}");
    }
}

#[test]
fn host_names_have_at_most_255_characters() {
    for (length, is_valid) in [(255, true), (256, false)] {
        assert_eq!(Host::parse(&"a".repeat(length)).is_ok(), is_valid, "{length}");
    }
}

#[test]
fn sentence_says_what_is_wrong_with_a_host() {
    for (text, part) in [
        ("a:b", "a number"),
        ("a:0", "1 to 65535"),
        ("::1", "in brackets"),
        ("a:80:80", "in brackets"),
        ("[::1]x", "in brackets"),
        ("b\u{fc}cher", "xn--"),
        ("a b", "a character"),
        ("a..b", "an empty part"),
        ("", "no host"),
    ] {
        let why = Host::parse(text).expect_err(text);
        assert!(why.contains(part), "{text}: {why}");
    }
}

#[test]
fn only_ip_literals_have_an_address() {
    for (text, is_ip) in [("127.0.0.1", true), ("[::1]:1", true), ("127.1", false), ("0x7f000001", false)] {
        assert_eq!(host(text).ip.is_some(), is_ip, "{text}");
    }
}
