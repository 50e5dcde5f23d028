//! The record of a run: a fold over its events, and the content of `run.json`.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::{Event, Phase};
use crate::families::{CaseResult, Coverage};
use crate::model::{CaseId, Counts, Family, NodeName, RunId, TenantId, Verdict};
use crate::plan::{Case, Mode};
use crate::semantics::rbac::eks::Cluster as EksCluster;

/// Everything that a run left behind. Reports are written from it alone.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// The version of this shape: `tenantproof.dev/run/v1`.
    pub schema: String,
    /// The run.
    pub run: RunInfo,
    /// How it ended; `unfinished` until it has.
    pub status: RunStatus,
    /// When it ended, RFC 3339 in UTC.
    pub finished: Option<String>,
    /// The cluster.
    pub cluster: ClusterInfo,
    /// The promise.
    pub tenancy: TenancyInfo,
    /// The suites.
    pub suites: Vec<SuiteInfo>,
    /// How many cases the plan has, written before anything was tried.
    pub planned: usize,
    /// How many cases came to which verdict.
    pub counts: Counts,
    /// What broke or was not proved, worst first; cases with the same cause are one finding.
    pub findings: Vec<Finding>,
    /// What was covered, and what was not.
    pub coverage: Coverage,
    /// What a reader should know besides.
    pub warnings: Vec<Warning>,
    /// How long each phase took.
    pub phases: Vec<PhaseTime>,
    /// Planned cases that were not judged; empty in a finished run.
    pub unjudged: Vec<Case>,
    /// The cases with their verdicts, in the plan's order.
    pub results: Vec<CaseResult>,
    /// Each family's observations, whole.
    pub observations: BTreeMap<Family, serde_json::Value>,
}

/// Who ran what, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// The run's id.
    pub id: RunId,
    /// When it began, RFC 3339 in UTC.
    pub started: String,
    /// The subject as which the API server knows the runner.
    pub by: String,
    /// How much the run might take of the cluster.
    #[serde(default)]
    pub mode: Mode,
    /// What the run was asked for, where that is not everything.
    #[serde(default, skip_serializing_if = "Selection::is_all")]
    pub selection: Selection,
    /// The program.
    pub program: Program,
}

/// What a run was asked for; empty lists leave nothing out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Selection {
    /// Only these families.
    pub families: Vec<String>,
    /// Only these checks, or those that begin like what stands before a `*`.
    pub checks: Vec<String>,
    /// Only cases of these tenants and shared parts.
    pub tenants: BTreeSet<TenantId>,
}

impl Selection {
    /// Whether nothing is left out.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.families.is_empty() && self.checks.is_empty() && self.tenants.is_empty()
    }
}

/// The program that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The image that the probes ran.
    pub probe_image: String,
}

/// The cluster that was judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterInfo {
    /// The context of the kubeconfig; empty in a cluster.
    pub context: String,
    /// UID of the namespace `kube-system`: the cluster's identity.
    pub uid: String,
    /// Its Kubernetes version.
    pub version: String,
    /// Its CNI, where it can be told, otherwise `unknown`.
    pub cni: String,
    /// Which EKS cluster it is, where the EKS API was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eks: Option<EksCluster>,
    /// Its nodes.
    pub nodes: Vec<NodeInfo>,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeInfo {
    /// Its name.
    pub name: NodeName,
    /// Its kernel.
    pub kernel: String,
    /// Whether probes ran on it.
    pub probed: bool,
}

/// The tenancy that was judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TenancyInfo {
    /// Its name.
    pub name: String,
    /// The file, as it was given.
    pub path: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Its parties, in the order of the matrix.
    pub parties: Vec<PartyInfo>,
}

/// A party of the tenancy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartyInfo {
    /// Its id.
    pub id: TenantId,
    /// Whether it is a shared part of the cluster.
    pub shared: bool,
    /// Its tier.
    pub tier: Option<String>,
    /// Its namespaces on this cluster.
    pub namespaces: Vec<String>,
}

/// A suite that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SuiteInfo {
    /// Its family.
    pub family: Family,
    /// Its version.
    pub version: String,
    /// `built in`, or the file.
    pub source: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    /// It is under way, or it was killed.
    Unfinished,
    /// It was interrupted and cleaned up.
    Interrupted,
    /// It could not go on, and cleaned up.
    Aborted,
    /// It judged every case of its plan.
    Finished,
}

/// Something that a reader should know and that is no verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// What.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// How long a phase took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseTime {
    /// The phase.
    pub phase: Phase,
    /// Whose it was, where each family has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// Seconds.
    pub seconds: f64,
    /// What came of it.
    pub detail: String,
}

/// Cases that broke, or could not be proved, for one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// `fail` or `inconclusive`.
    pub verdict: Verdict,
    /// The tenant that acts.
    pub from: TenantId,
    /// The tenant that is acted upon.
    pub to: TenantId,
    /// What broke, in one sentence.
    pub sentence: String,
    /// Why.
    pub cause: String,
    /// The kind of cause; stable, for machines.
    pub kind: String,
    /// What to do.
    pub remedy: String,
    /// The cases, in the plan's order.
    pub cases: Vec<CaseId>,
}

impl RunRecord {
    /// A record of nothing yet; [`RunRecord::apply`] fills it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            schema: "tenantproof.dev/run/v1".to_owned(),
            run: RunInfo {
                id: RunId::new(""),
                started: String::new(),
                by: String::new(),
                mode: Mode::default(),
                selection: Selection::default(),
                program: Program { name: String::new(), version: String::new(), probe_image: String::new() },
            },
            status: RunStatus::Unfinished,
            finished: None,
            cluster: ClusterInfo::default(),
            tenancy: TenancyInfo::default(),
            suites: Vec::new(),
            planned: 0,
            counts: Counts::default(),
            findings: Vec::new(),
            coverage: Coverage::default(),
            warnings: Vec::new(),
            phases: Vec::new(),
            unjudged: Vec::new(),
            results: Vec::new(),
            observations: BTreeMap::new(),
        }
    }

    /// Takes one more event into the record.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Started { run, cluster, tenancy, suites } => {
                self.run = run.clone();
                self.cluster = cluster.clone();
                self.tenancy = tenancy.clone();
                self.suites.clone_from(suites);
            }
            Event::PhaseStarted { .. } | Event::PhaseProgress { .. } => {}
            Event::PhaseFinished { phase, family, seconds, detail } => {
                let (phase, family, seconds, detail) = (*phase, family.clone(), *seconds, detail.clone());
                self.phases.push(PhaseTime { phase, family, seconds, detail });
            }
            Event::Planned { cases, coverage } => {
                self.planned = cases.len();
                self.unjudged.clone_from(cases);
                self.coverage = coverage.clone();
            }
            Event::Warned(warning) => self.warnings.push(warning.clone()),
            Event::Observed { family, observations } => {
                self.observations.insert(family.clone(), observations.clone());
            }
            Event::Judged(result) => {
                self.counts.add(result.judgement.verdict);
                self.results.push((**result).clone());
            }
            Event::Finished { status, at } => {
                self.status = *status;
                self.finished = Some(at.clone());
                self.settle();
            }
        }
    }

    /// Brings results and findings into their final order.
    fn settle(&mut self) {
        let judged: std::collections::HashSet<&CaseId> = self.results.iter().map(|r| &r.case.id).collect();
        self.unjudged.retain(|case| !judged.contains(&case.id));
        self.findings = super::findings::group(&self.results);
    }

    /// The exit code of the run: 0 conforms, 1 a promise is broken, 3 it could not be proved.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.counts.fail > 0 {
            1
        } else if self.status != RunStatus::Finished
            || self.counts.inconclusive > 0
            || self.counts.pass == 0
            || !self.unjudged.is_empty()
        {
            // Where nothing at all was proved, nothing conforms.
            3
        } else {
            0
        }
    }
}

impl Default for RunRecord {
    fn default() -> Self {
        Self::new()
    }
}
