//! The certificate of a server. Changed files are loaded while it runs.

use super::pem::{file_error, read_chain, read_key};
use super::self_signed::{is_usable, self_signed, verify};
use crate::ws::error::Error;
use crate::ws::session::{ListenerMode, Session, StartTls};
use crate::ws::spawn::lock;
use log::{error, info, warn};
use rustls::crypto::ring::{Ticketer, default_provider};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{CertificateError, Connection, ServerConfig, ServerConnection};
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use std::{fs, io, mem};
use time::OffsetDateTime;

/// The least time between two checks for changed files. New connections trigger the checks.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The same after a self-signed certificate could not be renewed, so that clients cannot fill the log.
const RETRY_INTERVAL: Duration = Duration::from_secs(60);

/// Accepts TLS connections, for [`Builder::listen_tls`](crate::Builder::listen_tls). Clones share one certificate.
///
/// When its files have changed, new connections get the new certificate; the files are checked at most once a second.
/// Existing connections continue. If the new files cannot be used, the old certificate stays in use and the log says why.
///
/// ```no_run
/// use chinwag::{Server, tls::Acceptor};
/// use std::{net::TcpListener, time::Duration};
///
/// let folder = "/etc/letsencrypt/live/chat.example";
/// let acceptor = Acceptor::from_pem_files(format!("{folder}/fullchain.pem"), format!("{folder}/privkey.pem"))?;
/// let own = Acceptor::self_signed("own.pem", vec!["pi.local".into(), "192.168.1.7".into()])?;
/// println!("compare this in the browser's warning: {}", own.fingerprint());
/// let server = Server::builder()
///     .listen_tls("0.0.0.0:443", &acceptor.clone().with_hsts(365 * 24 * 60 * 60))?
///     .listener_tls(TcpListener::bind("192.168.1.7:8443")?, &own)?
///     .redirect_http("0.0.0.0:80")? // to https:// at port 443
///     .start()?;
/// acceptor.reload(); // need not be called: changed files are noticed
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Acceptor {
    /// `None`: the program made the configuration.
    files: Option<Arc<Files>>,
    current: Arc<Mutex<Current>>,
    hsts: Option<u32>,
}

/// The paths may be equal.
#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    /// The names of a self-signed certificate, which is renewed.
    names: Option<Vec<String>>,
}

#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    fingerprint: String,
    /// When the files were changed last.
    changed_at: [Option<SystemTime>; 2],
    next_check: Instant,
}

impl Acceptor {
    /// Loads a certificate (a chain, the server's own first) and its private key (PKCS#8, PKCS#1 or SEC 1) from PEM files.
    /// They may be the same file.
    ///
    /// # Errors
    /// A file is missing, is not PEM or lacks its content, or the key does not belong to the certificate.
    pub fn from_pem_files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::new(Files { certificate: certificate.into(), key: key.into(), names: None })
    }

    /// With a certificate that [`self_signed`](super::self_signed) makes for these names and stores in the file. A new one is
    /// made when the certificate is not valid, or ends within 30 days. New connections trigger that check.
    ///
    /// # Errors
    /// As [`self_signed`](super::self_signed).
    pub fn self_signed(file: impl Into<PathBuf>, names: Vec<String>) -> Result<Self, Error> {
        let certificate = file.into();
        Self::new(Files { key: certificate.clone(), certificate, names: Some(names) })
    }

    fn new(files: Files) -> Result<Self, Error> {
        let current = Mutex::new(files.load()?);
        Ok(Self { files: Some(Arc::new(files)), current: Arc::new(current), hsts: None })
    }

    /// With a configuration of your own: certificates from memory or from a vault, certificates of clients, other algorithms. The
    /// protocol in its ALPN list, if there is one, must be `http/1.1`. No file is watched: for another certificate without a restart,
    /// give the configuration a resolver of rustls.
    ///
    /// ```
    /// use chinwag::tls::{Acceptor, rustls};
    /// use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    /// use rustls::{RootCertStore, ServerConfig, server::WebPkiClientVerifier};
    /// use std::sync::Arc;
    ///
    /// # fn acceptor(certificate: &[u8], key: &[u8], authority: &[u8]) -> Result<Acceptor, Box<dyn std::error::Error>> {
    /// let mut authorities = RootCertStore::empty();
    /// authorities.add(CertificateDer::from_pem_slice(authority)?)?;
    /// let provider = Arc::new(rustls::crypto::ring::default_provider());
    /// let clients = WebPkiClientVerifier::builder_with_provider(authorities.into(), provider.clone()).build()?;
    /// let config = ServerConfig::builder_with_provider(provider)
    ///     .with_safe_default_protocol_versions()?
    ///     .with_client_cert_verifier(clients)
    ///     .with_single_cert(vec![CertificateDer::from_pem_slice(certificate)?], PrivateKeyDer::from_pem_slice(key)?)?;
    /// let acceptor = Acceptor::from_config(Arc::new(config));
    /// # Ok(acceptor)
    /// # }
    /// ```
    pub fn from_config(config: Arc<ServerConfig>) -> Self {
        let (fingerprint, changed_at, next_check) = (String::new(), [None; 2], Instant::now());
        let current = Current { config, fingerprint, changed_at, next_check };
        Self { files: None, current: Arc::new(Mutex::new(current)), hsts: None }
    }

    /// Makes browsers use only `https` for this many seconds (RFC 6797). Default: they may use `http` as well.
    pub fn with_hsts(mut self, seconds: u32) -> Self {
        self.hsts = Some(seconds);
        self
    }

    /// SHA-256 of the certificate, as browsers show it: `AB:CD:…`. Empty after [`Acceptor::from_config`].
    #[must_use]
    pub fn fingerprint(&self) -> String {
        lock(&self.current).fingerprint.clone()
    }

    /// Reloads the files now. On errors, the old certificate stays in use and the log says why.
    pub fn reload(&self) {
        let Some(files) = &self.files else { return };
        match files.load() {
            Ok(loaded) => {
                *lock(&self.current) = loaded;
                info!("the certificate was reloaded; its SHA-256 fingerprint: {}", self.fingerprint());
            }
            Err(why) => {
                error!("the old certificate stays in use: {why}");
                if files.names.is_some() {
                    lock(&self.current).next_check = Instant::now() + RETRY_INTERVAL;
                }
            }
        }
    }

    /// What is spoken on a listener with this certificate.
    pub(crate) fn mode(&self) -> ListenerMode {
        ListenerMode { tls: Some(Arc::new(self.clone())), hsts: self.hsts, https_port: None }
    }

    /// At most once per interval: loads changed files, and renews a self-signed certificate. Not under the lock.
    fn check(&self) {
        let Some(files) = &self.files else { return };
        let (now, mut current) = (Instant::now(), lock(&self.current));
        if now < current.next_check {
            return;
        }
        current.next_check = now + CHECK_INTERVAL;
        // Stored before the files are loaded: if they cannot be used, the same ones would fail again.
        let changed_at = files.changed_at();
        let is_changed = mem::replace(&mut current.changed_at, changed_at) != changed_at;
        drop(current);
        let is_unusable = |names: &Vec<String>| is_usable(&files.certificate, names) != Ok(true);
        if is_changed || files.names.as_ref().is_some_and(is_unusable) {
            self.reload();
        }
    }
}

impl StartTls for Acceptor {
    fn session(&self) -> io::Result<Box<dyn Session>> {
        self.check();
        let config = Arc::clone(&lock(&self.current).config);
        // No client can be the cause of an error.
        let tls = ServerConnection::new(config).inspect_err(|why| error!("no TLS session: {why}"));
        Ok(Box::new(Connection::from(tls.map_err(io::Error::other)?)))
    }
}

impl Files {
    /// Loads the files. A self-signed certificate is made first, unless the file has one that is valid for long enough.
    fn load(&self) -> Result<Current, Error> {
        if let Some(names) = &self.names {
            self_signed(&self.certificate, names)?;
        }
        // Before the files are read: a change while they are read is noticed at the next check.
        let changed_at = self.changed_at();
        let chain = read_chain(&self.certificate)?;
        let key = read_key(&self.key)?;
        self.warn_about_dates(&chain[0]);
        self.warn_about_readers();
        let fingerprint = fingerprint(&chain[0]);
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|why| self.unusable(&why))?;
        config.alpn_protocols = vec![super::HTTP_1_1.to_vec()];
        config.ticketer = Ticketer::new().map_err(|why| self.unusable(&why))?;
        Ok(Current { config: Arc::new(config), fingerprint, changed_at, next_check: Instant::now() + CHECK_INTERVAL })
    }

    /// `None` if there is no such file.
    fn changed_at(&self) -> [Option<SystemTime>; 2] {
        [&self.certificate, &self.key].map(|file| fs::metadata(file).and_then(|file| file.modified()).ok())
    }

    fn warn_about_dates(&self, certificate: &CertificateDer<'_>) {
        let date = |time: UnixTime| OffsetDateTime::UNIX_EPOCH.date() + Duration::from_secs(time.as_secs());
        let what = match verify(certificate, UnixTime::now()) {
            Err(CertificateError::ExpiredContext { not_after, .. }) => format!("expired on {}", date(not_after)),
            Err(CertificateError::NotValidYetContext { not_before, .. }) => {
                format!("is not valid before {}", date(not_before))
            }
            _ => return,
        };
        warn!("{}: the certificate {what}: clients will refuse it", self.certificate.display());
    }

    fn warn_about_readers(&self) {
        #[cfg(unix)]
        if fs::metadata(&self.key).is_ok_and(|found| found.permissions().mode() & 0o004 != 0) {
            let key = self.key.display();
            warn!("{key}: every user of this machine can read the private key; run: chmod o-r {key}");
        }
    }

    fn unusable(&self, why: &rustls::Error) -> Error {
        if !matches!(why, rustls::Error::InconsistentKeys(_)) {
            return file_error(&self.certificate, format!("it cannot be used: {why}"));
        }
        let certificate = self.certificate.display();
        file_error(&self.key, format!("this key does not belong to the certificate in {certificate}"))
    }
}

fn fingerprint(certificate: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    let bytes: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::tls::self_signed;

    #[test]
    fn a_renewal_that_fails_is_not_tried_again_at_once() {
        let file = std::env::temp_dir().join(format!("chinwag-renewal-{}.pem", std::process::id()));
        let acceptor = Acceptor::self_signed(&file, vec!["localhost".to_owned()]).expect("a certificate");
        fs::write(&file, "not a certificate").expect("a file");
        for wait in [CHECK_INTERVAL, RETRY_INTERVAL] {
            let next_check = lock(&acceptor.current).next_check;
            assert!(next_check <= Instant::now() + wait);
            lock(&acceptor.current).next_check = Instant::now();
            acceptor.check();
            assert!(lock(&acceptor.current).next_check > Instant::now() + RETRY_INTERVAL / 2);
        }
        fs::remove_file(&file).expect("the file exists");
    }

    /// The connection must not go on without TLS.
    #[test]
    fn a_session_that_cannot_be_created_is_an_error() {
        let file = std::env::temp_dir().join(format!("chinwag-acceptor-{}.pem", std::process::id()));
        self_signed(&file, &["localhost".to_owned()]).expect("a certificate");
        let acceptor = Acceptor::from_pem_files(&file, &file).expect("a certificate");
        fs::remove_file(&file).expect("the file exists");
        let mode = acceptor.mode();
        assert!(mode.session().is_ok_and(|session| session.is_some()));
        let mut config = ServerConfig::clone(&lock(&acceptor.current).config);
        config.max_fragment_size = Some(1);
        lock(&acceptor.current).config = Arc::new(config);
        assert!(mode.session().is_err());
        assert!(ListenerMode::default().session().is_ok_and(|session| session.is_none()));
    }
}
