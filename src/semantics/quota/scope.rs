//! Which pods a quota counts: its scopes.

use k8s_openapi::api::core::v1::{Pod, PodAffinityTerm, ResourceQuota};
use serde::{Deserialize, Serialize};

/// One condition of a quota on the pods that it counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Pods with a deadline, or those without one.
    Terminating(bool),
    /// Pods that ask for nothing, or those that ask for something.
    BestEffort(bool),
    /// Pods with or without one of these PriorityClasses; without names, with or without any.
    PriorityClass {
        /// Whether those are counted, or all others.
        among: bool,
        /// The names; empty stands for any.
        names: Vec<String>,
    },
    /// Pods whose affinities look into other namespaces.
    CrossNamespaceAffinity,
    /// A scope that no pod is judged by here, by its name: `VolumeAttributesClass` is for claims.
    Other(String),
}

/// The conditions of a quota; none counts everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(pub Vec<Scope>);

impl Scopes {
    /// The scopes of a quota, by either way of writing them (`getScopeSelectorsFromQuota`).
    #[must_use]
    pub fn of(quota: &ResourceQuota) -> Self {
        let spec = quota.spec.clone().unwrap_or_default();
        let plain = spec.scopes.into_iter().flatten().map(|name| scope(&name, "Exists", &[]));
        let selected = spec.scope_selector.into_iter().filter_map(|selector| selector.match_expressions).flatten();
        let selected =
            selected.map(|one| scope(&one.scope_name, &one.operator, one.values.as_deref().unwrap_or_default()));
        Self(plain.chain(selected).collect())
    }

    /// Whether the quota counts every pod, Service and claim of its namespace.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a pod, as admission leaves it, is counted (`podMatchesScopeFunc`).
    #[must_use]
    pub fn count(&self, pod: &Pod) -> bool {
        self.0.iter().all(|scope| matches(scope, pod))
    }
}

fn scope(name: &str, operator: &str, values: &[String]) -> Scope {
    match name {
        "Terminating" => Scope::Terminating(true),
        "NotTerminating" => Scope::Terminating(false),
        "BestEffort" => Scope::BestEffort(true),
        "NotBestEffort" => Scope::BestEffort(false),
        "PriorityClass" => Scope::PriorityClass { among: matches!(operator, "In" | "Exists"), names: values.to_vec() },
        "CrossNamespacePodAffinity" => Scope::CrossNamespaceAffinity,
        other => Scope::Other(other.to_owned()),
    }
}

fn matches(scope: &Scope, pod: &Pod) -> bool {
    let spec = pod.spec.as_ref();
    match scope {
        Scope::Terminating(wanted) => {
            spec.and_then(|spec| spec.active_deadline_seconds).is_some_and(|seconds| seconds >= 0) == *wanted
        }
        Scope::BestEffort(wanted) => is_best_effort(pod) == *wanted,
        Scope::PriorityClass { among, names } => {
            let class = spec.and_then(|spec| spec.priority_class_name.as_deref()).filter(|class| !class.is_empty());
            class.is_some_and(|class| names.is_empty() || names.iter().any(|name| name == class)) == *among
        }
        Scope::CrossNamespaceAffinity => looks_elsewhere(pod),
        Scope::Other(_) => false,
    }
}

/// Whether no container asks for CPU or memory, nor the pod as a whole (`ComputePodQOS`).
fn is_best_effort(pod: &Pod) -> bool {
    let Some(spec) = &pod.spec else { return true };
    let containers = spec.containers.iter().chain(spec.init_containers.iter().flatten());
    let all = containers.map(|container| container.resources.as_ref()).chain([spec.resources.as_ref()]);
    !all.flatten().any(|resources| {
        let amounts = resources.requests.iter().chain(&resources.limits).flatten();
        amounts.into_iter().any(|(name, amount)| {
            matches!(name.as_str(), "cpu" | "memory")
                && crate::model::Quantity::parse(&amount.0).is_some_and(|amount| amount.milli() > 0)
        })
    })
}

fn looks_elsewhere(pod: &Pod) -> bool {
    let Some(affinity) = pod.spec.as_ref().and_then(|spec| spec.affinity.as_ref()) else { return false };
    let elsewhere = |term: &PodAffinityTerm| {
        term.namespaces.as_ref().is_some_and(|names| !names.is_empty()) || term.namespace_selector.is_some()
    };
    let attracted = affinity.pod_affinity.as_ref().is_some_and(|one| {
        let preferred = one.preferred_during_scheduling_ignored_during_execution.iter().flatten();
        one.required_during_scheduling_ignored_during_execution.iter().flatten().any(elsewhere)
            || preferred.into_iter().any(|weighted| elsewhere(&weighted.pod_affinity_term))
    });
    let repelled = affinity.pod_anti_affinity.as_ref().is_some_and(|one| {
        let preferred = one.preferred_during_scheduling_ignored_during_execution.iter().flatten();
        one.required_during_scheduling_ignored_during_execution.iter().flatten().any(elsewhere)
            || preferred.into_iter().any(|weighted| elsewhere(&weighted.pod_affinity_term))
    });
    attracted || repelled
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::Scopes;

    fn asks(cpu: &str) -> Value {
        json!([{"name": "c", "resources": {"requests": {"cpu": cpu}}}])
    }

    #[rstest]
    #[case::none(json!({}), json!({}), true)]
    #[case::terminating(json!({"scopes": ["Terminating"]}), json!({"activeDeadlineSeconds": 0}), true)]
    #[case::without_a_deadline(json!({"scopes": ["Terminating"]}), json!({}), false)]
    #[case::not_terminating(json!({"scopes": ["NotTerminating"]}), json!({}), true)]
    #[case::best_effort(json!({"scopes": ["BestEffort"]}), json!({}), true)]
    #[case::zero_is_nothing(json!({"scopes": ["BestEffort"]}), json!({"containers": asks("0")}), true)]
    #[case::asks_for_something(json!({"scopes": ["BestEffort"]}), json!({"containers": asks("1")}), false)]
    #[case::both_must_hold(json!({"scopes": ["NotBestEffort", "Terminating"]}), json!({"containers": asks("1")}), false)]
    #[case::class_in(selector("In", &["high"]), json!({"priorityClassName": "high"}), true)]
    #[case::class_of_another_name(selector("In", &["high"]), json!({"priorityClassName": "low"}), false)]
    #[case::class_not_in(selector("NotIn", &["high"]), json!({}), true)]
    #[case::class_exists(selector("Exists", &[]), json!({"priorityClassName": "low"}), true)]
    #[case::class_missing(selector("DoesNotExist", &[]), json!({"priorityClassName": "low"}), false)]
    #[case::affinity_elsewhere(
        json!({"scopes": ["CrossNamespacePodAffinity"]}),
        json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "t", "namespaceSelector": {}}]}}}),
        true
    )]
    #[case::affinity_at_home(
        json!({"scopes": ["CrossNamespacePodAffinity"]}),
        json!({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "t"}]}}}),
        false
    )]
    #[case::for_claims_only(
        json!({"scopeSelector": {"matchExpressions": [{"scopeName": "VolumeAttributesClass", "operator": "Exists"}]}}),
        json!({}),
        false
    )]
    fn a_quota_counts_a_pod(#[case] quota: Value, #[case] pod: Value, #[case] counts: bool) {
        let scopes = Scopes::of(&serde_json::from_value(json!({"metadata": {}, "spec": quota})).unwrap());
        let mut spec = json!({"containers": []});
        spec.as_object_mut().unwrap().extend(pod.as_object().unwrap().clone());
        let pod = serde_json::from_value(json!({"metadata": {}, "spec": spec})).unwrap();
        assert_eq!(scopes.count(&pod), counts, "{scopes:?}");
    }

    fn selector(operator: &str, values: &[&str]) -> Value {
        json!({"scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": operator, "values": values}]}})
    }
}
