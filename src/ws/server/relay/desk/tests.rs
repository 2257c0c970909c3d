//! The desk, with the test's own thread as the relay's.

use super::{super::Place, *};
use crate::{ws::config::Config, ws::server::life::tests::life};
use mio::Waker;
use std::sync::Mutex;

/// Someone who is lent in the very moment that is waited for others would not be seen for as long as those are silent, and never
/// if they go.
#[test]
fn newcomers_are_seen_when_they_come_while_it_waits_for_more() {
    let poll = Poll::new().expect("a descriptor");
    let waker = Waker::new(poll.registry(), WAKE).expect("a descriptor");
    let shared = Arc::new(Shared { waker, book: Mutex::default() });
    let mut desk = Desk::new(poll, Arc::clone(&shared));
    let (mut events, mut space) = (Events::with_capacity(8), [0; SPACE]);
    let lives = [(); 2].map(|()| life(Config::default()));
    let lend = |life| {
        let loan = Loan { life, place: Arc::new(Place::default()), due: false, heard: true };
        shared.book().new.push(loan);
        shared.wake();
    };
    let [(one, _client, _server), (other, _other_client, _other_server)] = lives;
    lend(one);
    desk.round(&mut events, &mut space).expect("it can wait");
    assert_eq!(desk.lent, 1);

    // More than one are expected, one is there: a moment is waited.
    desk.patience.sent(16);
    desk.is_due(0);
    lend(other);
    desk.gather(&mut events).expect("it can wait");
    assert_eq!(desk.lent, 2);
}
