//! What admission refuses: a conforming story on every engine that the lab has, each policy broken on purpose, engines
//! that are away, and a run in production that makes nothing.

mod policed;

use std::time::Duration;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use serde_json::json;
use tenantproof::model::Verdict;

use self::policed::{Policed, accused, authors, level, nothing_left, with};
use super::support::policies::{Policies, builtin, only, serves, webhook};
use super::support::{Lab, Rbac, Story, first_lab, lab_to_break, labs, skipped, watched};

#[test]
fn a_conforming_story_refuses_what_breaks_its_rules_by_every_way() {
    if let Some(lab) = first_lab() {
        let policed = Policed::new(&lab, "policed");
        let ended = policed.run(&[]).expect_code(0);
        let record = ended.record();
        for one in &record.results {
            let skipped = one.judgement.verdict == Verdict::Skipped;
            assert!(one.judgement.verdict == Verdict::Pass || skipped, "{}: {}", one.case.id, one.judgement.reason);
            let may_be_skipped = one.case.check.as_str().ends_with(".exception");
            assert!(!skipped || may_be_skipped, "{}: {}", one.case.id, one.judgement.reason);
        }
        let told = authors(&ended);
        let a = &policed.story.a;
        let mut expected = vec![
            format!("ValidatingAdmissionPolicy {a}-images"),
            format!("ValidatingAdmissionPolicy {a}-labels"),
            "Pod Security baseline".to_owned(),
        ];
        if policed.phi.is_some() {
            expected.push("Gatekeeper constraint tpphi".to_owned());
        }
        for author in expected {
            assert!(told.contains(&author), "{author} should have refused something:\n{told}");
        }
        nothing_left(&lab, &policed, &ended);
    }
}

#[test]
fn each_broken_policy_of_the_api_server_is_found_with_its_cause_and_none_once_all_are_back() {
    if let Some(lab) = first_lab() {
        let mut policed = Policed::new(&lab, "broken");
        let (policy, binding) = policed.images.clone();
        let a = policed.story.a.clone();
        let pod = "admission.registries.pod";
        let warns = with(&binding, "/spec/validationActions", json!(["Warn"]));
        policed.broken(&binding, Some(&warns), pod, "policy-only-reports", "validationActions of binding");
        let nobody = with(&binding, "/spec/matchResources/namespaceSelector", only("no-such-namespace"));
        policed.broken(&binding, Some(&nobody), pod, "policy-lets-pass", "selects no namespace of the cluster");
        policed.broken(&binding, None, pod, "policy-lets-pass", "no binding names it");
        let open = with(&policy, "/spec/failurePolicy", json!("Ignore"));
        policed.broken(
            &policy,
            Some(&open),
            "admission.policy.fails-closed",
            "fails-open",
            "failurePolicy of ValidatingAdmissionPolicy",
        );
        let creates = with(&policy, "/spec/matchConstraints/resourceRules/0/operations", json!(["CREATE"]));
        policed.broken(
            &policy,
            Some(&creates),
            "admission.policy.covers",
            "not-covered",
            "is not asked about changes of pods",
        );
        let prefix = with(
            &policy,
            "/spec/validations/0/expression",
            json!(
                "object.spec.containers.all(c, c.image.startsWith('registry.k8s.io') || c.image.startsWith('tenantproof/'))"
            ),
        );
        policed.broken(
            &policy,
            Some(&prefix),
            "admission.registries.lookalike",
            "policy-lets-pass",
            "none refuses what breaks rule images",
        );
        let (_, labels) = policed.labels.clone();
        policed.broken(
            &labels,
            None,
            "admission.labels.value",
            "policy-lets-pass",
            "none refuses what breaks rule labels",
        );

        level(&lab, &a, None);
        let ended = policed.run(&["admission.pod-security.host"]).expect_code(1);
        accused(&ended, "policy-lets-pass", "none refuses what breaks rule level");
        level(&lab, &a, Some("baseline"));

        let role = Rbac::cluster_role(
            &lab,
            &format!("{a}-renames"),
            "rules: [{apiGroups: [''], resources: [namespaces], verbs: [patch]}]\n",
        );
        let bound = Rbac::binding(&lab, &a, &role.name, ("Group", "a-developers"));
        let ended = policed.run(&["admission.exempt.label"]).expect_code(1);
        accused(&ended, "tenant-may-exempt", "let group a-developers patch its namespace");
        drop(bound);

        let whole = policed
            .run(&[
                "admission.registries.pod",
                "admission.labels.value",
                "admission.pod-security.host",
                "admission.exempt.label",
            ])
            .expect_code(0);
        assert!(whole.record().findings.is_empty(), "with every policy back nobody should be accused");
        nothing_left(&lab, &policed, &whole);
    }
}

#[test]
fn each_broken_part_of_gatekeeper_is_found_with_its_cause() {
    if let Some(lab) = first_lab() {
        let mut policed = Policed::new(&lab, "rego");
        let Some((constraint, closed)) = policed.phi.clone() else {
            skipped(&format!("{} has no Gatekeeper", lab.context));
            return;
        };
        let a = policed.story.a.clone();
        let pod = "admission.non-root.pod";
        for action in ["dryrun", "warn"] {
            let reports = with(&constraint, "/spec/enforcementAction", json!(action));
            policed.broken(
                &constraint,
                Some(&reports),
                pod,
                "policy-only-reports",
                &format!("enforcementAction: {action}"),
            );
        }
        let exempt = with(&constraint, "/spec/match/excludedNamespaces", json!([a]));
        policed.broken(&constraint, Some(&exempt), pod, "policy-spares", "its match.excludedNamespaces has");
        policed.broken(&constraint, None, pod, "policy-lets-pass", "none refuses what breaks rule phi");
        let open = with(&closed, "/webhooks/0/failurePolicy", json!("Ignore"));
        policed.broken(
            &closed,
            Some(&open),
            "admission.policy.fails-closed",
            "fails-open",
            "is Ignore: a request passes after",
        );
        let whole = policed.run(&[pod, "admission.policy.fails-closed"]).expect_code(0);
        nothing_left(&lab, &policed, &whole);
    }
}

#[test]
fn kyverno_is_told_by_its_policies_and_its_audit_is_found() {
    if let Some(lab) = first_lab() {
        if !serves(&lab, "clusterpolicies.kyverno.io") {
            skipped(&format!("{} has no Kyverno; `kind-configs/lab up --with-kyverno` adds it", lab.context));
            return;
        }
        let story = Story::new(&lab, "kyverno");
        let a = story.a.clone();
        level(&lab, &a, Some("baseline"));
        let mut policies = Policies::new(&lab);
        let policy = json!({
            "apiVersion": "kyverno.io/v1",
            "kind": "ClusterPolicy",
            "metadata": {"name": format!("{a}-phi")},
            "spec": {"background": false, "rules": [{
                "name": "non-root",
                "match": {"any": [{"resources": {"kinds": ["Pod"], "namespaces": [a],
                    "selector": {"matchLabels": {"classification": "PHI"}}}}]},
                "validate": {
                    "failureAction": "Enforce",
                    "message": "what holds PHI runs as non-root",
                    "foreach": [{
                        "list": "request.object.spec.[ephemeralContainers, initContainers, containers][]",
                        "deny": {"conditions": {"all": [{
                            "key": "{{ element.securityContext.runAsNonRoot || request.object.spec.securityContext.runAsNonRoot || `false` }}",
                            "operator": "NotEquals",
                            "value": true,
                        }, {"key": "{{ element.name }}", "operator": "NotEquals", "value": ""}]}},
                    }],
                },
            }]},
        });
        policies.put(&policy);
        let tenancy = format!(
            "{}admission:\n- {{id: phi, tenants: [a], pods: {{classification: PHI}}, require: {{runAsNonRoot: true}}}}\n",
            story.tenancy().replacen("  roles:\n", "  subjects: {groups: [a-developers]}\n  roles:\n", 1)
        );
        let run = |checks: &[&str]| {
            let mut run = lab.run(&tenancy).families(&["admission"]);
            for check in checks {
                run = run.with(&["--check", check]);
            }
            run.end()
        };
        let pod = [
            "admission.non-root.pod",
            "admission.policy.fails-closed",
            "admission.policy.covers",
            "admission.exempt.exception",
        ];
        let ended = run(&pod).expect_code(0);
        let told = authors(&ended);
        assert!(told.contains(&format!("Kyverno policy {a}-phi")), "Kyverno should have refused:\n{told}");

        let audits = with(&policy, "/spec/rules/0/validate/failureAction", json!("Audit"));
        policies.put(&audits);
        accused(&run(&pod[..1]).expect_code(1), "policy-only-reports", "failureAction: Audit");
        policies.put(&policy);
        let role = Rbac::cluster_role(
            &lab,
            &format!("{a}-excepts"),
            "rules: [{apiGroups: [kyverno.io], resources: [policyexceptions], verbs: [create]}]\n",
        );
        let bound = Rbac::binding(&lab, &a, &role.name, ("Group", "a-developers"));
        let ended = run(&["admission.exempt.exception"]).expect_code(1);
        accused(&ended, "tenant-may-exempt", "create policyexceptions.kyverno.io");
        drop(bound);
        run(&pod).expect_code(0);
    }
}

#[test]
fn a_webhook_that_does_not_answer_proves_nothing() {
    if let Some(lab) = first_lab() {
        let mut policed = Policed::new(&lab, "away");
        let a = policed.story.a.clone();
        // One engine is installed and has nobody who serves it; one takes longer than the webhook waits.
        let nobody = json!({"service": {"name": "gatekeeper-webhook-service", "namespace": a, "path": "/"}});
        let slow = json!({"url": "https://192.0.2.1/"});
        for (name, calls) in [("nobody", nobody), ("slow", slow)] {
            let dead =
                with(&webhook(&format!("{a}-{name}"), &a, &calls, "Fail"), "/webhooks/0/timeoutSeconds", json!(1));
            policed.policies.put(&dead);
            std::thread::sleep(Duration::from_secs(2));
            let ended =
                policed.run(&["admission.registries.pod", "admission.labels.pod", "admission.policy.fails-closed"]);
            policed.policies.delete(&dead);
            let ended = ended.expect_code(3);
            for one in &ended.record().results {
                // What refuses inside the API server did so before the webhook was called.
                let kind = one.judgement.cause.as_ref().map(|cause| cause.kind.as_str());
                let known = one.judgement.verdict == Verdict::Pass && one.case.check.as_str().contains("fails-closed");
                assert!(known || kind == Some("engine-away"), "{name}: {}: {}", one.case.id, one.judgement.reason);
            }
        }
        std::thread::sleep(Duration::from_secs(2));
        let whole = policed.run(&["admission.registries.pod"]).expect_code(0);
        nothing_left(&lab, &policed, &whole);
    }
}

#[test]
fn what_the_cluster_does_not_serve_is_skipped_and_says_so() {
    for lab in labs() {
        if serves(&lab, "buckets.s3.services.k8s.aws") {
            continue;
        }
        let story = Story::new(&lab, "unserved");
        let tenancy =
            format!("{}admission:\n- {{id: b, require: {{bucket: {{publicAccessBlock: true}}}}}}\n", story.tenancy());
        let ended =
            lab.run(&tenancy).families(&["admission"]).with(&["--check", "admission.bucket.public-access"]).end();
        let ended = ended.expect_code(3);
        for one in &ended.record().results {
            assert_eq!(one.judgement.verdict, Verdict::Skipped, "{}", one.judgement.reason);
            assert!(one.judgement.reason.contains("does not serve what is asked for"), "{}", one.judgement.reason);
        }
    }
}

#[test]
fn buckets_are_held_to_their_tags_and_their_block() {
    if let Some(lab) = first_lab() {
        if !serves(&lab, "buckets.s3.services.k8s.aws") {
            skipped(&format!("{} does not serve ACK's Bucket; `kind-configs/story/apply` adds it", lab.context));
            return;
        }
        let story = Story::new(&lab, "buckets");
        let a = story.a.clone();
        let rule = json!({"apiGroups": ["s3.services.k8s.aws"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"],
            "resources": ["buckets"]});
        let expression = "has(object.spec.tagging) && object.spec.tagging.tagSet.exists(t, t.key == 'tenant' && t.value == 'a') && \
                          has(object.spec.publicAccessBlock) && \
                          has(object.spec.publicAccessBlock.blockPublicACLs) && object.spec.publicAccessBlock.blockPublicACLs && \
                          has(object.spec.publicAccessBlock.blockPublicPolicy) && object.spec.publicAccessBlock.blockPublicPolicy && \
                          has(object.spec.publicAccessBlock.ignorePublicACLs) && object.spec.publicAccessBlock.ignorePublicACLs && \
                          has(object.spec.publicAccessBlock.restrictPublicBuckets) && object.spec.publicAccessBlock.restrictPublicBuckets";
        let (policy, binding) = builtin(&format!("{a}-buckets"), &a, &rule, expression);
        let mut policies = Policies::new(&lab);
        policies.put(&policy);
        policies.put(&binding);
        let tenancy = format!(
            "{}admission:\n- {{id: b, tenants: [a], require: {{bucket: {{tags: [{{key: tenant}}], publicAccessBlock: true}}}}}}\n",
            story.tenancy()
        );
        lab.apply(&format!(
            "apiVersion: s3.services.k8s.aws/v1alpha1\nkind: Bucket\nmetadata: {{namespace: {a}, name: records}}\nspec:\n  \
             name: records\n  tagging: {{tagSet: [{{key: tenant, value: a}}]}}\n  publicAccessBlock: {{blockPublicACLs: true, \
             blockPublicPolicy: true, ignorePublicACLs: true, restrictPublicBuckets: true}}\n"
        ));
        let run = || lab.run(&tenancy).families(&["admission"]).end();
        let ended = run().expect_code(0);
        for check in ["tags", "value", "public-access", "update"] {
            let proved = ended.record().results.iter().any(|one| {
                one.case.check.as_str() == format!("admission.bucket.{check}") && one.judgement.verdict == Verdict::Pass
            });
            assert!(proved, "{check} should be proved:\n{}", ended.text);
        }
        let half = with(
            &policy,
            "/spec/validations/0/expression",
            json!("has(object.spec.tagging) && has(object.spec.publicAccessBlock)"),
        );
        policies.put(&half);
        let ended = run().expect_code(1);
        accused(&ended, "policy-lets-pass", "none refuses what breaks rule b");
        let made = ended.record().results.iter().filter(|one| one.judgement.verdict == Verdict::Fail);
        assert!(made.count() >= 2, "value and single ways should both be found:\n{}", ended.text);
    }
}

#[test]
fn a_run_in_production_makes_nothing_at_any_moment() {
    if let Some(lab) = first_lab() {
        let policed = Policed::new(&lab, "careful");
        let a = &policed.story.a;
        let run = lab.run(&policed.tenancy()).families(&["admission"]).with(&["--prod"]);
        let (ended, samples) = watched(run, || {
            lab.list::<k8s_openapi::api::core::v1::Pod>(a).len()
                + lab.list::<Deployment>(a).len()
                + lab.list::<StatefulSet>(a).len()
                + lab.list::<Job>(a).len()
                + lab.list::<CronJob>(a).len()
        });
        let ended = ended.expect_code(0);
        assert!(samples.iter().all(|made| *made == 0), "nothing should be made at any moment: {samples:?}");
        for one in &ended.record().results {
            let check = one.case.check.as_str();
            let touches = check.ends_with(".ephemeral") || check.ends_with(".update");
            let skipped = one.judgement.verdict == Verdict::Skipped;
            assert_eq!(
                skipped,
                touches || check.ends_with(".exception") && skipped,
                "{check}: {}",
                one.judgement.reason
            );
        }
        nothing_left(&lab, &policed, &ended);
    }
}

/// A Deployment with no pods, until it is dropped.
struct Down<'a>(&'a Lab, &'static str, &'static str);

impl<'a> Down<'a> {
    fn new(lab: &'a Lab, namespace: &'static str, name: &'static str) -> Self {
        let down = Self(lab, namespace, name);
        down.scale(0);
        down.until(0);
        down
    }

    fn api(&self) -> kube::Api<Deployment> {
        kube::Api::namespaced(self.0.client.clone(), self.1)
    }

    fn scale(&self, replicas: i32) {
        let patch = kube::api::Patch::Merge(json!({"spec": {"replicas": replicas}}));
        self.0.wait(self.api().patch(self.2, &kube::api::PatchParams::default(), &patch)).unwrap();
    }

    fn until(&self, replicas: i32) {
        super::support::eventually("the engine's scale", Duration::from_secs(180), || {
            let status = self.0.wait(self.api().get(self.2)).ok().and_then(|one| one.status).unwrap_or_default();
            // A pod that ends answers on until it is gone.
            let pods = self.0.list::<k8s_openapi::api::core::v1::Pod>(self.1);
            let there =
                pods.iter().filter(|pod| pod.metadata.name.as_deref().is_some_and(|name| name.starts_with(self.2)));
            status.ready_replicas.unwrap_or_default() == replicas
                && status.replicas.unwrap_or_default() == replicas
                && (replicas > 0 || there.count() == 0)
        });
    }
}

impl Drop for Down<'_> {
    fn drop(&mut self) {
        self.scale(1);
        if !std::thread::panicking() {
            self.until(1);
        }
    }
}

#[test]
fn breaking_an_engine_that_is_taken_down_shows_who_fails_open() {
    let Some(lab) = lab_to_break() else { return };
    let mut policed = Policed::new(&lab, "down");
    let Some((_, closed)) = policed.phi.clone() else { return skipped("the lab has no Gatekeeper") };
    let pod = ["admission.non-root.pod", "admission.policy.fails-closed"];
    policed.run(&pod).expect_code(0);
    {
        let _down = Down::new(&lab, "gatekeeper-system", "gatekeeper-controller-manager");
        let ended = policed.run(&pod).expect_code(3);
        let phi = ended.record().results.iter().filter(|one| one.case.id.as_str().ends_with("/phi"));
        for one in phi {
            let kind = one.judgement.cause.as_ref().map(|cause| cause.kind.as_str());
            assert_eq!(kind, Some("engine-away"), "{}: {}", one.case.id, one.judgement.reason);
        }
        // Gatekeeper's own webhook alone, which fails open: what breaks the rule passes.
        policed.policies.delete(&closed);
        let ended = policed.run(&pod).expect_code(1);
        accused(&ended, "policy-lets-pass", "of all that are asked in namespace");
        policed.policies.put(&closed);
    }
    let whole = policed.run(&pod).expect_code(0);
    nothing_left(&lab, &policed, &whole);
}

#[test]
fn breaking_an_aggregated_api_that_is_down_changes_no_verdict() {
    let Some(lab) = lab_to_break() else { return };
    let policed = Policed::new(&lab, "aggregated");
    let mut apis = Policies::new(&lab);
    apis.put(&json!({
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1.down.tenantproof.dev"},
        "spec": {
            "group": "down.tenantproof.dev", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100,
            "insecureSkipTLSVerify": true, "service": {"name": "nobody", "namespace": "default"},
        },
    }));
    let ended = policed.run(&["admission.registries.pod", "admission.pod-security.host"]).expect_code(0);
    drop(apis);
    nothing_left(&lab, &policed, &ended);
}
