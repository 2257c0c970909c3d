//! Which scripts a name mixes: the Cyrillic `а` looks like the Latin `a`, so `аnn` could pass as `ann`.
//!
//! The rule is the restriction level "highly restrictive" of Unicode TR 39: letters of one script, or Latin letters together
//! with one set of scripts that are written together in China, Japan or Korea.

/// The scripts that may be mixed: Latin (bit 1) and Han (2) with Hiragana and Katakana (3), Hangul (4), or Bopomofo (5).
const SETS: [u64; 3] = [0b1110, 0b1_0110, 0b10_0110];

/// Whether the letters and digits of a name are of one script, or of scripts that are written together.
pub(super) fn is_unmixed(name: &str) -> bool {
    let scripts = name.chars().filter(|c| c.is_alphanumeric()).fold(0, |scripts, c| scripts | script(c)) & !COMMON;
    scripts.is_power_of_two() || SETS.iter().any(|set| scripts & !set == 0)
}

/// Characters of any script.
const COMMON: u64 = 1;

/// The script of a letter or digit, as one bit.
fn script(c: char) -> u64 {
    let after = STARTS.partition_point(|start| start >> 8 <= u32::from(c));
    1 << (after.checked_sub(1).map_or(0, |at| STARTS[at]) & 0xff)
}

/// Where another script begins: the first code point, and in the last two digits the number of the script. Characters other
/// than letters and digits are in any range. 0 is common to all scripts, Hiragana and Katakana are one, and 0x3f stands for
/// all scripts that are not written any more. A letter that is a variant of another has the script of that one (NFKC): `ⓐ` is
/// Latin.
const STARTS: &[u32] = &[
    0x3000, 0x4101, 0xb200, 0xba01, 0xbc00, 0xc001, 0x2b900, 0x2e001, 0x2ea05, 0x2ec00, 0x37006, 0x37400, 0x37506,
    0x3e23f, 0x3f006, 0x40007, 0x53108, 0x59112, 0x60013, 0x64000, 0x64113, 0x64b00, 0x65613, 0x67000, 0x67113,
    0x70014, 0x75013, 0x78015, 0x7c016, 0x8003f, 0x84017, 0x86014, 0x87013, 0x9001a, 0x9801b, 0xa011c, 0xa811d,
    0xb011e, 0xb821f, 0xc0020, 0xc8021, 0xd0022, 0xd8123, 0xe012c, 0xe812d, 0xf002e, 0x10002f, 0x10a009, 0x110004,
    0x12003a, 0x13a00a, 0x14000c, 0x16803f, 0x178030, 0x18003f, 0x18b00c, 0x190029, 0x195031, 0x198032, 0x19e030,
    0x1a003f, 0x1a2034, 0x1abf00, 0x1b0035, 0x1b8037, 0x1bc038, 0x1c002a, 0x1c502b, 0x1c8007, 0x1c9009, 0x1cc037,
    0x1ce900, 0x1d0001, 0x1d2606, 0x1d2b07, 0x1d2c01, 0x1d5d06, 0x1d6201, 0x1d6606, 0x1d6b01, 0x1d7807, 0x1d7901,
    0x1dbf06, 0x1dd300, 0x1e0001, 0x1f0006, 0x207000, 0x207101, 0x207400, 0x207f01, 0x208000, 0x209001, 0x212606,
    0x212801, 0x213512, 0x213901, 0x213c06, 0x214501, 0x215000, 0x216001, 0x218900, 0x24b601, 0x24ea00, 0x28003f,
    0x2c6001, 0x2c803f, 0x2d0009, 0x2d300d, 0x2d803a, 0x2de007, 0x2e2f00, 0x2e8002, 0x300600, 0x300702, 0x302e04,
    0x303100, 0x303802, 0x303c00, 0x304103, 0x310505, 0x313104, 0x319200, 0x31a005, 0x31f003, 0x320004, 0x322000,
    0x326004, 0x328000, 0x32d003, 0x340002, 0xa0003b, 0xa4d00b, 0xa5000e, 0xa64007, 0xa6a00f, 0xa71700, 0xa72201,
    0xa78800, 0xa78b01, 0xa80024, 0xa83000, 0xa8403f, 0xa88025, 0xa8e01a, 0xa90039, 0xa9303f, 0xa96004, 0xa98036,
    0xa9cf00, 0xa9d036, 0xa9e02f, 0xaa0011, 0xaa602f, 0xaa8033, 0xaae026, 0xab013a, 0xab3001, 0xab6506, 0xab6601,
    0xab700a, 0xabc026, 0xac0004, 0xf90002, 0xfb0001, 0xfb1308, 0xfb1d12, 0xfb5013, 0xfe2e07, 0xfe7013, 0xff1000,
    0xff2101, 0xff6603, 0xff9e00, 0xffa004, 0x100003f, 0x1010700, 0x1014006, 0x102803f, 0x102e100, 0x103003f,
    0x104b010, 0x105003f, 0x1078001, 0x108003f, 0x10d0019, 0x10d403f, 0x10e6013, 0x10e803f, 0x10ec213, 0x10f003f,
    0x1110028, 0x111503f, 0x111e123, 0x112003f, 0x1140027, 0x114803f, 0x116d02f, 0x117003f, 0x11ab00c, 0x11ac03f,
    0x11b001a, 0x11b603f, 0x11df01b, 0x11ee03f, 0x11fb00b, 0x11fc01f, 0x120003f, 0x168000f, 0x16a403f, 0x16f003c,
    0x16fe03f, 0x16fe202, 0x16fe43f, 0x16ff002, 0x170003f, 0x1aff003, 0x1b1703f, 0x1ccf000, 0x1d20006, 0x1d2c000,
    0x1d40001, 0x1d6a806, 0x1d7ce00, 0x1d8003f, 0x1df0001, 0x1dff306, 0x1dff501, 0x1e0003f, 0x1e03007, 0x1e1003d,
    0x1e2903f, 0x1e2c03e, 0x1e4d03f, 0x1e7e03a, 0x1e8003f, 0x1e90018, 0x1ec7100, 0x1ee0013, 0x1f10000, 0x1f13001,
    0x1f15000, 0x1f20003, 0x1fbf000, 0x2000002, 0x3d0003f,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use unicode_script::{Script, UnicodeScript};

    #[test]
    fn mixed_names_are_recognised() {
        let unmixed = [
            "ann",
            "Zoë 2",
            "Nguyễn",
            "Ελένη",
            "Борис_1",
            "Արամ",
            "ნინო",
            "ᏣᎳᎩ",
            "מרים",
            "مریم ٣",
            "नेहा १",
            "李小龙",
            "李Bruce",
            "東京タワーabc",
            "のり・ん",
            "김철수 Kim",
            "金哲洙 김",
            "ㄅㄆ李a",
            "ＢＯＢ",
            "𝐛ob",
            "ⓑob",
            "µTorrent",
            "№1 Иван™",
            "Иван 🙂 ❤",
            "5²",
            "🙂",
            "ꙮок",
            "ᎠᎡ",
            "ๆไทย",
            "ខ្មែរ",
            "မန္တလေး",
            "ᐃᓄᒃ",
            "ⵜⴰⵎ",
        ];
        for name in unmixed {
            assert!(is_unmixed(name), "{name}");
        }
        let mixed = [
            "аnn",
            "annа",
            "bοb",
            "ѕоn x",
            "Иbан",
            "Αdam",
            "օrg",
            "Ꭺnn",
            "ꓮnn",
            "ոick",
            "ᗅnn",
            "ⲟn",
            "𐐄n",
            "ℵbob",
            "bobס",
            "l١",
            "bo०b",
            "ａа",
            "𝐚дмин",
            "ⓐдмин",
            "ᴀнна",
            "김タ",
            "ㄅあ",
            "ㄅ김",
            "Борис李",
            "Ελλάς나",
            "abcДΩ",
            "аⲟ",
            "aͺ",
            "ϲat",
            "ѵ v",
        ];
        for name in mixed {
            assert!(!is_unmixed(name), "{name}");
        }
    }

    /// Every letter and digit of Unicode has the script that Unicode gives it.
    #[test]
    fn table_matches_unicode() {
        let mut numbers: HashMap<Script, u64> = HashMap::new();
        let known = (char::MIN..=char::MAX).filter(|c| c.is_alphanumeric() && c.script() != Script::Unknown);
        for c in known {
            let common = [Script::Common, Script::Inherited].contains(&c.script());
            let expected = match c.script() {
                // Digits of Arabic, Thaana and Yezidi, and the long vowels of both kana.
                Script::Common if ('\u{660}'..='\u{669}').contains(&c) => Script::Arabic,
                Script::Common if ['ー', '\u{ff70}'].contains(&c) => Script::Hiragana,
                Script::Katakana => Script::Hiragana,
                _ if common => continue,
                script => script,
            };
            let number = *numbers.entry(expected).or_insert(script(c));
            assert_eq!(script(c), number, "{c:?} {:x} {expected:?}", u32::from(c));
        }
        let named = [Script::Latin, Script::Han, Script::Hiragana, Script::Hangul, Script::Bopomofo];
        assert_eq!(named.map(|script| numbers[&script]), [1, 2, 3, 4, 5].map(|bit| 1 << bit));
        assert!(numbers.values().all(|number| *number != COMMON));
        let mut living: Vec<u64> = numbers.into_values().filter(|number| *number != OTHER).collect();
        let count = living.len();
        living.sort_unstable();
        living.dedup();
        assert_eq!((living.len(), count), (62, 62), "one number for each script");
    }

    const OTHER: u64 = 1 << 0x3f;

    /// A letter without a script has that of the letter of which it is a variant. The micro sign has none.
    #[cfg(feature = "precis")]
    #[test]
    fn variants_have_the_script_of_their_letter() {
        use unicode_normalization::UnicodeNormalization;
        for c in (char::MIN..=char::MAX).filter(|c| c.is_alphanumeric() && c.script() == Script::Common) {
            let letters = std::iter::once(c).nfkc().filter(|other| *other != c && other.is_alphanumeric());
            let scripts = letters.map(script).fold(0, |scripts, script| scripts | script) & !COMMON;
            let is_variant = c.is_alphabetic() && c != 'µ' && scripts.is_power_of_two();
            assert!(!is_variant || script(c) == scripts, "{c:?} {:x}", u32::from(c));
        }
    }
}
