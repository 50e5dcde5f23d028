//! Doing what must be on record, and looking for it there: the only part of this family with I/O.

mod doer;
mod follow;

use futures::StreamExt as _;
use futures::future::LocalBoxFuture;
use kube::Client;

use self::doer::Doer;
use super::computed;
use super::deed::About;
use super::plan::AuditPlan;
use super::seen::{Seen, SinkSeen};
use crate::cluster::ClusterError;
use crate::cluster::access::{self, Ruling, What};
use crate::cluster::audit::AuditSource;
use crate::families::{Coverage, FamilyPlan, Field, GivenPolicy, Observed, Record, Stage as Doing, Stance};
use crate::model::Namespace;
use crate::plan::Case;
use crate::semantics::audit::Person;

/// Namespaces in which things are done at the same time, and questions that are asked.
const AT_ONCE: usize = 6;

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
                    let doer = Doer::new(client, run, probes.image());
                    self.record(&doer, record, &mut seen, witness).await;
                }
                self.compute(record, &mut seen);
                let found = seen.deeds.values().filter(|deed| !deed.events.is_empty()).count();
                witness.ended(Doing::Observe, format!("{found} of {} requests found on record", seen.deeds.len()));
            }
            let observations = serde_json::to_value(&seen).unwrap_or_default();
            let caveats = record.logs.iter().filter(|_| seen.log.is_some()).flat_map(AuditSource::caveats);
            let remarks = caveats.map(|(caveat, remedy)| (caveat, Some(remedy.to_owned()))).collect();
            Ok(Observed { observations, remarks })
        })
    }
}

impl AuditPlan {
    fn compute(&self, record: &Record, seen: &mut Seen) {
        let Some(GivenPolicy { policy, origin }) = &record.policy else { return };
        seen.policy = Some(computed::rows(policy, &self.tenants));
        seen.policy_origin = *origin;
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
