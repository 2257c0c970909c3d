//! Runs the server: from flags to a configuration, a listening server and its chat.

use super::listen::listen;
use super::{admin, arguments::Flags, limits, logging, machine_name, print, signals, spawn, systemd, token};
use chinwag::chat::server::{Admin, BanFile, ChatServer};
use chinwag::{Access, Network, Server, chat::protocol::Dialect, http::Response};
use log::{LevelFilter, error, info, warn};
use std::path::Path;
use std::thread;

/// Of each connection, twice what a debug build needs. No function of others runs on it.
const STACK_SIZE: usize = 128 * 1024;

/// Serves until a signal stops the server.
///
/// # Errors
/// One line that says why the server cannot start, and what to do.
pub(crate) fn run(flags: &Flags) -> Result<(), String> {
    let (running, hangups) = signals::watch()?;
    logging::start(log_level(flags));
    #[cfg(unix)]
    raise_descriptor_limit();
    let (mut config, rules) = limits::configure(flags)?;
    config.stack_size = STACK_SIZE;
    config.exempt_networks = networks(flags, "exempt")?;
    if config.exempt_networks.iter().any(|network| network.is_everything()) {
        warn!("--exempt: every address is exempt, so no limit per address protects this server");
    }
    let proxies = networks(flags, "trusted-proxy")?;
    if proxies.iter().any(|network| network.is_everything()) {
        return Err("--trusted-proxy: every client would be a proxy; name the network of your proxies".to_owned());
    }
    let dialect = flags.choice("dialect", &Dialect::ALL.map(Dialect::name))?.and_then(Dialect::from_name);
    // Not a clone: bans and tokens are shared by clones.
    let access = access(flags, hosts(flags)?)?;
    let admin = Admin::default();
    let (local, lists_rooms) = (admin.clone(), flags.has("list-rooms"));
    let builder = Server::builder()
        .config(config)
        .access(access.clone())
        .trusted_proxies(proxies)
        .protocols(ChatServer::protocols())
        .endpoint(ChatServer::is_endpoint)
        .delay(ChatServer::delay)
        .route(ChatServer::route)
        .site(move |request| {
            let listed = || if lists_rooms { local.rooms(request) } else { None };
            local.respond_locally(request).or_else(listed).or_else(|| ChatServer::site(request))
        });
    #[cfg(feature = "deflate")]
    let builder = if flags.has("deflate") { builder.deflate(chinwag::Deflate::default()) } else { builder };
    #[cfg(feature = "history")]
    let (history, builder) = super::history::open(flags, builder)?;
    #[cfg(feature = "cluster")]
    let (cluster, builder) = super::cluster::open(flags, rules, builder)?;
    // After the cluster, which refuses it: a file would be created.
    let bans = BanFile::open(access.clone(), flags.value("bans").map(Path::new));
    let bans = bans.map_err(|error| format!("--bans {error}"))?;
    #[cfg(feature = "tls")]
    let acceptor = super::tls::acceptor(flags)?;
    #[cfg(not(feature = "tls"))]
    let acceptor = None;

    let (builder, announcement, _files) = listen(flags, acceptor.as_ref(), builder)?;
    let _admin = admin::start(flags, hosts(flags)?, admin.clone())?;
    let server = builder.start().map_err(|error| error.to_string())?;
    admin.connect(&server);
    #[cfg(feature = "tls")]
    let announcement = announcement + &super::tls::fingerprint(flags, acceptor.as_ref());
    watch(admin.clone())?;
    let _ = running.set(server.handle());
    let given = flags.clone();
    let reload = move || {
        for () in hangups {
            #[cfg(feature = "tls")]
            acceptor.iter().for_each(chinwag::tls::Acceptor::reload);
            reload(&given, &access, &admin);
        }
    };
    // On a thread of its own: a file that is slow must not delay the end of the server.
    spawn("reload", Box::new(reload))?;
    systemd::notify(&format!("READY=1\nSTATUS={}", announcement.lines().next().unwrap_or_default()));
    // On a thread of its own: the server does not wait for a reader of stdout.
    spawn("stdout", Box::new(move || print(&announcement).unwrap_or_else(|why| warn!("{why}"))))?;
    if flags.has("no-limits") {
        warn!("--no-limits: this server is not protected against hostile clients");
    }

    let chat = ChatServer::new(server, rules, dialect.unwrap_or(Dialect::Json));
    #[cfg(feature = "history")]
    let chat = history.into_iter().fold(chat, |chat, history| chat.archive(Box::new(history)));
    let chat = chat.bans(bans);
    #[cfg(feature = "cluster")]
    let chat = cluster.into_iter().fold(chat, ChatServer::cluster);
    chat.run();
    Ok(())
}

/// Lets the chat thread answer the watchdog of systemd, if there is one: four times in each interval, because the thread may wait
/// for the disk meanwhile.
fn watch(admin: Admin) -> Result<(), String> {
    let Some(interval) = systemd::watchdog() else { return Ok(()) };
    let answer = move || loop {
        thread::sleep(interval / 4);
        let _ = admin.ask(Box::new(|_| {
            systemd::notify("WATCHDOG=1");
            Response::empty(204)
        }));
    };
    spawn("watchdog", Box::new(answer))
}

fn log_level(flags: &Flags) -> LevelFilter {
    let level = [LevelFilter::Info, LevelFilter::Debug, LevelFilter::Trace][flags.count("verbose").min(2)];
    if flags.has("quiet") { LevelFilter::Error } else { level }
}

/// Each connection needs a file descriptor, and the usual limit is 1024: raises it as far as the system allows.
#[cfg(unix)]
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        warn!("cannot raise the limit of open files: {error}");
    }
}

/// The hosts that requests may be for.
fn hosts(flags: &Flags) -> Result<Access, String> {
    let mut access = Access::default().machine_name(&machine_name());
    for host in flags.list("host")? {
        access = access.allow_host(host).map_err(|error| format!("--host: {error}"))?;
    }
    Ok(access)
}

fn access(flags: &Flags, mut access: Access) -> Result<Access, String> {
    for origin in flags.list("origin")? {
        access = access.allow_origin(origin).map_err(|error| format!("--origin: {error}"))?;
    }
    access = access.require_origin(flags.has("require-origin"));
    read_tokens(flags, &access).into_iter().collect::<Result<(), _>>().map(|()| access)
}

/// Puts the tokens that the flags name into use. Their weaknesses are logged.
fn read_tokens(flags: &Flags, access: &Access) -> [Result<(), String>; 2] {
    let read = |flag| (flag, token::read(flag, flags.value(flag), |warning| warn!("{warning}")));
    let tokens = ["token-file", "admin-token-file"].map(read);
    match &tokens {
        // Swapped tokens: the new one is refused while it is the other kind's old one.
        [(_, Ok(Some(token))), (_, Ok(Some(admin)))] if token != admin && access.replace_token(token).is_err() => {
            let _ = access.replace_admin_token(&format!("{token}{admin}"));
        }
        _ => {}
    }
    tokens.map(|(flag, token)| {
        let Some(token) = token? else { return Ok(()) };
        let replace = if flag == "token-file" { Access::replace_token } else { Access::replace_admin_token };
        let path = Path::new(flags.value(flag).unwrap_or_default()).display();
        replace(access, &token).map_err(|error| format!("--{flag} {path}: {error}"))
    })
}

/// What SIGHUP does besides the certificate: reads the files again that may change. If one cannot be used, what was read before stays in use.
fn reload(flags: &Flags, access: &Access, admin: &Admin) {
    let [user, operator] = read_tokens(flags, access).map(Result::err);
    let reload = |chat: &mut ChatServer| match chat.reload_bans() {
        Ok(()) => Response::empty(204),
        Err(why) => Response::text(500, format!("--bans {why}")),
    };
    let refused = flags.has("bans").then(|| admin.ask(Box::new(reload))).filter(|response| response.status != 204);
    let bans = refused.map(|response| String::from_utf8_lossy(response.body.trim_ascii_end()).into_owned());
    let log = |old, why: Option<String>| why.inspect(|why| error!("the old {old} in use: {why}")).is_none();
    let is_done = log("access token stays", user) & log("admin token stays", operator) & log("restrictions stay", bans);
    let given = ["token-file", "admin-token-file", "bans"].into_iter().filter(|flag| flags.has(flag));
    let given = given.collect::<Vec<_>>().join(", --");
    if is_done && !given.is_empty() {
        info!("SIGHUP: read again: --{given}");
    }
}

fn networks(flags: &Flags, flag: &str) -> Result<Vec<Network>, String> {
    let parse = |text: &str| text.parse().map_err(|error| format!("--{flag}: {error}"));
    flags.list(flag)?.into_iter().map(parse).collect()
}
