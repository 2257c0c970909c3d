//! The page in a real Chromium and a real Firefox, driven by the scripts of `tests/browser` with pytest and Playwright.
//!
//! The scripts run in parallel lanes. Each pytest has one browser and one server, at `CHINWAG_URL`, where each test has its own
//! room. Tests start further servers with `CHINWAG_BIN`. Tests of an optional feature are skipped
//! in a build without it. `CHINWAG_SCRIPTS` limits the run to some scripts, such as `test_tls.py,test_resume.py`.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::Duration;

use support::script::{printed, run_to_end};
use support::{python, skip, start_binary};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser");

const LANES: usize = 2;

/// Chromium without windows and what belongs to them, if it is installed: the same engine, and a page costs a quarter of the CPU
/// time.
const SHELL: &str = "/usr/bin/chromium-headless-shell";

/// The scripts that need more: notifications, and pages that are kept for the way back.
const IN_WHOLE_CHROMIUM: [&str; 2] = ["test_back.py", "test_notify.py"];

/// A test that takes longer hangs: pytest prints where, and ends.
const SECONDS_PER_TEST: u32 = 120;

/// The scripts that run in Firefox as well: those in which browsers differ, and the guided steps.
const IN_FIREFOX: [&str; 14] = [
    "test_accessible.py",
    "test_back.py",
    "test_dead_network.py",
    "test_examples.py",
    "test_hostile.py",
    "test_inspector.py",
    "test_keyboard.py",
    "test_lesson.py",
    "test_reconnect.py",
    "test_refusals.py",
    "test_resume.py",
    "test_rooms.py",
    "test_sizes.py",
    "test_token.py",
];

#[test]
fn browser_scripts_pass() {
    let Some(python) = python(&["pytest", "playwright.sync_api", "axe_playwright_python"]) else {
        return skip("no Python with pytest, playwright and axe-playwright-python; set CHINWAG_PYTHON to one");
    };
    if !exists("CHINWAG_CHROMIUM", "/usr/bin/chromium") {
        return skip("no Chromium; set CHINWAG_CHROMIUM to its path");
    }
    let scripts = scripts();
    assert!(!scripts.is_empty(), "no test_*.py in {FOLDER}");
    let (whole, rest): (Vec<&PathBuf>, Vec<&PathBuf>) =
        scripts.iter().partition(|path| is_one_of(&IN_WHOLE_CHROMIUM, path));
    let shell = (std::env::var_os("CHINWAG_CHROMIUM").is_none() && Path::new(SHELL).exists()).then_some(SHELL);
    in_lanes(&rest, |scripts| chromium_passes(&python, scripts, shell));
    chromium_passes(&python, &whole, None);
}

fn chromium_passes(python: &Path, scripts: &[&PathBuf], executable: Option<&str>) {
    // Without any, pytest would run all.
    if !scripts.is_empty() {
        expect_success(&pytest(python, scripts, "chromium", executable));
    }
}

/// Playwright drives the system's Firefox over WebDriver BiDi, and each of its versions fits some versions of Firefox. Now and then
/// a command gets no answer: the process waits, and nothing runs. So each script has a process of its own, and is run once more
/// after that.
#[test]
fn firefox_scripts_pass() {
    let Some(python) = std::env::var_os("CHINWAG_FIREFOX_PYTHON") else {
        return skip("set CHINWAG_FIREFOX_PYTHON to a Python with .ci/requirements-firefox.txt");
    };
    if !exists("CHINWAG_FIREFOX", "/usr/bin/firefox-esr") {
        return skip("no Firefox; set CHINWAG_FIREFOX to its path");
    }
    let scripts = scripts();
    let scripts: Vec<&PathBuf> = scripts.iter().filter(|path| is_one_of(&IN_FIREFOX, path)).collect();
    in_lanes(&scripts, |scripts| {
        for script in scripts {
            let mut output = pytest(Path::new(&python), &[script], "firefox", None);
            if printed(&output).contains("+ Timeout +") {
                eprintln!("a test did not end, and its script runs once more:\n{}", printed(&output));
                output = pytest(Path::new(&python), &[script], "firefox", None);
            }
            expect_success(&output);
        }
    });
}

fn is_one_of(names: &[&str], script: &Path) -> bool {
    names.iter().any(|name| script.ends_with(name))
}

/// Each lane gets every so many-th script.
fn in_lanes(scripts: &[&PathBuf], run: impl Fn(&[&PathBuf]) + Sync) {
    thread::scope(|scope| {
        for lane in 0..LANES {
            let run = &run;
            scope.spawn(move || run(&scripts.iter().copied().skip(lane).step_by(LANES).collect::<Vec<_>>()));
        }
    });
}

fn pytest(python: &Path, scripts: &[&PathBuf], browser: &str, executable: Option<&str>) -> Output {
    let chinwag = start_binary(&[]);
    let mut command = Command::new(python);
    command.args(["-m", "pytest", "-v", "-p", "no:cacheprovider", "-o", "timeout_method=thread"]);
    command.arg("-o").arg(format!("timeout={SECONDS_PER_TEST}")).args(scripts);
    command.current_dir(FOLDER);
    command.env("CHINWAG_URL", chinwag.url());
    command.env("CHINWAG_BROWSER", browser);
    if let Some(executable) = executable {
        command.env("CHINWAG_CHROMIUM", executable);
    }
    command.env("CHINWAG_BIN", env!("CARGO_BIN_EXE_chinwag"));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    run_to_end(command, Duration::from_secs(1800))
}

#[track_caller]
fn expect_success(output: &Output) {
    assert!(output.status.success(), "pytest: {}\n{}", output.status, printed(output));
}

fn scripts() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(FOLDER).expect("the folder of the scripts");
    let paths = entries.map(|entry| entry.expect("the folder is readable").path());
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let only = std::env::var("CHINWAG_SCRIPTS").unwrap_or_default();
    let is_wanted = |name: &str| only.is_empty() || only.split(',').any(|wanted| wanted == name);
    let is_script = |name: String| name.starts_with("test_") && name.ends_with(".py") && is_wanted(&name);
    let mut scripts: Vec<PathBuf> = paths.filter(|path| name(path).is_some_and(is_script)).collect();
    scripts.sort();
    scripts
}

fn exists(variable: &str, usual_path: &str) -> bool {
    let named = std::env::var_os(variable);
    Path::new(&named.unwrap_or_else(|| usual_path.into())).exists()
}
