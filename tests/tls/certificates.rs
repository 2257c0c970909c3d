//! Certificates for a test, in a temporary folder.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use chinwag::tls::Acceptor;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, pem::PemObject};

/// A folder with `cert.pem` and `key.pem`.
#[derive(Debug)]
pub struct Certificates {
    pub folder: PathBuf,
}

impl Certificates {
    /// A folder with a certificate for `localhost` and 127.0.0.1.
    pub fn new() -> Certificates {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("chinwag-tls-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder for temporary files");
        let certificates = Certificates { folder };
        certificates.renew();
        certificates
    }

    /// Replaces the certificate. The key is replaced first, as renewal programs do.
    pub fn renew(&self) {
        let (certificate, key) = make(|_| {});
        self.put("key.pem", &key);
        self.put("cert.pem", &certificate);
    }

    /// Replaces a file atomically.
    pub fn put(&self, name: &str, content: &str) -> String {
        fs::write(self.folder.join("new"), content).expect("a file can be written");
        #[cfg(unix)]
        fs::set_permissions(self.folder.join("new"), fs::Permissions::from_mode(0o600)).expect("our own file");
        fs::rename(self.folder.join("new"), self.folder.join(name)).expect("a file can be renamed");
        self.path(name)
    }

    /// The path of a file in the folder.
    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().expect("a path of text").to_owned()
    }

    /// The current certificate.
    pub fn current(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.path("cert.pem")).expect("a certificate")
    }

    /// For a server in this process.
    pub fn acceptor(&self) -> Acceptor {
        Acceptor::from_pem_files(self.path("cert.pem"), self.path("key.pem")).expect("a certificate and its key")
    }

    /// The flags for a server in its own process.
    pub fn flags(&self) -> [String; 6] {
        let (cert, key) = (self.path("cert.pem"), self.path("key.pem"));
        ["--listen-tls", "127.0.0.1:0", "--tls-cert", &cert, "--tls-key", &key].map(str::to_owned)
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}

fn remove(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
}

/// A certificate and its key, as PEM.
pub fn make(change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("names");
    change(&mut params);
    (params.self_signed(&key).expect("a certificate").pem(), key.serialize_pem())
}
