//! Doing what must be on record, and looking for it there: the only part of this family with I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::future::LocalBoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use kube::Client;

use super::computed;
use super::deed::{About, Deed, mark, mark_of};
use super::plan::{AuditPlan, Site, SiteName};
use super::seen::{AnswerSeen, DeedSeen, LogSeen, NameSeen, Seen, SinkSeen};
use crate::cluster::access::{self, Ruling, What};
use crate::cluster::attempt::{Attempt, Method, Name, attempt};
use crate::cluster::audit::{AuditLog, AuditSource};
use crate::cluster::{ClusterError, api_servers};
use crate::families::{Coverage, FamilyPlan, Field, Observed, Record, Stage as Doing, Stance, Witness};
use crate::model::{Namespace, RunId};
use crate::plan::Case;
use crate::semantics::audit::{Event, Person, Stage};

/// Namespaces in which things are done at the same time, and questions that are asked.
const AT_ONCE: usize = 6;
/// Between two looks at the log.
const PAUSE: Duration = Duration::from_millis(200);
/// What comes so long after its time is late; what comes later still is not on record.
const LATE: Duration = Duration::from_secs(2);
/// The most events that are kept of one request: its stages.
const MOST_EVENTS: usize = 4;
/// The user in whose name a member of a group acts: the group is what matters.
const MEMBER: &str = "tenantproof-member";

impl FamilyPlan for AuditPlan {
    fn cases(&self) -> &[Case] {
        &self.cases
    }

    fn coverage(&self) -> Coverage {
        let nothing = "what is on record: the tenancy promises nothing of it under `audit`".to_owned();
        let not_tried = if self.promised { Vec::new() } else { vec![nothing] };
        Coverage { not_tried, ..Coverage::default() }
    }

    fn namespaces(&self) -> Vec<Namespace> {
        Vec::new()
    }

    fn observe<'a>(&'a self, field: Field<'a>) -> LocalBoxFuture<'a, Result<Observed, ClusterError>> {
        Box::pin(async move {
            let Field { client, run, record, witness, probes, .. } = field;
            let mut seen = Seen::default();
            if !self.cases.is_empty() {
                witness.began(Doing::Observe, self.sites.len());
                let who = access::who_am_i(client).await;
                seen.runner = who.map(|(username, groups)| Person { username, groups }).unwrap_or_default();
                self.reach(client, &mut seen).await;
                if !record.logs.is_empty() {
                    let image = probes.image().to_owned();
                    self.record(Doer { client, run, image, next: AtomicUsize::new(0) }, record, &mut seen, witness)
                        .await;
                }
                self.compute(record, &mut seen);
                let found = seen.deeds.values().filter(|deed| !deed.events.is_empty()).count();
                witness.ended(Doing::Observe, format!("{found} of {} requests found on record", seen.deeds.len()));
            }
            let observations = serde_json::to_value(&seen).unwrap_or_default();
            Ok(Observed { observations, remarks: Vec::new() })
        })
    }
}

impl AuditPlan {
    /// Does everything, then looks for it until all is found or its time is over.
    async fn record(&self, doer: Doer<'_>, record: &Record, seen: &mut Seen, witness: &mut dyn Witness) {
        let mut log = LogSeen {
            sources: record.logs.iter().map(AuditSource::describe).collect(),
            servers: api_servers(doer.client).await,
            ..LogSeen::default()
        };
        // From here on: what was written before is nobody's of this run.
        let mut opened = match AuditLog::open(&record.logs) {
            Ok(opened) => opened,
            Err(error) => {
                log.trouble = Some(error.to_string());
                seen.log = Some(log);
                return;
            }
        };
        let mut done: Vec<Done> = Vec::new();
        let mut sites = futures::stream::iter(&self.sites).map(|site| doer.visit(site)).buffer_unordered(AT_ONCE);
        let mut visited = 0;
        while let Some(of_site) = sites.next().await {
            done.extend(of_site);
            visited += 1;
            witness.progress(Doing::Observe, visited, None);
        }
        drop(sites);
        let first = self.sites.first().map(|site| &site.namespace);
        let mut controls: Vec<Done> = Vec::new();
        for deed in Deed::CONTROLS {
            let Some(namespace) = first else { break };
            controls.push(doer.perform(deed, namespace, namespace, None).await);
        }
        let prefix = mark_of(doer.run);
        let end = Instant::now() + Duration::from_millis(self.within_ms) + LATE;
        loop {
            for line in opened.marked(&prefix) {
                match Event::read(&line) {
                    Ok(event) => take(event, done.iter_mut().chain(&mut controls)),
                    Err(why) => {
                        tracing::debug!(%why, "a marked line is no event");
                        log.torn += 1;
                    }
                }
            }
            let all = done.iter().all(Done::is_told) && controls.iter().any(Done::is_told);
            if all || Instant::now() >= end || opened.reading().trouble.is_some() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        let reading = opened.reading().clone();
        (log.lines, log.too_long, log.rotations) = (reading.lines, reading.too_long, reading.rotations);
        log.trouble = reading.trouble;
        seen.log = Some(log);
        seen.deeds = keyed(done);
        seen.controls = keyed(controls);
    }

    fn compute(&self, record: &Record, seen: &mut Seen) {
        let Some(policy) = &record.policy else { return };
        seen.policy = Some(computed::rows(policy, &self.tenants));
        // A policy sees who asks before another's name is taken: as the record has it, else as the runner is known.
        for deed in seen.deeds.values_mut() {
            let who = deed.events.first().map_or(&seen.runner, |event| &event.user);
            if !who.username.is_empty() {
                deed.computed = Some(computed::of_deed(policy, who, &deed.about));
            }
        }
    }

    /// Asks who may do what where the log is kept.
    async fn reach(&self, client: &Client, seen: &mut Seen) {
        for (name, subject) in &self.subjects {
            let answer = stance(&access::may(client, subject, What::everybody()).await);
            seen.subjects.insert(name.clone(), answer);
        }
        let mut answers = futures::stream::iter(&self.questions)
            .map(|(key, question)| async move {
                let answer = match self.subjects.get(&question.subject) {
                    Some(subject) => access::may(client, subject, in_review(&question.about)).await,
                    None => Err("the plan has no such subject".to_owned()),
                };
                (key.clone(), question.about.in_words(), answer)
            })
            .buffer_unordered(AT_ONCE);
        while let Some((key, what, ruling)) = answers.next().await {
            let answer = stance(&ruling);
            let said = ruling.map_or_else(|why| why, |ruling| ruling.reason);
            seen.sink.insert(key, SinkSeen { what, answer, said });
        }
    }
}

/// Does things in the run's name or another's.
struct Doer<'a> {
    client: &'a Client,
    run: &'a RunId,
    image: String,
    next: AtomicUsize,
}

/// Something that was done, and when its answer came.
struct Done {
    key: String,
    path: String,
    answered: Instant,
    seen: DeedSeen,
}

impl Done {
    /// Whether the log has what came of it: an event of an earlier stage may come first.
    fn is_told(&self) -> bool {
        self.seen.events.iter().any(|event| matches!(event.stage, Stage::ResponseComplete | Stage::Panic))
    }
}

impl Doer<'_> {
    /// Does everything in one namespace: in the tenant's name where the runner may take it, and where that is
    /// refused what matters for its own sake in the runner's.
    async fn visit(&self, site: &Site) -> Vec<Done> {
        let name = self.name_of(site).await;
        let mut all = Vec::new();
        for deed in &site.deeds {
            let target = if *deed == Deed::Foreign {
                let Some(elsewhere) = &site.elsewhere else { continue };
                elsewhere
            } else {
                &site.namespace
            };
            let mut served = false;
            if let Some(name) = &name {
                let done = self.perform(*deed, &site.namespace, target, Some(name)).await;
                served = !done.seen.answer.unauthorized() || !deed.sends() || !deed.may_be_the_runners();
                all.push(done);
            }
            if !served && deed.may_be_the_runners() {
                all.push(self.perform(*deed, &site.namespace, target, None).await);
            }
        }
        all
    }

    /// The tenant's name, where the runner may take it.
    async fn name_of(&self, site: &Site) -> Option<NameSeen> {
        let namespace = &site.namespace;
        let (who, user, group) = match &site.name {
            SiteName::User(user) => (format!("user {user}"), user.clone(), None),
            SiteName::Group(group) => (format!("a member of group {group}"), MEMBER.to_owned(), Some(group.clone())),
            SiteName::Default => {
                let user = format!("system:serviceaccount:{namespace}:default");
                (format!("service account {namespace}/default"), user, None)
            }
        };
        let ask = |resource: &str, namespace: Option<String>, name: &str| ResourceAttributes {
            verb: Some("impersonate".to_owned()),
            resource: Some(resource.to_owned()),
            namespace,
            name: Some(name.to_owned()),
            ..ResourceAttributes::default()
        };
        let mut rights = match &site.name {
            SiteName::Default => vec![ask("serviceaccounts", Some(namespace.to_string()), "default")],
            _ => vec![ask("users", None, &user)],
        };
        rights.extend(group.as_deref().map(|group| ask("groups", None, group)));
        for right in rights {
            if !matches!(access::may_i(self.client, right).await, Ok(Ruling { allowed: true, .. })) {
                return None;
            }
        }
        Some(NameSeen { who, user, group })
    }

    async fn perform(&self, deed: Deed, of: &Namespace, target: &Namespace, name: Option<&NameSeen>) -> Done {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mark = mark(self.run, number);
        let request = deed.request(target, &mark, &self.image);
        let at_ms = Timestamp::now().as_millisecond();
        let made = Attempt {
            method: if request.posts { Method::Post } else { Method::Get },
            path: request.path.clone(),
            body: request.body,
            name: name.map(|name| Name { user: name.user.clone(), groups: name.group.iter().cloned().collect() }),
        };
        let answer = match attempt(self.client, &made).await {
            Ok(answer) => AnswerSeen { code: answer.code, message: answer.message, date: answer.date },
            Err(why) => AnswerSeen { code: 0, message: why, date: String::new() },
        };
        let who = name.map_or("the runner", |name| name.who.as_str());
        Done {
            key: format!("{of}/{} by {who}", kebab(deed)),
            path: request.path,
            answered: Instant::now(),
            seen: DeedSeen {
                deed,
                namespace: of.clone(),
                about: request.about,
                name: name.cloned(),
                mark,
                at_ms,
                answer,
                events: Vec::new(),
                found_after_ms: None,
                computed: None,
            },
        }
    }
}

/// Gives an event to what it is a record of.
fn take<'a>(event: Event, mut all: impl Iterator<Item = &'a mut Done>) {
    // Admission looks for what a request names by requests of its own, which have the mark too.
    let plain = |path: &str| path.split('?').next().unwrap_or_default().to_owned();
    let same = |done: &&mut Done| {
        event.request_uri.contains(&done.seen.mark) && plain(&event.request_uri) == plain(&done.path)
    };
    let Some(done) = all.find(same) else { return };
    let after = u64::try_from(done.answered.elapsed().as_millis()).unwrap_or(u64::MAX);
    if event.stage == Stage::ResponseComplete {
        done.seen.found_after_ms.get_or_insert(after);
    }
    if done.seen.events.len() < MOST_EVENTS {
        done.seen.events.push(event);
    }
}

fn keyed(done: Vec<Done>) -> BTreeMap<String, DeedSeen> {
    let mut taken = BTreeSet::new();
    let mut key = |key: String| {
        let mut unique = key.clone();
        while !taken.insert(unique.clone()) {
            unique.push('\'');
        }
        unique
    };
    done.into_iter().map(|one| (key(one.key), one.seen)).collect()
}

fn kebab(deed: Deed) -> String {
    serde_json::to_value(deed).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

fn stance(ruling: &Result<Ruling, String>) -> Stance {
    match ruling {
        Ok(Ruling { allowed: true, .. }) => Stance::Allowed,
        Ok(Ruling { allowed: false, .. }) => Stance::Denied,
        Err(_) => Stance::Unknown,
    }
}

fn in_review(about: &About) -> What {
    What::on(&about.verb, &about.group, &about.resource, &about.subresource, &about.namespace)
}
