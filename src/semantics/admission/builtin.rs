//! ValidatingAdmissionPolicy with its bindings, and policies of Kyverno that have the same form.

use k8s_openapi::api::admissionregistration::v1::{
    MatchResources, NamedRuleWithOperations, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};

use super::matching::{Labels, Rule, keys, selects};
use super::{Asked, Away, Concern, Effect, Engine, Policy};

/// How a policy and its bindings stand to a request; `None` where the policy is about something else.
pub(super) fn concern(
    policy: &ValidatingAdmissionPolicy,
    bindings: &[ValidatingAdmissionPolicyBinding],
    asked: &Asked<'_>,
    own: &Labels,
    all: &[&Labels],
) -> Option<Concern> {
    let name = policy.metadata.name.as_deref().unwrap_or_default();
    let spec = policy.spec.as_ref()?;
    let matched = spec.match_constraints.as_ref();
    if !is_about(matched, asked) {
        return None;
    }
    let bindings: Vec<&ValidatingAdmissionPolicyBinding> = bindings
        .iter()
        .filter(|binding| binding.spec.as_ref().and_then(|spec| spec.policy_name.as_deref()) == Some(name))
        .collect();
    let mut concern = Concern {
        policy: Policy::new(Engine::ValidatingAdmissionPolicy, name),
        effect: Effect::Spares("no binding names it".to_owned()),
        away: if spec.failure_policy.as_deref() == Some("Ignore") {
            let why = format!("failurePolicy of ValidatingAdmissionPolicy {name} is Ignore");
            Away::Passes(format!("{why}: what it fails to evaluate passes"))
        } else {
            Away::Refuses
        },
        unclear: None,
        keys: keys(matched.and_then(|matched| matched.namespace_selector.as_ref())),
    };
    if spec.match_conditions.as_ref().is_some_and(|conditions| !conditions.is_empty()) {
        concern.unclear = Some("its match conditions are not computed".to_owned());
    }
    if let Some(why) = spares(matched, asked, own) {
        concern.effect = Effect::Spares(format!("it does not choose namespace {}: {why}", asked.namespace));
        return Some(concern);
    }
    for binding in bindings {
        let binding_name = binding.metadata.name.as_deref().unwrap_or_default();
        let Some(spec) = &binding.spec else { continue };
        let chosen = spec.match_resources.as_ref();
        concern.keys.extend(keys(chosen.and_then(|chosen| chosen.namespace_selector.as_ref())));
        if spec.param_ref.is_some() {
            concern.unclear = Some("its parameters are not computed".to_owned());
        }
        let effect =
            effect(binding_name, spec.validation_actions.as_deref().unwrap_or_default(), chosen, asked, own, all);
        // One binding that refuses is enough.
        if rank(&effect) > rank(&concern.effect) || concern.effect == Effect::Spares("no binding names it".to_owned()) {
            concern.effect = effect;
        }
    }
    Some(concern)
}

fn effect(
    binding: &str,
    actions: &[String],
    chosen: Option<&MatchResources>,
    asked: &Asked<'_>,
    own: &Labels,
    all: &[&Labels],
) -> Effect {
    let selector = chosen.and_then(|chosen| chosen.namespace_selector.as_ref());
    if !all.iter().any(|labels| selects(selector, labels) != Some(false)) {
        return Effect::Spares(format!("binding {binding} selects no namespace of the cluster"));
    }
    if let Some(why) = spares(chosen, asked, own) {
        return Effect::Spares(format!("binding {binding} does not choose namespace {}: {why}", asked.namespace));
    }
    if chosen.is_some_and(|chosen| chosen.resource_rules.is_some()) && !is_about(chosen, asked) {
        let what = if asked.subresource.is_empty() { String::new() } else { format!("/{}", asked.subresource) };
        return Effect::Spares(format!(
            "binding {binding} is not about {} of {}{what}",
            asked.operation.as_str(),
            asked.resource
        ));
    }
    if actions.iter().any(|action| action == "Deny") {
        Effect::Refuses
    } else {
        Effect::Reports(format!("validationActions of binding {binding}: {}", actions.join(", ")))
    }
}

const fn rank(effect: &Effect) -> u8 {
    match effect {
        Effect::Spares(_) => 0,
        Effect::Reports(_) => 1,
        Effect::Refuses => 2,
    }
}

/// Whether rules are about such requests at all.
pub(super) fn is_about(matched: Option<&MatchResources>, asked: &Asked<'_>) -> bool {
    let Some(matched) = matched else { return false };
    let equivalent = matched.match_policy.as_deref() != Some("Exact");
    let any = |rules: &Option<Vec<NamedRuleWithOperations>>| {
        rules.iter().flatten().any(|rule| read(rule, equivalent).is_about(asked))
    };
    any(&matched.resource_rules) && !any(&matched.exclude_resource_rules)
}

fn read(rule: &NamedRuleWithOperations, equivalent: bool) -> Rule<'_> {
    Rule {
        groups: rule.api_groups.as_deref().unwrap_or_default(),
        versions: rule.api_versions.as_deref().unwrap_or_default(),
        resources: rule.resources.as_deref().unwrap_or_default(),
        operations: rule.operations.as_deref().unwrap_or_default(),
        scope: rule.scope.as_deref(),
        names: rule.resource_names.as_deref().unwrap_or_default(),
        equivalent,
    }
}

/// Why selectors don't choose a request; `None` where they do.
pub(super) fn spares(matched: Option<&MatchResources>, asked: &Asked<'_>, own: &Labels) -> Option<String> {
    let matched = matched?;
    if selects(matched.namespace_selector.as_ref(), own) == Some(false) {
        let keys: Vec<String> = keys(matched.namespace_selector.as_ref()).into_iter().collect();
        return Some(format!("its namespaceSelector reads {}", keys.join(", ")));
    }
    if selects(matched.object_selector.as_ref(), asked.labels) == Some(false) {
        let keys: Vec<String> = keys(matched.object_selector.as_ref()).into_iter().collect();
        return Some(format!("its objectSelector reads {}", keys.join(", ")));
    }
    None
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::{Labels, concern};
    use crate::semantics::admission::{Asked, Away, Effect, Operation};

    fn policy(extra: &Value) -> k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy {
        let mut spec = json!({"matchConstraints": {"resourceRules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]}});
        for (key, value) in extra.as_object().unwrap() {
            spec[key] = value.clone();
        }
        serde_json::from_value(json!({"metadata": {"name": "p"}, "spec": spec})).unwrap()
    }

    fn binding(spec: &Value) -> k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicyBinding {
        let mut spec = spec.clone();
        spec["policyName"] = "p".into();
        serde_json::from_value(json!({"metadata": {"name": "b"}, "spec": spec})).unwrap()
    }

    fn judged(policy_: &Value, bindings: &[Value], operation: Operation) -> Option<super::Concern> {
        let own = Labels::from([("tenant".to_owned(), "a".to_owned())]);
        let bindings: Vec<_> = bindings.iter().map(binding).collect();
        let labels = Labels::new();
        concern(&policy(policy_), &bindings, &Asked::pod(operation, "a", &labels), &own, &[&own])
    }

    #[rstest]
    #[case::denies(json!({"validationActions": ["Deny"]}), "Refuses")]
    #[case::denies_and_audits(json!({"validationActions": ["Audit", "Deny"]}), "Refuses")]
    #[case::warns(json!({"validationActions": ["Warn"]}), "Reports(\"validationActions of binding b: Warn\")")]
    #[case::chosen(
        json!({"validationActions": ["Deny"], "matchResources": {"namespaceSelector": {"matchLabels": {"tenant": "a"}}}}),
        "Refuses"
    )]
    #[case::of_nobody(
        json!({"validationActions": ["Deny"], "matchResources": {"namespaceSelector": {"matchLabels": {"tenant": "x"}}}}),
        "Spares(\"binding b selects no namespace of the cluster\")"
    )]
    #[case::of_other_objects(
        json!({"validationActions": ["Deny"], "matchResources": {"objectSelector": {"matchLabels": {"class": "PHI"}}}}),
        "Spares(\"binding b does not choose namespace a: its objectSelector reads class\")"
    )]
    fn a_binding_decides(#[case] spec: Value, #[case] expected: &str) {
        let concern = judged(&json!({}), &[spec], Operation::Create).unwrap();
        assert_eq!(format!("{:?}", concern.effect), expected);
    }

    #[test]
    fn one_binding_that_refuses_is_enough_and_none_refuses_nothing() {
        let [warn, deny] = ["Warn", "Deny"].map(|action| json!({"validationActions": [action]}));
        assert_eq!(judged(&json!({}), &[warn.clone(), deny, warn], Operation::Create).unwrap().effect, Effect::Refuses);
        let unbound = judged(&json!({}), &[], Operation::Create).unwrap();
        assert_eq!(unbound.effect, Effect::Spares("no binding names it".to_owned()));
    }

    #[test]
    fn what_fails_or_can_not_be_computed_is_said() {
        let bound = [json!({"validationActions": ["Deny"]})];
        let open = judged(&json!({"failurePolicy": "Ignore"}), &bound, Operation::Create).unwrap();
        let Away::Passes(why) = open.away else { panic!("{:?}", open.away) };
        assert!(why.contains("failurePolicy of ValidatingAdmissionPolicy p is Ignore"));
        let conditions = json!({"matchConditions": [{"name": "x", "expression": "true"}]});
        assert!(judged(&conditions, &bound, Operation::Create).unwrap().unclear.is_some());
        assert!(judged(&json!({}), &bound, Operation::Update).is_none(), "it is not about updates");
    }
}
