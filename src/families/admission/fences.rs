//! How each policy of this family is taken down, and put back. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::objects::{bucket, pod};
use super::parameters::Demand;
use crate::families::{Mutant, PlanInput};
use crate::model::{Family, Namespace, TenantId};
use crate::semantics::admission::standards::{ENFORCE, enforced};
use crate::semantics::admission::{Asked, Concern, Engine, KINDS, Operation, Policies, Policy};
use crate::tenancy::{AdmissionRule, Party, PartyKind, PodSecurityLevel, Requirement};

/// A label that no namespace carries.
const NOBODY: &str = "tenantproof.dev/nobody";

/// Whom a policy can refuse something: tenants and their namespaces.
type Concerned = BTreeMap<Policy, BTreeSet<(TenantId, Namespace)>>;

/// Every way to take down a policy that can refuse something in a tenant's namespace.
#[must_use]
pub(super) fn mutants(input: &PlanInput<'_>) -> Vec<Mutant> {
    let policies = Policies::of(input.snapshot);
    let mut concerned = Concerned::new();
    for party in input.tenancy.parties.iter().filter(|party| party.kind == PartyKind::Tenant) {
        let rules: Vec<&AdmissionRule> =
            input.tenancy.admission.iter().filter(|rule| rule.concerns(&party.id)).collect();
        for namespace in input.namespaces.get(&party.id).into_iter().flatten() {
            for rule in &rules {
                for policy in asked(&policies, party, namespace, rule, &rules) {
                    concerned.entry(policy).or_default().insert((party.id.clone(), namespace.clone()));
                }
            }
        }
    }
    let mut all = Vec::new();
    for kind in &KINDS {
        for object in input.snapshot.raw(kind) {
            let whole = bare(object, kind.group, kind.version, kind.kind);
            all.extend(of_object(&whole, &concerned));
        }
    }
    all.extend(levels(input));
    all
}

/// The policies that can refuse what the rule is about.
fn asked(
    policies: &Policies,
    party: &Party,
    namespace: &Namespace,
    rule: &AdmissionRule,
    rules: &[&AdmissionRule],
) -> Vec<Policy> {
    let of_buckets = Demand::of(&rule.require) == Demand::Bucket;
    let whole = if of_buckets { bucket(rules, &party.id) } else { pod(rule, rules, &party.id) };
    let labels: BTreeMap<String, String> =
        serde_json::from_value(whole["metadata"]["labels"].clone()).unwrap_or_default();
    let pod = Asked::pod(Operation::Create, namespace.as_str(), &labels);
    let asked = if of_buckets {
        Asked { group: "s3.services.k8s.aws", version: "v1alpha1", resource: "buckets", kind: "Bucket", ..pod }
    } else {
        pod
    };
    policies.concern(&asked).into_iter().filter(Concern::refuses).map(|one| one.policy).collect()
}

/// One way to break one object: what is done, and the object while broken.
type Way = (String, Option<Value>);

fn of_object(whole: &Value, concerned: &Concerned) -> Vec<Mutant> {
    let name = whole["metadata"]["name"].as_str().unwrap_or_default();
    let kind = whole["kind"].as_str().unwrap_or_default();
    let of = |engine, name: &str| concerned.get(&Policy::new(engine, name));
    let gatekeeper =
        whole["apiVersion"].as_str().is_some_and(|version| version.starts_with("constraints.gatekeeper.sh"));
    let (places, ways): (Option<&BTreeSet<_>>, Vec<Way>) = match kind {
        "ValidatingAdmissionPolicy" => {
            let ways = vec![
                deleted(),
                with("failurePolicy Ignore", whole, |it| it["spec"]["failurePolicy"] = json!("Ignore")),
            ];
            (of(Engine::ValidatingAdmissionPolicy, name), ways)
        }
        "ValidatingAdmissionPolicyBinding" => {
            let policy = whole["spec"]["policyName"].as_str().unwrap_or_default();
            let ways = vec![
                deleted(),
                with("validationActions Warn", whole, |it| it["spec"]["validationActions"] = json!(["Warn"])),
                with("selects no namespace", whole, |it| {
                    it["spec"]["matchResources"]["namespaceSelector"] = json!({"matchLabels": {NOBODY: "true"}});
                }),
            ];
            (of(Engine::ValidatingAdmissionPolicy, policy), ways)
        }
        "ClusterPolicy" | "Policy" => {
            let audited = with("failureAction Audit", whole, |it| {
                it["spec"]["validationFailureAction"] = json!("Audit");
                for rule in it["spec"]["rules"].as_array_mut().into_iter().flatten() {
                    if rule["validate"].is_object() {
                        rule["validate"]["failureAction"] = json!("Audit");
                    }
                }
            });
            let open = with("failurePolicy Ignore", whole, |it| it["spec"]["failurePolicy"] = json!("Ignore"));
            (of(Engine::Kyverno, name), vec![deleted(), audited, open])
        }
        "ValidatingPolicy" => {
            let audited =
                with("validationActions Audit", whole, |it| it["spec"]["validationActions"] = json!(["Audit"]));
            (of(Engine::Kyverno, name), vec![deleted(), audited])
        }
        _ if gatekeeper => {
            let places = of(Engine::Gatekeeper, name);
            let action = |action: &'static str| {
                with(&format!("enforcementAction {action}"), whole, |it| {
                    it["spec"]["enforcementAction"] = json!(action);
                })
            };
            let exempt = with("tenants' namespaces excluded", whole, |it| {
                let mut excluded = it["spec"]["match"]["excludedNamespaces"].as_array().cloned().unwrap_or_default();
                excluded.extend(places.into_iter().flatten().map(|(_, namespace)| json!(namespace)));
                it["spec"]["match"]["excludedNamespaces"] = json!(excluded);
            });
            (places, vec![deleted(), action("dryrun"), action("warn"), exempt])
        }
        "ValidatingWebhookConfiguration" => return opened(whole, concerned),
        _ => return Vec::new(),
    };
    let Some(places) = places else { return Vec::new() };
    let mutant = |(what, broken): Way| mutant(whole, &what, broken, places.iter().map(|(tenant, _)| tenant), None);
    ways.into_iter().map(mutant).collect()
}

/// Gatekeeper's webhooks that fail closed, opened. Kyverno writes its own again at once.
fn opened(whole: &Value, concerned: &Concerned) -> Vec<Mutant> {
    let service =
        |webhook: &Value| webhook.pointer("/clientConfig/service/name").and_then(Value::as_str).map(str::to_owned);
    let webhooks = whole["webhooks"].as_array();
    let closed = webhooks.into_iter().flatten().any(|webhook| {
        service(webhook).as_deref() == Some("gatekeeper-webhook-service")
            && webhook["name"] == "validation.gatekeeper.sh"
            && webhook["failurePolicy"] != "Ignore"
    });
    let of_gatekeeper = concerned.iter().filter(|(policy, _)| policy.engine == Engine::Gatekeeper);
    let tenants: BTreeSet<&TenantId> =
        of_gatekeeper.flat_map(|(_, places)| places.iter().map(|(tenant, _)| tenant)).collect();
    if !closed || tenants.is_empty() {
        return Vec::new();
    }
    let (what, broken) = with("failurePolicy Ignore", whole, |it| {
        for webhook in it["webhooks"].as_array_mut().into_iter().flatten() {
            if webhook["name"] == "validation.gatekeeper.sh" {
                webhook["failurePolicy"] = json!("Ignore");
            }
        }
    });
    vec![mutant(whole, &what, broken, tenants.into_iter(), None)]
}

/// The level that each namespace's label enforces, taken away or lowered.
fn levels(input: &PlanInput<'_>) -> Vec<Mutant> {
    let mut all = Vec::new();
    for party in input.tenancy.parties.iter().filter(|party| party.kind == PartyKind::Tenant) {
        let rules = input.tenancy.admission.iter().filter(|rule| rule.concerns(&party.id));
        let promised = rules.filter_map(|rule| match rule.require {
            Requirement::PodSecurity(level) => Some(level),
            _ => None,
        });
        let promised = promised.max();
        for namespace in input.namespaces.get(&party.id).into_iter().flatten() {
            let mut objects = input.snapshot.namespaces.iter();
            let object = objects.find(|one| one.metadata.name.as_deref() == Some(namespace.as_str()));
            let labels = object.and_then(|one| one.metadata.labels.clone()).unwrap_or_default();
            let Some(level) = enforced(&labels) else { continue };
            let whole = bare(&json!({"metadata": {"name": namespace, "labels": labels}}), "", "v1", "Namespace");
            let mut add = |what: &str, harmless: Option<&str>, change: fn(&mut Value)| {
                let (what, broken) = with(what, &whole, change);
                all.push(mutant(&whole, &what, broken, [&party.id].into_iter(), harmless));
            };
            let nothing = promised.is_none().then_some("no level of Pod Security is promised for it");
            add("no level of Pod Security enforced", nothing, |it| {
                if let Some(labels) = it["metadata"]["labels"].as_object_mut() {
                    labels.remove(ENFORCE);
                }
            });
            if level == PodSecurityLevel::Restricted {
                let enough =
                    (promised == Some(PodSecurityLevel::Baseline)).then_some("no more than baseline is promised");
                add("Pod Security lowered to baseline", nothing.or(enough), |it| {
                    it["metadata"]["labels"][ENFORCE] = json!("baseline");
                });
            }
        }
    }
    all
}

fn deleted() -> Way {
    ("deleted".to_owned(), None)
}

fn with(what: &str, whole: &Value, change: impl FnOnce(&mut Value)) -> Way {
    let mut broken = whole.clone();
    change(&mut broken);
    (what.to_owned(), Some(broken))
}

fn mutant<'a>(
    whole: &Value,
    what: &str,
    broken: Option<Value>,
    tenants: impl Iterator<Item = &'a TenantId>,
    harmless: Option<&str>,
) -> Mutant {
    let text = |pointer: &str| whole.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let namespace = text("/metadata/namespace");
    let slash = if namespace.is_empty() { "" } else { "/" };
    Mutant {
        family: Family::from(super::NAME),
        description: format!("{} {namespace}{slash}{}: {what}", text("/kind"), text("/metadata/name")),
        whole: Some(whole.clone()),
        broken,
        tenants: tenants.cloned().collect(),
        harmless: harmless.map(str::to_owned),
    }
}

/// The object as somebody would write it.
fn bare(object: &Value, group: &str, version: &str, kind: &str) -> Value {
    let mut bare = object.clone();
    let slash = if group.is_empty() { "" } else { "/" };
    // A list says once what its items are; those of several kinds say it themselves.
    if !kind.is_empty() {
        bare["apiVersion"] = json!(format!("{group}{slash}{version}"));
        bare["kind"] = json!(kind);
    }
    if let Some(fields) = bare.as_object_mut() {
        fields.remove("status");
    }
    let kept = ["namespace", "name", "labels", "annotations"];
    if let Some(metadata) = bare["metadata"].as_object_mut() {
        metadata.retain(|field, _| kept.contains(&field.as_str()));
    }
    bare
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::{Value, json};

    use super::mutants;
    use crate::families::PlanInput;
    use crate::families::admission::FAMILY;
    use crate::families::scene::Scene;
    use crate::model::TenantId;
    use crate::plan::Mode;
    use crate::semantics::Snapshot;

    const TENANCY: &str = "
apiVersion: tenantproof.dev/v1
kind: Tenancy
name: t
tenants:
- {id: a, namespaces: [a]}
- {id: b, namespaces: [b]}
admission:
- {id: phi, tenants: [a], pods: {classification: PHI}, require: {runAsNonRoot: true}}
- {id: level, tenants: [a], require: {podSecurity: baseline}}
";

    fn told(objects: BTreeMap<String, Vec<Value>>, level: &str) -> Vec<(String, bool)> {
        let namespace = |name: &str| {
            let labels = json!({"pod-security.kubernetes.io/enforce": level});
            serde_json::from_value(json!({"metadata": {"name": name, "labels": labels}})).unwrap()
        };
        let snapshot = Snapshot { namespaces: vec![namespace("a")], objects, ..Snapshot::default() };
        let all = mutants(&PlanInput { mode: Mode::Throwaway, ..Scene::of(&FAMILY, TENANCY).input(&snapshot) });
        for one in &all {
            assert_eq!(one.tenants, BTreeSet::from([TenantId::from("a")]), "{}", one.description);
            let whole = one.whole.as_ref().unwrap();
            assert!(whole["apiVersion"].is_string() && whole["kind"].is_string() && whole["metadata"]["uid"].is_null());
            assert_ne!(one.broken.as_ref(), Some(whole), "{} changes nothing", one.description);
        }
        all.into_iter().map(|one| (one.description, one.harmless.is_some())).collect()
    }

    #[test]
    fn each_policy_that_can_refuse_a_tenant_something_is_broken_in_every_way() {
        let rules = json!([{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods"]}]);
        let webhook = json!({"name": "validation.gatekeeper.sh", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "failurePolicy": "Fail", "rules": rules,
            "clientConfig": {"service": {"name": "gatekeeper-webhook-service", "namespace": "gatekeeper-system"}}});
        let of_gatekeeper = json!({"apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": "Phi",
            "metadata": {"name": "phi", "uid": "u"}, "spec": {}, "status": {}});
        let elsewhere = json!({"apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": "Phi",
            "metadata": {"name": "other"}, "spec": {"match": {"namespaces": ["x"]}}});
        let policy =
            json!({"metadata": {"name": "p", "uid": "u"}, "spec": {"matchConstraints": {"resourceRules": rules}}});
        let binding = json!({"metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": ["Deny"]}});
        let kind = "admissionregistration.k8s.io";
        let objects = BTreeMap::from([
            ("*.constraints.gatekeeper.sh".to_owned(), vec![of_gatekeeper, elsewhere]),
            (format!("validatingadmissionpolicies.{kind}"), vec![policy]),
            (format!("validatingadmissionpolicybindings.{kind}"), vec![binding]),
            (
                format!("validatingwebhookconfigurations.{kind}"),
                vec![json!({"metadata": {"name": "gk"}, "webhooks": [webhook]})],
            ),
        ]);
        let expected = [
            ("ValidatingWebhookConfiguration gk: failurePolicy Ignore", false),
            ("ValidatingAdmissionPolicy p: deleted", false),
            ("ValidatingAdmissionPolicy p: failurePolicy Ignore", false),
            ("ValidatingAdmissionPolicyBinding b: deleted", false),
            ("ValidatingAdmissionPolicyBinding b: validationActions Warn", false),
            ("ValidatingAdmissionPolicyBinding b: selects no namespace", false),
            ("Phi phi: deleted", false),
            ("Phi phi: enforcementAction dryrun", false),
            ("Phi phi: enforcementAction warn", false),
            ("Phi phi: tenants' namespaces excluded", false),
            ("Namespace a: no level of Pod Security enforced", false),
            ("Namespace a: Pod Security lowered to baseline", true),
        ];
        assert_eq!(told(objects, "restricted"), expected.map(|(what, harmless)| (what.to_owned(), harmless)));
    }
}
