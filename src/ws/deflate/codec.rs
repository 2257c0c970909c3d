//! Compresses and decompresses messages.

use super::{Agreement, COMPRESSION_BITS};
use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params as flags,
};
use miniz_oxide::inflate::TINFLStatus::{Done, HasMoreOutput};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};
use std::{io::ErrorKind, mem};
use tungstenite::{Error, error::CapacityError};

/// A list of 300 users is 15 % smaller than with level 1, and takes as long: most of the time is for the compressor's memory.
const LEVEL: i32 = 5;

/// The last four bytes of a compressed message, which are not sent (RFC 7692 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// A final block without content. The decompressor reaches it only if the message before it is complete.
const END: [u8; 5] = [1, 0, 0, 0xff, 0xff];

impl Agreement {
    /// The payload of the compressed message. `None` if the message is short, or would not become shorter.
    pub(super) fn compress(&self, payload: &[u8]) -> Option<Vec<u8>> {
        let compressed = (payload.len() >= self.threshold).then(|| compress(payload));
        compressed.filter(|compressed| compressed.len() < payload.len())
    }

    /// The message with this compressed payload. `history` is the connection's, for messages that refer to earlier ones.
    ///
    /// # Errors
    /// The message has more than `max` bytes, or cannot be decompressed.
    #[inline(never)] // Its frame is not needed while the thread waits.
    pub(crate) fn decompress(&self, payload: &[u8], max: usize, history: &mut Vec<u8>) -> Result<Vec<u8>, Error> {
        // A compressor that remembers earlier messages may have nothing to add for an empty one.
        if payload.is_empty() {
            return Ok(Vec::new());
        }
        let input = [payload, &TAIL, &END].concat();
        let (mut input, mut output) = (input.as_slice(), mem::take(history));
        let (start, mut end) = (output.len(), output.len());
        let limit = start.saturating_add(max);
        output.resize(start.saturating_add(4 * payload.len()).min(limit), 0);
        let mut decompressor = Box::<DecompressorOxide>::default();
        loop {
            let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
            let (status, read, written) = decompress(&mut decompressor, input, &mut output, end, flags);
            (input, end) = (&input[read..], end + written);
            match status {
                Done if input.is_empty() => break,
                // Blocks may follow a final one (RFC 7692 7.2.1).
                Done => decompressor.init(),
                HasMoreOutput if output.len() < limit => output.resize((2 * output.len()).min(limit), 0),
                HasMoreOutput => return Err(CapacityError::MessageTooLong { size: max + 1, max_size: max }.into()),
                _ => return Err(Error::Io(ErrorKind::InvalidData.into())),
            }
        }
        output.truncate(end);
        if let Some(bits) = self.context_bits {
            *history = output[end.saturating_sub(1 << bits)..].to_vec();
        }
        output.drain(..start);
        Ok(output)
    }
}

/// The payload of a compressed message that refers to no earlier one.
fn compress(payload: &[u8]) -> Vec<u8> {
    let mut compressor = Box::new(CompressorOxide::new(flags(LEVEL, 0, 0)));
    let mut compressed = Vec::with_capacity(payload.len() / 2);
    // A full flush makes the compressor forget, so no part refers to one that is too far away.
    for part in payload.chunks(1 << COMPRESSION_BITS) {
        compress_to_output(&mut compressor, part, TDEFLFlush::Full, |bytes| {
            compressed.extend_from_slice(bytes);
            true
        });
    }
    compressed.truncate(compressed.len().saturating_sub(TAIL.len()));
    compressed
}
