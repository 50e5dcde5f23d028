//! Asking the API server: the only part of this family with I/O.

mod tokens;

use std::collections::BTreeMap;

use futures::StreamExt as _;
use futures::future::LocalBoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::NonResourceAttributes;
use kube::Client;

use super::eks::{EksPlan, EksSeen, RunnerSeen};
use super::plan::RbacPlan;
use super::question::Question;
use super::request::mark_of;
use super::seen::{AskedSeen, ControlSeen, Seen};
use crate::cluster::ClusterError;
use crate::cluster::access::{self, Ruling, What};
use crate::families::{Coverage, FamilyPlan, Field, Observed, Stage, Stance};
use crate::model::Namespace;
use crate::plan::Case;
use crate::semantics::rbac::Subject;

/// Questions that are asked at the same time.
const AT_ONCE: usize = 16;

impl FamilyPlan for RbacPlan {
    fn cases(&self) -> &[Case] {
        &self.cases
    }

    fn coverage(&self) -> Coverage {
        Coverage {
            judged: self.judged,
            not_understood: self.not_understood.clone(),
            not_tried: self.not_tried.clone(),
            ..Coverage::default()
        }
    }

    fn namespaces(&self) -> Vec<Namespace> {
        Vec::new()
    }

    fn observe<'a>(&'a self, field: Field<'a>) -> LocalBoxFuture<'a, Result<Observed, ClusterError>> {
        Box::pin(async move {
            let client = field.client;
            let mut seen = Seen { told_to_request_tokens: field.request_tokens, ..Seen::default() };
            field.witness.began(Stage::Observe, self.questions.len());
            if let Some(eks) = &self.eks {
                seen.eks = Some(beside_the_runner(client, eks).await);
            }
            seen.controls = controls(client, &self.subjects).await;
            let mut answers = futures::stream::iter(&self.questions)
                .map(|(key, computed)| async move {
                    let at_ms = Timestamp::now().as_millisecond();
                    let subject = self.subjects.get(&computed.question.subject);
                    let (answer, said) = match subject {
                        Some(subject) => ask(client, subject, in_review(&computed.question)).await,
                        None => (Stance::Unknown, "the plan has no such subject".to_owned()),
                    };
                    let seen = AskedSeen {
                        question: computed.question.clone(),
                        computed: computed.stance,
                        because: computed.because.clone(),
                        answer,
                        said,
                        at_ms,
                    };
                    (key.clone(), seen)
                })
                .buffer_unordered(AT_ONCE);
            while let Some((key, answer)) = answers.next().await {
                seen.asked.insert(key, answer);
                if seen.asked.len().is_multiple_of(100) {
                    field.witness.progress(Stage::Observe, seen.asked.len(), None);
                }
            }
            drop(answers);
            let mut told = format!("{} questions about {} subjects", seen.asked.len(), self.subjects.len());
            if field.request_tokens {
                let (mark, image) = (mark_of(field.run), field.probes.image().to_owned());
                let means = tokens::Means { client, nobody: field.nobody, mark: &mark, image: &image };
                tokens::try_all(means, self, &mut seen).await;
                told = format!("{told}, {} requests with {} tokens", seen.tried.len(), seen.tokens.len());
            }
            field.witness.ended(Stage::Observe, told);
            let observations = serde_json::to_value(&seen).unwrap_or_default();
            Ok(Observed { observations, remarks: Vec::new() })
        })
    }
}

/// What the EKS API told, with as whom the API server knows the runner: the one person whose entry can be seen in force.
async fn beside_the_runner(client: &Client, eks: &EksPlan) -> EksSeen {
    let EksPlan { access, parties, operators, by_roles } = eks.clone();
    let runner = access::who_am_i(client).await.map(|(user, groups)| RunnerSeen { user, groups });
    EksSeen { access, runner, parties, operators, by_roles }
}

/// What every subject that may speak to the API server at all must be allowed: to ask what it may do itself. Who is
/// not authenticated may see the version, and nothing else that every cluster allows.
async fn controls(client: &Client, subjects: &BTreeMap<String, Subject>) -> BTreeMap<String, ControlSeen> {
    let mut controls = BTreeMap::new();
    for (name, subject) in subjects {
        let anonymous = subject.groups().iter().any(|group| group == "system:unauthenticated");
        let (in_words, what) = if anonymous {
            let version = NonResourceAttributes { path: Some("/version".to_owned()), verb: Some("get".to_owned()) };
            ("get /version", What::Path(version))
        } else {
            ("create selfsubjectaccessreviews.authorization.k8s.io for the whole cluster", What::everybody())
        };
        let (answer, said) = ask(client, subject, what).await;
        controls.insert(name.clone(), ControlSeen { what: in_words.to_owned(), answer, said });
    }
    controls
}

async fn ask(client: &Client, subject: &Subject, what: What) -> (Stance, String) {
    stance_of(access::may(client, subject, what).await)
}

fn stance_of(ruling: Result<Ruling, String>) -> (Stance, String) {
    match ruling {
        Ok(Ruling { allowed: true, reason }) => (Stance::Allowed, reason),
        Ok(Ruling { allowed: false, reason }) => (Stance::Denied, reason),
        Err(why) => (Stance::Unknown, why),
    }
}

fn in_review(question: &Question) -> What {
    let Question { verb, api_group, resource, subresource, namespace, .. } = question;
    What::on(verb, api_group, resource, subresource, namespace)
}
