//! Names and their keys, where RFC 8266 and its tables matter.

use super::{data, key, tables};

/// RFC 8266 3, table 1.
#[test]
fn the_examples_of_the_rfc() {
    let rows = [
        ("Foo", "foo"),
        ("foo", "foo"),
        ("Foo Bar", "foo bar"),
        ("foo bar", "foo bar"),
        ("Σ", "σ"),
        ("σ", "σ"),
        ("ς", "ς"),
        ("ϔ", "ϋ"),
        ("♚", "♚"),
        ("Richard Ⅳ", "richard iv"),
    ];
    for (name, expected) in rows {
        assert_eq!(key(name).as_deref(), Some(expected), "{name}");
    }
}

#[test]
fn what_is_written_differently_has_one_key() {
    let rows = [
        ("St\u{a0}\u{3000} Peter ", "st peter"),
        ("ÅNGSTRÖM", "a\u{30a}ngstro\u{308}m"),
        ("\u{212b}", "å"),
        ("İ", "i\u{307}"),
        ("ΝΙΚΟΣ", "νικοσ"),
        ("ᾈ", "ᾀ"),
        ("ǅ", "dž"),
        ("ꙗ\u{483}", "Ꙗ\u{483}"),
        ("q\u{323}\u{307}", "q\u{307}\u{323}"),
        ("ﷺ", "صلى الله عليه وسلم"),
        ("㌀", "アパート"),
        ("ｱﾊﾟｰﾄ", "アパート"),
        ("𝕮𝖍𝖎𝖓𝖜𝖆𝖌", "chinwag"),
        ("①②③", "123"),
    ];
    for (one, other) in rows {
        assert!(key(one).is_some() && key(one) == key(other), "{one} {:?} {other} {:?}", key(one), key(other));
    }
    let rows =
        [("한글", "한글"), ("É", "é"), ("e\u{301}\u{327}", "ȩ\u{301}"), ("क\u{93c}", "क\u{93c}"), ("´", "\u{301}")];
    for (name, expected) in rows {
        assert_eq!(key(name).as_deref(), Some(expected), "{name}: composed, for this is what the history file has");
    }
}

#[test]
fn what_unicode_of_today_has_is_allowed() {
    // From Unicode 7, 8, 9, 11, 14, 15, 16, 17.
    for name in ["🙂", "🤓", "🤣", "🥰", "🫠", "🪿", "🫩", "🛘", "Ქართული", "ᏣᎳᎩ", "𐓏𐓘𐓻𐓘𐓻𐓟", "𞤀𞤣𞤤𞤢𞤥", "𐕰", "𑼄", "𐵐", "𲎰"]
    {
        assert!(key(name).is_some(), "{name}");
    }
    assert_eq!(key("ᏣᎳᎩ"), key("ꮳꮃꭹ"));
    assert_eq!(key("𐵐"), key("𐵰"));
}

#[test]
fn what_is_not_freeform_is_refused() {
    let rows = [
        "",
        " ",
        "\u{3000}",
        "a\n",
        "é\t",
        "é\u{7f}",
        "é\u{85}",
        "\u{378}",    // not assigned
        "\u{ad}",     // default ignorable
        "🏳\u{fe0f}",  // a variation selector
        "\u{fdd0}",   // no character
        "\u{10ffff}", // the same, and the last
        "\u{e000}",   // private
        "\u{2028}",   // a line separator
        "\u{200e}",   // a format character
        "\u{1100}\u{1161}",
        "ㄱ", // NFKC makes it \u{1100}
        "\u{640}",
        "\u{302e}",
        "〱",
    ];
    for name in rows {
        assert_eq!(key(name), None, "{name:?}");
    }
}

/// RFC 5892, appendix A.
#[test]
fn some_need_the_right_neighbours() {
    let rows = [
        ("क्\u{200c}ष", true), // A.1
        ("می\u{200c}خواهم", true),
        ("م\u{64e}\u{64e}\u{200c}\u{64e}خ", true),
        ("م\u{200c}د", true),
        ("\u{200c}خ", false),
        ("م\u{200c}", false),
        ("د\u{200c}خ", false),
        ("م\u{200c}x", false),
        ("x\u{200c}م", false),
        ("م\u{200c}\u{200c}خ", false),
        ("क्\u{200d}ष", true), // A.2
        ("क\u{200d}", false),
        ("👩\u{200d}🚀", false),
        ("\u{200d}", false),
        ("col·lega", true), // A.3
        ("COL·LEGA", false),
        ("l·", false),
        ("·l", false),
        ("a·b", false),
        ("͵α", true), // A.4
        ("͵a", false),
        ("͵", false),
        ("א׳", true), // A.5
        ("א״", true), // A.6
        ("a׳", false),
        ("׳א", false),
        ("ア・", true), // A.7
        ("・ん", true),
        ("山・a", true),
        ("a・b", false),
        ("a１・", false),
        ("a٠١", true), // A.8
        ("a۰۱", true), // A.9
        ("٠۱", false),
        ("۰a١", false),
    ];
    for (name, allowed) in rows {
        assert_eq!(key(name).is_some(), allowed, "{name} {name:?}");
    }
}

/// The standard library has the same, of its own version of Unicode.
#[test]
fn lower_case_is_that_of_the_standard_library() {
    let version = (char::UNICODE_VERSION, data::VERSION);
    for c in '\0'..=char::MAX {
        let ours = tables::lower(c).map(|lower| lower.collect::<String>());
        let theirs = Some(c.to_lowercase().collect::<String>()).filter(|lower| !lower.chars().eq([c]));
        let known_to_both = match &ours {
            Some(_) => version.0 >= version.1 || theirs.is_some(),
            None => version.0 <= version.1 || tables::property(c).has(tables::ALLOWED),
        };
        assert!(ours == theirs || !known_to_both, "{c} {:x} {ours:?} {theirs:?}", u32::from(c));
    }
}

/// Behind the last page, at the first and the last character of the first page, and in between.
#[test]
fn the_whole_of_unicode_is_in_the_tables() {
    let allowed = ('\0'..=char::MAX).filter(|&c| tables::property(c).has(tables::ALLOWED)).count();
    // Unicode 17 has 159 801 characters that are neither control nor private; the rest of them PRECIS refuses.
    assert!((155_000..159_801).contains(&allowed), "{allowed}");
    assert_eq!(tables::compositions().len(), 961);
}
