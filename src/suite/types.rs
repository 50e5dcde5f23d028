//! A suite as data, after it was read and validated.

use serde::{Deserialize, Serialize};

use crate::model::{CheckId, Family};

/// A suite: the checks of one family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suite {
    /// The family that its checks belong to.
    pub family: Family,
    /// The suite's own version.
    pub version: String,
    /// Its checks, in the file's order.
    pub checks: Vec<Check>,
}

impl Suite {
    /// The checks with what each says in its family's own shape. One of another shape is left out: reading
    /// a suite refuses it.
    #[must_use]
    pub fn checks_with<P: serde::de::DeserializeOwned>(&self) -> Vec<(&Check, P)> {
        self.checks.iter().filter_map(|check| Some((check, P::deserialize(&check.parameters).ok()?))).collect()
    }

    /// The check with this id.
    #[must_use]
    pub fn check(&self, id: &CheckId) -> Option<&Check> {
        self.checks.iter().find(|check| &check.id == id)
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its id, which never changes once published.
    pub id: CheckId,
    /// The version of the suite in which it first appeared.
    pub since: String,
    /// One line.
    pub title: String,
    /// What a pass proves.
    pub proves: String,
    /// What a pass does not prove.
    pub does_not_prove: String,
    /// The control cases beside it.
    pub control_cases: ControlCases,
    /// The controls of frameworks for which it supports evidence.
    pub controls: Vec<ControlRef>,
    /// What to do when it fails.
    pub remedy: String,
    /// What it does in production: what it creates, what it only asks.
    pub production: String,
    /// What the family needs to make cases of it, in the family's own shape, which was checked when the
    /// suite was read.
    pub parameters: serde_json::Value,
}

/// The control cases of a check, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlCases {
    /// What must succeed for a denial to count.
    pub positive: String,
    /// What must be denied for a success to count; where there is none, why.
    pub negative: String,
}

/// A control of a framework that a check supports evidence for; never "satisfies".
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ControlRef {
    /// The framework with its version, such as `NIST SP 800-53 Rev 5`.
    pub framework: String,
    /// The control's id in that version.
    pub id: String,
    /// What the check does not prove of that control.
    pub limits: String,
}

/// What must become of a connection or a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "runner", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// It is allowed.
    Allowed,
    /// It is denied.
    Denied,
}
