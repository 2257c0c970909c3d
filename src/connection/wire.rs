//! The adapter between bytes that came, bytes to go, and tungstenite, which thinks it has a stream.
//!
//! Owns nothing. Never blocks: with no more input it says `WouldBlock`, and output is appended to memory.

use std::io::{ErrorKind, Read, Result, Write};

/// A "stream" for one call of tungstenite: reads what arrived, writes to the outbox.
pub(super) struct Wire<'a, 'b> {
    /// What arrived and was not yet taken.
    pub(super) input: &'a mut &'b [u8],
    /// Where Pongs and Close frames go.
    pub(super) output: &'a mut Vec<u8>,
}

impl Read for Wire<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.input.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.input.read(buffer)
    }
}

impl Write for Wire<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.output.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
