//! Selectors and rules by which the API server and the policy engines choose requests.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::Asked;

/// Labels of an object.
pub(super) type Labels = BTreeMap<String, String>;

/// Whether a selector chooses these labels; none chooses everything. `None` for an operator that no API server takes.
pub(super) fn selects(selector: Option<&LabelSelector>, labels: &Labels) -> Option<bool> {
    let Some(selector) = selector else { return Some(true) };
    if selector.match_labels.iter().flatten().any(|(key, value)| labels.get(key) != Some(value)) {
        return Some(false);
    }
    for requirement in selector.match_expressions.iter().flatten() {
        let value = labels.get(&requirement.key);
        let among = value.is_some_and(|value| requirement.values.iter().flatten().any(|one| one == value));
        let holds = match requirement.operator.as_str() {
            "In" => among,
            "NotIn" => !among,
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => return None,
        };
        if !holds {
            return Some(false);
        }
    }
    Some(true)
}

/// The keys that a selector reads.
pub(super) fn keys(selector: Option<&LabelSelector>) -> BTreeSet<String> {
    let labels = selector.iter().flat_map(|selector| selector.match_labels.iter().flatten().map(|(key, _)| key));
    let expressions = selector.iter().flat_map(|selector| selector.match_expressions.iter().flatten());
    labels.chain(expressions.map(|requirement| &requirement.key)).cloned().collect()
}

/// One rule of a webhook or of a policy: groups, versions, resources and operations.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rule<'a> {
    pub(super) groups: &'a [String],
    pub(super) versions: &'a [String],
    pub(super) resources: &'a [String],
    pub(super) operations: &'a [String],
    pub(super) scope: Option<&'a str>,
    pub(super) names: &'a [String],
    /// Whether the same resource in another version counts too (`matchPolicy: Equivalent`, the default).
    pub(super) equivalent: bool,
}

impl Rule<'_> {
    /// Whether it is about a request. Of `rules.Matcher` in the API server: a resource without a subresource never
    /// means its subresources, `*/*` means all.
    pub(super) fn is_about(&self, asked: &Asked<'_>) -> bool {
        let any = |all: &[String], one: &str| all.iter().any(|word| word == "*" || word == one);
        let resource = |word: &String| {
            let (resource, subresource) = word.split_once('/').unwrap_or((word, ""));
            (resource == "*" || resource == asked.resource) && (subresource == "*" || subresource == asked.subresource)
        };
        any(self.operations, asked.operation.as_str())
            && any(self.groups, asked.group)
            && (self.equivalent || any(self.versions, asked.version))
            && self.resources.iter().any(resource)
            && self.scope.is_none_or(|scope| scope != "Cluster")
            && (self.names.is_empty() || self.names.iter().any(|name| name == asked.name))
    }
}

/// Whether a name has a form such as `kube-*` or `*-system`, as Gatekeeper and Kyverno match names.
pub(super) fn has_form(form: &str, name: &str) -> bool {
    fn of(form: &[u8], name: &[u8]) -> bool {
        match form.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|at| name.get(at..).is_some_and(|name| of(rest, name))),
            Some((b'?', rest)) => name.split_first().is_some_and(|(_, name)| of(rest, name)),
            Some((letter, rest)) => name.split_first().is_some_and(|(first, name)| first == letter && of(rest, name)),
        }
    }
    of(form.as_bytes(), name.as_bytes())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::{Labels, Rule, has_form, selects};
    use crate::semantics::admission::{Asked, Operation};

    #[rstest]
    #[case(json!(null), true)]
    #[case(json!({}), true)]
    #[case(json!({"matchLabels": {"tier": "gold"}}), true)]
    #[case(json!({"matchLabels": {"tier": "gold", "tenant": "b"}}), false)]
    #[case(json!({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["gold", "tin"]}]}), true)]
    #[case(json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["gold"]}]}), false)]
    #[case(json!({"matchExpressions": [{"key": "ignore", "operator": "DoesNotExist"}]}), true)]
    #[case(json!({"matchExpressions": [{"key": "ignore", "operator": "Exists"}]}), false)]
    #[case(json!({"matchExpressions": [{"key": "ignore", "operator": "NotIn", "values": ["x"]}]}), true)]
    fn a_selector_chooses(#[case] selector: Value, #[case] expected: bool) {
        let labels = Labels::from([("tier".to_owned(), "gold".to_owned())]);
        let selector: Option<_> = serde_json::from_value(selector).unwrap();
        assert_eq!(selects(selector.as_ref(), &labels), Some(expected));
    }

    #[test]
    fn an_operator_that_nobody_knows_tells_nothing() {
        let selector = json!({"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]});
        assert_eq!(selects(Some(&serde_json::from_value(selector).unwrap()), &Labels::new()), None);
    }

    #[rstest]
    #[case::itself("pods", "pods", "", true)]
    #[case::not_its_subresource("pods", "pods", "ephemeralcontainers", false)]
    #[case::all_but_subresources("*", "pods", "ephemeralcontainers", false)]
    #[case::all("*/*", "pods", "ephemeralcontainers", true)]
    #[case::all_of_one("pods/*", "pods", "ephemeralcontainers", true)]
    #[case::all_of_one_and_itself("pods/*", "pods", "", true)]
    #[case::that_subresource("pods/ephemeralcontainers", "pods", "ephemeralcontainers", true)]
    #[case::another("pods/exec", "pods", "ephemeralcontainers", false)]
    #[case::another_resource("deployments", "pods", "", false)]
    fn a_rule_names_resources(
        #[case] word: &str,
        #[case] resource: &str,
        #[case] subresource: &str,
        #[case] expected: bool,
    ) {
        let all = ["*".to_owned()];
        let resources = [word.to_owned()];
        let labels = Labels::new();
        let rule = Rule { groups: &all, versions: &all, resources: &resources, operations: &all, ..Rule::default() };
        let asked = Asked { resource, subresource, ..Asked::pod(Operation::Create, "a", &labels) };
        assert_eq!(rule.is_about(&asked), expected);
    }

    #[rstest]
    #[case("CREATE", "", "v1", true, true)]
    #[case("UPDATE", "", "v1", true, false)]
    #[case("*", "apps", "v1", true, false)]
    #[case("CREATE", "", "v2", true, true)]
    #[case("CREATE", "", "v2", false, false)]
    fn a_rule_names_operations_groups_and_versions(
        #[case] operation: &str,
        #[case] group: &str,
        #[case] version: &str,
        #[case] equivalent: bool,
        #[case] expected: bool,
    ) {
        let [operations, groups, versions, resources] = [operation, group, version, "pods"].map(|one| [one.to_owned()]);
        let rule = Rule {
            groups: &groups,
            versions: &versions,
            resources: &resources,
            operations: &operations,
            equivalent,
            ..Rule::default()
        };
        assert_eq!(rule.is_about(&Asked::pod(Operation::Create, "a", &Labels::new())), expected);
    }

    #[rstest]
    #[case("kube-*", "kube-system", true)]
    #[case("kube-*", "my-kube-system", false)]
    #[case("*-system", "kube-system", true)]
    #[case("*", "a", true)]
    #[case("a", "a", true)]
    #[case("a", "ab", false)]
    #[case("t?nant", "tenant", true)]
    #[case("*nan*", "tenant-1", true)]
    fn a_name_has_a_form(#[case] form: &str, #[case] name: &str, #[case] expected: bool) {
        assert_eq!(has_form(form, name), expected);
    }
}
