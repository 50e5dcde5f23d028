//! Requests whose answer is admission's: dry-runs, changes of an object by dry-run, and workloads whose controller
//! then makes a pod, or is refused it.
//!
//! A webhook that can't be called is an answer here, and not tried again for minutes: whether its engine is there is
//! part of what is asked.

use std::future::Future;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, PropagationPolicy};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::error::in_words;
use super::pod::RUN_LABEL;
use super::retry::{is_counted_meanwhile, patiently};
use super::trial::{TrialAnswer, TrialKind, Trials, answer};
use crate::model::Namespace;

/// The label by which the pods of a workload are told: its value is the workload's name.
pub const TRIAL_LABEL: &str = "tenantproof.dev/trial";

/// How long a controller may take to make its pod, or to say why it can't.
const MADE_AFTER: Duration = Duration::from_secs(20);
/// How long a workload and its pods may take to be gone.
const GONE_AFTER: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(150);

/// How an object is changed.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// By a merge patch.
    Merge(&'a Value),
    /// By a strategic merge patch, which kinds of Kubernetes' own understand.
    Strategic(&'a Value),
    /// By a strategic merge patch of a subresource.
    Subresource(&'a str, &'a Value),
    /// As a whole.
    Whole(&'a Value),
}

impl Trials<'_> {
    /// Asks for an object without making it.
    pub async fn asks(&self, kind: TrialKind, namespace: &Namespace, body: &Value) -> TrialAnswer {
        let body = match self.owned(namespace, body) {
            Ok(body) => body,
            Err(why) => return TrialAnswer::Silent(why),
        };
        let (api, how) = (self.api(kind, namespace), PostParams { dry_run: true, ..PostParams::default() });
        answer(but_for_webhooks(|| api.create(&how, &body)).await)
    }

    /// Asks for a change of an object without making it.
    pub async fn asks_to_change(
        &self,
        kind: TrialKind,
        namespace: &Namespace,
        name: &str,
        change: Change<'_>,
    ) -> TrialAnswer {
        let api = self.api(kind, namespace);
        let how = PatchParams { dry_run: true, ..PatchParams::default() };
        let outcome = match change {
            Change::Merge(patch) => {
                let patch = Patch::Merge(patch);
                but_for_webhooks(|| api.patch(name, &how, &patch)).await
            }
            Change::Strategic(patch) => {
                let patch = Patch::Strategic(patch);
                but_for_webhooks(|| api.patch(name, &how, &patch)).await
            }
            Change::Subresource(part, patch) => {
                let patch = Patch::Strategic(patch);
                but_for_webhooks(|| api.patch_subresource(part, name, &how, &patch)).await
            }
            Change::Whole(object) => {
                let how = PostParams { dry_run: true, ..PostParams::default() };
                match serde_json::from_value::<DynamicObject>(object.clone()) {
                    Ok(object) => but_for_webhooks(|| api.replace(name, &how, &object)).await,
                    Err(error) => return TrialAnswer::Silent(error.to_string()),
                }
            }
        };
        answer(outcome)
    }

    /// An object as it is now.
    ///
    /// # Errors
    /// Why it can't be read, in the API server's words.
    pub async fn read(&self, kind: TrialKind, namespace: &Namespace, name: &str) -> Result<Value, String> {
        let api = self.api(kind, namespace);
        let object = but_for_webhooks(|| api.get(name)).await.map_err(|error| in_words(&error))?;
        Ok(serde_json::to_value(object).unwrap_or_default())
    }

    /// What became of the pod of a workload that was made: it is there, or its controller was refused it.
    pub async fn pod_of(&self, namespace: &Namespace, name: &str) -> TrialAnswer {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace.as_str());
        let events: Api<Event> = Api::namespaced(self.client.clone(), namespace.as_str());
        let own = ListParams::default().labels(&format!("{TRIAL_LABEL}={name},{RUN_LABEL}={}", self.run));
        let failed = ListParams::default().fields("reason=FailedCreate");
        let end = Instant::now() + MADE_AFTER;
        loop {
            match patiently(|| pods.list(&own)).await {
                Ok(list) => {
                    if let Some(pod) = list.items.into_iter().next() {
                        return TrialAnswer::Accepted(serde_json::to_value(pod).unwrap_or_default());
                    }
                }
                Err(error) => return TrialAnswer::Silent(in_words(&error)),
            }
            match patiently(|| events.list(&failed)).await {
                Ok(list) => {
                    // A ReplicaSet is named as its Deployment, and a dash.
                    let of_it = |event: &Event| {
                        let about = event.involved_object.name.as_deref().unwrap_or_default();
                        about == name || about.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
                    };
                    // Its controller asks again.
                    let decides = |event: &Event| !is_counted_meanwhile(event.message.as_deref().unwrap_or_default());
                    if let Some(event) = list.items.into_iter().find(|event| of_it(event) && decides(event)) {
                        let message = event.message.unwrap_or_default();
                        return if message.contains("failed calling webhook") {
                            TrialAnswer::Silent(message)
                        } else {
                            TrialAnswer::Refused { code: 0, message }
                        };
                    }
                }
                Err(error) => return TrialAnswer::Silent(in_words(&error)),
            }
            if Instant::now() >= end {
                let seconds = MADE_AFTER.as_secs();
                return TrialAnswer::Silent(format!("its controller neither made a pod nor said why, for {seconds} s"));
            }
            sleep(PAUSE).await;
        }
    }

    /// Has a workload removed with its pods; [`Self::until_gone`] waits for it.
    pub async fn discard(&self, kind: TrialKind, namespace: &Namespace, name: &str) {
        let api = self.api(kind, namespace);
        let how = DeleteParams {
            grace_period_seconds: Some(0),
            propagation_policy: Some(PropagationPolicy::Background),
            ..DeleteParams::default()
        };
        if let Err(error) = patiently(|| api.delete(name, &how)).await {
            tracing::debug!(%error, name, "a workload of a trial was not deleted now");
        }
    }

    /// Waits, for a bounded time, until workloads that were discarded are gone with their pods, and tells what is left.
    pub async fn until_gone(&self, namespace: &Namespace, workloads: &[(TrialKind, String)]) -> Vec<String> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace.as_str());
        let own = ListParams::default().labels(&format!("{TRIAL_LABEL},{RUN_LABEL}={}", self.run));
        let end = Instant::now() + GONE_AFTER;
        let mut there: Vec<&(TrialKind, String)> = workloads.iter().collect();
        loop {
            let mut left = Vec::new();
            for one in there {
                let api = self.api(one.0, namespace);
                if !matches!(patiently(|| api.get_opt(&one.1)).await, Ok(None)) {
                    left.push(one);
                }
            }
            let named = |pod: Pod| pod.metadata.name.map(|name| format!("{namespace}/{name}"));
            let of_them: Vec<String> = match patiently(|| pods.list(&own)).await {
                Ok(list) => list.items.into_iter().filter_map(named).collect(),
                Err(error) => vec![format!("{namespace}: {}", in_words(&error))],
            };
            if left.is_empty() && of_them.is_empty() {
                return Vec::new();
            }
            if Instant::now() >= end {
                return left.iter().map(|(_, name)| format!("{namespace}/{name}")).chain(of_them).collect();
            }
            there = left;
            sleep(PAUSE).await;
        }
    }
}

/// Tries a request until it is served, but takes a webhook that can't be called as the answer.
async fn but_for_webhooks<T, F, Fut>(mut request: F) -> Result<T, kube::Error>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, kube::Error>>,
{
    let served = patiently(|| {
        let asked = request();
        async move {
            match asked.await {
                Err(kube::Error::Api(status)) if status.message.contains("failed calling webhook") => {
                    Ok(Err(kube::Error::Api(status)))
                }
                outcome => outcome.map(Ok),
            }
        }
    });
    served.await?
}
