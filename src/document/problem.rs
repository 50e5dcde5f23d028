//! What is wrong with a document, and where.

use std::error::Error;
use std::fmt;

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode};

use super::path::Path;
use crate::model::Nearest;

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The first byte, counted from 0.
    pub offset: usize,
    /// How many bytes; 0 where only the beginning is known.
    pub length: usize,
}

impl Place {
    /// The beginning of a file.
    pub const START: Self = Self { line: 1, column: 1, offset: 0, length: 0 };

    /// The place of the byte at `offset` of `text`; past the end, the end.
    #[must_use]
    pub fn of_byte(text: &str, offset: usize) -> Self {
        let offset = text.floor_char_boundary(offset);
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            offset,
            length: 0,
        }
    }

    /// The place at a line and a column of `text`, both counted from 1; past the end, the end.
    #[must_use]
    pub fn of_line(text: &str, line: usize, column: usize) -> Self {
        let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = &text[start..];
        let inside: usize = rest.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
        Self::of_byte(text, start + inside)
    }

    fn label(self, text: String) -> LabeledSpan {
        LabeledSpan::new(Some(text), self.offset, self.length)
    }
}

impl From<serde_saphyr::Location> for Place {
    fn from(location: serde_saphyr::Location) -> Self {
        let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        Self {
            // An unknown location is line 0; the beginning of the file is its nearest true place.
            line: number(location.line()).max(1),
            column: number(location.column()).max(1),
            offset: location.span().byte_offset().map_or(0, number),
            length: location.span().byte_len().map_or(0, number),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// What is wrong with a document before its meaning is looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum Problem {
    /// It is larger than it may be.
    #[error("the file has {size} bytes; at most {limit} are read")]
    #[diagnostic(code(tenantproof::file::too_large), help("this can't be the right file; check the path"))]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// It is not text in UTF-8.
    #[error("the file is not UTF-8: byte {offset} is 0x{byte:02x}; expected YAML in UTF-8")]
    #[diagnostic(
        code(tenantproof::file::not_utf8),
        help("save it as UTF-8, or convert it: `iconv -f WINDOWS-1252 -t UTF-8`; a binary file is the wrong file")
    )]
    NotUtf8 {
        /// The first byte that is wrong, counted from 0.
        offset: usize,
        /// Its value.
        byte: u8,
    },
    /// There is nothing in it but blanks and comments.
    #[error("the file is empty{}; expected `apiVersion: {api_version}` and `kind: {kind}`", if *.comments { " but for comments" } else { "" })]
    #[diagnostic(code(tenantproof::file::empty), help("{remedy}"))]
    Empty {
        /// Whether it has comments.
        comments: bool,
        /// The API version that was expected.
        api_version: &'static str,
        /// The kind that was expected.
        kind: &'static str,
        /// Where to get one that is not empty.
        remedy: &'static str,
    },
    /// It has more documents than one.
    #[error("a second YAML document begins here; expected one document")]
    #[diagnostic(code(tenantproof::file::several_documents), help("put each document into a file of its own"))]
    SeveralDocuments,
    /// A tab where YAML wants spaces.
    #[error("a tab indents this line; expected spaces")]
    #[diagnostic(code(tenantproof::file::tab), help("YAML forbids tabs in indentation: replace each by two spaces"))]
    Tab,
    /// It is not YAML.
    #[error("the file is not valid YAML: {message}")]
    #[diagnostic(
        code(tenantproof::file::syntax),
        help("look here and at the line before: indentation, a missing colon or dash, a quote or bracket left open")
    )]
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// It would unfold to more than is read.
    #[error("the file unfolds to more than is read: {message}")]
    #[diagnostic(
        code(tenantproof::file::budget),
        help("write out what the anchors (`&`) and aliases (`*`) stand for, or nest less deeply")
    )]
    Budget {
        /// Which limit was reached.
        message: String,
    },
    /// It can't be read for a reason that the shape doesn't show.
    #[error("the file can't be read: {message}")]
    #[diagnostic(code(tenantproof::file::unread), help("compare it with what `tenantproof schema` prints"))]
    Unread {
        /// What the reader says.
        message: String,
    },
    /// A key occurs twice in one mapping.
    #[error("`{key}` occurs twice in {within}; first at line {first}", first = .first.line)]
    #[diagnostic(
        code(tenantproof::file::duplicate_key),
        help("YAML would silently keep one of the two: delete one, or join them")
    )]
    DuplicateKey {
        /// The key.
        key: String,
        /// In which mapping.
        within: Path,
        /// Where it occurs first.
        first: Place,
    },
    /// A key that the file has no meaning for.
    #[error("`{key}` is not a field of {within}{nearest} Expected one of: {}", .expected.join(", "))]
    #[diagnostic(code(tenantproof::file::unknown_field))]
    UnknownField {
        /// The key.
        key: String,
        /// In which mapping.
        within: Path,
        /// The nearest valid one.
        nearest: Nearest,
        /// All valid ones.
        expected: Vec<String>,
    },
    /// A field that must be there.
    #[error("{within} has no `{key}`")]
    #[diagnostic(code(tenantproof::file::missing_field), help("{meaning}"))]
    MissingField {
        /// The field.
        key: String,
        /// In which mapping.
        within: Path,
        /// What it means.
        meaning: String,
    },
    /// A value of the wrong type.
    #[error("{path} is {found}; expected {expected}")]
    #[diagnostic(code(tenantproof::file::wrong_type), help("{meaning}"))]
    WrongType {
        /// Where.
        path: Path,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
        /// What the field means.
        meaning: String,
    },
    /// A word that is none of the valid ones.
    #[error("`{word}` is not a value of {path}{nearest} Expected {}", expected_words(.expected))]
    #[diagnostic(code(tenantproof::file::unknown_word), help("{meaning}"))]
    UnknownWord {
        /// The word.
        word: String,
        /// Where.
        path: Path,
        /// The nearest valid one.
        nearest: Nearest,
        /// All valid ones.
        expected: Vec<String>,
        /// What the field means.
        meaning: String,
    },
    /// A number that is too small or too large.
    #[error("{path} is {number}; expected a whole number from {minimum} to {maximum}")]
    #[diagnostic(code(tenantproof::file::out_of_range), help("{meaning}"))]
    OutOfRange {
        /// Where.
        path: Path,
        /// The number.
        number: i128,
        /// The smallest that is valid.
        minimum: i128,
        /// The largest that is valid.
        maximum: i128,
        /// What the field means.
        meaning: String,
    },
    /// A word occurs twice in a list.
    #[error("`{word}` is listed twice in {path}")]
    #[diagnostic(code(tenantproof::file::listed_twice), help("delete one of the two"))]
    ListedTwice {
        /// The word.
        word: String,
        /// The list.
        path: Path,
    },
    /// A list, mapping or text with nothing in it, where something is needed.
    #[error("{path} is empty; expected at least one {what}")]
    #[diagnostic(code(tenantproof::file::nothing_in_it), help("{meaning}"))]
    NothingInIt {
        /// Where.
        path: Path,
        /// What is missing: an item, an entry or a letter.
        what: &'static str,
        /// What the field means.
        meaning: String,
    },
}

fn expected_words(words: &[String]) -> String {
    match words {
        [one] => format!("`{one}`"),
        many => format!("one of: {}", many.join(", ")),
    }
}

/// A problem, in which file and at which place.
///
/// Its text is `file:line:column: what is wrong`; its [`Diagnostic`] shows the lines themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<P> {
    /// The file, as the user named it.
    pub file: String,
    /// Where.
    pub place: Place,
    /// What is to be said at that place.
    pub label: String,
    /// Other places that belong to it, with what is to be said there.
    pub others: Vec<(Place, String)>,
    /// What is wrong.
    pub problem: P,
}

impl<P> Located<P> {
    /// The same at the same place, as a problem of another kind.
    pub fn map<Q>(self, into: impl FnOnce(P) -> Q) -> Located<Q> {
        let Self { file, place, label, others, problem } = self;
        Located { file, place, label, others, problem: into(problem) }
    }
}

impl<P: fmt::Display> fmt::Display for Located<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.place, self.problem)
    }
}

impl<P: Error> Error for Located<P> {}

impl<P: Diagnostic> Diagnostic for Located<P> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.code()
    }

    fn severity(&self) -> Option<Severity> {
        self.problem.severity()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.help()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let others = self.others.iter().map(|(place, text)| place.label(text.clone()));
        Some(Box::new(std::iter::once(self.place.label(self.label.clone())).chain(others)))
    }
}

/// A file that was not taken, with everything that is wrong with it.
///
/// Its text is the first problem's, with `file:line:column`; [`Rejected::problems`] has them all,
/// and as a [`Diagnostic`] it shows the first in the file's lines and relates the others.
#[derive(Clone, Debug)]
pub struct Rejected<P>(Box<Contents<P>>);

/// Boxed, so that a result is not as large as its rarest error.
#[derive(Clone, Debug)]
struct Contents<P> {
    first: Located<P>,
    rest: Vec<Located<P>>,
    /// How many more there are than are kept.
    left_out: usize,
    /// `None` where a line is too long to be shown.
    source: Option<NamedSource<String>>,
}

/// The most problems that are kept: nobody reads more of one file at once.
const MOST: usize = 100;

/// The longest line that is shown, in bytes.
const LONGEST_LINE: usize = 1_000;

impl<P> Rejected<P> {
    /// The file `file` with the text `text` is wrong in `first` and, where there are more, `rest`.
    #[must_use]
    pub fn new(file: &str, text: &str, first: Located<P>, mut rest: Vec<Located<P>>) -> Self {
        let left_out = rest.len().saturating_sub(MOST - 1);
        rest.truncate(MOST - 1);
        let shown = text.lines().all(|line| line.len() <= LONGEST_LINE);
        let source = shown.then(|| NamedSource::new(file, text.to_owned()).with_language("yaml"));
        Self(Box::new(Contents { first, rest, left_out, source }))
    }

    /// The file with all of `problems`, in the order of their places; `None` where there are none.
    #[must_use]
    pub fn with_all(file: &str, text: &str, mut problems: Vec<Located<P>>) -> Option<Self> {
        problems.sort_by_key(|problem| (problem.place.line, problem.place.column));
        let mut problems = problems.into_iter();
        problems.next().map(|first| Self::new(file, text, first, problems.collect()))
    }

    /// Everything that is wrong, in the order of the file; of very much, the first hundred.
    pub fn problems(&self) -> impl Iterator<Item = &Located<P>> {
        std::iter::once(&self.0.first).chain(&self.0.rest)
    }

    /// The same as problems of another kind.
    pub fn map<Q>(self, into: impl Fn(P) -> Q) -> Rejected<Q> {
        let Contents { first, rest, left_out, source } = *self.0;
        let rest = rest.into_iter().map(|problem| problem.map(&into)).collect();
        Rejected(Box::new(Contents { first: first.map(&into), rest, left_out, source }))
    }
}

impl<P: fmt::Display> fmt::Display for Rejected<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.first, f)?;
        match (self.0.rest.len() + 1, self.0.left_out) {
            (1, 0) => Ok(()),
            (kept, 0) => write!(f, " (the first of {kept} problems)"),
            (kept, left_out) => write!(f, " (the first of {} problems; {kept} are listed)", kept + left_out),
        }
    }
}

impl<P: Error> Error for Rejected<P> {}

impl<P: Diagnostic> Diagnostic for Rejected<P> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.first.code()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.first.help()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.0.first.labels()
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.0.rest.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}
