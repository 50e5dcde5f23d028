//! What an object takes of a quota.

use k8s_openapi::api::core::v1::{Container, ContainerStatus, PersistentVolumeClaim, Pod, Service};

use super::amounts::Amounts;
use crate::model::Quantity;

const ONE: Quantity = Quantity::of_milli(1000);
/// What stands between the name of a StorageClass and the resource that is counted of it.
const STORAGE_CLASS: &str = ".storageclass.storage.k8s.io/";

/// What a pod takes (`PodUsageFunc`). One that has ended takes nothing but its place among all objects.
#[must_use]
pub fn of_pod(pod: &Pod) -> Amounts {
    let mut usage = Amounts::from_iter([("count/pods", ONE)]);
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    if matches!(phase, Some("Succeeded" | "Failed")) {
        return usage;
    }
    usage.set("pods", ONE);
    let (requests, limits) = (taken(pod, Side::Requests), taken(pod, Side::Limits));
    for (name, amount) in requests.iter() {
        match name {
            "cpu" | "memory" | "ephemeral-storage" => {
                usage.set(name, amount);
                usage.set(format!("requests.{name}"), amount);
            }
            _ if name.starts_with("hugepages-") => {
                usage.set(name, amount);
                usage.set(format!("requests.{name}"), amount);
            }
            _ if is_extended(name) => usage.set(format!("requests.{name}"), amount),
            _ => {}
        }
    }
    for (name, amount) in limits.iter().filter(|(name, _)| matches!(*name, "cpu" | "memory" | "ephemeral-storage")) {
        usage.set(format!("limits.{name}"), amount);
    }
    usage
}

/// What a Service takes (`serviceEvaluator.Usage`): node ports by its ports, whether they have numbers or not.
#[must_use]
pub fn of_service(service: &Service) -> Amounts {
    let mut usage = Amounts::from_iter([("count/services", ONE), ("services", ONE)]);
    let Some(spec) = &service.spec else { return usage };
    let ports = spec.ports.as_deref().unwrap_or_default();
    let count = |ports: usize| Quantity::of_milli(i128::try_from(ports).unwrap_or_default() * 1000);
    match spec.type_.as_deref() {
        Some("NodePort") => usage.set("services.nodeports", count(ports.len())),
        Some("LoadBalancer") => {
            let chosen = ports.iter().filter(|port| port.node_port.is_some_and(|number| number != 0)).count();
            let taken = if spec.allocate_load_balancer_node_ports == Some(false) { chosen } else { ports.len() };
            usage.set("services.nodeports", count(taken));
            usage.set("services.loadbalancers", ONE);
        }
        _ => {}
    }
    usage
}

/// What a PersistentVolumeClaim takes (`pvcEvaluator.Usage`), of all storage and of its class.
#[must_use]
pub fn of_claim(claim: &PersistentVolumeClaim) -> Amounts {
    let mut usage = Amounts::from_iter([("count/persistentvolumeclaims", ONE), ("persistentvolumeclaims", ONE)]);
    let spec = claim.spec.clone().unwrap_or_default();
    let annotations = claim.metadata.annotations.as_ref();
    let class = annotations
        .and_then(|annotations| annotations.get("volume.beta.kubernetes.io/storage-class"))
        .or(spec.storage_class_name.as_ref())
        .filter(|class| !class.is_empty());
    let requests = Amounts::of(spec.resources.as_ref().and_then(|resources| resources.requests.as_ref()));
    let allocated = Amounts::of(claim.status.as_ref().and_then(|status| status.allocated_resources.as_ref()));
    let storage = requests.get("storage").map(|asked| whole(asked.max(allocated.get("storage").unwrap_or(asked))));
    if let Some(storage) = storage {
        usage.set("requests.storage", storage);
    }
    if let Some(class) = class {
        usage.set(format!("{class}{STORAGE_CLASS}persistentvolumeclaims"), ONE);
        if let Some(storage) = storage {
            usage.set(format!("{class}{STORAGE_CLASS}requests.storage"), storage);
        }
    }
    usage
}

/// The name under which objects of a kind are counted (`ObjectCountQuotaResourceNameFor`).
#[must_use]
pub fn counted_name(plural: &str, group: &str) -> String {
    if group.is_empty() { format!("count/{plural}") } else { format!("count/{plural}.{group}") }
}

/// A fraction of a byte is counted as a whole one.
fn whole(amount: Quantity) -> Quantity {
    Quantity::of_milli(amount.milli().div_euclid(1000) * 1000 + i128::from(amount.milli() % 1000 > 0) * 1000)
}

/// Whether a resource is of somebody else's making (`IsExtendedResourceName`): its name has a domain that is
/// not Kubernetes' own.
fn is_extended(name: &str) -> bool {
    !name.starts_with("requests.")
        && name
            .split_once('/')
            .is_some_and(|(domain, _)| domain != "kubernetes.io" && !domain.ends_with(".kubernetes.io"))
}

#[derive(Clone, Copy)]
pub(super) enum Side {
    Requests,
    Limits,
}

/// What the containers of a pod take together (`PodRequests`, `PodLimits`): the sum of those that run at the
/// same time, or what the greediest of its init containers takes beside the sidecars before it.
pub(super) fn taken(pod: &Pod, side: Side) -> Amounts {
    let spec = pod.spec.clone().unwrap_or_default();
    let mut together = Amounts::default();
    for container in &spec.containers {
        together.add(&of_container(pod, container, side));
    }
    let (mut sidecars, mut beginning) = (Amounts::default(), Amounts::default());
    for container in spec.init_containers.iter().flatten() {
        let own = of_container(pod, container, side);
        let now = if container.restart_policy.as_deref() == Some("Always") {
            together.add(&own);
            sidecars.add(&own);
            sidecars.clone()
        } else {
            let mut now = own;
            now.add(&sidecars);
            now
        };
        beginning.raise(&now);
    }
    together.raise(&beginning);
    let of_pod = spec.resources.as_ref();
    let of_pod = Amounts::of(match side {
        Side::Requests => of_pod.and_then(|resources| resources.requests.as_ref()),
        Side::Limits => of_pod.and_then(|resources| resources.limits.as_ref()),
    });
    for (name, amount) in of_pod.iter().filter(|(name, _)| is_of_pods(name)) {
        together.set(name, amount);
    }
    for (name, amount) in Amounts::of(spec.overhead.as_ref()).iter() {
        let own = together.get(name);
        // Overhead makes no limit where there is none.
        if matches!(side, Side::Requests) || own.is_some_and(|own| own != Quantity::default()) {
            together.set(name, Quantity::of_milli(own.unwrap_or_default().milli() + amount.milli()));
        }
    }
    together
}

/// Whether a pod as a whole may ask for a resource.
fn is_of_pods(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || name.starts_with("hugepages-")
}

/// What a container asks for, or still holds while it is being resized, whichever is more.
fn of_container(pod: &Pod, container: &Container, side: Side) -> Amounts {
    let resources = container.resources.as_ref();
    let asked = Amounts::of(match side {
        Side::Requests => resources.and_then(|resources| resources.requests.as_ref()),
        Side::Limits => resources.and_then(|resources| resources.limits.as_ref()),
    });
    let Some(status) = status_of(pod, &container.name) else { return asked };
    let mut held = Amounts::of(status.resources.as_ref().and_then(|resources| match side {
        Side::Requests => resources.requests.as_ref(),
        Side::Limits => resources.limits.as_ref(),
    }));
    if matches!(side, Side::Requests) {
        held.raise(&Amounts::of(status.allocated_resources.as_ref()));
    }
    // A resize that can't be done takes nothing.
    if held.is_empty() || !cannot_resize(pod) {
        held.raise(&asked);
    }
    held
}

fn status_of<'a>(pod: &'a Pod, container: &str) -> Option<&'a ContainerStatus> {
    let status = pod.status.as_ref()?;
    let all = status.container_statuses.iter().chain(&status.init_container_statuses).flatten();
    all.into_iter().find(|status| status.name == container)
}

fn cannot_resize(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|one| one.type_ == "PodResizePending" && one.reason.as_deref() == Some("Infeasible"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::{of_claim, of_pod, of_service};

    fn container(requests: &Value, limits: &Value) -> Value {
        json!({"name": "c", "resources": {"requests": requests, "limits": limits}})
    }

    #[rstest]
    #[case::sum(
        json!({"containers": [container(&json!({"cpu": "1"}), &json!({"cpu": "2"})),
                              container(&json!({"cpu": "500m", "memory": "1Gi"}), &json!({}))]}),
        &[("requests.cpu", "1500m"), ("cpu", "1500m"), ("limits.cpu", "2"), ("requests.memory", "1Gi"), ("pods", "1"),
          ("count/pods", "1")]
    )]
    #[case::greedy_init(
        json!({"containers": [container(&json!({"cpu": "1"}), &json!({}))],
               "initContainers": [container(&json!({"cpu": "3"}), &json!({}))]}),
        &[("requests.cpu", "3")]
    )]
    #[case::init_beside_an_earlier_sidecar(
        json!({"containers": [container(&json!({"cpu": "1"}), &json!({}))],
               "initContainers": [
                   {"name": "s", "restartPolicy": "Always", "resources": {"requests": {"cpu": "2"}}},
                   {"name": "i", "resources": {"requests": {"cpu": "2"}}}]}),
        &[("requests.cpu", "4")]
    )]
    #[case::init_before_a_sidecar(
        json!({"containers": [container(&json!({"cpu": "1"}), &json!({}))],
               "initContainers": [
                   {"name": "i", "resources": {"requests": {"cpu": "2"}}},
                   {"name": "s", "restartPolicy": "Always", "resources": {"requests": {"cpu": "2"}}}]}),
        &[("requests.cpu", "3")]
    )]
    #[case::overhead_adds_to_requests_and_to_limits_that_are_set(
        json!({"containers": [container(&json!({"cpu": "1"}), &json!({"cpu": "1"}))],
               "overhead": {"cpu": "250m", "memory": "64Mi"}}),
        &[("requests.cpu", "1250m"), ("limits.cpu", "1250m"), ("requests.memory", "64Mi"), ("limits.memory", "")]
    )]
    #[case::the_pods_own_figures_win(
        json!({"containers": [container(&json!({"cpu": "1", "example.com/gpu": "1"}), &json!({}))],
               "resources": {"requests": {"cpu": "5", "example.com/gpu": "7"}}}),
        &[("requests.cpu", "5"), ("requests.example.com/gpu", "1")]
    )]
    #[case::extended_and_huge_pages(
        json!({"containers": [container(
            &json!({"example.com/gpu": "2", "hugepages-2Mi": "4Mi", "ephemeral-storage": "1Gi"}),
            &json!({"ephemeral-storage": "2Gi", "example.com/gpu": "2"}))]}),
        &[("requests.example.com/gpu", "2"), ("limits.example.com/gpu", ""), ("requests.hugepages-2Mi", "4Mi"),
          ("hugepages-2Mi", "4Mi"), ("requests.ephemeral-storage", "1Gi"), ("ephemeral-storage", "1Gi"),
          ("limits.ephemeral-storage", "2Gi")]
    )]
    fn a_pod_takes(#[case] spec: Value, #[case] expected: &[(&str, &str)]) {
        let usage = of_pod(&serde_json::from_value(json!({"metadata": {}, "spec": spec})).unwrap());
        for (name, amount) in expected {
            let found = usage.get(name).map(|amount| amount.to_string()).unwrap_or_default();
            assert_eq!(&found, amount, "{name} of {usage:?}");
        }
    }

    #[rstest]
    #[case::running("Running", true)]
    #[case::pending("Pending", true)]
    #[case::succeeded("Succeeded", false)]
    #[case::failed("Failed", false)]
    fn an_ended_pod_is_an_object_and_nothing_more(#[case] phase: &str, #[case] counts: bool) {
        let pod = json!({"metadata": {}, "spec": {"containers": [container(&json!({"cpu": "1"}), &json!({}))]},
                         "status": {"phase": phase}});
        let usage = of_pod(&serde_json::from_value(pod).unwrap());
        assert_eq!(usage.get("pods").is_some(), counts, "{usage:?}");
        assert_eq!(usage.get("requests.cpu").is_some(), counts, "{usage:?}");
        assert!(usage.get("count/pods").is_some(), "{usage:?}");
    }

    #[rstest]
    #[case::growing(json!([]), "2")]
    #[case::impossible(json!([{"type": "PodResizePending", "status": "True", "reason": "Infeasible"}]), "1")]
    fn a_resize_takes_what_is_more(#[case] conditions: Value, #[case] expected: &str) {
        let pod = json!({
            "metadata": {}, "spec": {"containers": [container(&json!({"cpu": "2"}), &json!({}))]},
            "status": {"phase": "Running", "conditions": conditions, "containerStatuses": [{
                "name": "c", "image": "", "imageID": "", "ready": true, "restartCount": 0,
                "allocatedResources": {"cpu": "1"}, "resources": {"requests": {"cpu": "1"}}}]},
        });
        let usage = of_pod(&serde_json::from_value(pod).unwrap());
        assert_eq!(usage.get("requests.cpu").unwrap().to_string(), expected);
    }

    #[rstest]
    #[case::plain(json!({"ports": [{"port": 80}]}), "", "")]
    #[case::node_port(json!({"type": "NodePort", "ports": [{"port": 80}, {"port": 81}]}), "2", "")]
    #[case::balancer(json!({"type": "LoadBalancer", "ports": [{"port": 80}]}), "1", "1")]
    #[case::balancer_without_node_ports(
        json!({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false,
               "ports": [{"port": 80}, {"port": 81, "nodePort": 30081}]}),
        "1", "1"
    )]
    fn a_service_takes(#[case] spec: Value, #[case] node_ports: &str, #[case] balancers: &str) {
        let usage = of_service(&serde_json::from_value(json!({"metadata": {}, "spec": spec})).unwrap());
        let of = |name: &str| usage.get(name).map(|amount| amount.to_string()).unwrap_or_default();
        assert_eq!((of("services.nodeports").as_str(), of("services.loadbalancers").as_str()), (node_ports, balancers));
        assert_eq!((of("services").as_str(), of("count/services").as_str()), ("1", "1"));
    }

    #[rstest]
    #[case::class(json!({"storageClassName": "gold", "resources": {"requests": {"storage": "1Gi"}}}), "1Gi", "1Gi")]
    #[case::no_class(json!({"storageClassName": "", "resources": {"requests": {"storage": "1Gi"}}}), "1Gi", "")]
    #[case::a_fraction_of_a_byte(json!({"resources": {"requests": {"storage": "1500m"}}}), "2", "")]
    fn a_claim_takes(#[case] spec: Value, #[case] storage: &str, #[case] of_gold: &str) {
        let usage = of_claim(&serde_json::from_value(json!({"metadata": {}, "spec": spec})).unwrap());
        let of = |name: &str| usage.get(name).map(|amount| amount.to_string()).unwrap_or_default();
        assert_eq!(of("requests.storage"), storage);
        assert_eq!(of("gold.storageclass.storage.k8s.io/requests.storage"), of_gold);
        assert_eq!(of("persistentvolumeclaims"), "1");
    }
}
