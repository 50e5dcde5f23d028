//! The runner, its limits and its events.

mod error;
mod event;
pub(crate) mod findings;
mod record;
mod runner;

pub use crate::families::CaseResult;

pub use error::RunError;
pub use event::{Event, Phase};
pub use record::{
    ClusterInfo, Coverage, Finding, NodeInfo, PartyInfo, PhaseTime, Program, RunInfo, RunRecord, RunStatus, SuiteInfo,
    TenancyInfo, Warning,
};
pub use runner::{RunOptions, run};
