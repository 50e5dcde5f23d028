//! The bytes of a suite become a [`Suite`].

use super::file::{self, SuiteFile};
use super::problem::{Problem, SuiteError};
use super::types::{Check, ControlCases, ControlRef, Suite};
use super::validate;
use crate::document::shape::{self, Slot};
use crate::document::{Document, Limits, Located, Path};
use crate::model::{CheckId, Family};

/// The largest suite that is read, in bytes: 1 MiB, some hundreds of checks.
pub const MAX_BYTES: usize = 1024 * 1024;

const LIMITS: Limits = Limits {
    bytes: MAX_BYTES,
    api_version: "tenantproof.dev/v1",
    kind: "Suite",
    when_empty: "`docs/suites.md` shows a suite; the built-in ones lie under `suites/`",
};

/// The ids of all checks that were ever published, in the order of their publication. One that is
/// listed here never vanishes from the built-in suites and never comes to mean something else.
pub fn published_ids() -> impl Iterator<Item = CheckId> {
    let lines = include_str!("../../suites/published-ids.txt").lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(CheckId::from)
}

/// Reads suites: it knows the families that there are, and what their checks may say.
#[derive(Debug)]
pub struct Reader {
    slots: Vec<Slot>,
    schema: serde_json::Value,
}

impl Reader {
    /// A reader for suites of these families: each the family's name, with the shape of what its checks
    /// say under `parameters`.
    #[must_use]
    pub fn new(families: Vec<Slot>) -> Self {
        let mut schema = shape::schema_with_slots::<SuiteFile>("Parameters", &families);
        if let Some(name) = schema.pointer_mut("/$defs/FamilyName").and_then(serde_json::Value::as_object_mut) {
            name.insert("enum".to_owned(), families.iter().map(|family| family.key).collect());
        }
        Self { slots: families, schema }
    }

    /// Reads and validates a suite. `file` is its name as the user gave it, for the errors.
    ///
    /// # Errors
    /// Where the file is not a suite; the error has everything that is wrong, each with its place.
    pub fn read(&self, file: &str, bytes: &[u8]) -> Result<Suite, SuiteError> {
        let document = Document::read(file, bytes, LIMITS).map_err(|error| error.map(Problem::from))?;
        let mut problems: Vec<_> =
            shape::check(&document, &self.schema).into_iter().map(|problem| problem.map(Problem::from)).collect();
        match document.to::<SuiteFile>() {
            Ok(written) => {
                let known = self.slots.iter().any(|slot| slot.key == written.family.0);
                problems.extend(validate::check(&document, &written, known));
                let suite = self.suite(&document, written, &mut problems);
                document.rejected(problems).map_or(Ok(suite), Err)
            }
            // The shape's problems are the more exact ones; serde's own says something only where
            // there are none, so that nothing is lost.
            Err(unread) => Err(document.rejected(problems).unwrap_or_else(|| unread.map(Problem::from))),
        }
    }

    /// The JSON Schema of a suite.
    #[must_use]
    pub const fn schema(&self) -> &serde_json::Value {
        &self.schema
    }

    /// The suite, without the checks that have no parameters of their family: those are problems.
    fn suite(&self, document: &Document, written: SuiteFile, problems: &mut Vec<Located<Problem>>) -> Suite {
        let SuiteFile { api_version: file::ApiVersion::V1, kind: file::Kind::Suite, family, version, checks } = written;
        let family = family.0;
        let slot = self.slots.iter().find(|slot| slot.key == family);
        let mut read = Vec::with_capacity(checks.len());
        for (index, mut check) in checks.into_iter().enumerate() {
            let path = Path::root().key("checks").item(index).key("parameters");
            let Some(parameters) = check.parameters.0.remove(&family) else {
                if slot.is_none() {
                    // A family that does not exist is one fault; that its parameters are missing follows from it.
                    continue;
                }
                let problem = Problem::NoParameters { path: path.clone(), family: family.clone() };
                problems.push(document.problem(document.place(&path), "missing", problem));
                continue;
            };
            let unread = slot.and_then(|slot| slot.try_read(&parameters).err());
            if let Some(error) = unread.filter(|_| problems.is_empty()) {
                let problem = Problem::Document(crate::document::Problem::Unread { message: error.to_string() });
                problems.push(document.problem(document.place(&path), "here", problem));
            }
            read.push(check_with(check, parameters));
        }
        Suite { family: Family::from(family.as_str()), version, checks: read }
    }
}

fn check_with(check: file::Check, parameters: serde_json::Value) -> Check {
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
