//! A self-signed certificate is made anew when it does not fit, at a start and while the server runs.

use std::fs;
use std::path::Path;

use chinwag::tls::{Acceptor, self_signed};
use rcgen::{CertificateParams, DnType, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::version::TLS13;
use time::{Duration, OffsetDateTime};

use super::certificates::{Certificates, make};
use super::client::Client;
use super::support::{DEADLINE, wait_until};

/// Certificate and key in one file, valid for these days from now.
fn valid(from: i64, until: i64) -> String {
    let (certificate, key) = make(|params| {
        params.not_before = OffsetDateTime::now_utc() + Duration::days(from);
        params.not_after = OffsetDateTime::now_utc() + Duration::days(until);
    });
    certificate + &key
}

#[test]
fn certificate_that_does_not_fit_is_made_anew() {
    let files = Certificates::new();
    let (certificate, key) = make(|_| {});
    for (what, content, names, is_new) in [
        ("valid for long", valid(-1, 31), &["localhost"][..], false),
        ("both names are covered", valid(-1, 90), &["localhost", "127.0.0.1"], false),
        ("ends within a month", valid(-1, 29), &["localhost"], true),
        ("expired", valid(-9, -1), &["localhost"], true),
        ("not valid yet", valid(1, 300), &["localhost"], true),
        ("another name", valid(-1, 90), &["localhost", "chat.example"], true),
        ("another address", valid(-1, 90), &["localhost", "192.0.2.7"], true),
        ("empty", String::new(), &["localhost"], true),
        ("without a key", certificate, &["localhost"], true),
    ] {
        let file = files.put("self.pem", &content);
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(self_signed(Path::new(&file), &names), Ok(is_new), "{what}");
        assert_eq!(fs::read_to_string(&file).expect("a file") != content, is_new, "{what}");
        assert_eq!(self_signed(Path::new(&file), &names), Ok(false), "{what}, and kept at the next start");
    }
    for (content, part) in [(key, "no certificate"), ("my diary".to_owned(), "not PEM"), (signed(), "an authority")] {
        let file = files.put("self.pem", &content);
        let error = self_signed(Path::new(&file), &["other".to_owned()]).expect_err(part);
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(fs::read_to_string(&file).expect("a file"), content, "{part}: it is not changed");
    }
}

/// A certificate that another one signed, and its key.
fn signed() -> String {
    let (key, authority_key) = (KeyPair::generate().expect("a key"), KeyPair::generate().expect("a key"));
    let mut authority = CertificateParams::new(["ca".to_owned()]).expect("a name");
    authority.distinguished_name.push(DnType::CommonName, "an authority");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, &Issuer::new(authority, authority_key)).expect("a certificate");
    certificate.pem() + &key.serialize_pem()
}

/// The file gets a certificate that ends within a month, as if time had passed.
#[test]
fn running_server_renews_its_certificate() {
    let files = Certificates::new();
    let file = files.path("self.pem");
    let acceptor = Acceptor::self_signed(&file, vec!["localhost".to_owned(), "127.0.0.1".to_owned()]);
    let acceptor = acceptor.expect("a certificate");
    let builder = chinwag::Server::builder().listen_tls("127.0.0.1:0", &acceptor).expect("a free port");
    let server = builder.start().expect("threads enough");
    let ending = valid(-1, 20);
    files.put("self.pem", &ending);
    acceptor.reload();
    // The check comes at most once a second.
    wait_until(DEADLINE, "it is renewed", || {
        let last = CertificateDer::from_pem_file(&file).expect("a certificate");
        let _ = Client::begin(server.local_addrs()[0], &last, &TLS13).shake();
        fs::read_to_string(&file).expect("a file") != ending
    });
    let renewed = CertificateDer::from_pem_file(&file).expect("a certificate");
    Client::connect(server.local_addrs()[0], &renewed, &TLS13);
}
