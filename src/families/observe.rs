//! What a family's plan can do once it is carried out: the only side of a family with I/O.

use std::time::Duration;

use futures::future::LocalBoxFuture;
use kube::Client;

use super::Coverage;
use crate::cluster::audit::AuditSource;
use crate::cluster::{Claims, ClusterError, ProbeRun};
use crate::model::{Namespace, RunId};
use crate::plan::{Case, Mode};
use crate::semantics::Snapshot;
use crate::semantics::audit::{Policy, PolicyOrigin};

/// The plan of a family: its cases, and how they are observed.
pub trait FamilyPlan: Send + Sync {
    /// The cases, in the order of the suite.
    fn cases(&self) -> &[Case];

    /// What the plan covers, and what it does not.
    fn coverage(&self) -> Coverage;

    /// Namespaces in which something is made: they are claimed first.
    fn namespaces(&self) -> Vec<Namespace>;

    /// What carrying it out makes, in a few words, such as `14 probes`; empty where it only asks.
    fn makes(&self) -> String {
        String::new()
    }

    /// Carries it out. What concerns single cases is an observation, not an error.
    ///
    /// # Errors
    /// [`ClusterError`] where the cluster stays away, or the claim on the namespaces was lost.
    fn observe<'a>(&'a self, field: Field<'a>) -> LocalBoxFuture<'a, Result<Observed, ClusterError>>;
}

/// What carrying a plan out may use.
pub struct Field<'a> {
    /// The cluster.
    pub client: &'a Client,
    /// The same cluster for somebody without any credential: for requests that bring a tenant's own token.
    pub nobody: &'a Client,
    /// The run.
    pub run: &'a RunId,
    /// The cluster as it was read before.
    pub snapshot: &'a Snapshot,
    /// The claim on the plan's namespaces, which owns what is made there.
    pub claims: &'a Claims,
    /// The probes of this run.
    pub probes: &'a mut ProbeRun,
    /// How much is tried.
    pub limits: Limits,
    /// How much may be taken of the cluster.
    pub mode: Mode,
    /// Whether the run was told to read Secrets. Without it no request for one is made.
    pub read_secrets: bool,
    /// Whether the run was told to ask for tokens of tenants' service accounts. Without it none is asked for.
    pub request_tokens: bool,
    /// Where the API server's record lies, which the API itself does not give.
    pub record: &'a Record,
    /// Who is told how it goes on.
    pub witness: &'a mut dyn Witness,
}

/// Where the API server's record of requests lies, and what it is told to keep: what no API gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Where it can be read; empty where nothing was given.
    pub logs: Vec<AuditSource>,
    /// Its audit policy, where its text is known.
    pub policy: Option<GivenPolicy>,
    /// How long a record is waited for; `None` for as long as its way is known to take.
    pub wait: Option<Duration>,
}

/// An audit policy, and whose text it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenPolicy {
    /// The policy.
    pub policy: Policy,
    /// Whose text it is.
    pub origin: PolicyOrigin,
}

/// How connections and requests are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attempts at each target, each a new connection.
    pub attempts: u8,
    /// Between the starts of two attempts at one target.
    pub gap: Duration,
    /// After this time an attempt is a timeout.
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { attempts: 3, gap: Duration::from_millis(250), timeout: Duration::from_secs(1) }
    }
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// The observations, whole, in the family's own shape.
    pub observations: serde_json::Value,
    /// What a reader should know besides: a sentence, and what to do about it.
    pub remarks: Vec<(String, Option<String>)>,
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
