//! A certificate that a device makes for itself, for local networks without an authority. Users compare its fingerprint.

use super::pem::{file_error, read_chain, read_key};
use crate::ws::{error::Error, replace_file::replace_file};
use log::info;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, RootCertStore};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::{collections::BTreeSet, path::Path};
use time::{Duration, OffsetDateTime};

/// The period of validity. Some browsers refuse a longer one.
const PERIOD: Duration = Duration::days(397);

/// The part of the period that lies in the past, because clocks differ.
const PAST: Duration = Duration::days(1);

/// A certificate that ends sooner than this is replaced.
const MIN_LEFT: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 60 * 60);

/// Makes sure that `file` contains a certificate and its key, for [`Acceptor::from_pem_files`](super::Acceptor::from_pem_files).
/// A new one is ECDSA (P-256), for these names and addresses, valid for 397 days, and readable by this user only. An existing
/// one is kept if it is valid now and for 30 more days, and covers all names. Returns true if the certificate is new.
///
/// # Errors
/// The file cannot be written, or has other content, such as a certificate that an authority signed.
pub fn self_signed(file: &Path, names: &[String]) -> Result<bool, Error> {
    if is_usable(file, names)? {
        return Ok(false);
    }
    let pem = make(names).map_err(|why| file_error(file, format!("no certificate could be made: {why}")))?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    folder
        .map_or(Ok(()), |folder| builder.recursive(true).create(folder))
        .and_then(|()| replace_file(file, &pem))
        .map_err(|why| file_error(file, why))?;
    info!("generated a certificate and stored it in {}", file.display());
    Ok(true)
}

/// Whether file and names fit each other, now and for a while. If not, the file may be replaced.
pub(super) fn is_usable(file: &Path, names: &[String]) -> Result<bool, Error> {
    if fs::metadata(file).map_or(0, |found| found.len()) == 0 {
        return Ok(false);
    }
    let (chain, now) = (read_chain(file)?, UnixTime::now());
    let time = match verify(&chain[0], now) {
        Err(CertificateError::ExpiredContext { not_after, .. }) => not_after,
        Err(CertificateError::NotValidYetContext { not_before, .. }) => not_before,
        _ => now,
    };
    if verify(&chain[0], time).is_err() {
        return Err(file_error(file, "an authority signed it: use --tls-cert and --tls-key, or choose another file"));
    }
    let later = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now.as_secs()) + MIN_LEFT);
    // Not before the period either: the clock may have been wrong when the certificate was made.
    let is_valid = time == now && verify(&chain[0], later).is_ok();
    Ok(is_valid && covers(&chain[0], names) && read_key(file).is_ok())
}

/// Verifies the certificate at that time, as a client does that trusts only this one.
///
/// # Errors
/// It is not valid at that time, or is not self-signed.
pub(super) fn verify(certificate: &CertificateDer<'_>, time: UnixTime) -> Result<(), CertificateError> {
    let mut roots = RootCertStore::empty();
    let algorithms = default_provider().signature_verification_algorithms.all;
    let verified = roots.add(certificate.clone().into_owned()).and_then(|()| {
        let certificate = ParsedCertificate::try_from(certificate)?;
        verify_server_cert_signed_by_trust_anchor(&certificate, &roots, &[], time, algorithms)
    });
    verified.map_err(|why| match why {
        rustls::Error::InvalidCertificate(why) => why,
        _ => CertificateError::BadEncoding,
    })
}

/// Whether clients accept the certificate for these names. What is not a name needs no certificate.
fn covers(certificate: &CertificateDer<'_>, names: &[String]) -> bool {
    let Ok(certificate) = ParsedCertificate::try_from(certificate) else { return false };
    let mut names = names.iter().filter_map(|name| ServerName::try_from(name.as_str()).ok());
    names.all(|name| verify_server_name(&certificate, &name).is_ok())
}

/// The certificate, then its key.
fn make(names: &[String]) -> Result<String, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    let name = names.first().map_or("chinwag", String::as_str);
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = OffsetDateTime::now_utc() - PAST;
    params.not_after = params.not_before + PERIOD;
    let certificate = params.self_signed(&key)?;
    Ok(certificate.pem() + &key.serialize_pem())
}

/// 127.0.0.1 and ::1, and on Linux the addresses by which other machines may reach this one. Link-local IPv6 addresses are left
/// out, because a URL cannot contain them.
#[must_use]
pub fn addresses_of_this_machine() -> Vec<IpAddr> {
    let v4 = fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
    let v6 = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let mut all: BTreeSet<IpAddr> = parse_v4(&v4).map(IpAddr::V4).chain(parse_v6(&v6).map(IpAddr::V6)).collect();
    all.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
    all.into_iter().collect()
}

/// In Linux's table of routes, the line after an address of this machine is `/32 host LOCAL`.
fn parse_v4(table: &str) -> impl Iterator<Item = Ipv4Addr> {
    let next_lines = table.lines().skip(1);
    let local = table.lines().zip(next_lines).filter(|(_, next)| next.trim() == "/32 host LOCAL");
    local.filter_map(|(line, _)| line.trim().strip_prefix("|-- ")?.parse().ok())
}

/// Each line begins with an address of 32 digits.
fn parse_v6(table: &str) -> impl Iterator<Item = Ipv6Addr> {
    let addresses = table.lines().filter_map(|line| u128::from_str_radix(line.split(' ').next()?, 16).ok());
    addresses.map(Ipv6Addr::from).filter(|address| !address.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise each start would make a new one.
    #[test]
    fn new_certificate_covers_its_names() {
        let names = ["pi", "pi.local", "my_host", "127.0.0.1", "::1", "*.example", "a..b", "a b"].map(str::to_owned);
        let chain = make(&names).expect("a certificate");
        let file = std::env::temp_dir().join(format!("chinwag-names-{}.pem", std::process::id()));
        fs::write(&file, chain).expect("written");
        assert_eq!(is_usable(&file, &names), Ok(true));
        for other in ["other", "pi.lan", "127.0.0.2", "::2"] {
            assert_eq!(is_usable(&file, &[other.to_owned()]), Ok(false), "{other}");
        }
        fs::remove_file(file).expect("it is there");
    }

    #[test]
    fn tables_of_linux_are_parsed() {
        let four = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 192.168.1.0\n        /24 link UNICAST\n     |-- 192.168.1.7\n        /32 host LOCAL\n";
        assert_eq!(parse_v4(four).collect::<Vec<_>>(), [Ipv4Addr::new(192, 168, 1, 7)]);
        let six = "fe80000000000000000000000000abcd 02 40 20 80 eth0\n20010db8000000000000000000000001 02 40 00 80 eth0\nodd\n";
        assert_eq!(parse_v6(six).map(|ip| ip.to_string()).collect::<Vec<_>>(), ["2001:db8::1"]);
        assert!(addresses_of_this_machine().contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }
}
