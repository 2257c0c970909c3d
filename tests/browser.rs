//! The page in a real Chromium and a real Firefox, driven by the scripts of `tests/browser` with pytest and Playwright.
//!
//! The scripts run in parallel lanes. Each lane is one pytest with one browser and one server, at `CHINWAG_URL`, where
//! each test has its own room. Tests start further servers with `CHINWAG_BIN`. Tests of an optional feature are skipped
//! in a build without it. `CHINWAG_SCRIPTS` limits the run to some scripts, such as `test_tls.py,test_resume.py`.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use support::{python, run, skip, start_binary};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser");

const LANES: usize = 2;

/// A test that takes longer hangs: pytest prints where, and ends.
const SECONDS_PER_TEST: u32 = 180;

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
    run_in_lanes(&python, &scripts.iter().collect::<Vec<_>>(), "chromium");
}

/// Playwright drives the system's Firefox over WebDriver BiDi, and each of its versions fits some versions of Firefox.
#[test]
fn firefox_scripts_pass() {
    let Some(python) = std::env::var_os("CHINWAG_FIREFOX_PYTHON") else {
        return skip("set CHINWAG_FIREFOX_PYTHON to a Python with .ci/requirements-firefox.txt");
    };
    if !exists("CHINWAG_FIREFOX", "/usr/bin/firefox-esr") {
        return skip("no Firefox; set CHINWAG_FIREFOX to its path");
    }
    let scripts = scripts();
    let is_for_firefox = |path: &&PathBuf| IN_FIREFOX.iter().any(|name| path.ends_with(name));
    let scripts: Vec<&PathBuf> = scripts.iter().filter(is_for_firefox).collect();
    run_in_lanes(Path::new(&python), &scripts, "firefox");
}

fn run_in_lanes(python: &Path, scripts: &[&PathBuf], browser: &str) {
    thread::scope(|scope| {
        for lane in 0..LANES {
            let scripts: Vec<_> = scripts.iter().copied().skip(lane).step_by(LANES).collect();
            scope.spawn(move || pytest(python, &scripts, browser));
        }
    });
}

fn pytest(python: &Path, scripts: &[&PathBuf], browser: &str) {
    if scripts.is_empty() {
        return; // pytest would run every script.
    }
    let chinwag = start_binary(&[]);
    let mut command = Command::new(python);
    command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "timeout_method=thread"]);
    command.arg("-o").arg(format!("timeout={SECONDS_PER_TEST}")).args(scripts);
    command.current_dir(FOLDER);
    command.env("CHINWAG_URL", chinwag.url());
    command.env("CHINWAG_BROWSER", browser);
    command.env("CHINWAG_BIN", env!("CARGO_BIN_EXE_chinwag"));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    run(command, Duration::from_secs(1800));
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
