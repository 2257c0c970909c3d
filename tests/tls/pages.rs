//! Pages, rejections and redirects.

use chinwag::{Access, Server, chat::page};
use rustls::version::TLS13;

use super::certificates::Certificates;
use super::client::{Client, End, VERSIONS};
use super::support::frames::handshake;
use super::support::raw::{self, Answer};

fn ask(addr: std::net::SocketAddr, certificates: &Certificates, request: &str) -> Answer {
    let mut client = Client::connect(addr, &certificates.current(), &TLS13);
    client.send(request.as_bytes());
    let (answer, end) = client.read_to_end();
    assert_eq!(end, End::Proper, "{request}");
    client.expect_fin();
    Answer::parse(&answer)
}

#[test]
fn pages_and_rejections_end_with_close_notify() {
    let certificates = Certificates::new();
    let acceptor = certificates.acceptor().with_hsts(3600);
    let builder = Server::builder().site(page::respond).access(Access::default());
    let server = builder.listen_tls("127.0.0.1:0", &acceptor).expect("a free port").start().expect("threads enough");
    let addr = server.local_addrs()[0];
    let page = ask(addr, &certificates, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!((page.status, page.header("strict-transport-security")), (200, Some("max-age=3600")));
    assert!(page.text().ends_with("</aside>\n"));
    for (request, status) in [
        ("GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        ("nonsense\r\n\r\n", 400),
    ] {
        assert_eq!(ask(addr, &certificates, request).status, status, "{request}");
    }
}

/// The page's own origin is `https://` now, and the rule for it is the same.
#[test]
fn origins_are_checked_as_without_tls() {
    let certificates = Certificates::new();
    let (_server, addr) = super::serve(chinwag::Config::default(), &certificates);
    for (origin, status) in [
        (format!("https://{addr}"), "101"),
        (format!("http://{addr}"), "101"),
        ("https://evil.example".to_owned(), "403"),
    ] {
        let mut client = Client::connect(addr, &certificates.current(), &TLS13);
        client.send(&handshake(addr, &format!("Origin: {origin}\r\n")));
        let head = client.read_head();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{origin}: {head}");
    }
}

#[test]
fn plain_http_is_redirected_to_https() {
    let certificates = Certificates::new();
    let builder = Server::builder().listen_tls("127.0.0.1:0", &certificates.acceptor()).expect("a free port");
    let server = builder.redirect_http("127.0.0.1:0").expect("a free port").start().expect("threads enough");
    let [secure, plain] = server.local_addrs() else { panic!("two addresses") };
    let answer = raw::http(*plain, "GET /room/x?y HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let expected = format!("https://localhost:{}/room/x?y", secure.port());
    assert_eq!((answer.status, answer.header("location")), (308, Some(expected.as_str())));
    let head = raw::http(*plain, "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!((head.status, head.body.len()), (308, 0));
    let elsewhere = raw::http(*plain, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert_eq!((elsewhere.status, elsewhere.header("location")), (421, None));
    let socket = String::from_utf8(handshake(*plain, "")).expect("text");
    assert_eq!(raw::http(*plain, &socket).status, 308, "a WebSocket is nothing that plain HTTP gets here");
}

/// The protocol inside of TLS is HTTP/1.1, and says so (RFC 7301).
#[test]
fn alpn_is_http_1_1_and_tickets_are_sent() {
    let certificates = Certificates::new();
    let (_server, addr) = super::serve(chinwag::Config::default(), &certificates);
    for version in VERSIONS {
        let mut client = Client::connect(addr, &certificates.current(), version);
        assert_eq!(client.tls.alpn_protocol(), Some(&b"http/1.1"[..]));
        client.upgrade(addr, b"");
        if version.version == rustls::ProtocolVersion::TLSv1_3 {
            assert!(client.tls.tls13_tickets_received() > 0);
        }
    }
}
