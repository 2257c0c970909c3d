//! Unix sockets: their files, with mode and group, and what is left of a server that ended without removing its own.

use rustix::fs::{FlockOperation, Mode, flock};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
use rustix::process::umask;
use std::fs::{self, File, Permissions};
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// The file of a socket. Dropping this removes it, unless another server has taken its place.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    id: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.id) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Creates a socket, as std's type for TCP, that other users cannot open before it has this group and mode.
///
/// # Errors
/// One line that says what to do.
pub(crate) fn bind(path: &str, mode: u32, group: Option<u32>) -> Result<(TcpListener, SocketFile), String> {
    let path = Path::new(path);
    let failed = |error: io::Error| format!("cannot listen on unix:{}: {error}", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Two servers that start at once must not remove each other's socket.
    let advise = |error| format!("{}; its folder must exist and be writable; the limit is 107 bytes", failed(error));
    let lock = File::open(folder).map_err(advise)?;
    flock(&lock, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
    remove_stale(path)?;
    let mask = umask(Mode::from_raw_mode(0o177));
    let bound = UnixListener::bind(path);
    umask(mask);
    let socket = bound.map_err(advise)?;
    let found = fs::symlink_metadata(path).map_err(failed)?;
    let file = SocketFile { path: path.to_owned(), id: (found.dev(), found.ino()) };
    if let Some(group) = group {
        let advice = "the server's user must be a member, such as by SupplementaryGroups= of systemd";
        chown(path, None, Some(group)).map_err(|error| format!("--socket-group {group}: {error}; {advice}"))?;
    }
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed)?;
    Ok((OwnedFd::from(socket).into(), file))
}

/// Removes the socket of a server that has ended. Nothing else is removed.
fn remove_stale(path: &Path) -> Result<(), String> {
    let name = path.display();
    match fs::symlink_metadata(path) {
        Err(_) => return Ok(()),
        Ok(found) if found.file_type().is_socket() => {}
        Ok(_) => return Err(format!("unix:{name}: a file that is not a socket is there; choose another path")),
    }
    match connect(path).err() {
        Some(Errno::CONNREFUSED) => fs::remove_file(path).map_err(|error| format!("cannot remove {name}: {error}")),
        Some(Errno::ACCESS | Errno::PERM) => Err(format!("unix:{name}: the socket of another user is there")),
        _ => Err(format!("unix:{name} is in use by another program; stop it, or choose another path")),
    }
}

/// Connects without waiting. Without a server, the error is `CONNREFUSED`; for one that is too busy, it is `AGAIN`.
pub(crate) fn connect(path: &Path) -> Result<OwnedFd, Errno> {
    let address = SocketAddrUnix::new(path)?;
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    ioctl_fionbio(&socket, true)?;
    rustix::net::connect(&socket, &address)?;
    ioctl_fionbio(&socket, false)?;
    Ok(socket)
}

/// `0660`.
pub(crate) fn parse_mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| format!("--socket-mode {text:?}: write an octal mode, such as 0660"))
}

/// A group's number, or its name in /etc/group.
pub(crate) fn parse_group(text: &str) -> Result<u32, String> {
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let named = groups.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == text);
    let number = named.as_ref().and_then(|fields| fields.get(2).copied()).unwrap_or(text);
    number.parse().map_err(|_| format!("--socket-group {text:?}: /etc/group has no such group; write its number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, process, thread};

    #[test]
    fn of_servers_that_start_at_once_one_gets_the_place() {
        let path = env::temp_dir().join(format!("chinwag-socket-{}", process::id()));
        let name = path.to_str().expect("UTF-8");
        for round in 0..50 {
            // As after `kill -9`.
            drop(UnixListener::bind(&path).expect("a free place"));
            let bound: Vec<_> = thread::scope(|scope| {
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| bind(name, 0o600, None).ok())).collect();
                threads.into_iter().filter_map(|thread| thread.join().expect("no panic")).collect()
            });
            assert!(bound.len() == 1 && connect(&path).is_ok(), "round {round}: {bound:?}");
        }
    }
}
