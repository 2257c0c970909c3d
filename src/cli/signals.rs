//! Signals, from the first moments of the server on. The first SIGINT or SIGTERM shuts it down, the second one ends the
//! process at once. SIGHUP reloads files, and never ends the process.

use super::{logging, systemd};
use chinwag::Handle;
use log::info;
#[cfg(unix)]
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
    iterator::Signals,
};
use std::process;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, OnceLock};

/// The server once it runs, and the SIGHUPs that came: one that waits stands for all that follow it.
pub(crate) type Signalled = (Arc<OnceLock<Handle>>, Receiver<()>);

/// Starts the thread that waits for signals. Until the server runs, SIGINT and SIGTERM end the process. A SIGHUP waits, because
/// some files are read already, and a file may be slow.
///
/// # Errors
/// One line.
#[cfg(unix)]
pub(crate) fn watch() -> Result<Signalled, String> {
    let (running, (hangup, hangups)) = (Arc::<OnceLock<Handle>>::default(), sync_channel(1));
    let mut signals = catch().map_err(|error| format!("cannot watch for signals: {error}"))?;
    let server = Arc::clone(&running);
    let watch = move || {
        for signal in signals.forever() {
            match signal {
                SIGHUP => _ = hangup.try_send(()),
                _ => stop(server.get()),
            }
        }
    };
    super::spawn("signals", Box::new(watch))?;
    Ok((running, hangups))
}

/// The same on Windows, where Ctrl-C and the like come on a thread of their own, and there is no SIGHUP.
#[cfg(windows)]
pub(crate) fn watch() -> Result<Signalled, String> {
    let (running, mut is_second) = (Arc::<OnceLock<Handle>>::default(), false);
    let server = Arc::clone(&running);
    let caught = ctrlc::set_handler(move || stop(server.get().filter(|_| !std::mem::replace(&mut is_second, true))));
    caught.map_err(|error| format!("cannot watch for Ctrl-C: {error}"))?;
    Ok((running, sync_channel(1).1))
}

fn stop(server: Option<&Handle>) {
    let Some(server) = server else {
        logging::flush();
        process::exit(0);
    };
    systemd::notify("STOPPING=1\nSTATUS=Waiting for clients to close");
    server.shut_down();
    info!("shutting down: Close 1001 was sent to every client; waiting for their answers");
}

#[cfg(unix)]
fn catch() -> std::io::Result<Signals> {
    let signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let is_second = Arc::<std::sync::atomic::AtomicBool>::default();
    for signal in [SIGINT, SIGTERM] {
        // The exit code is that of a process which a signal ended, as shells report it.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&is_second))?;
        flag::register(signal, Arc::clone(&is_second))?;
    }
    Ok(signals)
}
