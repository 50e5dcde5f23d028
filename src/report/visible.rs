//! Text from outside, shown so that it can neither break a format nor fool a reader.
//!
//! Names come from clusters and files that somebody else wrote. What no reader can see, or what
//! turns the order of a line around, is shown as an escape such as `\u{1b}`.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Which characters a surface can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Charset {
    /// All of Unicode.
    Unicode,
    /// ASCII only: the locale names no UTF-8.
    Ascii,
}

/// The text on one line, with everything that can't be seen shown as an escape.
///
/// Two texts that differ stay different: a backslash that would look like an escape is escaped
/// too. What comes out is valid in XML 1.0 (<https://www.w3.org/TR/xml/#charsets>).
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    visible_in(text, Charset::Unicode)
}

/// As [`visible`]; in [`Charset::Ascii`] every other character is an escape as well.
pub(crate) fn visible_in(text: &str, charset: Charset) -> Cow<'_, str> {
    let hidden = |c: char| is_hidden(c) || (charset == Charset::Ascii && !c.is_ascii());
    if !text.contains(hidden) && !text.contains("\\u{") {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        if hidden(c) || (c == '\\' && text[at..].starts_with("\\u{")) {
            // Writing to a String can't fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// The first `limit` characters of the text, with the number of those left out.
pub(crate) fn shortened(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let left = text[end..].chars().count();
            Cow::Owned(format!("{} … ({left} characters more: run.json)", &text[..end]))
        }
    }
}

/// Whether a reader could not see this character, or it changes how others are shown: controls,
/// marks of direction, zero-width characters, tags, noncharacters.
fn is_hidden(c: char) -> bool {
    let code = u32::from(c);
    c.is_control()
        || code & 0xfffe == 0xfffe
        || matches!(code,
            0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
            | 0xfdd0..=0xfdef | 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0xe007f)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("tenant-1/röle", "tenant-1/röle")]
    #[case::escape("a\u{1b}[31m", "a\\u{1b}[31m")]
    #[case::newline("a\nb\t", "a\\u{a}b\\u{9}")]
    #[case::looks_like_an_escape("a\\u{1b}", "a\\u{5c}u{1b}")]
    #[case::backslash("a\\b", "a\\b")]
    #[case::noncharacters("\u{fffe}\u{1ffff}\u{fdd0}", "\\u{fffe}\\u{1ffff}\\u{fdd0}")]
    #[case::what_a_lone_surrogate_becomes("\u{fffd}", "\u{fffd}")]
    #[case::direction("a\u{202e}b", "a\\u{202e}b")]
    fn shows(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(visible(text), shown);
    }

    #[test]
    fn shows_ascii_only_where_nothing_else_can_be_shown() {
        assert_eq!(visible_in("tenant-1→basic", Charset::Ascii), "tenant-1\\u{2192}basic");
    }

    #[test]
    fn says_what_it_left_out() {
        assert_eq!(shortened("abc", 3), "abc");
        assert_eq!(shortened("abcdef", 3), "abc … (3 characters more: run.json)");
    }

    proptest! {
        #[test]
        fn keeps_different_texts_different(a in "(\\\\|u|\\{|1|b|\\}|\u{1b}|x){0,9}", b in "(\\\\|u|\\{|1|b|\\}|\u{1b}|x){0,9}") {
            prop_assert_eq!(a == b, visible(&a) == visible(&b));
        }

        #[test]
        fn leaves_only_what_xml_allows(text in any::<String>()) {
            for c in visible(&text).chars() {
                prop_assert!(matches!(c, ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..), "{c:?}");
            }
        }
    }
}
