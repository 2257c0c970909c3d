//! From what was said to what is meant: flags become a configuration that can be started.
//!
//! Owns the checks on flags, and the sentences for those that make no sense.

use super::{args::Args, history::Keeping, limits, tls::Tls};
use chinwag::{
    Access, Builder, Config, Error, Server,
    chat::protocol::Dialect,
    chat::rules::Rules,
    chat::server::{ChatServer, RoomList},
    client,
};
use std::{
    ffi::OsStr,
    fs,
    io::ErrorKind,
    net::{IpAddr, SocketAddr, TcpListener, ToSocketAddrs},
};

/// Where to listen, when nobody says: the port of MDN's chat client.
pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:6502";

/// The server, listening, and its chat, which is not running yet.
///
/// # Errors
/// One line that says what to do.
pub(crate) fn chat(args: &Args, tls: &Tls) -> Result<(Server, impl FnOnce(Server) -> ChatServer + use<>), String> {
    let (config, rules) = bounds(args)?;
    let dialect = dialect(args.dialect.as_deref())?;
    let history = Keeping::open(&args.history)?;
    let builder = history
        .before(Server::builder())
        .config(config)
        .access(access(args)?)
        .trusted_proxies(proxies(args)?)
        .protocols(ChatServer::protocols())
        .endpoint(ChatServer::is_endpoint);
    let rooms = args.list_rooms.then(RoomList::default);
    let server =
        tls.listen(args, listen(args, site(builder, rooms.clone()))?)?.start().map_err(|error| error.to_string())?;
    let chat = move |server| {
        let chat = history.attach(ChatServer::new(server, rules, dialect));
        match rooms {
            Some(rooms) => chat.list_rooms(rooms),
            None => chat,
        }
    };
    Ok((server, chat))
}

/// The page, and the list of rooms if it is wanted.
fn site(builder: Builder, rooms: Option<RoomList>) -> Builder {
    match rooms {
        Some(rooms) => builder.site(move |request| rooms.respond(request).or_else(|| ChatServer::site(request))),
        None => builder.site(ChatServer::site),
    }
}

fn bounds(args: &Args) -> Result<(Config, Rules), String> {
    let (config, rules) = match args.no_limits {
        true => (Config::unlimited(), Rules::unlimited()),
        false => (Config::default(), Rules::default()),
    };
    let (config, mut rules) = limits::apply(&args.limit, config, rules)?;
    if let Some(lines) = &args.history_lines {
        rules.history_lines = lines.parse().map_err(|_| {
            format!("--history-lines (CHINWAG_HISTORY_LINES): {lines:?} is no whole number; write one, such as 50")
        })?;
    }
    Ok((config, rules))
}

fn access(args: &Args) -> Result<Access, String> {
    let machine = rustix::system::uname();
    let mut access = Access::default().machine_name(&machine.nodename().to_string_lossy());
    for host in &args.host {
        access = access.allow_host(host).map_err(|error| format!("--host: {error}"))?;
    }
    for origin in &args.origin {
        access = access.allow_origin(origin).map_err(|error| format!("--origin: {error}"))?;
    }
    access = access.require_origin(args.require_origin);
    match &args.token_file {
        Some(file) => token(file, access),
        None => Ok(access),
    }
}

fn proxies(args: &Args) -> Result<Vec<IpAddr>, String> {
    let parse = |text: &String| {
        text.parse().map_err(|_| format!("--trusted-proxy {text:?}: write the proxy's IP address, such as 127.0.0.1"))
    };
    args.trusted_proxy.iter().map(parse).collect()
}

fn token(file: &OsStr, access: Access) -> Result<Access, String> {
    let shown = file.to_string_lossy();
    let content = fs::read_to_string(file).map_err(|error| format!("--token-file {shown}: {error}"))?;
    access.token(&content).map_err(|error| format!("--token-file {shown}: {error}"))
}

fn dialect(name: Option<&str>) -> Result<Dialect, String> {
    match name {
        None => Ok(Dialect::Json),
        Some(name) => Dialect::from_name(name)
            .ok_or_else(|| format!("--dialect {name:?}: no such dialect; json, chinwag.v1 and text exist")),
    }
}

/// The plain addresses. With a certificate and none given, there are none: the default address speaks TLS.
fn listen(args: &Args, mut builder: Builder) -> Result<Builder, String> {
    for text in plain(args) {
        let addr = address("listen", text, args)?;
        builder = builder.listen(addr).map_err(|error| cannot_listen("listen", &error, args))?;
    }
    Ok(builder)
}

fn plain(args: &Args) -> Vec<&str> {
    match args.listen.is_empty() && args.tls.secure() == 0 {
        true => vec![DEFAULT_LISTEN],
        false => args.listen.iter().map(String::as_str).collect(),
    }
}

/// The schemes of the addresses that the server listens on, in their order. Those behind them redirect only.
pub(crate) fn schemes(args: &Args) -> Vec<&'static str> {
    [vec!["http"; plain(args).len()], vec!["https"; args.tls.secure()]].concat()
}

/// `ADDR:PORT`, `[ADDR]:PORT` or `NAME:PORT`, which browsers do not refuse.
pub(crate) fn address(flag: &str, text: &str, args: &Args) -> Result<SocketAddr, String> {
    let addr = resolve(text).map_err(|why| {
        let variable = format!("CHINWAG_{}", flag.to_ascii_uppercase().replace('-', "_"));
        format!(
            "--{flag} ({variable}) {text:?}: {why}; write ADDR:PORT, such as 127.0.0.1:6502, 0.0.0.0:6502 or [::1]:6502"
        )
    })?;
    if client::is_blocked(addr.port()) && !args.allow_blocked_port {
        return Err(format!(
            "browsers refuse to connect to port {} (the Fetch standard's list of bad ports, once a SECURITY_ERR); \
             choose another port, or give --allow-blocked-port",
            addr.port()
        ));
    }
    Ok(addr)
}

/// What the error says, and where a port is taken, by whom, or the flag with one that is not.
pub(crate) fn cannot_listen(flag: &str, error: &Error, args: &Args) -> String {
    let taken = match error {
        Error::Bind { address, source } if source.kind() == ErrorKind::AddrInUse => Some(*address),
        _ => None,
    };
    if let Some(addr) = taken.filter(|addr| is_named_twice(addr.port(), args)) {
        return format!(
            "--{flag} {addr}: another address of this command has that port, too; give each its own \
             ([::] includes 0.0.0.0)"
        );
    }
    let instead = taken.and_then(free_above).map(|addr| format!(": --{flag} {addr}"));
    format!("--{flag}: {error}{}", instead.unwrap_or_default())
}

fn is_named_twice(port: u16, args: &Args) -> bool {
    let port = format!(":{port}");
    args.listen.iter().chain(args.tls.addresses()).filter(|text| text.ends_with(&port)).count() > 1
}

/// The same address with the next port that is free, and that browsers do not refuse, if there is one nearby.
fn free_above(mut addr: SocketAddr) -> Option<SocketAddr> {
    (addr.port()..=u16::MAX).skip(1).take(100).find_map(|port| {
        addr.set_port(port);
        (!client::is_blocked(port) && TcpListener::bind(addr).is_ok()).then_some(addr)
    })
}

fn resolve(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| error.to_string())?;
    found.next().ok_or_else(|| "no such address".to_owned())
}
