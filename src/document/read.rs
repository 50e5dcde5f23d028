//! Bytes become a document, within limits.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_saphyr::{DuplicateKeyPolicy, Error, Spanned};

use super::node::{Node, Value};
use super::path::Path;
use super::problem::{Located, Place, Problem, Rejected};

/// How much of a file is read, and what to say of one that is empty.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest file, in bytes.
    pub bytes: usize,
    /// The `apiVersion` that is expected.
    pub api_version: &'static str,
    /// The `kind` that is expected.
    pub kind: &'static str,
    /// What to do about an empty file.
    pub when_empty: &'static str,
}

/// A file that is one well-formed YAML document.
#[derive(Clone, Debug)]
pub struct Document {
    file: String,
    text: String,
    root: Node,
}

impl Document {
    /// Reads one YAML document from `bytes`; `file` is the file's name as the user gave it.
    ///
    /// # Errors
    /// Where the file is too large, not UTF-8, empty, not YAML, more than one document, unfolds
    /// to too much, or has a key twice in one mapping.
    pub fn read(file: &str, bytes: &[u8], limits: Limits) -> Result<Self, Rejected<Problem>> {
        if bytes.len() > limits.bytes {
            let problem = Problem::TooLarge { size: bytes.len(), limit: limits.bytes };
            return Err(reject(file, "", Place::START, "not read", problem));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let offset = error.valid_up_to();
            let text = String::from_utf8_lossy(bytes);
            let problem = Problem::NotUtf8 { offset, byte: bytes.get(offset).copied().unwrap_or_default() };
            reject(file, &text, Place::of_byte(&text, offset), "not UTF-8", problem)
        })?;
        // Editors on Windows put a byte order mark in front; it is not part of the text.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if let Some(comments) = without_content(text) {
            let Limits { api_version, kind, when_empty: remedy, .. } = limits;
            let problem = Problem::Empty { comments, api_version, kind, remedy };
            return Err(reject(file, text, Place::START, "nothing here", problem));
        }
        let root: Spanned<Value> = serde_saphyr::from_str_with_options(text, options())
            .map_err(|error| syntax(file, text, error.without_snippet()))?;
        let document = Self { file: file.to_owned(), text: text.to_owned(), root: Node::from(root) };
        let mut duplicates = Vec::new();
        document.find_duplicates(&document.root, &Path::root(), &mut duplicates);
        document.rejected(duplicates).map_or(Ok(document), Err)
    }

    /// The value of the whole document.
    #[must_use]
    pub const fn root(&self) -> &Node {
        &self.root
    }

    /// The place of the value at `path`, or of the nearest that encloses it.
    #[must_use]
    pub fn place(&self, path: &Path) -> Place {
        self.root.at(path).place
    }

    /// The text of the line that begins the value at `path`, from there on: what the user wrote.
    #[must_use]
    pub fn written(&self, place: Place) -> &str {
        self.text.get(place.offset..place.offset + place.length).unwrap_or_default()
    }

    /// A problem of this document at `place`, where `label` is to be said.
    pub fn problem<P>(&self, place: Place, label: impl Into<String>, problem: P) -> Located<P> {
        Located { file: self.file.clone(), place, label: label.into(), others: Vec::new(), problem }
    }

    /// This document with all of `problems`; `None` where there are none.
    #[must_use]
    pub fn rejected<P>(&self, problems: Vec<Located<P>>) -> Option<Rejected<P>> {
        Rejected::with_all(&self.file, &self.text, problems)
    }

    /// The document as one of the structs that files are written as.
    ///
    /// # Errors
    /// Where it doesn't have the struct's shape; [`super::shape::check`] says more exactly where.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, Rejected<Problem>> {
        serde_json::from_value(self.root.to_json()).map_err(|error| {
            let problem = Problem::Unread { message: error.to_string() };
            reject(&self.file, &self.text, self.root.place, "here", problem)
        })
    }

    fn find_duplicates(&self, node: &Node, path: &Path, found: &mut Vec<Located<Problem>>) {
        match &node.value {
            Value::Map(entries) => {
                let mut earlier: HashMap<&str, Place> = HashMap::with_capacity(entries.len());
                for entry in entries {
                    if let Some(&first) = earlier.get(entry.key.as_str()) {
                        let problem = Problem::DuplicateKey { key: entry.key.clone(), within: path.clone(), first };
                        let mut problem = self.problem(entry.place, "again here", problem);
                        problem.others.push((first, "first here".to_owned()));
                        found.push(problem);
                    } else {
                        earlier.insert(&entry.key, entry.place);
                    }
                    self.find_duplicates(&entry.value, &path.key(&entry.key), found);
                }
            }
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.find_duplicates(item, &path.item(index), found);
                }
            }
            _ => {}
        }
    }
}

/// `Some` where there is nothing to read; whether there are comments.
fn without_content(text: &str) -> Option<bool> {
    let mut comments = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('#') {
            comments = true;
        } else if !matches!(line, "" | "---" | "...") {
            return None;
        }
    }
    Some(comments)
}

/// Far more than any tenancy needs, far less than an alias bomb unfolds to.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_depth: 32,
            flow_nesting_limit: 32,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 50_000,
            max_replay_stack_depth: 8,
        },
        // Found here instead, all of them and with both places.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        strict_indentation: true,
        with_snippet: false,
    }
}

fn syntax(file: &str, text: &str, error: &Error) -> Rejected<Problem> {
    // What goes wrong behind an alias is told as what it is.
    let mut cause = error;
    while let Error::AliasError { error, .. } = cause {
        cause = error.without_snippet();
    }
    let place = error.location().map_or(Place::START, |location| {
        let place = Place::from(location);
        // The scanner's own errors know line and column only.
        if location.span().byte_offset().is_some() { place } else { Place::of_line(text, place.line, place.column) }
    });
    let message = cause.render_with_options(serde_saphyr::render_options! { snippets: serde_saphyr::SnippetMode::Off });
    // The place is said by us, once.
    let message = message.split(" at line ").next().unwrap_or_default().to_owned();
    let (place, label, problem) = match cause {
        Error::MultipleDocuments { .. } => (place, "a second document", Problem::SeveralDocuments),
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => (place, "too much", Problem::Budget { message }),
        // The scanner has limits of its own, and a word for them only.
        _ if message.contains("limit exceeded") => (place, "too much", Problem::Budget { message }),
        _ => match tab_near(text, place) {
            Some(tab) => (tab, "a tab", Problem::Tab),
            None => (place, "here", Problem::Syntax { message }),
        },
    };
    reject(file, text, place, label, problem)
}

/// The tab that indents the line of `place` or, since a scanner may give up before it, the next.
fn tab_near(text: &str, place: Place) -> Option<Place> {
    let lines = text.lines().enumerate().skip(place.line.saturating_sub(1)).take(2);
    for (index, line) in lines {
        let indentation = line.len() - line.trim_start().len();
        if let Some(tab) = line[..indentation].find('\t') {
            return Some(Place::of_line(text, index + 1, tab + 1));
        }
    }
    None
}

fn reject(file: &str, text: &str, place: Place, label: &str, problem: Problem) -> Rejected<Problem> {
    let first = Located { file: file.to_owned(), place, label: label.to_owned(), others: Vec::new(), problem };
    Rejected::new(file, text, first, Vec::new())
}
