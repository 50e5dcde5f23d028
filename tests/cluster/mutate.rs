//! Every fence is taken down in turn, found and put back; a suite that can't find it is shown up; a fence that a
//! killed `mutate` left down is put back by whatever comes next.
//!
//! None of this depends on the CNI.

use std::time::Duration;

use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicySpec};
use kube::ResourceExt as _;
use tenantproof::run::mutate::{Mutation, Outcome};

use super::support::{Ended, Lab, Live, Rbac, Story, expect_nothing_left, first_lab};

/// The fences of a story, by name.
fn fences(lab: &Lab, story: &Story<'_>) -> Vec<(String, Option<NetworkPolicySpec>)> {
    let of = |namespace: &&str| {
        let policies = lab.list::<NetworkPolicy>(namespace).into_iter();
        policies.map(|policy| (format!("{namespace}/{}", policy.name_any()), policy.spec)).collect::<Vec<_>>()
    };
    story.namespaces().iter().flat_map(of).collect()
}

fn mutation(ended: &Ended) -> Mutation {
    serde_json::from_str(&ended.report("mutation.json")).unwrap()
}

#[test]
fn every_fence_that_is_taken_down_is_found_and_stands_again() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "mutate");
        let before = fences(&lab, &story);
        let ended = lab
            .run(&story.tenancy())
            .command_is("mutate")
            .with(&["--check", "network.cross-tenant.pod", "--check", "network.flow.pod"])
            .end();
        let mutation = mutation(&ended);
        assert_eq!(ended.code, 0, "{}", ended.text);
        assert!(mutation.finished.is_some() && mutation.count(Outcome::Found) >= 5, "{}", ended.text);
        for result in &mutation.mutants {
            assert!(matches!(result.outcome, Outcome::Found | Outcome::Harmless), "{}", ended.text);
        }
        assert_eq!(fences(&lab, &story), before, "every fence should stand as before");
        expect_nothing_left(&lab, &story.namespaces(), &[]);
    }
}

#[test]
fn each_key_and_token_that_is_planted_is_found_and_gone_again() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "planted");
        // What is planted has the image of a pod that is there.
        lab.apply(&format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{namespace: {}, name: own}}\nspec:\n  \
             schedulingGates: [{{name: tenantproof.dev/test}}]\n  automountServiceAccountToken: false\n  \
             securityContext: {{runAsNonRoot: true, runAsUser: 65532, seccompProfile: {{type: RuntimeDefault}}}}\n  \
             containers:\n  - name: own\n    image: example.org/own:1\n    \
             securityContext: {{allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}\n",
            story.a
        ));
        let ended =
            lab.run(&story.tenancy()).command_is("mutate").families(&["credentials"]).with(&["--read-secrets"]).end();
        let mutation = mutation(&ended);
        assert_eq!(ended.code, 0, "{}", ended.text);
        assert_eq!(mutation.count(Outcome::Found), mutation.mutants.len(), "{}", ended.text);
        assert!(mutation.never_noticed.is_empty(), "{:?}", mutation.never_noticed);
        expect_nothing_left(&lab, &story.namespaces(), &[]);
    }
}

#[test]
fn a_suite_that_cannot_find_a_mutant_is_shown_up() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "blind");
        let ended = lab.run(&story.tenancy()).command_is("mutate").with(&["--check", "network.flow.pod"]).end();
        let mutation = mutation(&ended);
        assert_eq!(ended.code, 1, "{}", ended.text);
        assert!(mutation.count(Outcome::Survived) > 0, "{}", ended.text);
        assert!(ended.text.contains("SURVIVED"), "{}", ended.text);
    }
}

#[test]
fn a_fence_that_a_killed_mutate_left_down_is_put_back_by_the_next_run() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "halfway");
        let before = fences(&lab, &story);
        let mut live = Live::start(lab.run(&story.tenancy()).command_is("mutate"));
        live.until_it_says("[1/");
        std::thread::sleep(Duration::from_secs(2));
        live.signal("KILL");
        let killed = live.end_within(Duration::from_secs(5));
        assert_eq!(mutation(&killed).finished, None, "its report should say that it is unfinished");
        assert_ne!(fences(&lab, &story), before, "a fence should be down");
        let ended = lab.run(&story.tenancy()).end().expect_code(0);
        let told = ended.record().warnings.iter().any(|warning| warning.message.contains("NetworkPolicy"));
        assert!(told, "what was put back should be named:\n{}", ended.text);
        assert_eq!(fences(&lab, &story), before, "every fence should stand as before");
        expect_nothing_left(&lab, &story.namespaces(), &[&ended]);
    }
}

#[test]
fn no_fence_of_a_cluster_in_production_is_taken_down() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "refused");
        let ended = lab.run(&story.tenancy()).command_is("mutate").with(&["--prod"]).end().expect_code(2);
        assert!(ended.text.contains("does not say that it may be thrown away"), "{}", ended.text);
        assert!(ended.text.contains("--force"), "{}", ended.text);
    }
}

#[test]
fn who_may_not_read_the_journal_takes_no_fence_down() {
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "journal");
        let before = fences(&lab, &story);
        let name = format!("{}-blind", story.a);
        // It could write a fence down and break it, and would not see what to put back.
        let rules = "rules:\n- {apiGroups: [''], resources: [namespaces, nodes, pods], verbs: [get, list]}\n\
                     - {apiGroups: [''], resources: [configmaps], verbs: [create]}\n\
                     - {apiGroups: [networking.k8s.io], resources: [networkpolicies], verbs: ['*']}\n";
        let _role = Rbac::cluster_role(&lab, &name, rules);
        let _bound = Rbac::binding(&lab, "", &name, ("User", &name));
        let config = lab.kubeconfig_of(&name);
        let path = config.path().to_str().unwrap();
        let run = lab.run(&story.tenancy()).command_is("mutate").with(&["--kubeconfig", path]);
        let ended = run.end().expect_code(2);
        assert!(ended.text.contains("read which fences were taken down"), "{}", ended.text);
        assert_eq!(fences(&lab, &story), before, "no fence should be touched");
    }
}
