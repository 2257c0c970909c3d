//! Where the server listens: the flags that name addresses, and what to do about an address that cannot be used.

use super::arguments::Flags;
use super::systemd;
use super::unix_socket::{self, SocketFile};
use chinwag::{Builder, Error, client};
use std::fmt::Display;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

#[cfg(feature = "tls")]
pub(crate) use chinwag::tls::Acceptor;
/// A build without TLS never has an acceptor.
#[cfg(not(feature = "tls"))]
pub(crate) type Acceptor = std::convert::Infallible;

/// The port of MDN's chat client.
const DEFAULT: &str = "127.0.0.1:6502";

/// Adds the sockets that the flags name, or that systemd has passed, to a server. With a certificate, the default address uses
/// TLS. The text has a line for each place that clients can open. The files are removed when they are dropped.
///
/// # Errors
/// One line for an address that makes no sense, that browsers refuse, or that cannot be listened on.
pub(crate) fn listen(
    flags: &Flags,
    acceptor: Option<&Acceptor>,
    mut builder: Builder,
) -> Result<(Builder, String, Vec<SocketFile>), String> {
    let inherited = systemd::sockets()?;
    let default = if asks_for_tls(flags) { "listen-tls" } else { "listen" };
    let (mut sockets, mut announcement, mut files) = (Vec::new(), String::new(), Vec::new());
    for flag in ["listen", "listen-tls"] {
        let mut texts = flags.list(flag)?;
        if texts.is_empty() && flag == default && inherited.is_empty() {
            texts.push(DEFAULT);
        }
        for text in texts {
            let (socket, file) = open(flags, flag, text)?;
            sockets.push((socket, acceptor.filter(|_| flag == "listen-tls"), format!("--{flag}"), text));
            files.extend(file);
        }
    }
    for socket in inherited {
        sockets.push((socket.into(), acceptor, "LISTEN_FDS".to_owned(), "a socket that was passed"));
    }
    for (socket, acceptor, source, place) in sockets {
        announcement += &announce(&socket, acceptor.is_some(), place);
        let added = match acceptor {
            #[cfg(feature = "tls")]
            Some(acceptor) => builder.listener_tls(socket, acceptor),
            _ => builder.listener(socket),
        };
        builder = added.map_err(|error| format!("{source}: {error}"))?;
    }
    // After the TLS sockets, to the first of which it leads.
    #[cfg(feature = "tls")]
    for text in flags.list("redirect-http")? {
        let address = address(flags, "redirect-http", text)?;
        builder = builder.redirect_http(address).map_err(|error| format!("--redirect-http: {error}"))?;
    }
    Ok((builder, announcement, files))
}

/// The line about a socket. `place` is its name if it is a unix socket.
fn announce(socket: &TcpListener, is_secure: bool, place: &str) -> String {
    let scheme = if is_secure { "https" } else { "http" };
    match socket.local_addr() {
        // A unix socket has no such address.
        Err(_) => format!("chinwag is listening on {place}\n"),
        Ok(local) if local.ip().is_unspecified() => {
            let port = local.port();
            format!(
                "chinwag is listening; open {scheme}://localhost:{port}/ \
                 (on other machines: this machine's address or name, and :{port})\n"
            )
        }
        Ok(local) => format!("chinwag is listening; open {scheme}://{local}/\n"),
    }
}

/// Whether any flag for TLS was given.
pub(crate) fn asks_for_tls(flags: &Flags) -> bool {
    let about_tls = ["tls-cert", "tls-key", "tls-self-signed", "listen-tls", "redirect-http", "hsts"];
    about_tls.iter().any(|flag| flags.has(flag))
}

/// A socket that listens at the place that a flag names, and its file if it is a unix socket.
pub(crate) fn open(flags: &Flags, flag: &str, text: &str) -> Result<(TcpListener, Option<SocketFile>), String> {
    let Some(path) = text.strip_prefix("unix:") else {
        let address = address(flags, flag, text)?;
        let socket = TcpListener::bind(address).map_err(|source| Error::bind(address, &source));
        return socket.map(|socket| (socket, None)).map_err(|error| format!("--{flag}: {error}"));
    };
    let (mode, group) = match flag {
        "admin" if !path.is_empty() => (0o600, None),
        "listen" if !path.is_empty() => (
            unix_socket::parse_mode(flags.text("socket-mode")?.unwrap_or("0660"))?,
            flags.text("socket-group")?.map(unix_socket::parse_group).transpose()?,
        ),
        _ => return Err(format!("--{flag} {text:?}: write --listen unix:PATH or --admin unix:PATH; both are plain")),
    };
    let (socket, file) = unix_socket::bind(path, mode, group).map_err(|error| format!("--{flag}: {error}"))?;
    Ok((socket, Some(file)))
}

/// `ADDR:PORT`, `[ADDR]:PORT` or `NAME:PORT`. The first IPv4 address of a name, or else its first one: `localhost` is 127.0.0.1,
/// which every client tries.
fn address(flags: &Flags, flag: &str, text: &str) -> Result<SocketAddr, String> {
    let wrong = |error: &dyn Display| {
        format!("--{flag} {text:?}: {error}; write ADDR:PORT, such as {DEFAULT}, or 0.0.0.0:6502 or unix:PATH")
    };
    // Windows resolves an empty host name to this machine.
    let found = text.to_socket_addrs().map_err(|error| wrong(&error))?.filter(|_| text.rfind(':') != Some(0));
    let found: Vec<_> = found.collect();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    let address = *first.ok_or_else(|| wrong(&"no such address"))?;
    if client::is_blocked(address.port()) && flag != "admin" && !flags.has("allow-blocked-port") {
        return Err(format!(
            "browsers refuse to connect to port {} (it is in the Fetch standard's list of bad ports); \
             choose another port, or add --allow-blocked-port",
            address.port()
        ));
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_without_a_port_are_refused() {
        for text in ["8080", ":8080", "*:8080", "10.0.0.1", "::1", "[::1]", "127.0.0.1:99999", ""] {
            let error = address(&Flags::default(), "listen", text).expect_err(text);
            assert!(error.contains("write ADDR:PORT, such as 127.0.0.1:6502,"), "{error}");
        }
        for text in ["127.0.0.1:8080", "[::]:8080", "::1:8080", "localhost:8080"] {
            assert_eq!(address(&Flags::default(), "listen", text).map(|address| address.port()), Ok(8080), "{text}");
        }
    }
}
