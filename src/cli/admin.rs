//! The listener for operators, a server of its own: it answers when the chat has no place left.

use super::{arguments::Flags, listen, unix_socket::SocketFile};
use chinwag::chat::server::Admin;
use chinwag::http::{Request, Response};
use chinwag::{Access, Config, Server};
use std::time::Duration;

/// The running listener, and the file of its socket. It ends when this is dropped.
pub(crate) type AdminListener = (Server, Option<SocketFile>);

/// Starts the listener of `--admin`, if it is given.
///
/// # Errors
/// One line that says what to do.
pub(crate) fn start(flags: &Flags, access: Access, admin: Admin) -> Result<Option<AdminListener>, String> {
    let Some(text) = flags.text("admin")? else { return Ok(None) };
    let mut config = Config::default();
    (config.max_connections, config.max_connections_per_address, config.event_capacity) = (32, 0, 1);
    // A command may have a long text, of which each byte is percent-encoded.
    (config.handshake_timeout, config.max_head_size) = (Duration::from_secs(5), 64 * 1024);
    let (socket, file) = listen::open(flags, "admin", text)?;
    // Every user of this machine can reach a port. No web page reaches a unix socket by a host name.
    let is_private = file.is_some();
    let access = if is_private { Access::open() } else { access };
    let builder = Server::builder().config(config).endpoint(|_| false).access(access);
    let builder = builder.site(move |request| respond(request, &admin, is_private)).listener(socket);
    let server = builder.and_then(|builder| builder.start()).map_err(|error| error.to_string())?;
    Ok(Some((server, file)))
}

/// Requests of web pages are refused: a page of another site must not act as an operator.
fn respond(request: &Request, admin: &Admin, is_private: bool) -> Option<Response> {
    let is_from_page = ["Origin", "Sec-Fetch-Site"].iter().any(|name| request.headers().contains_key(*name));
    let is_typed = request.headers().get("Sec-Fetch-Site").is_some_and(|site| site == "none");
    if is_from_page && !is_typed {
        return Some(Response::text(403, "Operators do not use web pages: this is for programs such as curl."));
    }
    // For tests: the chat thread hangs for longer than anything waits for it.
    #[cfg(debug_assertions)]
    if request.uri().path() == "/debug/hang" {
        return Some(admin.ask(Box::new(|_| {
            std::thread::sleep(Duration::from_secs(8));
            Response::text(200, "it hung")
        })));
    }
    let commands = || if is_private { admin.control(request) } else { None };
    admin.respond(request).or_else(commands)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chinwag::http::Method;

    #[test]
    fn commands_come_through_a_unix_socket_only() {
        let mut request = Request::new(());
        *request.uri_mut() = "/ctl?command=who".parse().expect("a path");
        *request.method_mut() = Method::POST;
        for (is_private, status) in [(true, Some(503)), (false, None)] {
            let response = respond(&request, &Admin::default(), is_private);
            assert_eq!(response.map(|response| response.status), status);
        }
    }
}
