//! Compression of messages: the extension `permessage-deflate` (RFC 7692).
//!
//! Every message is compressed alone, without "context takeover". So a connection has no compressor, a broadcast is
//! compressed once for all peers, and a secret is never compressed together with another message.

#![cfg_attr(not(feature = "deflate"), allow(dead_code, unreachable_pub))] // No connection agrees on compression then.

#[cfg(feature = "deflate")]
mod codec;
mod negotiate;
mod unmark;

pub(crate) use unmark::Unmarker;

use crate::ws::config::settings;
use std::{io::Cursor, iter, sync::Arc};
use tungstenite::protocol::frame::FrameHeader;

settings! {
    /// The settings of `permessage-deflate` (RFC 7692), the compression of messages.
    ///
    /// Each message is compressed alone. A compressor of about 300 KiB exists while a message is compressed, and a connection
    /// needs less than 100 bytes. What is broadcast with [`Frames`](crate::Frames) is compressed once. A received message may have
    /// [`max_message_size`](crate::Config::max_message_size) bytes after decompression. While it is decompressed, it is in memory
    /// up to twice more.
    ///
    /// ```
    /// # #[cfg(feature = "deflate")] {
    /// let mut deflate = chinwag::Deflate::default();
    /// deflate.threshold = 1024;
    /// let server = chinwag::Server::builder().deflate(deflate).listen("127.0.0.1:0")?.start()?;
    ///
    /// let url = format!("ws://{}/", server.local_addrs()[0]);
    /// let client = chinwag::client::WebSocket::builder(&url).deflate(deflate).open()?;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Deflate {
        /// Messages with fewer bytes are sent as they are. 256.
        pub threshold: usize = 256,
        /// Lets the peer refer to its earlier messages ("context takeover"). They compress better, but each connection that
        /// receives compressed messages keeps the last 2^N bytes of them in memory: 512 bytes for 9, 32 KiB for 15. None: no
        /// memory.
        pub context_bits: Option<u8> = None,
    }
}

impl Deflate {
    /// The [`Agreement::threshold`] for a peer with a window of at most that size.
    fn threshold_for(self, max_window_bits: Option<u8>) -> usize {
        let is_possible = max_window_bits.is_none_or(|bits| bits >= COMPRESSION_BITS);
        if is_possible { self.threshold.max(1) } else { usize::MAX }
    }

    /// The nearest value that can work: zlib, and so most peers, can use these window sizes.
    fn context_bits(self) -> Option<u8> {
        self.context_bits.map(|bits| bits.clamp(9, 15))
    }
}

/// What the handshake agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Agreement {
    /// The response's element of `Sec-WebSocket-Extensions`.
    pub(crate) response: Arc<str>,
    /// Messages with fewer bytes are sent as they are. `usize::MAX` for a peer with a smaller window than that of this side's
    /// compressor: not to compress is always allowed (RFC 7692 6).
    pub(crate) threshold: usize,
    /// The peer may refer to 2^N bytes of its earlier messages.
    context_bits: Option<u8>,
}

/// Compressed messages refer to at most 2^N bytes before. Python's `websockets` does not accept more.
const COMPRESSION_BITS: u8 = 12;

impl Agreement {
    /// A broadcast's frames, each compressed if it becomes shorter.
    pub(crate) fn compress_frames(&self, frames: &[u8]) -> Vec<u8> {
        let mut compressed = Vec::new();
        for (mut header, payload) in encoded_frames(frames) {
            let small = self.compress(payload);
            header.rsv1 = small.is_some();
            let payload = small.as_deref().unwrap_or(payload);
            // Writing to memory cannot fail.
            let _ = header.format(payload.len() as u64, &mut compressed);
            compressed.extend_from_slice(payload);
        }
        compressed
    }
}

/// No connection agrees on compression.
#[cfg(not(feature = "deflate"))]
impl Agreement {
    fn compress(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    pub(crate) fn decompress(&self, _: &[u8], _: usize, _: &mut Vec<u8>) -> Result<Vec<u8>, tungstenite::Error> {
        Err(tungstenite::Error::Io(std::io::ErrorKind::InvalidData.into()))
    }
}

/// The frames of a server in these bytes: headers and payloads.
pub(crate) fn encoded_frames(mut bytes: &[u8]) -> impl Iterator<Item = (FrameHeader, &[u8])> {
    iter::from_fn(move || {
        let mut cursor = Cursor::new(bytes);
        let (header, length) = FrameHeader::parse(&mut cursor).ok()??;
        let (payload, rest) = bytes[cursor.position() as usize..].split_at_checked(length as usize)?;
        bytes = rest;
        Some((header, payload))
    })
}

#[cfg(all(test, feature = "deflate"))]
mod tests;
