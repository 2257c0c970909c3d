//! Certificates change while the server runs. Open connections continue, and new ones get the new certificate.

use std::time::Duration;

use chinwag::Config;
use rustls::version::TLS13;

use super::certificates::Certificates;
use super::client::Client;
use super::serve;
use super::support::frames::{TEXT, frame};
use super::support::{DEADLINE, binary, wait_until};

/// 100 clients chat during ten changes. Each new client gets the certificate of its time.
#[test]
fn hundred_clients_stay_connected_through_ten_changes() {
    let certificates = Certificates::new();
    let mut config = Config::default();
    config.max_connections_per_address = 0;
    let builder = chinwag::Server::builder().config(config);
    let acceptor = certificates.acceptor();
    let server = builder.listen_tls("127.0.0.1:0", &acceptor).expect("a free port").start().expect("threads enough");
    let addr = server.local_addrs()[0];
    let chat = std::thread::spawn(move || broadcast(&server));
    // The next client connects when this one has its own echo. So each receives one message for each later client.
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..100 {
        let mut client = Client::open_with(addr, &certificates.current(), &frame(TEXT, b"in"));
        assert_eq!(client.expect_frame().payload, b"in");
        clients.push(client);
    }
    for (number, client) in clients.iter_mut().enumerate() {
        (number + 1..100).for_each(|_| assert_eq!(client.expect_frame().payload, b"in"));
    }
    for change in 0..10 {
        certificates.renew();
        acceptor.reload();
        let text = format!("change {change}");
        clients[change * 10].send(&frame(TEXT, text.as_bytes()));
        let mut new_client = Client::open_with(addr, &certificates.current(), b"");
        new_client.send(&frame(TEXT, b"new"));
        for client in &mut clients {
            let mut heard = [client.expect_frame().payload, client.expect_frame().payload];
            heard.sort();
            assert_eq!(heard, [text.clone().into_bytes(), b"new".to_vec()]);
        }
    }
    drop(clients);
    drop(chat);
}

/// Sends each message to all clients.
pub fn broadcast(server: &chinwag::Server) {
    let mut peers = Vec::new();
    for event in server.events() {
        match event {
            chinwag::Event::Connected(peer, _) => peers.push(peer),
            chinwag::Event::Message(_, chinwag::Message::Text(text)) => {
                for peer in &peers {
                    peer.send(text.as_str());
                }
            }
            chinwag::Event::Disconnected(gone, _) => peers.retain(|peer| *peer != gone),
            _ => {}
        }
    }
}

/// The next connection notices the change.
#[test]
fn changed_files_are_noticed_at_the_next_connection() {
    let certificates = Certificates::new();
    let (_server, addr) = serve(Config::default(), &certificates);
    let before = certificates.current();
    let mut old = Client::open_with(addr, &before, b"");
    certificates.renew();
    wait_until(2 * DEADLINE, "a client that gets the new certificate", || {
        std::thread::sleep(Duration::from_millis(100));
        Client::begin(addr, &certificates.current(), &TLS13).shake().is_ok()
    });
    assert!(Client::begin(addr, &before, &TLS13).shake().is_err(), "the old certificate is not used");
    old.send(&frame(super::support::frames::PING, b"still here"));
    assert_eq!(old.expect_frame().payload, b"still here");
}

/// SIGHUP reloads the files at once. If they cannot be used, one line says why, and the old certificate stays.
#[cfg(unix)]
#[test]
fn sighup_reloads_and_a_broken_file_changes_nothing() {
    let certificates = Certificates::new();
    let mut command = binary::command(&[]);
    command.args(certificates.flags());
    let chinwag = binary::start(command);
    let first = certificates.current();
    Client::connect(chinwag.addr(), &first, &TLS13);
    certificates.put("cert.pem", "no certificate");
    chinwag.signal("HUP");
    let line = chinwag.wait_for_log("the old certificate stays in use");
    assert!(line.contains("cert.pem: there is no certificate in it") && line.contains("ERROR"), "{line}");
    Client::connect(chinwag.addr(), &first, &TLS13);
    certificates.renew();
    chinwag.signal("HUP");
    let line = chinwag.wait_for_log("the certificate was reloaded");
    assert!(line.contains("SHA-256"), "{line}");
    Client::connect(chinwag.addr(), &certificates.current(), &TLS13);
    assert!(Client::begin(chinwag.addr(), &first, &TLS13).shake().is_err());
}
