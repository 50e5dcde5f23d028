//! What a tenant's subjects may ask of the API server: every binding that opens a fence is found with its chain, and
//! what could not be asked is never a pass. The CNI has no part in it.

use tenantproof::model::Verdict;

use super::support::{Rbac, Story, first_lab};

#[test]
fn a_binding_that_opens_a_fence_is_found_with_its_chain() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "rbac");
        let run = || lab.run(&story.tenancy()).families(&["rbac"]).end();
        run().expect_code(0);
        let broken = [
            (story.b.as_str(), "view", "rbac.cross-tenant.read", "b"),
            (story.b.as_str(), "edit", "rbac.cross-tenant.secrets", "b"),
            (story.a.as_str(), "admin", "rbac.own.bindings", "a"),
            ("", "system:kubelet-api-admin", "rbac.cluster.nodes", "a"),
        ];
        let group = format!("system:serviceaccounts:{}", story.a);
        for (namespace, role, check, to) in broken {
            let bound = Rbac::binding(&lab, namespace, role, ("Group", &group));
            let ended = run().expect_code(1);
            let record = ended.record();
            let found = record.results.iter().find(|one| {
                let case = &one.case;
                let pair = (case.from.as_str(), case.to.as_str());
                one.judgement.verdict == Verdict::Fail && case.check.as_str() == check && pair == ("a", to)
            });
            let found = found.unwrap_or_else(|| panic!("{check} should find {role}:\n{}", ended.text));
            let cause = found.judgement.cause.as_ref().unwrap();
            assert_eq!(cause.kind, "granted", "{}", cause.sentence);
            assert!(cause.sentence.contains(&bound.name), "the binding should be named: {}", cause.sentence);
            assert!(cause.sentence.contains(role), "the role should be named: {}", cause.sentence);
            let others = record.results.iter().filter(|one| one.judgement.verdict == Verdict::Fail);
            assert!(others.clone().all(|one| one.case.from.as_str() == "a"), "nobody else is accused:\n{}", ended.text);
        }
        run().expect_code(0);
    }
}

#[test]
fn a_runner_that_may_not_ask_proves_nothing() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "mute");
        let name = format!("{}-reader", story.a);
        let rules = "rules:\n- {apiGroups: ['*'], resources: ['*'], verbs: [get, list]}\n";
        let _role = Rbac::cluster_role(&lab, &name, rules);
        let _bound = Rbac::binding(&lab, "", &name, ("User", &name));
        let config = lab.kubeconfig_of(&name);
        let path = config.path().to_str().unwrap();
        let ended = lab.run(&story.tenancy()).families(&["rbac"]).with(&["--kubeconfig", path]).end();
        assert_eq!(ended.code, 3, "{}", ended.text);
        assert_eq!(ended.record().counts.pass, 0, "{}", ended.text);
        assert!(ended.text.contains("subjectaccessreviews"), "the remedy should be told:\n{}", ended.text);
    }
}
