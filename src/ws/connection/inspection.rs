//! What a client that learns about WebSocket wants to see: the bytes that arrived, and bytes of its own in their place.
//!
//! Browsers hide frames, and do not send broken ones. A connection that nobody inspects has none of this.

use super::Connection;

/// Bytes that are kept, and bytes that are played, at most.
const MAX_INSPECTED: usize = 4096;

impl Connection {
    /// From now on, keeps the bytes that arrive, decrypted. Those of `play` are read before the next ones, as if they had
    /// arrived. Returns what was kept since the last call.
    pub(crate) fn inspect(&self, play: &[u8]) -> Vec<u8> {
        self.lock().as_mut().map(|state| state.stream.inspect(play)).unwrap_or_default()
    }
}

#[derive(Debug, Default)]
pub(super) struct Inspection {
    /// Without TLS and before any decoding. What does not fit is left out.
    received: Vec<u8>,
    /// Read before the next bytes that arrive.
    played: Vec<u8>,
}

impl Inspection {
    /// Plays these bytes. Returns what was received since the last call.
    pub(super) fn exchange(&mut self, play: &[u8]) -> Vec<u8> {
        let free = MAX_INSPECTED - self.played.len();
        self.played.extend_from_slice(&play[..play.len().min(free)]);
        std::mem::take(&mut self.received)
    }

    /// The next of the bytes to play, in place of received ones. 0: there are none.
    pub(super) fn read_played(&mut self, buffer: &mut [u8]) -> usize {
        let count = self.played.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.played[..count]);
        self.played.drain(..count);
        count
    }

    pub(super) fn record(&mut self, bytes: &[u8]) {
        let free = MAX_INSPECTED - self.received.len();
        self.received.extend_from_slice(&bytes[..bytes.len().min(free)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_kept_and_played_up_to_the_limit() {
        let mut inspection = Inspection::default();
        assert_eq!(inspection.exchange(b"hello"), b"");
        let mut buffer = [0; 3];
        for expected in [&b"hel"[..], b"lo", b""] {
            let count = inspection.read_played(&mut buffer);
            assert_eq!(&buffer[..count], expected);
        }
        inspection.record(b"abc");
        inspection.record(&[7; MAX_INSPECTED]);
        let received = inspection.exchange(&[0; MAX_INSPECTED + 1]);
        assert_eq!((received.len(), received.starts_with(b"abc\x07")), (MAX_INSPECTED, true));
        assert_eq!((inspection.exchange(b"x"), inspection.played.len()), (Vec::new(), MAX_INSPECTED));
    }
}
