//! Requests that are made to see what becomes of them: a dry-run, which keeps nothing, or an object that is owned by
//! the run's Lease and goes again at once.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use k8s_openapi::api::core::v1::{LimitRange, ResourceQuota};
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, PostParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::claim::Claims;
use super::error::in_words;
use super::pod::RUN_LABEL;
use super::retry::{after_lag, patiently};
use crate::model::{Namespace, RunId};

/// Deletions that are under way at the same time.
const AT_ONCE: usize = 24;
/// How long objects that were deleted may take to be gone.
const GONE_AFTER: Duration = Duration::from_secs(30);

/// A kind of object that may be asked for: none that holds a secret, or costs money by being there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialKind {
    /// A pod, which a scheduling gate keeps from ever running.
    Pod,
    /// A Service that selects nothing.
    Service,
    /// A claim that no volume can be bound to.
    PersistentVolumeClaim,
    /// An empty ConfigMap.
    ConfigMap,
    /// A Deployment whose pods a scheduling gate keeps from ever running.
    Deployment,
    /// A StatefulSet of the same kind.
    StatefulSet,
    /// A Job of the same kind.
    Job,
    /// A CronJob that is suspended.
    CronJob,
    /// A bucket of ACK; asked for by dry-run alone, since a controller would make it.
    Bucket,
}

impl TrialKind {
    pub(super) fn resource(self) -> ApiResource {
        let (group, version, kind, plural) = match self {
            Self::Pod => ("", "v1", "Pod", "pods"),
            Self::Service => ("", "v1", "Service", "services"),
            Self::PersistentVolumeClaim => ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
            Self::ConfigMap => ("", "v1", "ConfigMap", "configmaps"),
            Self::Deployment => ("apps", "v1", "Deployment", "deployments"),
            Self::StatefulSet => ("apps", "v1", "StatefulSet", "statefulsets"),
            Self::Job => ("batch", "v1", "Job", "jobs"),
            Self::CronJob => ("batch", "v1", "CronJob", "cronjobs"),
            Self::Bucket => ("s3.services.k8s.aws", "v1alpha1", "Bucket", "buckets"),
        };
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
    }
}

/// What the API server said.
#[derive(Clone, Debug, PartialEq)]
pub enum TrialAnswer {
    /// It takes the object, which then looks like this.
    Accepted(Value),
    /// It refuses it.
    Refused {
        /// The HTTP status.
        code: u16,
        /// Why, in its words.
        message: String,
    },
    /// It gave no answer that says anything of the request.
    Silent(String),
}

/// Requests of one run.
pub struct Trials<'a> {
    pub(super) client: &'a Client,
    claims: &'a Claims,
    pub(super) run: &'a RunId,
}

impl<'a> Trials<'a> {
    /// Requests of this run, in the namespaces that it holds.
    #[must_use]
    pub const fn new(client: &'a Client, claims: &'a Claims, run: &'a RunId) -> Self {
        Self { client, claims, run }
    }

    /// Why nothing may be made in a namespace; `None` where it may.
    #[must_use]
    pub fn obstacle(&self, namespace: &Namespace) -> Option<String> {
        self.claims.owner(namespace).err()
    }

    /// Asks for an object without making it.
    pub async fn dry_run(&self, kind: TrialKind, namespace: &Namespace, body: &Value) -> TrialAnswer {
        self.create(kind, namespace, body, &PostParams { dry_run: true, ..PostParams::default() }).await
    }

    /// Makes an object, owned by the run's Lease: whatever becomes of the run, it goes with that.
    pub async fn make(&self, kind: TrialKind, namespace: &Namespace, body: &Value) -> TrialAnswer {
        self.create(kind, namespace, body, &PostParams::default()).await
    }

    async fn create(&self, kind: TrialKind, namespace: &Namespace, body: &Value, how: &PostParams) -> TrialAnswer {
        let body = match self.owned(namespace, body) {
            Ok(body) => body,
            Err(why) => return TrialAnswer::Silent(why),
        };
        let api = self.api(kind, namespace);
        match after_lag(|| api.create(how, &body)).await {
            // Its name is this run's own: it was made by a request whose answer was lost.
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {
                TrialAnswer::Accepted(serde_json::to_value(&body).unwrap_or_default())
            }
            outcome => answer(outcome),
        }
    }

    /// The object with the run's label, owned by the run's Lease.
    pub(super) fn owned(&self, namespace: &Namespace, body: &Value) -> Result<DynamicObject, String> {
        let mut body: DynamicObject = serde_json::from_value(body.clone()).map_err(|error| error.to_string())?;
        body.metadata.owner_references = Some(vec![self.claims.owner(namespace)?]);
        body.metadata.labels.get_or_insert_default().insert(RUN_LABEL.to_owned(), self.run.to_string());
        Ok(body)
    }

    /// Deletes objects of this run and waits until they are gone; what is left is named.
    pub async fn remove(&self, kind: TrialKind, namespace: &Namespace, names: &[String]) -> Vec<String> {
        let api = self.api(kind, namespace);
        let at_once = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        let deletions = stream::iter(names).map(|name| {
            let (api, at_once) = (api.clone(), at_once.clone());
            async move {
                if let Err(error) = patiently(|| api.delete(name, &at_once)).await {
                    tracing::debug!(%error, name, "an object of a trial was not deleted now");
                }
            }
        });
        deletions.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        let ours = ListParams::default().labels(&format!("{RUN_LABEL}={}", self.run));
        let end = Instant::now() + GONE_AFTER;
        loop {
            let left: BTreeSet<String> = match patiently(|| api.list(&ours)).await {
                Ok(list) => list.items.into_iter().filter_map(|object| object.metadata.name).collect(),
                Err(error) => return vec![format!("{namespace}: {}", in_words(&error))],
            };
            let left: Vec<String> =
                names.iter().filter(|name| left.contains(*name)).map(|name| format!("{namespace}/{name}")).collect();
            if left.is_empty() || Instant::now() >= end {
                return left;
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// How many objects of a kind there are that a quota counts.
    ///
    /// # Errors
    /// Why they can't be listed, in the API server's words.
    pub async fn count(&self, kind: TrialKind, namespace: &Namespace) -> Result<u32, String> {
        let all = ListParams::default();
        // A pod that has ended takes no place in a quota.
        let all = if kind == TrialKind::Pod { all.fields("status.phase!=Succeeded,status.phase!=Failed") } else { all };
        let api = self.api(kind, namespace);
        let list = patiently(|| api.list_metadata(&all)).await.map_err(|error| in_words(&error))?;
        Ok(u32::try_from(list.items.len()).unwrap_or(u32::MAX))
    }

    pub(super) fn api(&self, kind: TrialKind, namespace: &Namespace) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace.as_str(), &kind.resource())
    }

    /// The quotas and limits of a namespace as they are now.
    ///
    /// # Errors
    /// Why they can't be read, in the API server's words.
    pub async fn shares(&self, namespace: &Namespace) -> Result<(Vec<ResourceQuota>, Vec<LimitRange>), String> {
        let quotas: Api<ResourceQuota> = Api::namespaced(self.client.clone(), namespace.as_str());
        let ranges: Api<LimitRange> = Api::namespaced(self.client.clone(), namespace.as_str());
        let all = ListParams::default();
        let quotas = patiently(|| quotas.list(&all)).await.map_err(|error| in_words(&error))?;
        let ranges = patiently(|| ranges.list(&all)).await.map_err(|error| in_words(&error))?;
        Ok((quotas.items, ranges.items))
    }
}

/// What an outcome says of the request.
pub(super) fn answer(outcome: Result<DynamicObject, kube::Error>) -> TrialAnswer {
    match outcome {
        Ok(made) => TrialAnswer::Accepted(serde_json::to_value(made).unwrap_or_default()),
        Err(kube::Error::Api(status)) if status.code < 500 && status.code != 429 => {
            TrialAnswer::Refused { code: status.code, message: in_words(&kube::Error::Api(status)) }
        }
        Err(error) => TrialAnswer::Silent(in_words(&error)),
    }
}
