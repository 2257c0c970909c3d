//! The certificate that newcomers are shown, and when another one takes its place.
//!
//! Owns the current one, and the memory of what its files looked like. Sessions that exist keep what they have: nobody
//! is dropped by a change.

use super::{
    Error,
    certificate::{self, Files, Loaded},
    session::Session,
};
use log::{error, info};
use rustls::{ServerConfig, ServerConnection};
use std::{
    fmt, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How often the files are looked at, at most: when somebody comes.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// Speaks TLS with newcomers, for [`Builder::listen_tls`](crate::Builder::listen_tls). Clones are the same one.
///
/// When its files have changed, the next newcomer sees the new certificate (the files are looked at once a second, at most).
/// One that cannot be used is reported in the log, and the old one stays.
#[derive(Clone)]
pub struct Acceptor {
    inner: Arc<Inner>,
    hsts: Option<u32>,
}

struct Inner {
    files: Files,
    current: Mutex<Current>,
}

struct Current {
    config: Arc<ServerConfig>,
    fingerprint: String,
    /// What the files looked like when they were read.
    stamps: [Stamp; 2],
    looked: Instant,
}

/// Enough to see that a file is another one: time of change, in two parts, length, and which file it is.
type Stamp = Option<(i64, i64, u64, u64)>;

impl Acceptor {
    /// Certificate (a chain, the server's own first) and private key (PKCS#8, PKCS#1 or SEC 1), as PEM; they may be in the
    /// same file.
    ///
    /// # Errors
    /// A file is missing, is no PEM, lacks what it is for, or the key is not the certificate's.
    pub fn from_pem_files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, Error> {
        let files = Files { certificate: certificate.into(), key: key.into() };
        let stamps = stamps(&files);
        let Loaded { config, fingerprint } = certificate::load(&files)?;
        let current = Mutex::new(Current { config, fingerprint, stamps, looked: Instant::now() });
        Ok(Self { inner: Arc::new(Inner { files, current }), hsts: None })
    }

    /// Tells browsers to come back by `https` only, for that many seconds (RFC 6797).
    #[must_use]
    pub fn with_hsts(mut self, seconds: u32) -> Self {
        self.hsts = Some(seconds);
        self
    }

    /// SHA-256 of the certificate, as browsers show it: `AB:CD:…`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.current().fingerprint.clone()
    }

    /// Reads the files again now. What is wrong with them is logged, and the old certificate stays.
    pub fn reload(&self) {
        let stamps = stamps(&self.inner.files);
        let loaded = certificate::load(&self.inner.files);
        let mut current = self.current();
        // What cannot be used is not tried again before it has changed.
        (current.stamps, current.looked) = (stamps, Instant::now());
        match loaded {
            Ok(loaded) => {
                info!("the certificate was read again; its SHA-256 fingerprint: {}", loaded.fingerprint);
                (current.config, current.fingerprint) = (loaded.config, loaded.fingerprint);
            }
            Err(why) => error!("the old certificate stays in use: {why}"),
        }
    }

    /// For a newcomer; `None` if rustls cannot begin, which no newcomer can bring about.
    pub(super) fn session(&self) -> Option<Session> {
        if self.has_to_look() && stamps(&self.inner.files) != self.current().stamps {
            self.reload();
        }
        let config = Arc::clone(&self.current().config);
        let tls = ServerConnection::new(config).map_err(|why| error!("TLS cannot begin: {why}")).ok()?;
        Some(Session::new(tls).with_hsts(self.hsts))
    }

    /// True once in a while. No lock is held while the files are looked at.
    fn has_to_look(&self) -> bool {
        let mut current = self.current();
        let due = current.looked.elapsed() >= LOOK_AFTER;
        if due {
            current.looked = Instant::now();
        }
        due
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.inner.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").field("files", &self.inner.files).field("hsts", &self.hsts).finish()
    }
}

fn stamps(files: &Files) -> [Stamp; 2] {
    [stamp(&files.certificate), stamp(&files.key)]
}

fn stamp(file: &Path) -> Stamp {
    let about = fs::metadata(file).ok()?;
    Some((about.mtime(), about.mtime_nsec(), about.len(), about.ino()))
}
