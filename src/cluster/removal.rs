//! Deleting what a run has made.

use futures::stream::{self, StreamExt};
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use tokio::time::Instant;

use super::error::in_words;
use super::retry::patiently_for;

/// Requests that are under way at the same time.
pub(super) const AT_ONCE: usize = 24;

/// Deletes every object that has these labels, until a given moment. What could not be deleted is said; who may not list
/// them has made none.
pub(super) async fn delete_all<K>(api: &Api<K>, ours: &ListParams, what: &str, end: Instant) -> Option<String>
where
    K: kube::Resource + Clone + serde::de::DeserializeOwned + std::fmt::Debug,
{
    let patience = || end.saturating_duration_since(Instant::now());
    let list = match patiently_for(patience(), || api.list(ours)).await {
        Ok(list) => list,
        Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => return None,
        Err(error) => return Some(format!("{what}: {}", in_words(&error))),
    };
    let names: Vec<String> = list.items.iter().filter_map(|item| item.meta().name.clone()).collect();
    let outcomes: Vec<_> = stream::iter(names)
        .map(|name| async move {
            let deletion = DeleteParams::default();
            patiently_for(patience(), || api.delete(&name, &deletion)).await.err()
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    outcomes
        .into_iter()
        .flatten()
        .find(|error| !matches!(error, kube::Error::Api(status) if status.code == 404))
        .map(|error| format!("{what}: {}", in_words(&error)))
}
