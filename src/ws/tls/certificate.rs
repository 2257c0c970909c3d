//! Certificate and key, from their files to a configuration of rustls.
//!
//! Owns the reading of PEM and the sentences on what is wrong with it. Knows no sockets.

use super::{
    Error,
    der::{self, Date},
};
use log::warn;
use rustls::{
    ServerConfig,
    crypto::ring::{Ticketer, default_provider},
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// The one protocol spoken inside of TLS (RFC 7301): there is no HTTP/2 here.
pub(super) const HTTP_1_1: &[u8] = b"http/1.1";

/// Where certificate and key are; it may be the same file.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// What the files had.
pub(super) struct Loaded {
    pub(super) config: Arc<ServerConfig>,
    /// SHA-256 of the first certificate.
    pub(super) fingerprint: String,
}

/// Reads both files; warns of what works but should not stay so.
pub(super) fn load(files: &Files) -> Result<Loaded, Error> {
    let chain = read_chain(&files.certificate)?;
    let key = read_key(&files.key)?;
    warn_of_dates(&files.certificate, &chain[0]);
    warn_of_readers(&files.key);
    let fingerprint = fingerprint(&chain[0]);
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|why| unusable(files, &why))?;
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    config.ticketer = Ticketer::new().map_err(|why| unusable(files, &why))?;
    Ok(Loaded { config: Arc::new(config), fingerprint })
}

/// When the first certificate in that file ends; `None` if none can be read.
pub(super) fn valid_until(file: &Path) -> Option<Date> {
    let chain = read_chain(file).ok()?;
    der::validity(&chain[0]).map(|(_, until)| until)
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

pub(super) fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let content = read_pem(file)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content).collect();
    match chain {
        Ok(chain) if chain.is_empty() => {
            Err(trouble(file, "there is no certificate in it (-----BEGIN CERTIFICATE-----)"))
        }
        Ok(chain) => Ok(chain),
        Err(why) => Err(trouble(file, &format!("it is damaged: {why}"))),
    }
}

pub(super) fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let content = read_pem(file)?;
    if contains(&content, b"ENCRYPTED") {
        return Err(trouble(
            file,
            "the key is encrypted, and there is nobody to ask for its password; decrypt it with: openssl pkey -in FILE -out NEW",
        ));
    }
    PrivateKeyDer::from_pem_slice(&content).map_err(|why| match why {
        pem::Error::NoItemsFound => trouble(file, "there is no private key in it (-----BEGIN PRIVATE KEY-----)"),
        why => trouble(file, &format!("it is damaged: {why}")),
    })
}

fn read_pem(file: &Path) -> Result<Vec<u8>, Error> {
    let content = fs::read(file).map_err(|why| trouble(file, &why.to_string()))?;
    if contains(&content, b"-----BEGIN ") {
        return Ok(content);
    }
    Err(trouble(
        file,
        "it is not PEM (a text with -----BEGIN …-----); convert it with openssl x509 or openssl pkey, -inform der",
    ))
}

fn contains(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}

fn warn_of_dates(file: &Path, certificate: &[u8]) {
    let (shown, now) = (file.display(), now());
    match der::validity(certificate) {
        Some((_, until)) if until.seconds < now => {
            warn!("{shown}: the certificate expired on {}: clients will refuse it", until.text);
        }
        Some((from, _)) if from.seconds > now => {
            warn!("{shown}: the certificate is not valid before {}: clients will refuse it", from.text);
        }
        _ => {}
    }
}

/// Permissions that everybody has.
const READABLE_BY_ALL: u32 = 0o004;

fn warn_of_readers(key: &Path) {
    let mode = fs::metadata(key).map_or(0, |about| about.permissions().mode());
    if mode & READABLE_BY_ALL != 0 {
        let shown = key.display();
        warn!("{shown}: everybody on this machine can read the private key; do: chmod o-r {shown}");
    }
}

fn unusable(files: &Files, why: &rustls::Error) -> Error {
    match why {
        rustls::Error::InconsistentKeys(_) => {
            let certificate = files.certificate.display();
            trouble(&files.key, &format!("this key does not belong to the certificate in {certificate}"))
        }
        why => trouble(&files.certificate, &format!("it cannot be used: {why}")),
    }
}

pub(super) fn trouble(file: &Path, what: &str) -> Error {
    Error(format!("{}: {what}", file.display()))
}

/// As browsers show it: `AB:CD:…`.
fn fingerprint(certificate: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    let bytes: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}
