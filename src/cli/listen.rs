//! Where the server listens: the flags that name addresses, and what to do about an address that cannot be used.

use super::arguments::Flags;
use super::unix_socket::{self, SocketFile};
use chinwag::{Builder, Error, Server, client};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;

#[cfg(feature = "tls")]
pub(crate) use chinwag::tls::Acceptor;
/// A build without TLS never has an acceptor.
#[cfg(not(feature = "tls"))]
pub(crate) type Acceptor = std::convert::Infallible;

/// The port of MDN's chat client.
const DEFAULT: &str = "127.0.0.1:6502";

/// An address to listen on, and the flag that names it: `listen`, `listen-tls` or `redirect-http`.
type Address = (&'static str, Place);

/// Where a listener is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Ip(SocketAddr),
    /// The path of a unix socket.
    Unix(String),
    /// The number of a socket that systemd has passed.
    Inherited(usize),
}

/// The addresses to listen on, in the order in which they are announced. With a certificate, the default one uses TLS.
///
/// # Errors
/// One line for an address that makes no sense, or that browsers refuse.
pub(crate) fn addresses(flags: &Flags, inherited: &[OwnedFd]) -> Result<Vec<Address>, String> {
    let default = if asks_for_tls(flags) { "listen-tls" } else { "listen" };
    let mut addresses = Vec::new();
    for flag in ["listen", "listen-tls", "redirect-http"] {
        let mut texts = flags.list(flag)?;
        if texts.is_empty() && flag == default && inherited.is_empty() {
            texts.push(DEFAULT);
        }
        for text in texts {
            addresses.push((flag, place(flag, text, flags.has("allow-blocked-port"))?));
        }
    }
    addresses.extend((0..inherited.len()).map(|number| (default, Place::Inherited(number))));
    Ok(addresses)
}

/// Whether any flag for TLS was given.
pub(crate) fn asks_for_tls(flags: &Flags) -> bool {
    let about_tls = ["tls-cert", "tls-key", "tls-self-signed", "listen-tls", "redirect-http", "hsts"];
    about_tls.iter().any(|flag| flags.has(flag))
}

/// What the value of a flag names.
pub(crate) fn place(flag: &str, text: &str, allow_blocked_port: bool) -> Result<Place, String> {
    match text.strip_prefix("unix:") {
        None => address(flag, text, allow_blocked_port).map(Place::Ip),
        Some(path) if matches!(flag, "admin" | "listen") && !path.is_empty() => Ok(Place::Unix(path.to_owned())),
        Some(_) if flag == "admin" => Err("--admin unix: has no path; write --admin unix:PATH".to_owned()),
        Some(_) => Err(format!("--{flag} {text:?}: write --listen unix:PATH; a unix socket is plain")),
    }
}

/// `ADDR:PORT`, `[ADDR]:PORT` or `NAME:PORT`.
fn address(flag: &str, text: &str, allow_blocked_port: bool) -> Result<SocketAddr, String> {
    let address = resolve(text).map_err(|error| {
        format!("--{flag} {text:?}: {error}; write ADDR:PORT, such as {DEFAULT}, or 0.0.0.0:6502 for every network")
    })?;
    match client::is_blocked(address.port()) && !allow_blocked_port {
        true => Err(format!(
            "browsers refuse to connect to port {} (it is in the Fetch standard's list of bad ports); \
             choose another port, or add --allow-blocked-port",
            address.port()
        )),
        false => Ok(address),
    }
}

/// The first IPv4 address of a name, or else its first one: `localhost` is 127.0.0.1, which every client tries.
fn resolve(text: &str) -> Result<SocketAddr, String> {
    if text.starts_with(':') {
        return Err("the address is missing".to_owned());
    }
    let found = text.to_socket_addrs().map_err(|error| error.to_string())?;
    let found = found.as_slice();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    first.copied().ok_or_else(|| "no such address".to_owned())
}

/// The mode and the group of the unix sockets of `--listen`.
pub(crate) fn socket_mode(flags: &Flags) -> Result<(u32, Option<u32>), String> {
    let (mode, group) = (flags.text("socket-mode")?, flags.text("socket-group")?);
    Ok((unix_socket::parse_mode(mode.unwrap_or("0660"))?, group.map(unix_socket::parse_group).transpose()?))
}

/// Adds the addresses to a server. The files of unix sockets are removed when they are dropped.
///
/// # Errors
/// One line for an address that cannot be listened on.
pub(crate) fn listen(
    addresses: &[Address],
    (mode, group): (u32, Option<u32>),
    inherited: &[OwnedFd],
    acceptor: Option<&Acceptor>,
    mut builder: Builder,
) -> Result<(Builder, Vec<SocketFile>), String> {
    let mut files = Vec::new();
    for (flag, place) in addresses {
        let address = match place {
            Place::Ip(address) => address,
            Place::Unix(path) => {
                let (socket, file) =
                    unix_socket::bind(path, mode, group).map_err(|error| format!("--{flag}: {error}"))?;
                files.push(file);
                builder = builder.listener(socket).map_err(|error| format!("--{flag}: {error}"))?;
                continue;
            }
            Place::Inherited(number) => {
                builder = inherit(&inherited[*number], acceptor.filter(|_| *flag == "listen-tls"), builder)?;
                continue;
            }
        };
        let added = match (*flag, acceptor) {
            #[cfg(feature = "tls")]
            ("listen-tls", Some(acceptor)) => builder.listen_tls(address, acceptor),
            #[cfg(feature = "tls")]
            ("redirect-http", _) => builder.redirect_http(address),
            _ => builder.listen(address),
        };
        builder = added.map_err(|error| format!("--{flag}: {error}"))?;
    }
    Ok((builder, files))
}

/// Adds a socket that systemd has passed. It is plain, or with a certificate it speaks TLS, as the default address does.
fn inherit(socket: &OwnedFd, acceptor: Option<&Acceptor>, builder: Builder) -> Result<Builder, String> {
    let failed = |error: Error| format!("LISTEN_FDS: {error}");
    let socket = socket.try_clone().map_err(|error| failed(Error::Start(error)))?;
    match acceptor {
        #[cfg(feature = "tls")]
        Some(acceptor) => builder.listener_tls(socket, acceptor),
        _ => builder.listener(socket),
    }
    .map_err(failed)
}

/// One line for each address that clients can open, in the order of the flags.
pub(crate) fn announcement(addresses: &[Address], server: &Server) -> String {
    let mut lines = String::new();
    for ((flag, place), local) in addresses.iter().zip(server.local_addrs()) {
        if let Some(path) = unix_path(place, local) {
            lines.extend(["chinwag is listening on unix:", path, "\n"]);
            continue;
        }
        let (scheme, port) = (if *flag == "listen-tls" { "https" } else { "http" }, local.port());
        let url = match local.ip().is_unspecified() {
            true => {
                format!("{scheme}://localhost:{port}/ (on other machines: this machine's address or name, and :{port})")
            }
            false => format!("{scheme}://{local}/"),
        };
        if *flag != "redirect-http" {
            lines.extend(["chinwag is listening; open ", &url, "\n"]);
        }
    }
    lines
}

/// The path of a unix socket, if it is one.
fn unix_path<'a>(place: &'a Place, local: &SocketAddr) -> Option<&'a str> {
    match place {
        Place::Unix(path) => Some(path),
        Place::Inherited(_) if local.port() == 0 => Some("a socket that was passed"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_without_a_port_are_refused() {
        for text in ["8080", ":8080", "*:8080", "10.0.0.1", "::1", "[::1]", "127.0.0.1:99999", ""] {
            let error = address("listen", text, false).expect_err(text);
            assert!(error.contains("write ADDR:PORT, such as 127.0.0.1:6502,"), "{error}");
        }
        for text in ["127.0.0.1:8080", "[::]:8080", "localhost:8080"] {
            assert_eq!(address("listen", text, false).map(|address| address.port()), Ok(8080), "{text}");
        }
    }
}
