//! Operators: their commands, and the file with their restrictions, which survive the process.

use super::{Admin, ChatServer, connect::field, wall_clock};
use crate::chat::rules::{Input, Restriction};
use crate::ws::http::{Method, Request, Response, percent_decoded};
use crate::{chat::protocol::Millis, ws::access::Access, ws::replace_file::replace_file};
use log::{Level, error, log};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fs, mem};

/// How long the chat thread may take for a command, which can wait for the history file.
const COMMAND_TIME: Duration = Duration::from_secs(4);

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
    /// Reads this file, and refuses its networks from now on. If it does not exist yet, it is created.
    ///
    /// # Errors
    /// It cannot be read or created, or is not a regular file.
    pub fn open(access: Access, path: Option<&Path>) -> io::Result<Self> {
        let path = path.map(|path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()));
        let is_new = path.as_ref().is_some_and(|path| !path.exists());
        let mut file = Self { access, path, known: Vec::new() };
        // If it could not be created, bans would end with the process.
        let opened = if is_new { file.write(Vec::new()) } else { file.read() };
        opened.map(|()| file)
    }

    fn read(&mut self) -> io::Result<()> {
        let found = self.lines(true)?.into_iter().filter_map(|(_, restriction)| restriction).collect();
        self.use_all(found);
        Ok(())
    }

    /// Writes the file anew. What another program has added since it was read is kept.
    fn write(&mut self, all: Vec<Restriction>) -> io::Result<()> {
        let before = self.use_all(all);
        let Some(path) = &self.path else { return Ok(()) };
        let mut lines = self.lines(false)?;
        let is_kept = |it: &Restriction| self.known.contains(it) || !before.contains(it);
        lines.retain(|(_, restriction)| restriction.as_ref().is_none_or(is_kept));
        let is_new = |it: &&Restriction| lines.iter().all(|(_, restriction)| restriction.as_ref() != Some(*it));
        let new = self.known.iter().filter(is_new).map(|it| format!("{it}\n"));
        let text: String = lines.iter().map(|(line, _)| format!("{line}\n")).chain(new).collect();
        let mode = fs::metadata(path).map(|found| found.permissions());
        let done = replace_file(path, &text).and_then(|()| mode.map_or(Ok(()), |mode| fs::set_permissions(path, mode)));
        done.map_err(|error| named(path, &error))
    }

    /// The lines of the file, without restrictions that have ended. What is wrong is logged when it is read, not before each change.
    fn lines(&self, is_read: bool) -> io::Result<Vec<(String, Option<Restriction>)>> {
        let Some(path) = &self.path else { return Ok(Vec::new()) };
        // A device must not be replaced, and a pipe would wait for its writer.
        let other = || Err(io::Error::other("it is not a regular file"));
        let text = match fs::metadata(path).and_then(|it| if it.is_file() { fs::read_to_string(path) } else { other() })
        {
            Err(error) if error.kind() == ErrorKind::NotFound && !is_read => String::new(),
            read => read.map_err(|error| named(path, &error))?,
        };
        let (mut lines, now) = (Vec::new(), wall_clock());
        for (line, number) in text.lines().zip(1..) {
            let is_comment = line.trim().is_empty() || line.trim_start().starts_with('#');
            let parsed = (!is_comment).then(|| Restriction::parse(line, now)).transpose();
            let restriction = parsed.unwrap_or_else(|why| {
                let level = if is_read { Level::Warn } else { Level::Trace };
                log!(level, "--bans {}: line {number} is ignored: {why}", path.display());
                None
            });
            if restriction.as_ref().is_none_or(|it| it.holds(now)) {
                lines.push((line.to_owned(), restriction));
            }
        }
        Ok(lines)
    }

    /// Returns those of before.
    fn use_all(&mut self, all: Vec<Restriction>) -> Vec<Restriction> {
        let time = |until: Millis| SystemTime::UNIX_EPOCH + Duration::from_millis(until);
        let banned = all.iter().filter_map(Restriction::banned_network);
        self.access.ban(banned.map(|(network, until)| (network, until.map(time))).collect());
        mem::replace(&mut self.known, all)
    }
}

/// The error about a file, with its path.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

impl Admin {
    /// Answers `POST /ctl?command=LINE` with the answer to an operator's command, or with 400 and why nothing was done; `None` for
    /// another path. For a listener that only operators reach.
    #[must_use]
    pub fn control(&self, request: &Request) -> Option<Response> {
        if request.uri().path() != "/ctl" {
            return None;
        }
        let line = field(request, "command").and_then(percent_decoded);
        Some(match (request.method(), line) {
            (&Method::POST, Some(line)) => {
                let execute = move |chat: &mut ChatServer| match chat.command(&line) {
                    Ok(answer) => Response::text(200, answer),
                    Err(why) => Response::text(400, why),
                };
                self.ask_within(COMMAND_TIME, Box::new(move |chat, answer| answer.push(execute(chat))))
            }
            (&Method::POST, None) => Response::text(400, "Send POST /ctl?command=LINE, percent-encoded."),
            _ => Response::text(405, "Only POST is possible here.").with("Allow", "POST"),
        })
    }
}

impl ChatServer {
    /// Adds bans. This follows [`ChatServer::archive`], and a cluster follows this. [`Admin`] has an example. Default: bans end
    /// with the process.
    #[must_use]
    pub fn bans(mut self, bans: BanFile) -> Self {
        self.apply(Input::Restrictions(&bans.known));
        self.bans = Some(bans);
        self
    }

    /// Reads the file of bans again. Connections that are banned now are closed. From another thread:
    ///
    /// ```
    /// # use chinwag::{chat::server::Admin, http::Response};
    /// # let admin = Admin::default();
    /// let response = admin.ask(Box::new(|chat| match chat.reload_bans() {
    ///     Ok(()) => Response::empty(204),
    ///     Err(error) => Response::text(500, error.to_string()),
    /// }));
    /// ```
    ///
    /// # Errors
    /// The file cannot be read. Nothing has changed.
    pub fn reload_bans(&mut self) -> io::Result<()> {
        let Some(bans) = &mut self.bans else { return Ok(()) };
        bans.read()?;
        let known = bans.known.clone();
        self.apply(Input::Restrictions(&known));
        Ok(())
    }

    /// Executes an operator's command, such as `kick ann`, and returns the answer, which may have several lines.
    ///
    /// # Errors
    /// Nothing was done: one line that says why.
    pub fn command(&mut self, line: &str) -> Result<String, String> {
        #[cfg(feature = "cluster")]
        if let Some(answer) = self.log_command(line) {
            return answer;
        }
        self.answers.clear();
        self.apply(Input::Command(line));
        let answers = mem::take(&mut self.answers).into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(answers.join("\n").trim_end().to_owned())
    }

    pub(super) fn save_restrictions(&mut self) {
        let (Some(bans), now) = (&mut self.bans, wall_clock()) else { return };
        let all = self.chat.restrictions().filter(|it| it.holds(now)).cloned().collect();
        if let Err(why) = bans.write(all) {
            let line = format!("--bans cannot be written, so this ends with the process: {why}");
            error!("{line}");
            self.answers.push(Ok(line));
        }
    }
}
