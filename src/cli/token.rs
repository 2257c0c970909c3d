//! The file with the access token.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A shorter token can be guessed.
const MIN_CHARS: usize = 16;

/// The most bytes of a file.
const MAX_BYTES: u64 = 64 * 1024;

/// Reads the file that a flag such as `--token-file` names: the token without the white space around it. `warn` gets a line for each
/// weakness.
///
/// # Errors
/// One line: it cannot be read, is empty, or is too large.
pub(crate) fn read(flag: &str, file: Option<&OsStr>, warn: fn(&str)) -> Result<Option<String>, String> {
    let Some(file) = file.map(Path::new) else { return Ok(None) };
    let name = format!("--{flag} {}", file.display());
    let kind = if flag == "token-file" { "access" } else { "admin" };
    let advice = format!("write the server's {kind} token into it (openssl rand -hex 16 makes a new one)");
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => format!("{name}: the file does not exist; {advice}"),
        _ => format!("{name}: {error}"),
    };
    let (opened, mut text) = (File::open(file).map_err(failed)?, String::new());
    (&opened).take(MAX_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(format!("{name}: it has more than {MAX_BYTES} bytes; write only the token into it"));
    }
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("{name}: the file is empty; {advice}"));
    }
    if text.len() < MIN_CHARS {
        warn(&format!("{name}: a token of fewer than {MIN_CHARS} characters can be guessed"));
    }
    // The group is not judged: a file of root that the group of a service may read is usual.
    #[cfg(unix)]
    if opened.metadata().is_ok_and(|found| found.is_file() && found.mode() & 0o006 != 0) {
        let file = file.display();
        warn(&format!("{name}: every user of this machine can read or change the token; run: chmod o= {file}"));
    }
    Ok(Some(text.to_owned()))
}
