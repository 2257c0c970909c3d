//! How long a batch waits for more.
//!
//! Owns a guess, learned from how the last waits went. Sending a batch costs one write for each member, so that two
//! small batches cost twice what one larger one does. Where many talk at once, and this batch has fewer of them than
//! batches had lately, the rest is just about to say something: a moment's wait pays. Where one talks, it never does, and
//! is given up. The same holds for the relay, which is woken once for all that it reads at once. Knows neither
//! messages nor sockets, and does not wait itself.

use std::time::Duration;

/// The wait, to which Linux adds its timer slack of 50 microseconds. Long enough for what is on its way between two
/// processes, far below what a person notices.
pub(crate) const MOMENT: Duration = Duration::from_micros(60);

/// After as many waits in vain as this, none for a while.
const MOST_DOUBT: u32 = 6;

/// How slowly the size of the largest batch is forgotten: by one part in so many with each batch.
const MEMORY: usize = 64;

/// Whether the next wait is likely to pay.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    /// Doubles the batches between two tries with each wait in vain.
    doubt: u32,
    /// Batches that will not wait.
    skip: u32,
    /// Events in the largest batch of late, times [`MEMORY`].
    crowd: usize,
}

impl Patience {
    /// Should this batch, of so many events, wait?
    pub(crate) fn try_it(&mut self, size: usize) -> bool {
        if size * MEMORY + MEMORY / 2 >= self.crowd {
            return false;
        }
        let now = self.skip == 0;
        self.skip = self.skip.saturating_sub(1);
        now
    }

    /// It did wait: did anything more come?
    pub(crate) fn learn(&mut self, paid: bool) {
        self.doubt = if paid { self.doubt.saturating_sub(2) } else { (self.doubt + 1).min(MOST_DOUBT) };
        self.skip = (1 << self.doubt) - 1;
    }

    /// A batch of so many events is sent.
    pub(crate) fn sent(&mut self, size: usize) {
        self.crowd = (self.crowd - self.crowd / MEMORY).max(size * MEMORY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(patience: &mut Patience, batches: usize, paid: bool) -> usize {
        let mut count = 0;
        for batch in 0..batches {
            if patience.try_it(1) {
                count += 1;
                patience.learn(paid);
            }
            patience.sent(if batch % 10 == 0 { 16 } else { 1 });
        }
        count
    }

    #[test]
    fn waits_in_vain_are_given_up_and_taken_up_again_when_they_pay() {
        let mut patience = Patience::default();
        assert_eq!(waits(&mut patience, 1, true), 0, "nothing is known about the crowd yet");
        assert_eq!(waits(&mut patience, 1000, true), 1000);
        assert!(waits(&mut patience, 6400, false) < 120);
        assert!(waits(&mut patience, 1000, true) > 900);
    }

    #[test]
    fn a_batch_that_is_as_large_as_they_get_does_not_wait() {
        let mut patience = Patience::default();
        patience.sent(16);
        assert!(!patience.try_it(16) && patience.try_it(10));
        for _ in 0..500 {
            patience.sent(1);
        }
        assert!(!patience.try_it(1), "the crowd is forgotten");
    }
}
