//! Amounts as people write them: `100`, `64k`, `5m`.

/// What a number counts, and therefore which suffixes it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Things,
    Bytes,
    Seconds,
}

impl Unit {
    /// Reads a whole number with an optional suffix, in any case. `None` if it is anything else, or too large.
    pub(crate) fn parse(self, text: &str) -> Option<u64> {
        let (number, suffix) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let factor = match (self, suffix.trim_start().to_ascii_lowercase().as_str()) {
            (_, "") | (Self::Bytes, "b") | (Self::Seconds, "s") => 1,
            (Self::Bytes, "k" | "kb" | "kib") => 1 << 10,
            (Self::Bytes, "m" | "mb" | "mib") => 1 << 20,
            (Self::Bytes, "g" | "gb" | "gib") => 1 << 30,
            (Self::Seconds, "m" | "min") => 60,
            (Self::Seconds, "h") => 60 * 60,
            (Self::Seconds, "d") => 24 * 60 * 60,
            _ => return None,
        };
        number.parse::<u64>().ok()?.checked_mul(factor)
    }

    /// What to write instead of something wrong.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Things => "a whole number, such as 100",
            Self::Bytes => "a number of bytes, such as 65536, 64k or 1M",
            Self::Seconds => "a number of seconds, such as 60, or 5m, or 2h",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_multiply() {
        for (unit, text, expected) in [
            (Unit::Bytes, "65536", Some(65_536)),
            (Unit::Bytes, "64k", Some(65_536)),
            (Unit::Bytes, "64K", Some(65_536)),
            (Unit::Bytes, "64 KiB", Some(65_536)),
            (Unit::Bytes, "1M", Some(1 << 20)),
            (Unit::Bytes, "1MiB", Some(1 << 20)),
            (Unit::Bytes, "2gb", Some(2 << 30)),
            (Unit::Bytes, "7b", Some(7)),
            (Unit::Bytes, "0k", Some(0)),
            (Unit::Seconds, "90", Some(90)),
            (Unit::Seconds, "90s", Some(90)),
            (Unit::Seconds, "5m", Some(300)),
            (Unit::Seconds, "1h", Some(3600)),
            (Unit::Seconds, "1d", Some(86_400)),
            (Unit::Things, "7", Some(7)),
        ] {
            assert_eq!(unit.parse(text), expected, "{unit:?} {text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "", "k", "-1", "+1", "1.5M", "1e6", "0x10", "64kk", "64kbb", "64xxb", "64q", "1 000", "1_000", "\u{664}k",
            "k64",
        ] {
            for unit in [Unit::Things, Unit::Bytes, Unit::Seconds] {
                assert_eq!(unit.parse(text), None, "{unit:?} {text}");
            }
        }
        for (unit, text) in [
            (Unit::Things, "1k"),
            (Unit::Seconds, "1k"),
            (Unit::Seconds, "500ms"),
            (Unit::Bytes, "18446744073709551616"),
            (Unit::Bytes, "18014398509481984k"),
        ] {
            assert_eq!(unit.parse(text), None, "{unit:?} {text}");
        }
    }
}
