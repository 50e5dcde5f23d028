//! Taking a fence of a throwaway cluster down, and putting it back, whatever happens between.
//!
//! What is broken is written down on the cluster first: if the program is killed, the next command finds
//! it there and puts the fence back.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, DynamicObject, ListParams, PostParams};
use kube::core::{GroupVersionKind, TypeMeta};
use kube::discovery::{Scope, pinned_kind};
use kube::{Api, Client};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::error::ClusterError;
use super::retry::{despite_others, patiently};
use crate::model::Namespace;

/// Where the journal lies: one entry for each object that is broken.
const NAMESPACE: &str = "kube-system";
/// The label of its entries.
const JOURNAL: &str = "tenantproof.dev/mutation";

/// A change to one object: what it was, and what it becomes. `None` is an object that is not there.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What it was.
    pub whole: Option<Value>,
    /// What it becomes.
    pub broken: Option<Value>,
}

/// Writes the change down, and makes it.
///
/// # Errors
/// Where either is refused. What was written down stays: [`restore`] puts the object back.
pub async fn make(client: &Client, change: &Change) -> Result<(), ClusterError> {
    let journal: Api<ConfigMap> = Api::namespaced(client.clone(), NAMESPACE);
    let text = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
    let data = [("whole", &change.whole), ("broken", &change.broken)];
    let entry = ConfigMap {
        metadata: ObjectMeta {
            name: Some(entry_name(change)),
            labels: Some(BTreeMap::from([(JOURNAL.to_owned(), "true".to_owned())])),
            ..ObjectMeta::default()
        },
        data: Some(data.iter().map(|(key, value)| ((*key).to_owned(), text(value))).collect()),
        ..ConfigMap::default()
    };
    let plainly = PostParams::default();
    patiently(|| journal.create(&plainly, &entry))
        .await
        .map_err(|error| ClusterError::explain("write down which fence is taken down", &error))?;
    put(client, change.whole.as_ref(), change.broken.as_ref()).await
}

/// Puts back what was broken in these namespaces, or cluster-wide, by this run or by one that was killed,
/// and says what it was.
///
/// # Errors
/// Where the journal can't be read or an object can't be put back.
pub async fn restore(client: &Client, namespaces: &[Namespace]) -> Result<Vec<String>, ClusterError> {
    let journal: Api<ConfigMap> = Api::namespaced(client.clone(), NAMESPACE);
    let marked = ListParams::default().labels(JOURNAL);
    let entries = patiently(|| journal.list(&marked))
        .await
        .map_err(|error| ClusterError::explain("read which fences were taken down", &error))?;
    let mut restored = Vec::new();
    for entry in entries {
        let name = entry.metadata.name.unwrap_or_default();
        let data = entry.data.unwrap_or_default();
        let part = |key: &str| data.get(key).and_then(|text| serde_json::from_str::<Value>(text).ok());
        let (whole, broken) = (part("whole"), part("broken"));
        let Some(object) = whole.as_ref().or(broken.as_ref()) else {
            let what = format!("read in ConfigMap {NAMESPACE}/{name} which fence was taken down");
            return Err(ClusterError::Api { what, why: "it holds no object".to_owned() });
        };
        let place = object.pointer("/metadata/namespace").and_then(Value::as_str);
        if place.is_some_and(|place| !namespaces.iter().any(|namespace| namespace.as_str() == place)) {
            continue;
        }
        put(client, broken.as_ref(), whole.as_ref()).await?;
        let deletion = DeleteParams::default();
        match patiently(|| journal.delete(&name, &deletion)).await {
            Err(error) if !is_gone(&error) => {
                return Err(ClusterError::explain("forget a fence that stands again", &error));
            }
            _ => {}
        }
        restored.push(name_of(object));
    }
    Ok(restored)
}

/// The name of a change's entry: the same for the same object.
fn entry_name(change: &Change) -> String {
    use std::fmt::Write as _;
    let name = change.whole.as_ref().or(change.broken.as_ref()).map(name_of).unwrap_or_default();
    Sha256::digest(name).iter().take(8).fold("tenantproof-mutation-".to_owned(), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// An object's kind, namespace and name.
#[must_use]
pub fn name_of(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let namespace = text("/metadata/namespace");
    let slash = if namespace.is_empty() { "" } else { "/" };
    format!("{} {namespace}{slash}{}", text("/kind"), text("/metadata/name"))
}

/// Brings an object from one state to another; either may be its absence.
async fn put(client: &Client, from: Option<&Value>, to: Option<&Value>) -> Result<(), ClusterError> {
    let Some(object) = to.or(from) else { return Ok(()) };
    let what = name_of(object);
    let (api, name) = api_of(client, object).await?;
    let plainly = PostParams::default();
    let deletion = DeleteParams::default();
    match to {
        None => match patiently(|| api.delete(&name, &deletion)).await {
            Err(error) if !is_gone(&error) => Err(ClusterError::explain(&format!("delete {what}"), &error)),
            _ => Ok(()),
        },
        Some(wanted) => {
            let wanted: DynamicObject = serde_json::from_value(wanted.clone())
                .map_err(|error| ClusterError::Api { what: format!("write {what}"), why: error.to_string() })?;
            let written = despite_others(|| async {
                match patiently(|| api.get_opt(&name)).await? {
                    // As a whole: what is not in it is gone.
                    Some(there) => {
                        let mut wanted = wanted.clone();
                        wanted.metadata.resource_version = there.metadata.resource_version;
                        patiently(|| api.replace(&name, &plainly, &wanted)).await
                    }
                    None => patiently(|| api.create(&plainly, &wanted)).await,
                }
            });
            written.await.map(drop).map_err(|error| ClusterError::explain(&format!("write {what}"), &error))
        }
    }
}

async fn api_of(client: &Client, object: &Value) -> Result<(Api<DynamicObject>, String), ClusterError> {
    let unexpected = |why: String| ClusterError::Api { what: format!("find {}", name_of(object)), why };
    let types: TypeMeta = serde_json::from_value(object.clone()).map_err(|error| unexpected(error.to_string()))?;
    let gvk = GroupVersionKind::try_from(&types).map_err(|error| unexpected(error.to_string()))?;
    let (resource, capabilities) = pinned_kind(client, &gvk)
        .await
        .map_err(|error| ClusterError::explain(&format!("find the kind {}", gvk.kind), &error))?;
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let api = match capabilities.scope {
        Scope::Namespaced => Api::namespaced_with(client.clone(), &text("/metadata/namespace"), &resource),
        Scope::Cluster => Api::all_with(client.clone(), &resource),
    };
    Ok((api, text("/metadata/name")))
}

fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}
