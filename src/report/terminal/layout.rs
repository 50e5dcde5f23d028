//! Lines that keep to a width.

use unicode_width::UnicodeWidthStr as _;

/// How many columns a text fills.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The text cut to a width, with a mark where something was left out.
pub(super) fn cut(text: &str, columns: usize, ellipsis: &str) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(width(ellipsis));
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if width(&kept) > room {
            kept.pop();
            break;
        }
    }
    kept + ellipsis
}

/// The text, filled with spaces up to a width.
pub(super) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Breaks a text into lines of at most so many columns; a word that is longer is broken as well.
pub(super) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let mut word = word.to_owned();
        if !line.is_empty() && width(&line) + 1 + width(&word) > columns {
            lines.push(std::mem::take(&mut line));
        }
        while width(&word) > columns {
            let first = cut(&word, columns, "");
            if first.is_empty() {
                break;
            }
            word.drain(..first.len());
            lines.push(first);
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wraps_between_words_and_breaks_only_what_is_too_long() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a abcdefghij b", 4), ["a", "abcd", "efgh", "ij b"]);
        assert_eq!(wrapped("", 4), [""]);
    }

    #[test]
    fn cuts_by_columns_not_by_characters() {
        assert_eq!(cut("租户一号", 5, "…"), "租户…");
        assert_eq!(cut("tenant", 6, "…"), "tenant");
    }

    proptest! {
        #[test]
        fn never_loses_a_letter_or_exceeds_the_width(text in "[a-z租 ]{0,80}", columns in 2_usize..30) {
            let lines = wrapped(&text, columns);
            prop_assert!(lines.iter().all(|line| width(line) <= columns));
            let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
