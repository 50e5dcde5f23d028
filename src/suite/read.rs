//! The bytes of a suite become a [`Suite`].

use std::sync::LazyLock;

use super::file::{self, FamilyName, SuiteFile};
use super::problem::{Problem, SuiteError};
use super::types::{Check, ControlCases, ControlRef, NetworkParameters, Parameters, Suite};
use super::validate;
use crate::document::{Document, Limits, Located, Path, shape};
use crate::model::{CheckId, Family};

/// The largest suite that is read, in bytes: 1 MiB, some hundreds of checks.
pub const MAX_BYTES: usize = 1024 * 1024;

static SCHEMA: LazyLock<serde_json::Value> = LazyLock::new(shape::schema_of::<SuiteFile>);

const LIMITS: Limits = Limits {
    bytes: MAX_BYTES,
    api_version: "tenantproof.dev/v1",
    kind: "Suite",
    when_empty: "`docs/suites.md` shows a suite; the built-in ones lie under `suites/`",
};

/// The built-in suites: each with the name that errors give it, and its bytes.
#[must_use]
pub fn built_in() -> Vec<(&'static str, &'static [u8])> {
    vec![("suites/network.yaml", include_str!("../../suites/network.yaml").as_bytes())]
}

/// The ids of all checks that were ever published, in the order of their publication. One that is
/// listed here never vanishes from the built-in suites and never comes to mean something else.
pub fn published_ids() -> impl Iterator<Item = CheckId> {
    let lines = include_str!("../../suites/published-ids.txt").lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(CheckId::from)
}

/// Reads and validates a suite. `file` is its name as the user gave it, for the errors.
///
/// # Errors
/// Where the file is not a suite; the error has everything that is wrong, each with its place.
pub fn read(file: &str, bytes: &[u8]) -> Result<Suite, SuiteError> {
    let document = Document::read(file, bytes, LIMITS).map_err(|error| error.map(Problem::from))?;
    let mut problems: Vec<_> =
        shape::check(&document, &SCHEMA).into_iter().map(|problem| problem.map(Problem::from)).collect();
    match document.to::<SuiteFile>() {
        Ok(written) => {
            problems.extend(validate::check(&document, &written));
            let suite = suite(&document, written, &mut problems);
            document.rejected(problems).map_or(Ok(suite), Err)
        }
        // The shape's problems are the more exact ones; serde's own says something only where
        // there are none, so that nothing is lost.
        Err(unread) => Err(document.rejected(problems).unwrap_or_else(|| unread.map(Problem::from))),
    }
}

/// The JSON Schema of a suite.
#[must_use]
pub fn schema() -> serde_json::Value {
    SCHEMA.clone()
}

/// The suite, without the checks that have no parameters of their family: those are problems.
fn suite(document: &Document, written: SuiteFile, problems: &mut Vec<Located<Problem>>) -> Suite {
    let SuiteFile { api_version: file::ApiVersion::V1, kind: file::Kind::Suite, family, version, checks } = written;
    let mut read = Vec::with_capacity(checks.len());
    for (index, mut check) in checks.into_iter().enumerate() {
        let parameters = match family {
            FamilyName::Network => check.parameters.network.take().map(|network| Parameters::Network(network.into())),
        };
        if let Some(parameters) = parameters {
            read.push(check_with(check, parameters));
        } else {
            let path = Path::root().key("checks").item(index).key("parameters");
            let problem = Problem::NoParameters { path: path.clone(), family: family.as_str() };
            problems.push(document.problem(document.place(&path), "missing", problem));
        }
    }
    Suite { family: Family::from(family.as_str()), version, checks: read }
}

fn check_with(check: file::Check, parameters: Parameters) -> Check {
    let file::Check { id, since, title, proves, does_not_prove, control_cases, controls, remedy, production, .. } =
        check;
    let controls = controls.into_iter().map(|control| ControlRef {
        framework: one_line(&control.framework),
        id: one_line(&control.id),
        limits: one_line(&control.limits),
    });
    Check {
        id: CheckId::new(id),
        since,
        title: one_line(&title),
        proves: one_line(&proves),
        does_not_prove: one_line(&does_not_prove),
        control_cases: ControlCases {
            positive: one_line(&control_cases.positive),
            negative: one_line(&control_cases.negative),
        },
        controls: controls.collect(),
        remedy: one_line(&remedy),
        production: one_line(&production),
        parameters,
    }
}

/// Texts are wrapped in the file for those who edit it; each report wraps for itself.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl From<file::NetworkParameters> for NetworkParameters {
    fn from(written: file::NetworkParameters) -> Self {
        let file::NetworkParameters { scope, expect, by, protocols } = written;
        Self { scope, expect, by, protocols }
    }
}
