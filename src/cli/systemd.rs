//! What systemd expects of a service: sockets that it passes (sd_listen_fds(3)), notifications (sd_notify(3)), the watchdog, and
//! the priority of log lines (sd-daemon(3)). It works by environment variables, and without them nothing happens.

use log::{Level, debug};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::sync::LazyLock;
use std::{env, fs, io, process, time::Duration};

/// The number of the first descriptor that is passed.
const FIRST_DESCRIPTOR: i32 = 3;

/// How long a notification may wait for a busy systemd.
const NOTIFY_TIMEOUT: Duration = Duration::from_millis(100);

/// The number in an environment variable.
fn number<N: std::str::FromStr>(name: &str) -> Option<N> {
    env::var(name).ok()?.parse().ok()
}

/// The listening sockets that were passed to this process.
///
/// # Errors
/// One line: they cannot be taken over.
pub(crate) fn sockets() -> Result<Vec<OwnedFd>, String> {
    let text = env::var("LISTEN_FDS").ok().filter(|_| number("LISTEN_PID") == Some(process::id()));
    let count = text.map_or(Ok(0), |text| text.parse().map_err(|_| format!("LISTEN_FDS={text} is not a number")))?;
    let advice = "it needs Linux 5.6, and a container must allow pidfd_getfd (docs/OPERATING.md)";
    let take =
        |number: i32| take(number).map_err(|error| format!("LISTEN_FDS: descriptor {number}: {error}; {advice}"));
    (FIRST_DESCRIPTOR..FIRST_DESCRIPTOR.saturating_add(count)).map(take).collect()
}

/// A copy of a descriptor of this process. The standard library takes over a number only in `unsafe` code, because the number
/// may belong to something else. The kernel makes a copy instead, and says if there is none.
#[cfg(target_os = "linux")]
fn take(descriptor: i32) -> io::Result<OwnedFd> {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    let this = pidfd_open(getpid(), PidfdFlags::empty())?;
    Ok(pidfd_getfd(this, descriptor, PidfdGetfdFlags::empty())?)
}

#[cfg(not(target_os = "linux"))]
fn take(_descriptor: i32) -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Notifies the service manager, if there is one: lines such as `READY=1`. Its socket has a path.
pub(crate) fn notify(state: &str) {
    let Some(name) = env::var_os("NOTIFY_SOCKET") else { return };
    let send = || {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(NOTIFY_TIMEOUT))?;
        socket.send_to(state.as_bytes(), &name)
    };
    if let Err(error) = send() {
        debug!("NOTIFY_SOCKET {name:?}: {error}");
    }
}

/// How often the watchdog expects `WATCHDOG=1`, if it watches this process.
pub(crate) fn watchdog() -> Option<Duration> {
    let is_other = env::var_os("WATCHDOG_PID").is_some_and(|_| number("WATCHDOG_PID") != Some(process::id()));
    number("WATCHDOG_USEC").filter(|micros| *micros > 0 && !is_other).map(Duration::from_micros)
}

/// The priority before a log line, such as `<4>`, if stderr is connected to the journal.
pub(crate) fn priority(level: Level) -> &'static str {
    /// Whether `JOURNAL_STREAM` has the device and the inode of stderr.
    static IS_JOURNAL: LazyLock<bool> = LazyLock::new(|| {
        let stream = env::var("JOURNAL_STREAM").unwrap_or_default();
        fs::metadata("/proc/self/fd/2").is_ok_and(|found| stream == format!("{}:{}", found.dev(), found.ino()))
    });
    match level {
        _ if !*IS_JOURNAL => "",
        Level::Error => "<3>",
        Level::Warn => "<4>",
        Level::Info => "<6>",
        Level::Debug | Level::Trace => "<7>",
    }
}
