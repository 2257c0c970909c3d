//! A build without the feature `tls` says so when it is asked for TLS, and which build to use.
#![cfg(not(feature = "tls"))]

mod support;

use support::script::{printed, run_to_end};
use support::{DEADLINE, binary};

#[test]
fn a_build_without_tls_says_which_one_to_use() {
    for flag in ["--tls-cert=x", "--tls-key=x", "--tls-self-signed", "--listen-tls=x", "--redirect-http=x", "--hsts=1"]
    {
        let output = run_to_end(binary::command(&[flag]), DEADLINE);
        let said = printed(&output);
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{flag}: {said}");
        assert!(said.contains("built without TLS") && said.contains("--features tls"), "{flag}: {said}");
    }
    let mut command = binary::command(&[]);
    command.env("CHINWAG_TLS_SELF_SIGNED", "1");
    assert!(printed(&run_to_end(command, DEADLINE)).contains("built without TLS"));
}
