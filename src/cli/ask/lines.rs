//! Lines in, lines out, in the same order.

use std::io::{self, BufRead, Write};

use super::AskError;

/// The longest question, in bytes.
const LONGEST: usize = 1 << 20;

/// What answers questions. Each answer is one line, its end included.
pub(super) trait Answering {
    /// Answers a line that is not empty.
    fn one(&mut self, number: usize, line: &[u8], out: &mut Vec<u8>);

    /// Answers a line that is no question.
    fn malformed(&mut self, number: usize, line: &[u8], why: &str, out: &mut Vec<u8>);
}

/// Answers all lines.
///
/// # Errors
/// Input that cannot be read, and output that cannot be written.
pub(super) fn answer(
    questions: impl BufRead,
    mut answers: impl Write,
    answering: &mut impl Answering,
) -> Result<(), AskError> {
    let mut out = Vec::with_capacity(1 << 17);
    let mut line = Vec::new();
    let mut number = 0;
    let mut blank = Vec::new();
    let mut lines = Lines { questions, drained: true };
    loop {
        if !lines.next(&mut line, || flush(&mut out, &mut answers))? {
            break;
        }
        number += 1;
        let text = line.trim_ascii();
        let text = if number == 1 { text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text) } else { text };
        if text.is_empty() {
            // Empty lines at the end are no questions; before another question each is a malformed one.
            blank.push(number);
            continue;
        }
        for number in blank.drain(..) {
            answering.malformed(number, b"", "an empty line is no question", &mut out);
        }
        if text.len() > LONGEST {
            answering.malformed(number, b"", "the line is longer than 1 MiB", &mut out);
        } else {
            answering.one(number, text, &mut out);
        }
        if out.len() >= 1 << 16 {
            answers.write_all(&out).map_err(AskError::Answers)?;
            out.clear();
        }
    }
    flush(&mut out, &mut answers)
}

fn flush(out: &mut Vec<u8>, answers: &mut impl Write) -> Result<(), AskError> {
    answers.write_all(out).and_then(|()| answers.flush()).map_err(AskError::Answers)?;
    out.clear();
    Ok(())
}

/// Questions, line by line.
struct Lines<R> {
    questions: R,
    /// Whether all that had arrived is used up, so that reading on may have to wait.
    drained: bool,
}

impl<R: BufRead> Lines<R> {
    /// Reads the next line, without its end; what is beyond the longest question is dropped. Before it waits for
    /// more input, what was answered is handed over: whoever asks one question at a time gets one answer at a time.
    fn next(
        &mut self,
        line: &mut Vec<u8>,
        mut before_waiting: impl FnMut() -> Result<(), AskError>,
    ) -> Result<bool, AskError> {
        line.clear();
        let mut any = false;
        loop {
            if self.drained {
                before_waiting()?;
            }
            let buffer = match self.questions.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(AskError::Questions(error)),
            };
            if buffer.is_empty() {
                return Ok(any);
            }
            any = true;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
            let room = (LONGEST + 1).saturating_sub(line.len());
            line.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
            let used = end.map_or(buffer.len(), |end| end + 1);
            self.drained = used == buffer.len();
            self.questions.consume(used);
            if end.is_some() {
                return Ok(true);
            }
        }
    }
}
