//! A small library of verbs, so that a test reads as a story.

mod audit;
mod cloud;
mod lab;
mod live;
pub(crate) mod policies;
mod rbac;
mod sample;
mod story;
mod watch;
mod workload;

pub(crate) use audit::{AuditFiles, Relay};
pub(crate) use cloud::Cloud;
pub(crate) use lab::{Ended, Lab, Run, eventually, first_lab, lab_to_break, lab_without_enforcement, labs, skipped};
pub(crate) use live::{Live, expect_nothing_left, leftovers, until_there_are_probes};
pub(crate) use rbac::Rbac;
pub(crate) use sample::Sample;
pub(crate) use story::{Story, fence};
pub(crate) use watch::watched;
pub(crate) use workload::{bare_pod, workload};
