//! tenantproof proves, with packets and requests, that the tenants of a shared Kubernetes
//! cluster are isolated from one another.
//!
//! Data flows one way: tenancy and suites become a plan of cases, the plan is carried out by
//! probes, what they saw is judged, and the reports are written from the events of the run.
//! `ARCHITECTURE.md` is the map; `tests/architecture.rs` holds its "never" list.

pub mod model;
pub mod probe;

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "runner")]
pub mod cli;
#[cfg(feature = "runner")]
pub mod cluster;
#[cfg(feature = "runner")]
pub mod document;
#[cfg(feature = "runner")]
pub mod families;
#[cfg(feature = "runner")]
pub mod plan;
#[cfg(feature = "runner")]
pub mod report;
#[cfg(feature = "runner")]
pub mod run;
#[cfg(feature = "runner")]
pub mod semantics;
#[cfg(feature = "runner")]
pub mod suite;
#[cfg(feature = "runner")]
pub mod tenancy;
