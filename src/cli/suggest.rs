//! "Did you mean …?" for misspelt names.

/// The known name that is most like this word, if any is like it.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let length = word.chars().count();
    let rank = |name: &str| match distance(&word, name) {
        distance if distance <= (length / 2).min(3) => Some(distance),
        // A name that contains the word ranks behind every misspelling.
        _ if length >= 3 && name.contains(&word) => Some(4),
        _ => None,
    };
    known.iter().copied().filter(|name| rank(name).is_some()).min_by_key(|name| rank(name))
}

/// The flag of the server that is most like this word. Users of other programs know `--listen` by another name.
pub(crate) fn nearest_flag<'a>(word: &str, mut flags: Vec<&'a str>) -> Option<&'a str> {
    let others = ["port", "address", "bind"];
    flags.extend(others);
    nearest(word, &flags).map(|name| if others.contains(&name) { "listen ADDR:PORT" } else { name })
}

/// ` (did you mean x?)`, or nothing.
pub(crate) fn did_you_mean(likely: Option<&str>) -> String {
    likely.map_or_else(String::new, |name| format!(" (did you mean {name}?)"))
}

/// Levenshtein's distance: how many characters must be added, removed or replaced.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, c) in from.chars().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(c != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_counted() {
        for (from, to, expected) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("a", "a", 0)]
        {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn misspelt_names_are_recognised() {
        let known = ["listen", "listen-tls", "token-file", "tls-cert", "host", "verbose", "history", "no-limits"];
        for (word, expected) in [
            ("lisen", Some("listen")),
            ("lsiten", Some("listen")),
            ("Listen", Some("listen")),
            ("tokenfile", Some("token-file")),
            ("token", Some("token-file")),
            ("cert", Some("tls-cert")),
            ("verbsoe", Some("verbose")),
            ("histroy", Some("history")),
            ("x", None),
            ("frobnicate", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, &known), expected, "{word}");
        }
    }
}
