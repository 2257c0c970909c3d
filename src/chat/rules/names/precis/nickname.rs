//! The Nickname profile of PRECIS (RFC 8266): what a name is compared by.
//!
//! Owns the rules and their order. Knows no lengths and no users. What a character is and what it becomes is in tables of one
//! version of Unicode ([`data`]), whatever the compiler's is; newer versions only add to them.

mod class;
mod data;
mod normal;
mod tables;

/// How often the rules are applied until nothing changes any more: once, and three times again (RFC 8266 4).
const ROUNDS: usize = 4;

/// The form in which names are compared (RFC 8266 2.4); `None` for what the profile refuses.
pub(super) fn key(name: &str) -> Option<String> {
    let is_plain = name.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let key = if is_plain { spaced(name).to_ascii_lowercase() } else { stable(name)? };
    (!key.is_empty()).then_some(key)
}

fn stable(name: &str) -> Option<String> {
    let mut name = name.to_owned();
    for _ in 0..ROUNDS {
        let next = comparable(&name)?;
        if next == name {
            return Some(name);
        }
        name = next;
    }
    None
}

/// One round of the rules, in the order of RFC 8266 2.4. They are for what is FreeformClass, and so must be what they make.
fn comparable(name: &str) -> Option<String> {
    class::is_freeform(name).then(|| normal::nfkc(&lower(&spaced(name))))
}

/// The additional mapping rule: one space between words, none around them. Of white space FreeformClass has only what the rule
/// is about (general category Zs).
fn spaced(name: &str) -> String {
    let mut spaced = String::with_capacity(name.len());
    for word in name.split_whitespace() {
        spaced.push_str(if spaced.is_empty() { "" } else { " " });
        spaced.push_str(word);
    }
    spaced
}

/// The case mapping rule, one character at a time: `Σ` is `σ` at the end of a word, too, as RFC 8266 3 has it.
fn lower(name: &str) -> String {
    let mut lower = String::with_capacity(name.len());
    for c in name.chars() {
        match tables::lower(c) {
            Some(mapped) => lower.extend(mapped),
            None => lower.push(c),
        }
    }
    lower
}

#[cfg(test)]
mod oracles;
#[cfg(test)]
mod tests;
