//! Runs the server: from flags to a configuration, a listening server and its chat.

use super::listen::{self, Acceptor};
use super::{arguments::Flags, limits, logging, print, signals::Signals, spawn, token};
use chinwag::chat::server::{ChatServer, RoomList};
use chinwag::{Access, Network, Server, chat::protocol::Dialect};
use log::{LevelFilter, error, info, warn};
use std::ffi::{OsStr, OsString};

/// Serves until a signal stops the server.
///
/// # Errors
/// One line that says why the server cannot start, and what to do.
pub(crate) fn run(flags: &Flags) -> Result<(), String> {
    let signals = Signals::watch()?;
    logging::start(log_level(flags));
    raise_descriptor_limit();
    let (mut config, rules) = limits::configure(flags)?;
    config.exempt_networks = exempt(flags)?;
    let dialect = dialect(flags)?;
    let access = access(flags)?;
    let rooms = flags.has("list-rooms").then(RoomList::default);
    // The chat keeps the list, and `/rooms` shows it.
    let listed = rooms.clone();
    let builder = Server::builder()
        .config(config)
        .access(access.clone())
        .trusted_proxies(trusted_proxies(flags)?)
        .protocols(ChatServer::protocols())
        .endpoint(ChatServer::is_endpoint)
        .delay(ChatServer::delay)
        .route(ChatServer::route)
        .site(move |request| {
            listed.iter().find_map(|rooms| rooms.respond(request)).or_else(|| ChatServer::site(request))
        });
    #[cfg(feature = "history")]
    let (history, builder) = super::history::open(flags, builder)?;
    #[cfg(feature = "tls")]
    let acceptor = super::tls::acceptor(flags)?;
    #[cfg(not(feature = "tls"))]
    let acceptor = None;

    let addresses = listen::addresses(flags)?;
    let builder = listen::listen(&addresses, acceptor.as_ref(), builder)?;
    let server = builder.start().map_err(|error| error.to_string())?;
    let announcement = listen::announcement(&addresses, &server);
    #[cfg(feature = "tls")]
    let announcement = announcement + &super::tls::fingerprint(flags, acceptor.as_ref());
    let token_file = flags.value("token-file").map(OsStr::to_owned);
    signals.connect(server.shutdown_handle(), reload(token_file, access, acceptor))?;
    announce(announcement)?;
    if flags.has("no-limits") {
        warn!("--no-limits: this server is not protected against hostile clients");
    }

    let chat = ChatServer::new(server, rules, dialect);
    #[cfg(feature = "history")]
    let chat = history.into_iter().fold(chat, |chat, history| chat.archive(Box::new(history)));
    rooms.into_iter().fold(chat, ChatServer::list_rooms).run();
    Ok(())
}

fn log_level(flags: &Flags) -> LevelFilter {
    match (flags.has("quiet"), flags.count("verbose")) {
        (true, _) => LevelFilter::Error,
        (_, 0) => LevelFilter::Info,
        (_, 1) => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    }
}

/// Each connection needs a file descriptor, and the usual limit is 1024: raises it as far as the system allows.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        warn!("cannot raise the limit of open files: {error}");
    }
}

fn dialect(flags: &Flags) -> Result<Dialect, String> {
    let name = flags.choice("dialect", &Dialect::ALL.map(Dialect::name))?;
    Ok(name.and_then(Dialect::from_name).unwrap_or(Dialect::Json))
}

fn access(flags: &Flags) -> Result<Access, String> {
    let machine = rustix::system::uname();
    let mut access = Access::default().machine_name(&machine.nodename().to_string_lossy());
    for host in flags.list("host")? {
        access = access.allow_host(host).map_err(|error| format!("--host: {error}"))?;
    }
    for origin in flags.list("origin")? {
        access = access.allow_origin(origin).map_err(|error| format!("--origin: {error}"))?;
    }
    access = access.require_origin(flags.has("require-origin"));
    match read_token(flags.value("token-file"))? {
        Some(token) => access.token(&token).map_err(|error| format!("--token-file: {error}")),
        None => Ok(access),
    }
}

/// The access token, if there is one. Its weaknesses are logged.
fn read_token(file: Option<&OsStr>) -> Result<Option<String>, String> {
    token::read(file, |warning| warn!("{warning}"))
}

/// What SIGHUP does: reads the files again that may change. If one cannot be used, what was read before stays in use.
fn reload(token_file: Option<OsString>, access: Access, acceptor: Option<Acceptor>) -> impl Fn() {
    move || {
        #[cfg(feature = "tls")]
        acceptor.iter().for_each(Acceptor::reload);
        match replace_token(token_file.as_deref(), &access) {
            Ok(true) => info!("SIGHUP: the access token was read again"),
            Ok(false) if acceptor.is_none() => info!("SIGHUP: no --token-file and no certificate, so nothing was read"),
            Ok(false) => {}
            Err(why) => error!("the old access token stays in use: {why}"),
        }
    }
}

/// Returns false if there is no file.
fn replace_token(file: Option<&OsStr>, access: &Access) -> Result<bool, String> {
    let Some(token) = read_token(file)? else { return Ok(false) };
    access.replace_token(&token).map_err(|error| format!("--token-file: {error}"))?;
    Ok(true)
}

/// Prints the addresses on a thread of its own: the server does not wait for a reader of stdout.
fn announce(announcement: String) -> Result<(), String> {
    let print = move || {
        if let Err(why) = print(&announcement) {
            warn!("{why}");
        }
    };
    spawn("stdout", Box::new(print))
}

fn exempt(flags: &Flags) -> Result<Vec<Network>, String> {
    let networks = networks(flags, "exempt")?;
    if networks.iter().any(|network| network.is_everything()) {
        warn!("--exempt: every address is exempt, so no limit per address protects this server");
    }
    Ok(networks)
}

fn trusted_proxies(flags: &Flags) -> Result<Vec<Network>, String> {
    let networks = networks(flags, "trusted-proxy")?;
    match networks.iter().any(|network| network.is_everything()) {
        true => Err("--trusted-proxy: every client would be a proxy; name the network of your proxies".to_owned()),
        false => Ok(networks),
    }
}

fn networks(flags: &Flags, flag: &str) -> Result<Vec<Network>, String> {
    let parse = |text: &str| text.parse().map_err(|error| format!("--{flag}: {error}"));
    flags.list(flag)?.into_iter().map(parse).collect()
}
