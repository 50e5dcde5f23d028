//! A tenant's own workloads: pods that meet the restricted level, ask for next to nothing and do nothing.

/// A pod template: labels (YAML), and container ports (YAML; empty: none).
fn template(labels: &str, ports: &str) -> String {
    let ports = if ports.is_empty() { String::new() } else { format!(", ports: {ports}") };
    format!(
        "metadata: {{labels: {labels}}}, spec: {{automountServiceAccountToken: false, \
         terminationGracePeriodSeconds: 1, \
         securityContext: {{runAsNonRoot: true, runAsUser: 65535, seccompProfile: {{type: RuntimeDefault}}}}, \
         containers: [{{name: pause, image: 'registry.k8s.io/pause:3.10.1', imagePullPolicy: IfNotPresent, \
         securityContext: {{allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}, \
         resources: {{requests: {{cpu: 1m, memory: 4Mi}}, limits: {{cpu: 50m, memory: 16Mi}}}}{ports}}}]}}"
    )
}

/// A Deployment, ReplicaSet or StatefulSet whose selector is these labels and nothing besides.
pub(crate) fn workload(kind: &str, namespace: &str, name: &str, labels: &str, replicas: u8, ports: &str) -> String {
    let service = if kind == "StatefulSet" { format!("serviceName: {name}, ") } else { String::new() };
    format!(
        "apiVersion: apps/v1\nkind: {kind}\nmetadata: {{namespace: {namespace}, name: {name}}}\n\
         spec: {{replicas: {replicas}, {service}selector: {{matchLabels: {labels}}}, template: {{{}}}}}\n",
        template(labels, ports)
    )
}

/// A pod that no workload owns.
pub(crate) fn bare_pod(namespace: &str, name: &str, labels: &str, ports: &str) -> String {
    let own = format!("metadata: {{namespace: {namespace}, name: {name}, labels: {labels}}}");
    let template = template(labels, ports).replacen(&format!("metadata: {{labels: {labels}}}"), &own, 1);
    format!("{{apiVersion: v1, kind: Pod, {template}}}\n")
}
