//! The rules on hosts, origins and tokens, as tables.

use super::*;

fn host(text: &str) -> Host {
    Host::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
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
        ("app.localhost:3000", true),
        ("A.b.LOCALHOST.", true),
        ("evil.example", false),
        ("notlocalhost", false),
        ("localhost.evil.example", false),
        ("app.localhost.evil", false),
        ("pi.evil.example", false),
        ("127.1", false),
        ("2130706433", false),
    ];
    for (text, accepted) in table {
        assert_eq!(access.check_host(&host(text)).is_ok(), accepted, "{text}");
    }
    for any in [Access::open(), Access::default().allow_host("*").expect("any host")] {
        assert!(any.check_host(&host("evil.example")).is_ok());
    }
}

#[test]
fn machine_answers_to_its_full_name_and_its_short_names() {
    let table: &[(&str, &[&str], &[&str])] = &[
        ("pi", &["pi", "pi.local", "PI.Local.:6502"], &["pi.lab.example", "p"]),
        ("pi.local", &["pi", "pi.local"], &["pi.local.local", "local"]),
        ("Pi.Lab.Example", &["pi", "pi.local", "pi.lab.example", "PI.lab.EXAMPLE.:80"], &["pi.lab", "lab.example"]),
        ("pi.local.lab", &["pi", "pi.local", "pi.local.lab"], &["pi.lab"]),
        ("pi.lab.example.", &["pi", "pi.lab.example"], &["example", "pi.lab.example.local"]),
    ];
    for (machine, own, foreign) in table {
        let access = Access::default().machine_name(machine);
        let is_known = |name: &&str| access.check_host(&host(name)).is_ok();
        assert!(own.iter().all(is_known) && !foreign.iter().any(is_known), "{machine}");
    }
    for machine in ["no host name", "", "10.0.0.1", "::1", "pi:80"] {
        assert!(Access::default().machine_name(machine).hosts.is_empty(), "{machine}");
    }
}

#[test]
fn known_origins_are_accepted() {
    let access = Access::default();
    let access = access.allow_origin("https://App.example:443/").expect("an origin");
    let access = access.allow_origin("wss://device.example").expect("an origin");
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
        (Some("ws://localhost:6502"), "localhost:6502", true),
        (Some("wss://192.168.1.20"), "192.168.1.20:6502", true),
        (Some("ws://[::1]:6502"), "[::1]:6502", true),
        (Some("capacitor://localhost"), "localhost", true),
        (Some("WS://LocalHost.:1/chat?x#y"), "localhost", true),
        (Some("https://app.example/a/b"), "localhost", true),
        (Some("wss://device.example:443"), "localhost", true),
        (Some("ws://device.example:443"), "localhost", false),
        (Some("wss://device.example:80"), "localhost", false),
        (Some("ws://evil.example"), "localhost", false),
        (Some("localhost"), "localhost", true),
        (Some("192.168.1.20:81"), "192.168.1.20", true),
        (Some("evil.example"), "localhost", false),
        (Some("http://localhost/path"), "localhost", true),
        (Some("http://localhost@evil.example"), "localhost", false),
        (Some("http://evil.example/localhost"), "localhost", false),
        (Some("http://evil.example#localhost"), "localhost", false),
        (Some("file://localhost"), "localhost", false),
        (Some("x://localhost@evil.example"), "localhost", false),
        (Some("http://localhost,http://evil.example"), "localhost", false),
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
    let table = [
        ("null", "file://", true),
        ("null", "null", true),
        ("null", "NULL", false),
        ("null", "app://.", false),
        ("file://", "file://", true),
        ("file:///", "FILE:///android_asset/index.html", true),
        ("file:///a", "file://", true),
        ("file://", "null", false),
        ("app://.", "app://.", true),
        ("APP://./index.html", "app://.", true),
        ("app://.", "app://x", false),
        ("app://obsidian.md", "app://obsidian.md", true),
        ("tauri://localhost", "tauri://localhost", true),
        ("tauri://localhost", "https://localhost", false),
        ("chrome-extension://abcdef", "chrome-extension://abcdef", true),
        ("chrome-extension://abcdef", "chrome-extension://abcdeg", false),
        ("moz-extension://9f2a-x", "moz-extension://9f2a-x/popup.html", true),
        ("qrc://", "qrc://", true),
        ("https://github.com/gilmaimon/TinyWebsockets", "https://github.com/gilmaimon/TinyWebsockets", true),
        ("https://github.com/gilmaimon/TinyWebsockets", "https://github.com", true),
        ("http://localhost", "http://localhost:80/", true),
        ("http://localhost", "http://localhost:81", false),
        ("ArduinoWebSocketClient", "ArduinoWebSocketClient", true),
        ("ArduinoWebSocketClient", "Arduino", false),
        ("*", "https://evil.example", true),
        ("*", "null", true),
        ("*", "a b", true),
    ];
    for (listed, origin, accepted) in table {
        let access = Access::default().allow_origin(listed).expect("an origin");
        let here = if origin.contains("localhost") { host("10.0.0.1") } else { here.clone() };
        assert_eq!(access.check_origin(Some(origin), &here).is_ok(), accepted, "{listed} {origin}");
    }
}

#[test]
fn missing_origin_can_be_refused() {
    let access = Access::open().require_origin(true);
    let here = host("localhost");
    assert_eq!(access.check_origin(None, &here).map_err(|refusal| refusal.status), Err(403));
    assert_eq!(access.check_origin(Some("http://a"), &here), Ok(()));
}

#[test]
fn token_must_match_completely() {
    let access = Access::default().token(" s3cret\n").expect("a token");
    assert_eq!(access.check_token(Some(b"s3cret")), Ok(()));
    assert!(access.check_token(None).is_err_and(|refusal| String::from_utf8_lossy(&refusal.body).contains("requires")));
    for wrong in ["", "s", "s3cre", "s3cret ", "s3crets3cret", "S3cret"] {
        let result = access.check_token(Some(wrong.as_bytes()));
        assert!(result.is_err_and(|refusal| String::from_utf8_lossy(&refusal.body).contains("wrong")), "{wrong}");
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
        assert!(access.check_token(Some(b"old")).is_err(), "{token}");
    }
}

/// Otherwise every user would be an operator. The error does not show the token.
#[test]
fn one_token_is_not_for_users_and_operators() {
    let access = Access::default().token("swordfish").expect("a token");
    assert!(access.replace_admin_token(" swordfish ").is_err_and(|error| !error.to_string().contains("swordfish")));
    assert!(!access.is_admin_token(Some(b"swordfish")));
    access.replace_admin_token("hummingbird").expect("another one");
    assert!(access.replace_token("hummingbird").is_err());
    assert!(access.check_token(Some(b"swordfish")).is_ok(), "the old one stays in use");
    access.replace_token("swordfish").expect("the same as before");
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
    let long = |length: usize| format!("x://{}", "a".repeat(length - 4));
    assert!(Access::default().allow_origin(&long(300)).is_ok());
    let wrong =
        ["", "a.example", "localhost", "LocalHost", "a:80", "https://", "https:///a", "ws://a b", "://a", "1x://a"];
    let more = ["x y://a", "-x://a", "x:/a", "app://ü", "a,b", "x://a,b", "http://.", "https://*.example", "*.x", "+"];
    for origin in wrong.into_iter().chain(more).chain([&*long(301)]) {
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
        (access.check_origin(Some("file://"), &here), 403, "--origin file:// (in code: Access::allow_origin)."),
        (access.check_origin(Some("null"), &here), 403, "--origin null (in code"),
        (access.check_origin(Some("app://."), &here), 403, "--origin app://. (in code"),
        (access.check_origin(Some("HTTPS://A.example:443/x"), &here), 403, "--origin https://a.example (in code"),
        (access.check_origin(Some("http://[::1]:80"), &here), 403, "--origin 'http://[::1]' (in code"),
        (access.check_origin(Some("x://a;b$(c)"), &here), 403, "--origin 'x://a;b$(c)' (in code"),
        (access.check_origin(Some("x://a'b"), &here), 403, r"--origin 'x://a'\''b' (in code"),
        (access.check_origin(Some("*"), &here), 403, "Origin must be"),
        (access.check_origin(None, &here), 403, "--require-origin"),
        (access.check_token(None), 401, "--token-file"),
        (access.check_token(Some(b"x")), 401, "--token-file"),
    ];
    for (result, status, flag) in table {
        let refusal = result.expect_err(flag);
        assert_eq!(refusal.status, status, "{flag}");
        assert!(String::from_utf8_lossy(&refusal.body).contains(flag), "{refusal:?}");
    }
}

/// What the sentence proposes allows the request.
#[test]
fn proposed_origin_is_accepted() {
    for origin in ["null", "file:///x", "app://.", "qrc://", "Arduino", "http://[::1]:3000", "x://A'b", "x://a:b@c"] {
        let here = host("localhost");
        let refusal = Access::default().check_origin(Some(origin), &here).expect_err(origin);
        let sentence = String::from_utf8_lossy(&refusal.body);
        let (_, proposed) = sentence.split_once("Pages from ").expect("an origin");
        let (proposed, _) = proposed.split_once(" are not").expect("an origin");
        let access = Access::default().allow_origin(proposed).expect("an origin");
        assert_eq!(access.check_origin(Some(origin), &here), Ok(()), "{origin}");
    }
}

#[test]
fn a_token_is_required_only_if_there_is_one() {
    let access = Access::default().token("s3cret").expect("a token");
    assert!(format!("{access:?}").contains("Token(…)"));
    assert_eq!(format!("{:?}", Error::invalid("no host")), "no host");
    assert!(!Access::default().requires_token());
    assert!(Access::default().token("t").expect("a token").requires_token());
}
