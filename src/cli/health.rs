//! `chinwag health URL`: asks a server over HTTP, for images without curl.

use super::{arguments::Flags, log_line::visible, print, unix_socket};
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
    let place = flags.operand.as_deref().map_or(Some("http://127.0.0.1:6502"), |url| url.to_str());
    let place = place.ok_or("the URL is not UTF-8")?;
    if !place.starts_with("unix:") && !place.starts_with("http://") {
        return Err(format!("{place:?}: write http://HOST:PORT, or unix:PATH"));
    }
    let (line, is_ready) = match ask(place, "GET", "/readyz") {
        Ok((status, body)) => (format!("{status} {}", body.lines().next().unwrap_or_default()), status == 200),
        Err(error) => (error, false),
    };
    print(&format!("{}\n", visible(&line)))?;
    Ok(if is_ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Sends a request without a body to `http://HOST:PORT` or `unix:PATH`, and returns the status and the body of the response.
/// If the URL has a path, it is requested in place of `target`.
///
/// # Errors
/// One line: there was no response.
pub(crate) fn ask(place: &str, method: &str, target: &str) -> Result<(u16, String), String> {
    let named = |error: io::Error| format!("{place}: {error}");
    let deadline = Instant::now() + TIMEOUT;
    let (stream, host, target) = match place.strip_prefix("unix:") {
        Some(path) => {
            (unix_socket::connect(path.as_ref()).map_err(io::Error::from).map(TcpStream::from), "localhost", target)
        }
        None => {
            let rest = place.strip_prefix("http://").unwrap_or(place);
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            (connect(host), host, if path.len() > 1 { path } else { target })
        }
    };
    let mut stream = stream.map_err(named)?;
    let request = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let response = exchange(&mut stream, &request, deadline).map_err(named)?;
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    Ok((status.ok_or_else(|| format!("{place}: the answer is not HTTP"))?, body.to_owned()))
}

fn connect(host: &str) -> io::Result<TcpStream> {
    let with_port = if host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let mut result = Err(io::ErrorKind::AddrNotAvailable.into());
    for address in with_port.to_socket_addrs()? {
        result = TcpStream::connect_timeout(&address, TIMEOUT / 2);
        if result.is_ok() {
            break;
        }
    }
    result
}

/// Sends a request, and reads until the end of the response.
fn exchange(stream: &mut TcpStream, request: &str, deadline: Instant) -> io::Result<String> {
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(request.as_bytes())?;
    let (mut response, mut buffer) = (Vec::new(), [0; 4096]);
    while response.len() < MAX_BYTES {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => response.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(io::ErrorKind::TimedOut.into()),
            Err(error) => return Err(error),
        }
    }
    Ok(String::from_utf8_lossy(&response).into_owned())
}
