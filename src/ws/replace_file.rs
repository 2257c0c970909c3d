//! How files are replaced that must never be half written.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Writes a new file, which only this user may read, and renames it: whenever the process or the machine stops, the name has the
/// old content or the new one.
pub(crate) fn replace_file(file: &Path, content: &str) -> io::Result<()> {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let _ = fs::remove_file(&name);
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut new = options.write(true).create_new(true).open(&name)?;
    // Otherwise a power failure may leave an empty file under the new name.
    new.write_all(content.as_bytes()).and_then(|()| new.sync_all())?;
    fs::rename(&name, file)
}
