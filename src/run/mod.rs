//! The runner, its limits and its events.

mod event;
pub(crate) mod findings;
mod record;

pub use crate::families::CaseResult;

pub use event::{Event, Phase};
pub use record::{
    ClusterInfo, Coverage, Finding, NodeInfo, PartyInfo, PhaseTime, Program, RunInfo, RunRecord, RunStatus,
    SuiteInfo, TenancyInfo, Warning,
};
