//! Numbers in digits and lower-case letters: names of numberings consist of them.
//!
//! Owns how they are written.

/// The shortest way.
pub(crate) fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    while number > 0 || digits.is_empty() {
        digits.extend(char::from_digit((number % 36) as u32, 36));
        number /= 36;
    }
    digits.iter().rev().collect()
}
