//! The relay's thread: waits for all sockets that are lent, and gives each that has something one turn after the other.
//!
//! Owns the lives meanwhile, and loses none: after a failure or a panic, which is a bug, all get theirs back.

use super::{Loan, Shared, WAKE, busy::FEW};
use crate::{
    ws::connection::{SPACE, Space},
    ws::server::{
        MOMENT, Patience,
        life::{Left, Turn},
    },
};
use log::{debug, error};
use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use std::{
    io, mem,
    os::fd::AsRawFd,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// Who is silent for that long, or twice that at most, gets its life back.
const SILENCE: Duration = Duration::from_millis(25);

/// Moments that are waited before a round, at most.
const MOST_MOMENTS: usize = 8;

/// After a failure, which would come again at once.
const PAUSE: Duration = Duration::from_millis(100);

/// What the thread works with.
pub(super) struct Desk {
    poll: Poll,
    shared: Arc<Shared>,
    /// Those who are lent, each in its place, which is its token.
    loans: Vec<Option<Loan>>,
    /// How many they are.
    lent: usize,
    /// Whose turn it is, each once.
    due: Vec<usize>,
    patience: Patience,
    /// When to look next who is silent.
    look_at: Instant,
    /// There were few at the last look.
    few: bool,
}

impl Desk {
    pub(super) fn new(poll: Poll, shared: Arc<Shared>) -> Self {
        let (loans, due, patience) = (Vec::new(), Vec::new(), Patience::default());
        Self { poll, shared, loans, lent: 0, due, patience, look_at: Instant::now(), few: false }
    }

    /// Until there is no server any more.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(256);
        let mut space = [0; SPACE];
        while !self.shared.book().stop {
            let round = catch_unwind(AssertUnwindSafe(|| self.round(&mut events, &mut space)));
            let what = match round {
                Ok(Ok(())) => continue,
                Ok(Err(why)) if why.kind() == io::ErrorKind::Interrupted => continue,
                Ok(Err(why)) => format!("cannot wait for busy sockets: {why}"),
                Err(_) => "the thread that reads from busy sockets panicked; please report this".to_owned(),
            };
            // What panics here, too, is a logger: then the next round goes on with it.
            let _ = catch_unwind(AssertUnwindSafe(|| self.give_up(&what)));
            thread::sleep(PAUSE);
        }
    }

    fn give_up(&mut self, what: &str) {
        self.welcome();
        self.give_back_if(|_| true);
        error!("{what}");
    }

    /// Waits until somebody has something, and a moment longer if more are about to; then one turn for each of them.
    fn round(&mut self, events: &mut Events, space: &mut Space) -> io::Result<()> {
        let wait = if self.due.is_empty() { (self.lent > 0).then_some(SILENCE) } else { Some(Duration::ZERO) };
        self.wait(events, wait)?;
        self.gather(events)?;
        for place in mem::take(&mut self.due) {
            self.turn(place, space);
        }
        self.look();
        Ok(())
    }

    fn wait(&mut self, events: &mut Events, most: Option<Duration>) -> io::Result<()> {
        self.poll.poll(events, most)?;
        for event in events.iter().filter(|event| event.token() != WAKE) {
            self.is_due(event.token().0);
        }
        // After each wait: the word that somebody is new may just have come, and it does not come twice.
        self.welcome();
        Ok(())
    }

    fn is_due(&mut self, place: usize) {
        if let Some(Some(loan)) = self.loans.get_mut(place) {
            if !mem::replace(&mut loan.due, true) {
                self.due.push(place);
            }
        }
    }

    /// One by one: whatever befalls one of them, the others are still in the book.
    fn welcome(&mut self) {
        while let Some(loan) = self.shared.newcomer() {
            self.take_in(loan);
        }
    }

    /// From now on the operating system tells when something comes. It may have come before that: hence a turn at once.
    fn take_in(&mut self, loan: Loan) {
        let (place, id) = (self.free_place(), loan.life.id());
        let fd = loan.life.stream().as_raw_fd();
        let registered = self.poll.registry().register(&mut SourceFd(&fd), Token(place), Interest::READABLE);
        self.loans[place] = Some(loan);
        self.has(self.lent + 1);
        self.is_due(place);
        tell(id, "lent to the relay");
        if registered.is_err() {
            // It needs no relay.
            self.give_back(place, Left::Quiet);
        }
    }

    fn free_place(&mut self) -> usize {
        let free = self.loans.iter().position(Option::is_none);
        free.unwrap_or_else(|| {
            self.loans.push(None);
            self.loans.len() - 1
        })
    }

    fn gather(&mut self, events: &mut Events) -> io::Result<()> {
        for _ in 0..MOST_MOMENTS {
            let before = self.due.len();
            if before == 0 || !self.patience.try_it(before) {
                break;
            }
            thread::sleep(MOMENT);
            self.wait(events, Some(Duration::ZERO))?;
            let paid = self.due.len() > before;
            self.patience.learn(paid);
            if !paid {
                break;
            }
        }
        self.patience.sent(self.due.len());
        Ok(())
    }

    fn turn(&mut self, place: usize, space: &mut Space) {
        let Some(Some(loan)) = self.loans.get_mut(place) else { return };
        loan.heard = true;
        loan.due = false;
        let turn = catch_unwind(AssertUnwindSafe(|| loan.life.turn(space)));
        match turn.unwrap_or(Turn::Back(Left::Panicked)) {
            Turn::Quiet => {}
            Turn::More => self.is_due(place),
            Turn::Back(left) => self.give_back(place, left),
        }
    }

    /// Gives back who has been silent, and all if they have been few for a while.
    fn look(&mut self) {
        let now = Instant::now();
        if now < self.look_at {
            return;
        }
        self.look_at = now + SILENCE;
        let few = self.lent < FEW;
        let all = mem::replace(&mut self.few, few) && few;
        self.give_back_if(|loan| !mem::take(&mut loan.heard) || all);
    }

    fn give_back_if(&mut self, mut is_done: impl FnMut(&mut Loan) -> bool) {
        for place in 0..self.loans.len() {
            if self.loans[place].as_mut().is_some_and(&mut is_done) {
                self.give_back(place, Left::Quiet);
            }
        }
    }

    fn give_back(&mut self, place: usize, left: Left) {
        let Some(loan) = self.loans.get_mut(place).and_then(Option::take) else { return };
        let (id, what) = (loan.life.id(), left.name());
        let fd = loan.life.stream().as_raw_fd();
        // It fails where the registration did; then there is nothing to undo.
        let _ = self.poll.registry().deregister(&mut SourceFd(&fd));
        self.has(self.lent - 1);
        loan.place.put((loan.life, left));
        tell(id, what);
    }

    fn has(&mut self, lent: usize) {
        self.lent = lent;
        self.shared.book().lent = lent;
    }
}

/// When all is done: a logger that panics, which is a bug, costs nobody its life.
#[inline(never)]
fn tell(id: u64, what: &str) {
    debug!("connection {id}: {what}");
}

#[cfg(test)]
mod tests;
