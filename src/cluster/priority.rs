//! The PriorityClass of a run: the lowest there is, and it never preempts.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::scheduling::v1::PriorityClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};

use super::error::ClusterError;
use super::pod::RUN_LABEL;
use super::retry::{patiently, patiently_for};
use crate::model::RunId;

/// The lowest value that a PriorityClass may have.
const LOWEST: i32 = i32::MIN;

/// The name of a run's class.
pub(super) fn name(run: &RunId) -> String {
    format!("tenantproof-{run}")
}

/// Makes the run's class.
///
/// # Errors
/// [`ClusterError::Forbidden`] where it may not be made: the user names an existing one instead.
pub(super) async fn make(client: &Client, run: &RunId) -> Result<String, ClusterError> {
    let classes: Api<PriorityClass> = Api::all(client.clone());
    let class = PriorityClass {
        metadata: ObjectMeta {
            name: Some(name(run)),
            labels: Some(BTreeMap::from([(RUN_LABEL.to_owned(), run.to_string())])),
            ..ObjectMeta::default()
        },
        value: LOWEST,
        preemption_policy: Some("Never".to_owned()),
        global_default: Some(false),
        description: Some("Probes of tenantproof: the lowest priority, and they never preempt.".to_owned()),
    };
    let plainly = PostParams::default();
    match patiently(|| classes.create(&plainly, &class)).await {
        Ok(_) => Ok(name(run)),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(name(run)),
        Err(error) => {
            Err(ClusterError::explain("create a PriorityClass (or name an existing one with --priority-class)", &error))
        }
    }
}

/// Removes the class of a run; says so where it could not.
pub(super) async fn remove(client: &Client, run: &RunId) -> Option<String> {
    let classes: Api<PriorityClass> = Api::all(client.clone());
    let name = name(run);
    let deletion = DeleteParams::default();
    match patiently_for(Duration::from_secs(20), || classes.delete(&name, &deletion)).await {
        Ok(_) => None,
        Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => None,
        Err(error) => Some(format!("PriorityClass {name}: {}", super::error::in_words(&error))),
    }
}
