//! The rules on hosts, origins and tokens, as tables.

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
fn only_ip_literals_have_an_address() {
    for (text, is_ip) in [("127.0.0.1", true), ("[::1]:1", true), ("127.1", false), ("0x7f000001", false)] {
        assert_eq!(host(text).ip.is_some(), is_ip, "{text}");
    }
}

#[test]
fn known_hosts_are_accepted() {
    let access = Access::default().machine_name("Pi");
    let access = access.allow_host("chat.example").expect("a host name");
    let table = [
        ("localhost:6502", true),
        ("192.168.1.20:6502", true),
        ("[fe80::1]", true),
        ("pi", true),
        ("PI.local:6502", true),
        ("chat.example:1", true),
        ("chat.example.", true),
        ("evil.example", false),
        ("localhost.evil.example", false),
        ("pi.evil.example", false),
        ("127.1", false),
        ("2130706433", false),
    ];
    for (text, accepted) in table {
        assert_eq!(access.check_host(&host(text)).is_ok(), accepted, "{text}");
    }
    assert!(Access::open().check_host(&host("evil.example")).is_ok());
}

#[test]
fn machine_name_is_accepted_with_and_without_local() {
    let access = Access::default().machine_name("pi.local");
    for name in ["pi", "pi.local"] {
        assert!(access.check_host(&host(name)).is_ok(), "{name}");
    }
    let unnamed = Access::default().machine_name("no host name");
    assert!(unnamed.hosts.is_empty());
}

#[test]
fn known_origins_are_accepted() {
    let access = Access::default();
    let access = access.allow_origin("https://App.example:443/").expect("an origin");
    let table = [
        (None, "localhost", true),
        (Some("http://localhost:3000"), "localhost:6502", true),
        (Some("https://LOCALHOST"), "localhost:6502", true),
        (Some("http://[::1]:80"), "[0:0::1]:6502", true),
        (Some("https://app.example"), "localhost", true),
        (Some("http://app.example"), "localhost", false),
        (Some("https://app.example:8443"), "localhost", false),
        (Some("http://127.0.0.1"), "localhost", false),
        (Some("http://localhost.evil.example"), "localhost", false),
        (Some("null"), "localhost", false),
        (Some("file://"), "localhost", false),
        (Some("localhost"), "localhost", false),
        (Some("http://localhost/path"), "localhost", false),
        (Some("http://localhost@evil.example"), "localhost", false),
        (Some(""), "localhost", false),
    ];
    for (origin, name, accepted) in table {
        let result = access.check_origin(origin, &host(name));
        assert_eq!(result.is_ok(), accepted, "{origin:?} on {name}");
    }
}

#[test]
fn null_accepts_files_and_star_accepts_any_origin() {
    let here = host("localhost");
    for (listed, origin) in [("null", "file://"), ("null", "null"), ("*", "https://evil.example"), ("*", "null")] {
        let access = Access::default().allow_origin(listed).expect("an origin");
        assert_eq!(access.check_origin(Some(origin), &here), Ok(()), "{origin}");
    }
}

#[test]
fn missing_origin_can_be_refused() {
    let access = Access::open().require_origin(true);
    let here = host("localhost");
    assert_eq!(access.check_origin(None, &here), Err(Refusal::NoOrigin));
    assert_eq!(access.check_origin(Some("http://a"), &here), Ok(()));
}

#[test]
fn token_must_match_completely() {
    let access = Access::default().token(" s3cret\n").expect("a token");
    assert_eq!(access.check_token(Some(b"s3cret")), Ok(()));
    assert_eq!(access.check_token(None), Err(Refusal::NoToken));
    for wrong in ["", "s", "s3cre", "s3cret ", "s3crets3cret", "S3cret"] {
        let result = access.check_token(Some(wrong.as_bytes()));
        assert_eq!(result, Err(Refusal::WrongToken), "{wrong}");
    }
    assert_eq!(Access::default().check_token(Some(b"any")), Ok(()));
}

#[test]
fn replaced_token_counts_for_all_clones() {
    let access = Access::default().token("old").expect("a token");
    let (clone, other) = (access.clone(), access.clone().token("other").expect("a token"));
    assert_eq!(access.replace_token("new"), Ok(()));
    assert!(access.replace_token(" ").is_err(), "and the token before stays");
    for (access, token) in [(&access, "new"), (&clone, "new"), (&other, "other")] {
        assert_eq!(access.check_token(Some(token.as_bytes())), Ok(()), "{token}");
        assert_eq!(access.check_token(Some(b"old")), Err(Refusal::WrongToken), "{token}");
    }
}

#[test]
fn token_is_never_shown() {
    let access = Access::default().token("s3cret").expect("a token");
    assert!(!format!("{access:?}").contains("s3cret"));
    let refused = Access::default().token("s3cret s3cret").expect_err("a space");
    assert!(!format!("{refused} {refused:?}").contains("s3cret"));
}

#[test]
fn invalid_settings_are_rejected() {
    for name in ["", "a:80", "http://a", "a/", "a b"] {
        assert!(Access::default().allow_host(name).is_err(), "{name}");
    }
    for name in ["::1", "[::1]", "10.0.0.1", "a."] {
        assert!(Access::default().allow_host(name).is_ok(), "{name}");
    }
    for origin in ["", "a.example", "https://", "https://a/b", "://a", "1x://a"] {
        assert!(Access::default().allow_origin(origin).is_err(), "{origin}");
    }
    for token in ["", " \n", "a b", "ü", "a\u{7f}"] {
        assert!(Access::default().token(token).is_err(), "{token}");
    }
}

#[test]
fn refusal_names_the_flag_that_allows_the_request() {
    let access = Access::default().require_origin(true).token("t").expect("a token");
    let here = host("localhost");
    let table = [
        (access.check_host(&host("evil.example:80")), 421, "--host evil.example (in code: Access::allow_host)."),
        (
            access.check_origin(Some("http://evil.example"), &here),
            403,
            "--origin http://evil.example (in code: Access::allow_origin).",
        ),
        (access.check_origin(Some("file://"), &here), 403, "--origin null (in code: Access::allow_origin)."),
        (access.check_origin(None, &here), 403, "--require-origin"),
        (access.check_token(None), 401, "--token-file"),
        (access.check_token(Some(b"x")), 401, "--token-file"),
    ];
    for (result, status, flag) in table {
        let refusal = result.expect_err(flag);
        assert_eq!(refusal.status(), status, "{flag}");
        assert!(refusal.to_string().contains(flag), "{refusal}");
    }
}
