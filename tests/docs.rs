//! What the documents quote from the code is what the code says. Links: tests/links.rs. Figures: tests/figures.rs.

mod support;

use support::markdown::{blocks, read};

/// tests/examples.rs runs the echo server.
#[test]
fn readme_and_rustdoc_have_the_same_echo_server() {
    let library = read("src/lib.rs");
    let head: Vec<&str> = library.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let head: Vec<&str> = head.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let rustdoc = blocks(&head.join("\n"), "no_run");
    let readme = blocks(&read("README.md"), "rust");
    assert_eq!([&readme[0], &rustdoc[0]], [read("tests/support/echo_server.rs").trim_end(); 2]);
}

/// All other code in the README is a quote, which tests/docs_quotes.rs compares.
#[test]
fn readme_has_no_code_that_is_not_compiled() {
    let readme = read("README.md");
    let quotes = readme.matches("<!-- quote: ").count();
    assert_eq!(blocks(&readme, "rust").len(), 1 + quotes, "README.md has Rust code that is not a quote");
}

/// The default build's help: other builds have more flags. `CHINWAG_BLESS=1 cargo test --test docs` writes it anew.
#[cfg(not(any(feature = "cluster", feature = "deflate", feature = "history", feature = "terminal", feature = "tls")))]
#[test]
fn help_in_the_documents_is_what_the_program_prints() {
    let program =
        std::process::Command::new(env!("CARGO_BIN_EXE_chinwag")).arg("--help").output().expect("the program runs");
    let help = String::from_utf8(program.stdout).expect("text");
    assert!(help.contains("--listen"), "{help}");
    let printed = |source: &str| (source == "chinwag --help").then(|| help.clone());
    assert_eq!(support::markdown::check_quotes("help", printed), 1);
}
