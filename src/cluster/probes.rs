//! The life of probe pods: made, given orders, heard, removed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::stream::{self, StreamExt};
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{ListParams, LogParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use tokio::time::{Instant, sleep, timeout};

use super::claim::Claims;
use super::clock::Clock;
use super::error::{ClusterError, in_words};
use super::follow::{Followed, Patience};
use super::pod::{PodSettings, RUN_LABEL, pod, service};
use super::pod_state::{PodState, state_of};
use super::priority;
use super::removal::{AT_ONCE, delete_all};
use super::retry::{after_lag, is_outage, is_transient, patiently, patiently_for};
use crate::model::{Namespace, NodeName};
use crate::plan::{ProbeName, ProbeSpec};
use crate::probe::frame::{Decoder, FrameError};
use crate::probe::wire::{ORDERS_ANNOTATION, Orders, Report, Step};

/// Without any probe making progress for this long, those that don't run are given up.
const START_PATIENCE: Duration = Duration::from_secs(90);
/// A state that may pass by itself is a fault after this time.
const FAULT_AFTER: Duration = Duration::from_secs(8);
/// Orders that a probe has not acknowledged after this time are sent again, and then after twice as long, and so on.
/// They arrive within a second; now and then a kubelet misses one until the pod changes once more.
const RESEND_AFTER: Duration = Duration::from_millis(1_000);
/// … at most.
const RESEND_AFTER_AT_MOST: Duration = Duration::from_secs(6);
/// A probe that has not answered after this time is looked at, and again after as long: it may have ended, with its
/// orders or without.
const LOOK_AFTER: Duration = Duration::from_secs(4);
/// A log that has not come after this time does not come: its node does not answer.
const LOG_PATIENCE: Duration = Duration::from_secs(8);
/// How long the removal of everything may take.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(60);
/// How long deleted pods may take to be gone: on a node that is away they never are.
const TERMINATION_PATIENCE: Duration = Duration::from_secs(45);

/// Why a probe could not be made, or no longer answers. Its cases are inconclusive, never denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeFault(pub String);

/// A probe that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its node.
    pub node: NodeName,
    /// The name of its pod.
    pub pod: String,
    /// The pod's address.
    pub address: String,
    /// The cluster address of the Service before it, where it has one.
    pub service: Option<String>,
}

/// The probes of one run.
pub struct ProbeRun {
    client: Client,
    settings: PodSettings,
    own_class: bool,
    pods: BTreeMap<ProbeName, Started>,
    /// Probes that were not heard once. They are not asked again: each would cost its patience anew.
    lost: BTreeMap<ProbeName, ProbeFault>,
    /// How many complaints of each probe were heard in earlier rounds: they concern no later one.
    complaints: BTreeMap<ProbeName, usize>,
    made_in: BTreeSet<Namespace>,
    round: u32,
    /// Probes that were made so far: each has a number of its own in its pod's name.
    made: usize,
}

impl ProbeRun {
    /// The probes of a run, none of which is made yet. Without `priority_class` the run makes its own.
    #[must_use]
    pub fn new(client: &Client, settings: PodSettings, priority_class: Option<String>) -> Self {
        let own_class = priority_class.is_none();
        let settings = PodSettings { priority_class: priority_class.unwrap_or_default(), ..settings };
        Self {
            client: client.clone(),
            settings,
            own_class,
            pods: BTreeMap::new(),
            lost: BTreeMap::new(),
            complaints: BTreeMap::new(),
            made_in: BTreeSet::new(),
            round: 0,
            made: 0,
        }
    }

    /// The image that the probes run: what else is made of pods asks for the same, which the cluster's own
    /// policies know.
    #[must_use]
    pub fn image(&self) -> &str {
        &self.settings.image
    }

    /// The probes that run.
    #[must_use]
    pub fn started(&self) -> &BTreeMap<ProbeName, Started> {
        &self.pods
    }

    /// Makes the probes, and waits until they run or can't. `progress` is told how many run.
    ///
    /// # Errors
    /// Where the run may not make its PriorityClass, and where the API server stays away; a probe that
    /// can't run is a fault of its own.
    pub async fn start(
        &mut self,
        specs: &[ProbeSpec],
        claims: &Claims,
        mut progress: impl FnMut(usize, Option<String>),
    ) -> Result<BTreeMap<ProbeName, ProbeFault>, ClusterError> {
        if self.own_class {
            self.settings.priority_class = priority::make(&self.client, &self.settings.run).await?;
        }
        let mut faults = BTreeMap::new();
        let mut waiting = BTreeMap::new();
        self.made_in.extend(specs.iter().map(|spec| spec.namespace.clone()));
        let first = self.made;
        self.made += specs.len();
        let this = &*self;
        let made: Vec<_> = stream::iter(specs.iter().enumerate())
            .map(|(index, spec)| async move { (spec, this.make(first + index, spec, claims).await) })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        for (spec, outcome) in made {
            match outcome {
                Ok(started) => {
                    waiting.insert(started.pod.clone(), (spec.name.clone(), started, None::<(String, Instant)>));
                }
                Err(why) => {
                    faults.insert(spec.name.clone(), ProbeFault(why));
                }
            }
        }
        let mut last_progress = Instant::now();
        while !waiting.is_empty() {
            let asked = Instant::now();
            let seen = self.list_pods(specs).await?;
            if asked.elapsed() > Duration::from_secs(2) {
                // The API server was away: no probe could make progress.
                last_progress += asked.elapsed();
            }
            let before = waiting.len();
            let mut hint = None;
            waiting.retain(|pod_name, (name, started, trouble)| {
                let Some(pod) = seen.get(pod_name) else {
                    // Not in the list yet, or deleted by somebody: the patience below decides.
                    return true;
                };
                match state_of(pod) {
                    PodState::Running { address } => {
                        self.pods.insert(name.clone(), Started { address, ..started.clone() });
                        false
                    }
                    PodState::Starting => {
                        *trouble = None;
                        true
                    }
                    PodState::Troubled(why) => {
                        let since = match trouble {
                            Some((_, since)) => *since,
                            None => Instant::now(),
                        };
                        hint = Some(why.clone());
                        if since.elapsed() >= FAULT_AFTER {
                            faults.insert(name.clone(), ProbeFault(why));
                            return false;
                        }
                        *trouble = Some((why, since));
                        true
                    }
                    PodState::Over(why) => {
                        faults.insert(name.clone(), ProbeFault(why));
                        false
                    }
                }
            });
            if waiting.len() < before {
                last_progress = Instant::now();
            }
            progress(self.pods.len(), hint);
            if last_progress.elapsed() > START_PATIENCE {
                for (_, (name, _, trouble)) in std::mem::take(&mut waiting) {
                    let why = trouble.map_or_else(|| "no reason was given".to_owned(), |(why, _)| why);
                    let seconds = START_PATIENCE.as_secs();
                    faults.insert(name, ProbeFault(format!("the probe did not start within {seconds} s: {why}")));
                }
            } else if !waiting.is_empty() {
                sleep(Duration::from_millis(300)).await;
            }
        }
        Ok(faults)
    }

    async fn make(&self, index: usize, spec: &ProbeSpec, claims: &Claims) -> Result<Started, String> {
        let owner = claims.owner(&spec.namespace)?;
        // What stands before the last dash is unique: see `pod`.
        let name = format!("tenantproof-{}-{index:03}-p", self.settings.run);
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), spec.namespace.as_str());
        let wanted = pod(&name, spec, &self.settings, &owner);
        let plainly = PostParams::default();
        tolerate_existing(after_lag(|| pods.create(&plainly, &wanted)).await)
            .map_err(|error| format!("the API server refuses the probe: {}", in_words(&error)))?;
        let service = if spec.service {
            let services: Api<Service> = Api::namespaced(self.client.clone(), spec.namespace.as_str());
            let wanted = service(&name, spec, &self.settings, &owner);
            tolerate_existing(patiently(|| services.create(&plainly, &wanted)).await)
                .map_err(|error| format!("the API server refuses the probe's Service: {}", in_words(&error)))?;
            let made = patiently(|| services.get(&name)).await.map_err(|error| in_words(&error))?;
            made.spec.and_then(|spec| spec.cluster_ip)
        } else {
            None
        };
        Ok(Started {
            namespace: spec.namespace.clone(),
            node: spec.node.clone(),
            pod: name,
            address: String::new(),
            service,
        })
    }

    async fn list_pods(&self, specs: &[ProbeSpec]) -> Result<BTreeMap<String, Pod>, ClusterError> {
        let namespaces: BTreeSet<&Namespace> = specs.iter().map(|spec| &spec.namespace).collect();
        let ours = ListParams::default().labels(&format!("{RUN_LABEL}={}", self.settings.run));
        let lists: Vec<_> = stream::iter(namespaces)
            .map(|namespace| {
                let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace.as_str());
                let ours = ours.clone();
                async move {
                    match patiently(|| pods.list(&ours)).await {
                        Ok(list) => Ok(list.items),
                        // A namespace that may be written but not listed: its probes' patience decides.
                        Err(kube::Error::Api(status)) if status.code == 403 => Ok(Vec::new()),
                        Err(error) => Err(ClusterError::explain("list the probes", &error)),
                    }
                }
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut seen = BTreeMap::new();
        for list in lists {
            seen.extend(list?.into_iter().filter_map(|pod| Some((pod.metadata.name.clone()?, pod))));
        }
        Ok(seen)
    }

    /// Gives orders to probes, all at once, and waits until each has answered or can't.
    pub async fn carry_out(
        &mut self,
        steps: BTreeMap<ProbeName, Step>,
        patience: Duration,
    ) -> BTreeMap<ProbeName, Result<Report, ProbeFault>> {
        self.round += 1;
        let round = self.round;
        let this = &*self;
        let addressed = steps.into_iter().filter_map(|(name, step)| {
            let started = this.pods.get(&name)?;
            Some((name, started, Orders { round, step }))
        });
        let heard: Vec<_> = stream::iter(addressed.collect::<Vec<_>>())
            .map(|(name, started, orders)| async move {
                let known = this.complaints.get(&name).copied().unwrap_or_default();
                let outcome = match this.lost.get(&name) {
                    Some(fault) => Err(fault.clone()),
                    None => this.one_exchange(started, &orders, known, patience).await,
                };
                (name, outcome)
            })
            // All of them: a probe that waits for its turn would try while others have ended.
            .buffer_unordered(usize::MAX >> 1)
            .collect()
            .await;
        let mut answers = BTreeMap::new();
        for (name, outcome) in heard {
            let answer = match outcome {
                Ok((report, complaints)) => {
                    self.complaints.insert(name.clone(), complaints);
                    Ok(report)
                }
                Err(fault) => {
                    self.lost.insert(name.clone(), fault.clone());
                    Err(fault)
                }
            };
            answers.insert(name, answer);
        }
        answers
    }

    /// Gives one probe its orders and waits for its report; with it comes how many complaints of the
    /// probe there are by then. `known` of them are older than these orders.
    async fn one_exchange(
        &self,
        started: &Started,
        orders: &Orders,
        known: usize,
        patience: Duration,
    ) -> Result<(Report, usize), ProbeFault> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), started.namespace.as_str());
        let mut sent = self.send(&pods, started, orders, 0).await?;
        let mut clock = Clock::start(patience, Instant::now());
        let (mut resent, mut resend_after, mut looked) = (0, RESEND_AFTER, Instant::now());
        let mut followed = Followed::new(&pods, &started.pod);
        loop {
            let patience = Patience { unseen: resend_after.saturating_sub(sent.elapsed()), seen: LOOK_AFTER };
            if let Some(heard) = followed.report(orders.round, known, patience).await {
                return Ok(heard);
            }
            // Nobody can tell a probe that is silent from one whose log does not come: so it is asked for.
            let log = timeout(LOG_PATIENCE, pods.logs(&started.pod, &LogParams::default())).await;
            let trouble = match log {
                Ok(Ok(log)) => {
                    clock.heard(Instant::now());
                    let heard = Decoder::read(&log);
                    if let Some(report) = heard.reports.get(&orders.round) {
                        return Ok((report.clone(), heard.complaints.len()));
                    }
                    if looked.elapsed() > LOOK_AFTER {
                        looked = Instant::now();
                        if let Some(why) = over(&pods, &started.pod).await {
                            return Err(ProbeFault(format!("{why}{}", last_words(&log))));
                        }
                    }
                    match (
                        heard.acks.contains_key(&orders.round),
                        heard.report(orders.round),
                        heard.complaints.get(known..).and_then(<[_]>::last),
                    ) {
                        (true, Err(FrameError::Absent { .. }), _) => {
                            "it has its orders and has not answered yet".to_owned()
                        }
                        (true, Err(broken), _) => broken.to_string(),
                        (false, _, Some(complaint)) => {
                            return Err(ProbeFault(format!("the probe refused its orders: {}", complaint.message)));
                        }
                        _ => {
                            if sent.elapsed() > resend_after {
                                resent += 1;
                                resend_after = RESEND_AFTER_AT_MOST.min(resend_after * 2);
                                sent = self.send(&pods, started, orders, resent).await?;
                            }
                            "it has not seen its orders".to_owned()
                        }
                    }
                }
                Ok(Err(kube::Error::Api(status))) if status.code == 404 => {
                    return Err(ProbeFault("the probe's pod is gone".to_owned()));
                }
                Ok(Err(error)) => {
                    tracing::debug!(pod = started.pod, %error, "the probe's log can't be read now");
                    if is_outage(&error) {
                        clock.stand_still(Instant::now());
                    } else {
                        clock.answered(Instant::now());
                    }
                    in_words(&error)
                }
                Err(_) => format!("its log does not come from node {}", started.node),
            };
            clock.check(&trouble, Instant::now())?;
        }
    }

    async fn send(
        &self,
        pods: &Api<Pod>,
        started: &Started,
        orders: &Orders,
        resent: usize,
    ) -> Result<Instant, ProbeFault> {
        let mut text = serde_json::to_string(orders).map_err(|error| ProbeFault(error.to_string()))?;
        // White space makes it another annotation, so that the kubelet writes the file once more.
        text.extend(std::iter::repeat_n(' ', resent));
        let patch = serde_json::json!({"metadata": {"annotations": {ORDERS_ANNOTATION: text}}});
        let (merge, plainly) = (Patch::Merge(&patch), PatchParams::default());
        match patiently_for(Duration::from_secs(60), || pods.patch(&started.pod, &plainly, &merge)).await {
            Ok(_) => Ok(Instant::now()),
            Err(error) => Err(ProbeFault(format!("the probe can't be given its orders: {}", in_words(&error)))),
        }
    }

    /// Removes every probe, Service and the PriorityClass; bounded. What remains is named; it goes
    /// with the Lease at the latest.
    pub async fn remove(&mut self) -> Vec<String> {
        let end = Instant::now() + REMOVAL_PATIENCE;
        let this = &*self;
        let remains: Vec<Vec<String>> = stream::iter(&self.made_in)
            .map(|namespace| this.remove_from(namespace, end))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut remains: Vec<String> = remains.into_iter().flatten().collect();
        remains.sort();
        if self.own_class {
            remains.extend(priority::remove(&self.client, &self.settings.run).await);
        }
        self.pods.clear();
        remains
    }

    async fn remove_from(&self, namespace: &Namespace, end: Instant) -> Vec<String> {
        let ours = ListParams::default().labels(&format!("{RUN_LABEL}={}", self.settings.run));
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace.as_str());
        let services: Api<Service> = Api::namespaced(self.client.clone(), namespace.as_str());
        let mut remains = Vec::new();
        remains.extend(delete_all(&pods, &ours, &format!("pods in {namespace}"), end).await);
        remains.extend(delete_all(&services, &ours, &format!("Services in {namespace}"), end).await);
        let end = end.min(Instant::now() + TERMINATION_PATIENCE);
        loop {
            match pods.list(&ours).await {
                Ok(list) if list.items.is_empty() => break,
                Ok(list) if Instant::now() > end => {
                    remains.extend(list.items.iter().map(|pod| still_there(namespace, pod)));
                    break;
                }
                Err(error) if !is_transient(&error) => break,
                Err(error) if Instant::now() > end => {
                    remains.push(format!("perhaps pods in {namespace}: {}", in_words(&error)));
                    break;
                }
                _ => sleep(Duration::from_millis(200)).await,
            }
        }
        remains
    }
}

fn still_there(namespace: &Namespace, pod: &Pod) -> String {
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or("no node");
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    format!("pod {namespace}/{name}, which is terminating on {node}")
}

/// Why a probe's pod will never answer; `None` while it may.
async fn over(pods: &Api<Pod>, name: &str) -> Option<String> {
    match pods.get_opt(name).await {
        Ok(None) => Some("the probe's pod is gone".to_owned()),
        Ok(Some(pod)) => match state_of(&pod) {
            PodState::Over(why) => Some(why),
            _ => None,
        },
        Err(_) => None,
    }
}

/// The last line of a log that holds no message, in which a program that could not start says why.
fn last_words(log: &str) -> String {
    log.lines()
        .rfind(|line| !line.trim().is_empty())
        .map_or_else(String::new, |line| format!(": {}", line.chars().take(200).collect::<String>()))
}

/// A name of this run's own that exists already is this run's own, made by a request whose answer
/// was lost.
fn tolerate_existing<T>(outcome: Result<T, kube::Error>) -> Result<(), kube::Error> {
    match outcome {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => Ok(()),
        Err(error) => Err(error),
    }
}
