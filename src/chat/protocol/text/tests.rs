//! What a terminal shows of the texts and names of others.

use super::*;

#[test]
fn invisible_characters_are_made_visible_and_sequences_of_emoji_kept() {
    let invisible = [
        "\u{200e}",
        "\u{200f}",
        "\u{61c}",
        "\u{200b}",
        "\u{feff}",
        "\u{2060}",
        "\u{2063}",
        "\u{206a}",
        "\u{ad}",
        "\u{34f}",
        "\u{180e}",
        "\u{3164}",
        "\u{ffa0}",
        "\u{fff9}",
        "\u{1d173}",
        "\u{e0001}",
        "\u{e0041}",
        "\u{e007f}",
        "\u{e0fff}",
    ];
    for one in invisible {
        assert!(one.chars().all(is_deceptive), "{one:?}");
        assert_eq!(sanitize_text(&format!("a{one}b")), "a\u{fffd}b", "{one:?}");
        assert_eq!(sanitize_name(&format!("a{one}b")), "\"a\u{fffd}b\"", "{one:?}");
    }
    let kept = [
        "👩\u{200d}👩\u{200d}👧", // a family, with ZWJ
        "❤\u{fe0f}\u{200d}🔥",    // a variation selector and ZWJ
        "1\u{fe0f}\u{20e3}",      // a keycap
        "👍🏽 🇪🇺 葛\u{e0100}",      // a skin, a country, an ideographic variation
        "می\u{200c}خواهم",        // Persian needs ZWNJ
        "שָׁלוֹם नमस्ते สวัสดี",
        "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}!", // Scotland
        "🏴\u{200d}☠\u{fe0f}",                                       // a pirate
    ];
    for text in kept {
        assert_eq!(sanitize_text(text), text);
    }
}

/// Tags that are not the name of a region are hidden text.
#[test]
fn tags_after_a_flag_are_kept_only_if_they_name_a_region() {
    let tags = |text: &str| -> String {
        text.chars().map(|c| char::from_u32(0xe_0000 + u32::from(c)).expect("a tag")).collect()
    };
    for (text, is_kept) in [
        ("gbeng\u{7f}", true),
        ("us9\u{7f}", true),
        ("gbengx\u{7f}", true),
        ("gbengxy\u{7f}", false),
        ("gb\u{7f}", false),
        ("gbeng", false),
        ("GBENG\u{7f}", false),
        ("a b\u{7f}", false),
        ("\u{7f}", false),
    ] {
        let (flag, count) = (format!("🏴{}", tags(text)), text.chars().count());
        let expected = if is_kept { flag.clone() } else { format!("🏴{}", "\u{fffd}".repeat(count)) };
        assert_eq!(sanitize_text(&flag), expected, "{text:?}");
    }
    let second = format!("🏴{0}{0}", tags("gbeng\u{7f}"));
    assert_eq!(sanitize_text(&second).chars().filter(|&c| c == '\u{fffd}').count(), 6, "one flag, one region");
}
