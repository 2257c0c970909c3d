//! Signals, from the first moments of the server on. The first SIGINT or SIGTERM shuts it down, the second one ends the
//! process at once. SIGHUP reloads files, and never ends the process.

use super::{logging, spawn, systemd};
use chinwag::Handle;
use log::info;
#[cfg(unix)]
use signal_hook::consts::SIGHUP;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
#[cfg(unix)]
use signal_hook::iterator::Signals;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, OnceLock};
use std::{io, process};

/// The server once it runs, and the SIGHUPs that came: one that waits stands for all that follow it.
pub(crate) type Signalled = (Arc<OnceLock<Handle>>, Receiver<()>);

/// Starts the thread that waits for signals. Until the server runs, SIGINT and SIGTERM end the process. A SIGHUP waits, because
/// some files are read already, and a file may be slow.
///
/// # Errors
/// One line.
pub(crate) fn watch() -> Result<Signalled, String> {
    let (running, (hangup, hangups)) = (Arc::<OnceLock<Handle>>::default(), sync_channel(1));
    let mut signals = catch().map_err(|error| format!("cannot watch for signals: {error}"))?;
    let server = Arc::clone(&running);
    let watch = move || {
        for signal in signals.forever() {
            match (signal, server.get()) {
                (SIGHUP, _) => {
                    let _ = hangup.try_send(());
                }
                (_, None) => {
                    logging::flush();
                    process::exit(0);
                }
                (_, Some(server)) => {
                    systemd::notify("STOPPING=1\nSTATUS=Waiting for clients to close");
                    server.shut_down();
                    info!("shutting down: Close 1001 was sent to every client; waiting for their answers");
                }
            }
        }
    };
    spawn("signals", Box::new(watch))?;
    Ok((running, hangups))
}

fn catch() -> io::Result<Signals> {
    #[cfg(unix)]
    let signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let is_second = Arc::<AtomicBool>::default();
    #[cfg(windows)]
    let signals = Signals(Arc::clone(&is_second));
    for signal in [SIGINT, SIGTERM] {
        // The exit code is that of a process which a signal ended, as shells report it.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&is_second))?;
        flag::register(signal, Arc::clone(&is_second))?;
    }
    Ok(signals)
}

/// On Windows there is Ctrl-C, which sets a flag.
#[cfg(windows)]
struct Signals(Arc<AtomicBool>);

/// It never comes.
#[cfg(windows)]
const SIGHUP: i32 = 1;

#[cfg(windows)]
impl Signals {
    /// The first Ctrl-C. The second one ends the process.
    fn forever(&mut self) -> impl Iterator<Item = i32> {
        while !self.0.load(std::sync::atomic::Ordering::Relaxed) {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        std::iter::once(SIGINT)
    }
}
