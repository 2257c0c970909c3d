//! The file with the access token.

use super::arguments::Flags;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A shorter token can be guessed.
const MIN_CHARS: usize = 16;

/// The most bytes that are read.
const MAX_BYTES: u64 = 64 * 1024;

/// An access token, without white space around it, and what is weak about it: one line each.
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) warnings: Vec<String>,
}

/// Reads the file that `--token-file` names.
///
/// # Errors
/// One line: it cannot be read, or it is empty.
pub(crate) fn read(flags: &Flags) -> Result<Option<Token>, String> {
    let Some(file) = flags.value("token-file").map(Path::new) else { return Ok(None) };
    let named = |what: String| format!("--token-file {}: {what}", file.display());
    let (text, metadata) = content(file).map_err(|error| named(error.to_string()))?;
    let text = text.trim().to_owned();
    if text.is_empty() {
        return Err(named("the file is empty; write a token into it, such as: openssl rand -hex 16".into()));
    }
    let short =
        (text.len() < MIN_CHARS).then(|| format!("a token of fewer than {MIN_CHARS} characters can be guessed"));
    let warnings = short.into_iter().chain(readers(file, &metadata)).map(named).collect();
    Ok(Some(Token { text, warnings }))
}

fn content(file: &Path) -> io::Result<(String, Metadata)> {
    let (mut text, file) = (String::new(), File::open(file)?);
    let metadata = file.metadata()?;
    file.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok((text, metadata))
}

/// A warning if others may use the file. As in ssh, its group counts only if the file belongs to this user: a file of
/// root that the group of a service may read is usual.
fn readers(file: &Path, metadata: &Metadata) -> Option<String> {
    let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
    let (mode, others) = (if metadata.is_file() { metadata.mode() } else { 0 }, if is_own { "go=" } else { "o=" });
    let who = match (mode & 0o006, mode & 0o060) {
        (0, 0) => return None,
        (0, _) if !is_own => return None,
        (0, _) => "its group",
        _ => "every user of this machine",
    };
    Some(format!("{who} can read or change the token; run: chmod {others} {}", file.display()))
}
