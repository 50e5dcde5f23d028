//! What a probe would disturb. A probe that something of the tenant's would select, count or starve
//! is not made, and its cases say why.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceQuota;

use crate::model::{Namespace, Quantity};
use crate::plan::{PROBE_LIMIT_MEMORY, PROBE_LIMIT_MILLICORES, PROBE_MEMORY, PROBE_MILLICORES};
use crate::semantics::Snapshot;
use crate::semantics::network::selects;

/// What one probe asks of a quota, and how many Services its namespace gets besides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needs {
    /// Probe pods in the namespace.
    pub(super) pods: i64,
    /// Services in the namespace.
    pub(super) services: i64,
}

/// Why a probe with these labels must not be made in this namespace.
pub(super) fn obstacle(
    namespace: &Namespace,
    labels: &BTreeMap<String, String>,
    snapshot: &Snapshot,
) -> Option<String> {
    let here = |other: &Option<String>| other.as_deref() == Some(namespace.as_str());
    for service in snapshot.services.iter().filter(|service| here(&service.metadata.namespace)) {
        let Some(spec) = &service.spec else { continue };
        let selector = spec.selector.clone().unwrap_or_default();
        if spec.publish_not_ready_addresses == Some(true)
            && !selector.is_empty()
            && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
        {
            let name = service.metadata.name.as_deref().unwrap_or_default();
            return Some(format!("Service {namespace}/{name} publishes unready addresses and would send it traffic"));
        }
    }
    for budget in snapshot.disruption_budgets.iter().filter(|budget| here(&budget.metadata.namespace)) {
        // An absent selector selects nothing; an empty one everything (policy/v1).
        let selector = budget.spec.as_ref().and_then(|spec| spec.selector.as_ref());
        if selector.is_some_and(|selector| selects(selector, labels)) {
            let name = budget.metadata.name.as_deref().unwrap_or_default();
            return Some(format!("PodDisruptionBudget {namespace}/{name} would count it"));
        }
    }
    for autoscaler in snapshot.autoscalers.iter().filter(|autoscaler| here(&autoscaler.metadata.namespace)) {
        let Some(target) = autoscaler.spec.as_ref().map(|spec| &spec.scale_target_ref) else { continue };
        let name = autoscaler.metadata.name.as_deref().unwrap_or_default();
        let workload = snapshot.workloads.iter().find(|workload| {
            workload.namespace == namespace.as_str() && workload.kind == target.kind && workload.name == target.name
        });
        match workload {
            Some(workload) if !selects(&workload.selector, labels) => {}
            Some(_) => return Some(format!("HorizontalPodAutoscaler {namespace}/{name} would count it")),
            None => {
                return Some(format!(
                    "HorizontalPodAutoscaler {namespace}/{name} scales {} {}, whose selector could not be read: \
                     it might count it",
                    target.kind, target.name
                ));
            }
        }
    }
    None
}

/// Why a namespace's quota has no room for the probes: they never take a tenant's last pod or core.
pub(super) fn quota_obstacle(namespace: &Namespace, needs: Needs, snapshot: &Snapshot) -> Option<String> {
    snapshot
        .quotas
        .iter()
        .filter(|quota| quota.metadata.namespace.as_deref() == Some(namespace.as_str()))
        .find_map(|quota| one_quota(namespace, needs, quota))
}

fn one_quota(namespace: &Namespace, needs: Needs, quota: &ResourceQuota) -> Option<String> {
    let status = quota.status.as_ref()?;
    // A scoped quota counts pods of some kinds only; whether probes are among them is left to the
    // API server, whose refusal is a fault of the probe and never a verdict.
    let spec = quota.spec.as_ref();
    if spec.is_some_and(|spec| spec.scopes.is_some() || spec.scope_selector.is_some()) {
        return None;
    }
    let name = quota.metadata.name.as_deref().unwrap_or_default();
    for (resource, hard) in status.hard.iter().flatten() {
        let (need, spare) = match resource.as_str() {
            "pods" | "count/pods" => (needs.pods * 1000, 1000),
            "services" | "count/services" => (needs.services * 1000, 1000),
            "cpu" | "requests.cpu" => (needs.pods * PROBE_MILLICORES, PROBE_MILLICORES),
            "limits.cpu" => (needs.pods * PROBE_LIMIT_MILLICORES, PROBE_LIMIT_MILLICORES),
            "memory" | "requests.memory" => (needs.pods * PROBE_MEMORY * 1000, PROBE_MEMORY * 1000),
            "limits.memory" => (needs.pods * PROBE_LIMIT_MEMORY * 1000, PROBE_LIMIT_MEMORY * 1000),
            "count/leases.coordination.k8s.io" => (1000, 0),
            _ => continue,
        };
        let none = k8s_openapi::apimachinery::pkg::api::resource::Quantity("0".to_owned());
        let used = status.used.as_ref().and_then(|used| used.get(resource)).unwrap_or(&none);
        let (Some(hard_amount), Some(used_amount)) = (Quantity::parse(&hard.0), Quantity::parse(&used.0)) else {
            return Some(format!("ResourceQuota {namespace}/{name} has a {resource} that can't be read: {}", hard.0));
        };
        if need > 0 && used_amount.milli() + i128::from(need) + i128::from(spare) > hard_amount.milli() {
            return Some(format!(
                "ResourceQuota {namespace}/{name} has no room: {} of {} {resource} are used, the probes need {} and \
                 leave the tenant one more",
                used.0,
                hard.0,
                in_units(resource, need)
            ));
        }
    }
    None
}

fn in_units(resource: &str, milli: i64) -> String {
    if resource.ends_with("memory") {
        format!("{}Mi", (milli / 1000) >> 20)
    } else if resource.ends_with("cpu") {
        format!("{milli}m")
    } else {
        format!("{}", milli / 1000)
    }
}
