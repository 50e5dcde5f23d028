//! The objects that are asked for: as small as the limits let them be, or of exactly one size in one resource.
//! Pods meet the restricted Pod Security level and carry a scheduling gate: none of them ever runs.

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Map, Value, json};

use crate::families::restricted;
use crate::model::Quantity;
use crate::semantics::quota::{Amounts, Bound, LimitType, Limits, Scope, Scopes, step};

/// A pod of more containers says nothing more, and would be an odd thing to ask for.
const MOST_CONTAINERS: i128 = 250;
/// So many ports are a large Service.
const MOST_PORTS: i128 = 100;
/// The gate that nobody opens.
const GATE: &str = "tenantproof.dev/never-runs";

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    Pod,
    Service,
    Claim,
    ConfigMap,
}

/// How a resource of a quota is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// By what one pod requests of a resource.
    Request(String),
    /// By what one pod is limited to.
    Limit(String),
    /// By the ports of one Service.
    NodePorts,
    /// By one load balancer: asked for and never made, since it costs money.
    Balancer,
    /// By the size of one claim.
    Storage,
    /// By the number of objects.
    Count(Object),
    /// Not at all, and why.
    Untried(&'static str),
}

/// How a resource, as a quota names it, is reached.
pub(super) fn sort(resource: &str) -> Sort {
    match resource {
        "cpu" | "memory" | "ephemeral-storage" => Sort::Request(resource.to_owned()),
        "requests.storage" => Sort::Storage,
        "pods" | "count/pods" => Sort::Count(Object::Pod),
        "services" | "count/services" => Sort::Count(Object::Service),
        "services.nodeports" => Sort::NodePorts,
        "services.loadbalancers" => Sort::Balancer,
        "persistentvolumeclaims" | "count/persistentvolumeclaims" => Sort::Count(Object::Claim),
        "configmaps" | "count/configmaps" => Sort::Count(Object::ConfigMap),
        _ if resource.contains(".storageclass.storage.k8s.io/") => {
            Sort::Untried("a claim of a real class would make a volume, so none is asked for")
        }
        _ if resource.starts_with("hugepages-") => Sort::Request(resource.to_owned()),
        _ => match (resource.strip_prefix("requests."), resource.strip_prefix("limits.")) {
            (Some(name), _) => Sort::Request(name.to_owned()),
            (_, Some(name)) => Sort::Limit(name.to_owned()),
            _ => Sort::Untried("objects of this kind are not made"),
        },
    }
}

/// What a pod is made for.
pub(super) struct Frame<'a> {
    pub(super) image: &'a str,
    pub(super) limits: &'a Limits,
    pub(super) scopes: &'a Scopes,
}

/// What the containers of a pod ask for, one after the other.
type Containers = Vec<(Amounts, Amounts)>;

impl Frame<'_> {
    /// A pod as small as possible.
    pub(super) fn smallest(&self) -> Result<Value, String> {
        let nothing = self.scopes.0.contains(&Scope::BestEffort(true));
        let containers = if nothing { vec![Default::default()] } else { vec![(self.base(&[]), self.base(&[]))] };
        self.pod(&containers)
    }

    /// A pod that requests exactly so much of a resource, in as few containers as may be.
    pub(super) fn requesting(&self, resource: &str, total: Quantity) -> Result<Value, String> {
        let containers = self.portions(resource, total)?.into_iter().map(|portion| {
            let mut amounts = self.base(&[resource]);
            amounts.set(resource, portion);
            (amounts.clone(), amounts)
        });
        self.pod(&containers.collect::<Containers>())
    }

    /// A pod that is limited to exactly so much of a resource, and requests as little as may be.
    pub(super) fn limited_to(&self, resource: &str, total: Quantity) -> Result<Value, String> {
        let containers = self.portions(resource, total)?.into_iter().map(|portion| {
            let (mut requests, mut limits) = (self.base(&[]), self.base(&[resource]));
            limits.set(resource, portion);
            let ratios =
                [LimitType::Container, LimitType::Pod].map(|kind| self.limits.tightest(kind, Bound::Ratio, resource));
            let least = ratios.into_iter().flatten().map(|(ratio, _)| per_ratio(portion, ratio, resource)).max();
            let own = requests.get(resource).unwrap_or_default();
            requests.set(resource, own.max(least.unwrap_or_default()).min(portion));
            (requests, limits)
        });
        self.pod(&containers.collect::<Containers>())
    }

    /// A pod of one container with this request and limit of one resource, whatever a LimitRange says of it.
    pub(super) fn container_of(&self, resource: &str, request: Quantity, limit: Quantity) -> Result<Value, String> {
        let (mut requests, mut limits) = (self.base(&[resource]), self.base(&[resource]));
        requests.set(resource, request);
        limits.set(resource, limit);
        self.pod(&vec![(requests, limits)])
    }

    /// A pod whose one container asks for nothing.
    pub(super) fn asking_for_nothing(&self) -> Value {
        self.object(&vec![Default::default()])
    }

    /// The least that a container must ask for, of everything but these resources: by the limits, and to be
    /// something at all.
    pub(super) fn base(&self, but: &[&str]) -> Amounts {
        let bounds = self.limits.0.iter().filter(|item| item.kind != LimitType::PersistentVolumeClaim);
        let bounded = bounds.flat_map(|item| item.min.iter().chain(item.max.iter()).chain(item.ratio.iter()));
        let mut names: Vec<&str> = ["cpu", "memory"].into_iter().chain(bounded.map(|(name, _)| name)).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().filter(|name| !but.contains(name)).map(|name| (name, self.least(name))).collect()
    }

    /// The least of one resource.
    pub(super) fn least(&self, resource: &str) -> Quantity {
        let least = match resource {
            "memory" => Quantity::of_milli((1_i128 << 20) * 1000),
            _ => step(resource),
        };
        let bound = |kind, bound| self.limits.tightest(kind, bound, resource).map(|(amount, _)| amount);
        let mins = [bound(LimitType::Container, Bound::Min), bound(LimitType::Pod, Bound::Min)];
        let maxs = [bound(LimitType::Container, Bound::Max), bound(LimitType::Pod, Bound::Max)];
        let least = mins.into_iter().flatten().fold(least, Ord::max);
        maxs.into_iter().flatten().fold(least, Ord::min)
    }

    /// A total in equal parts, none of which a LimitRange refuses.
    fn portions(&self, resource: &str, total: Quantity) -> Result<Vec<Quantity>, String> {
        let unit = step(resource).milli();
        let units = total.milli() / unit;
        if units <= 0 {
            return Err(format!("there is no request for {total} of {resource}"));
        }
        if let Some((most, range)) = self.limits.tightest(LimitType::Pod, Bound::Max, resource)
            && total > most
        {
            return Err(format!("one pod may take no more than {most} of {resource} by LimitRange {range}"));
        }
        let most =
            self.limits.tightest(LimitType::Container, Bound::Max, resource).map(|(most, _)| most.milli() / unit);
        let count = most.map_or(1, |most| units.div_euclid(most.max(1)) + i128::from(units % most.max(1) > 0));
        if count > MOST_CONTAINERS {
            return Err(format!("{total} of {resource} would take {count} containers"));
        }
        if let Some((min, range)) = self.limits.tightest(LimitType::Container, Bound::Min, resource)
            && (units / count) * unit < min.milli()
        {
            return Err(format!("{total} of {resource} is less than LimitRange {range} lets a container ask for"));
        }
        let portion = |index: i128| Quantity::of_milli((units / count + i128::from(index < units % count)) * unit);
        Ok((0..count).map(portion).collect())
    }

    fn pod(&self, containers: &Containers) -> Result<Value, String> {
        let object = self.object(containers);
        if let Some(scope) = self.scopes.0.iter().find_map(|scope| match scope {
            Scope::PriorityClass { among: true, names } if names.is_empty() => Some("PriorityClass"),
            Scope::Other(name) => Some(name.as_str()),
            _ => None,
        }) {
            return Err(format!("no pod is made for the scope {scope}"));
        }
        let pod: Pod = serde_json::from_value(object.clone()).map_err(|error| error.to_string())?;
        if self.scopes.count(&self.limits.defaulted(&pod)) {
            Ok(object)
        } else {
            Err("the defaults of the LimitRange make every pod one that this quota does not count".to_owned())
        }
    }

    fn object(&self, containers: &Containers) -> Value {
        let containers = containers.iter().enumerate().map(|(index, (requests, limits))| {
            json!({
                "name": format!("c{index}"),
                "image": self.image,
                "resources": {"requests": requests, "limits": limits},
                "securityContext": restricted::of_container(),
            })
        });
        let mut spec = json!({
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "restartPolicy": "Never",
            "schedulingGates": [{"name": GATE}],
            "securityContext": restricted::of_pod(),
            "containers": containers.collect::<Vec<_>>(),
        });
        if let Some(spec) = spec.as_object_mut() {
            self.scope(spec);
        }
        json!({
            "apiVersion": "v1", "kind": "Pod", "spec": spec,
            "metadata": {"annotations": restricted::annotations()},
        })
    }

    /// What makes a quota's scopes count the pod.
    fn scope(&self, spec: &mut Map<String, Value>) {
        for scope in &self.scopes.0 {
            match scope {
                Scope::Terminating(true) => {
                    spec.insert("activeDeadlineSeconds".to_owned(), json!(3600));
                }
                Scope::PriorityClass { among: true, names } => {
                    if let Some(name) = names.first() {
                        spec.insert("priorityClassName".to_owned(), json!(name));
                    }
                }
                Scope::CrossNamespaceAffinity => {
                    let nobody = json!({"matchLabels": {GATE: "nobody"}});
                    let term = json!({"topologyKey": "kubernetes.io/hostname", "labelSelector": nobody, "namespaceSelector": nobody});
                    let affinity =
                        json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}});
                    spec.insert("affinity".to_owned(), affinity);
                }
                _ => {}
            }
        }
    }
}

/// The least request beside a limit, by a ratio.
fn per_ratio(limit: Quantity, ratio: Quantity, resource: &str) -> Quantity {
    let (unit, ratio) = (step(resource).milli(), ratio.milli().max(1));
    let least = limit.milli().saturating_mul(1000);
    let least = least.div_euclid(ratio) + i128::from(least % ratio > 0);
    Quantity::of_milli(least.div_euclid(unit) * unit + i128::from(least % unit > 0) * unit)
}

/// A Service with so many node ports, or none.
pub(super) fn service(node_ports: Quantity) -> Result<Value, String> {
    let count = node_ports.milli() / 1000;
    if count > MOST_PORTS {
        return Err(format!("a Service of {count} ports is not asked for"));
    }
    let ports = (0..count.max(1)).map(|index| json!({"name": format!("p{index}"), "port": 1000 + index}));
    let ports: Vec<Value> = ports.collect();
    let spec = if count > 0 {
        json!({"type": "NodePort", "ports": ports})
    } else {
        json!({"clusterIP": "None", "ports": ports})
    };
    Ok(json!({"apiVersion": "v1", "kind": "Service", "metadata": {}, "spec": spec}))
}

/// A Service with a load balancer and no node port.
pub(super) fn balancer() -> Value {
    let spec = json!({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "ports": [{"port": 1000}]});
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {}, "spec": spec})
}

/// A claim of this size, which no volume can be bound to.
pub(super) fn claim(limits: &Limits, size: Option<Quantity>) -> Value {
    let kind = LimitType::PersistentVolumeClaim;
    let least = limits.tightest(kind, Bound::Min, "storage").map(|(least, _)| least);
    let size = size.or(least).unwrap_or(Quantity::of_milli((1_i128 << 20) * 1000));
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "",
            "selector": {"matchLabels": {GATE: "nobody"}},
            "resources": {"requests": {"storage": size}},
        },
    })
}

/// An empty ConfigMap.
pub(super) fn config_map() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}})
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::{Frame, Object, Sort, claim, service, sort};
    use crate::model::Quantity;
    use crate::semantics::quota::{Limits, Scopes, of_pod};

    fn limits(items: &Value) -> Limits {
        let range = json!({"metadata": {"namespace": "a", "name": "size"}, "spec": {"limits": items}});
        Limits::of(&[serde_json::from_value(range).unwrap()], "a")
    }

    fn scopes(spec: &Value) -> Scopes {
        Scopes::of(&serde_json::from_value(json!({"metadata": {}, "spec": spec})).unwrap())
    }

    fn quantity(text: &str) -> Quantity {
        Quantity::parse(text).unwrap()
    }

    #[rstest]
    #[case::in_one(json!([]), "requests.cpu", "8", 1)]
    #[case::in_four_of_the_largest(json!([{"type": "Container", "max": {"cpu": "2"}}]), "limits.cpu", "8", 4)]
    #[case::one_step_more_in_five(json!([{"type": "Container", "max": {"cpu": "2"}}]), "limits.cpu", "8001m", 5)]
    #[case::memory(json!([{"type": "Container", "max": {"memory": "3Gi"}}]), "requests.memory", "16Gi", 6)]
    #[case::with_a_ratio(
        json!([{"type": "Container", "maxLimitRequestRatio": {"cpu": "4"}, "min": {"cpu": "20m"}}]), "limits.cpu", "8", 1
    )]
    #[case::extended(json!([]), "requests.example.com/gpu", "2", 1)]
    #[case::ephemeral(json!([]), "limits.ephemeral-storage", "1Gi", 1)]
    fn a_pod_takes_exactly_so_much_and_no_limit_refuses_it(
        #[case] items: Value,
        #[case] resource: &str,
        #[case] total: &str,
        #[case] containers: usize,
    ) {
        let (limits, scopes) = (limits(&items), Scopes::default());
        let frame = Frame { image: "i", limits: &limits, scopes: &scopes };
        let made = match sort(resource) {
            Sort::Request(name) => frame.requesting(&name, quantity(total)),
            Sort::Limit(name) => frame.limited_to(&name, quantity(total)),
            other => panic!("{resource} is {other:?}"),
        };
        let pod = limits.defaulted(&serde_json::from_value(made.unwrap()).unwrap());
        assert_eq!(of_pod(&pod).get(resource), Some(quantity(total)));
        assert!(limits.refusals(&pod).is_empty(), "{:?}", limits.refusals(&pod));
        assert_eq!(pod.spec.unwrap().containers.len(), containers);
    }

    #[rstest]
    #[case::a_pods_max(json!([{"type": "Pod", "max": {"cpu": "2"}}]), "8", "one pod may take no more than 2 of cpu by LimitRange size")]
    #[case::too_many(json!([{"type": "Container", "max": {"cpu": "1m"}}]), "8", "would take 8000 containers")]
    #[case::too_little(json!([{"type": "Container", "min": {"cpu": "1"}}]), "10m", "is less than LimitRange size lets")]
    fn what_no_pod_can_ask_for_is_said(#[case] items: Value, #[case] total: &str, #[case] words: &str) {
        let (limits, scopes) = (limits(&items), Scopes::default());
        let why =
            Frame { image: "i", limits: &limits, scopes: &scopes }.requesting("cpu", quantity(total)).unwrap_err();
        assert!(why.contains(words), "{why}");
    }

    #[rstest]
    #[case::terminating(json!({"scopes": ["Terminating"]}), json!([]), None)]
    #[case::best_effort(json!({"scopes": ["BestEffort"]}), json!([]), None)]
    #[case::best_effort_beside_defaults(
        json!({"scopes": ["BestEffort"]}), json!([{"type": "Container", "default": {"cpu": "1"}}]),
        Some("the defaults of the LimitRange")
    )]
    #[case::affinity(json!({"scopes": ["CrossNamespacePodAffinity"]}), json!([]), None)]
    #[case::class(class("In", &["high"]), json!([]), None)]
    #[case::any_class(class("Exists", &[]), json!([]), Some("no pod is made for the scope PriorityClass"))]
    #[case::no_class(class("DoesNotExist", &[]), json!([]), None)]
    fn a_pod_is_made_for_a_scope(#[case] spec: Value, #[case] items: Value, #[case] why_not: Option<&str>) {
        let (limits, scopes) = (limits(&items), scopes(&spec));
        match (Frame { image: "i", limits: &limits, scopes: &scopes }.smallest(), why_not) {
            (Ok(pod), None) => assert!(scopes.count(&serde_json::from_value(pod).unwrap())),
            (Err(why), Some(words)) => assert!(why.contains(words), "{why}"),
            (made, _) => panic!("{made:?}"),
        }
    }

    fn class(operator: &str, values: &[&str]) -> Value {
        json!({"scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": operator, "values": values}]}})
    }

    #[rstest]
    #[case("pods", Sort::Count(Object::Pod))]
    #[case("count/services", Sort::Count(Object::Service))]
    #[case("memory", Sort::Request("memory".to_owned()))]
    #[case("hugepages-2Mi", Sort::Request("hugepages-2Mi".to_owned()))]
    #[case("requests.example.com/gpu", Sort::Request("example.com/gpu".to_owned()))]
    #[case("limits.cpu", Sort::Limit("cpu".to_owned()))]
    #[case("requests.storage", Sort::Storage)]
    #[case("services.nodeports", Sort::NodePorts)]
    #[case("services.loadbalancers", Sort::Balancer)]
    fn a_resource_is_reached(#[case] resource: &str, #[case] expected: Sort) {
        assert_eq!(sort(resource), expected);
    }

    #[rstest]
    #[case("count/secrets")]
    #[case("gold.storageclass.storage.k8s.io/requests.storage")]
    fn what_costs_or_holds_secrets_is_not_asked_for(#[case] resource: &str) {
        assert!(matches!(sort(resource), Sort::Untried(_)));
    }

    #[test]
    fn a_service_has_the_node_ports_that_are_asked_for() {
        assert_eq!(service(quantity("3")).unwrap()["spec"]["ports"].as_array().unwrap().len(), 3);
        assert_eq!(service(Quantity::default()).unwrap()["spec"]["clusterIP"], "None");
        assert!(service(quantity("101")).is_err());
        assert_eq!(claim(&Limits::default(), None)["spec"]["resources"]["requests"]["storage"], "1Mi");
    }
}
