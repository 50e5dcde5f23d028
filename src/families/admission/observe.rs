//! Making each request beside its compliant twin: the only part of this family with I/O.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::{LocalBoxFuture, join_all};
use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use kube::Client;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::controllers::Controller;
use super::objects::Edit;
use super::plan::{AdmissionPlan, Review, Reviewed};
use super::refusal::away;
use super::seen::{Answer, AnswerSeen, Seen, TrySeen};
use super::settle::unsettled;
use super::trials::{How, Request, Trial};
use crate::cluster::access::{self, What};
use crate::cluster::{Change, ClusterError, RUN_LABEL, TRIAL_LABEL, TrialAnswer, TrialKind, Trials};
use crate::families::{Coverage, FamilyPlan, Field, Observed, ReviewSeen, Stage};
use crate::model::{Namespace, RunId};
use crate::plan::{Case, Mode};

/// Requests that are under way at the same time, over all namespaces.
const AT_ONCE: usize = 12;
/// How often each request is made.
const REPEATS: usize = 3;
/// How long what came back may take to agree with the policies that were read.
const SETTLES_AFTER: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(700);

impl FamilyPlan for AdmissionPlan {
    fn cases(&self) -> &[Case] {
        &self.cases
    }

    fn coverage(&self) -> Coverage {
        Coverage {
            judged: self.judged,
            not_understood: self.unread.clone(),
            not_tried: self.not_tried.clone(),
            ..Coverage::default()
        }
    }

    fn namespaces(&self) -> Vec<Namespace> {
        let all: BTreeSet<&Namespace> = self.trials.values().map(|trial| &trial.namespace).collect();
        all.into_iter().cloned().collect()
    }

    fn observe<'a>(&'a self, field: Field<'a>) -> LocalBoxFuture<'a, Result<Observed, ClusterError>> {
        Box::pin(async move {
            let Field { client, run, claims, witness, .. } = field;
            let trials = Trials::new(client, claims, run);
            let bench = Bench {
                plan: self,
                client,
                trials: &trials,
                run,
                made: Cell::new(0),
                away: RefCell::new(BTreeMap::new()),
                going: RefCell::new(BTreeMap::new()),
            };
            witness.began(Stage::Observe, self.trials.len());
            let mut seen = Seen { mode: self.mode, unread: self.unread.clone(), ..Seen::default() };
            for namespace in self.namespaces() {
                let why = self.closed.get(&namespace).cloned().or_else(|| trials.obstacle(&namespace));
                seen.closed.extend(why.map(|why| (namespace, why)));
            }
            let open = self.trials.iter().filter(|(_, trial)| !seen.closed.contains_key(&trial.namespace));
            let all: Vec<(&String, &Trial)> = open.collect();
            let mut answers =
                stream::iter(all.iter().map(|(key, trial)| bench.tried(key, trial))).buffer_unordered(AT_ONCE);
            while let Some((key, tried)) = answers.next().await {
                seen.tries.insert(key, tried);
                witness.progress(Stage::Observe, seen.tries.len(), None);
            }
            drop(answers);
            let mut remarks = bench.settle(&all, &mut seen).await;
            let reviews = self.reviews.iter().map(|(key, review)| async { (key.clone(), bench.review(review).await) });
            seen.reviews = join_all(reviews).await.into_iter().collect();
            let requests: usize = seen.tries.values().map(|tried| tried.answers.len()).sum();
            witness.ended(Stage::Observe, format!("{requests} requests in {} namespaces", self.namespaces().len()));
            let going = bench.going.take();
            let gone = going.iter().map(|(namespace, workloads)| trials.until_gone(namespace, workloads));
            let of_workloads = join_all(gone).await.concat();
            for left in seen.tries.values().flat_map(|tried| &tried.left).chain(&of_workloads) {
                remarks.push((format!("left behind: {left}"), Some("the next run removes it".to_owned())));
            }
            Ok(Observed { observations: serde_json::to_value(&seen).unwrap_or_default(), remarks })
        })
    }
}

/// What trying takes.
struct Bench<'a> {
    plan: &'a AdmissionPlan,
    client: &'a Client,
    trials: &'a Trials<'a>,
    run: &'a RunId,
    made: Cell<u32>,
    /// For each namespace a webhook that could not be called: nobody waits for it again and again.
    away: RefCell<BTreeMap<Namespace, String>>,
    /// Workloads that were discarded and may not be gone yet.
    going: RefCell<BTreeMap<Namespace, Vec<(TrialKind, String)>>>,
}

/// The answers of one request, and what is left of it.
#[derive(Default)]
struct Steps {
    answers: Vec<AnswerSeen>,
    left: Vec<String>,
}

impl Steps {
    fn add(&mut self, step: &str, decides: bool, answer: Answer) {
        let at = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        self.answers.push(AnswerSeen { step: step.to_owned(), at, decides, answer });
    }
}

impl Bench<'_> {
    async fn tried(&self, key: &str, trial: &Trial) -> (String, TrySeen) {
        let mut seen = TrySeen {
            asked: trial.asked.clone(),
            concerns: trial.concerns.clone(),
            beyond: trial.beyond.clone(),
            not_tried: trial.not_tried.clone(),
            ..TrySeen::default()
        };
        if let Request::BucketChange { name, .. } = &trial.request
            && name.is_empty()
        {
            seen.not_tried =
                Some("it takes a bucket that is there, and none is made, since it would cost money".to_owned());
        }
        if seen.not_tried.is_none() {
            let mut steps = Steps::default();
            self.steps(trial, &mut steps).await;
            (seen.answers, seen.left) = (steps.answers, steps.left);
        }
        (key.to_owned(), seen)
    }

    /// Asks again, for a bounded time, whatever does not agree with the policies that were read.
    async fn settle(&self, all: &[(&String, &Trial)], seen: &mut Seen) -> Vec<(String, Option<String>)> {
        let end = Instant::now() + SETTLES_AFTER;
        let mut at_first: BTreeMap<&String, String> = BTreeMap::new();
        loop {
            let mut waiting: BTreeMap<&String, String> = BTreeMap::new();
            for (key, _) in all {
                let why = seen.tries.get(*key).and_then(|tried| unsettled(tried, key.starts_with("twin:")));
                waiting.extend(why.map(|why| (*key, why)));
            }
            for (key, why) in &waiting {
                at_first.entry(*key).or_insert_with(|| why.clone());
            }
            if waiting.is_empty() || Instant::now() >= end {
                let settled: Vec<(&&String, &String)> =
                    at_first.iter().filter(|(key, _)| !waiting.contains_key(**key)).collect();
                for (key, why) in &settled {
                    if let Some(tried) = seen.tries.get_mut(**key) {
                        tried.at_first = Some((*why).clone());
                    }
                }
                let remark = settled.first().map(|(key, why)| {
                    let asked = seen.tries.get(**key).map_or("", |tried| tried.asked.as_str());
                    let help = "policies take hold some time after they were changed; the last answers count";
                    (format!("{asked}: at first {why} ({} requests in all)", settled.len()), Some(help.to_owned()))
                });
                return remark.into_iter().collect();
            }
            sleep(PAUSE).await;
            self.away.borrow_mut().clear();
            let again = all.iter().filter(|(key, _)| waiting.contains_key(*key));
            let mut answers = stream::iter(again.map(|(key, trial)| self.tried(key, trial))).buffer_unordered(AT_ONCE);
            while let Some((key, tried)) = answers.next().await {
                seen.tries.insert(key, tried);
            }
        }
    }

    async fn steps(&self, trial: &Trial, steps: &mut Steps) {
        let namespace = &trial.namespace;
        match &trial.request {
            Request::Text(_) => {}
            Request::Pod(pod) => {
                self.repeat(trial, steps, "by dry-run", || self.dry_run(TrialKind::Pod, namespace, pod)).await;
            }
            Request::Bucket(bucket) => {
                self.repeat(trial, steps, "by dry-run", || self.dry_run(TrialKind::Bucket, namespace, bucket)).await;
            }
            Request::Workload(controller, pod) => self.workload(trial, *controller, pod, steps).await,
            Request::Added { pod, container } => {
                let patch = json!({"spec": {"ephemeralContainers": [container]}});
                self.on_a_pod(trial, pod, steps, |_| Some((patch.clone(), true))).await;
            }
            Request::PodChange { pod, edit, how } => {
                let by_patch = *how == How::Patch;
                self.on_a_pod(trial, pod, steps, |there| {
                    if by_patch { Some((edit.patch(), false)) } else { whole(there, edit).map(|whole| (whole, false)) }
                })
                .await;
            }
            Request::TemplateChange { pod, edit, how } => self.template_change(trial, pod, edit, *how, steps).await,
            Request::BucketChange { name, edit, how } => {
                let there = match self.trials.read(TrialKind::Bucket, namespace, name).await {
                    Ok(there) => there,
                    Err(why) => return steps.add("the bucket that is there", true, Answer::Silent { why }),
                };
                let mut changed = there;
                edit.apply(&mut changed);
                let patch = edit.patch();
                let change = if *how == How::Patch { Change::Merge(&patch) } else { Change::Whole(&changed) };
                self.repeat(trial, steps, "by dry-run", || {
                    self.trials.asks_to_change(TrialKind::Bucket, namespace, name, change)
                })
                .await;
            }
        }
    }

    /// Asks several times.
    async fn repeat<F>(&self, trial: &Trial, steps: &mut Steps, step: &str, ask: impl Fn() -> F)
    where
        F: Future<Output = TrialAnswer>,
    {
        self.repeat_as(trial, steps, step, true, ask).await;
    }

    /// As [`Self::repeat`], for a step that may decide or not where it is taken; a refusal always decides. Gives the
    /// object as it was taken the last time, if it ever was.
    async fn repeat_as<F>(
        &self,
        trial: &Trial,
        steps: &mut Steps,
        step: &str,
        decides: bool,
        ask: impl Fn() -> F,
    ) -> Option<Value>
    where
        F: Future<Output = TrialAnswer>,
    {
        let mut last = None;
        for _ in 0..REPEATS {
            let answer = match self.is_away(trial) {
                Some(why) => TrialAnswer::Silent(why),
                None => ask().await,
            };
            match answer {
                TrialAnswer::Accepted(object) => {
                    steps.add(step, decides, Answer::Accepted { breaks: trial.breaks(&object) });
                    last = Some(object);
                }
                TrialAnswer::Refused { code, message } => {
                    steps.add(step, true, Answer::Refused { code, message });
                }
                TrialAnswer::Silent(why) => {
                    self.note(trial, &why);
                    steps.add(step, true, Answer::Silent { why });
                    return None;
                }
            }
        }
        last
    }

    fn is_away(&self, trial: &Trial) -> Option<String> {
        self.away.borrow().get(&trial.namespace).cloned()
    }

    fn note(&self, trial: &Trial, why: &str) {
        if away(why).is_some() {
            self.away.borrow_mut().entry(trial.namespace.clone()).or_insert_with(|| why.to_owned());
        }
    }

    async fn dry_run(&self, kind: TrialKind, namespace: &Namespace, body: &Value) -> TrialAnswer {
        let mut body = body.clone();
        self.name(&mut body, namespace);
        if kind == TrialKind::Bucket {
            // Buckets are unique in the whole world, and so is this name.
            body["spec"]["name"] = body["metadata"]["name"].clone();
        }
        self.trials.asks(kind, namespace, &body).await
    }

    /// A workload by its template, then the pod that comes of it: made where nothing is lost, else by dry-run.
    async fn workload(&self, trial: &Trial, controller: Controller, pod: &Value, steps: &mut Steps) {
        let namespace = &trial.namespace;
        let name = self.next_name();
        let mut workload = controller.of(&self.marked(pod), (TRIAL_LABEL, &name), 1);
        set_name(&mut workload, namespace, &name);
        let kind = kind_of(controller);
        let ask = || self.trials.asks(kind, namespace, &workload);
        if self.repeat_as(trial, steps, "its template, by dry-run", false, ask).await.is_none() {
            return;
        }
        if self.plan.mode == Mode::Production {
            let pod = controller.pod(&workload);
            self.repeat(trial, steps, "its pod, by dry-run", || self.dry_run(TrialKind::Pod, namespace, &pod)).await;
            return;
        }
        let (runs, mut object) = controller.runs(&workload);
        set_name(&mut object, namespace, &name);
        let kind = kind_of(runs);
        match self.trials.make(kind, namespace, &object).await {
            TrialAnswer::Accepted(_) => {}
            refused => return self.decide(trial, "its template", refused, steps),
        }
        let became = self.trials.pod_of(namespace, &name).await;
        self.discard(kind, namespace, name).await;
        self.decide(trial, "the pod that its controller makes", became, steps);
    }

    fn decide(&self, trial: &Trial, step: &str, answer: TrialAnswer, steps: &mut Steps) {
        let answer = match answer {
            TrialAnswer::Accepted(object) => Answer::Accepted { breaks: trial.breaks(&object) },
            TrialAnswer::Refused { code, message } => Answer::Refused { code, message },
            TrialAnswer::Silent(why) => {
                self.note(trial, &why);
                Answer::Silent { why }
            }
        };
        steps.add(step, true, answer);
    }

    /// Makes a pod, asks for a change of it by dry-run, and removes it. The change is a patch, of the ephemeral
    /// containers or of the pod, or the whole pod.
    async fn on_a_pod(
        &self,
        trial: &Trial,
        pod: &Value,
        steps: &mut Steps,
        change: impl Fn(&Value) -> Option<(Value, bool)>,
    ) {
        let namespace = &trial.namespace;
        let name = self.next_name();
        let mut pod = pod.clone();
        set_name(&mut pod, namespace, &name);
        let there = match self.trials.make(TrialKind::Pod, namespace, &pod).await {
            TrialAnswer::Accepted(there) => there,
            // What can't come about can't be changed either.
            refused => return self.decide(trial, "the pod to be changed", refused, steps),
        };
        if let Some((body, added)) = change(&there) {
            let change = match (added, body["metadata"]["uid"].is_string()) {
                (true, _) => Change::Subresource("ephemeralcontainers", &body),
                (false, true) => Change::Whole(&body),
                (false, false) => Change::Strategic(&body),
            };
            self.repeat(trial, steps, "by dry-run", || {
                self.trials.asks_to_change(TrialKind::Pod, namespace, &name, change)
            })
            .await;
        }
        steps.left.extend(self.trials.remove(TrialKind::Pod, namespace, &[name]).await);
    }

    /// Makes a Deployment that runs nothing, asks for a change of its template, and then for the pod that it would make.
    async fn template_change(&self, trial: &Trial, pod: &Value, edit: &Edit, how: How, steps: &mut Steps) {
        let namespace = &trial.namespace;
        let name = self.next_name();
        let mut workload = Controller::Deployment.of(&self.marked(pod), (TRIAL_LABEL, &name), 0);
        set_name(&mut workload, namespace, &name);
        let kind = TrialKind::Deployment;
        match self.trials.make(kind, namespace, &workload).await {
            TrialAnswer::Accepted(_) => {}
            refused => return self.decide(trial, "the Deployment to be changed", refused, steps),
        }
        let patch = edit.patch();
        let ask = || async {
            if how == How::Patch {
                return self.trials.asks_to_change(kind, namespace, &name, Change::Strategic(&patch)).await;
            }
            // Its controller writes to it, too: read it just before.
            match self.trials.read(kind, namespace, &name).await {
                Ok(mut there) => {
                    edit.apply(&mut there);
                    unversioned(&mut there);
                    self.trials.asks_to_change(kind, namespace, &name, Change::Whole(&there)).await
                }
                Err(why) => TrialAnswer::Silent(why),
            }
        };
        if let Some(changed) = self.repeat_as(trial, steps, "its template, by dry-run", false, ask).await {
            let pod = Controller::Deployment.pod(&changed);
            self.repeat(trial, steps, "its pod, by dry-run", || self.dry_run(TrialKind::Pod, namespace, &pod)).await;
        }
        self.discard(kind, namespace, name).await;
    }

    async fn discard(&self, kind: TrialKind, namespace: &Namespace, name: String) {
        self.trials.discard(kind, namespace, &name).await;
        self.going.borrow_mut().entry(namespace.clone()).or_default().push((kind, name));
    }

    async fn review(&self, review: &Review) -> ReviewSeen {
        let namespace = review.namespace.as_str();
        let who = review.subject.known_in(&review.namespace);
        let ways: Vec<(String, What)> = match review.what {
            Reviewed::Labels => ["patch", "update"]
                .map(|verb| {
                    let name = Some(namespace.to_owned());
                    let own = ResourceAttributes { name, ..access::on(verb, "", "namespaces", "", namespace) };
                    (format!("{verb} its namespace"), What::Resource(own))
                })
                .into(),
            Reviewed::Exceptions => ["kyverno.io", "policies.kyverno.io"]
                .into_iter()
                .flat_map(|group| ["create", "update", "patch"].map(|verb| (group, verb)))
                .map(|(group, verb)| {
                    let what = What::on(verb, group, "policyexceptions", "", namespace);
                    (format!("{verb} policyexceptions.{group}"), what)
                })
                .collect(),
        };
        let access::Reviewed { ways, control } = access::review(self.client, &who, ways).await;
        ReviewSeen::of(&who, ways, control)
    }

    /// The pod as a template, by which its pods can be found again.
    fn marked(&self, pod: &Value) -> Value {
        let mut pod = pod.clone();
        pod["metadata"]["labels"][RUN_LABEL] = json!(self.run.to_string());
        pod
    }

    fn name(&self, body: &mut Value, namespace: &Namespace) {
        set_name(body, namespace, &self.next_name());
    }

    /// A name of its own; what stands before the last dash is unique, as with probes.
    fn next_name(&self) -> String {
        self.made.set(self.made.get() + 1);
        format!("tenantproof-{}-a{:04}-p", self.run, self.made.get())
    }
}

fn set_name(body: &mut Value, namespace: &Namespace, name: &str) {
    body["metadata"]["name"] = json!(name);
    body["metadata"]["namespace"] = json!(namespace);
}

/// An object with the change in it.
fn whole(there: &Value, edit: &Edit) -> Option<Value> {
    let mut there = there.clone();
    edit.apply(&mut there);
    unversioned(&mut there);
    there["metadata"]["uid"].is_string().then_some(there)
}

/// An update of whatever is there: the scheduler and controllers write their status meanwhile.
fn unversioned(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
    }
}

const fn kind_of(controller: Controller) -> TrialKind {
    match controller {
        Controller::Deployment => TrialKind::Deployment,
        Controller::StatefulSet => TrialKind::StatefulSet,
        Controller::Job => TrialKind::Job,
        Controller::CronJob => TrialKind::CronJob,
    }
}
