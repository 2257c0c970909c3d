//! What there is of unix sockets on Windows: an error that says so.

use std::{io, net::TcpListener, os::windows::io::OwnedSocket, path::Path};

/// There is none.
pub(crate) type SocketFile = std::convert::Infallible;

const ABSENT: &str = "this chinwag has no unix sockets on Windows; write ADDR:PORT";

pub(crate) fn bind(_path: &str, _mode: u32, _group: Option<u32>) -> Result<(TcpListener, SocketFile), String> {
    Err(ABSENT.to_owned())
}

pub(crate) fn connect(_path: &Path) -> io::Result<OwnedSocket> {
    Err(io::Error::other(ABSENT))
}

pub(crate) fn parse_mode(_text: &str) -> Result<u32, String> {
    Ok(0)
}

pub(crate) use parse_mode as parse_group;
