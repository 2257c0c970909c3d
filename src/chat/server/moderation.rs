//! Operators: their commands, and the file with their restrictions, which survive the process.

use super::{Admin, ChatServer, connect::field, millis};
use crate::{
    chat::protocol::Millis,
    chat::rules::{Input, Restriction},
    ws::access::Access,
    ws::http::{Method, Request, Response, percent_decoded},
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

/// How long the chat thread may take for a command, which can wait for the history file.
const COMMAND_TIME: Duration = Duration::from_secs(5);

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
    /// Reads this file, which need not exist yet, and refuses its networks from now on.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open(access: Access, path: Option<&Path>) -> io::Result<Self> {
        let path = path.map(|path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()));
        let mut file = Self { access, path, known: Vec::new() };
        file.read(wall_clock())?;
        Ok(file)
    }

    /// Reads the restrictions that hold. Lines that cannot be read are logged with their numbers.
    fn read(&mut self, now: Millis) -> io::Result<()> {
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
        self.refuse(&found);
        self.known = found;
        Ok(())
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

fn wall_clock() -> Millis {
    millis(SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default())
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

impl Admin {
    /// Answers `POST /ctl?command=LINE` with the answer to an operator's command, or with 400 and why nothing was done; `None` for
    /// another path. For a listener that only operators reach.
    #[must_use]
    pub fn control(&self, request: &Request) -> Option<Response> {
        if request.uri().path() != "/ctl" {
            return None;
        }
        let line = field(request.uri().query().unwrap_or_default(), "command").and_then(percent_decoded);
        let line = line.and_then(|line| String::from_utf8(line).ok());
        Some(match (request.method(), line) {
            (&Method::POST, Some(line)) => self.ask_within(COMMAND_TIME, Box::new(move |chat| chat.control(&line))),
            (&Method::POST, None) => Response::text(400, "Send POST /ctl?command=LINE, percent-encoded."),
            _ => Response::text(405, "Only POST is possible here.").with("Allow", "POST"),
        })
    }
}

impl ChatServer {
    fn control(&mut self, line: &str) -> Response {
        match self.command(line) {
            Ok(answer) => Response::text(200, answer.trim_end()),
            Err(why) => Response::text(400, why),
        }
    }

    /// Adds bans. This follows [`ChatServer::archive`].
    #[must_use]
    pub fn bans(mut self, bans: BanFile) -> Self {
        self.apply(Input::Restrictions(&bans.known));
        self.bans = Some(bans);
        self
    }

    /// Reads the file of bans again. Returns their number. Connections that are banned now are closed.
    ///
    /// # Errors
    /// The file cannot be read. Nothing has changed.
    pub fn reload_bans(&mut self) -> io::Result<usize> {
        let Some(bans) = &mut self.bans else { return Ok(0) };
        bans.read(wall_clock())?;
        let known = bans.known.clone();
        self.apply(Input::Restrictions(&known));
        Ok(known.len())
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
