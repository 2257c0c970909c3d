//! Other clients: Python's `ssl` and `websockets`, Chromium, curl, sslscan, Node's `ws`. Tests of programs that are not
//! installed are skipped, with a message.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::certificates::Certificates;
use super::support::binary::{self, Chinwag};
use super::support::script::{printed, run_to_end};
use super::support::{DEADLINE, python, run, skip};

fn start(certificates: &Certificates) -> Chinwag {
    let mut command = binary::command(&[]);
    command.args(certificates.flags());
    binary::start(command)
}

fn is_there(program: &str) -> bool {
    Command::new("sh").args(["-c", &format!("command -v {program}")]).output().is_ok_and(|found| found.status.success())
}

/// The tests in tests/python/test_tls.py.
#[test]
fn python_websockets() {
    pytest(&["pytest", "websockets"], "tests/python", "test_tls.py");
}

/// The tests in tests/browser/test_tls.py.
#[test]
fn chromium() {
    let chromium = std::env::var_os("CHINWAG_CHROMIUM").unwrap_or_else(|| "/usr/bin/chromium".into());
    if !Path::new(&chromium).exists() {
        return skip("no Chromium");
    }
    pytest(&["pytest", "playwright", "axe_playwright_python"], "tests/browser", "test_tls.py");
}

fn pytest(modules: &[&str], folder: &str, script: &str) {
    let Some(python) = python(modules) else {
        return skip("no Python with the modules of the tests; set CHINWAG_PYTHON");
    };
    let mut command = Command::new(python);
    command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider", script]);
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
    command.env("CHINWAG_BIN", env!("CARGO_BIN_EXE_chinwag")).env("CHINWAG_URL", "");
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let output = run(command, Duration::from_secs(120));
    assert!(!printed(&output).contains("skipped"), "{}", printed(&output));
}

#[test]
fn curl() {
    if !is_there("curl") {
        return skip("no curl");
    }
    let certificates = Certificates::new();
    let chinwag = start(&certificates);
    let url = format!("https://localhost:{}/", chinwag.addr().port());
    for version in ["--tlsv1.3", "--tls-max=1.2"] {
        let mut command = Command::new("curl");
        let (option, value) = version.split_once('=').map_or((version, None), |(option, value)| (option, Some(value)));
        command.args(["-sS", "--http1.1", "--fail", "--cacert", &certificates.path("cert.pem"), option]);
        let output = run(
            {
                command.args(value).arg(&url);
                command
            },
            DEADLINE,
        );
        assert!(printed(&output).ends_with("</aside>\n"), "{version}");
    }
    let mut old = Command::new("curl");
    old.args(["-sS", "--cacert", &certificates.path("cert.pem"), "--tlsv1.0", "--tls-max", "1.1", &url]);
    assert!(!run_to_end(old, DEADLINE).status.success(), "TLS 1.1 is refused");
}

/// No weak ciphers and no renegotiation.
#[test]
fn sslscan() {
    if !is_there("sslscan") {
        return skip("no sslscan");
    }
    let certificates = Certificates::new();
    let chinwag = start(&certificates);
    let mut command = Command::new("sslscan");
    command.args(["--no-colour", "--sni-name=localhost", &chinwag.addr().to_string()]);
    let report = printed(&run(command, Duration::from_secs(60)));
    for version in ["SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"] {
        assert!(
            report.lines().any(|line| line.starts_with(version) && line.contains("disabled")),
            "{version}: {report}"
        );
    }
    for version in ["TLSv1.2", "TLSv1.3"] {
        assert!(
            report.lines().any(|line| line.starts_with(version) && line.contains("enabled")),
            "{version}: {report}"
        );
    }
    let ciphers = report.lines().filter(|line| line.starts_with("Preferred") || line.starts_with("Accepted"));
    let ciphers: Vec<&str> = ciphers.collect();
    assert!(ciphers.len() >= 6, "{report}");
    assert!(ciphers.iter().all(|line| line.contains("GCM") || line.contains("CHACHA20")), "{report}");
    assert!(report.contains("Session renegotiation not supported"), "{report}");
    assert!(!report.contains("vulnerable to heartbleed\n") || report.contains("not vulnerable"), "{report}");
}

/// Needs `npm install --prefix FOLDER ws` and NODE_PATH=FOLDER/node_modules.
#[test]
fn node() {
    let ws = Command::new("node").args(["-e", "require('ws')"]).output();
    if !ws.is_ok_and(|output| output.status.success()) {
        return skip("no Node with ws; set NODE_PATH");
    }
    let certificates = Certificates::new();
    let chinwag = start(&certificates);
    let script = r"
        const ws = new (require('ws'))(process.argv[1], 'chinwag.v1', { ca: require('fs').readFileSync(process.argv[2]) });
        const say = (object) => ws.send(JSON.stringify(object));
        ws.on('open', () => say({ type: 'username', name: 'node' }));
        let count = 0;
        ws.on('message', (data) => {
            const { type, text } = JSON.parse(data);
            if (type === 'username') for (let i = 0; i < 50; i++) say({ type: 'message', text: String(i) });
            if (type === 'message' && text !== String(count++)) throw new Error(text);
            if (count === 50) ws.close(1000);
        });
        ws.on('close', (code) => console.log('closed', code, count));
    ";
    let url = format!("wss://localhost:{}/", chinwag.addr().port());
    let mut command = Command::new("node");
    command.args(["-e", script, &url, &certificates.path("cert.pem")]);
    assert_eq!(printed(&run(command, 2 * DEADLINE)).trim(), "closed 1000 50");
}
