//! Which names are allowed, how they are shown, and which ones are the same.

use super::Name;
use proptest::prelude::*;

fn name(requested: &str) -> Option<Name> {
    Name::new(requested, 32)
}

fn shown(requested: &str) -> Option<String> {
    name(requested).map(|name| name.shown.to_string())
}

fn key(requested: &str) -> Option<String> {
    name(requested).map(|name| name.key.to_string())
}

#[test]
fn allowed_names_are_shown_as_typed() {
    for requested in [
        "bob",
        "Bob Smith",
        "<b>",
        "bob1",
        "José",
        "Ελένη",
        "李小龙",
        "مريم",
        "דנה",
        "नेहा",
        "ကျွဲ့",
        "မန္တလေး",
        "ខ្មែរ",
        "བརྒྱད",
        "ＢＯＢ",
        "홍길동",
        "ㅋㅋㅋ",
        "o'neil_2 (x)",
        "🙂",
        "🫩",
        "a·b",
        "می\u{200c}خواهم",
        "क्\u{200d}ष",
        "രമേശന്\u{200d}",
    ] {
        assert_eq!(shown(requested).as_deref(), Some(requested));
    }
    assert_eq!(shown(" \t bob \u{a0}\n").as_deref(), Some("bob"));
    assert!(name(&"é".repeat(32)).is_some());
}

#[test]
fn variation_selectors_keycaps_and_stray_joiners_are_dropped() {
    for (requested, expected) in [
        ("❤\u{fe0f} bob", "❤ bob"),
        ("1\u{fe0f}\u{20e3}", "1"),
        ("👩\u{200d}🚀", "👩🚀"),
        ("🏳\u{fe0f}\u{200d}🌈", "🏳🌈"),
        ("辻\u{e0100}", "辻"),
        ("ᠠ\u{180b}", "ᠠ"),
        ("\u{fe0f} bob \u{fe0f}", "bob"),
        ("b\u{200c}o\u{200d}b", "bob"),
        ("می\u{200c}\u{200c}خواهم", "می\u{200c}خواهم"),
    ] {
        assert_eq!(shown(requested).as_deref(), Some(expected));
    }
}

#[test]
fn deceptive_names_are_refused() {
    let rows = [
        "",
        " ",
        "\u{a0}",
        "a\nb",
        "a\tb",
        "a\u{0}",
        "\u{1b}[31mbob",
        "a\u{85}b",
        "bob\u{200b}",
        "\u{200b}",
        "b\u{202e}ob",
        "\u{2066}bob",
        "bob\u{200e}",
        "\u{61c}bob",
        "\u{115f}",
        "\u{1160}",
        "\u{3164}",
        "\u{ffa0}",
        "\u{2800}",
        "a\u{2800}b",
        "bob\u{e0041}",
        "bob\u{ad}",
        "bob\u{feff}",
        "bo\u{34f}b",
        "bob\u{2060}",
        "\u{301}bob",
        "\u{93e}bob",
        "\u{e47}bob",
        "\u{7a6}bob",
        "\u{94d}bob",
        "\u{302f}bob",
        "bob\u{301}\u{302}\u{303}\u{304}",
        "\u{e01}\u{e47}\u{e47}\u{e47}\u{e47}",
        "\u{e01}\u{e35}\u{e35}\u{e35}\u{e35}",
        "\u{780}\u{7a6}\u{7a6}\u{7a6}\u{7a6}",
        "\u{e81}\u{eb4}\u{eb4}\u{eb4}\u{eb4}",
        "\u{180e}",
        "\u{2028}",
        "\u{1d173}x",
        "\u{f0000}",
        "\u{13441}",
        "\u{13442}",
        "\u{fffc}",
        "bob\u{2d7f}",
        "bob\u{1107f}",
        "bob\u{16fe4}",
        "bob\u{13440}",
        "bob\u{11f42}",
        "bob\u{1039}",
        "bob\u{17d2}",
        "a\u{2dff}\u{2dff}\u{2dff}\u{2dff}",
        "\u{fe0f}\u{200d}\u{20e3}",
        "\u{e000}",
        "\u{fdd0}",
    ];
    for requested in rows {
        assert_eq!(name(requested), None, "{requested:?}");
    }
    // A joiner, which some scripts allow, does not interrupt a stack of marks.
    assert_eq!(name("م\u{64e}\u{64e}\u{200c}\u{64e}\u{64e}"), None);
}

#[test]
fn case_spaces_and_joiners_do_not_distinguish_names() {
    let equal = [
        ("bob", "Bob"),
        ("Bob Smith", "bob   smith"),
        ("JOSÉ", "josé"),
        ("Ann\u{a0}B", "ann b"),
        ("م\u{200c}د", "مد"),
        ("ΝΙΚΟΣ", "νικοσ"),
        ("ᏣᎳᎩ", "ꮳꮃꭹ"),
    ];
    for (one, other) in equal {
        assert!(key(one).is_some() && key(one) == key(other), "{one} {other}");
    }
    for (one, other) in [("bob", "bob1"), ("a b", "ab"), ("jose", "josé")] {
        assert_ne!(key(one), key(other), "{one} {other}");
    }
}

#[test]
fn long_names_are_refused() {
    let spaced = |spaces: usize| format!("a{}b", " ".repeat(spaces));
    assert_eq!(key(&spaced(30)).as_deref(), Some("a b"));
    assert_eq!(key(&format!("  {}\t", spaced(30))).as_deref(), Some("a b"), "white space around a name does not count");
    for long in [spaced(31), "a".repeat(33), "é".repeat(33), "\u{301}".repeat(20_000), "・".repeat(20_000)] {
        assert_eq!(name(&long), None, "{long:.40}");
    }
}

#[test]
fn stem_leaves_room_for_the_number() {
    let rows = [
        ("bob", 1, "bob"),
        ("aaaa bbbb", 2, "aaaa bb"),
        ("aaaa bbbb", 4, "aaaa"),
        ("ééééééééé", 3, "éééééé"),
        ("မန္တလေး", 6, "မန"),
    ];
    for (requested, digits, expected) in rows {
        let stem = Name::new(requested, 9).and_then(|name| name.stem(digits, 9)).map(|name| name.shown);
        assert_eq!(stem.as_deref(), Some(expected));
    }
    assert_eq!(Name::new("abc", 3).and_then(|name| name.stem(3, 3)), None);
}

#[cfg(feature = "precis")]
mod precis {
    use super::*;
    use unicode_normalization::UnicodeNormalization;

    #[test]
    fn decomposed_names_are_composed() {
        for composed in ["홍길동", "각", "Nguyễn", "Zoë", "が"] {
            let decomposed: String = composed.nfd().collect();
            assert_eq!((shown(&decomposed).as_deref(), key(&decomposed)), (Some(composed), key(composed)));
        }
        let longest: String = "각".repeat(32).nfd().collect();
        assert_eq!(shown(&longest), Some("각".repeat(32)), "the limit counts composed characters");
        assert_eq!(name("bob\u{1161}"), None, "part of a syllable");
    }

    #[test]
    fn width_and_composition_do_not_distinguish_names() {
        let equal = [
            ("bob", "ｂｏｂ"),
            ("Bob1", "BOB１"),
            ("jose\u{301}", "josé"),
            ("ﬁn", "fin"),
            ("ÅNGSTRÖM", "a\u{30a}ngstro\u{308}m"),
            ("\u{212b}", "å"),
            ("ᾈ", "ᾀ"),
            ("ǅ", "dž"),
            ("q\u{323}\u{307}", "q\u{307}\u{323}"),
            ("ﷺ", "صلى الله عليه وسلم"),
            ("㌀", "アパート"),
            ("ｱﾊﾟｰﾄ", "アパート"),
            ("𝕮𝖍𝖎𝖓𝖜𝖆𝖌", "chinwag"),
            ("①②③", "123"),
        ];
        for (one, other) in equal {
            assert!(key(one).is_some() && key(one) == key(other), "{one} {:?} {other} {:?}", key(one), key(other));
        }
    }

    /// A build without Unicode's tables knows the marks of fewer scripts.
    #[test]
    fn marks_of_any_script_are_recognised() {
        for requested in ["\u{f71}bob", "\u{f90}bob", "\u{1734}bob", "a\u{1cd0}\u{1cd0}\u{1cd0}\u{1cd0}"] {
            assert_eq!(name(requested), None, "{requested:?}");
        }
        assert_eq!(name(&format!("a{}", "\u{1e000}".repeat(4))), None);
    }

    /// RFC 8266 3, table 1.
    #[test]
    fn keys_match_the_examples_of_rfc_8266() {
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
        for (requested, expected) in rows {
            assert_eq!(key(requested).as_deref(), Some(expected), "{requested}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Names are stored as shown, read again, and cut to make room for a number.
    #[test]
    fn shown_name_is_stable(requested in "\\PC{0,40}|[A-zĀ-ſ가-갸ᄀ-ᇿ\u{300}-\u{345}\u{600}-\u{6ff}\u{900}-\u{970}\u{1000}-\u{1060}\u{200c}\u{200d}ﬀ-ﷺ ]{1,12}") {
        if let Some(name) = super::Name::new(&requested, 32) {
            prop_assert_eq!(Name::new(&name.shown, 32), Some(name.clone()));
            prop_assert_eq!(Name::new(&name.numbered(7).shown, 33), Some(name.numbered(7)));
            let length = name.shown.chars().count();
            prop_assert!(length < 3 || name.stem(1, length).is_some());
        }
    }
}
