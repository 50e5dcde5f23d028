//! The runner, its limits and its events.

#[cfg(feature = "aws")]
mod eks;
mod error;
#[cfg(feature = "aws")]
mod estate;
mod event;
pub(crate) mod findings;
pub mod mutate;
mod record;
mod runner;
mod teller;
mod world;

pub use crate::families::{CaseResult, Coverage};

pub use error::RunError;
pub use event::{Event, Phase};
pub use record::{
    ClusterInfo, Finding, NodeInfo, PartyInfo, PhaseTime, Program, RunInfo, RunRecord, RunStatus, Selection, SuiteInfo,
    TenancyInfo, Warning,
};
pub use runner::{RunOptions, run};
