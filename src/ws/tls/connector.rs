//! Whom a client trusts, and as whom it comes.
//!
//! Owns the roots: this system's, or a file's. What a server shows is checked by rustls: that somebody trusted vouches for
//! it, for this name, today.

use super::{
    Error,
    certificate::{HTTP_1_1, read_chain, read_key, trouble},
    session::Session,
};
use rustls::{
    ClientConfig, ClientConnection, ConfigBuilder, RootCertStore,
    client::WantsClientCert,
    crypto::ring::default_provider,
    pki_types::{
        CertificateDer, ServerName,
        pem::{self, PemObject},
    },
};
use std::{
    env, fmt,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

/// Where systems keep the certificates that they trust: Debian and its like, Fedora and its like, openSUSE, Alpine and
/// the BSDs.
const OF_SYSTEM: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Speaks TLS with servers, for [`client::Builder::tls`](crate::ws::client::Builder::tls). Clones are the same one.
#[derive(Clone)]
pub struct Connector(Arc<ClientConfig>);

impl Connector {
    /// Trusts those whom this system trusts: the file that `SSL_CERT_FILE` names, or the one in its usual place. That is what
    /// `wss://` does when nothing else was asked for.
    ///
    /// # Errors
    /// There is no such file, or no certificate in it.
    pub fn system() -> Result<Self, Error> {
        Self::build(system_roots()?, None)
    }

    /// Trusts those in a PEM file only: an authority of one's own, or the very certificate that a device made for itself.
    ///
    /// # Errors
    /// The file is missing, is no PEM, or has no certificate in it that can be used.
    pub fn trusting(file: impl AsRef<Path>) -> Result<Self, Error> {
        Self::build(roots(file.as_ref())?, None)
    }

    /// The same, and shows a certificate of its own to servers that ask for one (mutual TLS). Both files are PEM, and may
    /// be the same one.
    ///
    /// # Errors
    /// As [`Connector::trusting`]; or the key is not the certificate's.
    pub fn trusting_as(
        trusted: impl AsRef<Path>,
        certificate: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, Error> {
        Self::build(roots(trusted.as_ref())?, Some((certificate.as_ref(), key.as_ref())))
    }

    /// [`Connector::system`], read once.
    pub(crate) fn of_system() -> Result<Self, String> {
        static SYSTEM: OnceLock<Result<Connector, Error>> = OnceLock::new();
        SYSTEM.get_or_init(Self::system).clone().map_err(|why| why.to_string())
    }

    /// To begin with that host, a name or an address.
    pub(crate) fn session(&self, host: &str) -> Result<Session, String> {
        let name = ServerName::try_from(host.to_owned()).map_err(|why| format!("{host}: {why}"))?;
        let tls = ClientConnection::new(Arc::clone(&self.0), name).map_err(|why| why.to_string())?;
        Ok(Session::new(tls))
    }

    fn build(roots: RootCertStore, own: Option<(&Path, &Path)>) -> Result<Self, Error> {
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|why| Error(format!("TLS cannot begin: {why}")))?
            .with_root_certificates(roots);
        let mut config = match own {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => with_own(builder, certificate, key)?,
        };
        config.alpn_protocols = vec![HTTP_1_1.to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

fn with_own(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    certificate: &Path,
    key: &Path,
) -> Result<ClientConfig, Error> {
    let built = builder.with_client_auth_cert(read_chain(certificate)?, read_key(key)?);
    built.map_err(|why| trouble(certificate, &format!("it cannot be used: {why}")))
}

fn system_roots() -> Result<RootCertStore, Error> {
    let named = env::var_os("SSL_CERT_FILE").filter(|file| !file.is_empty()).map(PathBuf::from);
    let usual = || OF_SYSTEM.iter().map(PathBuf::from).find(|file| file.exists());
    let none = "no file of trusted certificates was found; name one by SSL_CERT_FILE, or trust the server's own";
    roots(&named.or_else(usual).ok_or_else(|| Error(none.into()))?)
}

/// What of the file can be used: collections have a few old ones that cannot.
fn roots(file: &Path) -> Result<RootCertStore, Error> {
    let damaged = |why: pem::Error| trouble(file, &why.to_string());
    let found = CertificateDer::pem_file_iter(file).map_err(damaged)?;
    let certificates: Vec<_> = found.collect::<Result<_, _>>().map_err(damaged)?;
    let mut roots = RootCertStore::empty();
    match roots.add_parsable_certificates(certificates) {
        (0, _) => Err(trouble(file, "there is no certificate in it that can be trusted")),
        _ => Ok(roots),
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}
