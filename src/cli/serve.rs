//! Runs the server: from flags to a configuration, a listening server and its chat.

use super::listen::{self, Acceptor};
use super::{arguments::Flags, limits, logging, print};
use chinwag::chat::server::{ChatServer, RoomList};
use chinwag::{Access, Network, Server, Shutdown, chat::protocol::Dialect};
use log::{LevelFilter, info, warn};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::{io, process, thread};

/// Serves until a signal stops the server.
///
/// # Errors
/// One line that says why the server cannot start, and what to do.
pub(crate) fn run(flags: &Flags) -> Result<(), String> {
    logging::start(log_level(flags));
    raise_descriptor_limit();
    let (mut config, rules) = limits::configure(flags)?;
    config.exempt_networks = networks(flags, "exempt")?;
    let dialect = dialect(flags)?;
    let rooms = flags.has("list-rooms").then(RoomList::default);
    // The chat keeps the list, and `/rooms` shows it.
    let listed = rooms.clone();
    let builder = Server::builder()
        .config(config)
        .access(access(flags)?)
        .trusted_proxies(trusted_proxies(flags)?)
        .protocols(ChatServer::protocols())
        .endpoint(ChatServer::is_endpoint)
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
    watch_signals(server.shutdown_handle(), acceptor).map_err(|error| format!("cannot watch for signals: {error}"))?;
    print(&announcement)?;
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
    let Some(name) = flags.text("dialect")? else { return Ok(Dialect::Json) };
    Dialect::from_name(name).ok_or_else(|| format!("--dialect {name:?}: write json, chinwag.v1 or text"))
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
    match flags.content("token-file")? {
        Some(token) => access.token(&token).map_err(|error| format!("--token-file: {error}")),
        None => Ok(access),
    }
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

/// Starts the thread that waits for signals: the first SIGINT or SIGTERM shuts the server down, the second one ends the
/// process at once, and SIGHUP reloads the certificate. Without a certificate, SIGHUP ends the process, as is usual.
fn watch_signals(shutdown: Shutdown, acceptor: Option<Acceptor>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    if acceptor.is_some() {
        signals.add_signal(SIGHUP)?;
    }
    let watch = move || {
        let mut shutting_down = false;
        for signal in signals.forever() {
            if signal == SIGHUP {
                #[cfg(feature = "tls")]
                acceptor.iter().for_each(Acceptor::reload);
            } else if shutting_down {
                // The exit code that a shell reports for a process ended by a signal.
                process::exit(128 + signal);
            } else {
                info!("shutting down: sending Close 1001 to every client, then waiting up to 5 s for their answers");
                shutdown.start();
                shutting_down = true;
            }
        }
    };
    thread::Builder::new().name("signals".into()).stack_size(256 * 1024).spawn(watch)?;
    Ok(())
}
