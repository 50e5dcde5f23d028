//! Requests as the plan wants them made, and which policies are asked about each. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::controllers::Controller;
use super::objects::Edit;
use crate::model::{Namespace, TenantId};
use crate::semantics::admission::standards::{self, breaks};
use crate::semantics::admission::{Asked, Concern, Effect, Engine, Operation, Policies};
use crate::tenancy::AdmissionRule;

/// A request that is made several times.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    /// Where.
    pub(super) namespace: Namespace,
    /// The rule that it breaks, or meets.
    pub(super) rule: AdmissionRule,
    /// Whose namespace it is.
    pub(super) tenant: TenantId,
    /// What is asked for, in a few words.
    pub(super) asked: String,
    /// The request.
    pub(super) request: Request,
    /// How each policy stands to it.
    pub(super) concerns: Vec<Concern>,
    /// The level of Pod Security that refuses it by computation.
    pub(super) beyond: Option<String>,
    /// Why it is not made.
    pub(super) not_tried: Option<String>,
}

/// A request, and all that it takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Request {
    /// A pod.
    Pod(Value),
    /// A bucket of ACK.
    Bucket(Value),
    /// A workload with this pod as its template.
    Workload(Controller, Value),
    /// An ephemeral container in a pod that is made for it.
    Added { pod: Value, container: Value },
    /// A change of a pod that is made for it.
    PodChange { pod: Value, edit: Edit, how: How },
    /// A change of a Deployment with this pod as its template, which is made for it.
    TemplateChange { pod: Value, edit: Edit, how: How },
    /// A change of a bucket that is there.
    BucketChange { name: String, edit: Edit, how: How },
    /// Only the policies' texts are read.
    Text(Text),
}

/// How something is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Patch,
    Whole,
}

impl How {
    pub(super) const ALL: [Self; 2] = [Self::Patch, Self::Whole];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Whole => "update",
        }
    }
}

/// A request of which only the policies' texts are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text {
    PodUpdate,
    Added,
    BucketUpdate,
}

impl Text {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::PodUpdate => "changes of pods",
            Self::Added => "ephemeral containers",
            Self::BucketUpdate => "changes of buckets",
        }
    }
}

impl Trial {
    /// The same with what the policies say of it.
    pub(super) fn computed(mut self, policies: &Policies, labels: &BTreeMap<String, String>) -> Self {
        let pod = self.request.pod();
        let own = |object: &Value| -> BTreeMap<String, String> {
            serde_json::from_value(object["metadata"]["labels"].clone()).unwrap_or_default()
        };
        let object = match (&pod, &self.request) {
            (Some(pod), _) => own(pod),
            (None, Request::Bucket(bucket)) => own(bucket),
            (None, _) => labels.clone(),
        };
        for asked in self.request.asked(self.namespace.as_str(), &object) {
            for concern in policies.concern(&asked) {
                take(&mut self.concerns, concern);
            }
        }
        let enforced = standards::enforced(&policies.labels_of(self.namespace.as_str()));
        self.beyond = enforced
            .filter(|level| pod.as_ref().is_some_and(|pod| standards::beyond(*level, pod).is_some()))
            .map(|level| level.as_str().to_owned());
        if let (Some(_), None, Some(level)) = (&pod, &self.beyond, enforced) {
            // What Pod Security means is computed: it lets such a pod pass.
            for one in self.concerns.iter_mut().filter(|one| one.policy.engine == Engine::PodSecurity) {
                one.effect =
                    Effect::Spares(format!("namespace {} enforces {}, which it meets", self.namespace, level.as_str()));
            }
        }
        self
    }

    /// What of an object that was taken breaks the rule.
    pub(super) fn breaks(&self, object: &Value) -> Option<String> {
        breaks(&self.rule, &self.tenant, object)
    }
}

/// One policy counts once, with the most that it can do.
fn take(concerns: &mut Vec<Concern>, concern: Concern) {
    match concerns.iter_mut().find(|other| other.policy == concern.policy) {
        Some(other) if !other.refuses() && concern.refuses() => *other = concern,
        Some(_) => {}
        None => concerns.push(concern),
    }
}

impl Request {
    /// The pod that comes of it in the end; `None` where it is about no pod.
    fn pod(&self) -> Option<Value> {
        match self {
            Self::Pod(pod) | Self::Workload(_, pod) => Some(pod.clone()),
            Self::Added { pod, container } => {
                let mut pod = pod.clone();
                pod["spec"]["ephemeralContainers"] = Value::Array(vec![container.clone()]);
                Some(pod)
            }
            Self::PodChange { pod, edit, .. } => {
                let mut pod = pod.clone();
                edit.apply(&mut pod);
                Some(pod)
            }
            Self::TemplateChange { pod, edit, .. } => {
                let mut workload = Controller::Deployment.of(pod, ("own", "own"), 0);
                edit.apply(&mut workload);
                Some(Controller::Deployment.pod(&workload))
            }
            Self::Bucket(_) | Self::BucketChange { .. } | Self::Text(_) => None,
        }
    }

    /// What admission is asked, one after the other.
    fn asked<'a>(&self, namespace: &'a str, labels: &'a BTreeMap<String, String>) -> Vec<Asked<'a>> {
        let pod = |operation| Asked { name: "tenantproof-trial", ..Asked::pod(operation, namespace, labels) };
        let workload = |controller: Controller, operation| Asked {
            group: controller.group(),
            resource: controller.plural(),
            kind: controller.kind(),
            ..pod(operation)
        };
        let bucket = |operation| Asked {
            group: "s3.services.k8s.aws",
            version: "v1alpha1",
            resource: "buckets",
            kind: "Bucket",
            ..pod(operation)
        };
        let added = Asked { subresource: "ephemeralcontainers", ..pod(Operation::Update) };
        match self {
            Self::Pod(_) => vec![pod(Operation::Create)],
            Self::Bucket(_) => vec![bucket(Operation::Create)],
            Self::Workload(controller, _) => {
                let (runs, _) = controller.runs(&Value::Null);
                let mut asked = vec![workload(*controller, Operation::Create), pod(Operation::Create)];
                if runs != *controller {
                    asked.insert(1, workload(runs, Operation::Create));
                }
                asked
            }
            Self::Added { .. } | Self::Text(Text::Added) => vec![added],
            Self::PodChange { .. } | Self::Text(Text::PodUpdate) => vec![pod(Operation::Update)],
            Self::TemplateChange { .. } => {
                vec![workload(Controller::Deployment, Operation::Update), pod(Operation::Create)]
            }
            Self::BucketChange { .. } | Self::Text(Text::BucketUpdate) => vec![bucket(Operation::Update)],
        }
    }

    /// Why it is made only where nothing is lost; `None` where it is a dry-run all along.
    pub(super) const fn makes(&self) -> Option<&'static str> {
        match self {
            Self::Added { .. } => {
                Some("it takes a pod that is there, and none of a tenant's own is tried in production")
            }
            Self::PodChange { .. } | Self::TemplateChange { .. } => {
                Some("it takes an object that is there, and none of a tenant's own is tried in production")
            }
            _ => None,
        }
    }
}
