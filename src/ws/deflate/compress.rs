//! Compresses messages, each of them alone.

use super::{COMPRESSION_BITS, inflate::TAIL};
use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params as flags,
};

/// Level 1 takes half the time of level 6, and its output is 2% larger.
const LEVEL: i32 = 1;

pub(super) fn compress(payload: &[u8]) -> Vec<u8> {
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
