//! Operators: their commands, and the file with their restrictions, which survive the process.

use super::ChatServer;
use crate::{
    chat::protocol::Millis,
    chat::rules::{Input, Restriction},
    ws::access::Access,
};
use log::{error, info, warn};
use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Write},
    mem,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// Bans and other restrictions: in [`Access`], which refuses banned networks before the handshake, and in a file, one a
/// line. Comments and lines that cannot be read are kept.
#[derive(Debug)]
pub struct BanFile {
    access: Access,
    /// `None`: they end with the process.
    path: Option<PathBuf>,
    /// What the file had when it was read or written.
    known: Vec<Restriction>,
}

impl BanFile {
    /// Uses this file, which need not exist yet.
    #[must_use]
    pub fn new(access: Access, path: Option<&Path>) -> Self {
        let resolved = path.map(|path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()));
        Self { access, path: resolved, known: Vec::new() }
    }

    /// Reads the restrictions that hold. Lines that cannot be read are logged with their numbers.
    fn read(&mut self, now: Millis) -> io::Result<Vec<Restriction>> {
        let (mut found, text) = (Vec::new(), self.text()?);
        for (line, number) in text.lines().zip(1..) {
            match parse(line, now) {
                Some(Ok(restriction)) if restriction.holds(now) => found.push(restriction),
                Some(Err(why)) => {
                    let file = self.path.as_deref().unwrap_or(Path::new("")).display();
                    warn!("--bans {file}: line {number} is ignored: {why}");
                }
                _ => {}
            }
        }
        self.known.clone_from(&found);
        self.refuse(&found);
        Ok(found)
    }

    /// Writes the file anew if it is to have other restrictions. What another program has added since it was read is kept.
    fn write(&mut self, all: Vec<Restriction>, now: Millis) -> io::Result<()> {
        self.refuse(&all);
        let known = mem::replace(&mut self.known, all);
        let (Some(path), text) = (&self.path, self.text()?) else { return Ok(()) };
        let parsed = |line: &str| parse(line, now).and_then(Result::ok);
        let is_kept = |line: &&str| {
            let is_current = |it| self.known.contains(&it) || it.holds(now) && !known.contains(&it);
            parsed(line).is_none_or(is_current)
        };
        let mut lines: Vec<String> = text.lines().filter(is_kept).map(str::to_owned).collect();
        for restriction in &self.known {
            if !lines.iter().any(|line| parsed(line).as_ref() == Some(restriction)) {
                lines.push(restriction.to_string());
            }
        }
        lines.push(String::new());
        replace(path, &lines.join("\n"))
    }

    fn text(&self) -> io::Result<String> {
        let Some(path) = &self.path else { return Ok(String::new()) };
        match fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
            read => read,
        }
    }

    fn refuse(&self, all: &[Restriction]) {
        let end = |until: Millis| SystemTime::UNIX_EPOCH + Duration::from_millis(until);
        let networks = all.iter().filter_map(|it| Some((it.banned_network()?, it.until.map(end))));
        self.access.ban(networks.collect());
    }
}

/// `None`: the line is empty or a comment.
fn parse(line: &str, now: Millis) -> Option<Result<Restriction, String>> {
    let line = line.trim();
    (!line.is_empty() && !line.starts_with('#')).then(|| Restriction::parse(line, now))
}

/// Replaces a file: whenever the process or the machine stops, it has the old content or the new one.
fn replace(path: &Path, content: &str) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let mode = fs::metadata(path).map_or(0o600, |found| found.permissions().mode() & 0o777);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

impl ChatServer {
    /// Adds bans.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn bans(mut self, bans: BanFile) -> io::Result<Self> {
        self.bans = Some(bans);
        self.reload_bans().map(|_| self)
    }

    /// Reads the file of bans again. Returns their number. Connections that are banned now are closed.
    ///
    /// # Errors
    /// The file cannot be read. Nothing has changed.
    pub fn reload_bans(&mut self) -> io::Result<usize> {
        let now = self.now().date;
        let Some(bans) = &mut self.bans else { return Ok(0) };
        let restrictions = bans.read(now)?;
        self.apply(Input::Restrictions(&restrictions));
        Ok(restrictions.len())
    }

    /// Executes an operator's command, such as `kick ann`, and returns the answer, which may have several lines.
    ///
    /// # Errors
    /// Nothing was done: one line that says why.
    pub fn command(&mut self, line: &str) -> Result<String, String> {
        self.answers.clear();
        self.apply(Input::Command(line));
        info!("an operator's command: {:?}", line.split_whitespace().next().unwrap_or_default());
        mem::take(&mut self.answers).into_iter().collect::<Result<Vec<_>, _>>().map(|answers| answers.join("\n"))
    }

    pub(super) fn save_restrictions(&mut self) {
        let (now, all) = (self.now().date, self.chat.restrictions().cloned().collect());
        let Some(bans) = &mut self.bans else { return };
        if let Err(why) = bans.write(all, now) {
            let file = bans.path.as_deref().unwrap_or(Path::new("")).display().to_string();
            error!("--bans {file} cannot be written, so the restrictions end with the process: {why}");
            self.answers.push(Ok(format!("This ends with the process: --bans {file} cannot be written: {why}.")));
        }
    }
}
