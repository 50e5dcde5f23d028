//! Reading the cluster into a [`Snapshot`]. What can't be read is part of it, by name.

use std::collections::BTreeMap;
use std::fmt::Debug;

use futures::stream::{self, StreamExt};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{LimitRange, Namespace, Node, ResourceQuota};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::api::{ApiResource, DynamicObject, ListParams, TypeMeta};
use kube::core::GroupVersionKind;
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::error::{ClusterError, in_words};
use super::retry::patiently;
use crate::model;
use crate::semantics::network::is_foreign_policy;
use crate::semantics::{EVERY, Extent, ForeignPolicy, ObjectKind, Snapshot, Unreadable, Workload};

/// Namespaces that are read at the same time.
const AT_ONCE: usize = 6;
/// Objects in one page of a list.
const PAGE: u32 = 500;

/// The names and versions of NetworkPolicies, to see whether any changed during a run.
pub type NetworkPolicyVersions = BTreeMap<(model::Namespace, String), String>;

/// Reads all namespaces; where listing is refused, the named ones one by one.
///
/// # Errors
/// Where neither can be read.
pub async fn read_namespaces(client: &Client, named: &[model::Namespace]) -> Result<Vec<Namespace>, ClusterError> {
    let api: Api<Namespace> = Api::all(client.clone());
    match list(&api).await {
        Ok(namespaces) => Ok(namespaces),
        Err(kube::Error::Api(status)) if status.code == 403 && !named.is_empty() => {
            let mut namespaces = Vec::new();
            for name in named {
                if let Some(namespace) = patiently(|| api.get_opt(name.as_str()))
                    .await
                    .map_err(|error| ClusterError::explain(&format!("read namespace {name}"), &error))?
                {
                    namespaces.push(namespace);
                }
            }
            Ok(namespaces)
        }
        Err(error) => Err(ClusterError::explain("list namespaces", &error)),
    }
}

/// Reads everything that the families judge or must not disturb, in these namespaces.
///
/// # Errors
/// Only where nodes can't be read: everything else that is refused is noted in the snapshot.
pub async fn read_snapshot(
    client: &Client,
    all_namespaces: Vec<Namespace>,
    of_interest: &[model::Namespace],
) -> Result<Snapshot, ClusterError> {
    let nodes: Api<Node> = Api::all(client.clone());
    let mut snapshot = Snapshot {
        namespaces: all_namespaces,
        nodes: list(&nodes).await.map_err(|error| ClusterError::explain("list nodes", &error))?,
        ..Snapshot::default()
    };
    let mut parts =
        stream::iter(of_interest.iter().map(|namespace| read_namespace(client, namespace))).buffered(AT_ONCE);
    while let Some(part) = parts.next().await {
        snapshot.pods.extend(part.pods);
        snapshot.network_policies.extend(part.network_policies);
        snapshot.services.extend(part.services);
        snapshot.disruption_budgets.extend(part.disruption_budgets);
        snapshot.autoscalers.extend(part.autoscalers);
        snapshot.quotas.extend(part.quotas);
        snapshot.limit_ranges.extend(part.limit_ranges);
        snapshot.workloads.extend(part.workloads);
        snapshot.unreadable.extend(part.unreadable);
    }
    read_foreign(client, of_interest, &mut snapshot).await;
    Ok(snapshot)
}

/// The versions of all NetworkPolicies in each of these namespaces, or why they can't be read.
pub async fn network_policy_versions(
    client: &Client,
    namespaces: Vec<model::Namespace>,
) -> BTreeMap<model::Namespace, Result<NetworkPolicyVersions, ClusterError>> {
    let versions = stream::iter(namespaces).map(|namespace| async move {
        let api: Api<NetworkPolicy> = Api::namespaced(client.clone(), namespace.as_str());
        let policies = list(&api).await;
        let versions = policies
            .map(|policies| versions_of(&policies))
            .map_err(|error| ClusterError::explain(&format!("list NetworkPolicies of {namespace}"), &error));
        (namespace, versions)
    });
    versions.buffer_unordered(AT_ONCE).collect().await
}

/// The versions of policies that were read. The generation changes with the spec alone: a
/// controller's note on the object is no change.
#[must_use]
pub fn versions_of(policies: &[NetworkPolicy]) -> NetworkPolicyVersions {
    policies
        .iter()
        .map(|policy| {
            let uid = policy.metadata.uid.as_deref().unwrap_or_default();
            let version = format!("{uid}/{}", policy.metadata.generation.unwrap_or_default());
            ((model::Namespace::new(policy.namespace().unwrap_or_default()), policy.name_any()), version)
        })
        .collect()
}

async fn list<K>(api: &Api<K>) -> Result<Vec<K>, kube::Error>
where
    K: Clone + DeserializeOwned + Debug,
{
    let mut items = Vec::new();
    let mut parameters = ListParams::default().limit(PAGE);
    loop {
        let page = patiently(|| api.list(&parameters)).await?;
        items.extend(page.items);
        match page.metadata.continue_ {
            Some(token) if !token.is_empty() => parameters = parameters.continue_token(&token),
            _ => return Ok(items),
        }
    }
}

async fn read_namespace(client: &Client, namespace: &model::Namespace) -> Snapshot {
    let mut part = Snapshot::default();
    let missing = &mut part.unreadable;
    part.pods = read(client, namespace, missing).await;
    part.network_policies = read(client, namespace, missing).await;
    part.services = read(client, namespace, missing).await;
    part.disruption_budgets = read::<PodDisruptionBudget>(client, namespace, missing).await;
    part.autoscalers = read::<HorizontalPodAutoscaler>(client, namespace, missing).await;
    part.quotas = read::<ResourceQuota>(client, namespace, missing).await;
    part.limit_ranges = read::<LimitRange>(client, namespace, missing).await;
    if !part.autoscalers.is_empty() {
        let deployments = read::<Deployment>(client, namespace, missing).await;
        let sets = read::<ReplicaSet>(client, namespace, missing).await;
        let stateful = read::<StatefulSet>(client, namespace, missing).await;
        part.workloads.extend(
            deployments.into_iter().map(|d| workload("Deployment", &d, d.spec.clone().unwrap_or_default().selector)),
        );
        part.workloads
            .extend(sets.into_iter().map(|s| workload("ReplicaSet", &s, s.spec.clone().unwrap_or_default().selector)));
        part.workloads.extend(
            stateful.into_iter().map(|s| workload("StatefulSet", &s, s.spec.clone().unwrap_or_default().selector)),
        );
    }
    part
}

fn workload(kind: &str, object: &impl ResourceExt, selector: LabelSelector) -> Workload {
    Workload {
        kind: kind.to_owned(),
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
        selector,
    }
}

async fn read<K>(client: &Client, namespace: &model::Namespace, missing: &mut Vec<Unreadable>) -> Vec<K>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
    <K as Resource>::DynamicType: Default,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace.as_str());
    match list(&api).await {
        Ok(items) => items,
        Err(error) => {
            let kind = <K as Resource>::DynamicType::default();
            let group = K::group(&kind);
            let plural = K::plural(&kind);
            missing.push(Unreadable {
                resource: if group.is_empty() { plural.into_owned() } else { format!("{plural}.{group}") },
                namespace: Some(namespace.to_string()),
                why: in_words(&error),
            });
            Vec::new()
        }
    }
}

/// Reads the kinds that families asked for into the snapshot. One that the cluster
/// does not have, or does not show, is noted as unreadable, unless a cluster may do without it.
pub async fn read_objects(
    client: &Client,
    kinds: &[ObjectKind],
    of_interest: &[model::Namespace],
    snapshot: &mut Snapshot,
) {
    for kind in kinds {
        if snapshot.objects.contains_key(&kind.name()) {
            continue;
        }
        snapshot.objects.entry(kind.name()).or_default();
        let resources = match resources_of(client, kind).await {
            Ok(resources) => resources,
            Err(error) => {
                unread(kind, None, &error, snapshot);
                continue;
            }
        };
        for resource in &resources {
            read_resource(client, kind, resource, of_interest, snapshot).await;
        }
    }
}

/// The kind itself, or each of its group. Only that group is asked for: another's server may be down.
async fn resources_of(client: &Client, kind: &ObjectKind) -> Result<Vec<ApiResource>, kube::Error> {
    if kind.plural != EVERY {
        let gvk = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
        return Ok(vec![ApiResource::from_gvk_with_plural(&gvk, kind.plural)]);
    }
    let group = format!("{}/{}", kind.group, kind.version);
    let served = patiently(|| client.list_api_group_resources(&group)).await?.resources;
    let listable =
        served.into_iter().filter(|one| !one.name.contains('/') && one.verbs.iter().any(|verb| verb == "list"));
    let resource = |one: k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResource| {
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(kind.group, kind.version, &one.kind), &one.name)
    };
    Ok(listable.map(resource).collect())
}

async fn read_resource(
    client: &Client,
    kind: &ObjectKind,
    resource: &ApiResource,
    of_interest: &[model::Namespace],
    snapshot: &mut Snapshot,
) {
    let all = Api::<DynamicObject>::all_with(client.clone(), resource);
    let scopes: Vec<(Option<String>, Api<DynamicObject>)> = match kind.extent {
        Extent::Cluster | Extent::Everywhere => vec![(None, all)],
        Extent::Tenancy | Extent::OnlyIfTold => of_interest
            .iter()
            .map(|namespace| {
                let api = Api::namespaced_with(client.clone(), namespace.as_str(), resource);
                (Some(namespace.to_string()), api)
            })
            .collect(),
    };
    let mut lists =
        stream::iter(scopes).map(|(namespace, api)| async move { (namespace, list(&api).await) }).buffered(AT_ONCE);
    while let Some((namespace, listed)) = lists.next().await {
        match listed {
            Ok(mut objects) => {
                if kind.plural == EVERY {
                    // A list says once what its items are.
                    let types = TypeMeta { api_version: resource.api_version.clone(), kind: resource.kind.clone() };
                    for object in &mut objects {
                        object.types = Some(types.clone());
                    }
                }
                let found = snapshot.objects.entry(kind.name()).or_default();
                found.extend(objects.iter().filter_map(|object| serde_json::to_value(object).ok()));
            }
            Err(error) => unread(kind, namespace, &error, snapshot),
        }
    }
}

/// Notes what could not be read.
fn unread(kind: &ObjectKind, namespace: Option<String>, error: &kube::Error, snapshot: &mut Snapshot) {
    if kind.optional && matches!(error, kube::Error::Api(status) if status.code == 404) {
        return;
    }
    snapshot.unreadable.push(Unreadable { resource: kind.name(), namespace, why: in_words(error) });
}

/// Policies of kinds that no evaluator here models: found by asking which kinds the server has.
async fn read_foreign(client: &Client, of_interest: &[model::Namespace], snapshot: &mut Snapshot) {
    let groups = match patiently(|| client.list_api_groups()).await {
        Ok(groups) => groups.groups,
        Err(error) => {
            snapshot.unreadable.push(Unreadable {
                resource: "API groups".to_owned(),
                namespace: None,
                why: in_words(&error),
            });
            return;
        }
    };
    for group in groups {
        let Some(version) = group.preferred_version.or_else(|| group.versions.first().cloned()) else { continue };
        let resources = match patiently(|| client.list_api_group_resources(&version.group_version)).await {
            Ok(resources) => resources.resources,
            // An aggregated API whose server is down says nothing about policies: its kinds are unknown.
            Err(error) => {
                if is_foreign_policy(&version.group_version, "NetworkPolicy") {
                    snapshot.unreadable.push(Unreadable {
                        resource: version.group_version.clone(),
                        namespace: None,
                        why: in_words(&error),
                    });
                }
                continue;
            }
        };
        for resource in resources {
            let listable = resource.verbs.iter().any(|verb| verb == "list");
            if listable && !resource.name.contains('/') && is_foreign_policy(&version.group_version, &resource.kind) {
                let kind = GroupVersionKind::gvk(&group.name, &version.version, &resource.kind);
                let kind = ApiResource::from_gvk_with_plural(&kind, &resource.name);
                read_foreign_kind(client, &kind, resource.namespaced, of_interest, snapshot).await;
            }
        }
    }
}

async fn read_foreign_kind(
    client: &Client,
    kind: &ApiResource,
    namespaced: bool,
    of_interest: &[model::Namespace],
    snapshot: &mut Snapshot,
) {
    // Everywhere first: some kinds (Istio's) act on the whole mesh from a namespace of their own.
    let mut scopes: Vec<Option<&model::Namespace>> = vec![None];
    while let Some(scope) = scopes.pop() {
        let api: Api<DynamicObject> = match scope {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace.as_str(), kind),
            None => Api::all_with(client.clone(), kind),
        };
        match list(&api).await {
            Ok(objects) => snapshot.foreign.extend(objects.into_iter().map(|object| ForeignPolicy {
                api_version: kind.api_version.clone(),
                kind: kind.kind.clone(),
                namespace: object.namespace(),
                name: object.name_any(),
                place: String::new(),
                object: serde_json::to_value(&object).unwrap_or_default(),
            })),
            Err(kube::Error::Api(status)) if status.code == 403 && namespaced && scope.is_none() => {
                scopes.extend(of_interest.iter().map(Some));
            }
            Err(error) => snapshot.unreadable.push(Unreadable {
                resource: format!("{}.{}", kind.plural, kind.group),
                namespace: scope.map(ToString::to_string),
                why: in_words(&error),
            }),
        }
    }
}
