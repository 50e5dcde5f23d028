//! Making the probes ask: the only part of this family with I/O.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::LocalBoxFuture;

use super::orders::{self, Batch};
use super::outside::columns;
use super::plan::{IdentityPlan, Member};
use super::seen::{CallSeen, Phase, ProbeSeen, Seen, fetch_key};
use crate::cluster::{ClusterError, ProbeFault, ProbeRun};
use crate::families::{Coverage, FamilyPlan, Field, Observed, Stage};
use crate::model::{Namespace, RunId};
use crate::plan::{Case, ProbeName, ProbeSpec};
use crate::probe::wire::Step;
use crate::probe::wire::cloud::{CloudReport, Refusal, SourceOutcome};

/// How long a probe may take to answer beside the calls themselves: after an outage of the API server a kubelet may take a
/// minute until it looks again.
const ANSWER_PATIENCE: Duration = Duration::from_secs(150);
/// No order is waited for longer, however many calls it has.
const PATIENCE_AT_MOST: Duration = Duration::from_secs(600);
/// How often the first phase is repeated while a provider of credentials can't be reached: a new pod's way to it may not
/// be open yet.
const FIRST_TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_secs(2);

impl FamilyPlan for IdentityPlan {
    fn cases(&self) -> &[Case] {
        &self.cases
    }

    fn coverage(&self) -> Coverage {
        Coverage { not_tried: self.not_tried.clone(), ..Coverage::default() }
    }

    fn namespaces(&self) -> Vec<Namespace> {
        let mut namespaces: Vec<Namespace> = self.specs().into_iter().map(|spec| spec.namespace).collect();
        namespaces.sort();
        namespaces.dedup();
        namespaces
    }

    fn makes(&self) -> String {
        match self.specs().len() {
            0 => String::new(),
            probes => format!("{probes} probes that ask AWS"),
        }
    }

    fn observe<'a>(&'a self, mut field: Field<'a>) -> LocalBoxFuture<'a, Result<Observed, ClusterError>> {
        Box::pin(async move {
            let mut seen = try_all(self, &mut field).await?;
            seen.computed = self.outside.iter().flat_map(|told| columns(self, &told.estate)).collect();
            seen.outside.clone_from(&self.outside);
            let remarks = remarks(&seen);
            let observations = serde_json::to_value(&seen).unwrap_or_default();
            Ok(Observed { observations, remarks })
        })
    }
}

impl IdentityPlan {
    /// The probes to make.
    fn specs(&self) -> Vec<ProbeSpec> {
        let made = self.everybody().filter(|member| !self.absent.contains_key(&member.probe.name));
        made.map(|member| member.probe.clone()).collect()
    }

    fn orders(&self, member: &Member, phase: Phase, run: &RunId) -> Vec<Batch> {
        let is_member = self.members.iter().any(|one| one.probe.name == member.probe.name);
        match (is_member, phase) {
            (true, _) => orders::of_member(self, member, phase, run),
            (false, Phase::During) => orders::of_stranger(member, run),
            (false, _) => Vec::new(),
        }
    }
}

/// What could not be deleted.
fn remarks(seen: &Seen) -> Vec<(String, Option<String>)> {
    let remains = seen.remains.values().flatten().map(|remains| {
        let what = format!("s3://{}/{} could not be deleted: {}", remains.bucket, remains.key, remains.class);
        (what, Some("delete it, and let the role that writes there delete".to_owned()))
    });
    remains.collect()
}

async fn try_all(plan: &IdentityPlan, field: &mut Field<'_>) -> Result<Seen, ClusterError> {
    let Field { probes, claims, witness, run, .. } = field;
    let specs = plan.specs();
    let mut seen = Seen::default();
    if specs.is_empty() {
        for member in plan.everybody() {
            seen.probes.insert(member.probe.name.clone(), probe_seen(plan, member, None, None));
        }
        return Ok(seen);
    }
    witness.began(Stage::Start, specs.len());
    let before = probes.started().len();
    let progress = |done: usize, detail| witness.progress(Stage::Start, done.saturating_sub(before), detail);
    let faults = probes.start(&specs, claims, progress).await?;
    for member in plan.everybody() {
        let pod = probes.started().get(&member.probe.name).map(|started| started.pod.clone());
        let fault = faults.get(&member.probe.name).map(|fault| fault.0.clone());
        seen.probes.insert(member.probe.name.clone(), probe_seen(plan, member, pod, fault));
    }
    let run_now = probes.started().len().saturating_sub(before);
    witness.ended(Stage::Start, format!("{run_now} of {} run", specs.len()));

    witness.began(Stage::Observe, plan.cases.len());
    for attempt in 1..=FIRST_TRIES {
        carry_out(plan, Phase::Before, probes, run, &mut seen).await;
        if attempt == FIRST_TRIES || !is_away(&seen) {
            break;
        }
        witness.progress(Stage::Observe, 0, Some("until credentials can be asked for".to_owned()));
        tokio::time::sleep(FIRST_PAUSE).await;
    }
    for phase in [Phase::During, Phase::After] {
        carry_out(plan, phase, probes, run, &mut seen).await;
        witness.progress(Stage::Observe, seen.calls.len().min(plan.cases.len()), None);
    }
    witness.ended(Stage::Observe, format!("{} calls made", seen.calls.len()));
    Ok(seen)
}

fn probe_seen(plan: &IdentityPlan, member: &Member, pod: Option<String>, fault: Option<String>) -> ProbeSeen {
    let name = &member.probe.name;
    let absent = plan.absent.get(name).map(|why| format!("its probe was not made: {why}"));
    let silent = || pod.is_none().then(|| "its probe does not run".to_owned());
    ProbeSeen {
        namespace: member.account.namespace.clone(),
        node: member.probe.node.clone(),
        account: member.account.to_string(),
        fault: absent.or(fault).or_else(silent),
        pod: pod.unwrap_or_default(),
    }
}

/// Whether somebody could not ask for credentials, which may pass by itself.
fn is_away(seen: &Seen) -> bool {
    let away =
        |outcome: &SourceOutcome| matches!(outcome, SourceOutcome::Network(_) | SourceOutcome::Refused(Refusal::Busy));
    seen.fetches.values().any(|fetch| away(&fetch.outcome))
}

/// Lets every probe carry out its orders of a phase, all probes at once.
async fn carry_out(plan: &IdentityPlan, phase: Phase, probes: &mut ProbeRun, run: &RunId, seen: &mut Seen) {
    let mut left: BTreeMap<ProbeName, std::vec::IntoIter<Batch>> = BTreeMap::new();
    for member in plan.everybody().filter(|member| probes.started().contains_key(&member.probe.name)) {
        left.insert(member.probe.name.clone(), plan.orders(member, phase, run).into_iter());
    }
    loop {
        let now: BTreeMap<ProbeName, Batch> =
            left.iter_mut().filter_map(|(name, batches)| Some((name.clone(), batches.next()?))).collect();
        if now.is_empty() {
            return;
        }
        let longest = now.values().map(patience).max().unwrap_or(ANSWER_PATIENCE);
        let steps = now.iter().map(|(name, batch)| (name.clone(), Step::Cloud(batch.order.clone()))).collect();
        for (name, answer) in probes.carry_out(steps, longest).await {
            let report = answer.and_then(|report| {
                report.cloud.ok_or_else(|| ProbeFault("the probe's answer tells of no cloud calls".to_owned()))
            });
            match (report, now.get(&name)) {
                (Ok(report), Some(batch)) => take_in(seen, &name, phase, batch, report),
                (Ok(_), None) => {}
                (Err(fault), _) => {
                    if let Some(probe) = seen.probes.get_mut(&name) {
                        probe.fault.get_or_insert(format!("the probe was not heard: {}", fault.0));
                    }
                    left.remove(&name);
                }
            }
        }
    }
}

/// How long an order may take: all its calls to their last attempt, as many at a time as it says.
fn patience(batch: &Batch) -> Duration {
    let calls = u32::try_from(batch.calls.len()).unwrap_or(u32::MAX).saturating_add(8);
    let each = Duration::from_millis(orders::TIMEOUT_MS.into());
    (ANSWER_PATIENCE + each.saturating_mul(calls) / u32::from(orders::AT_ONCE)).min(PATIENCE_AT_MOST)
}

/// Adds what a probe told of an order.
fn take_in(seen: &mut Seen, probe: &ProbeName, phase: Phase, batch: &Batch, report: CloudReport) {
    let mut keys = BTreeMap::new();
    for answer in report.sources {
        keys.extend(answer.key.clone().map(|key| (answer.id, key)));
        if let Some(from) = batch.fetches.get(&answer.id) {
            seen.fetches.insert(fetch_key(probe, phase, *from), answer);
        }
    }
    let sources: BTreeMap<u32, Option<u32>> =
        batch.order.series.iter().flatten().map(|call| (call.id, call.source)).collect();
    for answer in report.calls {
        let Some(named) = batch.calls.get(&answer.id) else { continue };
        let source = sources.get(&answer.id).copied().flatten();
        let key = source.and_then(|source| keys.get(&source)).cloned();
        seen.calls.insert(named.key.clone(), CallSeen { deed: named.deed.clone(), key, answer });
    }
    if !report.remains.is_empty() {
        seen.remains.entry(probe.clone()).or_default().extend(report.remains);
    }
}
