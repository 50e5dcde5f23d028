//! Base64 (RFC 4648), both alphabets, with padding or without.

/// The shortest run that is worth decoding: fewer than 15 bytes hold no credential with a shape.
pub(super) const SHORTEST: usize = 20;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn digit(byte: u8) -> Option<u32> {
    let digit = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(digit))
}

/// The bytes that this text stands for, whitespace left out; `None` where it is not base64.
pub(in crate::semantics) fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end().trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held, mut digits) = (0_u32, 0_u32, 0_usize);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        bits = (bits << 6) | digit(byte)?;
        held += 6;
        digits += 1;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    (digits % 4 != 1 && digits > 0).then_some(bytes)
}

/// The text that this base64 stands for, where it stands for one that people could read.
pub(super) fn decode_text(text: &str) -> Option<String> {
    let text = String::from_utf8(decode(text)?).ok()?;
    let odd = text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    (!odd && !text.is_empty()).then_some(text)
}

/// The base64 of bytes, in the standard alphabet with padding.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut bits = 0_usize;
        for at in 0..3 {
            bits = (bits << 8) | usize::from(chunk.get(at).copied().unwrap_or_default());
        }
        for at in 0..4 {
            let digit = ALPHABET.get((bits >> (18 - 6 * at)) & 63).copied().unwrap_or(b'=');
            text.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

/// The runs of base64's characters in a text that are long enough to be worth decoding.
pub(super) fn runs(text: &str) -> impl Iterator<Item = &str> {
    let in_run = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=');
    text.split(move |c: char| !in_run(c))
        .filter_map(|run| {
            // `NAME=` in front of a run is no part of it: padding stands at the end alone.
            let body = run.trim_end_matches('=');
            let start = body.rfind('=').map_or(0, |at| at + 1);
            run.get(start..)
        })
        .filter(|run| run.len() >= SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(bytes in proptest::collection::vec(any::<u8>(), 1..200)) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }

        #[test]
        fn no_text_is_too_odd(text in ".*") {
            let _ = (decode(&text), runs(&text).count());
        }
    }

    #[test]
    fn the_standards_examples() {
        for (plain, coded) in [("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(encode(plain.as_bytes()), coded);
            assert_eq!(decode_text(coded).as_deref(), Some(plain));
            assert_eq!(decode_text(coded.trim_end_matches('=')).as_deref(), Some(plain));
        }
        assert_eq!(decode("a"), None);
        assert_eq!(decode("a b!"), None);
    }

    #[test]
    fn a_run_begins_after_its_name() {
        let coded = encode(b"a text that is long enough");
        let text = format!("KEY={coded} rest");
        assert_eq!(runs(&text).collect::<Vec<_>>(), [coded.as_str()]);
    }
}
