//! The families of checks. Each has four parts: `plan`, `observe` (the only one with I/O), `judge`
//! and `fences`. No family knows another.

mod judgement;
pub mod network;

use std::collections::BTreeMap;

pub use judgement::{CaseResult, Cause, Column, Judgement, Stance};

use crate::model::{CaseId, Family, Namespace, NodeName, TenantId};
use crate::plan::Case;
use crate::semantics::Snapshot;
use crate::semantics::network::Profile;
use crate::suite::Suite;
use crate::tenancy::Tenancy;

/// All that planning may look at.
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
}

/// What an observation does at the moment: the runner makes events of it.
pub trait Witness {
    /// A stage began, with this many units.
    fn began(&mut self, stage: Stage, total: usize);
    /// So many of its units are done.
    fn progress(&mut self, stage: Stage, done: usize, detail: Option<String>);
    /// It ended, with this outcome.
    fn ended(&mut self, stage: Stage, detail: String);
}

/// A stage of an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Starting what will observe.
    Start,
    /// Observing.
    Observe,
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

type Judge = fn(&[Case], &serde_json::Value) -> Result<Vec<CaseResult>, JudgeError>;

/// The judges of all families, by name: one line for each.
const JUDGES: &[(&str, Judge)] = &[(network::NAME, network::judge_stored)];

/// Judges stored observations once more: the same verdicts must come out.
///
/// # Errors
/// [`JudgeError`] for a case or observations that are not of their family's shape.
pub fn judge_again(
    family: &Family,
    cases: &[Case],
    observations: &serde_json::Value,
) -> Result<Vec<CaseResult>, JudgeError> {
    let Some((_, judge)) = JUDGES.iter().find(|(name, _)| *name == family.as_str()) else {
        let case = cases.first().map_or_else(|| CaseId::new(""), |case| case.id.clone());
        return Err(JudgeError { case, why: format!("there is no family `{family}`") });
    };
    judge(cases, observations)
}
