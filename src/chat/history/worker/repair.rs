//! Handles what other programs did to the files: restored a backup, removed them, changed permissions.

use super::Worker;
use crate::chat::history::{
    error::HistoryError,
    files::{Change, beside, create_private},
    prune::Pruner,
    state_file::StateFile,
    store::Store,
};
use log::warn;
use rusqlite::config::DbConfig;
use std::{
    fs,
    io::ErrorKind,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::PathBuf,
};

impl Worker {
    pub(super) fn warn_about_readers(&self) {
        let file = &self.settings.path;
        if fs::metadata(file).is_ok_and(|found| found.permissions().mode() & 0o004 != 0) {
            let file = file.display();
            warn!(
                "history: {file}: every user of this machine can read the messages; run: chmod o-r {file} {file}-wal"
            );
        }
    }

    /// Locks the history. The first time, it is compared with its state file.
    pub(super) fn lock(&mut self) -> Result<(), HistoryError> {
        let Some(store) = &self.store else { return Ok(()) };
        self.state_file = None;
        let (mut state_file, position) = (StateFile::lock(&self.settings.path)?, store.position()?);
        let misfit = state_file.misfit(&position).filter(|_| !self.is_compared);
        if let Some(why) = misfit.filter(|_| !position.numbering.is_empty()) {
            let file = self.settings.path.display();
            warn!("history: {file}: {why}; the numbering gets a new name, and returning clients get a gap");
        }
        self.shared.lock().queue.must_rename |= misfit.is_some();
        self.is_compared = true;
        // If they do not fit each other, the state file stays as it is until the logs have new names.
        if misfit.is_none() {
            state_file.set_position(position);
        }
        self.state_file = Some(state_file);
        Ok(())
    }

    /// What another program did to the files. What it has written with SQLite is still this history: it is noted, and `None`.
    pub(super) fn detect_change(&mut self) -> Option<Change> {
        let store = self.store.as_mut()?;
        let change = store.watch.as_ref()?.change()?;
        let position = self.state_file.as_ref().map(|state_file| &state_file.position);
        if change != Change::Written || position.is_some_and(|position| !store.still_has(position)) {
            return Some(change);
        }
        store.note_write();
        None
    }

    /// After a file was removed, replaced or truncated: everything that can still be read is written again.
    pub(super) fn repair(&mut self, change: Change) -> Result<(), HistoryError> {
        let file = self.settings.path.display();
        if let (Change::Log, Some(store)) = (change, &mut self.store) {
            if !store.truncate_log()? {
                return Err(HistoryError::Locked);
            }
            self.store = None;
            warn!("history: {file}: its -wal or -shm was removed while in use; nothing was lost");
            return Ok(());
        }
        // What was written over the database is not this history, or not all of it.
        let used = match change {
            Change::Written => u64::MAX,
            _ => self.state_file.as_ref().map_or(0, |state_file| state_file.position.used),
        };
        let (is_complete, aside) =
            rescue(&mut self.store, used).map_err(|error| HistoryError::Removed(error.to_string()))?;
        self.pruner = Pruner::new(&self.settings);
        let result = if is_complete {
            "it was written again, with all messages"
        } else {
            self.shared.lock().queue.write_again();
            "its content is lost; the messages in memory are written again"
        };
        let aside = aside.map(|aside| format!("; what was there instead is now {}", aside.display()));
        warn!(
            "history: {file}: it was removed, replaced or truncated while in use; {result}{}",
            aside.unwrap_or_default()
        );
        Ok(())
    }
}

/// Writes the content of an open database under its name again, and closes it. On errors it stays open. Returns whether that
/// is everything, which is not so if fewer message numbers are used in it, and the new name of the file that was there instead.
fn rescue(slot: &mut Option<Store>, used: u64) -> Result<(bool, Option<PathBuf>), HistoryError> {
    let Some((db, watch)) = slot.as_ref().and_then(|store| Some((&store.db, store.watch.as_ref()?))) else {
        return Ok((false, None));
    };
    let (path, copy) = (watch.path.clone(), beside(&watch.path, "-new"));
    // Another user's file must not get the messages.
    fs::remove_file(&copy).or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    create_private(&copy)?;
    let copied = db.execute("VACUUM INTO CAST(?1 AS TEXT)", [copy.as_os_str().as_bytes()]);
    let copied = copied.map_err(HistoryError::from).and_then(|_| Store::open_read_only(&copy)?.position());
    let is_complete = match copied {
        Err(error) if !error.is_permanent() => return Err(error),
        copied => copied.is_ok_and(|position| position.used >= used),
    };
    let aside = watch.clear()?;
    // What is there instead stays as it is.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // SQLite removes the write-ahead log by its name when it closes a database: before the new one has that name.
    *slot = None;
    if is_complete {
        fs::rename(&copy, &path)?
    } else {
        fs::remove_file(&copy)?
    }
    Ok((is_complete, aside))
}
