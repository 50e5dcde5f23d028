//! The one interface between the runner and everything that shows or writes what it did.
//!
//! The runner emits events; the terminal, JUnit, JSON and Markdown are consumers that know nothing
//! of each other. A run can be replayed from its record through the same consumers.

use serde::{Deserialize, Serialize};

use super::record::{ClusterInfo, RunInfo, RunStatus, SuiteInfo, TenancyInfo, Warning};
use crate::families::{CaseResult, Coverage};
use crate::model::Family;
use crate::plan::Case;

/// Something that happened in a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "a run has one `Started`, and no event is stored by the thousand")]
pub enum Event {
    /// The run began: who, with what, on which cluster.
    Started {
        /// The run.
        run: RunInfo,
        /// The cluster.
        cluster: ClusterInfo,
        /// The promise.
        tenancy: TenancyInfo,
        /// The suites.
        suites: Vec<SuiteInfo>,
    },
    /// A phase began. `total` counts its units (probes, cases), where they are known.
    PhaseStarted {
        /// The phase.
        phase: Phase,
        /// Whose it is, where each family has one of its own.
        family: Option<Family>,
        /// How many units it has.
        total: Option<usize>,
    },
    /// A phase went on.
    PhaseProgress {
        /// The phase.
        phase: Phase,
        /// Whose it is, where each family has one of its own.
        family: Option<Family>,
        /// How many of its units are done.
        done: usize,
        /// What it is waiting for, where that helps.
        detail: Option<String>,
    },
    /// A phase ended.
    PhaseFinished {
        /// The phase.
        phase: Phase,
        /// Whose it is, where each family has one of its own.
        family: Option<Family>,
        /// Seconds that it took.
        seconds: f64,
        /// What came of it, in a few words.
        detail: String,
    },
    /// The plan was made, before anything was tried.
    Planned {
        /// Its cases.
        cases: Vec<Case>,
        /// What it covers, and what it doesn't.
        coverage: Coverage,
    },
    /// Something that a reader should know, and that is no verdict.
    Warned(Warning),
    /// A family's observations, whole, in its own shape: judging them again gives the same verdicts.
    Observed {
        /// The family.
        family: Family,
        /// Its observations.
        observations: serde_json::Value,
    },
    /// A case was judged.
    Judged(Box<CaseResult>),
    /// The run ended.
    Finished {
        /// How.
        status: RunStatus,
        /// When, RFC 3339 in UTC.
        at: String,
    },
}

/// A phase of a run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Reading the cluster.
    Snapshot,
    /// Making the plan.
    Plan,
    /// Taking the Leases; removing what a killed run left.
    Claim,
    /// Starting the probes.
    Start,
    /// Observing: trying and asking.
    Observe,
    /// Judging.
    Judge,
    /// Removing the probes.
    CleanUp,
}

impl Phase {
    /// The phase in words, as a line of progress shows it.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Snapshot => "read the cluster",
            Self::Plan => "plan the cases",
            Self::Claim => "claim the namespaces",
            Self::Start => "start the probes",
            Self::Observe => "observe",
            Self::Judge => "judge",
            Self::CleanUp => "remove what was made",
        }
    }
}
