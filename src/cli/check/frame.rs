//! Frames as bytes (RFC 6455 5.2).

pub(super) const FIN: u8 = 0x80;
pub(super) const CLOSE: u8 = 8;
pub(super) const PONG: u8 = 10;

/// The same for all frames, so that a report can be repeated.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame as clients send it. `first` has FIN, the reserved bits and the opcode.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = unmasked(first, payload);
    let head = bytes.len() - payload.len();
    bytes[1] |= 0x80;
    for (byte, key) in bytes[head..].iter_mut().zip(MASK.iter().cycle()) {
        *byte ^= key;
    }
    bytes.splice(head..head, MASK);
    bytes
}

/// A frame as servers send it.
pub(super) fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        small @ ..126 => bytes.push(small as u8),
        medium @ ..65536 => bytes.extend([&[126], &(medium as u16).to_be_bytes()[..]].concat()),
        large => bytes.extend([&[127], &(large as u64).to_be_bytes()[..]].concat()),
    }
    bytes.extend(payload);
    bytes
}

/// A frame from the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) first: u8,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    pub(super) fn opcode(&self) -> u8 {
        self.first & 0x0f
    }

    pub(super) fn is_final(&self) -> bool {
        self.first & FIN != 0
    }

    /// The code of a Close. `None` if it has none.
    pub(super) fn code(&self) -> Option<u16> {
        self.payload.first_chunk().map(|code| u16::from_be_bytes(*code))
    }
}

/// Takes the first frame out of `bytes`. `None` if it is not complete.
///
/// # Errors
/// What a server must not send.
pub(super) fn take(bytes: &mut Vec<u8>) -> Result<Option<Frame>, &'static str> {
    let [first, length, ..] = **bytes else { return Ok(None) };
    if first & 0x70 != 0 {
        return Err("it sent a frame with a reserved bit");
    }
    if length & 0x80 != 0 {
        return Err("it sent a frame with a mask");
    }
    let (head, length) = match (length, bytes.get(2..4), bytes.get(2..10)) {
        (..126, ..) => (2, u64::from(length)),
        (126, Some(length), _) => (4, u64::from(u16::from_be_bytes([length[0], length[1]]))),
        (127, _, Some(length)) => (10, length.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))),
        _ => return Ok(None),
    };
    let end = usize::try_from(length).ok().and_then(|length| length.checked_add(head));
    let end = end.ok_or("it sent a frame of an impossible length")?;
    if bytes.len() < end {
        return Ok(None);
    }
    let payload = bytes[head..end].to_vec();
    bytes.drain(..end);
    Ok(Some(Frame { first, payload }))
}
