//! A suite as it is written: the structs from which its JSON Schema is made.
//!
//! Their doc comments are the descriptions that an editor shows and that errors quote, so they
//! speak to the one who writes the file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The checks of one family. What is written here is shown to engineers and auditors as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Suite")]
pub struct SuiteFile {
    /// The version of this format: `tenantproof.dev/v1`.
    pub api_version: ApiVersion,
    /// The kind of this file: `Suite`.
    pub kind: Kind,
    /// The family that all its checks belong to, such as `network`.
    pub family: FamilyName,
    /// The suite's own version, three numbers with points, such as `1.4.0`. Raise it with every
    /// change; reports carry it.
    #[schemars(regex(pattern = VERSION))]
    pub version: String,
    /// The checks.
    #[schemars(length(min = 1))]
    pub checks: Vec<Check>,
}

/// The version of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The first version.
    #[serde(rename = "tenantproof.dev/v1")]
    V1,
}

/// The kind of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    /// A suite.
    Suite,
}

/// The family of a suite: one of those that exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct FamilyName(pub String);

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Check {
    /// The check's id: the family, then words with points between them. Once published it never
    /// changes and never comes to mean something else: evidence of past runs refers to it.
    #[schemars(regex(pattern = CHECK_ID))]
    pub id: String,
    /// The version of the suite in which the check first appeared.
    #[schemars(regex(pattern = VERSION))]
    pub since: String,
    /// One line that says what holds if the check passes.
    #[schemars(length(min = 1))]
    pub title: String,
    /// What a pass proves, in plain present tense.
    #[schemars(length(min = 1))]
    pub proves: String,
    /// What a pass does not prove, as honestly: an auditor relies on it.
    #[schemars(length(min = 1))]
    pub does_not_prove: String,
    /// What must be seen beside a case for its result to count.
    pub control_cases: ControlCases,
    /// The controls of frameworks that the check supports evidence for.
    #[schemars(length(min = 1))]
    pub controls: Vec<Control>,
    /// What to do when the check fails, concretely.
    #[schemars(length(min = 1))]
    pub remedy: String,
    /// What the check does in production: what it creates, and what it only reads.
    #[schemars(length(min = 1))]
    pub production: String,
    /// What the family needs to make cases of the check: one entry, named as the family.
    pub parameters: Parameters,
}

/// What must be seen beside a case for its result to count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ControlCases {
    /// What must succeed for a denial to count.
    #[schemars(length(min = 1))]
    pub positive: String,
    /// What must be denied for a success to count; where there is none, why.
    #[schemars(length(min = 1))]
    pub negative: String,
}

/// A control of a framework that the check supports evidence for; a check never satisfies one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Control {
    /// The framework with its version, such as `NIST SP 800-53 Rev 5`.
    #[schemars(length(min = 1))]
    pub framework: String,
    /// The control's id in that version, such as `SC-7(21)`. Quote one that is a number.
    #[schemars(length(min = 1))]
    pub id: String,
    /// What the check does not prove of that control, in your own words: the texts of most
    /// frameworks are under copyright.
    #[schemars(length(min = 1))]
    pub limits: String,
}

/// A family's own part of a check: one entry, named as the family.
// The families say what the entries are: see `super::Reader`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Parameters(pub BTreeMap<String, serde_json::Value>);

/// The form of a check's id.
const CHECK_ID: &str = r"^[a-z0-9]+(\.[a-z0-9-]+)+$";
/// The form of a version.
const VERSION: &str = r"^[0-9]+\.[0-9]+\.[0-9]+$";
