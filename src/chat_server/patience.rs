//! How long a batch waits for more before it is sent.
//!
//! Owns a guess, learned from how the last waits went. Sending a batch costs one write for each member, so that two
//! small batches cost twice what one larger one does. Where many talk at once, the rest of them is just about to say
//! something, and a moment's wait pays; where one talks, it never does, and is given up.

use std::time::Duration;

/// The wait. Long enough for what is on its way between two processes, far below what a person notices.
pub(super) const MOMENT: Duration = Duration::from_micros(30);

/// After as many waits in vain as this, none for a while.
const MOST_DOUBT: u32 = 6;

/// Whether the next wait is likely to pay.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// Doubles the batches between two tries with each wait in vain.
    doubt: u32,
    /// Batches that will not wait.
    skip: u32,
}

impl Patience {
    /// Should this batch wait?
    pub(super) fn try_it(&mut self) -> bool {
        let now = self.skip == 0;
        self.skip = self.skip.saturating_sub(1);
        now
    }

    /// It did wait: did anything more come?
    pub(super) fn learn(&mut self, paid: bool) {
        self.doubt = if paid { self.doubt.saturating_sub(2) } else { (self.doubt + 1).min(MOST_DOUBT) };
        self.skip = (1 << self.doubt) - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(patience: &mut Patience, batches: usize, paid: bool) -> usize {
        let mut count = 0;
        for _ in 0..batches {
            if patience.try_it() {
                count += 1;
                patience.learn(paid);
            }
        }
        count
    }

    #[test]
    fn waits_in_vain_are_given_up_and_taken_up_again_when_they_pay() {
        let mut patience = Patience::default();
        assert_eq!(waits(&mut patience, 1000, true), 1000);
        assert!(waits(&mut patience, 6400, false) < 120);
        assert!(waits(&mut patience, 1000, true) > 900);
    }
}
