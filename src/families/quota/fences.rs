//! How each fence of this family is taken down, and put back. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{LimitRange, LimitRangeItem, ResourceQuota};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Written;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use super::rules::{Held, Sized, held, sized};
use super::seen::ShareSeen;
use crate::families::{Bound, Mutant, PlanInput};
use crate::model::{Family, Namespace, Quantity};
use crate::semantics::quota::{LimitType, Limits, holdings};
use crate::tenancy::{Party, PartyKind};

/// One way to break one fence.
#[derive(Clone, Debug, PartialEq)]
pub struct Sabotage {
    /// What is done.
    pub how: How,
    /// The same in one sentence, with the object by name.
    pub description: String,
    /// The object while broken; `None` where it is deleted.
    pub broken: Option<Value>,
    /// The object as it was, without what the API server sets: to put back.
    pub whole: Value,
}

/// What is done to a quota or a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// A ResourceQuota is deleted.
    QuotaDeleted,
    /// It holds twice as much of one resource.
    QuotaRaised,
    /// A LimitRange is deleted.
    LimitsDeleted,
    /// It lets a container be twice as large in one resource.
    LimitRaised,
    /// One of its bounds or defaults is taken out, for one resource.
    LimitDropped,
}

/// Every way to break these quotas and limits, in their order.
#[must_use]
pub fn sabotages(quotas: &[ResourceQuota], ranges: &[LimitRange]) -> Vec<Sabotage> {
    quotas.iter().flat_map(of_quota).chain(ranges.iter().flat_map(of_range)).collect()
}

/// Every way to break the quotas and limits of the tenants. One that costs no promise is harmless: what was
/// promised is still held by another object, or by what is left of this one.
#[must_use]
pub(super) fn mutants(input: &PlanInput<'_>) -> Vec<Mutant> {
    let mut all = Vec::new();
    for party in input.tenancy.parties.iter().filter(|party| party.kind == PartyKind::Tenant) {
        for namespace in input.namespaces.get(&party.id).into_iter().flatten() {
            let name = namespace.as_str();
            let quotas = here(&input.snapshot.quotas, name, |quota| quota.metadata.namespace.as_deref());
            let ranges = here(&input.snapshot.limit_ranges, name, |range| range.metadata.namespace.as_deref());
            for sabotage in sabotages(&quotas, &ranges) {
                let harmless = harmless(party, name, (&quotas, &ranges), &sabotage);
                all.push(Mutant {
                    family: Family::from(super::NAME),
                    description: sabotage.description,
                    whole: Some(sabotage.whole),
                    broken: sabotage.broken,
                    tenants: [party.id.clone()].into(),
                    harmless,
                });
            }
            all.push(unlocked(party, namespace));
        }
    }
    all
}

/// A binding by which a tenant may change its own quotas and limits: a role that every cluster has.
fn unlocked(party: &Party, namespace: &Namespace) -> Mutant {
    let group = format!("system:serviceaccounts:{namespace}");
    Mutant::binding(super::NAME, Some(namespace), "unlocked", "cluster-admin", Bound::Group(&group), &[&party.id])
}

fn here<K: Clone>(objects: &[K], name: &str, namespace: impl Fn(&K) -> Option<&str>) -> Vec<K> {
    objects.iter().filter(|object| namespace(object) == Some(name)).cloned().collect()
}

/// Why no check of this family can notice; `None` where one should.
fn harmless(
    party: &Party,
    namespace: &str,
    (quotas, ranges): (&[ResourceQuota], &[LimitRange]),
    sabotage: &Sabotage,
) -> Option<String> {
    let (mut quotas, mut ranges) = (quotas.to_vec(), ranges.to_vec());
    let name = sabotage.whole.pointer("/metadata/name").and_then(Value::as_str);
    let broken = sabotage.broken.clone();
    match sabotage.how {
        How::QuotaDeleted | How::QuotaRaised => {
            quotas.retain(|quota| quota.metadata.name.as_deref() != name);
            quotas.extend(broken.and_then(|broken| serde_json::from_value(broken).ok()));
        }
        How::LimitsDeleted | How::LimitRaised | How::LimitDropped => {
            ranges.retain(|range| range.metadata.name.as_deref() != name);
            ranges.extend(broken.and_then(|broken| serde_json::from_value(broken).ok()));
        }
    }
    let left =
        ShareSeen { holdings: holdings(&quotas, namespace), limits: Limits::of(&ranges, namespace), fault: None };
    let quotas_hold = party
        .share
        .quota
        .iter()
        .all(|(resource, promised)| matches!(held(&left, resource, None, Some(*promised)), Held::Within { .. }));
    let limits_hold = party
        .share
        .container
        .iter()
        .all(|(resource, promised)| matches!(sized(&left, resource, *promised), Sized::Within { .. }));
    let holds = quotas_hold && limits_hold && defaults_hold(party, &left);
    holds.then(|| "what was promised is held all the same".to_owned())
}

/// Whether a container that asks for nothing gets all that the quotas ask for, and what was promised of its size; where
/// nothing is promised and no LimitRange is about containers, nobody asks.
fn defaults_hold(party: &Party, share: &ShareSeen) -> bool {
    let of_containers = || share.limits.0.iter().filter(|item| item.kind == LimitType::Container);
    if party.share.container.is_empty() && of_containers().next().is_none() {
        return true;
    }
    let limited = |resource: &str| of_containers().any(|item| item.default.get(resource).is_some());
    let requested = |resource: &str| of_containers().any(|item| item.default_request.get(resource).is_some());
    let given = |name: &str| match name {
        "limits.cpu" => limited("cpu"),
        "limits.memory" => limited("memory"),
        "cpu" | "requests.cpu" => requested("cpu"),
        "memory" | "requests.memory" => requested("memory"),
        _ => true,
    };
    let unscoped = share.holdings.iter().filter(|holding| holding.scopes.is_empty());
    unscoped.flat_map(|holding| holding.hard.iter()).all(|(name, _)| given(name))
        && party.share.container.keys().all(|resource| limited(resource))
}

fn of_quota(quota: &ResourceQuota) -> Vec<Sabotage> {
    let whole = ResourceQuota { metadata: bare(&quota.metadata), spec: quota.spec.clone(), status: None };
    let name = name_of("ResourceQuota", &whole.metadata);
    let mut all = vec![Sabotage {
        how: How::QuotaDeleted,
        description: format!("{name}: deleted"),
        broken: None,
        whole: written(&whole, "ResourceQuota"),
    }];
    for (resource, raised) in doubled(whole.spec.as_ref().and_then(|spec| spec.hard.as_ref())) {
        let mut broken = whole.clone();
        let hard = broken.spec.get_or_insert_default().hard.get_or_insert_default();
        hard.insert(resource.clone(), Written(raised.to_string()));
        all.push(Sabotage {
            how: How::QuotaRaised,
            description: format!("{name}: {resource} raised to {raised}"),
            broken: Some(written(&broken, "ResourceQuota")),
            whole: written(&whole, "ResourceQuota"),
        });
    }
    all
}

fn of_range(range: &LimitRange) -> Vec<Sabotage> {
    let whole = LimitRange { metadata: bare(&range.metadata), spec: range.spec.clone() };
    let name = name_of("LimitRange", &whole.metadata);
    let mut all = vec![Sabotage {
        how: How::LimitsDeleted,
        description: format!("{name}: deleted"),
        broken: None,
        whole: written(&whole, "LimitRange"),
    }];
    for (index, item) in whole.spec.iter().flat_map(|spec| &spec.limits).enumerate() {
        for (resource, raised) in doubled(item.max.as_ref()) {
            let mut broken = whole.clone();
            let place = broken.spec.as_mut().and_then(|spec| spec.limits.get_mut(index));
            let Some(item) = place else { continue };
            item.max.get_or_insert_default().insert(resource.clone(), Written(raised.to_string()));
            all.push(Sabotage {
                how: How::LimitRaised,
                description: format!("{name}: the most {resource} of one {} raised to {raised}", item.type_),
                broken: Some(written(&broken, "LimitRange")),
                whole: written(&whole, "LimitRange"),
            });
        }
        all.extend(dropped(&whole, index, &name));
    }
    all
}

/// The amounts of one kind that an item of a LimitRange names.
type Part = fn(&mut LimitRangeItem) -> &mut Option<BTreeMap<String, Written>>;

/// What an item of a LimitRange can say of a resource.
const PARTS: [(&str, Part); 5] = [
    ("max", |item| &mut item.max),
    ("min", |item| &mut item.min),
    ("default", |item| &mut item.default),
    ("defaultRequest", |item| &mut item.default_request),
    ("maxLimitRequestRatio", |item| &mut item.max_limit_request_ratio),
];

/// The LimitRange without one amount of one item, for each of them.
fn dropped(whole: &LimitRange, index: usize, name: &str) -> Vec<Sabotage> {
    let item = |range: &LimitRange| range.spec.as_ref().and_then(|spec| spec.limits.get(index)).cloned();
    let mut all = Vec::new();
    for (what, part) in PARTS {
        let Some(mut before) = item(whole) else { continue };
        for resource in part(&mut before).clone().unwrap_or_default().into_keys() {
            let mut broken = whole.clone();
            let place = broken.spec.as_mut().and_then(|spec| spec.limits.get_mut(index));
            let Some(item) = place else { continue };
            if let Some(amounts) = part(item) {
                amounts.remove(&resource);
            }
            all.push(Sabotage {
                how: How::LimitDropped,
                description: format!("{name}: the {what} of {resource} of a {} taken out", before.type_),
                broken: Some(written(&broken, "LimitRange")),
                whole: written(whole, "LimitRange"),
            });
        }
    }
    all
}

fn doubled(amounts: Option<&BTreeMap<String, Written>>) -> Vec<(String, Quantity)> {
    let double = |(name, amount): (&String, &Written)| {
        let amount = Quantity::parse(&amount.0)?.milli().max(1000);
        Some((name.clone(), Quantity::of_milli(amount * 2)))
    };
    amounts.into_iter().flatten().filter_map(double).collect()
}

/// The object as somebody would write it.
fn bare(metadata: &ObjectMeta) -> ObjectMeta {
    let ObjectMeta { namespace, name, labels, annotations, .. } = metadata.clone();
    ObjectMeta { namespace, name, labels, annotations, ..ObjectMeta::default() }
}

fn name_of(kind: &str, metadata: &ObjectMeta) -> String {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    format!("{kind} {}/{}", text(&metadata.namespace), text(&metadata.name))
}

fn written(object: &impl serde::Serialize, kind: &str) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("apiVersion".to_owned(), "v1".into());
        fields.insert("kind".to_owned(), kind.into());
    }
    value
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::{How, harmless, sabotages};
    use crate::tenancy;

    #[rstest]
    #[case("deleted", 1, false)]
    #[case("pods raised", 1, false)]
    #[case("services raised", 1, true)]
    #[case("deleted", 2, true)]
    fn what_costs_no_promise_is_harmless(#[case] words: &str, #[case] quotas: usize, #[case] expected: bool) {
        let tenancy = "apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: t\ntenants:\n\
                       - {id: a, namespaces: [a], share: {quota: {pods: '20'}}}\n- {id: b, namespaces: [b]}\n";
        let tenancy = tenancy::read("t.yaml", tenancy.as_bytes()).unwrap();
        let quota = |name: &str| {
            let hard = json!({"pods": "20", "services": "1"});
            serde_json::from_value(json!({"metadata": {"namespace": "a", "name": name}, "spec": {"hard": hard}}))
                .unwrap()
        };
        let quotas: Vec<_> = ["one", "two"].into_iter().take(quotas).map(quota).collect();
        let ways = sabotages(&quotas, &[]);
        let way = ways.iter().find(|way| way.description.contains(words)).unwrap();
        assert_eq!(harmless(&tenancy.parties[0], "a", (&quotas, &[]), way).is_some(), expected, "{}", way.description);
    }

    #[rstest]
    #[case("the max of cpu of a Container", false)]
    #[case("the default of cpu", true)]
    #[case("the default of memory", false)]
    #[case("the defaultRequest of memory", true)]
    #[case("the max of memory of a Pod", true)]
    fn what_is_taken_out_of_a_limit_range_matters_where_something_rests_on_it(
        #[case] words: &str,
        #[case] expected: bool,
    ) {
        let tenancy = "apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: t\ntenants:\n\
                       - {id: a, namespaces: [a], share: {container: {cpu: '2'}}}\n- {id: b, namespaces: [b]}\n";
        let tenancy = tenancy::read("t.yaml", tenancy.as_bytes()).unwrap();
        let hard = json!({"limits.cpu": "8", "requests.cpu": "8", "limits.memory": "1Gi", "requests.memory": "1Gi"});
        let quota = json!({"metadata": {"namespace": "a", "name": "share"}, "spec": {"hard": hard}});
        let range = json!({"metadata": {"namespace": "a", "name": "size"}, "spec": {"limits": [
            {"type": "Container", "max": {"cpu": "2"}, "default": {"cpu": "100m", "memory": "64Mi"},
             "defaultRequest": {"cpu": "10m", "memory": "16Mi"}},
            {"type": "Pod", "max": {"memory": "1Gi"}}]}});
        let quotas = [serde_json::from_value(quota).unwrap()];
        let ranges = [serde_json::from_value(range).unwrap()];
        let ways = sabotages(&quotas, &ranges);
        let taken_out = |way: &&super::Sabotage| way.how == How::LimitDropped && way.description.contains(words);
        let way = ways.iter().find(taken_out).unwrap();
        assert_eq!(
            harmless(&tenancy.parties[0], "a", (&quotas, &ranges), way).is_some(),
            expected,
            "{}",
            way.description
        );
    }

    #[test]
    fn each_quota_and_each_limit_is_broken_in_every_way_and_can_be_put_back() {
        let quota = json!({"metadata": {"namespace": "a", "name": "share", "uid": "u", "resourceVersion": "7"},
            "spec": {"hard": {"pods": "20", "requests.cpu": "8"}}, "status": {"hard": {"pods": "20"}}});
        let range = json!({"metadata": {"namespace": "a", "name": "size"},
            "spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}}, {"type": "Pod", "min": {"cpu": "1m"}}]}});
        let all = sabotages(&[serde_json::from_value(quota).unwrap()], &[serde_json::from_value(range).unwrap()]);
        let told: Vec<(How, &str)> = all.iter().map(|one| (one.how, one.description.as_str())).collect();
        assert_eq!(
            told,
            [
                (How::QuotaDeleted, "ResourceQuota a/share: deleted"),
                (How::QuotaRaised, "ResourceQuota a/share: pods raised to 40"),
                (How::QuotaRaised, "ResourceQuota a/share: requests.cpu raised to 16"),
                (How::LimitsDeleted, "LimitRange a/size: deleted"),
                (How::LimitRaised, "LimitRange a/size: the most cpu of one Container raised to 4"),
                (How::LimitDropped, "LimitRange a/size: the max of cpu of a Container taken out"),
                (How::LimitDropped, "LimitRange a/size: the min of cpu of a Pod taken out"),
            ]
        );
        assert_eq!(all[1].broken.as_ref().unwrap()["spec"]["hard"]["pods"], "40");
        assert_eq!(all[4].broken.as_ref().unwrap()["spec"]["limits"][0]["max"]["cpu"], "4");
        for one in &all {
            assert!(one.whole["metadata"].get("uid").is_none() && one.whole.get("status").is_none(), "{one:?}");
        }
        assert_eq!(all[0].whole["spec"]["hard"]["requests.cpu"], "8");
    }
}
