//! A certificate that a device makes for itself: for a local network, where nobody else would vouch for it.
//!
//! Owns what is in it and where it is kept. Browsers warn of it once; its fingerprint is how people know it.

use super::{
    Error,
    certificate::{self, trouble},
};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    time::{Duration, SystemTime},
};

const DAY: u64 = 24 * 60 * 60;

/// For so long it is valid: some browsers refuse a longer time.
const DAYS: u64 = 397;

/// Clocks differ.
const DAYS_BEFORE: u64 = 1;

/// With less than that left, a new one is made.
const DAYS_LEFT: i64 = 7;

/// Sees to it that `file` has a certificate and its key, to be used for both in
/// [`Acceptor::from_pem_files`](super::Acceptor::from_pem_files): an ECDSA one (P-256) for these names and addresses, valid for
/// 397 days, readable by this user only. One that is there already, and still valid for a week, is left alone. True: it is new.
///
/// # Errors
/// The file cannot be written.
pub fn self_signed(file: &Path, names: &[String]) -> Result<bool, Error> {
    let left = certificate::valid_until(file).map(|until| until.seconds - certificate::now());
    if left.is_some_and(|left| left > DAYS_LEFT * DAY as i64) {
        return Ok(false);
    }
    let pem = make(names).map_err(|why| trouble(file, &format!("no certificate could be made: {why}")))?;
    keep(file, pem.as_bytes()).map_err(|why| trouble(file, &why.to_string()))?;
    Ok(true)
}

/// The certificate, then its key.
fn make(names: &[String]) -> Result<String, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    let name = names.first().map_or("chinwag", String::as_str);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = SystemTime::now();
    params.not_before = (now - Duration::from_secs(DAYS_BEFORE * DAY)).into();
    params.not_after = (now + Duration::from_secs((DAYS - DAYS_BEFORE) * DAY)).into();
    let certificate = params.self_signed(&key)?;
    Ok(certificate.pem() + &key.serialize_pem())
}

/// As a new file, which then takes the old one's place: nobody sees half of it, and nobody else sees the key.
fn keep(file: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let _ = fs::remove_file(&name);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&name)?.write_all(content)?;
    fs::rename(&name, file)
}
