//! Wrong access tokens: an address may offer eight at once and then one in each interval, and they are never logged.

mod support;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use chinwag::{Access, Config, Server};
use support::frames::{RawClient, handshake};
use support::{Client, start_binary};
use tungstenite::Error;

const INTERVAL: Duration = Duration::from_millis(200);

/// A server behind a proxy, so that clients can come from several addresses.
fn server() -> (Server, SocketAddr) {
    let mut config = Config::default();
    config.wrong_token_interval = INTERVAL;
    let builder = Server::builder().config(config).access(Access::default().token("s3cret").expect("a token"));
    let builder = builder.trusted_proxies(["127.0.0.1".parse().expect("an address")]);
    let server = builder.listen("127.0.0.1:0").expect("a free port").start().expect("a server");
    let addr = server.local_addrs()[0];
    (server, addr)
}

/// The status of the response to a token from an address.
fn offer(addr: SocketAddr, token: &str, from: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    match Client::try_connect(addr, &[], &[("Authorization", &bearer), ("X-Forwarded-For", from)]) {
        Ok(_) => 101,
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("not an HTTP response: {other}"),
    }
}

#[test]
fn wrong_tokens_block_only_their_address_until_the_interval_has_passed() {
    let (_server, addr) = server();
    let guess = handshake(addr, "Authorization: Bearer wrong\r\nX-Forwarded-For: 203.0.113.1\r\n");
    let begin = Instant::now();
    let parallel: Vec<_> = (0..40)
        .map(|_| {
            let mut client = RawClient::connect(addr);
            client.send(&guess);
            client
        })
        .collect();
    let statuses: Vec<String> = parallel.into_iter().map(|mut client| client.read_head()[9..12].to_owned()).collect();
    let allowed = 8 + (begin.elapsed().as_micros() / INTERVAL.as_micros()) as usize;
    let count = |status: &str| statuses.iter().filter(|one| *one == status).count();
    assert!((8..=allowed).contains(&count("401")), "{allowed} {statuses:?}");
    assert_eq!(count("401") + count("429"), 40, "{statuses:?}");

    assert_eq!(offer(addr, "s3cret", "203.0.113.2"), 101);
    assert_eq!(offer(addr, "", "203.0.113.3"), 401);
    support::wait_until(support::DEADLINE, "the right token is accepted again", || {
        offer(addr, "s3cret", "203.0.113.1") == 101
    });
}

#[test]
fn missing_token_is_not_limited() {
    let (_server, addr) = server();
    for _ in 0..60 {
        let answer = support::http(addr, &String::from_utf8(handshake(addr, "")).expect("text"));
        assert_eq!(answer.status, 401);
    }
}

#[cfg(unix)]
#[test]
fn tokens_are_never_logged() {
    let file = std::env::temp_dir().join(format!("chinwag-token-{}", std::process::id()));
    std::fs::write(&file, "s3cret\n").expect("a writable folder");
    let chinwag = start_binary(&["-vv", "--token-file", &file.to_string_lossy()]);
    let addr = chinwag.addr();
    for headers in ["Authorization: Bearer s3cret\r\n", "Authorization: Bearer gu3ss\r\n"] {
        RawClient::connect(addr).send(&handshake(addr, headers));
    }
    for target in ["/?token=s3cret", "/?token=gu3ss", "/x?token=gu3ss"] {
        let head = String::from_utf8(handshake(addr, "")).expect("text").replacen('/', target, 1);
        RawClient::connect(addr).send(head.as_bytes());
    }
    chinwag.wait_for_log("open");
    chinwag.signal("TERM");
    let (_, log) = chinwag.wait_for_exit(Duration::from_secs(8));
    std::fs::remove_file(file).expect("the file exists");
    assert!(!log.iter().any(|line| line.contains("s3cret") || line.contains("gu3ss")), "{log:#?}");
}
