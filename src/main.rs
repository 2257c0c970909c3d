//! The program: flags to configuration, logging, signals, the chat, an exit code.
//!
//! Owns what is printed to people. 0: it ran and was told to stop; 2: it could not start, and one line said why.

mod cli;

use chinwag::Server;
use cli::args::{self, Args, Wish};
use log::{LevelFilter, warn};
use std::{
    env,
    io::{self, Write},
    net::SocketAddr,
    process::ExitCode,
};

fn main() -> ExitCode {
    if env::args_os().nth(1).is_some_and(|first| first == "chat") {
        return cli::chat::main();
    }
    let done = match args::read() {
        Ok(Wish::Help) => say(&args::help()),
        Ok(Wish::HelpLimits) => say(&cli::limits::help()),
        Ok(Wish::HelpTls) => say(cli::tls::HELP),
        Ok(Wish::HelpHistory) => say(cli::history::HELP),
        Ok(Wish::History(command)) => cli::history::run(&command),
        Ok(Wish::Version) => say(&format!("chinwag {}\n", env!("CARGO_PKG_VERSION"))),
        Ok(Wish::Run(args)) => run(&args),
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chinwag: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    cli::logging::start(level(args));
    allow_descriptors();
    let tls = cli::tls::Tls::prepare(args)?;
    let (server, chat) = cli::setup::chat(args, &tls)?;
    cli::signals::watch(server.shutdown_handle(), tls.on_hangup())
        .map_err(|error| format!("cannot watch for signals: {error}"))?;
    announce(&server, args)?;
    tls.greeting().map_or(Ok(()), |text| say(&text))?;
    if args.no_limits {
        warn!("--no-limits: nothing protects this server against hostile clients");
    }
    chat(server).run();
    Ok(())
}

fn level(args: &Args) -> LevelFilter {
    match (args.quiet, args.verbose) {
        (true, _) => LevelFilter::Error,
        (_, 0) => LevelFilter::Info,
        (_, 1) => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    }
}

/// As many descriptors as this process may have: one goes to each connection, and the default of 1024 is history.
fn allow_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        warn!("cannot raise the limit of open files: {error}");
    }
}

/// The first thing printed: where to go.
fn announce(server: &Server, args: &Args) -> Result<(), String> {
    for (addr, scheme) in server.local_addrs().iter().zip(cli::setup::schemes(args)) {
        say(&format!("chinwag is listening; open {}\n", address_to_open(scheme, *addr)))?;
    }
    Ok(())
}

fn address_to_open(scheme: &str, addr: SocketAddr) -> String {
    let port = addr.port();
    match addr.ip().is_unspecified() {
        true => {
            format!("{scheme}://localhost:{port}/ (or, from elsewhere, this machine's address or name and :{port})")
        }
        false => format!("{scheme}://{addr}/"),
    }
}

/// To stdout. Somebody who has closed it does not want to know: that is no reason to stop.
fn say(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot write to stdout: {error}")),
        _ => Ok(()),
    }
}
