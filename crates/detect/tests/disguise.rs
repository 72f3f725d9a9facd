//! Values in other scripts, with hidden characters and look-alikes, beside signs of every length: found, and cut exactly.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use callvault_detect::{Detector, Profile, code_points, search};

const CARD: &str = "4111111111111111";

fn cut(text: &str) -> Vec<String> {
    let spans = Detector::new(Profile::All).unwrap().detect_text(text);
    code_points(text, &spans).into_iter().map(|(a, b)| text.chars().skip(a).take(b - a).collect()).collect()
}

#[test]
fn digits_of_every_script_are_digits() {
    for zero in
        ['٠', '۰', '०', '০', '੦', '૦', '୦', '௦', '౦', '೦', '൦', '๐', '໐', '０', '𝟎', '𝟘', '𝟢', '𝟬', '𝟶']
    {
        let card: String = CARD
            .chars()
            .map(|c| char::from_u32(u32::from(zero) + c.to_digit(10).unwrap()).unwrap())
            .collect();
        let text = format!("my card is {card} thanks");
        assert_eq!(cut(&text).concat(), card, "{zero}");
        assert!(search::value_recoverable(&text, CARD), "{zero}");
    }
}

#[test]
fn hidden_characters_hide_nothing() {
    for hidden in [
        "\u{200B}",
        "\u{200C}",
        "\u{200D}",
        "\u{2060}",
        "\u{FEFF}",
        "\u{00AD}",
        "\u{202E}",
        "\u{2066}",
        "\u{2069}",
        "\u{061C}",
        "\u{FE0F}",
        "\u{034F}",
        "\u{180E}",
        "\u{E0041}",
        "\u{301}",
        "\u{20E3}",
    ] {
        let card = CARD.chars().map(|c| format!("{c}{hidden}")).collect::<String>();
        let text = format!("🙂 my card is {card}\r\nthanks 👩‍👩‍👧");
        let found = cut(&text);
        assert_eq!(found.len(), 1, "{hidden:?}: {found:?}");
        let digits: String = found[0].chars().filter(char::is_ascii_digit).collect();
        assert_eq!(digits, CARD, "{hidden:?}");
    }
}

#[test]
fn letters_of_the_shape_of_digits_are_read_as_digits() {
    for text in [
        "my card number is 41l1 1111 1111 l111",
        "my card number is 4O12 8888 8888 1881",
        "card 4О12 8888 8888 1881",
    ] {
        let found = cut(text);
        let all: String = found.concat();
        assert!(all.chars().filter(|c| c.is_alphanumeric()).count() >= 15, "{text}: {found:?}");
    }
    // Names and addresses in which Cyrillic letters stand for Latin ones.
    assert_eq!(cut("my name is mаrtin оkafor"), ["mаrtin оkafor"]);
    assert_eq!(cut("write to jоhn@exаmple.com"), ["jоhn@exаmple.com"]);
}

#[test]
fn odd_texts_are_read_to_their_end() {
    for text in
        ["", "\u{0}", "\u{FEFF}", "\r\n\r\n", "\u{202E}", "🙂", "e\u{301}", "\u{0}4111111111111111\u{0}"]
    {
        let _ = cut(text);
    }
    assert_eq!(cut("\u{0}4111111111111111\u{0}"), [CARD]);
    assert_eq!(cut("a\r\nmy card is 4111111111111111\r\n"), [CARD]);
    let long = format!("{}my card is {CARD}", "word ".repeat(200_000));
    assert_eq!(cut(&long), [CARD]);
    let rtl = format!("\u{202B}שלום {CARD} תודה\u{202C}");
    assert!(cut(&rtl).iter().any(|v| v == CARD));
}
