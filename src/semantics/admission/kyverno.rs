//! Policies of Kyverno: which objects they are about, and what they do. Their patterns and CEL are not read.

use k8s_openapi::api::admissionregistration::v1::{MatchResources, ValidatingWebhookConfiguration};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Deserialize;

use super::builtin::{is_about, spares};
use super::matching::{Labels, has_form, keys, selects};
use super::webhook::{Called, called};
use super::{Asked, Away, Concern, Effect, Engine, Policy};

/// A `ClusterPolicy` or a `Policy` of `kyverno.io`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct KyvernoPolicy {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
    namespace: Option<String>,
    #[serde(default)]
    annotations: Labels,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    validation_failure_action: Option<String>,
    #[serde(default)]
    validation_failure_action_overrides: Vec<Override>,
    failure_policy: Option<String>,
    webhook_configuration: Option<WebhookConfiguration>,
    admission: Option<bool>,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WebhookConfiguration {
    failure_policy: Option<String>,
    #[serde(default)]
    match_conditions: Vec<serde_json::Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Override {
    action: String,
    #[serde(default)]
    namespaces: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Rule {
    #[serde(default)]
    r#match: Filters,
    exclude: Option<Filters>,
    validate: Option<Validate>,
    preconditions: Option<serde_json::Value>,
    #[serde(rename = "celPreconditions")]
    cel_preconditions: Option<serde_json::Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Validate {
    failure_action: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Filters {
    #[serde(default)]
    any: Vec<Filter>,
    #[serde(default)]
    all: Vec<Filter>,
    resources: Option<Resources>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Filter {
    resources: Option<Resources>,
    subjects: Option<serde_json::Value>,
    roles: Option<serde_json::Value>,
    #[serde(rename = "clusterRoles")]
    cluster_roles: Option<serde_json::Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resources {
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default)]
    namespaces: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    operations: Vec<String>,
    namespace_selector: Option<LabelSelector>,
    selector: Option<LabelSelector>,
}

/// A `ValidatingPolicy` of `policies.kyverno.io`, which chooses as a ValidatingAdmissionPolicy does.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct ValidatingPolicy {
    metadata: Metadata,
    #[serde(default)]
    spec: ValidatingSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValidatingSpec {
    #[serde(default)]
    validation_actions: Vec<String>,
    match_constraints: Option<MatchResources>,
    #[serde(default)]
    match_conditions: Vec<serde_json::Value>,
    failure_policy: Option<String>,
    evaluation: Option<Evaluation>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Evaluation {
    admission: Option<Enabled>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Enabled {
    enabled: Option<bool>,
}

/// The controllers for whose templates Kyverno derives rules from those for pods.
const CONTROLLERS: [&str; 7] =
    ["DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet", "CronJob"];

/// How a policy stands to a request; `None` where it is about other kinds.
pub(super) fn concern(
    policy: &KyvernoPolicy,
    webhooks: &[ValidatingWebhookConfiguration],
    asked: &Asked<'_>,
    own: &Labels,
) -> Option<Concern> {
    let Metadata { name, namespace, .. } = &policy.metadata;
    if namespace.as_deref().is_some_and(|namespace| namespace != asked.namespace) {
        return None;
    }
    let configured = policy.spec.webhook_configuration.as_ref();
    let failure = configured.and_then(|one| one.failure_policy.as_deref()).or(policy.spec.failure_policy.as_deref());
    let open = failure == Some("Ignore");
    let fitting = |webhook: &k8s_openapi::api::admissionregistration::v1::ValidatingWebhook| {
        webhook.name.contains(if open { "-ignore" } else { "-fail" })
    };
    let called = called(webhooks, Engine::Kyverno, asked, own, fitting);
    let about = policy.spec.rules.iter().filter(|rule| rule.validate.is_some() && rule.is_about(policy, asked));
    let mut about = about.peekable();
    about.peek()?;
    let mut concern = Concern {
        policy: Policy::new(Engine::Kyverno, name),
        effect: Effect::Spares(String::new()),
        away: while_away(name, open, &called),
        unclear: called.unclear.clone(),
        keys: called.keys.clone(),
    };
    if configured.is_some_and(|one| !one.match_conditions.is_empty()) {
        concern.unclear = Some("its match conditions are not computed".to_owned());
    }
    let mut refusing = 0;
    for rule in about {
        concern.keys.extend(rule.keys());
        let effect = policy.effect(rule, &called, asked, own);
        if effect == Effect::Refuses {
            refusing += 1;
            if rule.preconditions.is_some() || rule.cel_preconditions.is_some() {
                concern.unclear = Some("its preconditions are not computed".to_owned());
            }
        }
        // One rule that refuses is enough.
        if effect == Effect::Refuses || matches!(concern.effect, Effect::Spares(_)) {
            concern.effect = effect;
        }
    }
    let rules = policy.spec.rules.iter().filter(|rule| rule.validate.is_some()).count();
    if refusing > 0 && refusing < rules {
        concern.unclear =
            Some(format!("{refusing} of its {rules} rules are asked about it, and which is not computed"));
    }
    Some(concern)
}

/// The same for a `ValidatingPolicy`.
pub(super) fn validating(
    policy: &ValidatingPolicy,
    webhooks: &[ValidatingWebhookConfiguration],
    asked: &Asked<'_>,
    own: &Labels,
) -> Option<Concern> {
    let name = &policy.metadata.name;
    let matched = policy.spec.match_constraints.as_ref();
    let elsewhere = policy.metadata.namespace.as_deref().is_some_and(|namespace| namespace != asked.namespace);
    if elsewhere || !is_about(matched, asked) {
        return None;
    }
    let open = policy.spec.failure_policy.as_deref() == Some("Ignore");
    let called = called(webhooks, Engine::Kyverno, asked, own, |webhook| webhook.name.contains("vpol"));
    let admission = policy.spec.evaluation.as_ref().and_then(|one| one.admission.as_ref());
    let effect = if let Some(why) = spares(matched, asked, own) {
        Effect::Spares(format!("it does not choose namespace {}: {why}", asked.namespace))
    } else if admission.and_then(|one| one.enabled) == Some(false) {
        Effect::Reports("evaluation.admission.enabled: false".to_owned())
    } else if !called.any() {
        Effect::Spares(not_called(&called))
    } else if policy.spec.validation_actions.is_empty()
        || policy.spec.validation_actions.iter().any(|one| one == "Deny")
    {
        Effect::Refuses
    } else {
        Effect::Reports(format!("validationActions: {}", policy.spec.validation_actions.join(", ")))
    };
    let mut keys = keys(matched.and_then(|matched| matched.namespace_selector.as_ref()));
    keys.extend(called.keys.iter().cloned());
    Some(Concern {
        policy: Policy::new(Engine::Kyverno, name),
        effect,
        away: while_away(name, open, &called),
        unclear: (!policy.spec.match_conditions.is_empty())
            .then(|| "its match conditions are not computed".to_owned())
            .or(called.unclear),
        keys,
    })
}

fn while_away(name: &str, open: bool, called: &Called) -> Away {
    if open { Away::Passes(format!("failurePolicy of Kyverno policy {name} is Ignore")) } else { called.away() }
}

fn not_called(called: &Called) -> String {
    called.spared.first().cloned().unwrap_or_else(|| "Kyverno has no webhook that is called about it".to_owned())
}

impl KyvernoPolicy {
    fn effect(&self, rule: &Rule, called: &Called, asked: &Asked<'_>, own: &Labels) -> Effect {
        if self.spec.admission == Some(false) {
            return Effect::Reports("spec.admission: false".to_owned());
        }
        if let Some(why) = rule.spares(asked, own) {
            return Effect::Spares(why);
        }
        if !called.any() {
            return Effect::Spares(not_called(called));
        }
        let overridden = self.spec.validation_failure_action_overrides.iter();
        let overridden = overridden
            .filter(|one| one.namespaces.iter().any(|form| has_form(form, asked.namespace)))
            .map(|one| one.action.as_str())
            .next();
        let own = rule.validate.as_ref().and_then(|validate| validate.failure_action.as_deref());
        let action = own.or(overridden).or(self.spec.validation_failure_action.as_deref()).unwrap_or("Audit");
        if action.eq_ignore_ascii_case("enforce") {
            Effect::Refuses
        } else {
            Effect::Reports(format!("failureAction: {action}"))
        }
    }

    /// Whether rules for pods are carried over to the templates of this kind.
    fn derives(&self, kind: &str) -> bool {
        let chosen = self.metadata.annotations.get("pod-policies.kyverno.io/autogen-controllers");
        CONTROLLERS.contains(&kind) && chosen.is_none_or(|chosen| chosen.split(',').any(|one| one.trim() == kind))
    }
}

impl Rule {
    fn matched(&self) -> impl Iterator<Item = &Resources> {
        self.r#match.all_resources()
    }

    fn is_about(&self, policy: &KyvernoPolicy, asked: &Asked<'_>) -> bool {
        self.matched().any(|resources| {
            let operation = resources.operations.is_empty()
                || resources.operations.iter().any(|one| one.eq_ignore_ascii_case(asked.operation.as_str()));
            operation && resources.kinds.iter().any(|kind| is_of(policy, kind, asked))
        })
    }

    fn keys(&self) -> Vec<String> {
        self.matched().flat_map(|resources| keys(resources.namespace_selector.as_ref())).collect()
    }

    fn spares(&self, asked: &Asked<'_>, own: &Labels) -> Option<String> {
        if !self.r#match.choose(asked, own, true) {
            return Some(format!("its match does not choose such objects of {}", asked.namespace));
        }
        let excluded = self.exclude.as_ref().is_some_and(|exclude| exclude.choose(asked, own, false));
        excluded.then(|| format!("its exclude spares such objects of {}", asked.namespace))
    }
}

/// Whether a kind as a policy writes it (`Pod`, `v1/Pod`, `apps/v1/Deployment`, `Pod/ephemeralcontainers`, `*`) is
/// that of a request.
fn is_of(policy: &KyvernoPolicy, written: &str, asked: &Asked<'_>) -> bool {
    let parts: Vec<&str> = written.split('/').collect();
    let is_kind = |word: &str| word == "*" || word.chars().next().is_some_and(char::is_uppercase);
    let at = parts.iter().position(|part| is_kind(part) && *part != "*").unwrap_or(parts.len().saturating_sub(1));
    let kind = parts.get(at).copied().unwrap_or_default();
    let subresource = parts.get(at + 1).copied().unwrap_or_default();
    if has_form(kind, asked.kind) && (subresource == "*" || subresource == asked.subresource) {
        return true;
    }
    // Rules for pods hold for what is added to them later, too.
    let of_pods = kind == "Pod" && subresource.is_empty();
    of_pods && (asked.subresource == "ephemeralcontainers" || policy.derives(asked.kind))
}

impl Filters {
    fn all_resources(&self) -> impl Iterator<Item = &Resources> {
        let filters = self.any.iter().chain(&self.all).filter_map(|filter| filter.resources.as_ref());
        filters.chain(&self.resources)
    }

    /// Whether the filters choose a request. Who asks is not known: for a match anybody may be meant, for an exclusion
    /// nobody.
    fn choose(&self, asked: &Asked<'_>, own: &Labels, whoever: bool) -> bool {
        let filter = |filter: &Filter| {
            let somebody = filter.subjects.is_some() || filter.roles.is_some() || filter.cluster_roles.is_some();
            (whoever || !somebody) && filter.resources.as_ref().is_none_or(|one| one.choose(asked, own))
        };
        let any = self.any.is_empty() || self.any.iter().any(filter);
        let all = self.all.iter().all(filter);
        let nothing = self.any.is_empty() && self.all.is_empty() && self.resources.is_none();
        any && all && !nothing && self.resources.as_ref().is_none_or(|one| one.choose(asked, own))
    }
}

impl Resources {
    fn choose(&self, asked: &Asked<'_>, own: &Labels) -> bool {
        let any = |forms: &[String], name: &str| forms.is_empty() || forms.iter().any(|form| has_form(form, name));
        let operation = self.operations.is_empty()
            || self.operations.iter().any(|one| one.eq_ignore_ascii_case(asked.operation.as_str()));
        operation
            && any(&self.namespaces, asked.namespace)
            && any(&self.names, asked.name)
            && selects(self.namespace_selector.as_ref(), own) != Some(false)
            && selects(self.selector.as_ref(), asked.labels) != Some(false)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::{Labels, concern, validating};
    use crate::semantics::admission::{Asked, Operation};

    fn webhooks(names: &[&str]) -> Vec<k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration> {
        let webhook = |name: &&str| {
            json!({"name": name, "sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": "Fail",
                "clientConfig": {"service": {"name": "kyverno-svc", "namespace": "kyverno"}},
                "rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}]})
        };
        let all: Vec<Value> = names.iter().map(webhook).collect();
        vec![serde_json::from_value(json!({"metadata": {"name": "kyverno"}, "webhooks": all})).unwrap()]
    }

    fn effect(spec: &Value, asked: &Asked<'_>) -> Option<String> {
        let policy = serde_json::from_value(json!({"metadata": {"name": "k"}, "spec": spec})).unwrap();
        let own = Labels::from([("tenant".to_owned(), "a".to_owned())]);
        let concern = concern(&policy, &webhooks(&["validate.kyverno.svc-fail"]), asked, &own);
        concern.map(|concern| format!("{:?}", concern.effect))
    }

    fn rule(matched: &Value, action: &str) -> Value {
        json!({"rules": [{"match": matched, "validate": {"failureAction": action}}]})
    }

    fn pods() -> Value {
        json!({"any": [{"resources": {"kinds": ["Pod"]}}]})
    }

    #[rstest]
    #[case::enforces(rule(&pods(), "Enforce"), Some("Refuses"))]
    #[case::audits(rule(&pods(), "Audit"), Some("Reports(\"failureAction: Audit\")"))]
    #[case::audits_by_default(
        json!({"rules": [{"match": pods(), "validate": {}}]}), Some("Reports(\"failureAction: Audit\")")
    )]
    #[case::enforces_as_a_whole(
        json!({"validationFailureAction": "Enforce", "rules": [{"match": pods(), "validate": {}}]}), Some("Refuses")
    )]
    #[case::overridden_here(
        json!({"validationFailureAction": "Enforce", "rules": [{"match": pods(), "validate": {}}],
            "validationFailureActionOverrides": [{"action": "Audit", "namespaces": ["a"]}]}),
        Some("Reports(\"failureAction: Audit\")")
    )]
    #[case::mutates(json!({"rules": [{"match": pods(), "mutate": {}}]}), None)]
    #[case::other_kinds(rule(&json!({"any": [{"resources": {"kinds": ["apps/v1/Deployment"]}}]}), "Enforce"), None)]
    #[case::with_a_version(rule(&json!({"all": [{"resources": {"kinds": ["v1/Pod"]}}]}), "Enforce"), Some("Refuses"))]
    #[case::everything(rule(&json!({"any": [{"resources": {"kinds": ["*"]}}]}), "Enforce"), Some("Refuses"))]
    #[case::another_namespace(
        rule(&json!({"any": [{"resources": {"kinds": ["Pod"], "namespaces": ["b*"]}}]}), "Enforce"),
        Some("Spares(\"its match does not choose such objects of a\")")
    )]
    #[case::excluded(
        json!({"rules": [{"match": pods(), "exclude": {"any": [{"resources": {"namespaces": ["a"]}}]},
            "validate": {"failureAction": "Enforce"}}]}),
        Some("Spares(\"its exclude spares such objects of a\")")
    )]
    #[case::excluded_for_somebody(
        json!({"rules": [{"match": pods(), "exclude": {"any": [{"clusterRoles": ["cluster-admin"]}]},
            "validate": {"failureAction": "Enforce"}}]}),
        Some("Refuses")
    )]
    #[case::of_background(
        json!({"admission": false, "rules": [{"match": pods(), "validate": {"failureAction": "Enforce"}}]}),
        Some("Reports(\"spec.admission: false\")")
    )]
    fn a_policy_stands_to_a_pod(#[case] spec: Value, #[case] expected: Option<&str>) {
        let labels = Labels::new();
        assert_eq!(effect(&spec, &Asked::pod(Operation::Create, "a", &labels)).as_deref(), expected);
    }

    #[rstest]
    #[case::one_rule(json!([{"match": pods(), "validate": {"failureAction": "Enforce"}}]), false)]
    #[case::on_preconditions(
        json!([{"match": pods(), "validate": {"failureAction": "Enforce"}, "preconditions": {"all": []}}]), true
    )]
    #[case::one_rule_of_two(
        json!([{"match": pods(), "validate": {"failureAction": "Enforce"}},
            {"match": {"any": [{"resources": {"kinds": ["Pod"], "operations": ["UPDATE"]}}]},
                "validate": {"failureAction": "Enforce"}}]),
        true
    )]
    #[case::both(
        json!([{"match": pods(), "validate": {"failureAction": "Enforce"}},
            {"match": pods(), "validate": {"failureAction": "Enforce"}}]),
        false
    )]
    #[case::one_that_mutates(
        json!([{"match": pods(), "validate": {"failureAction": "Enforce"}}, {"match": pods(), "mutate": {}}]), false
    )]
    fn which_rules_are_asked_is_computed_or_not(#[case] rules: Value, #[case] unclear: bool) {
        let policy = serde_json::from_value(json!({"metadata": {"name": "k"}, "spec": {"rules": rules}})).unwrap();
        let labels = Labels::new();
        let asked = Asked::pod(Operation::Create, "a", &labels);
        let concern = concern(&policy, &webhooks(&["validate.kyverno.svc-fail"]), &asked, &labels).unwrap();
        assert_eq!(concern.unclear.is_some(), unclear, "{:?}", concern.unclear);
    }

    #[test]
    fn rules_for_pods_hold_for_templates_and_for_what_is_added_later() {
        let labels = Labels::new();
        let pod = Asked::pod(Operation::Update, "a", &labels);
        let template = Asked { group: "apps", resource: "deployments", kind: "Deployment", ..pod };
        let added = Asked { subresource: "ephemeralcontainers", ..pod };
        let spec = rule(&pods(), "Enforce");
        assert_eq!(effect(&spec, &template).as_deref(), Some("Refuses"));
        assert_eq!(effect(&spec, &added).as_deref(), Some("Refuses"));
    }

    #[test]
    fn without_a_webhook_nothing_is_refused_and_a_validating_policy_chooses_as_the_api_server_does() {
        let labels = Labels::new();
        let asked = Asked::pod(Operation::Create, "a", &labels);
        let own = Labels::new();
        let policy = json!({"metadata": {"name": "v"}, "spec": {"validationActions": ["Deny"], "matchConstraints": {
            "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]}}});
        let policy = serde_json::from_value(policy).unwrap();
        let of =
            |names: &[&str]| validating(&policy, &webhooks(names), &asked, &own).map(|one| format!("{:?}", one.effect));
        assert_eq!(of(&["vpol.validate.kyverno.svc-fail"]).as_deref(), Some("Refuses"));
        assert!(of(&["validate.kyverno.svc-fail"]).unwrap().starts_with("Spares"));
        let update = Asked::pod(Operation::Update, "a", &labels);
        assert!(validating(&policy, &webhooks(&["vpol.validate.kyverno.svc-fail"]), &update, &own).is_none());
    }
}
