//! What a [`Builder`] can do with the feature `tls`.
//!
//! Owns the ways in that are not plain.

use super::{
    Builder,
    entrance::{self, Entrance},
};
use crate::{
    ws::error::Error,
    ws::tls::{Acceptor, Port},
};
use std::net::{TcpListener, ToSocketAddrs};

impl Builder {
    /// Listens on an address, too, and speaks TLS there: `https://` and `wss://`. Plain and TLS addresses may be mixed.
    ///
    /// # Errors
    /// As [`Builder::listen`].
    pub fn listen_tls(self, addr: impl ToSocketAddrs, acceptor: &Acceptor) -> Result<Self, Error> {
        Ok(self.listener_tls(entrance::bind(addr)?, acceptor))
    }

    /// Speaks TLS on a listener that exists, too.
    pub fn listener_tls(mut self, listener: TcpListener, acceptor: &Acceptor) -> Self {
        let port = Some(Port::Secure(acceptor.clone()));
        self.entrances.push(Entrance { listener, port });
        self
    }

    /// Listens on an address, too, where plain HTTP is answered with 308 only: all is at `https`, and at the port of the first
    /// [`Builder::listen_tls`] before this, or 443. The name in the answer is that of the request's `Host`, to which
    /// [`Access`](crate::Access) applies as ever.
    ///
    /// # Errors
    /// As [`Builder::listen`].
    pub fn redirect_http(mut self, addr: impl ToSocketAddrs) -> Result<Self, Error> {
        let mut secure = self.entrances.iter().filter(|entrance| matches!(entrance.port, Some(Port::Secure(_))));
        let secure = secure.next().and_then(|entrance| entrance.listener.local_addr().ok());
        let port = Some(Port::Redirect(secure.map_or(443, |addr| addr.port())));
        self.entrances.push(Entrance { listener: entrance::bind(addr)?, port });
        Ok(self)
    }
}
