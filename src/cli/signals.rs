//! Signals, from the first moments of the server on. The first SIGINT or SIGTERM shuts it down, the second one ends the
//! process at once. SIGHUP reloads files, and never ends the process.

use super::{spawn, stderr, systemd};
use chinwag::Handle;
use log::info;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level::pipe};
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// The signals are caught from here on.
pub(crate) struct Signals {
    /// A SIGHUP that comes while the server starts waits here.
    hangups: UnixStream,
    server: Arc<OnceLock<Handle>>,
}

impl Signals {
    /// Starts the thread that waits for SIGINT and SIGTERM. Until the server runs, they end the process.
    pub(crate) fn watch() -> Result<Self, String> {
        let (server, shutting_down) = (Arc::new(OnceLock::<Handle>::new()), Arc::new(AtomicBool::new(false)));
        let caught = catch(&shutting_down).map_err(|error| format!("cannot watch for signals: {error}"));
        let (hangups, mut ends) = caught?;
        let running = Arc::clone(&server);
        let watch = move || {
            wait(&mut ends);
            shutting_down.store(true, Ordering::SeqCst);
            let Some(server) = running.get() else {
                stderr::flush();
                process::exit(0);
            };
            systemd::notify("STOPPING=1\nSTATUS=Waiting for clients to close");
            server.shut_down();
            info!("shutting down: Close 1001 was sent to every client; waiting for their answers");
        };
        spawn("signals", Box::new(watch))?;
        Ok(Self { hangups, server })
    }

    /// The server runs: from now on, signals shut it down, or reload its files. A thread of its own reloads, because a file
    /// may be slow.
    pub(crate) fn connect(mut self, server: Handle, reload: impl Fn() + Send + 'static) -> Result<(), String> {
        let _ = self.server.set(server);
        let watch = move || {
            while wait(&mut self.hangups) {
                systemd::notify("RELOADING=1");
                reload();
                systemd::notify("READY=1");
            }
        };
        spawn("reload", Box::new(watch))
    }
}

/// Makes SIGHUP send a byte to the first stream, and SIGINT and SIGTERM to the second one.
fn catch(shutting_down: &Arc<AtomicBool>) -> io::Result<(UnixStream, UnixStream)> {
    let ((hangups, hangup), (ends, end)) = (UnixStream::pair()?, UnixStream::pair()?);
    pipe::register(SIGHUP, hangup)?;
    for signal in [SIGINT, SIGTERM] {
        // The exit code that a shell reports for a process ended by a signal.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(shutting_down))?;
        pipe::register(signal, end.try_clone()?)?;
    }
    Ok((hangups, ends))
}

/// Waits for a signal.
fn wait(stream: &mut UnixStream) -> bool {
    stream.read_exact(&mut [0]).is_ok()
}
