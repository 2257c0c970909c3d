//! `chinwag health URL`: asks a server over HTTP, for images without curl.

use super::{arguments::Flags, print, unix_socket};
use chinwag::chat::protocol::sanitize_text;
use std::io::ErrorKind::{AddrNotAvailable, PermissionDenied, TimedOut, WouldBlock};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(5);

/// A longer answer is cut.
const MAX_BYTES: usize = 1024 * 1024;

/// Prints the answer in one line.
///
/// # Errors
/// One line: wrong usage.
pub(crate) fn run(flags: &Flags) -> Result<ExitCode, String> {
    let place = flags.url()?.unwrap_or("http://127.0.0.1:6502");
    if ["unix:", "http://"].iter().all(|start| place.strip_prefix(start).is_none_or(str::is_empty)) {
        return Err(format!("{place:?}: write http://HOST:PORT, or unix:PATH"));
    }
    let (line, is_ready) = match ask(place, "GET", "/readyz") {
        Ok((status, body)) => (format!("{status} {}", body.lines().next().unwrap_or_default()), status == 200),
        Err(error) => (error, false),
    };
    print(&format!("{}\n", sanitize_text(&line)))?;
    Ok(if is_ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Sends a request without a body to `http://HOST:PORT` or `unix:PATH`, and returns the status and the body of the response.
/// If the URL has a path, it is requested in place of `target`.
///
/// # Errors
/// One line that says what to do.
pub(crate) fn ask(place: &str, method: &str, target: &str) -> Result<(u16, String), String> {
    request(place, method, target).map_err(|error| match error.kind() {
        PermissionDenied => format!("{place}: permission denied; root and the socket's user and group may connect"),
        TimedOut | WouldBlock => format!("{place}: no answer within 5 seconds; the server hangs or is stopped"),
        _ if place.starts_with("http") => format!("no server answers at {place}: {error}; start it, or name its URL"),
        _ => format!("no server answers at {place}: {error}; start it with --admin {place}, or name its --admin"),
    })
}

fn request(place: &str, method: &str, target: &str) -> io::Result<(u16, String)> {
    let url = place.strip_prefix("http://").unwrap_or("localhost");
    let (host, path) = url.split_at(url.find('/').unwrap_or(url.len()));
    let mut stream = match place.strip_prefix("unix:") {
        Some(path) => TcpStream::from(unix_socket::connect(path.as_ref())?),
        None => {
            let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
            connect(format!("{host}{}", if has_port { "" } else { ":80" }), TIMEOUT / 2)?
        }
    };
    stream.set_write_timeout(Some(TIMEOUT))?;
    let target = if path.len() > 1 { path } else { target };
    let head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let deadline = Instant::now() + TIMEOUT;
    let (mut response, mut buffer, mut count) = (Vec::new(), [0; 4096], 1);
    while count > 0 && response.len() < MAX_BYTES {
        let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
        stream.set_read_timeout(Some(left.ok_or(TimedOut)?))?;
        count = stream.read(&mut buffer)?;
        response.extend_from_slice(&buffer[..count]);
    }
    let response = String::from_utf8_lossy(&response);
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    Ok((status.ok_or_else(|| io::Error::other("the answer is not HTTP"))?, body.to_owned()))
}

/// Connects to the first address that answers.
pub(crate) fn connect(addresses: impl ToSocketAddrs, timeout: Duration) -> io::Result<TcpStream> {
    let mut result = Err(AddrNotAvailable.into());
    for address in addresses.to_socket_addrs()? {
        result = result.or_else(|_: io::Error| TcpStream::connect_timeout(&address, timeout));
    }
    result
}
