//! Constraints of OPA Gatekeeper: which objects they are about, and what they do. Their templates' Rego or CEL is not
//! read.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Deserialize;

use super::matching::{Labels, has_form, keys, selects};
use super::webhook::Called;
use super::{Asked, Concern, Effect, Engine, Policy};

/// A constraint, of whatever kind.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Constraint {
    metadata: Named,
    #[serde(default)]
    spec: Spec,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    enforcement_action: Option<String>,
    #[serde(default)]
    scoped_enforcement_actions: Vec<Scoped>,
    #[serde(default)]
    r#match: Match,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Scoped {
    action: String,
    #[serde(default)]
    enforcement_points: Vec<Named>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Match {
    #[serde(default)]
    kinds: Vec<Kinds>,
    #[serde(default)]
    namespaces: Vec<String>,
    #[serde(default)]
    excluded_namespaces: Vec<String>,
    namespace_selector: Option<LabelSelector>,
    label_selector: Option<LabelSelector>,
    scope: Option<String>,
    name: Option<String>,
    source: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kinds {
    #[serde(default)]
    api_groups: Vec<String>,
    #[serde(default)]
    kinds: Vec<String>,
}

/// Gatekeeper's own configuration, as far as it exempts namespaces.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Config {
    #[serde(default)]
    spec: ConfigSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct ConfigSpec {
    #[serde(default)]
    r#match: Vec<Exempt>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Exempt {
    #[serde(default)]
    excluded_namespaces: Vec<String>,
    #[serde(default)]
    processes: Vec<String>,
}

impl Config {
    fn exempts(&self, namespace: &str) -> bool {
        self.spec.r#match.iter().any(|exempt| {
            exempt.processes.iter().any(|process| process == "*" || process == "webhook")
                && exempt.excluded_namespaces.iter().any(|form| has_form(form, namespace))
        })
    }
}

/// How a constraint stands to a request; `None` where it is about other kinds.
pub(super) fn concern(
    constraint: &Constraint,
    configs: &[Config],
    called: &Called,
    asked: &Asked<'_>,
    own: &Labels,
) -> Option<Concern> {
    let matched = &constraint.spec.r#match;
    let any = |all: &[String], one: &str| all.iter().any(|word| word == "*" || word == one);
    let about = |kinds: &Kinds| any(&kinds.api_groups, asked.group) && any(&kinds.kinds, asked.kind);
    if !matched.kinds.is_empty() && !matched.kinds.iter().any(about) {
        return None;
    }
    if matched.scope.as_deref() == Some("Cluster") || matched.source.as_deref() == Some("Generated") {
        return None;
    }
    let mut keys = keys(matched.namespace_selector.as_ref());
    keys.extend(called.keys.iter().cloned());
    Some(Concern {
        policy: Policy::new(Engine::Gatekeeper, &constraint.metadata.name),
        effect: constraint.effect(configs, called, asked, own),
        away: called.away(),
        unclear: called.unclear.clone(),
        keys,
    })
}

impl Constraint {
    fn effect(&self, configs: &[Config], called: &Called, asked: &Asked<'_>, own: &Labels) -> Effect {
        let matched = &self.spec.r#match;
        let namespace = asked.namespace;
        let any_form = |forms: &[String]| forms.iter().any(|form| has_form(form, namespace));
        if !matched.namespaces.is_empty() && !any_form(&matched.namespaces) {
            return Effect::Spares(format!("its match.namespaces leaves out {namespace}"));
        }
        if any_form(&matched.excluded_namespaces) {
            return Effect::Spares(format!("its match.excludedNamespaces has {namespace}"));
        }
        if selects(matched.namespace_selector.as_ref(), own) == Some(false) {
            return Effect::Spares(format!("its match.namespaceSelector does not choose {namespace}"));
        }
        if selects(matched.label_selector.as_ref(), asked.labels) == Some(false) {
            return Effect::Spares("its match.labelSelector does not choose such objects".to_owned());
        }
        if matched.name.as_ref().is_some_and(|form| !has_form(form, asked.name)) {
            return Effect::Spares("its match.name does not choose such objects".to_owned());
        }
        if configs.iter().any(|config| config.exempts(namespace)) {
            return Effect::Spares(format!("Gatekeeper's Config exempts {namespace}"));
        }
        if !called.any() {
            let why = called.spared.first().cloned();
            return Effect::Spares(why.unwrap_or_else(|| "Gatekeeper has no webhook on this cluster".to_owned()));
        }
        let action = self.spec.enforcement_action.as_deref().unwrap_or("deny");
        match action {
            "deny" => Effect::Refuses,
            "scoped" => {
                let here = |point: &Named| point.name == "*" || point.name == "validation.gatekeeper.sh";
                let denies = |one: &Scoped| one.action == "deny" && one.enforcement_points.iter().any(here);
                if self.spec.scoped_enforcement_actions.iter().any(denies) {
                    Effect::Refuses
                } else {
                    Effect::Reports("scopedEnforcementActions deny nothing at validation.gatekeeper.sh".to_owned())
                }
            }
            other => Effect::Reports(format!("enforcementAction: {other}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::{Called, Labels, concern};
    use crate::semantics::admission::{Asked, Operation};

    fn effect(spec: &Value, config: &Value, called: &Called) -> Option<String> {
        let constraint = serde_json::from_value(json!({"metadata": {"name": "c"}, "spec": spec})).unwrap();
        let config = serde_json::from_value(json!({"spec": config})).unwrap();
        let own = Labels::from([("tenant".to_owned(), "a".to_owned())]);
        let labels = Labels::from([("class".to_owned(), "PHI".to_owned())]);
        let asked = Asked::pod(Operation::Create, "team-a", &labels);
        concern(&constraint, &[config], called, &asked, &own).map(|concern| format!("{:?}", concern.effect))
    }

    #[rstest]
    #[case::by_default(json!({}), Some("Refuses"))]
    #[case::denies(json!({"enforcementAction": "deny"}), Some("Refuses"))]
    #[case::dry(json!({"enforcementAction": "dryrun"}), Some("Reports(\"enforcementAction: dryrun\")"))]
    #[case::warns(json!({"enforcementAction": "warn"}), Some("Reports(\"enforcementAction: warn\")"))]
    #[case::scoped(
        json!({"enforcementAction": "scoped", "scopedEnforcementActions": [
            {"action": "deny", "enforcementPoints": [{"name": "validation.gatekeeper.sh"}]}]}),
        Some("Refuses")
    )]
    #[case::scoped_elsewhere(
        json!({"enforcementAction": "scoped", "scopedEnforcementActions": [
            {"action": "deny", "enforcementPoints": [{"name": "audit.gatekeeper.sh"}]}]}),
        Some("Reports(\"scopedEnforcementActions deny nothing at validation.gatekeeper.sh\")")
    )]
    #[case::pods(json!({"match": {"kinds": [{"apiGroups": [""], "kinds": ["Pod"]}]}}), Some("Refuses"))]
    #[case::others(json!({"match": {"kinds": [{"apiGroups": ["apps"], "kinds": ["Deployment"]}]}}), None)]
    #[case::a_form(json!({"match": {"namespaces": ["team-*"]}}), Some("Refuses"))]
    #[case::left_out(
        json!({"match": {"namespaces": ["b"]}}),
        Some("Spares(\"its match.namespaces leaves out team-a\")")
    )]
    #[case::excluded(
        json!({"match": {"excludedNamespaces": ["team-a"]}}),
        Some("Spares(\"its match.excludedNamespaces has team-a\")")
    )]
    #[case::not_selected(
        json!({"match": {"namespaceSelector": {"matchLabels": {"tenant": "b"}}}}),
        Some("Spares(\"its match.namespaceSelector does not choose team-a\")")
    )]
    #[case::labelled(json!({"match": {"labelSelector": {"matchLabels": {"class": "PHI"}}}}), Some("Refuses"))]
    fn a_constraint_stands_to_a_pod(#[case] spec: Value, #[case] expected: Option<&str>) {
        let called = Called { closed: vec!["w".to_owned()], ..Called::default() };
        assert_eq!(effect(&spec, &json!({}), &called).as_deref(), expected);
    }

    #[test]
    fn an_exempt_namespace_and_a_webhook_that_is_not_called_spare() {
        let called = Called { closed: vec!["w".to_owned()], ..Called::default() };
        let exempt = json!({"match": [{"excludedNamespaces": ["team-*"], "processes": ["webhook"]}]});
        assert_eq!(
            effect(&json!({}), &exempt, &called).as_deref(),
            Some("Spares(\"Gatekeeper's Config exempts team-a\")")
        );
        let of_audit = json!({"match": [{"excludedNamespaces": ["team-*"], "processes": ["audit"]}]});
        assert_eq!(effect(&json!({}), &of_audit, &called).as_deref(), Some("Refuses"));
        let away = effect(&json!({}), &json!({}), &Called::default());
        assert_eq!(away.as_deref(), Some("Spares(\"Gatekeeper has no webhook on this cluster\")"));
    }
}
