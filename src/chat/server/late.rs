//! The past of rooms: looked up before somebody enters one, and again if the archive did not answer in time.
//!
//! Owns the tries. What becomes of what was said meanwhile is the rules' business.

use super::ChatServer;
use crate::chat::rules::RoomName;
use log::{error, info, warn};
use std::time::{Duration, Instant};

/// Between two tries.
const RETRY: Duration = Duration::from_secs(1);

/// Rooms that are looked up in one batch: it holds up all others.
const AT_ONCE: usize = 16;

impl ChatServer {
    /// Somebody is about to enter a room: what was said there before this process began must be known first.
    pub(super) fn restore(&mut self, room: &RoomName) {
        if !self.chat.lacks_past(room) || self.look_up(room) {
            return;
        }
        if self.look_again_at.is_none() {
            warn!(
                "the archive does not answer: rooms begin anew; what is said in them is in memory only, until it does"
            );
            self.look_again_at = Some(Instant::now() + RETRY);
        }
    }

    /// Whether the archive answers.
    fn look_up(&mut self, room: &RoomName) -> bool {
        let archive = self.archive.as_mut();
        let snapshot = archive.and_then(|archive| archive.load_room(room.key(), self.rules.room_messages));
        let Some(snapshot) = snapshot else { return false };
        self.chat.restore(room, snapshot, &mut self.outputs);
        self.perform();
        true
    }

    /// Rooms that have begun anew get their past, when it is time for another try.
    pub(super) fn look_again(&mut self) {
        if self.look_again_at.is_some_and(|at| at <= Instant::now()) {
            self.look_again_at = match self.restore_late(AT_ONCE) {
                true => None,
                false => Some(Instant::now() + RETRY),
            };
        }
    }

    /// True: all rooms have their past.
    fn restore_late(&mut self, most: usize) -> bool {
        let rooms: Vec<RoomName> = self.chat.unrestored().take(most).cloned().collect();
        let answered = rooms.iter().all(|room| self.look_up(room));
        if !answered || self.chat.unrestored().next().is_some() {
            return false;
        }
        match self.chat.take_unkept() {
            0 => info!("the archive answers: it has what was said meanwhile"),
            unkept => warn!("the archive answers: it has what was said meanwhile, less the oldest messages: {unkept}"),
        }
        true
    }

    /// The last try, at the end.
    pub(super) fn give_up_looking(&mut self) {
        if self.look_again_at.take().is_some() && !self.restore_late(usize::MAX) {
            error!("the archive has not answered: what was said in rooms that began anew is not kept");
        }
        self.save();
    }
}
