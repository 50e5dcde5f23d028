//! The Pod Security Standards, and the other requirements of a tenancy, held against one object.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::TenantId;
use crate::tenancy::{AdmissionRule, Mark, PodSecurityLevel, Requirement};

/// Capabilities that baseline lets a container add.
const BASELINE_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];
/// Volumes that restricted knows.
const RESTRICTED_VOLUMES: [&str; 8] =
    ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];
/// The four ways in which a bucket blocks public access, as ACK names them.
pub const PUBLIC_ACCESS_BLOCK: [&str; 4] =
    ["blockPublicACLs", "blockPublicPolicy", "ignorePublicACLs", "restrictPublicBuckets"];

/// What of an object breaks a rule for a tenant; `None` where it meets the rule. It does not ask whether the rule
/// is about such objects.
#[must_use]
pub fn breaks(rule: &AdmissionRule, tenant: &TenantId, object: &Value) -> Option<String> {
    match &rule.require {
        Requirement::RunAsNonRoot => runs_as_root(object),
        Requirement::PodSecurity(level) => beyond(*level, object),
        Requirement::Registries(prefixes) => containers(object).find_map(|container| {
            let image = container["image"].as_str().unwrap_or_default();
            (!comes_from(image, prefixes)).then(|| format!("its image {image} is from elsewhere"))
        }),
        Requirement::Labels(labels) => labels.iter().find_map(|mark| {
            let carried = object.pointer("/metadata/labels").and_then(|labels| labels[&mark.key].as_str());
            (carried != Some(mark.value_for(tenant))).then(|| format!("its label {} is {}", mark.key, or_none(carried)))
        }),
        Requirement::Bucket { tags, public_access_block } => {
            untagged(tags, tenant, object).or_else(|| public_access_block.then(|| opened(object)).flatten())
        }
    }
}

fn or_none(text: Option<&str>) -> String {
    text.map_or_else(|| "not there".to_owned(), |text| format!("`{text}`"))
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers", "ephemeralContainers"]
        .into_iter()
        .flat_map(|list| pod["spec"][list].as_array().into_iter().flatten())
}

/// A container's own setting, else the pod's.
fn setting<'a>(pod: &'a Value, container: &'a Value, field: &str) -> &'a Value {
    let own = &container["securityContext"][field];
    if own.is_null() { &pod["spec"]["securityContext"][field] } else { own }
}

fn runs_as_root(pod: &Value) -> Option<String> {
    let root = containers(pod).find(|container| setting(pod, container, "runAsNonRoot") != &Value::Bool(true))?;
    Some(format!("runAsNonRoot does not hold for container {}", root["name"].as_str().unwrap_or_default()))
}

/// Whether an image's name begins with one of these. A name without a registry is one of Docker Hub's.
fn comes_from(image: &str, prefixes: &[String]) -> bool {
    let host = image.split_once('/').map(|(host, _)| host);
    let whole = match host {
        Some(host) if host.contains(['.', ':']) || host == "localhost" => image.to_owned(),
        Some(_) => format!("docker.io/{image}"),
        None => format!("docker.io/library/{image}"),
    };
    prefixes.iter().any(|prefix| image.starts_with(prefix.as_str()) || whole.starts_with(prefix.as_str()))
}

fn untagged(tags: &[Mark], tenant: &TenantId, bucket: &Value) -> Option<String> {
    let set = bucket.pointer("/spec/tagging/tagSet").and_then(Value::as_array);
    let carried: BTreeMap<&str, &str> =
        set.into_iter().flatten().filter_map(|tag| Some((tag["key"].as_str()?, tag["value"].as_str()?))).collect();
    tags.iter().find_map(|mark| {
        let value = carried.get(mark.key.as_str()).copied();
        (value != Some(mark.value_for(tenant))).then(|| format!("its tag {} is {}", mark.key, or_none(value)))
    })
}

fn opened(bucket: &Value) -> Option<String> {
    let block = &bucket["spec"]["publicAccessBlock"];
    let way = PUBLIC_ACCESS_BLOCK.into_iter().find(|way| block[*way] != Value::Bool(true))?;
    Some(format!("its publicAccessBlock does not say {way}: true"))
}

/// What of a pod lies beyond a level of the Pod Security Standards; `None` where it meets it.
#[must_use]
pub fn beyond(level: PodSecurityLevel, pod: &Value) -> Option<String> {
    let found = beyond_baseline(pod);
    if level == PodSecurityLevel::Baseline { found } else { found.or_else(|| beyond_restricted(pod)) }
}

fn beyond_baseline(pod: &Value) -> Option<String> {
    let spec = &pod["spec"];
    if let Some(field) = ["hostNetwork", "hostPID", "hostIPC"].into_iter().find(|field| spec[*field] == true) {
        return Some(format!("it asks for {field}"));
    }
    let volumes = spec["volumes"].as_array();
    if volumes.into_iter().flatten().any(|volume| !volume["hostPath"].is_null()) {
        return Some("it mounts a hostPath".to_owned());
    }
    for container in containers(pod) {
        let name = container["name"].as_str().unwrap_or_default();
        let context = &container["securityContext"];
        if context["privileged"] == true {
            return Some(format!("container {name} is privileged"));
        }
        let added = context.pointer("/capabilities/add").and_then(Value::as_array);
        let mut added = added.into_iter().flatten().filter_map(Value::as_str);
        if let Some(capability) = added.find(|one| !BASELINE_CAPABILITIES.contains(one)) {
            return Some(format!("container {name} adds capability {capability}"));
        }
        let ports = container["ports"].as_array();
        if ports.into_iter().flatten().any(|port| port["hostPort"].as_i64().unwrap_or_default() != 0) {
            return Some(format!("container {name} takes a hostPort"));
        }
        if setting(pod, container, "seccompProfile")["type"] == "Unconfined" {
            return Some(format!("container {name} is not confined by seccomp"));
        }
        if context["procMount"].as_str().is_some_and(|mount| mount != "Default") {
            return Some(format!("container {name} unmasks /proc"));
        }
    }
    None
}

fn beyond_restricted(pod: &Value) -> Option<String> {
    let volumes = pod["spec"]["volumes"].as_array();
    let odd = |volume: &&Value| {
        let kinds = volume.as_object().into_iter().flat_map(|fields| fields.keys());
        kinds.filter(|key| *key != "name").any(|key| !RESTRICTED_VOLUMES.contains(&key.as_str()))
    };
    if volumes.into_iter().flatten().any(|volume| odd(&volume)) {
        return Some("it mounts a volume of a kind that restricted does not know".to_owned());
    }
    if let Some(why) = runs_as_root(pod) {
        return Some(why);
    }
    for container in containers(pod) {
        let name = container["name"].as_str().unwrap_or_default();
        let context = &container["securityContext"];
        if setting(pod, container, "runAsUser") == &Value::from(0) {
            return Some(format!("container {name} runs as user 0"));
        }
        if context["allowPrivilegeEscalation"] != false {
            return Some(format!("container {name} may gain privileges"));
        }
        let profile = &setting(pod, container, "seccompProfile")["type"];
        if profile != "RuntimeDefault" && profile != "Localhost" {
            return Some(format!("container {name} has no seccomp profile"));
        }
        let has = |list: &str, wanted: &dyn Fn(&str) -> bool| {
            let words = context["capabilities"][list].as_array();
            words.into_iter().flatten().filter_map(Value::as_str).any(wanted)
        };
        if !has("drop", &|one| one == "ALL") || has("add", &|one| one != "NET_BIND_SERVICE") {
            return Some(format!("container {name} does not drop all capabilities"));
        }
    }
    None
}

/// The level that the labels of a namespace enforce; `None` where they enforce none. A level that nobody knows is
/// taken as restricted, as the API server does.
#[must_use]
pub fn enforced(labels: &BTreeMap<String, String>) -> Option<PodSecurityLevel> {
    match labels.get(ENFORCE)?.as_str() {
        "privileged" => None,
        "baseline" => Some(PodSecurityLevel::Baseline),
        _ => Some(PodSecurityLevel::Restricted),
    }
}

/// The label of a namespace by which a level is enforced.
pub const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::{beyond, breaks, comes_from, enforced};
    use crate::model::TenantId;
    use crate::tenancy::{AdmissionRule, Mark, PodSecurityLevel, Requirement};

    /// A hardened pod, with changes to the pod's spec and to its container.
    fn pod(spec: &Value, container: &Value) -> Value {
        let merge = |mut whole: Value, changes: &Value| {
            for (key, value) in changes.as_object().unwrap() {
                whole[key] = value.clone();
            }
            whole
        };
        let hardened = json!({"runAsNonRoot": true, "runAsUser": 1, "seccompProfile": {"type": "RuntimeDefault"}});
        let context = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
        let container = merge(json!({"name": "c", "image": "i", "securityContext": context}), container);
        let own = json!({"securityContext": hardened, "containers": [container]});
        json!({"metadata": {}, "spec": merge(own, spec)})
    }

    fn context(changes: &Value) -> Value {
        let mut context = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
        for (key, value) in changes.as_object().unwrap() {
            context[key] = value.clone();
        }
        json!({"securityContext": context})
    }

    #[rstest]
    #[case::hardened(json!({}), json!({}), None)]
    #[case::host_network(json!({"hostNetwork": true}), json!({}), Some(PodSecurityLevel::Baseline))]
    #[case::host_pid(json!({"hostPID": true}), json!({}), Some(PodSecurityLevel::Baseline))]
    #[case::host_path(json!({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}), json!({}), Some(PodSecurityLevel::Baseline))]
    #[case::host_port(json!({}), json!({"ports": [{"hostPort": 80}]}), Some(PodSecurityLevel::Baseline))]
    #[case::privileged(json!({}), context(&json!({"privileged": true})), Some(PodSecurityLevel::Baseline))]
    #[case::sys_admin(
        json!({}), context(&json!({"capabilities": {"add": ["SYS_ADMIN"], "drop": ["ALL"]}})), Some(PodSecurityLevel::Baseline)
    )]
    #[case::chown(
        json!({}), context(&json!({"capabilities": {"add": ["CHOWN"], "drop": ["ALL"]}})), Some(PodSecurityLevel::Restricted)
    )]
    #[case::unconfined(
        json!({}), context(&json!({"seccompProfile": {"type": "Unconfined"}})), Some(PodSecurityLevel::Baseline)
    )]
    #[case::escalation(json!({}), json!({"securityContext": {"capabilities": {"drop": ["ALL"]}}}), Some(PodSecurityLevel::Restricted))]
    #[case::root(json!({}), context(&json!({"runAsNonRoot": false})), Some(PodSecurityLevel::Restricted))]
    #[case::user_0(json!({}), context(&json!({"runAsUser": 0})), Some(PodSecurityLevel::Restricted))]
    #[case::nfs(json!({"volumes": [{"name": "v", "nfs": {}}]}), json!({}), Some(PodSecurityLevel::Restricted))]
    #[case::init(json!({"initContainers": [{"name": "i", "securityContext": {"privileged": true}}]}), json!({}), Some(PodSecurityLevel::Baseline))]
    #[case::ephemeral(json!({"ephemeralContainers": [{"name": "e"}]}), json!({}), Some(PodSecurityLevel::Restricted))]
    fn a_pod_lies_beyond_a_level(
        #[case] spec: Value,
        #[case] container: Value,
        #[case] beyond_: Option<PodSecurityLevel>,
    ) {
        let pod = pod(&spec, &container);
        let is = |level| beyond(level, &pod).is_some();
        assert_eq!(is(PodSecurityLevel::Baseline), beyond_ == Some(PodSecurityLevel::Baseline), "{pod}");
        assert_eq!(is(PodSecurityLevel::Restricted), beyond_.is_some(), "{pod}");
    }

    fn rule(require: Requirement) -> AdmissionRule {
        AdmissionRule { id: "r".into(), tenants: Vec::new(), pods: std::collections::BTreeMap::new(), require }
    }

    #[rstest]
    #[case::by_the_pod(json!({"securityContext": {"runAsNonRoot": true}, "containers": [{"name": "c"}]}), true)]
    #[case::by_the_container(json!({"containers": [{"name": "c", "securityContext": {"runAsNonRoot": true}}]}), true)]
    #[case::nowhere(json!({"containers": [{"name": "c"}]}), false)]
    #[case::overridden(
        json!({"securityContext": {"runAsNonRoot": true}, "containers": [{"name": "c", "securityContext": {"runAsNonRoot": false}}]}),
        false
    )]
    #[case::mended(
        json!({"securityContext": {"runAsNonRoot": false}, "containers": [{"name": "c", "securityContext": {"runAsNonRoot": true}}]}),
        true
    )]
    #[case::one_of_two(
        json!({"containers": [{"name": "c", "securityContext": {"runAsNonRoot": true}}, {"name": "d"}]}),
        false
    )]
    #[case::init(
        json!({"initContainers": [{"name": "i"}], "containers": [{"name": "c", "securityContext": {"runAsNonRoot": true}}]}),
        false
    )]
    fn a_container_overrides_its_pod(#[case] spec: Value, #[case] meets: bool) {
        let found = breaks(&rule(Requirement::RunAsNonRoot), &"a".into(), &json!({"spec": spec}));
        assert_eq!(found.is_none(), meets, "{found:?}");
    }

    #[rstest]
    #[case("registry.k8s.io/pause:3.10", "registry.k8s.io/", true)]
    #[case("registry.k8s.io.example.com/pause:3.10", "registry.k8s.io/", false)]
    #[case("nginx", "docker.io/library/", true)]
    #[case("team/app", "docker.io/", true)]
    #[case("nginx", "registry.k8s.io/", false)]
    #[case("localhost:5000/app", "localhost:5000/", true)]
    fn an_image_comes_from_a_registry(#[case] image: &str, #[case] prefix: &str, #[case] expected: bool) {
        assert_eq!(comes_from(image, &[prefix.to_owned()]), expected);
    }

    #[test]
    fn labels_and_tags_are_the_tenants_own_unless_a_value_is_given() {
        let tenant = TenantId::from("a");
        let own = Mark { key: "tenant".to_owned(), value: None };
        let labels = rule(Requirement::Labels(vec![own.clone()]));
        let pod = |value: &str| json!({"metadata": {"labels": {"tenant": value}}});
        assert_eq!(breaks(&labels, &tenant, &pod("a")), None);
        assert_eq!(breaks(&labels, &tenant, &pod("b")).as_deref(), Some("its label tenant is `b`"));
        assert_eq!(breaks(&labels, &tenant, &json!({})).as_deref(), Some("its label tenant is not there"));
        let bucket = rule(Requirement::Bucket { tags: vec![own], public_access_block: true });
        let block = json!({"blockPublicACLs": true, "blockPublicPolicy": true, "ignorePublicACLs": true});
        let spec = json!({"tagging": {"tagSet": [{"key": "tenant", "value": "a"}]}, "publicAccessBlock": block});
        let found = breaks(&bucket, &tenant, &json!({"spec": spec}));
        assert_eq!(found.as_deref(), Some("its publicAccessBlock does not say restrictPublicBuckets: true"));
    }

    #[rstest]
    #[case(Some("privileged"), None)]
    #[case(Some("baseline"), Some(PodSecurityLevel::Baseline))]
    #[case(Some("restricted"), Some(PodSecurityLevel::Restricted))]
    #[case(Some("restrictd"), Some(PodSecurityLevel::Restricted))]
    #[case(None, None)]
    fn a_namespace_enforces_a_level(#[case] value: Option<&str>, #[case] expected: Option<PodSecurityLevel>) {
        let labels = value.map(|value| (super::ENFORCE.to_owned(), value.to_owned())).into_iter().collect();
        assert_eq!(enforced(&labels), expected);
    }
}
