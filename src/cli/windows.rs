//! What the program has on Unix only, as far as the rest of the program uses it: nothing happens, or an error says so.

pub(crate) mod systemd {
    use std::{os::windows::io::OwnedSocket, time::Duration};

    pub(crate) fn sockets() -> Result<Vec<OwnedSocket>, String> {
        Ok(Vec::new())
    }

    pub(crate) fn notify(_state: &str) {}

    pub(crate) fn notify_reloading() {}

    pub(crate) fn watchdog() -> Option<Duration> {
        None
    }

    pub(crate) fn priority(_level: log::Level) -> &'static str {
        ""
    }
}

pub(crate) mod unix_socket {
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
}
