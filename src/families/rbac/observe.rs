//! Asking the API server: the only part of this family with I/O.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use futures::future::LocalBoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};

use super::plan::RbacPlan;
use super::question::Question;
use super::seen::{AskedSeen, ControlSeen, Seen};
use crate::cluster::{ClusterError, in_words, patiently};
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
        Coverage { judged: self.judged, not_understood: self.not_understood.clone(), ..Coverage::default() }
    }

    fn namespaces(&self) -> Vec<Namespace> {
        Vec::new()
    }

    fn observe<'a>(&'a self, field: Field<'a>) -> LocalBoxFuture<'a, Result<Observed, ClusterError>> {
        Box::pin(async move {
            let Field { client, witness, .. } = field;
            witness.began(Stage::Observe, self.questions.len());
            let mut seen = Seen { controls: controls(client, &self.subjects).await, ..Seen::default() };
            let mut answers = futures::stream::iter(&self.questions)
                .map(|(key, computed)| async move {
                    let at_ms = Timestamp::now().as_millisecond();
                    let subject = self.subjects.get(&computed.question.subject);
                    let (answer, said) = match subject {
                        Some(subject) => ask(client, subject, &computed.question).await,
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
                    witness.progress(Stage::Observe, seen.asked.len(), None);
                }
            }
            drop(answers);
            witness.ended(
                Stage::Observe,
                format!("{} questions about {} subjects", seen.asked.len(), self.subjects.len()),
            );
            let observations = serde_json::to_value(&seen).unwrap_or_default();
            Ok(Observed { observations, remarks: Vec::new() })
        })
    }
}

/// What every subject that may speak to the API server at all must be allowed: to ask what it may do itself.
async fn controls(client: &Client, subjects: &BTreeMap<String, Subject>) -> BTreeMap<String, ControlSeen> {
    let mut controls = BTreeMap::new();
    for (name, subject) in subjects {
        // Who is not authenticated may see the version, and nothing else that every cluster allows.
        let question = Question {
            subject: name.clone(),
            verb: "create".to_owned(),
            api_group: "authorization.k8s.io".to_owned(),
            resource: "selfsubjectaccessreviews".to_owned(),
            subresource: String::new(),
            namespace: String::new(),
        };
        let anonymous = subject.groups().iter().any(|group| group == "system:unauthenticated");
        let (what, (answer, said)) = if anonymous {
            ("get /version".to_owned(), ask_path(client, subject, "/version").await)
        } else {
            (question.what(), ask(client, subject, &question).await)
        };
        controls.insert(name.clone(), ControlSeen { what, answer, said });
    }
    controls
}

async fn ask(client: &Client, subject: &Subject, question: &Question) -> (Stance, String) {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let attributes = ResourceAttributes {
        verb: text(&question.verb),
        group: text(&question.api_group),
        resource: text(&question.resource),
        subresource: text(&question.subresource),
        namespace: text(&question.namespace),
        ..ResourceAttributes::default()
    };
    review(client, SubjectAccessReviewSpec { resource_attributes: Some(attributes), ..of(subject) }).await
}

async fn ask_path(client: &Client, subject: &Subject, path: &str) -> (Stance, String) {
    let attributes = k8s_openapi::api::authorization::v1::NonResourceAttributes {
        path: Some(path.to_owned()),
        verb: Some("get".to_owned()),
    };
    review(client, SubjectAccessReviewSpec { non_resource_attributes: Some(attributes), ..of(subject) }).await
}

fn of(subject: &Subject) -> SubjectAccessReviewSpec {
    SubjectAccessReviewSpec {
        user: subject.user_name().map(ToOwned::to_owned),
        groups: Some(subject.groups().to_vec()),
        ..SubjectAccessReviewSpec::default()
    }
}

async fn review(client: &Client, spec: SubjectAccessReviewSpec) -> (Stance, String) {
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
    let plainly = PostParams::default();
    match patiently(|| reviews.create(&plainly, &review)).await {
        Ok(SubjectAccessReview { status: Some(status), .. }) => {
            let said = status.reason.or(status.evaluation_error).unwrap_or_default();
            (if status.allowed { Stance::Allowed } else { Stance::Denied }, said)
        }
        Ok(_) => (Stance::Unknown, "the answer has no status".to_owned()),
        Err(error) => (Stance::Unknown, in_words(&error)),
    }
}
