//! Which scripts a name mixes: the Cyrillic `а` looks like the Latin `a`, so `аnn` could pass as `ann`.
//!
//! The rule is the restriction level "highly restrictive" of Unicode TR 39: letters of one script, or Latin letters together
//! with one set of scripts that are written together in China, Japan or Korea.

/// The scripts that may be mixed: Latin (bit 1) and Han (2) with Hiragana and Katakana (3), Hangul (4), or Bopomofo (5).
const SETS: [u64; 3] = [0b00_1110, 0b01_0110, 0b10_0110];

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

/// Where another script begins, as the first code point and the number of the script. Characters other than letters and
/// digits are in any range. 0 is common to all scripts, Hiragana and Katakana are one, and 0x3f stands for all scripts that are
/// not written any more. A letter that is a variant of another has the script of that one (NFKC), for example `ⓐ` is Latin.
const STARTS: &[u32] = &[
    0x30_00, 0x41_01, 0xb2_00, 0xba_01, 0xbc_00, 0xc0_01, 0x2b9_00, 0x2e0_01, 0x2ea_05, 0x2ec_00, 0x370_06, 0x374_00,
    0x375_06, 0x3e2_3f, 0x3f0_06, 0x400_07, 0x531_08, 0x591_12, 0x600_13, 0x640_00, 0x641_13, 0x64b_00, 0x656_13,
    0x670_00, 0x671_13, 0x700_14, 0x750_13, 0x780_15, 0x7c0_16, 0x800_3f, 0x840_17, 0x860_14, 0x870_13, 0x900_1a,
    0x980_1b, 0xa01_1c, 0xa81_1d, 0xb01_1e, 0xb82_1f, 0xc00_20, 0xc80_21, 0xd00_22, 0xd81_23, 0xe01_2c, 0xe81_2d,
    0xf00_2e, 0x1000_2f, 0x10a0_09, 0x1100_04, 0x1200_3a, 0x13a0_0a, 0x1400_0c, 0x1680_3f, 0x1780_30, 0x1800_3f,
    0x18b0_0c, 0x1900_29, 0x1950_31, 0x1980_32, 0x19e0_30, 0x1a00_3f, 0x1a20_34, 0x1abf_00, 0x1b00_35, 0x1b80_37,
    0x1bc0_38, 0x1c00_2a, 0x1c50_2b, 0x1c80_07, 0x1c90_09, 0x1cc0_37, 0x1ce9_00, 0x1d00_01, 0x1d26_06, 0x1d2b_07,
    0x1d2c_01, 0x1d5d_06, 0x1d62_01, 0x1d66_06, 0x1d6b_01, 0x1d78_07, 0x1d79_01, 0x1dbf_06, 0x1dd3_00, 0x1e00_01,
    0x1f00_06, 0x2070_00, 0x2071_01, 0x2074_00, 0x207f_01, 0x2080_00, 0x2090_01, 0x2126_06, 0x2128_01, 0x2135_12,
    0x2139_01, 0x213c_06, 0x2145_01, 0x2150_00, 0x2160_01, 0x2189_00, 0x24b6_01, 0x24ea_00, 0x2800_3f, 0x2c60_01,
    0x2c80_3f, 0x2d00_09, 0x2d30_0d, 0x2d80_3a, 0x2de0_07, 0x2e2f_00, 0x2e80_02, 0x3006_00, 0x3007_02, 0x302e_04,
    0x3031_00, 0x3038_02, 0x303c_00, 0x3041_03, 0x3105_05, 0x3131_04, 0x3192_00, 0x31a0_05, 0x31f0_03, 0x3200_04,
    0x3220_00, 0x3260_04, 0x3280_00, 0x32d0_03, 0x3400_02, 0xa000_3b, 0xa4d0_0b, 0xa500_0e, 0xa640_07, 0xa6a0_0f,
    0xa717_00, 0xa722_01, 0xa788_00, 0xa78b_01, 0xa800_24, 0xa830_00, 0xa840_3f, 0xa880_25, 0xa8e0_1a, 0xa900_39,
    0xa930_3f, 0xa960_04, 0xa980_36, 0xa9cf_00, 0xa9d0_36, 0xa9e0_2f, 0xaa00_11, 0xaa60_2f, 0xaa80_33, 0xaae0_26,
    0xab01_3a, 0xab30_01, 0xab65_06, 0xab66_01, 0xab70_0a, 0xabc0_26, 0xac00_04, 0xf900_02, 0xfb00_01, 0xfb13_08,
    0xfb1d_12, 0xfb50_13, 0xfe2e_07, 0xfe70_13, 0xff10_00, 0xff21_01, 0xff66_03, 0xff9e_00, 0xffa0_04, 0x10000_3f,
    0x10107_00, 0x10140_06, 0x10280_3f, 0x102e1_00, 0x10300_3f, 0x104b0_10, 0x10500_3f, 0x10780_01, 0x10800_3f,
    0x10d00_19, 0x10d40_3f, 0x10e60_13, 0x10e80_3f, 0x10ec2_13, 0x10f00_3f, 0x11100_28, 0x11150_3f, 0x111e1_23,
    0x11200_3f, 0x11400_27, 0x11480_3f, 0x116d0_2f, 0x11700_3f, 0x11ab0_0c, 0x11ac0_3f, 0x11b00_1a, 0x11b60_3f,
    0x11df0_1b, 0x11ee0_3f, 0x11fb0_0b, 0x11fc0_1f, 0x12000_3f, 0x16800_0f, 0x16a40_3f, 0x16f00_3c, 0x16fe0_3f,
    0x16fe2_02, 0x16fe4_3f, 0x16ff0_02, 0x17000_3f, 0x1aff0_03, 0x1b170_3f, 0x1ccf0_00, 0x1d200_06, 0x1d2c0_00,
    0x1d400_01, 0x1d6a8_06, 0x1d7ce_00, 0x1d800_3f, 0x1df00_01, 0x1dff3_06, 0x1dff5_01, 0x1e000_3f, 0x1e030_07,
    0x1e100_3d, 0x1e290_3f, 0x1e2c0_3e, 0x1e4d0_3f, 0x1e7e0_3a, 0x1e800_3f, 0x1e900_18, 0x1ec71_00, 0x1ee00_13,
    0x1f100_00, 0x1f130_01, 0x1f150_00, 0x1f200_03, 0x1fbf0_00, 0x20000_02, 0x3d000_3f,
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
