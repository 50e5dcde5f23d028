//! Lines out of bytes as they come. Pure.

/// The most that one line may have: an event with both bodies of the largest request that an API server takes is
/// below a third of it.
const MOST: usize = 32 << 20;

/// Lines out of bytes that come in parts: a line is given once its end is there, so a part of one never is.
#[derive(Debug, Default)]
pub(super) struct Lines {
    part: Vec<u8>,
    /// Whether the rest of a line is passed over, because its beginning was not read or it is too long.
    passing: bool,
    /// Lines that were longer than any event may be.
    pub(super) too_long: u64,
}

impl Lines {
    /// Lines from the middle of a file: what comes before the first end of a line is passed over.
    pub(super) fn from_the_middle() -> Self {
        Self { passing: true, ..Self::default() }
    }

    /// Takes bytes in and gives each line that is whole by now.
    pub(super) fn take(&mut self, bytes: &[u8], mut line: impl FnMut(&str)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let whole = piece.ends_with(b"\n");
            if !self.passing && self.part.len() + piece.len() > MOST {
                self.too_long += 1;
                self.part = Vec::new();
                self.passing = true;
            }
            if self.passing {
                self.passing = !whole;
            } else if whole && self.part.is_empty() {
                line(&String::from_utf8_lossy(piece.trim_ascii_end()));
            } else {
                self.part.extend_from_slice(piece);
                if whole {
                    line(&String::from_utf8_lossy(self.part.trim_ascii_end()));
                    self.part.clear();
                }
            }
        }
    }

    /// The file has ended for good: a line without an end is one all the same.
    pub(super) fn end(&mut self, mut line: impl FnMut(&str)) {
        if !self.passing && !self.part.is_empty() {
            line(&String::from_utf8_lossy(&self.part));
        }
        self.part = Vec::new();
        self.passing = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::{Lines, MOST};

    fn read(lines: &mut Lines, parts: &[&[u8]]) -> Vec<String> {
        let mut all = Vec::new();
        for part in parts {
            lines.take(part, |line| all.push(line.to_owned()));
        }
        all
    }

    #[rstest]
    #[case::whole(&["a\nb\n"], &["a", "b"])]
    #[case::in_parts(&["a", "b\nc", "\n"], &["ab", "c"])]
    #[case::without_an_end(&["a\nb"], &["a"])]
    #[case::returns(&["a\r\n"], &["a"])]
    fn a_line_is_given_once_it_is_whole(#[case] parts: &[&str], #[case] expected: &[&str]) {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        assert_eq!(read(&mut Lines::default(), &parts), expected);
    }

    #[test]
    fn from_the_middle_the_rest_of_a_line_is_passed_over() {
        assert_eq!(read(&mut Lines::from_the_middle(), &[b"rest", b" of it\nwhole\n"]), ["whole"]);
    }

    #[test]
    fn a_line_without_an_end_is_one_where_the_file_has_ended() {
        let (mut lines, mut last) = (Lines::default(), String::new());
        lines.take(b"a\nlast", |_| {});
        lines.end(|line| line.clone_into(&mut last));
        assert_eq!(last, "last");
    }

    #[test]
    fn a_line_that_is_longer_than_any_event_is_counted_and_passed_over() {
        let mut lines = Lines::default();
        let huge = vec![b'x'; MOST];
        assert_eq!(read(&mut lines, &[&huge, b"x", b"x\nnext\n"]), ["next"]);
        assert_eq!(lines.too_long, 1);
        assert!(lines.part.capacity() < MOST, "its bytes should not be held");
    }

    proptest! {
        #[test]
        fn however_bytes_are_cut_the_lines_are_the_same(text in "[ab\n]{0,40}", cuts in prop::collection::vec(0_usize..40, 0..5)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let parts: Vec<&[u8]> = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
            let expected: Vec<&str> = text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(|line| &line[..line.len() - 1]).collect();
            prop_assert_eq!(read(&mut Lines::default(), &parts), expected);
        }
    }
}
