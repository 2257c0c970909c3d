//! Certificates and private keys in PEM files, and what to do about files that cannot be used.

use super::Error;
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};
use std::{fs, path::Path};

/// The certificates of a file, at least one.
pub(super) fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let content = read_pem(file)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content).collect();
    match chain {
        Ok(chain) if chain.is_empty() => {
            Err(file_error(file, "there is no certificate in it (-----BEGIN CERTIFICATE-----)"))
        }
        Ok(chain) => Ok(chain),
        Err(why) => Err(file_error(file, format!("it is damaged: {why}"))),
    }
}

/// The first private key of a file.
pub(super) fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let content = read_pem(file)?;
    if contains(&content, b"ENCRYPTED") {
        let help = "the key is encrypted; decrypt it with: openssl pkey -in FILE -out NEW";
        return Err(file_error(file, help));
    }
    PrivateKeyDer::from_pem_slice(&content).map_err(|why| match why {
        pem::Error::NoItemsFound => file_error(file, "there is no private key in it (-----BEGIN PRIVATE KEY-----)"),
        why => file_error(file, format!("it is damaged: {why}")),
    })
}

fn read_pem(file: &Path) -> Result<Vec<u8>, Error> {
    let content = fs::read(file).map_err(|why| file_error(file, why))?;
    if !contains(&content, b"-----BEGIN ") {
        let help =
            "it is not PEM (text with -----BEGIN …-----); convert it with openssl x509 or openssl pkey, -inform der";
        return Err(file_error(file, help));
    }
    Ok(content)
}

fn contains(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}

pub(super) fn file_error(file: &Path, what: impl std::fmt::Display) -> Error {
    Error(format!("{}: {what}", file.display()))
}
