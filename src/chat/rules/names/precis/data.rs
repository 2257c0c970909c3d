//! Tables from Unicode 17.0.0, written by `.ci/unicode.py`, which says what is in them; not to be edited.
//!
//! Owns nothing but them. What they are made of: © Unicode, Inc., <https://www.unicode.org/license.txt> (Unicode-3.0).

pub(super) static PROPERTIES: &[u8] = include_bytes!("properties.bin");
pub(super) static LOWER: &[u8] = include_bytes!("lower.bin");
pub(super) static DECOMPOSITIONS: &[u8] = include_bytes!("decompositions.bin");

#[cfg(test)]
pub(super) const VERSION: (u8, u8, u8) = (17, 0, 0);
