//! The flags for TLS. Each error is one line that says what to do.

use std::fs;
use std::net::TcpListener;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rcgen::CertificateParams;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::version::TLS13;

use super::certificates::{Certificates, make};
use super::client::Client;
use super::support::script::{printed, run_to_end};
use super::support::{DEADLINE, binary, raw};

/// What `chinwag` prints if it does not start.
fn refusal(args: &[&str]) -> String {
    let output = run_to_end(binary::command(args), DEADLINE);
    let said = printed(&output);
    assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{args:?}: {said}");
    said
}

#[test]
fn unusable_files_are_explained_in_one_line() {
    let files = Certificates::new();
    let (cert, key) = (files.path("cert.pem"), files.path("key.pem"));
    let (other, _) = make(|_| {});
    let other = files.put("other.pem", &other);
    let text = files.put("text.pem", "hello");
    let damaged = files.put("damaged.pem", "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n");
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let locked = files.put("locked.pem", locked);
    let none = files.path("none.pem");
    let missing = if cfg!(unix) { "none.pem: No such file" } else { "none.pem: " };
    for (certificate, key, word) in [
        (&none, &key, missing),
        (&text, &key, "text.pem: there is no certificate in it (-----BEGIN CERTIFICATE-----); if it is not PEM"),
        (&key, &key, "key.pem: there is no certificate in it"),
        (&damaged, &key, "damaged.pem: it is damaged"),
        (&cert, &none, missing),
        (&cert, &cert, "cert.pem: there is no private key in it"),
        (
            &cert,
            &locked,
            "locked.pem: there is no private key in it (-----BEGIN PRIVATE KEY-----); if the key is encrypted",
        ),
        (&other, &key, "key.pem: this key does not belong to the certificate in"),
    ] {
        let said = refusal(&["--tls-cert", certificate, "--tls-key", key]);
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn conflicting_flags_are_explained() {
    let files = Certificates::new();
    let (cert, key) = (files.path("cert.pem"), files.path("key.pem"));
    for (args, word) in [
        (&["--tls-cert", &cert][..], "--tls-key"),
        (&["--tls-key", &key], "--tls-cert"),
        (&["--listen-tls", "127.0.0.1:0"], "--listen-tls needs a certificate"),
        (&["--redirect-http", "127.0.0.1:0"], "--redirect-http needs a certificate"),
        (&["--listen", "127.0.0.1:0", "--redirect-http", "127.0.0.1:0"], "--redirect-http needs a certificate"),
        (&["--hsts", "60"], "--hsts needs a certificate"),
        (&["--hsts", "soon"], "soon"),
        (&["--tls-self-signed", "--tls-cert", &cert], "leave out"),
        (&["--listen", "127.0.0.1:0", "--tls-cert", &cert, "--tls-key", &key], "--listen-tls"),
        (&["--listen-tls", "x", "--tls-cert", &cert, "--tls-key", &key], "write ADDR:PORT"),
        (&["--listen-tls", "127.0.0.1:22", "--tls-cert", &cert, "--tls-key", &key], "port 22"),
        (&["--tls-self-signed=/proc/nobody/x.pem"], "/proc/nobody/x.pem"),
    ] {
        let said = refusal(args);
        assert!(said.contains(word), "{args:?}: {said}");
    }
}

#[test]
fn expired_certificate_and_readable_key_are_warnings() {
    let files = Certificates::new();
    let (cert, key) = make(|params| {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 2, 3);
    });
    files.put("cert.pem", &cert);
    let key = files.put("key.pem", &key);
    #[cfg(unix)]
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("our own file");
    let mut command = binary::command(&[]);
    command.args(files.flags());
    let chinwag = binary::start(command);
    let line = chinwag.wait_for_log("expired");
    assert!(line.contains("WARN") && line.contains("2002-02-03"), "{line}");
    #[cfg(unix)]
    assert!(chinwag.wait_for_log("every user of this machine").contains("chmod o-r"));
}

/// Each address is printed with its protocol. Environment variables work like flags.
#[test]
fn plain_tls_and_redirect_listeners_share_one_process() {
    let files = Certificates::new();
    let mut command = binary::command(&["--listen", "127.0.0.1:0", "--redirect-http", "127.0.0.1:0"]);
    command.env("CHINWAG_TLS_CERT", files.path("cert.pem")).env("CHINWAG_TLS_KEY", files.path("key.pem"));
    command.env("CHINWAG_LISTEN_TLS", "127.0.0.1:0,127.0.0.1:0");
    let chinwag = binary::start(command);
    assert!(chinwag.greeting().contains("http://"), "{}", chinwag.greeting());
    let secure = [chinwag.next_line(), chinwag.next_line()];
    for line in &secure {
        let addr = binary::address(line).expect("an address");
        assert!(line.contains("https://"), "{line}");
        Client::connect(addr, &files.current(), &TLS13);
    }
    assert_eq!(raw::get(chinwag.addr(), "/").status, 200);
}

/// Not to 443, if TLS is at another port.
#[test]
fn redirect_leads_to_the_first_tls_port() {
    let files = Certificates::new();
    // No other program uses this address, so the port stays free.
    let free = TcpListener::bind("127.0.0.77:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let mut command = binary::command(&["--listen-tls", "127.0.0.1:0", "--redirect-http", &free.to_string()]);
    command.env("CHINWAG_TLS_CERT", files.path("cert.pem")).env("CHINWAG_TLS_KEY", files.path("key.pem"));
    let chinwag = binary::start(command);
    let answer = raw::http(free, "GET /room/x HTTP/1.1\r\nHost: localhost:1\r\n\r\n");
    let expected = format!("https://localhost:{}/room/x", chinwag.addr().port());
    assert_eq!((answer.status, answer.header("location")), (308, Some(&*expected)));
}

/// One flag makes a certificate, which is kept, and prints its fingerprint.
#[test]
fn self_signed_certificate_is_made_once_and_kept() {
    let files = Certificates::new();
    let file = files.path("state/self.pem");
    let start = || {
        let flag = format!("--tls-self-signed={file}");
        let chinwag = binary::start(binary::command(&[&flag, "--listen-tls", "127.0.0.1:0"]));
        assert!(chinwag.next_line().contains("SHA-256"));
        let fingerprint = chinwag.next_line();
        (chinwag, fingerprint)
    };
    let (chinwag, fingerprint) = start();
    #[cfg(unix)]
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    let certificate = CertificateDer::from_pem_file(&file).expect("a certificate");
    Client::connect(chinwag.addr(), &certificate, &TLS13);
    drop(chinwag);
    assert_eq!(start().1, fingerprint, "the certificate is kept");
    if let Some(shown) = openssl(&["x509", "-noout", "-fingerprint", "-sha256", "-ext", "subjectAltName", "-in", &file])
    {
        assert!(shown.contains(&format!("={fingerprint}")), "{fingerprint}: {shown}");
        assert!(shown.contains("DNS:localhost") && shown.contains("IP Address:127.0.0.1"), "{shown}");
    }
    for change in [expired, premature] {
        fs::write(&file, make(change).0).expect("our own file");
        drop(start());
        assert!(
            fs::read_to_string(&file).expect("a file").contains("PRIVATE KEY"),
            "it is replaced if it is not valid now"
        );
    }
}

fn expired(params: &mut CertificateParams) {
    params.not_after = rcgen::date_time_ymd(2002, 2, 3);
}

fn premature(params: &mut CertificateParams) {
    params.not_before = rcgen::date_time_ymd(2090, 1, 1);
}

/// What `openssl` prints. `None` if it is not installed.
fn openssl(args: &[&str]) -> Option<String> {
    let output = Command::new("openssl").args(args).output().ok()?;
    Some(printed(&output))
}

#[test]
fn help_tls_lists_all_flags() {
    let output = run_to_end(binary::command(&["--help-tls"]), DEADLINE);
    let help = printed(&output);
    for flag in ["--tls-cert", "--tls-key", "--tls-self-signed", "--listen-tls", "--redirect-http", "--hsts"] {
        assert!(help.contains(flag), "{flag}");
    }
}
