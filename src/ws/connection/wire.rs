//! The adapter between bytes that came, bytes to go, and tungstenite, which thinks it has a stream.
//!
//! Owns nothing. Never blocks: with no more input it says `WouldBlock`, and output is appended to memory. With TLS, both
//! are ciphertext, and pass through the session.

use crate::ws::tls::Session;
use std::io::{ErrorKind, Read, Result, Write};

/// A "stream" for one call of tungstenite: reads what arrived, writes to the outbox.
pub(super) struct Wire<'a, 'b> {
    /// What arrived and was not yet taken; none for calls that only write.
    pub(super) input: Option<&'a mut &'b [u8]>,
    /// Where frames go.
    pub(super) output: &'a mut Vec<u8>,
    /// With TLS.
    pub(super) session: Option<&'a mut Session>,
}

impl Read for Wire<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        match (&mut self.input, &mut self.session) {
            (Some(input), Some(session)) => match session.read(input, buffer)? {
                // A proper end, but of TLS only: no Close frame came.
                0 => Err(ErrorKind::UnexpectedEof.into()),
                count => Ok(count),
            },
            (Some(input), None) if !input.is_empty() => input.read(buffer),
            _ => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl Write for Wire<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        match &mut self.session {
            Some(session) => session.write(bytes, self.output),
            None => self.output.extend_from_slice(bytes),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
