//! Hides compression from tungstenite, which refuses frames with RSV1: a compressed message becomes a binary one.

use std::io::Cursor;
use tungstenite::protocol::frame::{FrameHeader, coding::Data};

const RSV1: u8 = 0x40;
const TEXT: u8 = 1;
const BINARY: u8 = 2;

/// Changes frames while they are read. It remembers only one message, so no read goes beyond the end of a frame.
#[derive(Debug, Default)]
pub(crate) struct Unmarker {
    /// The first bytes of a frame's header, which end with the last byte that is needed to parse it.
    header: Vec<u8>,
    /// The bytes of the payload that have not been read.
    payload: u64,
    /// What the last message is after decompression, if it is compressed.
    pub(crate) compressed: Option<Data>,
}

impl Unmarker {
    /// How many bytes the next read may have, at most: headers are read byte by byte.
    pub(crate) fn next_read(&self) -> usize {
        usize::try_from(self.payload.max(1)).unwrap_or(usize::MAX)
    }

    /// Changes bytes that were read.
    pub(crate) fn change(&mut self, bytes: &mut [u8]) {
        if self.payload > 0 {
            self.payload -= bytes.len() as u64;
            return;
        }
        if let (true, [first, ..]) = (self.header.is_empty(), &mut *bytes) {
            let opcode = *first & 0x0f;
            // Only the first frame of a message may have RSV1 (RFC 7692 6.1). Elsewhere it stays, and tungstenite refuses it.
            if matches!(opcode, TEXT | BINARY) {
                self.compressed = None;
                if *first & RSV1 != 0 {
                    self.compressed = Some(if opcode == TEXT { Data::Text } else { Data::Binary });
                    *first = *first & !RSV1 & !opcode | BINARY;
                }
            }
        }
        self.header.extend_from_slice(bytes);
        // tungstenite fails at the same header as this.
        if let Ok(Some((_, length))) = FrameHeader::parse(&mut Cursor::new(&self.header)) {
            self.header.clear();
            self.payload = length;
        }
    }
}
