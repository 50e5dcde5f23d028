//! Reading a probe's log.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::{Kind, MAGIC, digest};
use crate::probe::wire::{Ack, Complaint, Ready, Report};

/// No message has more lines: what claims more is no line of a probe.
const COUNT_MAX: usize = 100_000;

/// Reads a probe's log, whole or piece by piece.
///
/// Foreign lines are passed over, time stamps in front of a line (as `kubectl logs --timestamps`
/// writes them) are taken off, and lines may come twice or in any order. The log of a probe whose
/// program started twice gives one complete message of each, or a corrupt one where they differ.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    messages: BTreeMap<(Kind, u32), Lines>,
    /// A line whose end has not come yet.
    rest: Vec<u8>,
}

/// What a log holds so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// That the probe is ready, and the state of its listeners.
    pub ready: Option<Ready>,
    /// What it acknowledged, by round.
    pub acks: BTreeMap<u32, Ack>,
    /// Its complete reports, by round.
    pub reports: BTreeMap<u32, Report>,
    /// What it said of orders that it could not carry out, in the order in which it said it.
    pub complaints: Vec<Complaint>,
    /// Messages of any kind that are cut short or damaged.
    pub errors: Vec<FrameError>,
}

/// Why there is no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The log has no line of it.
    #[error("the probe's log has no {kind} {number}")]
    Absent {
        /// What was looked for.
        kind: Kind,
        /// Its round, or number.
        number: u32,
    },
    /// Lines are missing: the log is cut short, or the probe is still writing.
    #[error("{kind} {number} in the probe's log is cut short: {have} of {want} lines")]
    Incomplete {
        /// What it is.
        kind: Kind,
        /// Its round, or number.
        number: u32,
        /// Lines that are there, the closing one counted.
        have: usize,
        /// Lines that it has, the closing one counted.
        want: usize,
    },
    /// Its lines contradict each other or its digest.
    #[error("{kind} {number} in the probe's log is damaged: {reason}")]
    Corrupt {
        /// What it is.
        kind: Kind,
        /// Its round, or number.
        number: u32,
        /// What does not fit.
        reason: String,
    },
}

#[derive(Clone, Debug, Default)]
struct Lines {
    count: usize,
    chunks: BTreeMap<usize, String>,
    digest: Option<String>,
    /// Two lines that should be the same are not.
    clash: bool,
}

/// One line of a message.
struct Line<'a> {
    kind: Kind,
    number: u32,
    /// `None` for the closing line.
    seq: Option<usize>,
    count: usize,
    content: &'a str,
}

impl Decoder {
    /// A decoder that has read nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What a whole log holds.
    #[must_use]
    pub fn read(log: impl AsRef<[u8]>) -> Decoded {
        let mut decoder = Self::new();
        decoder.push(log);
        decoder.decoded()
    }

    /// Takes the next piece of a log. It may end anywhere.
    pub fn push(&mut self, piece: impl AsRef<[u8]>) {
        let mut pieces = piece.as_ref().split(|byte| *byte == b'\n');
        let Some(last) = pieces.next_back() else { return };
        for end in pieces {
            self.rest.extend_from_slice(end);
            let line = std::mem::take(&mut self.rest);
            self.take(&line);
        }
        self.rest.extend_from_slice(last);
    }

    fn take(&mut self, line: &[u8]) {
        if let Some(line) = str::from_utf8(line).ok().and_then(Line::parse) {
            self.messages.entry((line.kind, line.number)).or_default().take(&line);
        }
    }

    /// Whether what was read so far ends with a line: only then something new can be complete.
    #[must_use]
    pub fn ends_a_line(&self) -> bool {
        self.rest.is_empty()
    }

    /// What the log holds so far. While a probe writes, its report is incomplete; what is complete
    /// stays.
    #[must_use]
    pub fn decoded(&self) -> Decoded {
        if !self.rest.is_empty() {
            // The last line of a log may lack its newline. If it is cut, it does not parse, or its
            // digest is not met.
            let mut whole = self.clone();
            let last = std::mem::take(&mut whole.rest);
            whole.take(&last);
            return whole.decoded();
        }
        let mut decoded = Decoded::default();
        for (&(kind, number), lines) in &self.messages {
            if let Err(error) = decoded.add(kind, number, lines) {
                decoded.errors.push(error);
            }
        }
        decoded
    }
}

impl Decoded {
    /// The report of a round.
    ///
    /// # Errors
    ///
    /// If the log has none, or its lines are cut short or damaged. Each is a probe error: nothing is
    /// known of the targets.
    pub fn report(&self, round: u32) -> Result<&Report, FrameError> {
        let absent = FrameError::Absent { kind: Kind::Report, number: round };
        let error = || self.errors.iter().find(|error| error.is_of(Kind::Report, round)).cloned().unwrap_or(absent);
        self.reports.get(&round).ok_or_else(error)
    }

    fn add(&mut self, kind: Kind, number: u32, lines: &Lines) -> Result<(), FrameError> {
        match kind {
            Kind::Ready => self.ready = Some(lines.message(kind, number)?),
            Kind::Ack => {
                let ack: Ack = lines.message(kind, number)?;
                same_round(kind, number, ack.round)?;
                self.acks.insert(number, ack);
            }
            Kind::Report => {
                let report: Report = lines.message(kind, number)?;
                same_round(kind, number, report.round)?;
                self.reports.insert(number, report);
            }
            Kind::Error => self.complaints.push(lines.message(kind, number)?),
        }
        Ok(())
    }
}

impl FrameError {
    fn is_of(&self, of: Kind, round: u32) -> bool {
        let (Self::Absent { kind, number }
        | Self::Incomplete { kind, number, .. }
        | Self::Corrupt { kind, number, .. }) = self;
        (*kind, *number) == (of, round)
    }
}

fn same_round(kind: Kind, number: u32, round: u32) -> Result<(), FrameError> {
    if number == round {
        return Ok(());
    }
    Err(FrameError::Corrupt { kind, number, reason: format!("it says that it is of round {round}") })
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut words = match line.split_once(' ')? {
            (MAGIC, rest) => rest,
            (stamp, rest) if is_time_stamp(stamp) => rest.strip_prefix(MAGIC)?.strip_prefix(' ')?,
            _ => return None,
        }
        .splitn(4, ' ');
        let kind = Kind::parse(words.next()?)?;
        let number = decimal(words.next()?)?;
        let (seq, count) = words.next()?.split_once('/')?;
        let content = words.next()?;
        let count =
            decimal(count).and_then(|count| usize::try_from(count).ok()).filter(|c| (1..=COUNT_MAX).contains(c))?;
        let seq = match seq {
            "end" => None,
            seq => Some(decimal(seq).and_then(|seq| usize::try_from(seq).ok()).filter(|s| (1..=count).contains(s))?),
        };
        let is_digest = content.len() == 64 && content.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (seq.is_some() || is_digest).then_some(Self { kind, number, seq, count, content })
    }
}

/// A number as a probe writes it: no sign, no leading zero.
fn decimal(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number: &u32| number.to_string() == text)
}

/// RFC 3339, as far as it tells a time stamp from a word.
fn is_time_stamp(word: &str) -> bool {
    word.len() >= 20
        && word.starts_with(|c: char| c.is_ascii_digit())
        && word.as_bytes().get(10) == Some(&b'T')
        && word.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b':' | b'.' | b'T' | b'Z'))
}

impl Lines {
    fn take(&mut self, line: &Line<'_>) {
        if self.count == 0 {
            self.count = line.count;
        }
        self.clash |= self.count != line.count;
        if let Some(seq) = line.seq {
            let chunk = self.chunks.entry(seq).or_insert_with(|| line.content.to_owned());
            self.clash |= chunk != line.content;
        } else {
            let digest = self.digest.get_or_insert_with(|| line.content.to_owned());
            self.clash |= digest != line.content;
        }
    }

    fn message<T: DeserializeOwned>(&self, kind: Kind, number: u32) -> Result<T, FrameError> {
        let corrupt = |reason: String| FrameError::Corrupt { kind, number, reason };
        if self.clash {
            return Err(corrupt("two of its lines contradict each other".to_owned()));
        }
        let Some(closing) = self.digest.as_ref().filter(|_| self.chunks.len() == self.count) else {
            let have = self.chunks.len() + usize::from(self.digest.is_some());
            return Err(FrameError::Incomplete { kind, number, have, want: self.count + 1 });
        };
        let json: String = self.chunks.values().map(String::as_str).collect();
        if *closing != digest(kind, number, self.count, &json) {
            return Err(corrupt("its digest is another".to_owned()));
        }
        serde_json::from_str(&json).map_err(|error| corrupt(error.to_string()))
    }
}
