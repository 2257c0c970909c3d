//! Signals, from the first moments of the server on. The first SIGINT or SIGTERM shuts it down, the second one ends the
//! process at once. SIGHUP reloads files, and never ends the process.

use super::{spawn, stderr};
use chinwag::Shutdown;
use log::info;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::process;
use std::sync::{Arc, OnceLock};

/// The signals are caught from here on.
pub(crate) struct Signals {
    /// A SIGHUP that comes while the server starts waits here.
    hangups: signal_hook::iterator::Signals,
    server: Arc<OnceLock<Shutdown>>,
}

impl Signals {
    /// Starts the thread that waits for SIGINT and SIGTERM. Until the server runs, they end the process.
    pub(crate) fn watch() -> Result<Self, String> {
        let (hangups, mut ends) = (catch(&[SIGHUP])?, catch(&[SIGINT, SIGTERM])?);
        let server = Arc::new(OnceLock::<Shutdown>::new());
        let running = Arc::clone(&server);
        let watch = move || {
            let mut shutting_down = false;
            for signal in ends.forever() {
                match running.get() {
                    // The exit code that a shell reports for a process ended by a signal.
                    _ if shutting_down => process::exit(128 + signal),
                    None => {
                        stderr::flush();
                        process::exit(0);
                    }
                    Some(server) => server.start(),
                }
                info!("shutting down: Close 1001 was sent to every client; waiting for their answers");
                shutting_down = true;
            }
        };
        spawn("signals", Box::new(watch))?;
        Ok(Self { hangups, server })
    }

    /// The server runs: from now on, signals shut it down, or reload its files. A thread of its own reloads, because a file
    /// may be slow.
    pub(crate) fn connect(mut self, server: Shutdown, reload: impl Fn() + Send + 'static) -> Result<(), String> {
        let _ = self.server.set(server);
        let watch = move || self.hangups.forever().for_each(|_| reload());
        spawn("reload", Box::new(watch))
    }
}

fn catch(signals: &[i32]) -> Result<signal_hook::iterator::Signals, String> {
    signal_hook::iterator::Signals::new(signals).map_err(|error| format!("cannot watch for signals: {error}"))
}
