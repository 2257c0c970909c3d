//! Who comes too often: with wrong access tokens, or with new WebSockets.
//!
//! Owns what each costs an address in time, and what it hears when that is too much. How time is counted is `pace`'s.

use super::{Kind, Newcomer, Response};
use crate::ws::handshake;
use std::time::{Duration, Instant};

impl Newcomer<'_> {
    /// For one that offers a token: who guesses is not heard, right or wrong.
    pub(super) fn check_guesses(&self) -> Result<(), Response> {
        let (shared, pause) = (self.shared, self.shared.config.wrong_token_delay);
        if !shared.guesses.too_many(self.addr.ip(), pause, Instant::now()) {
            return Ok(());
        }
        self.note(Kind::Tokens, format_args!("429, too many wrong access tokens"));
        Err(handshake::too_many_tokens())
    }

    /// Its token was wrong: the answer waits its turn among those for this address. It is in no handshake meanwhile.
    pub(super) fn wait_for_turn(&mut self) {
        let (shared, pause) = (self.shared, self.shared.config.wrong_token_delay);
        self.seat.settle();
        shared.guests.sit_down(self.id, self.stream);
        shared.guests.wait(shared.guesses.one_more(self.addr.ip(), pause, Instant::now()));
    }

    /// As many as may be open at once from one address may be opened in ten seconds: who closes and opens again and again
    /// gains nothing by it.
    pub(super) fn check_openings(&self) -> Result<(), Response> {
        let (ip, most) = (self.addr.ip(), self.shared.config.max_connections_per_address);
        if most == 0 || ip.to_canonical().is_loopback() {
            return Ok(());
        }
        let pause = Duration::from_secs(10) / u32::try_from(most).unwrap_or(u32::MAX);
        let (opened, now) = (&self.shared.opened, Instant::now());
        if opened.too_many(ip, pause, now) {
            let ledger = &self.shared.ledger;
            ledger
                .note(Kind::Address, format_args!("turned {} away with 503: it opens WebSockets too often", self.addr));
            return Err(handshake::server_full());
        }
        opened.one_more(ip, pause, now);
        Ok(())
    }
}
