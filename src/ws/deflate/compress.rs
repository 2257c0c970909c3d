//! Compresses messages, each of them alone.

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params as flags,
};
use std::io::Cursor;
use std::sync::{Mutex, OnceLock, PoisonError};
use tungstenite::protocol::frame::FrameHeader;

/// Level 1 takes half the time of level 6, and its output is 2% larger.
const LEVEL: i32 = 1;

/// Compressed messages refer to at most 2^N bytes before. Python's `websockets` does not accept more.
const WINDOW_BITS: u8 = 12;

/// The last four bytes of a compressed message, which are not sent (RFC 7692 7.2.1).
pub(super) const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// What this side may compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Compression {
    /// Messages with fewer bytes are sent as they are.
    threshold: usize,
}

impl Compression {
    /// `None` for a peer with a smaller window: its messages are not compressed, which is always allowed (RFC 7692 6).
    pub(super) fn new(threshold: usize, max_window_bits: Option<u8>) -> Option<Self> {
        let is_possible = max_window_bits.is_none_or(|bits| bits >= WINDOW_BITS);
        is_possible.then_some(Self { threshold: threshold.max(1) })
    }

    /// The payload of the compressed message. `None` if the message is short, or would not become shorter.
    pub(crate) fn compress(self, payload: &[u8]) -> Option<Vec<u8>> {
        (payload.len() >= self.threshold).then(|| compress(payload)).filter(|small| small.len() < payload.len())
    }
}

/// Frames of a broadcast after compression, made when the first peer needs them.
#[derive(Debug, Default, Clone)]
pub(crate) struct CompressedFrames(OnceLock<Vec<u8>>);

impl CompressedFrames {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The frames that correspond to these.
    pub(crate) fn get(&self, frames: &[u8], compression: Compression) -> &[u8] {
        self.0.get_or_init(|| compress_frames(frames, compression))
    }
}

/// What is not a complete frame stays as it is.
fn compress_frames(frames: &[u8], compression: Compression) -> Vec<u8> {
    let (mut compressed, mut rest) = (Vec::new(), frames);
    loop {
        let mut cursor = Cursor::new(rest);
        let Ok(Some((mut header, length))) = FrameHeader::parse(&mut cursor) else { break };
        let start = cursor.position() as usize;
        let Some(payload) = rest[start..].get(..length as usize) else { break };
        rest = &rest[start + payload.len()..];
        let small = compression.compress(payload);
        header.rsv1 = small.is_some();
        let payload = small.as_deref().unwrap_or(payload);
        // Writing to memory cannot fail.
        let _ = header.format(payload.len() as u64, &mut compressed);
        compressed.extend_from_slice(payload);
    }
    compressed.extend_from_slice(rest);
    compressed
}

fn compress(payload: &[u8]) -> Vec<u8> {
    // Making one takes as long as compressing 200 bytes. No other thread waits for it.
    static IDLE: Mutex<Option<Box<CompressorOxide>>> = Mutex::new(None);
    let idle = || IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    let taken = idle().take();
    let mut compressor = taken.unwrap_or_else(|| Box::new(CompressorOxide::new(flags(LEVEL, 0, 0))));
    let mut compressed = Vec::with_capacity(payload.len() / 2);
    // A full flush makes the compressor forget, so no part refers to another one, or to another message.
    for part in payload.chunks(1 << WINDOW_BITS) {
        compress_to_output(&mut compressor, part, TDEFLFlush::Full, |bytes| {
            compressed.extend_from_slice(bytes);
            true
        });
    }
    *idle() = Some(compressor);
    compressed.truncate(compressed.len().saturating_sub(TAIL.len()));
    compressed
}
