//! Certificates and private keys in PEM files, and what to do about files that cannot be used.

use super::Error;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::{fs, path::Path};

/// The certificates of a file, at least one.
pub(super) fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let content = read_pem(file)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(content.as_bytes()).collect();
    let chain = chain.map_err(|why| file_error(file, format!("it is damaged: {why}")))?;
    if chain.is_empty() {
        return Err(file_error(file, "there is no certificate in it (-----BEGIN CERTIFICATE-----)"));
    }
    Ok(chain)
}

/// The first private key of a file.
pub(super) fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let content = read_pem(file)?;
    if content.contains("ENCRYPTED") {
        return Err(file_error(file, "the key is encrypted; decrypt it with: openssl pkey -in FILE -out NEW"));
    }
    PrivateKeyDer::from_pem_slice(content.as_bytes()).map_err(|why| match why {
        pem::Error::NoItemsFound => file_error(file, "there is no private key in it (-----BEGIN PRIVATE KEY-----)"),
        why => file_error(file, format!("it is damaged: {why}")),
    })
}

/// PEM is ASCII, but comments around it need not be UTF-8.
fn read_pem(file: &Path) -> Result<String, Error> {
    let content = fs::read(file).map_err(|why| file_error(file, why))?;
    let content = String::from_utf8_lossy(&content).into_owned();
    if !content.contains("-----BEGIN ") {
        let help =
            "it is not PEM (text with -----BEGIN …-----); convert it with openssl x509 or openssl pkey, -inform der";
        return Err(file_error(file, help));
    }
    Ok(content)
}

pub(super) fn file_error(file: &Path, what: impl std::fmt::Display) -> Error {
    Error(format!("{}: {what}", file.display()))
}
