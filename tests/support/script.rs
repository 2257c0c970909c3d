//! Other programs: Python scripts, signals, and tests that cannot run everywhere.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
#[cfg(unix)]
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Prints that this test was skipped, and why. The test then returns.
///
/// # Panics
/// If `CHINWAG_NO_SKIP` is set, as in CI, where everything that a test needs is installed.
#[track_caller]
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    assert!(std::env::var_os("CHINWAG_NO_SKIP").is_none(), "{test} may not be skipped: {reason}");
    // libtest captures `eprintln!`, but not writes to the handle.
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {reason}");
}

/// `CHINWAG_PYTHON`, or else `python3`, if it can import all of `modules`.
pub fn python(modules: &[&str]) -> Option<PathBuf> {
    let python = std::env::var_os("CHINWAG_PYTHON").unwrap_or_else(|| OsString::from("python3"));
    let mut command = Command::new(&python);
    command.arg("-c").arg(format!("import {}", modules.join(", ")));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().ok().filter(|status| status.success()).map(|_| PathBuf::from(python))
}

/// The version of Node's `ws` that is installed for tests, outside the repository.
const WS: &str = "ws@8.23.0";

/// The folder of `ws`, if there is Node with npm. The first run installs it into a temporary folder.
pub fn node_modules() -> Option<PathBuf> {
    let has = |program| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
    if !has("node") || !has("npm") {
        return None;
    }
    let folder = std::env::temp_dir().join(format!("chinwag-node-{}", WS.replace('@', "-")));
    let modules = folder.join("node_modules");
    if !modules.join("ws").is_dir() {
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&folder).arg(WS);
        run(npm, Duration::from_secs(120));
    }
    Some(modules)
}

/// Runs a command that must succeed.
///
/// # Panics
/// If it fails, with its output in the message. Also like [`run_to_end`].
#[track_caller]
pub fn run(command: Command, deadline: Duration) -> Output {
    let name = format!("{command:?}");
    let output = run_to_end(command, deadline);
    assert!(output.status.success(), "{name}: {}\n{}", output.status, printed(&output));
    output
}

/// Runs a command to its end, with any status.
///
/// # Panics
/// If it does not start, or still runs after `deadline`. Then it is killed with its children.
#[track_caller]
pub fn run_to_end(mut command: Command, deadline: Duration) -> Output {
    #[cfg(unix)]
    command.process_group(0); // so that a browser that it starts is killed with it
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = match child {
        Ok(child) => child,
        Err(error) => panic!("{command:?} did not start: {error}"),
    };
    let group = format!("-{}", child.id());
    let (sender, receiver) = channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    match receiver.recv_timeout(deadline) {
        Ok(output) => output.expect("its pipes can be read"),
        Err(_) => {
            signal("KILL", &group);
            let output = receiver.recv().expect("a killed child ends").expect("its pipes can be read");
            panic!("{command:?} still ran after {deadline:?} and was killed:\n{}", printed(&output));
        }
    }
}

/// Sends the signal `name` to a process or a process group (`-ID`). Each shell has a built-in `kill`.
pub fn signal(name: &str, process: &str) {
    let kill = format!("kill -s {name} -- {process}");
    let status = Command::new("sh").arg("-c").arg(kill).status();
    assert!(status.is_ok_and(|status| status.success()), "no process {process} to signal");
}

/// The output of a program.
pub fn printed(output: &Output) -> String {
    let (stdout, stderr) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr))
}

/// The lines of a pipe. A thread reads them, so that a test can wait for one with a deadline.
pub fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            // Read on even if the receiver is gone: the child would block on a full pipe.
            let _ = sender.send(line);
        }
    });
    receiver
}
