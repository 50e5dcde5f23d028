//! What can be wrong with a suite.

use miette::Diagnostic;

use crate::document::{self, Path, Rejected};

/// A suite that was not taken, with everything that is wrong with it.
pub type SuiteError = Rejected<Problem>;

/// One thing that is wrong with a suite.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum Problem {
    /// It is wrong as a file: its bytes, its YAML or its shape.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Document(#[from] document::Problem),
    /// An id that has not the form of one.
    #[error(
        "`{id}` is not the id of a check; expected the family, then words of lower-case letters, digits and `-`, with \
         points between them, such as `{family}.some-promise`"
    )]
    #[diagnostic(
        code(tenantproof::suite::invalid_id),
        help("evidence of past runs refers to a check by its id, so choose one that can stay")
    )]
    InvalidId {
        /// The id.
        id: String,
        /// The suite's family.
        family: String,
    },
    /// An id that belongs to another family.
    #[error("`{id}` does not begin with `{family}.`, the suite's family")]
    #[diagnostic(
        code(tenantproof::suite::foreign_id),
        help("a suite holds the checks of one family: rename the check, or move it to its family's suite")
    )]
    ForeignId {
        /// The id.
        id: String,
        /// The suite's family.
        family: String,
    },
    /// Two checks have the same id.
    #[error("`{id}` is already the id of {first}")]
    #[diagnostic(code(tenantproof::suite::duplicate_id), help("give each check an id of its own"))]
    DuplicateId {
        /// The id.
        id: String,
        /// Who has it first.
        first: Path,
    },
    /// A version that isn't three numbers.
    #[error("`{version}` in {path} is not a version; expected three numbers with points, such as `1.4.0`")]
    #[diagnostic(
        code(tenantproof::suite::invalid_version),
        help("leave out a leading `v`; quote it if it has one point only")
    )]
    InvalidVersion {
        /// What was given.
        version: String,
        /// Where.
        path: Path,
    },
    /// A check that is older than it can be.
    #[error("{path} is `{since}`, after the suite's own version `{version}`")]
    #[diagnostic(
        code(tenantproof::suite::since_the_future),
        help("`since` is the version in which the check first appeared: raise the suite's `version`")
    )]
    SinceTheFuture {
        /// Where.
        path: Path,
        /// The version in which the check appeared.
        since: String,
        /// The suite's version.
        version: String,
    },
    /// A check that names a control twice.
    #[error("`{framework}` `{id}` is listed twice in {path}")]
    #[diagnostic(code(tenantproof::suite::control_twice), help("join the two and their `limits`"))]
    ControlTwice {
        /// The framework.
        framework: String,
        /// The control.
        id: String,
        /// The list.
        path: Path,
    },
    /// A check without its family's parameters.
    #[error("{path} has no `{family}`, the suite's family")]
    #[diagnostic(
        code(tenantproof::suite::no_parameters),
        help("without it nothing would be tried: say in `parameters.{family}` what the check tries")
    )]
    NoParameters {
        /// Where.
        path: Path,
        /// The suite's family.
        family: String,
    },
    /// A text of several lines where one is wanted.
    #[error("{path} has several lines; expected one")]
    #[diagnostic(code(tenantproof::suite::several_lines), help("a title stands in tables: say the rest in `proves`"))]
    SeveralLines {
        /// Where.
        path: Path,
    },
}
