//! Signals, from the first moments of the server on. The first SIGINT or SIGTERM shuts it down, the second one ends the
//! process at once. SIGHUP reloads files, and never ends the process.

use super::{logging, spawn, systemd};
use chinwag::Handle;
use log::info;
use rustix::time::{ClockId, clock_gettime};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, iterator::Signals};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::{io, process};

/// The server once it runs, and what reloads its files.
pub(crate) type Running = Arc<OnceLock<(Handle, Box<dyn Fn() + Send + Sync>)>>;

/// Starts the thread that waits for signals. Until the server runs, SIGINT and SIGTERM end the process. SIGHUP then does
/// nothing, because the files are about to be read.
///
/// # Errors
/// One line.
pub(crate) fn watch() -> Result<Running, String> {
    let running = Running::default();
    let mut signals = catch().map_err(|error| format!("cannot watch for signals: {error}"))?;
    let server = Arc::clone(&running);
    let watch = move || {
        for signal in signals.forever() {
            match (signal, server.get()) {
                (SIGHUP, None) => {}
                (SIGHUP, Some((_, reload))) => {
                    // systemd waits for the `READY=1` after a time that it knows (`Type=notify-reload`).
                    let now = clock_gettime(ClockId::Monotonic);
                    let micros = now.tv_sec * 1_000_000 + now.tv_nsec / 1000;
                    systemd::notify(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
                    reload();
                    systemd::notify("READY=1");
                }
                (_, None) => {
                    logging::flush();
                    process::exit(0);
                }
                (_, Some((server, _))) => {
                    systemd::notify("STOPPING=1\nSTATUS=Waiting for clients to close");
                    server.shut_down();
                    info!("shutting down: Close 1001 was sent to every client; waiting for their answers");
                }
            }
        }
    };
    spawn("signals", Box::new(watch))?;
    Ok(running)
}

fn catch() -> io::Result<Signals> {
    let signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let is_second = Arc::<AtomicBool>::default();
    for signal in [SIGINT, SIGTERM] {
        // Also while files are read again. The exit code is that of a process which a signal ended, as shells report it.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&is_second))?;
        flag::register(signal, Arc::clone(&is_second))?;
    }
    Ok(signals)
}
