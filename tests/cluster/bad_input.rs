//! What a cluster can refuse: each is said, costs the cases that it concerns and no others, and leaves
//! nothing behind.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Pod, ResourceQuota};
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use tenantproof::model::Verdict;
use tenantproof::run::{RunRecord, RunStatus};

use super::support::{Rbac, Story, bare_pod, eventually, expect_nothing_left, first_lab, labs};

/// Asserts that every connection of a namespace is inconclusive for this reason, and that others are judged.
fn only_concerns(record: &RunRecord, namespace: &str, why: &str) {
    let concerned = |id: &str| id.contains(&format!("{namespace}/"));
    let mut others = 0;
    for result in record.results.iter().filter(|result| result.case.family.as_str() == "network") {
        let judgement = &result.judgement;
        if judgement.verdict == Verdict::Skipped {
            continue;
        }
        if concerned(result.case.id.as_str()) {
            assert_eq!(judgement.verdict, Verdict::Inconclusive, "{}: {}", result.case.id, judgement.reason);
            assert!(judgement.reason.contains(why), "the reason should be told: {}", judgement.reason);
        } else {
            assert_eq!(
                judgement.verdict,
                Verdict::Pass,
                "{} has nothing to do with it: {}",
                result.case.id,
                judgement.reason
            );
            others += 1;
        }
    }
    assert!(others > 0, "the other tenants should be judged");
}

fn permissions() -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tenantproof")).arg("permissions").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The rules that `tenantproof permissions` prints.
fn printed_rules() -> String {
    let printed = permissions();
    let rules = printed.find("rules:").expect("a ClusterRole has rules");
    printed[rules..].to_owned()
}

#[test]
fn the_printed_cluster_role_is_enough_and_one_namespace_less_costs_that_tenant_alone() {
    for lab in labs() {
        let story = Story::new(&lab, "rights");
        let role = format!("{}-role", story.a);
        let (whole, partial) = (format!("{role}-whole"), format!("{role}-partial"));
        let _role = Rbac::cluster_role(&lab, &role, &printed_rules());
        let _whole = Rbac::binding(&lab, "", &role, ("User", &whole));
        let config = lab.kubeconfig_of(&whole);
        let path = config.path().to_str().unwrap();
        let ended = lab.run(&story.tenancy()).with(&["--kubeconfig", path]).end().expect_code(0);
        let unread = &ended.record().coverage.not_understood;
        assert!(unread.is_empty(), "the role should read every policy that there is: {unread:?}");

        // Reading what is cluster-wide, and everything in two of the three namespaces.
        let _partial_role = Rbac::cluster_role(
            &lab,
            &partial,
            "rules:\n- {apiGroups: [\"\"], resources: [namespaces, nodes], verbs: [get, list]}\n\
             - {apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings, clusterrolebindings], verbs: [get, list]}\n\
             - {apiGroups: [scheduling.k8s.io], resources: [priorityclasses], verbs: [create, delete]}\n",
        );
        let user = ("User", partial.as_str());
        let _partial = Rbac::binding(&lab, "", &partial, user);
        let _in_two = [&story.a, &story.shared].map(|namespace| Rbac::binding(&lab, namespace, &role, user));
        let config = lab.kubeconfig_of(&partial);
        let path = config.path().to_str().unwrap();
        let ended = lab
            .run(&story.tenancy())
            .families(&["network", "credentials"])
            .with(&["--kubeconfig", path])
            .end()
            .expect_code(3);
        only_concerns(ended.record(), &story.b, "forbidden");
        let credentials = ended.record().results.iter().filter(|one| one.case.family.as_str() == "credentials");
        let mut unread = 0;
        for result in credentials.filter(|one| one.judgement.verdict != Verdict::Skipped) {
            let b = result.case.from.as_str() == "b";
            let verdict = if b { Verdict::Inconclusive } else { Verdict::Pass };
            assert_eq!(result.judgement.verdict, verdict, "{}: {}", result.case.id, result.judgement.reason);
            unread += usize::from(b);
        }
        assert!(unread > 0, "what can't be read in b should prove nothing of it");
        expect_nothing_left(&lab, &story.namespaces(), &[&ended]);
    }
}

#[test]
fn an_image_that_cannot_be_pulled_is_named_and_soon() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "image");
        let begun = Instant::now();
        let image = "registry.invalid/nobody/probe:1";
        let ended = lab.run(&story.tenancy()).with(&["--probe-image", image]).end().expect_code(3);
        let seconds = begun.elapsed().as_secs();
        assert!(seconds < 90, "it should be told soon, not after {seconds} s");
        let record = ended.record();
        let network = || record.results.iter().filter(|result| result.case.family.as_str() == "network");
        let passed = network().filter(|result| result.judgement.verdict == Verdict::Pass).count();
        assert_eq!(passed, 0, "nothing was tried, so nothing passes");
        let told = network().filter(|result| result.judgement.verdict == Verdict::Inconclusive);
        assert!(told.clone().count() > 0);
        for result in told {
            assert!(result.judgement.reason.contains(image), "{}", result.judgement.reason);
        }
        assert!(ended.report("junit.xml").contains("<error"), "a CI must not show it green");
        expect_nothing_left(&lab, &story.namespaces(), &[&ended]);
    }
}

#[test]
fn a_namespace_that_does_not_exist_is_an_error_with_the_nearest_name() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "absent");
        let tenancy = story.tenancy().replace(&format!("[{}]", story.b), &format!("[{}b]", story.b));
        let ended = lab.run(&tenancy).end().expect_code(2);
        assert!(ended.text.contains(&format!("did you mean `{}`?", story.b)), "{}", ended.text);
        let record = ended.record();
        assert_eq!((record.status, record.planned), (RunStatus::Aborted, 0), "reports of an earlier run must not stay");
        assert!(ended.report("summary.md").contains(&story.b), "the reason should be on every report");
        expect_nothing_left(&lab, &story.namespaces(), &[]);
    }
}

#[test]
fn a_tenant_at_its_quota_keeps_its_last_pod_and_a_refused_probe_says_by_what() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "quota");
        let quotas: Api<ResourceQuota> = Api::namespaced(lab.client.clone(), &story.b);
        let used = |resource: &str| {
            let status = lab.wait(quotas.get("share")).unwrap().status.unwrap_or_default();
            status.used.unwrap_or_default().get(resource).map(|quantity| quantity.0.clone())
        };
        // A workload of the tenant's own uses its pods up; then there is room for pods and none for their CPU.
        lab.apply(&bare_pod(&story.b, "own", "{app: own}", ""));
        for (hard, resource, in_use) in [("pods: '1'", "pods", "1"), ("limits.cpu: 50m", "limits.cpu", "50m")] {
            lab.apply(&format!(
                "apiVersion: v1\nkind: ResourceQuota\nmetadata: {{namespace: {}, name: share}}\nspec: {{hard: {{{hard}}}}}\n",
                story.b
            ));
            eventually("the quota's status", Duration::from_secs(30), || used(resource).as_deref() == Some(in_use));
            let ended = lab.run(&story.tenancy()).end().expect_code(3);
            only_concerns(ended.record(), &story.b, "ResourceQuota");
            assert_eq!(used(resource).as_deref(), Some(in_use), "a run takes nothing of a quota without room");
            lab.delete("v1", "ResourceQuota", &story.b, "share");
        }

        lab.apply(&format!(
            "apiVersion: v1\nkind: LimitRange\nmetadata: {{namespace: {}, name: least}}\n\
             spec: {{limits: [{{type: Container, min: {{memory: 1Gi}}}}]}}\n",
            story.b
        ));
        let ended = lab.run(&story.tenancy()).end().expect_code(3);
        only_concerns(ended.record(), &story.b, "minimum memory usage per Container is 1Gi");
        expect_nothing_left(&lab, &story.namespaces(), &[&ended]);
    }
}

#[test]
fn a_target_that_dies_is_not_proved_to_be_fenced() {
    for lab in labs() {
        let story = Story::new(&lab, "dead");
        let run = lab.run(&story.tenancy());
        let child = run.command().spawn().unwrap();
        let pods: Api<Pod> = Api::namespaced(lab.client.clone(), &story.b);
        let ours = ListParams::default().labels("tenantproof.dev/run");
        let mut victim = String::new();
        eventually("a running probe in b", Duration::from_secs(60), || {
            let running = lab
                .wait(pods.list(&ours))
                .unwrap()
                .items
                .into_iter()
                .find(|pod| pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running"));
            victim = running.and_then(|pod| pod.metadata.name).unwrap_or_default();
            !victim.is_empty()
        });
        let at_once = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        lab.wait(pods.delete(&victim, &at_once)).unwrap();
        let output = child.wait_with_output().unwrap();
        let ended = run.ended(&output).expect_code(3);
        let record = ended.record();
        let mut judged = 0;
        for result in record.results.iter().filter(|result| result.case.id.as_str().contains(&format!(">{}/", story.b)))
        {
            assert_ne!(
                result.judgement.verdict,
                Verdict::Fail,
                "a dead target is no broken promise: {}",
                result.judgement.reason
            );
            judged += usize::from(result.judgement.verdict == Verdict::Inconclusive);
        }
        assert!(judged > 0, "cases of the dead probe should be inconclusive: {}", ended.text);
        expect_nothing_left(&lab, &story.namespaces(), &[&ended]);
    }
}

#[test]
fn a_policy_of_another_kind_is_named_and_the_packets_decide() {
    for lab in labs().into_iter().filter(|lab| lab.context.contains("cilium")) {
        let story = Story::new(&lab, "foreign");
        lab.apply(&format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{namespace: {}, name: theirs}}\n\
             spec: {{endpointSelector: {{}}, ingress: [{{fromEndpoints: [{{}}]}}]}}\n",
            story.b
        ));
        let ended = lab.run(&story.tenancy()).end().expect_code(0);
        let record = ended.record();
        let named = &record.coverage.not_understood;
        assert!(named.iter().any(|name| name.contains("theirs")), "it should be named: {named:?}");
        let into_b: Vec<_> = record
            .results
            .iter()
            .filter(|result| result.case.to.as_str() == "b" && result.judgement.verdict != Verdict::Skipped)
            .collect();
        assert!(!into_b.is_empty());
        for result in into_b {
            let computed = &result.judgement.computed;
            assert_eq!(
                computed.stance,
                tenantproof::families::Stance::Unknown,
                "{}: {}",
                result.case.id,
                computed.because
            );
            assert!(computed.because.contains("theirs"), "{}", computed.because);
        }
    }
}
