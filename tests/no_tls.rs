//! Without the feature `tls`, its flags are refused with a line that names the feature.
#![cfg(not(feature = "tls"))]

mod support;

use support::script::{printed, run_to_end};
use support::{DEADLINE, binary};

#[test]
fn tls_flags_name_the_feature() {
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
