//! What LimitRanges give a container, and what they refuse.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod, ResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Written;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amounts::Amounts;
use super::usage::{Side, taken};
use crate::model::Quantity;

/// What a limit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum LimitType {
    /// Each container, and each init container.
    Container,
    /// All containers of a pod together.
    Pod,
    /// A claim on storage.
    PersistentVolumeClaim,
}

impl LimitType {
    /// Its name in a LimitRange.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Container => "Container",
            Self::Pod => "Pod",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        [Self::Container, Self::Pod, Self::PersistentVolumeClaim].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// One side of what is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// No less.
    Min,
    /// No more.
    Max,
    /// No limit of more than so many times the request.
    Ratio,
}

impl Bound {
    /// Its name in case ids.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
            Self::Ratio => "ratio",
        }
    }
}

/// One item of a LimitRange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitItem {
    /// The LimitRange.
    pub range: String,
    /// What it is for.
    pub kind: LimitType,
    /// The least.
    pub min: Amounts,
    /// The most.
    pub max: Amounts,
    /// The most that a limit may be of its request.
    pub ratio: Amounts,
    /// The limit of a container that names none.
    pub default: Amounts,
    /// The request of a container that names none.
    pub default_request: Amounts,
}

impl LimitItem {
    fn of(range: &str, item: &LimitRangeItem) -> Option<Self> {
        let mut read = Self {
            range: range.to_owned(),
            kind: LimitType::of(&item.type_)?,
            min: Amounts::of(item.min.as_ref()),
            max: Amounts::of(item.max.as_ref()),
            ratio: Amounts::of(item.max_limit_request_ratio.as_ref()),
            default: Amounts::of(item.default.as_ref()),
            default_request: Amounts::of(item.default_request.as_ref()),
        };
        if read.kind == LimitType::Container {
            // What a manifest leaves out, the API server fills in (`SetDefaults_LimitRangeItem`).
            read.default = or_else(read.default, &read.max);
            read.default_request = or_else(read.default_request, &read.default);
            read.default_request = or_else(read.default_request, &read.min);
        }
        Some(read)
    }

    /// The amounts of one bound.
    #[must_use]
    pub const fn bound(&self, bound: Bound) -> &Amounts {
        match bound {
            Bound::Min => &self.min,
            Bound::Max => &self.max,
            Bound::Ratio => &self.ratio,
        }
    }
}

fn or_else(mut amounts: Amounts, others: &Amounts) -> Amounts {
    for (name, amount) in others.iter() {
        if amounts.get(name).is_none() {
            amounts.set(name, amount);
        }
    }
    amounts
}

/// The LimitRanges of a namespace. Where several give a default for the same, the first by name is taken; the
/// API server takes whichever its cache lists first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Limits(pub Vec<LimitItem>);

/// Why a LimitRange refuses something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The LimitRange.
    pub range: String,
    /// What it is about.
    pub kind: LimitType,
    /// Which side of what is allowed.
    pub bound: Bound,
    /// The resource.
    pub resource: String,
    /// What is allowed.
    pub allowed: Quantity,
}

impl Limits {
    /// The limits of a namespace.
    #[must_use]
    pub fn of(ranges: &[LimitRange], namespace: &str) -> Self {
        let mut here: Vec<&LimitRange> =
            ranges.iter().filter(|range| range.metadata.namespace.as_deref() == Some(namespace)).collect();
        here.sort_by_key(|range| range.metadata.name.clone());
        let items = here.into_iter().flat_map(|range| {
            let name = range.metadata.name.as_deref().unwrap_or_default();
            range.spec.iter().flat_map(|spec| &spec.limits).filter_map(move |item| LimitItem::of(name, item))
        });
        Self(items.collect())
    }

    /// How many LimitRanges there are.
    #[must_use]
    pub fn ranges(&self) -> usize {
        self.0.iter().map(|item| &item.range).collect::<std::collections::BTreeSet<_>>().len()
    }

    /// The tightest amount of a bound, and the LimitRange that sets it.
    #[must_use]
    pub fn tightest(&self, kind: LimitType, bound: Bound, resource: &str) -> Option<(Quantity, &str)> {
        let of_extent = self.0.iter().filter(|item| item.kind == kind);
        let amounts = of_extent.filter_map(|item| Some((item.bound(bound).get(resource)?, item.range.as_str())));
        match bound {
            Bound::Min => amounts.max_by_key(|(amount, _)| *amount),
            Bound::Max | Bound::Ratio => amounts.min_by_key(|(amount, _)| *amount),
        }
    }

    /// The pod as admission leaves it: a container's request is its limit where it names only that
    /// (`SetDefaults_Pod`), then come the defaults of the LimitRanges (`mergePodResourceRequirements`).
    #[must_use]
    pub fn defaulted(&self, pod: &Pod) -> Pod {
        let mut pod = pod.clone();
        if let Some(spec) = &mut pod.spec {
            for container in spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten()) {
                self.default_one(container);
            }
        }
        pod
    }

    fn default_one(&self, container: &mut Container) {
        let resources = container.resources.get_or_insert_with(ResourceRequirements::default);
        let limits = resources.limits.get_or_insert_default();
        let requests = resources.requests.get_or_insert_default();
        for (name, amount) in &*limits {
            requests.entry(name.clone()).or_insert_with(|| amount.clone());
        }
        for item in self.0.iter().filter(|item| item.kind == LimitType::Container) {
            fill(limits, &item.default);
            fill(requests, &item.default_request);
        }
    }

    /// Why a pod is refused once it has its defaults; empty where it is not (`PodValidateLimitFunc`).
    #[must_use]
    pub fn refusals(&self, pod: &Pod) -> Vec<Refusal> {
        let spec = pod.spec.clone().unwrap_or_default();
        let mut all = Vec::new();
        for item in &self.0 {
            match item.kind {
                LimitType::Container => {
                    for container in spec.containers.iter().chain(spec.init_containers.iter().flatten()) {
                        let resources = container.resources.clone().unwrap_or_default();
                        let requests = Amounts::of(resources.requests.as_ref());
                        all.extend(refusals(item, &requests, &Amounts::of(resources.limits.as_ref())));
                    }
                }
                LimitType::Pod => {
                    // A LimitRange does not count overhead, unlike a quota.
                    let mut bare = pod.clone();
                    if let Some(spec) = &mut bare.spec {
                        spec.overhead = None;
                    }
                    all.extend(refusals(item, &taken(&bare, Side::Requests), &taken(&bare, Side::Limits)));
                }
                LimitType::PersistentVolumeClaim => {}
            }
        }
        all
    }

    /// Why a claim is refused; empty where it is not (`PersistentVolumeClaimValidateLimitFunc`).
    #[must_use]
    pub fn refusals_of_claim(&self, claim: &PersistentVolumeClaim) -> Vec<Refusal> {
        let resources = claim.spec.as_ref().and_then(|spec| spec.resources.as_ref());
        let requests = Amounts::of(resources.and_then(|resources| resources.requests.as_ref()));
        let items = self.0.iter().filter(|item| item.kind == LimitType::PersistentVolumeClaim);
        // Only what is requested is looked at: a claim's limits are not the user's to set.
        items.flat_map(|item| refusals(item, &requests, &requests)).collect()
    }
}

fn fill(amounts: &mut BTreeMap<String, Written>, defaults: &Amounts) {
    for (name, amount) in defaults.iter() {
        amounts.entry(name.to_owned()).or_insert_with(|| Written(amount.to_string()));
    }
}

/// `minConstraint`, `maxConstraint`, `limitRequestRatioConstraint`.
fn refusals(item: &LimitItem, requests: &Amounts, limits: &Amounts) -> Vec<Refusal> {
    let mut all = Vec::new();
    for bound in [Bound::Min, Bound::Max, Bound::Ratio] {
        for (resource, allowed) in item.bound(bound).iter() {
            let (request, limit) = (requests.get(resource), limits.get(resource));
            let refused = match bound {
                Bound::Min => request.is_none_or(|one| one < allowed) || limit.is_some_and(|one| one < allowed),
                Bound::Max => limit.is_none_or(|one| one > allowed) || request.is_some_and(|one| one > allowed),
                Bound::Ratio => exceeds(request, limit, allowed),
            };
            if refused {
                let (range, resource) = (item.range.clone(), resource.to_owned());
                all.push(Refusal { range, kind: item.kind, bound, resource, allowed });
            }
        }
    }
    all
}

/// Without a request or a limit, or with one of nothing, there is no ratio, and that is refused.
fn exceeds(request: Option<Quantity>, limit: Option<Quantity>, ratio: Quantity) -> bool {
    let amount = |quantity: Option<Quantity>| quantity.unwrap_or_default().milli();
    let (request, limit) = (amount(request), amount(limit));
    request == 0 || limit == 0 || limit.saturating_mul(1000) > ratio.milli().saturating_mul(request)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::{Bound, LimitType, Limits};

    fn limits(items: &Value) -> Limits {
        let range = json!({"metadata": {"namespace": "a", "name": "size"}, "spec": {"limits": items}});
        Limits::of(&[serde_json::from_value(range).unwrap()], "a")
    }

    fn pod(resources: &Value) -> k8s_openapi::api::core::v1::Pod {
        serde_json::from_value(json!({"metadata": {}, "spec": {"containers": [{"name": "c", "resources": resources}]}}))
            .unwrap()
    }

    #[rstest]
    #[case::both(json!({"default": {"cpu": "100m"}, "defaultRequest": {"cpu": "10m"}}), json!({}), "10m", "100m")]
    #[case::limit_from_max(json!({"max": {"cpu": "2"}}), json!({}), "2", "2")]
    #[case::request_from_default(json!({"default": {"cpu": "1"}}), json!({}), "1", "1")]
    #[case::request_from_min(json!({"min": {"cpu": "5m"}}), json!({}), "5m", "")]
    #[case::its_own_limit_first(json!({"defaultRequest": {"cpu": "10m"}, "default": {"cpu": "1"}}),
        json!({"limits": {"cpu": "3"}}), "3", "3")]
    #[case::its_own_request_stays(json!({"default": {"cpu": "1"}}), json!({"requests": {"cpu": "7m"}}), "7m", "1")]
    #[case::nothing_without_a_range(json!({"type": "Pod", "max": {"cpu": "1"}}), json!({}), "", "")]
    fn a_container_gets(#[case] item: Value, #[case] asks: Value, #[case] request: &str, #[case] limit: &str) {
        let mut whole = json!({"type": "Container"});
        whole.as_object_mut().unwrap().extend(item.as_object().unwrap().clone());
        let pod = limits(&json!([whole])).defaulted(&pod(&asks));
        let resources = pod.spec.unwrap().containers[0].resources.clone().unwrap();
        let of = |amounts: Option<std::collections::BTreeMap<String, _>>| {
            amounts.unwrap_or_default().get("cpu").map(|q: &super::Written| q.0.clone()).unwrap_or_default()
        };
        assert_eq!((of(resources.requests).as_str(), of(resources.limits).as_str()), (request, limit));
    }

    #[rstest]
    #[case::at_max(json!({"max": {"cpu": "2"}}), json!({"requests": {"cpu": "2"}, "limits": {"cpu": "2"}}), None)]
    #[case::past_max(json!({"max": {"cpu": "2"}}), json!({"requests": {"cpu": "1"}, "limits": {"cpu": "2001m"}}), Some(Bound::Max))]
    #[case::no_limit(json!({"max": {"cpu": "2"}}), json!({"requests": {"cpu": "1"}}), Some(Bound::Max))]
    #[case::at_min(json!({"min": {"cpu": "10m"}}), json!({"requests": {"cpu": "10m"}}), None)]
    #[case::below_min(json!({"min": {"cpu": "10m"}}), json!({"requests": {"cpu": "9m"}}), Some(Bound::Min))]
    #[case::limit_below_min(json!({"min": {"cpu": "10m"}}), json!({"requests": {"cpu": "10m"}, "limits": {"cpu": "9m"}}), Some(Bound::Min))]
    #[case::at_ratio(json!({"maxLimitRequestRatio": {"cpu": "2"}}), json!({"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}), None)]
    #[case::past_ratio(json!({"maxLimitRequestRatio": {"cpu": "2"}}), json!({"requests": {"cpu": "1"}, "limits": {"cpu": "2001m"}}), Some(Bound::Ratio))]
    #[case::no_ratio_of_nothing(json!({"maxLimitRequestRatio": {"cpu": "2"}}), json!({"limits": {"cpu": "1"}}), Some(Bound::Ratio))]
    fn a_container_is_refused(#[case] item: Value, #[case] asks: Value, #[case] expected: Option<Bound>) {
        // The bounds alone: as admission sees the container once it has its defaults.
        let mut whole = json!({"type": "Container"});
        whole.as_object_mut().unwrap().extend(item.as_object().unwrap().clone());
        let refusals = limits(&json!([whole])).refusals(&pod(&asks));
        assert_eq!(refusals.first().map(|refusal| refusal.bound), expected, "{refusals:?}");
    }

    #[test]
    fn a_pods_containers_are_summed_without_overhead() {
        let limits = limits(&json!([{"type": "Pod", "max": {"cpu": "2"}}]));
        let two = |cpu: &str, overhead: &str| {
            let container = json!({"name": "c", "resources": {"requests": {"cpu": cpu}, "limits": {"cpu": cpu}}});
            let spec = json!({"containers": [container, container], "overhead": {"cpu": overhead}});
            serde_json::from_value(json!({"metadata": {}, "spec": spec})).unwrap()
        };
        assert!(limits.refusals(&two("1", "5")).is_empty());
        assert_eq!(limits.refusals(&two("1001m", "0"))[0].kind, LimitType::Pod);
    }

    #[rstest]
    #[case("1Gi", None)]
    #[case("2Gi", Some(Bound::Max))]
    #[case("1Mi", Some(Bound::Min))]
    fn a_claim_is_refused(#[case] storage: &str, #[case] expected: Option<Bound>) {
        let limits = limits(&json!([
            {"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}, "min": {"storage": "1Gi"}}]));
        let claim = json!({"metadata": {}, "spec": {"resources": {"requests": {"storage": storage}}}});
        let refusals = limits.refusals_of_claim(&serde_json::from_value(claim).unwrap());
        assert_eq!(refusals.first().map(|refusal| refusal.bound), expected);
    }

    #[test]
    fn the_tightest_of_several_ranges_holds() {
        let range = |name: &str, max: &str| {
            serde_json::from_value(json!({"metadata": {"namespace": "a", "name": name},
                "spec": {"limits": [{"type": "Container", "max": {"cpu": max}}]}}))
            .unwrap()
        };
        let limits = Limits::of(&[range("wide", "4"), range("narrow", "2")], "a");
        let (max, name) = limits.tightest(LimitType::Container, Bound::Max, "cpu").unwrap();
        assert_eq!((max.to_string().as_str(), name), ("2", "narrow"));
    }
}
