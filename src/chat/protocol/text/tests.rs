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
        "🏴\u{200d}☠\u{fe0f}", // a pirate
    ];
    for text in kept {
        assert_eq!(sanitize_text(text), text);
    }
}
