//! What was seen: what each probe was given and what came back of each call. Judging it again gives the same verdicts.
//! Nothing secret is here: the probe's answers have none.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::outside::OutsideSeen;
use super::parameters::Operation;
use crate::families::Column;
use crate::model::{Namespace, NodeName};
use crate::plan::ProbeName;
use crate::probe::wire::cloud::{CallAnswer, Class, KeyMark, Remains, SourceAnswer};

/// The observations of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The probes.
    pub probes: BTreeMap<ProbeName, ProbeSeen>,
    /// What each fetch of credentials brought, by [`fetch_key`].
    pub fetches: BTreeMap<String, SourceAnswer>,
    /// What came back of each call, by [`call_key`].
    pub calls: BTreeMap<String, CallSeen>,
    /// What AWS' own policies say of a call, by the same key; empty where they were not read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub computed: BTreeMap<String, Column>,
    /// What could not be deleted, by the probe that had written it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub remains: BTreeMap<ProbeName, Vec<Remains>>,
    /// What AWS' API told of roles and buckets; `None` where it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside: Option<OutsideSeen>,
}

/// A probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeSeen {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its node.
    pub node: NodeName,
    /// Its service account.
    pub account: String,
    /// Its pod; empty where none was made.
    pub pod: String,
    /// Why it could not try, or not go on.
    pub fault: Option<String>,
}

/// What came back of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallSeen {
    /// What was asked, in words.
    pub deed: String,
    /// The mark of the key that signed it.
    pub key: Option<KeyMark>,
    /// What came back.
    pub answer: CallAnswer,
}

impl CallSeen {
    /// What it means.
    #[must_use]
    pub fn class(&self) -> &Class {
        &self.answer.class
    }
}

/// When something was tried. Each is over before the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Owners write what others shall try to read, and read it themselves.
    Before,
    /// Everybody tries everything.
    During,
    /// Owners read it once more, and everything is deleted.
    After,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Before => "before",
            Self::During => "during",
            Self::After => "after",
        })
    }
}

/// Where credentials are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Way {
    /// As a workload does.
    Chain,
    /// From the agent, with a token of the probe's own.
    OwnToken,
    /// From the agent, by another `Host`.
    OtherHost,
    /// From the instance.
    Instance,
    /// From the instance by IPv6.
    InstanceV6,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Chain => "chain",
            Self::OwnToken => "own-token",
            Self::OtherHost => "other-host",
            Self::Instance => "instance",
            Self::InstanceV6 => "instance-v6",
        })
    }
}

/// The key of a fetch.
#[must_use]
pub(super) fn fetch_key(probe: &ProbeName, phase: Phase, from: Way) -> String {
    format!("{probe} {phase} {from}")
}

/// The key of a call on something.
#[must_use]
pub(super) fn call_key(probe: &ProbeName, phase: Phase, operation: Operation, target: &str) -> String {
    format!("{probe} {phase} {} {target}", operation.as_str())
}

/// The key of asking who the credentials are.
#[must_use]
pub(super) fn identity_key(probe: &ProbeName, from: Way) -> String {
    format!("{probe} {} caller-identity {from}", Phase::During)
}

/// The key of a presigned request whose time is over.
#[must_use]
pub(super) fn expired_key(probe: &ProbeName, target: &str) -> String {
    format!("{probe} {} expired {target}", Phase::During)
}
