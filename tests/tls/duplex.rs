//! `Duplex` with TLS over TCP and Unix sockets, and configurations of rustls that a program makes.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use chinwag::duplex::{Duplex, Socket};
use chinwag::handshake::Policy;
use chinwag::http::ClientCertificates;
use chinwag::tls::{Acceptor, Connector, rustls};
use chinwag::{Accept, Config, DisconnectReason, Message, client};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore, ServerConfig, server::WebPkiClientVerifier};

use super::certificates::Certificates;
use super::support::DEADLINE;

fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    (listener.accept().expect("a connection").0, client)
}

/// Both sides send at the same time, over this pair of sockets.
fn exchange<S: Socket + Send + 'static>((one, two): (S, S)) {
    let certificates = Certificates::new();
    let acceptor = certificates.acceptor();
    let serving = std::thread::spawn(move || {
        let policy = Policy { protocols: vec!["a".into()], ..Policy::default() };
        let policy = Policy { accept: Some(Arc::new(|_| Ok(Accept::new().data(7_u8)))), ..policy };
        // A deadline so far away must not overflow.
        let config = Config::default().handshake_timeout(Duration::MAX);
        let reader = Duplex::accept_tls(one, &acceptor, &policy, config).expect("a handshake");
        let peer = reader.writer();
        assert_eq!((peer.path(), peer.protocol(), peer.data()), ("/room", Some("a"), Some(&7_u8)));
        let writer = peer.clone();
        let writing = std::thread::spawn(move || (0..500).all(|number| writer.send(format!("server {number}"))));
        for number in 0..500 {
            assert_eq!(reader.recv_timeout(DEADLINE), Ok(Some(Message::from(format!("client {number}")))));
        }
        assert!(writing.join().expect("no panic"));
        assert!(matches!(reader.recv(), Err(DisconnectReason::ClosedByPeer { code: 3000, .. })));
    });
    let trusted = Connector::trusting(certificates.path("cert.pem")).expect("a certificate");
    let client = client::WebSocket::builder("wss://localhost/room?x=1").protocols(["b", "a"]).tls(trusted);
    let reader = client.open_over(two).expect("a handshake");
    let peer = reader.writer();
    assert_eq!((peer.path(), peer.protocol()), ("/room", Some("a")));
    let writer = peer.clone();
    let writing = std::thread::spawn(move || (0..500).all(|number| writer.send(format!("client {number}"))));
    for number in 0..500 {
        assert_eq!(reader.recv_timeout(DEADLINE), Ok(Some(Message::from(format!("server {number}")))));
    }
    assert!(writing.join().expect("no panic"));
    peer.close(3000, "").expect("a code that may be sent");
    drop(reader);
    serving.join().expect("no panic");
}

#[test]
fn both_sides_are_full_duplex_over_tcp() {
    exchange(tcp_pair());
}

#[cfg(unix)]
#[test]
fn both_sides_are_full_duplex_over_unix_sockets() {
    exchange(std::os::unix::net::UnixStream::pair().expect("two sockets"));
}

#[test]
fn failures_say_what_is_wrong() {
    let certificates = Certificates::new();
    let trusted = Connector::trusting(certificates.path("cert.pem")).expect("a certificate");
    let serve = |policy: Policy| {
        let (one, two) = tcp_pair();
        let acceptor = certificates.acceptor();
        let serving =
            std::thread::spawn(move || Duplex::accept_tls(one, &acceptor, &policy, Config::default()).map(drop));
        (serving, two)
    };
    let connect = |url: &str, stream| client::WebSocket::builder(url).tls(trusted.clone()).open_over(stream);

    let (serving, stream) = serve(Policy { endpoint: Some(Arc::new(|_| false)), ..Policy::default() });
    let error = connect("wss://localhost/", stream).expect_err("404");
    assert!(matches!(error, client::Error::Refused { status: 404, .. }), "{error}");
    let error = serving.join().expect("no panic").expect_err("a refusal").to_string();
    assert!(error.starts_with("refused with 404: No WebSocket endpoint"), "{error}");

    let (serving, stream) = serve(Policy::default());
    let error = connect("wss://elsewhere.example/", stream).expect_err("another name");
    assert!(error.to_string().contains("not valid for name"), "{error}");
    assert!(serving.join().expect("no panic").is_err());

    let (serving, mut stream) = serve(Policy::default());
    io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\n\r\n").expect("room for a request");
    assert_eq!(serving.join().expect("no panic").expect_err("not TLS").kind(), io::ErrorKind::InvalidData);
}

/// Certificates from memory, and a server that accepts clients with a certificate only.
#[test]
fn own_configurations_of_rustls_are_used() {
    let certificates = Certificates::new();
    let pem = |name: &str| std::fs::read(certificates.path(name)).expect("a file");
    let certificate = || CertificateDer::from_pem_slice(&pem("cert.pem")).expect("a certificate");
    let key = || PrivateKeyDer::from_pem_slice(&pem("key.pem")).expect("a key");
    let mut roots = RootCertStore::empty();
    roots.add(certificate()).expect("a certificate");
    let roots = Arc::new(roots);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider)).build();
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(verifier.expect("a verifier"))
        .with_single_cert(vec![certificate()], key())
        .expect("a certificate and its key");
    let acceptor = Acceptor::from_config(Arc::new(server));
    acceptor.reload();
    assert_eq!(acceptor.fingerprint(), "");
    let builder = chinwag::Server::builder().listen_tls("127.0.0.1:0", &acceptor).expect("a free port");
    let builder = builder.accept(|request| {
        let shown = request.extensions().get::<ClientCertificates>().expect("a listener with TLS");
        Ok(Accept::new().data(shown.clone()))
    });
    let server = builder
        .serve(|ws| ws.iter().for_each(|_| _ = ws.send(ws.data::<ClientCertificates>().expect("data").0.concat())))
        .expect("enough threads");
    let url = format!("wss://localhost:{}/", server.local_addrs()[0].port());
    let client = || {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        builder.with_safe_default_protocol_versions().expect("versions").with_root_certificates(Arc::clone(&roots))
    };
    let open =
        |config: ClientConfig| client::WebSocket::builder(&url).tls(Connector::from_config(Arc::new(config))).open();
    assert!(open(client().with_no_client_auth()).is_err(), "a client without a certificate");
    let known = client().with_client_auth_cert(vec![certificate()], key()).expect("a certificate and its key");
    for _ in 0..3 {
        // The later ones resume the session of the first one.
        let ws = open(known.clone()).expect("a client with a certificate");
        ws.send("who am I?");
        assert_eq!(ws.recv_timeout(DEADLINE), Ok(Some(certificate().as_ref().into())));
    }
}
