//! The record of requests as it is read: what of it bears the run's mark, from the moment it was opened on.

use std::collections::BTreeMap;
use std::time::Instant;

#[cfg(feature = "aws")]
use super::cloudwatch::CloudWatch;
use super::source::{AuditLogError, AuditSource};
use super::tail::Tail;
use super::webhook::Listener;

/// Records of requests that are being read, each from the moment on at which it was opened.
#[derive(Debug)]
pub struct AuditLog {
    mark: String,
    readers: Vec<Reader>,
    reading: Reading,
}

#[derive(Debug)]
enum Reader {
    File {
        name: String,
        tail: Box<Tail>,
        looked: Option<Instant>,
    },
    Webhook {
        name: String,
        listener: Listener,
    },
    #[cfg(feature = "aws")]
    CloudWatch(Box<CloudWatch>),
}

/// A line with the mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The line: one event, if it is whole.
    pub line: String,
    /// Which of several API servers it came from, as far as the source tells them apart: a stream of CloudWatch Logs, who
    /// posted it. `None` for a file, which is one API server's anyway.
    pub lane: Option<String>,
}

/// What was read of the logs so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// How many lines; of CloudWatch Logs, how many that had the mark, which are all that it gives.
    pub lines: u64,
    /// How many were longer than any event may be, and were passed over.
    pub too_long: u64,
    /// How often a log was rotated meanwhile.
    pub rotations: u64,
    /// Posts to a webhook that were refused, by the reason.
    pub refused: BTreeMap<String, u64>,
    /// Why a log can't be read any more.
    pub trouble: Option<String>,
    /// Why the last look at a log was none; a later one may be.
    pub missed: Option<String>,
}

impl AuditLog {
    /// Opens all of them. From here on what bears the mark is kept: what was written before is nobody's of this run.
    ///
    /// # Errors
    /// [`AuditLogError`] for the first that can't be read.
    pub async fn open(sources: &[AuditSource], mark: &str) -> Result<Self, AuditLogError> {
        let mut readers = Vec::with_capacity(sources.len());
        for source in sources {
            let name = source.describe();
            readers.push(match source {
                AuditSource::File(path) => match Tail::open(path) {
                    Ok(tail) => Reader::File { name, tail: Box::new(tail), looked: None },
                    Err(error) => return Err(AuditLogError::File { path: name, why: error.to_string() }),
                },
                AuditSource::Webhook(webhook) => match Listener::open(webhook, mark).await {
                    Ok(listener) => Reader::Webhook { name, listener },
                    Err(unable) => {
                        return Err(AuditLogError::Webhook { webhook: name, why: unable.why, help: unable.help });
                    }
                },
                #[cfg(feature = "aws")]
                AuditSource::CloudWatch(group) => Reader::CloudWatch(Box::new(CloudWatch::open(group, mark).await?)),
            });
        }
        Ok(Self { mark: mark.to_owned(), readers, reading: Reading::default() })
    }

    /// Gives every line with the mark that came since the last time.
    pub async fn look(&mut self) -> Vec<Marked> {
        let mut found = Vec::new();
        let Self { mark, readers, reading } = self;
        (reading.too_long, reading.rotations, reading.missed) = (0, 0, None);
        for reader in readers {
            match reader {
                Reader::File { name, tail, looked } => {
                    let began = Instant::now();
                    let read = tail.read(&mut |line: &str| {
                        reading.lines += 1;
                        if line.contains(mark.as_str()) {
                            found.push(Marked { line: line.to_owned(), lane: None });
                        }
                    });
                    match read {
                        Ok(()) => *looked = Some(began),
                        Err(error) => reading.trouble = Some(format!("{name}: {error}")),
                    }
                    reading.too_long += tail.too_long();
                    reading.rotations += tail.rotations;
                }
                Reader::Webhook { name, listener } => {
                    let taken = listener.take();
                    reading.lines += taken.lines;
                    found.extend(taken.marked);
                    for (why, count) in taken.refused {
                        *reading.refused.entry(why.to_owned()).or_default() += count;
                    }
                    if listener.is_over() {
                        reading.trouble = Some(format!("{name}: nobody listens any more"));
                    }
                }
                #[cfg(feature = "aws")]
                Reader::CloudWatch(group) => group.look(reading, &mut found).await,
            }
        }
        found
    }

    /// When the last look began that all of them gave whole: what was there by then was given. `None` where there was none
    /// yet.
    #[must_use]
    pub fn looked(&self) -> Option<Instant> {
        let of = |reader: &Reader| match reader {
            Reader::File { looked, .. } => *looked,
            // What comes is there at once.
            Reader::Webhook { .. } => Some(Instant::now()),
            #[cfg(feature = "aws")]
            Reader::CloudWatch(group) => group.looked(),
        };
        self.readers.iter().map(of).min().flatten()
    }

    /// What was read so far.
    #[must_use]
    pub const fn reading(&self) -> &Reading {
        &self.reading
    }
}
