//! Reads the tables that `.ci/unicode.py` writes.
//!
//! Owns their form. A table is pages of at most 64 entries: to find one, pages are skipped, and then one is read. Each begins
//! with how many characters it goes on for, and how many bytes. All numbers are LEB128: seven bits a byte, the lowest first.

use super::data;

pub(super) const ALLOWED: u8 = 1;
pub(super) const JOINS_NEXT: u8 = 1 << 1;
pub(super) const JOINS_PREVIOUS: u8 = 1 << 2;
pub(super) const TRANSPARENT: u8 = 1 << 3;
pub(super) const GREEK: u8 = 1 << 4;
pub(super) const HEBREW: u8 = 1 << 5;
pub(super) const HAN_OR_KANA: u8 = 1 << 6;
const HAS_CLASS: u8 = 1 << 7;

/// How an entry of a mapping goes on: a run of characters to a run, every other one to every other one, or one to several.
const RUN: u32 = 1;
const EVERY_OTHER: u32 = 2;
const COMPOSING_PAIR: u32 = 3;
const PAIR: u32 = 4;
const MORE: u32 = 5;

/// What a character is. Nothing is said of what is not allowed but its class.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Property {
    flags: u8,
    /// Its canonical combining class.
    pub(super) class: u8,
}

impl Property {
    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// What is known of a character; behind the table's end there is none that is allowed.
pub(super) fn property(c: char) -> Property {
    let (mut next, mut page) = page(data::PROPERTIES, c.into()).unwrap_or_default();
    while !page.0.is_empty() {
        next += page.number();
        let flags = page.byte();
        let class = if flags & HAS_CLASS == 0 { 0 } else { page.byte() };
        if u32::from(c) < next {
            return Property { flags, class };
        }
    }
    Property::default()
}

/// What the character is in lower case, if that is another one, or two.
pub(super) fn lower(c: char) -> Option<impl Iterator<Item = char>> {
    mapping(data::LOWER, c.into())
}

/// The character's decomposition, canonical or not; only its first step.
pub(super) fn decomposition(c: char) -> Option<impl Iterator<Item = char>> {
    mapping(data::DECOMPOSITIONS, c.into())
}

/// All pairs that compose, and to what.
pub(super) fn compositions() -> Vec<((char, char), char)> {
    let (mut table, mut start, mut found) = (Bytes(data::DECOMPOSITIONS), 0, Vec::new());
    while let Some((last, page)) = table.page(start) {
        Entries::new(start, page).compositions(&mut found);
        start = last + 1;
    }
    found
}

fn mapping(table: &'static [u8], code: u32) -> Option<impl Iterator<Item = char>> {
    let (start, page) = page(table, code)?;
    let mut entries = Entries::new(start, page);
    let entry = entries.find(|entry| code <= entry.last)?;
    let along = code.checked_sub(entry.first)?;
    let is_meant = entry.kind != EVERY_OTHER || along % 2 == 0;
    let targets =
        entries.targets.into_iter().take(entry.targets).filter_map(move |target| char::from_u32(target + along));
    is_meant.then_some(targets)
}

/// The page that has the code point: where it starts, and what is in it.
fn page(table: &'static [u8], code: u32) -> Option<(u32, Bytes)> {
    let (mut table, mut start) = (Bytes(table), 0);
    while let Some((last, page)) = table.page(start) {
        if code <= last {
            return Some((start, page));
        }
        start = last + 1;
    }
    None
}

/// Characters that are mapped alike.
struct Entry {
    kind: u32,
    first: u32,
    last: u32,
    /// How many characters one of them becomes.
    targets: usize,
}

/// Characters that one becomes, at most (U+FDFA).
const LONGEST: usize = 18;

/// A page of a mapping, read from its beginning.
struct Entries {
    page: Bytes,
    next: u32,
    /// What the first one of the last entry becomes. An entry says how far from the one before it is.
    targets: [u32; LONGEST],
}

impl Entries {
    fn new(start: u32, page: Bytes) -> Self {
        Self { page, next: start, targets: [0; LONGEST] }
    }

    fn compositions(&mut self, found: &mut Vec<((char, char), char)>) {
        while let Some(Entry { kind, first: whole, .. }) = self.next() {
            match [self.targets[0], self.targets[1], whole].map(char::from_u32) {
                [Some(first), Some(second), Some(whole)] if kind == COMPOSING_PAIR => {
                    found.push(((first, second), whole))
                }
                _ => {}
            }
        }
    }
}

impl Iterator for Entries {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        let page = &mut self.page;
        let head = (!page.0.is_empty()).then(|| page.number())?;
        let (kind, first) = (head & 7, self.next + (head >> 3));
        let last = match kind {
            RUN => first + page.number() - 1,
            EVERY_OTHER => first + (page.number() - 1) * 2,
            _ => first,
        };
        let targets = match kind {
            COMPOSING_PAIR | PAIR => 2,
            MORE => page.number() as usize,
            _ => 1,
        };
        self.targets.iter_mut().take(targets).for_each(|target| *target = target.wrapping_add_signed(page.signed()));
        self.next = last + 1;
        Some(Entry { kind, first, last, targets })
    }
}

/// What is left to be read.
#[derive(Default)]
struct Bytes(&'static [u8]);

impl Bytes {
    /// The last code point that the next page is about, and what is in it.
    fn page(&mut self, start: u32) -> Option<(u32, Bytes)> {
        let last = start + (!self.0.is_empty()).then(|| self.number())?;
        let length = self.number() as usize;
        let (page, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some((last, Bytes(page)))
    }

    fn number(&mut self) -> u32 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            number |= u32::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return number;
            }
        }
    }

    /// The lowest bit says that it is negative: -1 is 1, 1 is 2, -2 is 3.
    fn signed(&mut self) -> i32 {
        let number = self.number();
        (number >> 1) as i32 ^ -((number & 1) as i32)
    }

    fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        byte
    }
}
