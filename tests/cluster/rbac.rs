//! What a tenant's subjects may ask of the API server: every binding that opens a fence is found with its chain, and
//! what could not be asked is never a pass. The CNI has no part in it.

use tenantproof::model::Verdict;

use super::support::{Lab, Story, labs};

const GROUP: &str = "rbac.authorization.k8s.io";

/// A binding of a ClusterRole to the service accounts of a namespace.
fn binding(kind: &str, namespace: &str, name: &str, role: &str, of: &str) -> String {
    let place = if namespace.is_empty() { String::new() } else { format!(", namespace: {namespace}") };
    format!(
        "apiVersion: {GROUP}/v1\nkind: {kind}\nmetadata: {{name: {name}{place}}}\n\
         roleRef: {{apiGroup: {GROUP}, kind: ClusterRole, name: {role}}}\n\
         subjects: [{{kind: Group, apiGroup: {GROUP}, name: 'system:serviceaccounts:{of}'}}]\n"
    )
}

/// A binding of a test's own, removed whatever becomes of the test.
struct Bound<'a> {
    lab: &'a Lab,
    kind: &'static str,
    namespace: String,
    name: String,
}

impl<'a> Bound<'a> {
    fn new(lab: &'a Lab, kind: &'static str, namespace: &str, role: &str, of: &str) -> Self {
        let name = format!("{of}-{}", role.replace(':', "-"));
        lab.apply(&binding(kind, namespace, &name, role, of));
        Self { lab, kind, namespace: namespace.to_owned(), name }
    }
}

impl Drop for Bound<'_> {
    fn drop(&mut self) {
        self.lab.delete(&format!("{GROUP}/v1"), self.kind, &self.namespace, &self.name);
    }
}

#[test]
fn a_binding_that_opens_a_fence_is_found_with_its_chain() {
    for lab in labs().into_iter().take(1) {
        let story = Story::new(&lab, "rbac");
        let run = || lab.run(&story.tenancy()).families(&["rbac"]).end();
        run().expect_code(0);
        let broken = [
            ("RoleBinding", story.b.as_str(), "view", "rbac.cross-tenant.read", "b"),
            ("RoleBinding", story.b.as_str(), "edit", "rbac.cross-tenant.secrets", "b"),
            ("RoleBinding", story.a.as_str(), "admin", "rbac.own.bindings", "a"),
            ("ClusterRoleBinding", "", "system:kubelet-api-admin", "rbac.cluster.nodes", "a"),
        ];
        for (kind, namespace, role, check, to) in broken {
            let bound = Bound::new(&lab, kind, namespace, role, &story.a);
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
    for lab in labs().into_iter().take(1) {
        let story = Story::new(&lab, "mute");
        let name = format!("{}-reader", story.a);
        lab.apply(&format!(
            "apiVersion: {GROUP}/v1\nkind: ClusterRole\nmetadata: {{name: {name}}}\nrules:\n\
             - {{apiGroups: ['*'], resources: ['*'], verbs: [get, list]}}\n"
        ));
        lab.apply(&format!(
            "apiVersion: {GROUP}/v1\nkind: ClusterRoleBinding\nmetadata: {{name: {name}}}\n\
             roleRef: {{apiGroup: {GROUP}, kind: ClusterRole, name: {name}}}\n\
             subjects: [{{kind: User, apiGroup: {GROUP}, name: {name}}}]\n"
        ));
        let config = lab.kubeconfig_of(&name);
        let path = config.path().to_str().unwrap();
        let ended = lab.run(&story.tenancy()).families(&["rbac"]).with(&["--kubeconfig", path]).end();
        for kind in ["ClusterRoleBinding", "ClusterRole"] {
            lab.delete(&format!("{GROUP}/v1"), kind, "", &name);
        }
        assert_eq!(ended.code, 3, "{}", ended.text);
        assert_eq!(ended.record().counts.pass, 0, "{}", ended.text);
        assert!(ended.text.contains("subjectaccessreviews"), "the remedy should be told:\n{}", ended.text);
    }
}
