//! Stands in for `tls` in builds without it. The types have no values, so the compiler removes all code that uses them.

use std::io::{self, Read, Write};

#[derive(Debug)]
pub(crate) enum Session {}

#[derive(Debug, Clone)]
pub(crate) enum ListenerMode {}

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
    pub(crate) fn hsts(&self) -> Option<u32> {
        match *self {}
    }

    pub(crate) fn exchange(&mut self, _socket: &mut (impl Read + Write)) -> io::Result<bool> {
        match *self {}
    }

    pub(crate) fn read(&mut self, _input: &mut &[u8], _buffer: &mut [u8]) -> io::Result<usize> {
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

impl ListenerMode {
    pub(crate) fn session(&self) -> io::Result<Option<Session>> {
        match *self {}
    }

    pub(crate) fn https_port(&self) -> Option<u16> {
        match *self {}
    }

    pub(crate) fn busy_alert(&self) -> Option<&'static [u8]> {
        match *self {}
    }
}
