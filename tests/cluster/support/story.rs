//! A small tenancy of its own for each test: two tenants and a shared part, fenced by their ingress.

use super::Lab;
use super::lab::eventually;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use std::time::Duration;

/// Namespaces with a prefix of their own, removed at the end.
pub(crate) struct Story<'a> {
    lab: &'a Lab,
    /// Tenant a's namespace.
    pub(crate) a: String,
    /// Tenant b's namespace.
    pub(crate) b: String,
    /// The shared namespace.
    pub(crate) shared: String,
}

impl<'a> Story<'a> {
    /// Makes the namespaces, each fenced: nothing comes in but from itself, and into the shared one
    /// TCP 8080 from pods of a with `role: client`.
    pub(crate) fn new(lab: &'a Lab, name: &str) -> Self {
        let prefix = prefix(name);
        let story =
            Self { lab, a: format!("{prefix}-a"), b: format!("{prefix}-b"), shared: format!("{prefix}-shared") };
        for (namespace, tenant) in [(&story.a, "a"), (&story.b, "b"), (&story.shared, "shared")] {
            lab.apply(&format!(
                "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {namespace}\n  labels:\n    tenant: {tenant}\n    \
                 pod-security.kubernetes.io/enforce: restricted\n"
            ));
            lab.apply(&fence(namespace, "fence", "{}", "[{podSelector: {}}]", ""));
        }
        let clients = format!(
            "[{{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {}}}}}, \
             podSelector: {{matchLabels: {{role: client}}}}}}]",
            story.a
        );
        lab.apply(&fence(&story.shared, "clients", "{}", &clients, "[{protocol: TCP, port: 8080}]"));
        story
    }

    /// Its namespaces.
    pub(crate) fn namespaces(&self) -> [&str; 3] {
        [&self.a, &self.b, &self.shared]
    }

    /// The tenancy file of the story.
    pub(crate) fn tenancy(&self) -> String {
        format!(
            "apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: story\ntenants:\n\
             - id: a\n  namespaces: [{}]\n  roles:\n  - {{name: client, labels: {{role: client}}}}\n\
             - id: b\n  namespaces: [{}]\n\
             shared:\n- id: shared\n  namespaces: [{}]\n\
             flows:\n- from: {{tenant: a, roles: [client]}}\n  to: {{shared: shared}}\n  ports: [{{protocol: TCP, port: 8080}}]\n",
            self.a, self.b, self.shared
        )
    }
}

impl Drop for Story<'_> {
    fn drop(&mut self) {
        remove(self.lab, &[&self.a, &self.b, &self.shared]);
    }
}

/// What the names of a test's namespaces begin with, in this test run.
pub(super) fn prefix(name: &str) -> String {
    format!("tp-{name}-{:04x}", std::process::id() & 0xffff)
}

/// Removes namespaces with all that is in them, and waits for their end.
pub(super) fn remove(lab: &Lab, names: &[&String]) {
    let namespaces: Api<Namespace> = Api::all(lab.client.clone());
    for name in names {
        let _ = lab.wait(namespaces.delete(name, &kube::api::DeleteParams::default()));
    }
    if !std::thread::panicking() {
        eventually("the end of the story's namespaces", Duration::from_secs(120), || {
            names.iter().all(|name| matches!(lab.wait(namespaces.get_opt(name)), Ok(None)))
        });
    }
}

/// An ingress policy: whom it selects, whom it lets in, and on which ports (empty: all).
pub(crate) fn fence(namespace: &str, name: &str, selects: &str, from: &str, ports: &str) -> String {
    let ports = if ports.is_empty() { String::new() } else { format!(", ports: {ports}") };
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{namespace: {namespace}, name: {name}}}\n\
         spec:\n  podSelector: {selects}\n  policyTypes: [Ingress]\n  ingress: [{{from: {from}{ports}}}]\n"
    )
}
