//! The same as `tls` for a build without it: types of which there is no value, so that nothing is left of the code that
//! would use one.
//!
//! Owns nothing. What `connection`, `line`, `client` and `server` use of `tls` is here, too.

use std::io::{self, Read};

/// There is no TLS session in this build.
#[derive(Debug)]
pub(crate) enum Session {}

/// There are no listeners but plain ones in this build.
#[derive(Debug, Clone)]
pub(crate) enum Port {}

/// There is nothing to connect with.
#[derive(Debug, Clone)]
pub(crate) enum Connector {}

impl Connector {
    pub(crate) fn of_system() -> Result<Self, String> {
        Err("wss:// needs TLS, which is not in this build: build with the feature `tls`".into())
    }

    pub(crate) fn session(&self, _host: &str) -> Result<Session, String> {
        match *self {}
    }

    pub(crate) fn explain(&self, _why: &io::Error, _host: &str) -> Option<String> {
        match *self {}
    }
}

impl Session {
    pub(crate) fn is_handshaking(&self) -> bool {
        match *self {}
    }

    pub(crate) fn hsts(&self) -> Option<u32> {
        match *self {}
    }

    pub(crate) fn read(&mut self, _input: &mut &[u8], _buffer: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn receive(&mut self, _source: &mut dyn Read) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn unread(&mut self, _early: Vec<u8>) {
        match *self {}
    }

    pub(crate) fn write(&mut self, _bytes: &[u8], _out: &mut Vec<u8>) {
        match *self {}
    }

    pub(crate) fn flush(&mut self, _out: &mut Vec<u8>) {
        match *self {}
    }

    pub(crate) fn close(&mut self, _out: &mut Vec<u8>) {
        match *self {}
    }
}

impl Port {
    pub(crate) fn session(&self) -> Option<Session> {
        match *self {}
    }

    pub(crate) fn redirect(&self) -> Option<u16> {
        match *self {}
    }

    pub(crate) fn busy(&self) -> Option<&'static [u8]> {
        match *self {}
    }
}
