//! Shared by the integration tests: clients over real sockets, the binary as a child process, scripts.
//!
//! Each server listens on port 0, each wait has a deadline, and nothing sleeps. A test that waits in vain fails and
//! prints what it received until then.

// Each test file is a crate that uses a part of this and exports nothing.
#![allow(dead_code, unused_imports, unreachable_pub)]

use std::time::{Duration, Instant};

#[cfg(feature = "cli")]
pub mod binary;
pub mod client;
pub mod events;
pub mod example;
pub mod fake;
pub mod frames;
pub mod markdown;
pub mod poller_log;
pub mod process;
pub mod proxy;
pub mod raw;
pub mod script;
pub mod serving;
pub mod stream;
pub mod temp;

#[cfg(feature = "cli")]
pub use binary::{Chinwag, start_binary};
pub use client::Client;
pub use raw::{Answer, http, raw};
pub use script::{printed, python, run, skip};

/// How long a test waits for one event. Long, because a loaded machine is slow.
pub const DEADLINE: Duration = Duration::from_secs(15);

/// Waits until `condition` holds, checking every few milliseconds. Only for conditions without an event, such as the
/// number of threads in `/proc`.
///
/// # Panics
/// After `deadline`, with `what` in the message.
#[track_caller]
pub fn wait_until(deadline: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + deadline;
    while !condition() {
        assert!(Instant::now() < until, "waited {deadline:?} in vain for: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
