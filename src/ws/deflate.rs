//! Compression of messages: the extension `permessage-deflate` (RFC 7692).
//!
//! Every message is compressed alone, without "context takeover". So a connection has no compressor, a broadcast is
//! compressed once for all peers, and a secret is never compressed together with another message.

#![cfg_attr(not(feature = "deflate"), allow(dead_code, unreachable_pub))] // No connection agrees on compression then.

#[cfg(feature = "deflate")]
mod compress;
mod inflate;
mod negotiate;
mod unmark;

pub(crate) use inflate::Inflater;
pub(crate) use unmark::{Compressed, Unmarker};

use std::{fmt, io::Cursor, ops::RangeInclusive};
use tungstenite::protocol::frame::FrameHeader;

/// The settings of `permessage-deflate` (RFC 7692), the compression of messages.
///
/// Each message is compressed alone. A compressor of about 300 KiB exists while a message is compressed, and a connection needs
/// less than 100 bytes. What is broadcast with [`Frames`](crate::Frames) is compressed once. A received message may have
/// [`max_message_size`](crate::Config::max_message_size) bytes after decompression. While it is decompressed, it is in memory
/// up to twice more.
///
/// ```
/// # #[cfg(feature = "deflate")] {
/// let mut deflate = chinwag::Deflate::default();
/// deflate.threshold = 1024;
/// let server = chinwag::Server::builder().deflate(deflate).listen("127.0.0.1:0")?.start()?;
/// # }
/// # Ok::<(), chinwag::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deflate {
    /// Messages with fewer bytes are sent as they are. 256.
    pub threshold: usize,
    /// Lets the peer refer to its earlier messages ("context takeover"). They compress better, but each connection that receives
    /// compressed messages keeps the last 2^N bytes of them in memory: 512 bytes for 9, 32 KiB for 15. None: no memory.
    pub context_bits: Option<u8>,
}

impl Default for Deflate {
    fn default() -> Self {
        Self { threshold: 256, context_bits: None }
    }
}

/// The window sizes that zlib, and so most peers, can use.
const WINDOW_BITS: RangeInclusive<u8> = 9..=15;

impl Deflate {
    /// The [`Agreement::threshold`] for a peer with a window of at most that size.
    fn threshold_for(self, max_window_bits: Option<u8>) -> usize {
        let is_possible = max_window_bits.is_none_or(|bits| bits >= COMPRESSION_BITS);
        if is_possible { self.threshold.max(1) } else { usize::MAX }
    }

    /// The nearest value that can work.
    fn context_bits(self) -> Option<u8> {
        self.context_bits.map(|bits| bits.clamp(*WINDOW_BITS.start(), *WINDOW_BITS.end()))
    }
}

/// The parameters of an offer or a response (RFC 7692 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// In an offer, the value may be absent.
    client_max_window_bits: Option<Option<u8>>,
}

/// Prints an element of `Sec-WebSocket-Extensions`.
impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("permessage-deflate")?;
        if self.server_no_context_takeover {
            f.write_str("; server_no_context_takeover")?;
        }
        if self.client_no_context_takeover {
            f.write_str("; client_no_context_takeover")?;
        }
        if let Some(bits) = self.server_max_window_bits {
            write!(f, "; server_max_window_bits={bits}")?;
        }
        match self.client_max_window_bits {
            Some(Some(bits)) => write!(f, "; client_max_window_bits={bits}"),
            Some(None) => f.write_str("; client_max_window_bits"),
            None => Ok(()),
        }
    }
}

/// What the handshake agreed on. Prints as the response's element of `Sec-WebSocket-Extensions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreement {
    parameters: Parameters,
    /// Messages with fewer bytes are sent as they are. `usize::MAX` for a peer with a smaller window than that of this side's
    /// compressor: not to compress is always allowed (RFC 7692 6).
    threshold: usize,
    /// The peer may refer to 2^N bytes of its earlier messages.
    context_bits: Option<u8>,
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parameters.fmt(f)
    }
}

/// Compressed messages refer to at most 2^N bytes before. Python's `websockets` does not accept more.
const COMPRESSION_BITS: u8 = 12;

impl Agreement {
    /// Whether messages to the peer may be compressed.
    pub(crate) fn compresses(self) -> bool {
        self.threshold < usize::MAX
    }

    /// The payload of the compressed message. `None` if the message is short, or would not become shorter.
    #[cfg_attr(not(feature = "deflate"), expect(unused_variables))]
    pub(crate) fn compress(self, payload: &[u8]) -> Option<Vec<u8>> {
        #[cfg(not(feature = "deflate"))]
        return None;
        #[cfg(feature = "deflate")]
        (payload.len() >= self.threshold)
            .then(|| compress::compress(payload))
            .filter(|small| small.len() < payload.len())
    }

    /// A broadcast's frames, each compressed if it becomes shorter. What is not a complete frame stays as it is.
    pub(crate) fn compress_frames(self, frames: &[u8]) -> Vec<u8> {
        let (mut compressed, mut rest) = (Vec::new(), frames);
        loop {
            let mut cursor = Cursor::new(rest);
            let Ok(Some((mut header, length))) = FrameHeader::parse(&mut cursor) else { break };
            let start = cursor.position() as usize;
            let Some(payload) = rest[start..].get(..length as usize) else { break };
            rest = &rest[start + payload.len()..];
            let small = self.compress(payload);
            header.rsv1 = small.is_some();
            let payload = small.as_deref().unwrap_or(payload);
            // Writing to memory cannot fail.
            let _ = header.format(payload.len() as u64, &mut compressed);
            compressed.extend_from_slice(payload);
        }
        compressed.extend_from_slice(rest);
        compressed
    }
}

#[cfg(all(test, feature = "deflate"))]
mod tests;
