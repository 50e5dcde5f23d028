//! Each fence, broken on purpose: the suite finds it, names the right tenants and the right cause, and
//! is content again once the fence is back. The fifth sabotage, a CNI that enforces nothing, is in
//! `engines`.

use std::collections::BTreeSet;

use super::support::{Ended, Lab, Story, fence, labs};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use tenantproof::families::network::fences::{How, Sabotage, sabotages};
use tenantproof::model::Verdict;

/// Tenant b's pods with `role: web` have a fence of their own beside that of all others, and both let
/// in namespaces by two labels, one of which a carries too. b's web pods may reach the shared part.
struct Fenced<'a> {
    lab: &'a Lab,
    story: Story<'a>,
}

impl<'a> Fenced<'a> {
    fn new(lab: &'a Lab) -> Self {
        let story = Story::new(lab, "sabotage");
        for (namespace, tenant) in [(&story.a, "a"), (&story.b, "b")] {
            lab.apply(&format!(
                "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {namespace}\n  labels: {{tenant: {tenant}, tier: gold, \
                 pod-security.kubernetes.io/enforce: restricted}}\n"
            ));
        }
        let own = "[{namespaceSelector: {matchLabels: {tenant: b, tier: gold}}}]";
        lab.delete("networking.k8s.io/v1", "NetworkPolicy", &story.b, "fence");
        lab.apply(&fence(&story.b, "web", "{matchLabels: {role: web}}", own, ""));
        let others = "{matchExpressions: [{key: role, operator: NotIn, values: [web]}]}";
        lab.apply(&fence(&story.b, "others", others, own, ""));
        let web = "[{namespaceSelector: {matchLabels: {tenant: b}}, podSelector: {matchLabels: {role: web}}}]";
        lab.apply(&fence(&story.shared, "clients", "{}", web, "[{protocol: TCP, port: 8080}]"));
        Self { lab, story }
    }

    fn tenancy(&self) -> String {
        let Story { a, b, shared, .. } = &self.story;
        format!(
            "apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: story\ntenants:\n\
             - id: a\n  namespaces: [{a}]\n\
             - id: b\n  namespaces: [{b}]\n  roles:\n  - {{name: web, labels: {{role: web}}}}\n\
             shared:\n- id: shared\n  namespaces: [{shared}]\n\
             flows:\n- from: {{tenant: b, roles: [web]}}\n  to: {{shared: shared}}\n  \
             ports: [{{protocol: TCP, port: 8080}}]\n"
        )
    }

    /// The sabotage of b's fence for its web pods, done in this way and described with these words.
    fn sabotage(&self, how: How, words: &str) -> Sabotage {
        let mut policies = self.lab.list::<NetworkPolicy>(&self.story.b);
        policies.retain(|policy| policy.metadata.name.as_deref() == Some("web"));
        let mut ways = sabotages(&policies);
        ways.retain(|way| way.how == how && way.description.contains(words));
        assert_eq!(ways.len(), 1, "exactly one way should be {how:?} with {words:?}: {ways:#?}");
        ways.remove(0)
    }

    /// Breaks the fence and runs: the run should fail, and accuse exactly these tenants of reaching
    /// b's web pods, for a cause of this kind that has all these words.
    fn broken(&self, sabotage: &Sabotage, from: &[&str], kind: &str, words: &[&str]) -> Ended {
        self.lab.break_fence(sabotage);
        let ended = self.lab.run(&self.tenancy()).end().expect_code(1);
        let record = ended.record();
        assert_eq!(record.counts.inconclusive, 0, "nothing but leaks should be reported:\n{}", ended.text);
        let accused: BTreeSet<_> = record.findings.iter().map(|one| (one.from.as_str(), one.to.as_str())).collect();
        let wanted: BTreeSet<_> = from.iter().map(|from| (*from, "b")).collect();
        assert_eq!(accused, wanted, "exactly these tenants should be accused:\n{}", ended.text);
        for finding in &record.findings {
            assert_eq!(finding.verdict, Verdict::Fail, "{finding:#?}");
            assert_eq!(finding.kind, kind, "the kind of cause should be the right one: {finding:#?}");
            for word in words {
                assert!(finding.cause.contains(word), "the cause should say {word:?}: {}", finding.cause);
            }
            let web = format!(">{}/web:", self.story.b);
            let elsewhere: Vec<_> = finding.cases.iter().filter(|case| !case.as_str().contains(&web)).collect();
            assert!(elsewhere.is_empty(), "only b's web pods lost their fence: {elsewhere:?}");
        }
        ended
    }
}

#[test]
fn each_broken_fence_is_found_with_its_tenants_and_its_cause_and_none_once_all_are_back() {
    for lab in labs() {
        let fenced = Fenced::new(&lab);
        let b = fenced.story.b.clone();
        let web = format!("{b}/web");

        let deleted = fenced.sabotage(How::Deleted, "");
        fenced.broken(
            &deleted,
            &["a", "shared"],
            "policy-missing",
            &[&format!("no NetworkPolicy in namespace {b}"), &web],
        );
        lab.mend_fence(&deleted);

        let misspelt = fenced.sabotage(How::SelectsNothing, "role=webb");
        let suggestion = [&*format!("{web} selects role=webb"), "did you mean role=web?"];
        fenced.broken(&misspelt, &["a", "shared"], "policy-selects-nothing", &suggestion);
        lab.mend_fence(&misspelt);

        // Without `tenant: b` the selector reads `tier: gold` only, which a's namespace carries as well.
        let widened = fenced.sabotage(How::PeerWidened, "tenant=b");
        fenced.broken(&widened, &["a"], "policy-too-wide", &[&format!("{web} allows it by ingress rule 1")]);
        lab.mend_fence(&widened);

        let udp = fenced.sabotage(How::ProtocolUnfenced, "");
        let rule = format!("{web} allows it by ingress rule 2 (UDP");
        let ended = fenced.broken(&udp, &["a", "shared"], "policy-too-wide", &[&rule]);
        let of = |protocol: &str, verdict: Verdict| {
            let results = ended.record().results.iter();
            results
                .filter(|one| one.case.id.as_str().contains(&format!(">{web}:{protocol}-")))
                .filter(|one| one.judgement.verdict == verdict)
                .count()
        };
        assert!(of("udp", Verdict::Fail) > 0, "UDP should be found open:\n{}", ended.text);
        assert!(of("tcp", Verdict::Pass) > 0, "the fence for TCP should still be proved:\n{}", ended.text);
        assert_eq!(of("tcp", Verdict::Fail), 0, "nobody opened TCP:\n{}", ended.text);
        lab.mend_fence(&udp);

        let whole = lab.run(&fenced.tenancy()).end().expect_code(0);
        assert!(whole.record().findings.is_empty(), "with every fence back nobody should be accused");
    }
}
