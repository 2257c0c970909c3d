//! Which names are allowed, and which of them are one.

use super::Name;

fn name(asked: &str) -> Option<Name> {
    Name::new(asked, 32)
}

#[test]
fn allowed_names_are_shown_as_typed() {
    for asked in [
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
        "o'neil_2 (x)",
    ] {
        assert_eq!(name(asked).map(|name| name.shown.to_string()).as_deref(), Some(asked));
    }
    assert_eq!(name(" \t bob \u{a0}\n").map(|name| name.shown.to_string()).as_deref(), Some("bob"));
    assert!(name(&"é".repeat(32)).is_some());
}

#[test]
fn names_that_deceive_are_refused() {
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
        "bob\u{fe0f}",
        "bob\u{e0100}",
        "bob\u{e0041}",
        "bob\u{ad}",
        "bob\u{feff}",
        "bo\u{34f}b",
        "bob\u{2060}",
        "bob\u{200d}",
        "bob\u{200c}",
        "\u{301}bob",
        "\u{93e}bob",
        "\u{94d}bob",
        "\u{f71}bob",
        "\u{f90}bob",
        "\u{1734}bob",
        "\u{302f}bob",
        "bob\u{301}\u{302}\u{303}\u{304}",
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
        "a\u{1cd0}\u{1cd0}\u{1cd0}\u{1cd0}",
        "a\u{1e000}\u{1e000}\u{1e000}\u{1e000}",
    ];
    for asked in rows {
        assert_eq!(name(asked), None, "{asked:?}");
    }
    assert_eq!(name(&"a".repeat(33)), None);
}

#[test]
fn case_and_spaces_do_not_tell_names_apart() {
    for (one, other) in [("bob", "Bob"), ("Bob Smith", "bob   smith"), ("JOSÉ", "josé"), ("Ann\u{a0}B", "ann b")] {
        assert_eq!(name(one).map(|name| name.key), name(other).map(|name| name.key), "{one} {other}");
    }
    for (one, other) in [("bob", "bob1"), ("a b", "ab"), ("jose", "josé")] {
        assert_ne!(name(one).map(|name| name.key), name(other).map(|name| name.key), "{one} {other}");
    }
}

#[cfg(feature = "precis")]
#[test]
fn width_and_composition_do_not_tell_names_apart() {
    for (one, other) in [("bob", "ｂｏｂ"), ("Bob1", "BOB１"), ("jose\u{301}", "josé"), ("ﬁn", "fin"), ("Ⅳ", "iv")]
    {
        assert_eq!(name(one).map(|name| name.key), name(other).map(|name| name.key), "{one} {other}");
    }
}

/// However many characters: the profile's time may grow with their square.
#[test]
fn what_is_too_long_is_not_compared() {
    let spaced = |spaces: usize| format!("a{}b", " ".repeat(spaces));
    assert_eq!(super::key(&spaced(30), 32), super::key("a b", 32));
    assert_eq!(
        super::key(&format!("  {}\t", spaced(30)), 32),
        super::key("a b", 32),
        "white space around it is no name"
    );
    for long in [spaced(31), "é".repeat(33), "a".repeat(129), format!("{}ん", "・".repeat(20_000))] {
        assert_eq!(super::key(&long, 32), None, "{long:.40}");
        assert_eq!(name(&long), None, "{long:.40}");
    }
}

#[test]
fn a_stem_leaves_room_for_the_number() {
    let rows = [("bob", 1, "bob"), ("aaaa bbbb", 2, "aaaa bb"), ("aaaa bbbb", 4, "aaaa"), ("ééééééééé", 3, "éééééé")];
    for (asked, digits, stem) in rows {
        let shown = Name::new(asked, 9).and_then(|name| name.stem(digits, 9)).map(|name| name.shown);
        assert_eq!(shown.as_deref(), Some(stem));
    }
    assert_eq!(Name::new("abc", 3).and_then(|name| name.stem(3, 3)), None);
}
