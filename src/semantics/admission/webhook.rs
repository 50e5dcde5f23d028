//! Webhooks: whether one is called about a request, and what becomes of the request where it can't be.

use k8s_openapi::api::admissionregistration::v1::{ValidatingWebhook, ValidatingWebhookConfiguration};

use super::matching::{Labels, Rule, keys, selects};
use super::{Asked, Away, Engine};

/// How the webhooks of an engine stand to a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Called {
    /// Those that are called, and whose failure refuses the request.
    pub(super) closed: Vec<String>,
    /// Those of them that are called on conditions which are not computed.
    pub(super) conditional: Vec<String>,
    /// Those whose failure lets the request pass.
    pub(super) open: Vec<String>,
    /// Why others are not called.
    pub(super) spared: Vec<String>,
    /// What is not computed of when one is called.
    pub(super) unclear: Option<String>,
    /// The labels of namespaces that decide over it.
    pub(super) keys: std::collections::BTreeSet<String>,
}

impl Called {
    /// Whether any is called.
    pub(super) fn any(&self) -> bool {
        !self.closed.is_empty() || !self.conditional.is_empty() || !self.open.is_empty()
    }

    /// What becomes of the request while the engine is away. Where one webhook that is called lets it pass, and another
    /// that would not is called on conditions, that is not computed. Where there is none but such a one, a refusal by the
    /// engine shows that it was called.
    pub(super) fn away(&self) -> Away {
        if !self.closed.is_empty() || self.open.is_empty() {
            return Away::Refuses;
        }
        let why = self.open.join("; ");
        if self.conditional.is_empty() {
            return Away::Passes(why);
        }
        Away::Unclear(format!("{why}; webhook {} is called on conditions", self.conditional.join(", ")))
    }
}

/// Whose webhook it is, by its name or the service that it calls.
pub(super) fn engine_of(webhook: &ValidatingWebhook) -> Option<Engine> {
    let service = webhook.client_config.service.as_ref().map(|service| service.name.as_str()).unwrap_or_default();
    if webhook.name.ends_with("validation.gatekeeper.sh") || service == "gatekeeper-webhook-service" {
        // The other webhook of Gatekeeper's keeps the exempting label from namespaces, and knows no constraint.
        return (!webhook.name.starts_with("check-ignore-label")).then_some(Engine::Gatekeeper);
    }
    (webhook.name.contains(".kyverno.svc") || service.starts_with("kyverno-svc")).then_some(Engine::Kyverno)
}

/// Which webhooks of an engine are called about a request. `only` chooses among them.
pub(super) fn called(
    configurations: &[ValidatingWebhookConfiguration],
    engine: Engine,
    asked: &Asked<'_>,
    own: &Labels,
    only: impl Fn(&ValidatingWebhook) -> bool,
) -> Called {
    let mut called = Called::default();
    let webhooks = configurations.iter().flat_map(|configuration| {
        let name = configuration.metadata.name.as_deref().unwrap_or_default();
        configuration.webhooks.iter().flatten().map(move |webhook| (name, webhook))
    });
    for (configuration, webhook) in webhooks.filter(|(_, webhook)| engine_of(webhook) == Some(engine) && only(webhook))
    {
        let name = format!("{} of {configuration}", webhook.name);
        let equivalent = webhook.match_policy.as_deref() != Some("Exact");
        let about = webhook.rules.iter().flatten().any(|rule| {
            let rule = Rule {
                groups: rule.api_groups.as_deref().unwrap_or_default(),
                versions: rule.api_versions.as_deref().unwrap_or_default(),
                resources: rule.resources.as_deref().unwrap_or_default(),
                operations: rule.operations.as_deref().unwrap_or_default(),
                scope: rule.scope.as_deref(),
                names: &[],
                equivalent,
            };
            rule.is_about(asked)
        });
        if !about {
            let slash = if asked.subresource.is_empty() { "" } else { "/" };
            let what = format!("{} of {}{slash}{}", asked.operation.as_str(), asked.resource, asked.subresource);
            called.spared.push(format!("webhook {name} is not called about {what}"));
            continue;
        }
        called.keys.extend(keys(webhook.namespace_selector.as_ref()));
        if selects(webhook.namespace_selector.as_ref(), own) == Some(false) {
            let keys: Vec<String> = keys(webhook.namespace_selector.as_ref()).into_iter().collect();
            called.spared.push(format!(
                "webhook {name} is not called about namespace {}: its namespaceSelector reads {}",
                asked.namespace,
                keys.join(", ")
            ));
            continue;
        }
        if selects(webhook.object_selector.as_ref(), asked.labels) == Some(false) {
            called
                .spared
                .push(format!("webhook {name} is not called about such objects: its objectSelector spares them"));
            continue;
        }
        let conditional = webhook.match_conditions.as_ref().is_some_and(|conditions| !conditions.is_empty());
        if conditional {
            called.unclear = Some(format!("the match conditions of webhook {name} are not computed"));
        }
        let seconds = webhook.timeout_seconds.unwrap_or(10);
        if webhook.failure_policy.as_deref() == Some("Ignore") {
            let why = format!(
                "failurePolicy of webhook {name} is Ignore: a request passes after {seconds} s without an answer"
            );
            called.open.push(why);
        } else if conditional {
            called.conditional.push(name);
        } else {
            called.closed.push(name);
        }
    }
    called
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::{Labels, called};
    use crate::semantics::admission::{Asked, Away, Engine, Operation};

    fn webhook(extra: &Value) -> Value {
        let mut webhook = json!({
            "name": "validation.gatekeeper.sh", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"service": {"name": "gatekeeper-webhook-service", "namespace": "gatekeeper-system"}},
            "rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": ["*"]}],
        });
        for (key, value) in extra.as_object().unwrap() {
            webhook[key] = value.clone();
        }
        webhook
    }

    fn of(webhooks: &[Value]) -> super::Called {
        let configuration = json!({"metadata": {"name": "gk"}, "webhooks": webhooks});
        let own = Labels::from([("tenant".to_owned(), "a".to_owned())]);
        let labels = Labels::new();
        let asked = Asked::pod(Operation::Create, "a", &labels);
        called(&[serde_json::from_value(configuration).unwrap()], Engine::Gatekeeper, &asked, &own, |_| true)
    }

    #[rstest]
    #[case::closed(json!({"failurePolicy": "Fail"}), true, None)]
    #[case::by_default(json!({}), true, None)]
    #[case::open(
        json!({"failurePolicy": "Ignore", "timeoutSeconds": 3}),
        true,
        Some("failurePolicy of webhook validation.gatekeeper.sh of gk is Ignore: a request passes after 3 s without an answer")
    )]
    #[case::exempt(
        json!({"namespaceSelector": {"matchExpressions": [{"key": "tenant", "operator": "DoesNotExist"}]}}),
        false,
        None
    )]
    #[case::of_nobody(json!({"rules": []}), false, None)]
    #[case::another_of_gatekeeper(json!({"name": "check-ignore-label.gatekeeper.sh"}), false, None)]
    #[case::of_somebody_else(json!({"name": "x.example.com", "clientConfig": {"url": "https://x"}}), false, None)]
    fn a_webhook_is_called_or_not(#[case] extra: Value, #[case] any: bool, #[case] open: Option<&str>) {
        let called = of(&[webhook(&extra)]);
        let expected = open.map_or(Away::Refuses, |why| Away::Passes(why.to_owned()));
        assert_eq!((called.any(), called.away()), (any, expected));
    }

    #[rstest]
    #[case::one_that_fails_closed_is_enough(&[json!({"failurePolicy": "Fail"})], false)]
    #[case::one_that_may_not_be_called_is_not(&[json!({"matchConditions": [{"name": "c", "expression": "x"}]})], true)]
    #[case::beside_one_that_is(&[json!({"matchConditions": [{"name": "c", "expression": "x"}]}), json!({})], false)]
    fn beside_a_webhook_that_fails_open(#[case] others: &[Value], #[case] unclear: bool) {
        let open = webhook(&json!({"failurePolicy": "Ignore"}));
        let called = of(&others.iter().map(webhook).chain([open]).collect::<Vec<_>>());
        assert_eq!(matches!(called.away(), Away::Unclear(_)), unclear, "{:?}", called.away());
        assert!(!matches!(called.away(), Away::Passes(_)), "{:?}", called.away());
    }

    #[test]
    fn a_webhook_that_was_called_and_is_the_only_one_fails_closed_whatever_its_conditions() {
        let called = of(&[webhook(&json!({"matchConditions": [{"name": "c", "expression": "x"}]}))]);
        assert_eq!((called.away(), called.any()), (Away::Refuses, true));
    }
}
