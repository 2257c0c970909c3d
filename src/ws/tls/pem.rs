//! Certificates and private keys in PEM files, and what to do about files that cannot be used.

use crate::ws::error::Error;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;

/// The certificates of a file, at least one.
pub(super) fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let missing = "there is no certificate in it (-----BEGIN CERTIFICATE-----); if it is not PEM, convert it with: \
                   openssl x509 -inform der -in FILE -out NEW";
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let chain = chain.and_then(|chain| if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) });
    chain.map_err(|why| pem_error(file, why, missing))
}

/// The first private key of a file.
pub(super) fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let missing = "there is no private key in it (-----BEGIN PRIVATE KEY-----); if the key is encrypted, decrypt it with: \
                   openssl pkey -in FILE -out NEW";
    PrivateKeyDer::from_pem_file(file).map_err(|why| pem_error(file, why, missing))
}

fn pem_error(file: &Path, why: pem::Error, missing: &str) -> Error {
    match why {
        pem::Error::Io(why) => file_error(file, why),
        pem::Error::NoItemsFound => file_error(file, missing),
        why => file_error(file, format!("it is damaged: {why}")),
    }
}

pub(super) fn file_error(file: &Path, what: impl std::fmt::Display) -> Error {
    Error::invalid(format!("{}: {what}", file.display()))
}
