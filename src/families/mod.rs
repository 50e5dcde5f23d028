//! The families of checks. Each has four parts: `plan`, `observe` (the only one with I/O), `judge`
//! and `fences`. No family knows another.

pub mod admission;
pub mod audit;
pub mod credentials;
mod guest;
pub mod identity;
mod judgement;
mod mutant;
pub mod network;
mod observe;
pub mod quota;
pub mod rbac;
mod restricted;
mod ruling;
#[cfg(test)]
mod scene;
mod subjects;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

pub use judgement::{CaseResult, Cause, Column, Coverage, Judgement, Stance};
use mutant::Bound;
pub use mutant::Mutant;
pub use observe::{FamilyPlan, Field, GivenPolicy, Limits, Observed, Record, Stage, Witness};
pub use subjects::{ReviewSeen, Subject};

use crate::document::shape::Slot;
use crate::model::{CaseId, CheckId, Family, Namespace, NodeName, TenantId};
use crate::plan::{Case, Mode, Permission};
use crate::semantics::network::Profile;
use crate::semantics::{ObjectKind, Snapshot};
use crate::suite::{self, Suite};
use crate::tenancy::Tenancy;

/// All that planning may look at.
#[derive(Clone, Copy)]
pub struct PlanInput<'a> {
    /// What was promised.
    pub tenancy: &'a Tenancy,
    /// The checks.
    pub suite: &'a Suite,
    /// The cluster, as it was read.
    pub snapshot: &'a Snapshot,
    /// The namespaces of each party on this cluster.
    pub namespaces: &'a BTreeMap<TenantId, Vec<Namespace>>,
    /// The nodes that get probes: one, or two for connections between nodes.
    pub nodes: &'a [NodeName],
    /// Namespaces that can't be worked in, and why: their cases are inconclusive.
    pub closed: &'a BTreeMap<Namespace, String>,
    /// What the cluster's CNI does where the specification is silent.
    pub profile: Profile,
    /// How much the run may take of the cluster.
    pub mode: Mode,
    /// The tenants whose cases are asked for; empty for all. The runner leaves the others' cases out: a family
    /// whose cases stand alone need not plan them.
    pub tenants: &'a BTreeSet<TenantId>,
    /// What the run was told beside it.
    pub told: Told,
}

/// What a run does only where it was told to, and how much it may ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Whether Secrets are read.
    pub read_secrets: bool,
    /// Whether tokens of tenants' service accounts are asked for.
    pub request_tokens: bool,
    /// The most access reviews that the API server is asked for, and as many requests with tenants' tokens at most;
    /// `None` for no bound.
    pub most_reviews: Option<usize>,
}

impl PlanInput<'_> {
    /// Whether cases of these two are asked for.
    #[must_use]
    pub fn asks_for(&self, from: &TenantId, to: &TenantId) -> bool {
        self.tenants.is_empty() || self.tenants.contains(from) || self.tenants.contains(to)
    }
}

/// A case that can't be judged since it is not of the family's shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("case {case} can't be judged: {why}")]
pub struct JudgeError {
    /// The case.
    pub case: CaseId,
    /// What is wrong with it.
    pub why: String,
}

/// Judges cases of one family by stored observations.
pub type Judge = fn(&[Case], &serde_json::Value) -> Result<Vec<CaseResult>, JudgeError>;

/// Tells which checks a mutant concerns.
pub type Concerned = fn(&Mutant, &[Case], &serde_json::Value) -> Option<BTreeSet<CheckId>>;

/// Any check of the family may find any mutant.
const ANY_CHECK: Concerned = |_, _, _| None;

/// A family, as the rest of the program knows it.
pub struct FamilyEntry {
    /// Its name: the first word of its checks' ids.
    pub name: &'static str,
    /// What it proves, in a few words.
    pub about: &'static str,
    /// Its built-in suite: the name that errors give it, and its text.
    pub suite: (&'static str, &'static str),
    /// What its checks say in a suite.
    pub parameters: Slot,
    /// Kinds of objects that it reads beside those that every run reads.
    pub reads: &'static [ObjectKind],
    /// What else it asks of the API server.
    pub needs: &'static [Permission],
    /// Makes its plan. Pure.
    pub plan: fn(&PlanInput<'_>) -> Box<dyn FamilyPlan>,
    /// Judges its cases. Pure.
    pub judge: Judge,
    /// Every way to take down a fence that the cluster has. Pure.
    pub mutants: fn(&PlanInput<'_>) -> Vec<Mutant>,
    /// The checks that a mutant concerns, by the cases and observations of a run with every fence standing; `None` where any
    /// check of the family may find it. Pure.
    pub concerned: Concerned,
}

/// All families, in the order in which they are run: one line for each.
pub const FAMILIES: &[FamilyEntry] = &[
    network::FAMILY,
    quota::FAMILY,
    rbac::FAMILY,
    credentials::FAMILY,
    audit::FAMILY,
    admission::FAMILY,
    identity::FAMILY,
];

/// The family of this name.
#[must_use]
pub fn family(name: &str) -> Option<&'static FamilyEntry> {
    FAMILIES.iter().find(|family| family.name == name)
}

/// The built-in suites: each with the name that errors give it, and its bytes.
pub fn built_in() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    FAMILIES.iter().map(|family| (family.suite.0, family.suite.1.as_bytes()))
}

/// Reads suites of all families.
#[must_use]
pub fn suites() -> suite::Reader {
    suite::Reader::new(FAMILIES.iter().map(|family| family.parameters).collect())
}

/// What a case asks, in its family's own shape.
///
/// # Errors
/// [`JudgeError`] where it is not of that shape.
fn ask_of<'a, A: Deserialize<'a>>(case: &'a Case) -> Result<A, JudgeError> {
    A::deserialize(&case.ask).map_err(|error| JudgeError { case: case.id.clone(), why: error.to_string() })
}

/// The observations of a family, in its own shape.
///
/// # Errors
/// [`JudgeError`] where they are not of that shape.
fn seen_of<'a, S: Deserialize<'a>>(family: &str, observations: &'a serde_json::Value) -> Result<S, JudgeError> {
    S::deserialize(observations).map_err(|error| JudgeError { case: CaseId::new(family), why: error.to_string() })
}

/// Judges stored observations once more: the same verdicts must come out.
///
/// # Errors
/// [`JudgeError`] for a case or observations that are not of their family's shape.
pub fn judge_again(
    of: &Family,
    cases: &[Case],
    observations: &serde_json::Value,
) -> Result<Vec<CaseResult>, JudgeError> {
    let Some(family) = family(of.as_str()) else {
        let case = cases.first().map_or_else(|| CaseId::new(""), |case| case.id.clone());
        return Err(JudgeError { case, why: format!("there is no family `{of}`") });
    };
    (family.judge)(cases, observations)
}
