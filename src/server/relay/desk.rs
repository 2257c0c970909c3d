//! The relay's thread: waits for all sockets that are lent, and gives each that has something one turn after the other.
//!
//! Owns the lives meanwhile, and loses none: after a failure or a panic, which is a bug, all get theirs back.

use super::{Loan, Shared, WAKE, busy::FEW};
use crate::{
    connection::{SPACE, Space},
    server::{
        MOMENT, Patience,
        life::{Left, Turn},
    },
};
use log::{debug, error};
use mio::{Events, Poll};
use std::{
    collections::HashMap,
    io, mem,
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

pub(super) struct Desk {
    poll: Poll,
    shared: Arc<Shared>,
    loans: HashMap<usize, Loan>,
    /// Whose turn it is, each once.
    due: Vec<usize>,
    patience: Patience,
    look_at: Instant,
    /// There were few when it was looked last.
    few: bool,
}

impl Desk {
    pub(super) fn new(poll: Poll, shared: Arc<Shared>) -> Self {
        let (loans, due, patience) = (HashMap::new(), Vec::new(), Patience::default());
        Self { poll, shared, loans, due, patience, look_at: Instant::now(), few: false }
    }

    /// Until there is no server any more.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(256);
        let mut space = [0; SPACE];
        while !self.shared.book().stop {
            let round = catch_unwind(AssertUnwindSafe(|| self.round(&mut events, &mut space)));
            match round {
                Ok(Ok(())) => continue,
                Ok(Err(why)) if why.kind() == io::ErrorKind::Interrupted => continue,
                Ok(Err(why)) => error!("cannot wait for busy sockets: {why}"),
                Err(_) => error!("the thread that reads from busy sockets panicked; please report this"),
            }
            self.welcome();
            self.give_back_if(|_| true);
            thread::sleep(PAUSE);
        }
    }

    /// Waits until somebody has something, and a moment longer if more are about to; then one turn for each of them.
    fn round(&mut self, events: &mut Events, space: &mut Space) -> io::Result<()> {
        let wait = if self.due.is_empty() { (!self.loans.is_empty()).then_some(SILENCE) } else { Some(Duration::ZERO) };
        self.wait(events, wait)?;
        self.welcome();
        self.gather(events)?;
        for key in mem::take(&mut self.due) {
            self.turn(key, space);
        }
        self.look();
        Ok(())
    }

    fn wait(&mut self, events: &mut Events, most: Option<Duration>) -> io::Result<()> {
        self.poll.poll(events, most)?;
        for event in events.iter().filter(|event| event.token() != WAKE) {
            self.is_due(event.token().0);
        }
        Ok(())
    }

    /// Those who are not here are on their way here, which is a turn in itself, or were given back.
    fn is_due(&mut self, key: usize) {
        if let Some(loan) = self.loans.get_mut(&key) {
            if !mem::replace(&mut loan.due, true) {
                self.due.push(key);
            }
        }
    }

    /// Takes in who was lent. Something may have come before the operating system was asked to tell: so each has a turn.
    fn welcome(&mut self) {
        let new = mem::take(&mut self.shared.book().new);
        for loan in new {
            let id = loan.life.id();
            debug!("connection {id}: lent to the relay");
            self.due.push(id as usize);
            self.loans.insert(id as usize, loan);
        }
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

    fn turn(&mut self, key: usize, space: &mut Space) {
        let Some(loan) = self.loans.get_mut(&key) else { return };
        loan.heard = true;
        loan.due = false;
        let turn = catch_unwind(AssertUnwindSafe(|| loan.life.turn(space)));
        match turn.unwrap_or(Turn::Back(Left::Panicked)) {
            Turn::Quiet => {}
            Turn::More => self.is_due(key),
            Turn::Back(left) => self.give_back(key, left),
        }
    }

    /// Gives back who has been silent, and all if they have been few for a while.
    fn look(&mut self) {
        let now = Instant::now();
        if now < self.look_at {
            return;
        }
        self.look_at = now + SILENCE;
        let few = self.loans.len() < FEW;
        let all = mem::replace(&mut self.few, few) && few;
        self.give_back_if(|loan| !mem::take(&mut loan.heard) || all);
    }

    fn give_back_if(&mut self, mut is_done: impl FnMut(&mut Loan) -> bool) {
        let done = self.loans.iter_mut().filter_map(|(key, loan)| is_done(loan).then_some(*key));
        let done: Vec<usize> = done.collect();
        for key in done {
            self.give_back(key, Left::Quiet);
        }
    }

    fn give_back(&mut self, key: usize, left: Left) {
        if let Some(loan) = self.loans.remove(&key) {
            self.shared.give_back(loan, left);
        }
    }
}
