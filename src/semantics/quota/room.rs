//! What a quota holds, and the room that it leaves.

use k8s_openapi::api::core::v1::ResourceQuota;
use serde::{Deserialize, Serialize};

use super::amounts::Amounts;
use super::scope::Scopes;
use crate::model::Quantity;

/// A quota, as far as admission reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// Its name.
    pub name: String,
    /// What it shall hold (`spec.hard`).
    pub hard: Amounts,
    /// What admission holds to (`status.hard`): what the quota controller has taken over of the former.
    pub enforced: Amounts,
    /// What is used, as the quota controller and admission count it.
    pub used: Amounts,
    /// Which pods it counts.
    pub scopes: Scopes,
}

impl Holding {
    /// Reads a quota.
    #[must_use]
    pub fn of(quota: &ResourceQuota) -> Self {
        let status = quota.status.as_ref();
        Self {
            name: quota.metadata.name.clone().unwrap_or_default(),
            hard: Amounts::of(quota.spec.as_ref().and_then(|spec| spec.hard.as_ref())),
            enforced: Amounts::of(status.and_then(|status| status.hard.as_ref())),
            used: Amounts::of(status.and_then(|status| status.used.as_ref())),
            scopes: Scopes::of(quota),
        }
    }

    /// What is left of a resource; `None` where the quota does not hold it, or has not counted it yet.
    #[must_use]
    pub fn room(&self, resource: &str) -> Option<Quantity> {
        let (hard, used) = (self.enforced.get(resource)?, self.used.get(resource)?);
        Some(Quantity::of_milli(hard.milli() - used.milli()))
    }

    /// The name under which the quota holds a resource: `cpu` is `requests.cpu`.
    #[must_use]
    pub fn holds(&self, resource: &str) -> Option<&str> {
        let usual = usual_name(resource);
        self.hard.iter().map(|(name, _)| name).find(|name| usual_name(name) == usual)
    }
}

/// The quotas of a namespace, by their names.
#[must_use]
pub fn holdings(quotas: &[ResourceQuota], namespace: &str) -> Vec<Holding> {
    let here = quotas.iter().filter(|quota| quota.metadata.namespace.as_deref() == Some(namespace));
    let mut all: Vec<Holding> = here.map(Holding::of).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

/// The quota that holds a resource most tightly among those that count everything, and the name under which it does.
#[must_use]
pub fn tightest<'a>(holdings: &'a [Holding], resource: &str) -> Option<(&'a Holding, &'a str)> {
    let holding = holdings.iter().filter(|holding| holding.scopes.is_empty());
    let holding = holding.filter_map(|holding| Some((holding, holding.holds(resource)?)));
    holding.min_by_key(|(holding, name)| holding.hard.get(name))
}

/// One name for the names that mean the same (`podComputeUsageHelper` counts both).
#[must_use]
pub fn usual_name(resource: &str) -> String {
    match resource {
        "cpu" | "memory" | "ephemeral-storage" => format!("requests.{resource}"),
        _ if resource.starts_with("hugepages-") => format!("requests.{resource}"),
        _ => resource.to_owned(),
    }
}

/// The least by which an amount of a resource can grow.
#[must_use]
pub fn step(resource: &str) -> Quantity {
    if matches!(resource, "cpu" | "requests.cpu" | "limits.cpu") {
        return Quantity::of_milli(1);
    }
    let page = resource.rsplit_once("hugepages-").and_then(|(_, size)| Quantity::parse(size));
    page.unwrap_or(Quantity::of_milli(1000))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::{Holding, holdings, step, tightest};

    fn quota(name: &str, hard: &serde_json::Value, scopes: &[&str]) -> serde_json::Value {
        json!({"metadata": {"namespace": "a", "name": name}, "spec": {"hard": hard, "scopes": scopes},
               "status": {"hard": hard, "used": {"pods": "3"}}})
    }

    #[test]
    fn room_is_what_is_held_less_what_is_used() {
        let holding =
            Holding::of(&serde_json::from_value(quota("q", &json!({"pods": "20", "cpu": "1"}), &[])).unwrap());
        assert_eq!(holding.room("pods").unwrap().to_string(), "17");
        assert_eq!(holding.room("cpu"), None, "what is not counted yet has no room to tell of");
        assert_eq!(holding.holds("requests.cpu"), Some("cpu"));
    }

    #[rstest]
    #[case::the_least(&[("one", "20", false), ("two", "10", false)], Some("two"))]
    #[case::scopes_count_some_only(&[("one", "20", false), ("two", "10", true)], Some("one"))]
    #[case::none(&[("two", "10", true)], None)]
    fn the_tightest_quota_counts_everything(#[case] quotas: &[(&str, &str, bool)], #[case] expected: Option<&str>) {
        let quotas: Vec<_> = quotas
            .iter()
            .map(|(name, pods, scoped)| {
                let scopes: &[&str] = if *scoped { &["BestEffort"] } else { &[] };
                serde_json::from_value(quota(name, &json!({"pods": pods}), scopes)).unwrap()
            })
            .collect();
        let all = holdings(&quotas, "a");
        assert_eq!(tightest(&all, "pods").map(|(holding, _)| holding.name.as_str()), expected);
        assert!(holdings(&quotas, "b").is_empty());
    }

    #[rstest]
    #[case("limits.cpu", "1m")]
    #[case("cpu", "1m")]
    #[case("requests.memory", "1")]
    #[case("pods", "1")]
    #[case("requests.hugepages-2Mi", "2Mi")]
    fn the_least_that_one_can_ask_for_more(#[case] resource: &str, #[case] expected: &str) {
        assert_eq!(step(resource).to_string(), expected);
    }
}
