//! Hides compression from tungstenite, which refuses frames with RSV1: a compressed message becomes a binary one.

use super::Agreement;

/// A compressed message: what it is after decompression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compressed {
    Text,
    Binary,
}

const RSV1: u8 = 0x40;
const TEXT: u8 = 1;
const BINARY: u8 = 2;

/// Changes frames while they are read. It remembers only one message, so no read goes beyond the end of a frame.
#[derive(Debug, Default)]
pub(crate) struct Unmarker {
    /// The first bytes of a frame's header, and how many are known.
    header: [u8; 14],
    known: usize,
    /// The bytes of the payload that have not been read.
    payload: u64,
    message: Option<Compressed>,
}

impl Unmarker {
    pub(crate) fn new(_agreement: Agreement) -> Self {
        Self::default()
    }

    /// How many bytes the next read may have, at most.
    pub(crate) fn next_read(&self) -> usize {
        match self.payload {
            0 => self.header_size() - self.known,
            left => usize::try_from(left).unwrap_or(usize::MAX),
        }
    }

    /// The size of the header, as far as it is known (RFC 6455 5.2).
    fn header_size(&self) -> usize {
        let length = match self.header[1] & 0x7f {
            _ if self.known < 2 => return 2,
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + length + if self.header[1] & 0x80 == 0 { 0 } else { 4 }
    }

    /// Changes bytes that were read.
    pub(crate) fn change(&mut self, bytes: &mut [u8]) {
        if self.payload > 0 {
            self.payload -= bytes.len() as u64;
            return;
        }
        if let (0, [first, ..]) = (self.known, &mut *bytes) {
            self.begin(first);
        }
        self.header[self.known..][..bytes.len()].copy_from_slice(bytes);
        self.known += bytes.len();
        if self.known == self.header_size() {
            self.known = 0;
            self.payload = match (self.header[1] & 0x7f, self.header) {
                (126, [_, _, a, b, ..]) => u16::from_be_bytes([a, b]).into(),
                (127, [_, _, a, b, c, d, e, f, g, h, ..]) => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
                (length, _) => length.into(),
            };
        }
    }

    /// Only the first frame of a message may have RSV1 (RFC 7692 6.1). Elsewhere it stays, and tungstenite refuses it.
    fn begin(&mut self, first: &mut u8) {
        let opcode = *first & 0x0f;
        if matches!(opcode, TEXT | BINARY) {
            self.message = None;
            if *first & RSV1 != 0 {
                self.message = Some(if opcode == TEXT { Compressed::Text } else { Compressed::Binary });
                *first = *first & !RSV1 & !opcode | BINARY;
            }
        }
    }

    /// Whether the message that is complete now was compressed.
    pub(crate) fn message(&self) -> Option<Compressed> {
        self.message
    }
}
