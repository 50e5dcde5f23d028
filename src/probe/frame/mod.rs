//! How a probe's messages stand in its log, so that a log cut short is seen to be one.
//!
//! A message is JSON, cut into lines of less than 8 KiB (runtimes split a log's lines at 16 KiB),
//! and closed by a line with the number of those lines and a SHA-256:
//!
//! ```text
//! TP1 report 3 1/2 {"round":3,"probe":"t1-web-x","answers":[{"id":1,
//! TP1 report 3 2/2 "attempts":[{"outcome":"connected","micros":412}]}]}
//! TP1 report 3 end/2 5e1f…
//! ```
//!
//! The digest covers the kind, the number and the count besides the JSON. A message whose lines or
//! digest are missing is [`FrameError::Incomplete`], one whose lines disagree is
//! [`FrameError::Corrupt`]; neither ever becomes a [`Report`].

mod decode;

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

pub use decode::{Decoded, Decoder, FrameError};

use super::digest::hex;
use super::wire::{Ack, Complaint, Ready, Report};

/// What each line of a message begins with: the program and the version of this format.
const MAGIC: &str = "TP1";
/// So much of the JSON stands on one line; with what is before it, a line stays below 8 KiB.
const CHUNK_MAX: usize = 8000;

/// The kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A [`Ready`], numbered 0.
    Ready,
    /// An [`Ack`], numbered by its round.
    Ack,
    /// A [`Report`], numbered by its round.
    Report,
    /// A [`Complaint`], numbered in the order in which they were made, from 1.
    Error,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Ready, Self::Ack, Self::Report, Self::Error];

    /// The word for it on a line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Ack => "ack",
            Self::Report => "report",
            Self::Error => "error",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The lines of a report, without their newlines.
#[must_use]
pub fn encode(report: &Report) -> Vec<String> {
    lines(Kind::Report, report.round, report)
}

/// The lines of an acknowledgement.
#[must_use]
pub fn encode_ack(ack: &Ack) -> Vec<String> {
    lines(Kind::Ack, ack.round, ack)
}

/// The lines with which a probe says that it is ready.
#[must_use]
pub fn encode_ready(ready: &Ready) -> Vec<String> {
    lines(Kind::Ready, 0, ready)
}

/// The lines of a probe's complaint; `number` counts its complaints from 1.
#[must_use]
pub fn encode_complaint(number: u32, complaint: &Complaint) -> Vec<String> {
    lines(Kind::Error, number, complaint)
}

fn lines<T: Serialize>(kind: Kind, number: u32, message: &T) -> Vec<String> {
    // The messages are structs of strings and numbers, for which JSON can't fail. If it did, the
    // empty text would be read as a corrupt message.
    let json = serde_json::to_string(message).unwrap_or_default();
    let chunks = chunks(&json);
    let count = chunks.len();
    let mut lines: Vec<String> = (1..)
        .zip(&chunks)
        .map(|(seq, chunk): (usize, _)| format!("{MAGIC} {kind} {number} {seq}/{count} {chunk}"))
        .collect();
    lines.push(format!("{MAGIC} {kind} {number} end/{count} {}", digest(kind, number, count, &json)));
    lines
}

/// Cuts `json` between characters into pieces of at most [`CHUNK_MAX`] bytes.
fn chunks(json: &str) -> Vec<&str> {
    let mut chunks = Vec::with_capacity(json.len() / CHUNK_MAX + 1);
    let mut rest = json;
    while rest.len() > CHUNK_MAX {
        let (chunk, after) = rest.split_at(rest.floor_char_boundary(CHUNK_MAX));
        chunks.push(chunk);
        rest = after;
    }
    chunks.push(rest);
    chunks
}

fn digest(kind: Kind, number: u32, count: usize, json: &str) -> String {
    let head = format!("{MAGIC} {kind} {number} {count}\n");
    hex(&Sha256::new().chain_update(head).chain_update(json).finalize())
}
