//! SIGINT and SIGTERM: the first one ends the server with good manners, the second one at once. SIGHUP, where there is
//! something to be read again.
//!
//! Owns the thread that waits for signals.

use chinwag::Shutdown;
use log::info;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{io, process, thread};

/// Starts the thread. Without something to do at SIGHUP, that is left to the operating system, which ends the process.
///
/// # Errors
/// The operating system refuses a handler or a thread.
pub(crate) fn watch(shutdown: Shutdown, on_hangup: Option<impl Fn() + Send + 'static>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    if on_hangup.is_some() {
        signals.add_signal(SIGHUP)?;
    }
    let wait = move || {
        let mut asked = false;
        for signal in signals.forever() {
            match (signal, &on_hangup) {
                (SIGHUP, act) => act.iter().for_each(|act| act()),
                // As a shell says it of a process that a signal ended.
                _ if asked => process::exit(128 + signal),
                _ => {
                    info!("shutting down: Close 1001 to everybody, up to 5 s for their answers");
                    shutdown.start();
                    asked = true;
                }
            }
        }
    };
    thread::Builder::new().name("signals".into()).stack_size(256 * 1024).spawn(wait)?;
    Ok(())
}
