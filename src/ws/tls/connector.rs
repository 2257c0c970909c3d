//! TLS for clients: which certificates they trust, and why a handshake failed.

use super::pem::{file_error, read_chain};
use crate::ws::error::Error;
use crate::ws::session::Session;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore};
use std::{path::Path, sync::Arc};

/// Connects with TLS, for [`client::Builder::tls`](crate::ws::client::Builder::tls). Clones are cheap.
///
/// ```no_run
/// use chinwag::{client::WebSocket, tls::Connector};
///
/// // A certificate that the server made for itself. `wss://` without this uses Connector::system().
/// let connector = Connector::trusting("own.pem")?;
/// let ws = WebSocket::builder("wss://pi.local:8443/").tls(connector).open()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Connector(Arc<ClientConfig>);

impl Connector {
    /// Trusts the certificates that this system trusts, or those in the file that `SSL_CERT_FILE` names. This is the default for
    /// `wss://`.
    ///
    /// # Errors
    /// There is no certificate.
    pub fn system() -> Result<Self, Error> {
        let none = "no trusted certificates were found; set SSL_CERT_FILE, or trust the server's own certificate";
        Self::with_roots(rustls_native_certs::load_native_certs().certs, Error::invalid(none))
    }

    /// Trusts only the certificates in a PEM file: those of your own authority, or the one that a device made for itself.
    ///
    /// # Errors
    /// The file is missing, is not PEM, or has no certificate that can be used.
    pub fn trusting(file: impl AsRef<Path>) -> Result<Self, Error> {
        let file = file.as_ref();
        Self::with_roots(read_chain(file)?, file_error(file, "there is no certificate in it that can be trusted"))
    }

    /// Collections contain a few old certificates that cannot be used. If all are such, this returns the error.
    fn with_roots(certificates: Vec<CertificateDer<'static>>, none: Error) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        if roots.add_parsable_certificates(certificates).0 == 0 {
            return Err(none);
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|why| Error::invalid(format!("TLS is not available: {why}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![super::HTTP_1_1.to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// With a configuration of your own, such as one with a certificate of the client. The protocol in its ALPN list, if there is
    /// one, must be `http/1.1`.
    ///
    /// ```
    /// # use chinwag::tls::{Connector, rustls};
    /// # fn connector(roots: rustls::RootCertStore) -> Result<Connector, rustls::Error> {
    /// let provider = rustls::crypto::ring::default_provider().into();
    /// let config = rustls::ClientConfig::builder_with_provider(provider)
    ///     .with_safe_default_protocol_versions()?
    ///     .with_root_certificates(roots)
    ///     .with_no_client_auth();
    /// let connector = Connector::from_config(config.into());
    /// # Ok(connector)
    /// # }
    /// ```
    #[must_use]
    pub fn from_config(config: Arc<ClientConfig>) -> Self {
        Self(config)
    }

    /// The configuration, for a connection that is not a WebSocket.
    #[must_use]
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0)
    }

    /// A session with that host, which is a name or an address.
    pub(crate) fn session(&self, host: &str) -> Result<Box<dyn Session>, String> {
        let name = ServerName::try_from(host.to_owned()).map_err(|why| format!("{host}: {why}"))?;
        let tls = ClientConnection::new(Arc::clone(&self.0), name).map_err(|why| why.to_string())?;
        Ok(Box::new(Connection::from(tls)))
    }
}
