//! Roles and bindings of a test's own.

use super::Lab;

const GROUP: &str = "rbac.authorization.k8s.io";

/// A role or binding, removed whatever becomes of the test.
pub(crate) struct Rbac<'a> {
    lab: &'a Lab,
    kind: &'static str,
    namespace: String,
    /// Its name.
    pub(crate) name: String,
}

impl<'a> Rbac<'a> {
    /// A ClusterRole with these rules (YAML).
    pub(crate) fn cluster_role(lab: &'a Lab, name: &str, rules: &str) -> Self {
        Self::new(lab, "ClusterRole", "", name, rules)
    }

    /// A binding of a ClusterRole to a User or Group, in a namespace or (where that is empty) for the whole cluster.
    pub(crate) fn binding(lab: &'a Lab, namespace: &str, role: &str, (kind, subject): (&str, &str)) -> Self {
        let name = format!("{subject}-{role}").replace(':', "-");
        let rest = format!(
            "roleRef: {{apiGroup: {GROUP}, kind: ClusterRole, name: {role}}}\n\
             subjects: [{{kind: {kind}, name: '{subject}', apiGroup: {GROUP}}}]\n"
        );
        let kind = if namespace.is_empty() { "ClusterRoleBinding" } else { "RoleBinding" };
        Self::new(lab, kind, namespace, &name, &rest)
    }

    /// A binding of a ClusterRole to a service account, in a namespace.
    pub(crate) fn of_account(lab: &'a Lab, namespace: &str, role: &str, (home, account): (&str, &str)) -> Self {
        let rest = format!(
            "roleRef: {{apiGroup: {GROUP}, kind: ClusterRole, name: {role}}}\n\
             subjects: [{{kind: ServiceAccount, namespace: {home}, name: {account}}}]\n"
        );
        Self::new(lab, "RoleBinding", namespace, &format!("{home}-{account}-{role}"), &rest)
    }

    fn new(lab: &'a Lab, kind: &'static str, namespace: &str, name: &str, rest: &str) -> Self {
        let place = if namespace.is_empty() { String::new() } else { format!(", namespace: {namespace}") };
        let one = Self { lab, kind, namespace: namespace.to_owned(), name: name.to_owned() };
        lab.apply(&format!("apiVersion: {GROUP}/v1\nkind: {kind}\nmetadata: {{name: {name}{place}}}\n{rest}"));
        one
    }
}

impl Drop for Rbac<'_> {
    fn drop(&mut self) {
        self.lab.delete(&format!("{GROUP}/v1"), self.kind, &self.namespace, &self.name);
    }
}
