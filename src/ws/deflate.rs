//! Compression of messages: the extension `permessage-deflate` (RFC 7692).
//!
//! Every message is compressed alone, without "context takeover". So a connection has no compressor, a broadcast is
//! compressed once for all peers, and a secret is never compressed together with another message.

mod compress;
mod inflate;
mod negotiate;
mod unmark;

pub(crate) use compress::{CompressedFrames, Compression};
pub(crate) use inflate::Inflater;
pub(crate) use unmark::{Compressed, Unmarker};

use std::{fmt, ops::RangeInclusive};

/// The settings of `permessage-deflate` (RFC 7692), the compression of messages.
///
/// Each message is compressed alone. One compressor of about 300 KiB serves the whole process, and a connection needs
/// less than 100 bytes. What is broadcast with [`Frames`](crate::Frames) is compressed once. A received message may have
/// [`max_message_size`](crate::Config::max_message_size) bytes after decompression. While it is decompressed, it is in memory
/// up to twice more.
///
/// ```
/// let mut deflate = chinwag::Deflate::default();
/// deflate.threshold = 1024;
/// let server = chinwag::Server::builder().deflate(deflate).listen("127.0.0.1:0")?.start()?;
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
    compression: Option<Compression>,
    /// The peer may refer to 2^N bytes of its earlier messages.
    context_bits: Option<u8>,
}

impl Agreement {
    /// What may be sent compressed.
    pub(crate) fn compression(self) -> Option<Compression> {
        self.compression
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parameters.fmt(f)
    }
}

#[cfg(test)]
mod tests;
