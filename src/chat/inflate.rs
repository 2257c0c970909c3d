//! Decompresses the files of the page (RFC 1951), for the few clients that do not accept gzip. A crate would add 13 KiB.

use std::iter::repeat_n;

/// The bits of a stream: the lowest bit of a byte comes first.
struct Bits<'a> {
    bytes: &'a [u8],
    /// How many bits were read.
    read: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<usize> {
        let mut value = 0;
        for place in 0..count {
            let byte = *self.bytes.get(self.read / 8)?;
            value |= usize::from(byte >> (self.read % 8) & 1) << place;
            self.read += 1;
        }
        Some(value)
    }
}

/// A Huffman code (RFC 1951 3.2.2).
struct Code {
    /// How many symbols have codes of this length.
    counts: [usize; 16],
    /// The symbols in the order of their codes.
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[usize]) -> Self {
        let with_length = |length| (0..lengths.len()).filter(move |symbol| lengths[*symbol] == length);
        let counts = std::array::from_fn(|length| if length == 0 { 0 } else { with_length(length).count() });
        Self { counts, symbols: (1..16).flat_map(with_length).collect() }
    }

    fn read(&self, bits: &mut Bits<'_>) -> Option<usize> {
        // The first code of each length follows the last one of the length before.
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in &self.counts[1..] {
            code = code << 1 | bits.take(1)?;
            first <<= 1;
            if code < first + count {
                return self.symbols.get(index + code - first).copied();
            }
            (first, index) = (first + count, index + count);
        }
        None
    }
}

/// The content of a compressed stream; `None` if it is invalid, or has blocks that are not compressed.
pub(super) fn inflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut bits, mut content) = (Bits { bytes, read: 0 }, Vec::new());
    loop {
        let is_last = bits.take(1)? == 1;
        let (literals, distances) = match bits.take(2)? {
            1 => fixed_codes(),
            2 => dynamic_codes(&mut bits)?,
            _ => return None,
        };
        loop {
            match literals.read(&mut bits)? {
                literal @ 0..=255 => content.push(literal as u8),
                256 => break,
                symbol => {
                    let length = 3 + if symbol == 285 { 255 } else { with_extra_bits(symbol - 257, 4, &mut bits)? };
                    let distance = 1 + with_extra_bits(distances.read(&mut bits)?, 2, &mut bits)?;
                    for from in (content.len().checked_sub(distance)?..).take(length) {
                        content.push(content[from]);
                    }
                }
            }
        }
        if is_last {
            return Some(content);
        }
    }
}

/// A length or distance (RFC 1951 3.2.5): each group of `group` symbols has one more bit than the group before.
fn with_extra_bits(symbol: usize, group: usize, bits: &mut Bits<'_>) -> Option<usize> {
    match (symbol / group).checked_sub(1) {
        None => Some(symbol),
        Some(extra) => Some(((group + symbol % group) << extra) + bits.take(extra)?),
    }
}

/// RFC 1951 3.2.6.
fn fixed_codes() -> (Code, Code) {
    let lengths = [(8, 144), (9, 112), (7, 24), (8, 8)].into_iter().flat_map(|(length, count)| repeat_n(length, count));
    (Code::new(&lengths.collect::<Vec<_>>()), Code::new(&[5; 30]))
}

/// RFC 1951 3.2.7.
fn dynamic_codes(bits: &mut Bits<'_>) -> Option<(Code, Code)> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let (literals, distances, lengths) = (257 + bits.take(5)?, 1 + bits.take(5)?, 4 + bits.take(4)?);
    let mut code = [0; 19];
    for symbol in ORDER.iter().take(lengths) {
        code[*symbol] = bits.take(3)?;
    }
    let (code, mut lengths) = (Code::new(&code), Vec::new());
    while lengths.len() < literals + distances {
        let (length, count) = match code.read(bits)? {
            16 => (*lengths.last()?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length, 1),
        };
        lengths.extend(repeat_n(length, count));
    }
    let (literals, distances) = lengths.split_at(literals);
    Some((Code::new(literals), Code::new(distances)))
}
