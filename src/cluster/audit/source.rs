//! Where the audit log lies, and what of it was read.

use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

use super::tail::Tail;

/// Where the API server's audit log lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditSource {
    /// A file of one API server, with the files beside it into which it is rotated.
    File(PathBuf),
}

impl AuditSource {
    /// In words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
        }
    }
}

/// An audit log that can't be read.
#[derive(Debug, Error, Diagnostic)]
#[error("the audit log {path} can't be read: {why}")]
#[diagnostic(
    code(tenantproof::audit_log),
    help(
        "name the file that `--audit-log-path` of the API server names, where this machine can read it; nothing was done yet"
    )
)]
pub struct AuditLogError {
    /// Where it was looked for.
    path: String,
    /// Why it can't be read.
    why: String,
}

/// Audit logs that are being read, each from the moment on at which it was opened.
#[derive(Debug, Default)]
pub struct AuditLog {
    tails: Vec<(String, Tail)>,
    reading: Reading,
}

/// What was read of the logs so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// How many lines.
    pub lines: u64,
    /// How many were longer than any event may be, and were passed over.
    pub too_long: u64,
    /// How often a log was rotated meanwhile.
    pub rotations: u64,
    /// Why a log could not be read any more.
    pub trouble: Option<String>,
}

impl AuditLog {
    /// Opens logs at their ends.
    ///
    /// # Errors
    /// [`AuditLogError`] for the first that can't be read.
    pub fn open(sources: &[AuditSource]) -> Result<Self, AuditLogError> {
        let open = |source: &AuditSource| {
            let AuditSource::File(path) = source;
            match Tail::open(path) {
                Ok(tail) => Ok((source.describe(), tail)),
                Err(error) => Err(AuditLogError { path: source.describe(), why: error.to_string() }),
            }
        };
        Ok(Self { tails: sources.iter().map(open).collect::<Result<_, _>>()?, reading: Reading::default() })
    }

    /// Gives every line with this mark that came since the last time.
    pub fn marked(&mut self, mark: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut lines = 0;
        let (mut too_long, mut rotations) = (0, 0);
        for (name, tail) in &mut self.tails {
            let read = tail.read(&mut |line: &str| {
                lines += 1;
                if line.contains(mark) {
                    found.push(line.to_owned());
                }
            });
            if let Err(error) = read {
                self.reading.trouble = Some(format!("{name}: {error}"));
            }
            too_long += tail.too_long();
            rotations += tail.rotations;
        }
        self.reading =
            Reading { lines: self.reading.lines + lines, too_long, rotations, ..std::mem::take(&mut self.reading) };
        found
    }

    /// What was read so far.
    #[must_use]
    pub const fn reading(&self) -> &Reading {
        &self.reading
    }
}
