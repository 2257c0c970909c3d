//! Clients that are slow or stuck, or speak another protocol. They do not disturb others, and are dropped in time.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use chinwag::{Config, DisconnectReason, Server};
use rustls::version::TLS13;

use super::certificates::Certificates;
use super::client::{Client, End};
use super::serve;
use super::support::frames::{TEXT, frame, handshake};
use super::support::serving::{connected, disconnected, text};
use super::support::{DEADLINE, raw, wait_until};

fn quick() -> Config {
    let mut config = Config::default();
    config.handshake_timeout = Duration::from_secs(1);
    config.close_timeout = Duration::from_millis(300);
    config
}

/// The TLS handshake and the request share one deadline. Single bytes do not extend it.
#[test]
fn slow_handshakes_are_dropped_at_the_deadline() {
    let certificates = Certificates::new();
    let (server, addr) = serve(quick(), &certificates);
    let slow_hello = |mut client: Client| {
        let mut hello = Vec::new();
        client.tls.write_tls(&mut hello).expect("memory");
        drip(&client.stream, &hello);
    };
    let slow_request = |mut client: Client| {
        client.shake().expect("a handshake");
        let request = client.encrypt(&handshake(addr, ""));
        drip(&client.stream, &request);
    };
    let silent = |client: Client| drip(&client.stream, &[]);
    let many: [&(dyn Fn(Client) + Sync); 3] = [&slow_hello, &slow_request, &silent];
    std::thread::scope(|scope| {
        let measure = |number: usize| {
            // The server's clock starts when the connection arrives, which is after this.
            let start = Instant::now();
            many[number % 3](Client::begin(addr, &certificates.current(), &TLS13));
            start.elapsed()
        };
        let took: Vec<_> = (0..30).map(|number| scope.spawn(move || measure(number))).collect();
        // A normal client is served meanwhile.
        let mut ann = Client::open_with(addr, &certificates.current(), b"");
        connected(&server).send("hello");
        assert_eq!(ann.expect_frame().payload, b"hello");
        for (number, took) in took.into_iter().enumerate() {
            let took = took.join().expect("it ends");
            assert!(took > Duration::from_millis(900) && took < DEADLINE, "number {number}: {took:?}");
        }
    });
    let counts = server.handle().numbers().expect("it runs").rejections;
    let count = |kind: &str| counts.iter().find(|(name, _)| *name == kind).map(|(_, count)| *count);
    assert_eq!((count("tls-handshake"), count("slow-request")), (Some(20), Some(10)), "{counts:?}");
}

/// Sends byte by byte until the server closes the connection.
fn drip(mut stream: &TcpStream, bytes: &[u8]) {
    let start = Instant::now();
    stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    for byte in bytes.iter().map(Some).chain(std::iter::repeat(None)) {
        let over = byte.is_some_and(|byte| stream.write_all(&[*byte]).is_err());
        match stream.read(&mut [0; 4096]) {
            Ok(0) => return,
            // A timeout: the second one is Windows' kind.
            Err(why) if !matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return,
            _ if over => return,
            _ => assert!(start.elapsed() < 2 * DEADLINE, "the connection is still open"),
        }
    }
    unreachable!("the iterator does not end")
}

/// Browsers with an `http://` address get a sentence that they can show.
#[test]
fn plain_http_gets_a_readable_400() {
    let certificates = Certificates::new();
    let (_server, addr) = serve(Config::default(), &certificates);
    for request in ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST /x HTTP/1.0\r\n\r\n", "hello\r\n\r\n"] {
        let answer = raw::http(addr, request);
        assert_eq!((answer.status, answer.text().contains("https:// or wss://")), (400, true), "{answer:?}");
    }
}

/// A proxy that sends it learns what to change, although the port speaks TLS.
#[test]
fn proxy_protocol_on_a_tls_port_is_named() {
    let certificates = Certificates::new();
    let (_server, addr) = serve(Config::default(), &certificates);
    for header in [&b"PROXY TCP4 192.0.2.1 192.0.2.2 5 443\r\n"[..], b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"] {
        let answer = raw::Answer::parse(&raw::raw(addr, header));
        assert!(answer.status == 400 && answer.text().contains("PROXY protocol"), "{answer:?}");
    }
    let head = raw::http(addr, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!((head.status, head.body.len()), (400, 0));
}

/// What a client without TLS gets has no field that is for TLS only (RFC 6797 7.2).
#[test]
fn plain_responses_of_a_tls_port_do_not_ask_for_https() {
    let certificates = Certificates::new();
    let acceptor = certificates.acceptor().with_hsts(3600);
    let builder = Server::builder().config(quick()).listen_tls("127.0.0.1:0", &acceptor).expect("a free port");
    let server = builder.start().expect("threads enough");
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(Config::default().max_head_size));
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 5 443\r\n", 400),
        ("GET / HTTP/2.0\r\n\r\n", 505),
        ("GET / HTTP/1.1\r\n", 408),
        (&long, 431),
    ] {
        let answer = raw::http(server.local_addrs()[0], request);
        assert_eq!((answer.status, answer.header("strict-transport-security")), (status, None), "{request:.40}");
    }
}

#[test]
fn plain_and_tls_ports_work_in_one_process() {
    let certificates = Certificates::new();
    let builder = Server::builder().listen("127.0.0.1:0").expect("a free port");
    let builder = builder.listen_tls("127.0.0.1:0", &certificates.acceptor()).expect("a free port");
    let server = builder.start().expect("threads enough");
    let [plain, secure] = server.local_addrs() else { panic!("two addresses") };
    assert_eq!(raw::get(*plain, "/").status, 426);
    let mut hello = Client::begin(*plain, &certificates.current(), &TLS13);
    let error = hello.shake().expect_err("no TLS there").to_string();
    assert!(error.contains("InvalidMessage") || error.contains("corrupt"), "{error}");
    let mut plain_client = super::support::frames::RawClient::open(*plain);
    let first = connected(&server);
    let mut client = Client::open_with(*secure, &certificates.current(), b"");
    let second = connected(&server);
    assert!(first.send("plain") && second.send("secret"));
    assert_eq!(plain_client.expect_frame().payload, b"plain");
    assert_eq!(client.expect_frame().payload, b"secret");
}

/// Bytes that are neither TLS nor HTTP get an alert.
#[test]
fn nonsense_gets_an_alert() {
    let certificates = Certificates::new();
    let (_server, addr) = serve(quick(), &certificates);
    for nonsense in [&b"\x16\x03\x01\x00\x05hello"[..], b"\x00\x01\x02\x03\x04\x05", b"\x16\x03\x01\xff\xff"] {
        let answer = raw::raw(addr, nonsense);
        assert!(answer.is_empty() || answer.starts_with(&[0x15, 3]), "{nonsense:?}: {answer:?}");
    }
    let mut client = Client::begin(addr, &certificates.current(), &TLS13);
    let stranger = Certificates::new();
    client.tls = Client::begin(addr, &stranger.current(), &TLS13).tls;
    assert!(client.shake().is_err(), "an unknown certificate is refused by the client");
}

/// The send buffer of a client that does not read fills up to its limit. Other clients do not wait.
#[test]
fn stopped_client_is_dropped_at_its_limit() {
    let certificates = Certificates::new();
    let (server, addr) = serve(quick(), &certificates);
    let mut stopped = Client::open_with(addr, &certificates.current(), b"");
    let stopped_peer = connected(&server);
    let mut ann = Client::open_with(addr, &certificates.current(), b"");
    let ann_peer = connected(&server);
    let message = "x".repeat(10_000);
    let mut sent = 0;
    while stopped_peer.send(message.as_str()) {
        assert!(ann_peer.send(message.as_str()));
        assert_eq!(ann.expect_frame().payload.len(), 10_000);
        sent += 1;
        assert!(sent < 10_000, "the send buffer has no limit");
    }
    assert_eq!(disconnected(&server), (stopped_peer, DisconnectReason::SlowReader));
    assert_eq!(stopped.expect_frame().payload.len(), 10_000, "what the operating system buffered is complete");
}

/// A client that reads again in time receives everything, the Close frame and `close_notify`.
#[test]
fn slow_reader_receives_everything_and_1013() {
    let certificates = Certificates::new();
    let (server, addr) = serve(Config::default(), &certificates);
    let mut late = Client::open_with(addr, &certificates.current(), b"");
    let peer = connected(&server);
    let mut sent = 0;
    while peer.send(format!("{sent} {}", "x".repeat(10_000))) {
        sent += 1;
    }
    for number in 0..sent {
        let payload = late.expect_frame().payload;
        assert!(payload.starts_with(format!("{number} ").as_bytes()));
    }
    assert_eq!(late.expect_frame().code(), 1013);
    assert_eq!(late.read_to_end(), (vec![], End::Proper));
    drop(late);
    assert_eq!(disconnected(&server), (peer, DisconnectReason::SlowReader));
}

#[test]
fn full_server_responds_503_over_tls() {
    let certificates = Certificates::new();
    let mut config = quick();
    config.max_connections = 1;
    let (server, addr) = serve(config, &certificates);
    let _first = Client::open_with(addr, &certificates.current(), b"");
    connected(&server);
    let mut second = Client::connect(addr, &certificates.current(), &TLS13);
    second.send(&handshake(addr, ""));
    let (answer, end) = second.read_to_end();
    assert!(answer.starts_with(b"HTTP/1.1 503 "), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(end, End::Proper);
}

/// The deepest calls with TLS fit into half of the stack, even in a debug build.
#[test]
fn half_of_the_stack_is_sufficient() {
    let certificates = Certificates::new();
    let config = Config::default().stack_size(64 * 1024);
    let (server, addr) = serve(config, &certificates);
    for version in super::client::VERSIONS {
        let mut client = Client::connect(addr, &certificates.current(), version);
        client.upgrade(addr, &frame(TEXT, &[b'x'; 5000]));
        let peer = connected(&server);
        assert!(peer.send("x".repeat(60_000)));
        assert_eq!(client.expect_frame().payload.len(), 60_000);
        drop((client, peer));
        wait_until(DEADLINE, "the end of the connection", || {
            matches!(server.events().recv_timeout(DEADLINE), Ok(chinwag::Event::Disconnected(..)))
        });
    }
}

/// Each kind of key, in each form that OpenSSL writes, on half of the stack.
#[test]
fn keys_of_all_kinds_are_accepted() {
    let certificates = Certificates::new();
    let (cert, key) = (certificates.path("cert.pem"), certificates.path("key.pem"));
    for (make, form) in [
        ("rsa:4096 -sha256", "pkey -traditional"),
        ("rsa:2048 -sha256", "pkey"),
        ("ec -pkeyopt ec_paramgen_curve:prime256v1", "pkey -traditional"),
        ("ec -pkeyopt ec_paramgen_curve:secp384r1", "pkey"),
        ("ed25519", "pkey"),
    ] {
        let names = "-subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=CA:FALSE";
        let command = format!(
            "openssl req -x509 -nodes -days 9 {names} -newkey {make} -keyout '{key}.1' -out '{cert}' 2>&1 \
             && openssl {form} -in '{key}.1' -out '{key}'"
        );
        let done = std::process::Command::new("sh").args(["-c", &command]).output();
        let Some(done) = done.ok().filter(|done| done.status.code() != Some(127)) else {
            return super::support::skip("no shell, or no openssl");
        };
        assert!(done.status.success(), "{}", super::support::script::printed(&done));
        let config = Config::default().stack_size(64 * 1024);
        let (_server, addr) = serve(config, &certificates);
        for version in super::client::VERSIONS {
            Client::connect(addr, &certificates.current(), version).upgrade(addr, b"");
        }
    }
}

/// A message in the same packet as a broken record, but before it, is delivered.
#[test]
fn message_before_a_broken_record_is_delivered() {
    let certificates = Certificates::new();
    let (server, addr) = serve(quick(), &certificates);
    let mut client = Client::open_with(addr, &certificates.current(), b"");
    let peer = connected(&server);
    let broken = b"\x17\x03\x03\x00\x14no record of anybody";
    let both = [client.encrypt(&frame(TEXT, b"before")), broken.to_vec()].concat();
    client.stream.write_all(&both).expect("the server reads");
    assert_eq!(text(&server).1, "before");
    assert_eq!(disconnected(&server), (peer, DisconnectReason::ConnectionLost));
}
