//! Unpacks gzip (RFC 1951 and 1952): the page is stored packed, and not every client takes that.
//!
//! Owns the coding. Knows no page and no HTTP. It is small and not fast, and meant for what `build.rs` packed: nothing
//! that comes from elsewhere is given to it.

/// Before the packed bytes, where there is no name in it (RFC 1952 2.3).
const HEADER: usize = 10;

/// How many codes there are for literals and lengths at most (RFC 1951 3.2.5).
const LITERALS: usize = 288;

/// The code that ends a block; those above it are lengths.
const END: usize = 256;

/// In which order a block tells the lengths of the codes that tell lengths (RFC 1951 3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// What was packed; `None` where it is not gzip as `build.rs` makes it. Its checksum is not looked at.
pub(crate) fn unpack(gzip: &[u8]) -> Option<Vec<u8>> {
    let mut bits = Bits { bytes: gzip.get(HEADER..)?, at: 0 };
    let mut out = Vec::with_capacity(4 * gzip.len());
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => stored(&mut bits, &mut out)?,
            1 => packed(&mut bits, &mut out, fixed())?,
            2 => {
                let codes = dynamic(&mut bits)?;
                packed(&mut bits, &mut out, codes)?;
            }
            _ => return None,
        }
        if last {
            return Some(out);
        }
    }
}

/// Reads bit by bit, from the lowest one of each byte on.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// A number of so many bits, its lowest one first.
    fn take(&mut self, count: usize) -> Option<usize> {
        let mut number = 0;
        for place in 0..count {
            let byte = *self.bytes.get(self.at / 8)?;
            number |= usize::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Some(number)
    }
}

/// A Huffman code: how many codes have each length, and the symbols in the order of their codes (RFC 1951 3.2.2).
struct Code {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Code {
    /// From the length of each symbol's code; 0: it has none.
    fn new(lengths: &[usize]) -> Self {
        let of_length = |wanted| (0..lengths.len()).filter(move |&symbol| lengths[symbol] == wanted);
        let mut counts = [0; 16];
        (1..16).for_each(|length| counts[length] = of_length(length).count());
        Self { counts, symbols: (1..16).flat_map(of_length).collect() }
    }

    fn symbol(&self, bits: &mut Bits<'_>) -> Option<usize> {
        // The first code of a length, and how many symbols have shorter ones.
        let (mut code, mut first, mut shorter) = (0, 0, 0);
        for count in &self.counts[1..] {
            code |= bits.take(1)?;
            if code < first + count {
                return self.symbols.get(shorter + code - first).copied();
            }
            shorter += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

/// The codes that every unpacker knows: of literals and lengths, and of distances (RFC 1951 3.2.6).
fn fixed() -> (Code, Code) {
    let mut literals = [8; LITERALS];
    literals[144..256].fill(9);
    literals[256..280].fill(7);
    (Code::new(&literals), Code::new(&[5; 30]))
}

/// The codes that a block brings along (RFC 1951 3.2.7).
fn dynamic(bits: &mut Bits<'_>) -> Option<(Code, Code)> {
    let (literals, distances, known) = (bits.take(5)? + 257, bits.take(5)? + 1, bits.take(4)? + 4);
    let mut lengths = [0; ORDER.len()];
    for &symbol in &ORDER[..known] {
        lengths[symbol] = bits.take(3)?;
    }
    let lengths = code_lengths(bits, &Code::new(&lengths), literals + distances)?;
    let (literals, distances) = lengths.split_at_checked(literals)?;
    Some((Code::new(literals), Code::new(distances)))
}

fn code_lengths(bits: &mut Bits<'_>, code: &Code, wanted: usize) -> Option<Vec<usize>> {
    let mut lengths = Vec::with_capacity(wanted);
    while lengths.len() < wanted {
        let (length, times) = match code.symbol(bits)? {
            16 => (*lengths.last()?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length, 1),
        };
        lengths.extend(std::iter::repeat_n(length, times));
    }
    Some(lengths)
}

/// From the next whole byte on: a length, the same inverted, and so many bytes (RFC 1951 3.2.4).
fn stored(bits: &mut Bits<'_>, out: &mut Vec<u8>) -> Option<()> {
    bits.at = bits.at.next_multiple_of(8);
    let (length, _) = (bits.take(16)?, bits.take(16)?);
    let from = bits.at / 8;
    out.extend_from_slice(bits.bytes.get(from..from + length)?);
    bits.at += 8 * length;
    Some(())
}

/// Literals, and copies of what came before.
fn packed(bits: &mut Bits<'_>, out: &mut Vec<u8>, (literals, distances): (Code, Code)) -> Option<()> {
    loop {
        let symbol = literals.symbol(bits)?;
        if symbol == END {
            return Some(());
        }
        match symbol.checked_sub(END + 1) {
            None => out.push(u8::try_from(symbol).ok()?),
            Some(length) => {
                let length = length_of(bits, length)?;
                let distance = distances.symbol(bits)?;
                copy(out, length, 1 + number(bits, distance, 1)?)?;
            }
        }
    }
}

/// The last code stands for the greatest length, though the one before could say it, too (RFC 1951 3.2.5).
fn length_of(bits: &mut Bits<'_>, code: usize) -> Option<usize> {
    match code {
        28 => Some(258),
        _ => Some(3 + number(bits, code, 2)?),
    }
}

/// Codes for lengths go in groups of four, those for distances in groups of two: with each group, one more bit follows,
/// and ranges become twice as long (the tables of RFC 1951 3.2.5). Counted from zero.
fn number(bits: &mut Bits<'_>, code: usize, group: usize) -> Option<usize> {
    let more = (code >> group).saturating_sub(1);
    let base = if more == 0 { code } else { ((1 << group) + code % (1 << group)) << more };
    Some(base + bits.take(more)?)
}

/// They may overlap: a distance of 1 repeats the last byte.
fn copy(out: &mut Vec<u8>, length: usize, distance: usize) -> Option<()> {
    let from = out.len().checked_sub(distance)?;
    for at in from..from + length {
        out.push(out[at]);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn pack(content: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(content).expect("memory");
        encoder.finish().expect("memory")
    }

    /// Noise, so that blocks are stored; the same each time.
    fn noise(length: usize) -> Vec<u8> {
        let next = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        std::iter::successors(Some(1), next).map(|state| (state >> 24) as u8).take(length).collect()
    }

    #[test]
    fn what_was_packed_comes_back() {
        let text = include_bytes!("gzip.rs").to_vec();
        let far = [noise(200), vec![7; 32_000], noise(200)].concat();
        let contents = [vec![], b"a".to_vec(), vec![0; 100_000], text.repeat(20), noise(100_000), far];
        for (content, level) in contents.iter().flat_map(|content| [0, 1, 6, 9].map(|level| (content, level))) {
            let length = content.len();
            assert!(unpack(&pack(content, level)).as_ref() == Some(content), "{length} bytes at level {level}");
        }
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let packed = pack(include_bytes!("gzip.rs"), 9);
        let trailer = 8;
        for end in (0..packed.len() - trailer).step_by(7) {
            assert_eq!(unpack(&packed[..end]), None, "{end} bytes");
        }
        assert_eq!(unpack(&[0xff; 100]), None);
    }
}
