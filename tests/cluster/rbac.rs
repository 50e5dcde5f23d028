//! What a tenant's subjects may ask of the API server: every binding that opens a fence is found with its chain, and
//! what could not be asked is never a pass. The CNI has no part in it.

use tenantproof::families::{CaseResult, Stance};
use tenantproof::model::{Family, Verdict};

use super::support::{Ended, Rbac, Story, expect_nothing_left, first_lab};

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

/// Real requests with the tenant's own token: what no role grants is refused to it, a binding in another's namespace is
/// found with the chain that grants it, and no token is in anything that the run says or leaves.
#[test]
fn a_tenants_own_token_is_refused_until_a_binding_lets_it_in() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "token");
        let run = || {
            let ended = lab.run(&story.tenancy()).families(&["rbac"]).with(&["--request-tokens", "-vv"]).end();
            let reports = ["run.json", "junit.xml", "summary.md"].map(|name| ended.report(name));
            for text in reports.iter().chain([&ended.text]) {
                assert!(!text.contains("eyJ"), "a token is shown");
            }
            ended
        };
        let of_tokens = |ended: &Ended, to: &str, verdict: Verdict| -> usize {
            let results = ended.record().results.iter();
            let wanted = results.filter(|one| one.case.check.as_str().starts_with("rbac.token."));
            let wanted = wanted.filter(|one| one.case.to.as_str() == to && one.judgement.verdict == verdict);
            wanted.count()
        };
        let green = run().expect_code(0);
        // From each of the two others, and about the cluster.
        for party in ["a", "b", "shared"] {
            assert_eq!(of_tokens(&green, party, Verdict::Pass), 3, "{party}:\n{}", green.text);
        }

        let bound = Rbac::of_account(&lab, &story.b, "edit", (&story.a, "default"));
        let opened = run().expect_code(1);
        let record = opened.record();
        let failed: Vec<_> = record.results.iter().filter(|one| one.judgement.verdict == Verdict::Fail).collect();
        assert!(
            failed.iter().all(|one| (one.case.from.as_str(), one.case.to.as_str()) == ("a", "b")),
            "{}",
            opened.text
        );
        let found = failed.iter().find(|one| one.case.check.as_str() == "rbac.token.namespace");
        let judgement = &found.unwrap_or_else(|| panic!("the token should be let in:\n{}", opened.text)).judgement;
        let cause = judgement.cause.as_ref().unwrap();
        assert_eq!(cause.kind, "granted", "{}", cause.sentence);
        for word in [bound.name.as_str(), "edit"] {
            assert!(cause.sentence.contains(word), "{word} should be named: {}", cause.sentence);
        }
        assert!(judgement.reason.contains(&format!("service account {}/default", story.a)), "{}", judgement.reason);
        assert_eq!((judgement.computed.stance, judgement.observed.stance), (Stance::Allowed, Stance::Allowed));
        assert_eq!(of_tokens(&opened, "a", Verdict::Fail) + of_tokens(&opened, "shared", Verdict::Fail), 0);

        drop(bound);
        let closed = run().expect_code(0);
        expect_nothing_left(&lab, &story.namespaces(), &[&green, &opened, &closed]);
    }
}

/// Whoever may not ask for tokens has nothing to show, and is told what it lacks.
#[test]
fn a_runner_that_may_not_ask_for_tokens_is_told_so() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "tokenless");
        let name = format!("{}-reader", story.a);
        let rules = "rules:\n- {apiGroups: ['*'], resources: ['*'], verbs: [get, list]}\n\
                     - {apiGroups: [authorization.k8s.io], resources: [subjectaccessreviews], verbs: [create]}\n";
        let _role = Rbac::cluster_role(&lab, &name, rules);
        let _bound = Rbac::binding(&lab, "", &name, ("User", &name));
        let config = lab.kubeconfig_of(&name);
        let path = config.path().to_str().unwrap();
        let run = lab.run(&story.tenancy()).families(&["rbac"]).with(&["--kubeconfig", path, "--request-tokens"]);
        let ended = run.end().expect_code(3);
        let of_tokens = |one: &&CaseResult| one.case.check.as_str().starts_with("rbac.token.");
        for result in ended.record().results.iter().filter(of_tokens) {
            let cause = result.judgement.cause.as_ref().unwrap();
            assert_eq!(cause.kind, "no-token", "{}", result.judgement.reason);
            assert!(cause.remedy.contains("serviceaccounts/token"), "{}", cause.remedy);
        }
    }
}

/// What no RBAC object shows: access entries of an EKS API that stands in for this cluster's. Its groups are asked of the real
/// API server, its policies are judged by its text, and entries of another cluster are refused.
#[cfg(feature = "aws")]
#[test]
fn access_entries_are_judged_beside_the_roles_of_a_real_cluster() {
    use super::eks::{Eks, Entry, NAME, There, arn};

    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "entries");
        let tenancy = story.tenancy().replacen(
            "- id: a\n",
            &format!("- id: a\n  subjects: {{principals: ['{}']}}\n", arn("a-dev")),
            1,
        ) + &format!("operators: {{principals: ['{}']}}\n", arn("ops"));
        assert!(tenancy.contains("a-dev"), "{tenancy}");
        let run = |endpoint: &str, entries: Vec<Entry>| {
            let eks = Eks::start(There::at(endpoint, entries));
            let run = lab.run(&tenancy).families(&["rbac"]).with(&["--eks-cluster", NAME]);
            let on_aws = [
                ("AWS_ACCESS_KEY_ID", "nobody"),
                ("AWS_SECRET_ACCESS_KEY", "nothing"),
                ("AWS_REGION", "eu-central-1"),
                ("AWS_EC2_METADATA_DISABLED", "true"),
                ("AWS_ENDPOINT_URL_EKS", &eks.address),
            ];
            on_aws.into_iter().fold(run, |run, (name, value)| run.env(name, value)).end()
        };
        let server = lab.server.clone();
        let group = format!("{}-developers", story.a);
        let ops = || Entry::role("ops").with("AmazonEKSClusterAdminPolicy", &[]);
        let dev = || Entry::role("a-dev").in_groups(&[group.as_str()]).with("AmazonEKSEditPolicy", &[story.a.as_str()]);
        let of = |ended: &Ended, check: &str, verdict: Verdict| -> usize {
            let results = ended.record().results.iter();
            results.filter(|one| one.case.check.as_str() == check && one.judgement.verdict == verdict).count()
        };

        let green = run(&server, vec![ops(), dev()]).expect_code(0);
        assert_eq!(of(&green, "rbac.eks.namespaces", Verdict::Pass), 2, "{}", green.text);
        assert_eq!(of(&green, "rbac.eks.operators", Verdict::Pass), 3, "{}", green.text);

        // A wildcard that takes the neighbour in, though no role does.
        let wide = format!("{}*", story.a.as_str().trim_end_matches('a'));
        let opened = run(&server, vec![ops(), dev().with("AmazonEKSViewPolicy", &[wide.as_str()])]).expect_code(1);
        assert!(of(&opened, "rbac.eks.namespaces", Verdict::Fail) >= 1, "{}", opened.text);
        assert_eq!(of(&opened, "rbac.cross-tenant.read", Verdict::Fail), 0, "{}", opened.text);

        // A binding of the entry's group, though no access policy does.
        let bound = Rbac::binding(&lab, &story.b, "view", ("Group", &group));
        let by_group = run(&server, vec![ops(), dev()]).expect_code(1);
        assert_eq!(of(&by_group, "rbac.cross-tenant.read", Verdict::Fail), 1, "{}", by_group.text);
        assert_eq!(of(&by_group, "rbac.eks.namespaces", Verdict::Fail), 0, "{}", by_group.text);
        drop(bound);

        let other = run("https://127.0.0.1:1", vec![ops(), dev()]).expect_code(2);
        assert!(other.text.contains("another cluster"), "{}", other.text);
        expect_nothing_left(&lab, &story.namespaces(), &[&green, &opened, &by_group]);
    }
}

/// A bound that is too small for everything: what was not asked is told, and what is broken is found all the same.
#[test]
fn beyond_the_bound_verdicts_say_what_was_computed_alone() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "bound");
        let run = || lab.run(&story.tenancy()).families(&["rbac"]).with(&["--max-reviews", "150"]).end();
        let bounded = run().expect_code(3);
        let asked = bounded.record().observations[&Family::new("rbac")]["asked"].as_object().unwrap().len();
        assert!(asked <= 150, "{asked} questions were asked");
        let alone = bounded.record().results.iter().filter(|one| one.judgement.reason.contains("bound of 150")).count();
        assert!(alone > 10, "what was computed alone should be told:\n{}", bounded.text);
        let unseen = |one: &&CaseResult| {
            one.judgement.observed.stance == Stance::Unknown && one.judgement.verdict == Verdict::Pass
        };
        let passed: Vec<_> = bounded.record().results.iter().filter(unseen).map(|one| &one.case.id).collect();
        assert!(passed.is_empty(), "what nobody was asked about is not proved: {passed:?}");
        let group = format!("system:serviceaccounts:{}", story.a);
        let _bound = Rbac::binding(&lab, &story.b, "view", ("Group", &group));
        let found = run().expect_code(1);
        assert!(found.record().findings.iter().any(|one| one.from.as_str() == "a"), "{}", found.text);
    }
}
