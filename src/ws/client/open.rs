//! Clients that wait for messages in place of events: one connection, or one after the other.

use super::{Error, builder::Builder, run::dial_and_shake_hands};
use crate::ws::{peer::Peer, websocket::WebSocket};
use crossbeam_channel::bounded;
use std::{
    hash::{BuildHasher, RandomState},
    iter, thread,
    time::{Duration, Instant},
};

/// The pause before a connection is tried again. It doubles with each attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// After a connection that lasted so long, the pauses begin anew.
const STABLE: Duration = Duration::from_secs(10);

impl Builder {
    /// Connects, and waits until the WebSocket is open. It has no events and no thread of its own: its user reads.
    ///
    /// ```
    /// # use chinwag::{Server, client};
    /// # let server = Server::builder().listen("127.0.0.1:0")?.serve(|ws| ws.recv().into_iter().for_each(|m| _ = ws.send(m)))?;
    /// # let url = format!("ws://{}/", server.local_addrs()[0]);
    /// let ws = client::WebSocket::builder(&url).open()?;
    /// ws.send("hello");
    /// assert_eq!(ws.recv()?, "hello".into());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Builder::connect`], and what [`Event::Error`](super::Event::Error) would report.
    pub fn open(mut self) -> Result<WebSocket, Error> {
        let target = self.check()?;
        let (_cancel, cancelled) = bounded(0);
        let (connection, reader) = dial_and_shake_hands(&target, &self, &cancelled, |_| Ok(()))?;
        Ok(WebSocket::new(Peer::new(connection), reader, None))
    }

    /// As [`Builder::open`], again and again: after each end of a connection, and after each failure. Between two attempts is a
    /// pause of up to 250 ms, which doubles up to 30 s and begins anew after a connection that lasted 10 s. What is sent while
    /// there is no connection is lost.
    ///
    /// ```no_run
    /// use chinwag::client::WebSocket;
    ///
    /// for connection in WebSocket::builder("ws://localhost:9000/").reconnecting()? {
    ///     match connection {
    ///         Ok(ws) => ws.iter().for_each(|message| println!("{message:?}")),
    ///         Err(error) => eprintln!("{error}"),
    ///     }
    /// }
    /// # Ok::<(), chinwag::client::Error>(())
    /// ```
    ///
    /// # Errors
    /// A setting is invalid, as in [`Builder::connect`].
    pub fn reconnecting(mut self) -> Result<impl Iterator<Item = Result<WebSocket, Error>>, Error> {
        self.check()?;
        let (mut pause, mut opened_at) = (Duration::ZERO, None::<Instant>);
        Ok(iter::from_fn(move || {
            if opened_at.take().is_some_and(|at| at.elapsed() >= STABLE) {
                pause = FIRST_PAUSE;
            }
            // Not all clients of a server that was restarted return at once.
            let random = u32::try_from(RandomState::new().hash_one(()) % 1000).unwrap_or(0);
            thread::sleep(pause / 2 + pause / 2 * random / 1000);
            pause = (2 * pause).clamp(FIRST_PAUSE, LONGEST_PAUSE);
            let outcome = self.clone().open();
            opened_at = outcome.is_ok().then(Instant::now);
            Some(outcome)
        }))
    }
}
