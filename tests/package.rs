//! The published package: the sources, the page, the examples and the top documents, and nothing else.

use std::collections::BTreeSet;
use std::process::Command;

const EXPECTED: &[&str] = &[
    ".cargo_vcs_info.json",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "Cargo.toml.orig",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "build",
    "build.rs",
    "docs",
    "examples",
    "src",
];

#[cfg_attr(windows, ignore = "Wine cannot start cargo")]
#[test]
fn package_has_only_what_users_need() {
    let mut command = Command::new(env!("CARGO"));
    command.args(["package", "--list", "--allow-dirty", "--offline"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output().expect("cargo runs this test");
    let list = String::from_utf8(output.stdout).expect("paths are text");
    let top: BTreeSet<&str> = list.lines().filter_map(|path| path.split('/').next()).collect();
    let unexpected: Vec<&&str> = top.iter().filter(|name| !EXPECTED.contains(name)).collect();
    assert!(unexpected.is_empty(), "in Cargo.toml, `include` lets in {unexpected:?}");
    for file in [
        "src/lib.rs",
        "src/chat/page/index.html",
        "docs/course/ko/1-handshake.md",
        "examples/09_own_protocol.html",
        "LICENSE-MIT",
        "README.md",
    ] {
        assert!(list.lines().any(|path| path == file), "{file} is missing: {list}");
    }
}

#[test]
fn metadata_is_complete() {
    let manifest = include_str!("../Cargo.toml");
    for field in ["description", "license", "keywords", "categories", "readme", "documentation", "rust-version"] {
        assert!(manifest.contains(&format!("\n{field} = ")), "Cargo.toml has no {field}");
    }
    let features = manifest.split("[features]").nth(1).and_then(|rest| rest.split("\n[").next()).expect("features");
    let names = features.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name);
    for name in names.filter(|name| *name != "default") {
        let documented = |text: &str| text.contains(&format!("`{name}`"));
        assert!(documented(include_str!("../README.md")), "README.md does not document the feature {name}");
        assert!(documented(include_str!("../src/lib.rs")), "src/lib.rs does not document the feature {name}");
    }
}
