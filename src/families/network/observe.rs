//! Making the probes try: the only part of this family with I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures::future::LocalBoxFuture;

use super::ask::Connection;
use super::parameters::Reach;
use super::plan::NetworkPlan;
use super::seen::{Computed, ProbeSeen, Seen, Settling, SideSeen, TrySeen};
use crate::cluster::{ClusterError, NetworkPolicyVersions, ProbeFault, ProbeRun, network_policy_versions, versions_of};
use crate::families::{Coverage, FamilyPlan, Field as FieldOfRun, Limits, Observed, Stage, Stance};
use crate::model::{Namespace, Port, Protocol};
use crate::plan::{Case, ProbeName};
use crate::probe::wire::{Attempt, Report, Step, Target, Tries};
use crate::semantics::Snapshot;
use crate::semantics::network::{Decision, Endpoint, Side};

/// Rounds that are tried, and not judged, until the fences of the new probes have attached.
const SETTLING_ROUNDS: u32 = 10;
const SETTLING_TIME: Duration = Duration::from_secs(30);
/// Rounds that give a connection that the policies allow another chance to come about.
const SECOND_CHANCES: u32 = 2;
/// Targets in one order: an order of 60 kB is quick to arrive, one of 200 kB may be lost.
const TARGETS_AT_ONCE: usize = 500;
/// How long a probe may take to answer beside the tries themselves. After an outage of the API server
/// a kubelet may take a minute until it looks again, and only then the probe sees its orders; one that
/// is gone, or whose node is, is noticed much sooner.
const ANSWER_PATIENCE: Duration = Duration::from_secs(150);

impl FamilyPlan for NetworkPlan {
    fn cases(&self) -> &[Case] {
        &self.cases
    }

    fn coverage(&self) -> Coverage {
        let accounting = self.fences.accounting();
        Coverage {
            judged: accounting.judged,
            irrelevant: accounting.irrelevant,
            not_understood: accounting.not_understood.clone(),
            pods_represented: self.pods_represented,
            not_tried: self.not_tried.clone(),
        }
    }

    fn namespaces(&self) -> Vec<Namespace> {
        self.namespaces.clone()
    }

    fn makes(&self) -> String {
        format!("{} probes", self.probes.len())
    }

    fn observe<'a>(&'a self, mut field: FieldOfRun<'a>) -> LocalBoxFuture<'a, Result<Observed, ClusterError>> {
        Box::pin(async move {
            let mut seen = try_all(self, &mut field).await?;
            let after = network_policy_versions(field.client, readable(self, field.snapshot)).await;
            note_changes(&mut seen, &versions_of(&field.snapshot.network_policies), after);
            let observations = serde_json::to_value(&seen).unwrap_or_default();
            Ok(Observed { observations, remarks: remarks(&seen.settling) })
        })
    }
}

/// Namespaces of the plan whose NetworkPolicies could be read.
fn readable(plan: &NetworkPlan, snapshot: &Snapshot) -> Vec<Namespace> {
    let unreadable = |namespace: &Namespace| {
        snapshot.unreadable.iter().any(|one| {
            one.namespace.as_deref() == Some(namespace.as_str()) && one.resource.starts_with("networkpolicies")
        })
    };
    plan.namespaces.iter().filter(|namespace| !unreadable(namespace)).cloned().collect()
}

/// What a reader should know of the time before the fences had attached.
fn remarks(settling: &Settling) -> Vec<(String, Option<String>)> {
    let mut remarks = Vec::new();
    if !settling.open_at_first.is_empty() {
        remarks.push((
            format!(
                "{} connections got through while the fences of the new probes were still being attached ({} ms were \
                 watched); they are not judged",
                settling.open_at_first.len(),
                settling.millis
            ),
            Some("a new pod of a tenant has the same open window".to_owned()),
        ));
    }
    if settling.rounds > 0 && !settling.settled {
        remarks.push((
            format!(
                "the fences of the new probes had not settled after {} ms: what passed went on changing from round to \
                 round",
                settling.millis
            ),
            Some(
                "a case that fails here may be an engine that is slow; run again, and look at the CNI's own pods"
                    .to_owned(),
            ),
        ));
    }
    remarks
}

/// Makes the probes, lets them try everything, and asks who arrived.
async fn try_all(plan: &NetworkPlan, field: &mut FieldOfRun<'_>) -> Result<Seen, ClusterError> {
    let FieldOfRun { probes, claims, limits, witness, .. } = field;
    let limits = *limits;
    witness.began(Stage::Start, plan.probes.len());
    let faults =
        probes.start(&plan.probes, claims, |done, detail| witness.progress(Stage::Start, done, detail)).await?;
    let mut field = Field::new(plan, probes, &faults);
    witness.progress(Stage::Start, probes.started().len(), Some("until their fences have attached".to_owned()));
    field.seen.settling = field.settle(probes, limits).await;
    witness.ended(Stage::Start, format!("{} of {} run", probes.started().len(), plan.probes.len()));

    witness.began(Stage::Observe, field.live.len());
    let all = field.live.clone();
    field.try_all(probes, &all, limits).await;
    witness.progress(Stage::Observe, all.len(), None);
    for _ in 0..SECOND_CHANCES {
        let missing = field.allowed_but_missing();
        if missing.is_empty() {
            break;
        }
        witness.progress(Stage::Observe, all.len(), Some(format!("{} once more", missing.len())));
        field.try_all(probes, &missing, limits).await;
    }
    field.tally(probes).await;
    witness.ended(
        Stage::Observe,
        format!("{} connections tried", field.seen.tries.values().map(|t| t.attempts.len()).sum::<usize>()),
    );
    Ok(field.seen)
}

/// Notes which namespaces' policies are not those of the snapshot any more, and of which that can't be told.
fn note_changes(
    seen: &mut Seen,
    before: &NetworkPolicyVersions,
    after: BTreeMap<Namespace, Result<NetworkPolicyVersions, ClusterError>>,
) {
    for (namespace, after) in after {
        match after {
            Ok(after) => {
                let before = before.iter().filter(|((of, _), _)| *of == namespace);
                if !before.eq(&after) {
                    seen.changed.insert(namespace);
                }
            }
            Err(error) => {
                seen.unconfirmed.insert(namespace, error.to_string());
            }
        }
    }
}

/// What a round is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To see whether the fences have attached. Never judged.
    Settling,
    /// To be judged.
    Judged,
}

/// What came back of one round: the attempts of each try, by its index, or why there are none.
type Round = BTreeMap<usize, Result<Vec<Attempt>, String>>;

/// The tries while they go on.
struct Field<'a> {
    plan: &'a NetworkPlan,
    seen: Seen,
    addresses: BTreeMap<ProbeName, (String, Option<String>)>,
    /// Indices of the tries that can be made.
    live: Vec<usize>,
}

impl<'a> Field<'a> {
    fn new(plan: &'a NetworkPlan, probes: &ProbeRun, faults: &BTreeMap<ProbeName, ProbeFault>) -> Self {
        let mut seen = Seen { idle: plan.idle.clone(), ..Seen::default() };
        let mut addresses = BTreeMap::new();
        let mut endpoints = plan.endpoints.clone();
        let planned = plan.probes.iter().map(|spec| (spec, None));
        let absent = plan.absent.values().map(|(spec, why)| (spec, Some(format!("its probe was not made: {why}"))));
        for (spec, absent) in planned.chain(absent) {
            let started = probes.started().get(&spec.name);
            let fault = absent.or_else(|| faults.get(&spec.name).map(|fault| fault.0.clone()));
            if let Some(started) = started {
                addresses.insert(spec.name.clone(), (started.address.clone(), started.service.clone()));
                if let (Some(endpoint), Ok(ip)) = (endpoints.get_mut(&spec.name), started.address.parse()) {
                    endpoint.addresses = vec![ip];
                }
            }
            seen.probes.insert(
                spec.name.clone(),
                ProbeSeen {
                    namespace: spec.namespace.clone(),
                    node: spec.node.clone(),
                    labels: spec.labels.clone(),
                    pod: started.map(|s| s.pod.clone()).unwrap_or_default(),
                    address: started.map(|s| s.address.clone()).unwrap_or_default(),
                    fault,
                },
            );
        }
        let mut live = Vec::new();
        for (index, planned) in plan.tries.iter().enumerate() {
            let ends = [&planned.connection.from, &planned.connection.to].map(|name| seen.probes.get(name));
            let fault = ends.iter().flatten().find_map(|probe| {
                probe.fault.as_ref().map(|fault| format!("the probe in {} on {}: {fault}", probe.namespace, probe.node))
            });
            if fault.is_none() {
                live.push(index);
            }
            let one = TrySeen {
                connection: planned.connection.clone(),
                computed: computed(plan, &endpoints, &planned.connection),
                attempts: Vec::new(),
                arrivals: None,
                fault,
            };
            seen.tries.insert(planned.key.clone(), one);
        }
        Self { plan, seen, addresses, live }
    }

    /// Tries until what comes back agrees with what the policies say, or stays the same. What passes
    /// in the meantime is the start window of new pods, which is not what a fence promises.
    async fn settle(&self, probes: &mut ProbeRun, limits: Limits) -> Settling {
        let begun = Instant::now();
        let quick = Limits { attempts: 1, timeout: limits.timeout.min(Duration::from_millis(700)), ..limits };
        let mut settling = Settling::default();
        let (mut first, mut last) = (None::<BTreeMap<usize, bool>>, BTreeMap::new());
        let mut same = 0;
        while settling.rounds < SETTLING_ROUNDS && begun.elapsed() < SETTLING_TIME && !self.live.is_empty() {
            let round = self.ask_all(probes, &self.live, quick, Purpose::Settling).await;
            settling.rounds += 1;
            let now = passed(&round);
            let agrees = now.iter().all(|(index, passed)| match self.stance(*index) {
                Some(Stance::Allowed) => *passed,
                Some(Stance::Denied) => !passed,
                _ => last.get(index) == Some(passed),
            });
            same = if now == last { same + 1 } else { 0 };
            first.get_or_insert_with(|| now.clone());
            last = now;
            if agrees || same >= 2 {
                settling.settled = true;
                break;
            }
        }
        settling.millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        settling.open_at_first = first
            .unwrap_or_default()
            .into_iter()
            .filter(|(index, passed)| *passed && last.get(index) == Some(&false))
            .filter_map(|(index, _)| Some(self.plan.tries.get(index)?.key.clone()))
            .collect();
        settling
    }

    fn of(&self, index: usize) -> Option<&TrySeen> {
        self.seen.tries.get(&self.plan.tries.get(index)?.key)
    }

    fn stance(&self, index: usize) -> Option<Stance> {
        self.of(index).map(|one| one.computed.stance)
    }

    fn allowed_but_missing(&self) -> Vec<usize> {
        let missing = |one: &TrySeen| {
            one.computed.stance == Stance::Allowed
                && one.fault.is_none()
                && !one.attempts.iter().any(|attempt| attempt.outcome.is_connected())
                && one.attempts.iter().any(|attempt| attempt.outcome.is_denial())
        };
        self.live.iter().copied().filter(|index| self.of(*index).is_some_and(missing)).collect()
    }

    /// Lets the probes try these, to be judged, and adds what came back to what was seen.
    async fn try_all(&mut self, probes: &mut ProbeRun, indices: &[usize], limits: Limits) {
        for (index, answer) in self.ask_all(probes, indices, limits, Purpose::Judged).await {
            let one = self.plan.tries.get(index).and_then(|planned| self.seen.tries.get_mut(&planned.key));
            let Some(one) = one else { continue };
            match answer {
                Ok(attempts) => one.attempts.extend(attempts),
                Err(why) => {
                    one.fault.get_or_insert(why);
                }
            }
        }
    }

    /// Lets each probe try its targets, all probes at once: one round.
    async fn ask_all(&self, probes: &mut ProbeRun, indices: &[usize], limits: Limits, purpose: Purpose) -> Round {
        let mut round = Round::new();
        let mut of_probe: BTreeMap<ProbeName, Vec<Target>> = BTreeMap::new();
        for index in indices {
            let Some(planned) = self.plan.tries.get(*index) else { continue };
            match self.target(*index, &planned.connection, purpose) {
                Some(target) => of_probe.entry(planned.connection.from.clone()).or_default().push(target),
                None => {
                    round.insert(*index, Err("the target has no address".to_owned()));
                }
            }
        }
        while !of_probe.is_empty() {
            let mut steps = BTreeMap::new();
            of_probe.retain(|name, targets| {
                let rest = targets.split_off(targets.len().min(TARGETS_AT_ONCE));
                let now = std::mem::replace(targets, rest);
                steps.insert(
                    name.clone(),
                    Step::Try(Tries {
                        attempts: limits.attempts,
                        gap_ms: millis(limits.gap),
                        timeout_ms: millis(limits.timeout),
                        targets: now,
                    }),
                );
                !targets.is_empty()
            });
            let asked: BTreeMap<ProbeName, Vec<u32>> = steps
                .iter()
                .map(|(name, step)| match step {
                    Step::Try(tries) => (name.clone(), tries.targets.iter().map(|target| target.id).collect()),
                    Step::Tally | Step::Cloud(_) => (name.clone(), Vec::new()),
                })
                .collect();
            let patience = ANSWER_PATIENCE + limits.timeout + limits.gap * u32::from(limits.attempts);
            let mut answers = probes.carry_out(steps, patience).await;
            for (name, ids) in asked {
                let failed = |why: String| ids.iter().map(|id| (index_of(*id), Err(why.clone()))).collect();
                round.extend(match answers.remove(&name) {
                    Some(Ok(report)) => answers_of(&ids, report, limits),
                    Some(Err(fault)) => failed(format!("the probe {name} was not heard: {}", fault.0)),
                    None => failed(format!("the probe {name} does not run")),
                });
            }
        }
        round
    }

    fn target(&self, index: usize, connection: &Connection, purpose: Purpose) -> Option<Target> {
        let (address, service) = self.addresses.get(&connection.to)?;
        let who = self.seen.probes.get(&connection.to)?.pod.clone();
        let address = match connection.reach {
            Reach::PodIp => address.clone(),
            Reach::Service => service.clone()?,
        };
        let id = id_of(index, purpose)?;
        Some(Target { id, protocol: connection.protocol, address, port: connection.port, who })
    }

    /// Asks every probe who arrived. It is asked after every client has answered, so what is not on
    /// record then did not arrive.
    async fn tally(&mut self, probes: &mut ProbeRun) {
        let steps = probes.started().keys().map(|name| (name.clone(), Step::Tally)).collect();
        let mut unfinished: BTreeSet<(ProbeName, Protocol, Port, String)> = BTreeSet::new();
        for (name, answer) in probes.carry_out(steps, ANSWER_PATIENCE).await {
            let report = match answer {
                Ok(report) => report,
                Err(fault) => {
                    if let Some(probe) = self.seen.probes.get_mut(&name) {
                        probe.fault.get_or_insert(fault.0);
                    }
                    continue;
                }
            };
            if report.arrivals_not_kept > 0 {
                continue;
            }
            let deaf: BTreeSet<(Protocol, Port)> = report
                .listeners
                .iter()
                .filter(|listener| listener.error.is_some())
                .map(|listener| (listener.protocol, listener.port))
                .collect();
            for one in self.seen.tries.values_mut() {
                let tried = &one.connection;
                if tried.to == name && !deaf.contains(&(tried.protocol, tried.port)) {
                    one.arrivals = Some(0);
                }
            }
            for arrival in report.arrivals {
                match (arrival.probe, arrival.target) {
                    (Some(_), Some(id)) => {
                        let planned = self.plan.tries.get(index_of(id)).filter(|_| is_judged(id));
                        if let Some(one) = planned.and_then(|planned| self.seen.tries.get_mut(&planned.key)) {
                            one.arrivals = Some(one.arrivals.unwrap_or(0) + arrival.count);
                        }
                    }
                    _ => {
                        unfinished.insert((name.clone(), arrival.protocol, arrival.port, arrival.from.to_string()));
                    }
                }
            }
        }
        self.note_unfinished(&unfinished);
    }

    /// A connection that opened and never said who it was, from the address of a probe: the try that
    /// it may belong to proves nothing.
    fn note_unfinished(&mut self, unfinished: &BTreeSet<(ProbeName, Protocol, Port, String)>) {
        for one in self.seen.tries.values_mut() {
            let Connection { from, to, protocol, port, .. } = &one.connection;
            let Some((address, _)) = self.addresses.get(from) else { continue };
            let arrived = (to.clone(), *protocol, *port, address.clone());
            let connected = one.attempts.iter().any(|attempt| attempt.outcome.is_connected());
            if !connected && unfinished.contains(&arrived) {
                one.fault.get_or_insert_with(|| {
                    "the target saw a connection from this probe's address that never said who it was".to_owned()
                });
            }
        }
    }
}

/// What came back of each try in a report, or why nothing did.
fn answers_of(ids: &[u32], report: Report, limits: Limits) -> Round {
    let mut answers: BTreeMap<u32, _> = report.answers.into_iter().map(|answer| (answer.id, answer)).collect();
    let answer_of = |id: &u32| {
        let attempts = match answers.remove(id) {
            Some(answer) if answer.attempts.len() == usize::from(limits.attempts) => Ok(answer.attempts),
            Some(_) => Err("the probe answered with fewer attempts than it was asked for".to_owned()),
            None => Err("the probe's answer leaves this target out".to_owned()),
        };
        (index_of(*id), attempts)
    };
    ids.iter().map(answer_of).collect()
}

/// Which tries got through, of those of which that can be told.
fn passed(round: &Round) -> BTreeMap<usize, bool> {
    let last = round.iter().filter_map(|(index, answer)| Some((*index, &answer.as_ref().ok()?.last()?.outcome)));
    last.filter(|(_, outcome)| outcome.is_connected() || outcome.is_denial())
        .map(|(index, outcome)| (index, outcome.is_connected()))
        .collect()
}

/// Ids on the wire: the same try has one for rounds that are judged and one for those that are not,
/// so that an arrival in the start window is never taken for a leak.
fn id_of(index: usize, purpose: Purpose) -> Option<u32> {
    u32::try_from(index).ok()?.checked_mul(2).map(|id| id + u32::from(purpose == Purpose::Judged))
}

const fn index_of(id: u32) -> usize {
    (id / 2) as usize
}

const fn is_judged(id: u32) -> bool {
    id % 2 == 1
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

fn computed(plan: &NetworkPlan, endpoints: &BTreeMap<ProbeName, Endpoint>, connection: &Connection) -> Computed {
    let (Some(from), Some(to)) = (endpoints.get(&connection.from), endpoints.get(&connection.to)) else {
        return Computed {
            stance: Stance::Unknown,
            because: "the plan has no such probe".to_owned(),
            egress: SideSeen::Unknown,
            ingress: SideSeen::Unknown,
        };
    };
    let decision: Decision = plan.fences.decide(from, to, connection.protocol, connection.port);
    Computed {
        stance: decision.answer.into(),
        because: decision.because(),
        egress: side(&decision.egress),
        ingress: side(&decision.ingress),
    }
}

const fn side(side: &Side) -> SideSeen {
    match side {
        Side::NotIsolated | Side::HostNetwork => SideSeen::NoPolicy,
        Side::OwnNode | Side::Allowed { .. } => SideSeen::Allowed,
        Side::Denied { .. } => SideSeen::Denied,
        Side::Unknown { .. } => SideSeen::Unknown,
    }
}
