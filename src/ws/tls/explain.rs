//! Why a server is not believed, in words for people.
//!
//! Owns the sentences in place of rustls's, for what happens to people; what is left speaks for itself.

use super::Connector;
use rustls::{CertificateError, Error};
use std::io::{self, ErrorKind};

/// Of the names in a certificate, those that are said.
const MOST_NAMES: usize = 5;

impl Connector {
    /// What a failure of a handshake with that host and port means. `None`: nobody who is trusted vouches for it.
    pub(crate) fn explain(&self, why: &io::Error, host: &str) -> Option<String> {
        if matches!(why.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) {
            return Some(format!("no TLS with {host}: it hung up; if that port speaks none, use ws://"));
        }
        match why.get_ref().and_then(|why| why.downcast_ref::<Error>()) {
            Some(Error::InvalidMessage(_)) => Some(format!("{host} speaks no TLS at that port; use ws://")),
            Some(Error::InvalidCertificate(why)) => certificate(why, host),
            _ => Some(format!("no TLS with {host}: {why}")),
        }
    }
}

fn certificate(why: &CertificateError, host: &str) -> Option<String> {
    let what = match why {
        // With a bad signature, it is another one of the same name that is trusted.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => return None,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet; is the clock of this machine right?".to_owned()
        }
        CertificateError::NotValidForName => "it is not for that name".to_owned(),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<_> = presented.iter().take(MOST_NAMES).map(|name| plain(name)).collect();
            format!("it is not for that name, but for {}", names.join(", "))
        }
        other if other.to_string().contains("CaUsedAsEndEntity") => {
            "it is one of an authority (CA:TRUE), which no server may show".to_owned()
        }
        other => other.to_string(),
    };
    Some(format!("the certificate of {host} cannot be trusted: {what}"))
}

/// `DnsName("chat.example")` and `IpAddress(127.0.0.1)`, without what is around them.
fn plain(name: &str) -> &str {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner);
    inner.trim_end_matches(')').trim_matches('"')
}
