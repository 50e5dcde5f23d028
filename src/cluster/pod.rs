//! A probe as a pod, and the Service before it: pure, so that "a probe is a guest" is tested by
//! looking at the object.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{
    Affinity, Capabilities, Container, ContainerPort, DownwardAPIVolumeFile, DownwardAPIVolumeSource, EnvVar,
    NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, ObjectFieldSelector, Pod, PodReadinessGate,
    PodSecurityContext, PodSpec, ProjectedVolumeSource, ResourceRequirements, SeccompProfile, SecurityContext, Service,
    ServiceAccountTokenProjection, ServicePort, ServiceSpec, Sysctl, Volume, VolumeMount, VolumeProjection,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::model::RunId;
use crate::plan::{
    OWN_TOKEN, PROBE_LIMIT_MEMORY, PROBE_LIMIT_MILLICORES, PROBE_MEMORY, PROBE_MILLICORES, ProbePort, ProbeSpec,
};
use crate::probe::wire::ORDERS_ANNOTATION;

/// The label that says of which run an object is.
pub const RUN_LABEL: &str = "tenantproof.dev/run";
/// The label by which a probe's own Service finds it.
pub const PROBE_LABEL: &str = "tenantproof.dev/probe";
/// A condition that nobody ever sets: probes never become Ready.
pub(super) const NEVER_READY: &str = "tenantproof.dev/never-ready";
const ORDERS_FOLDER: &str = "/etc/tenantproof";
/// Seconds that a probe may take to delete what it has written when it is told to end.
const CLEARING_SECONDS: i64 = 6;
const TOKEN_VOLUME: &str = "own-token";
/// The shortest life that the API server gives a token, in seconds.
const TOKEN_SECONDS: i64 = 600;

/// What all probe pods of a run have in common.
#[derive(Clone, Debug)]
pub struct PodSettings {
    /// The run.
    pub run: RunId,
    /// The image that holds the probe and nothing else.
    pub image: String,
    /// The nonce by which probes of this run know one another.
    pub nonce: String,
    /// The PriorityClass, with `preemptionPolicy: Never`.
    pub priority_class: String,
    /// After this time a pod ends by itself, whatever became of the runner.
    pub deadline: Duration,
}

/// The owner of everything that a run makes in a namespace: its Lease. With `controller: true` no
/// ReplicaSet adopts the probe, and deleting the Lease removes it.
pub(super) fn owned_by(lease: &Lease) -> OwnerReference {
    OwnerReference {
        api_version: "coordination.k8s.io/v1".to_owned(),
        kind: "Lease".to_owned(),
        name: lease.metadata.name.clone().unwrap_or_default(),
        uid: lease.metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(false),
    }
}

/// The pod of a probe. `name` must differ from every other probe's in front of its last dash: EKS'
/// CNI keys its maps by the pod's name without its last part.
pub(super) fn pod(name: &str, probe: &ProbeSpec, settings: &PodSettings, owner: &OwnerReference) -> Pod {
    let mut labels = probe.labels.clone();
    labels.extend(own_labels(name, settings));
    Pod {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(probe.namespace.to_string()),
            labels: Some(labels),
            annotations: Some(text_map(&[
                (ORDERS_ANNOTATION, ""),
                ("cluster-autoscaler.kubernetes.io/safe-to-evict", "true"),
                ("linkerd.io/inject", "disabled"),
                ("sidecar.istio.io/inject", "false"),
            ])),
            owner_references: Some(vec![owner.clone()]),
            ..ObjectMeta::default()
        },
        spec: Some(PodSpec {
            active_deadline_seconds: Some(i64::try_from(settings.deadline.as_secs()).unwrap_or(i64::MAX)),
            affinity: Some(only_on(probe.node.as_str())),
            automount_service_account_token: Some(false),
            containers: vec![container(name, probe, settings)],
            enable_service_links: Some(false),
            priority_class_name: Some(settings.priority_class.clone()),
            readiness_gates: Some(vec![PodReadinessGate { condition_type: NEVER_READY.to_owned() }]),
            restart_policy: Some("Never".to_owned()),
            security_context: Some(PodSecurityContext {
                run_as_non_root: Some(true),
                run_as_user: Some(65532),
                run_as_group: Some(65532),
                seccomp_profile: Some(runtime_default()),
                sysctls: privileged_port(&probe.ports).then(|| {
                    // A safe sysctl, allowed at the restricted level, instead of a capability.
                    vec![Sysctl { name: "net.ipv4.ip_unprivileged_port_start".to_owned(), value: "0".to_owned() }]
                }),
                ..PodSecurityContext::default()
            }),
            service_account_name: probe.identity.as_ref().map(|identity| identity.service_account.to_string()),
            // One that was given keys deletes what it has written before it ends.
            termination_grace_period_seconds: Some(if probe.identity.is_some() { CLEARING_SECONDS } else { 1 }),
            volumes: Some(std::iter::once(orders_volume()).chain(audience_of(probe).map(token_volume)).collect()),
            ..PodSpec::default()
        }),
        status: None,
    }
}

fn container(name: &str, probe: &ProbeSpec, settings: &PodSettings) -> Container {
    let listen: Vec<String> =
        probe.ports.iter().map(|p| format!("{}:{}", p.protocol.as_str().to_lowercase(), p.port)).collect();
    let env = [
        ("TENANTPROOF_PROBE_NAME", name.to_owned()),
        ("TENANTPROOF_PROBE_NONCE", settings.nonce.clone()),
        ("TENANTPROOF_PROBE_LISTEN", listen.join(",")),
        ("TENANTPROOF_PROBE_ORDERS", format!("{ORDERS_FOLDER}/orders")),
        ("TENANTPROOF_PROBE_DEADLINE", settings.deadline.as_secs().to_string()),
    ];
    let quantities = |millicores: i64, bytes: i64| {
        let memory = format!("{}Mi", bytes >> 20);
        BTreeMap::from([
            ("cpu".to_owned(), Quantity(format!("{millicores}m"))),
            ("memory".to_owned(), Quantity(memory)),
        ])
    };
    Container {
        name: "probe".to_owned(),
        image: Some(settings.image.clone()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        env: Some(
            env.into_iter()
                .map(|(name, value)| EnvVar { name: name.to_owned(), value: Some(value), value_from: None })
                .collect(),
        ),
        ports: Some(
            probe
                .ports
                .iter()
                .map(|p| ContainerPort {
                    container_port: i32::from(p.port.get()),
                    name: p.name.clone(),
                    protocol: Some(p.protocol.as_str().to_owned()),
                    ..ContainerPort::default()
                })
                .collect(),
        ),
        resources: Some(ResourceRequirements {
            requests: Some(quantities(PROBE_MILLICORES, PROBE_MEMORY)),
            limits: Some(quantities(PROBE_LIMIT_MILLICORES, PROBE_LIMIT_MEMORY)),
            claims: None,
        }),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities { add: None, drop: Some(vec!["ALL".to_owned()]) }),
            read_only_root_filesystem: Some(true),
            run_as_non_root: Some(true),
            seccomp_profile: Some(runtime_default()),
            ..SecurityContext::default()
        }),
        volume_mounts: Some({
            let token = audience_of(probe).and_then(|_| OWN_TOKEN.rsplit_once('/'));
            let orders = mount("orders", ORDERS_FOLDER);
            std::iter::once(orders).chain(token.map(|(folder, _)| mount(TOKEN_VOLUME, folder))).collect()
        }),
        ..Container::default()
    }
}

/// The Service before a probe. It publishes unready addresses since probes never become Ready, and
/// selects by a label that only this probe has.
pub(super) fn service(name: &str, probe: &ProbeSpec, settings: &PodSettings, owner: &OwnerReference) -> Service {
    Service {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(probe.namespace.to_string()),
            labels: Some(own_labels(name, settings)),
            owner_references: Some(vec![owner.clone()]),
            ..ObjectMeta::default()
        },
        spec: Some(ServiceSpec {
            selector: Some(text_map(&[(PROBE_LABEL, name)])),
            publish_not_ready_addresses: Some(true),
            ports: Some(
                probe
                    .ports
                    .iter()
                    .map(|p| ServicePort {
                        name: Some(format!("{}-{}", p.protocol.as_str().to_lowercase(), p.port)),
                        port: i32::from(p.port.get()),
                        target_port: Some(IntOrString::Int(i32::from(p.port.get()))),
                        protocol: Some(p.protocol.as_str().to_owned()),
                        ..ServicePort::default()
                    })
                    .collect(),
            ),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

fn own_labels(name: &str, settings: &PodSettings) -> BTreeMap<String, String> {
    text_map(&[(RUN_LABEL, settings.run.as_str()), (PROBE_LABEL, name), ("sidecar.istio.io/inject", "false")])
}

fn text_map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn runtime_default() -> SeccompProfile {
    SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }
}

fn privileged_port(ports: &[ProbePort]) -> bool {
    ports.iter().any(|p| p.port.get() < 1024)
}

/// To this node by affinity, not by `nodeName`: the scheduler still sees to it that the probe fits,
/// and since no node to come can match, no autoscaler adds one for it.
fn only_on(node: &str) -> Affinity {
    Affinity {
        node_affinity: Some(NodeAffinity {
            required_during_scheduling_ignored_during_execution: Some(NodeSelector {
                node_selector_terms: vec![NodeSelectorTerm {
                    match_fields: Some(vec![NodeSelectorRequirement {
                        key: "metadata.name".to_owned(),
                        operator: "In".to_owned(),
                        values: Some(vec![node.to_owned()]),
                    }]),
                    match_expressions: None,
                }],
            }),
            ..NodeAffinity::default()
        }),
        ..Affinity::default()
    }
}

fn mount(volume: &str, folder: &str) -> VolumeMount {
    VolumeMount {
        name: volume.to_owned(),
        mount_path: folder.to_owned(),
        read_only: Some(true),
        ..VolumeMount::default()
    }
}

/// The audience of the token that a probe is given for itself, if any.
fn audience_of(probe: &ProbeSpec) -> Option<&str> {
    probe.identity.as_ref()?.audience.as_deref()
}

fn token_volume(audience: &str) -> Volume {
    let token = ServiceAccountTokenProjection {
        audience: Some(audience.to_owned()),
        expiration_seconds: Some(TOKEN_SECONDS),
        path: OWN_TOKEN.rsplit('/').next().unwrap_or_default().to_owned(),
    };
    Volume {
        name: TOKEN_VOLUME.to_owned(),
        projected: Some(ProjectedVolumeSource {
            sources: Some(vec![VolumeProjection { service_account_token: Some(token), ..VolumeProjection::default() }]),
            ..ProjectedVolumeSource::default()
        }),
        ..Volume::default()
    }
}

fn orders_volume() -> Volume {
    Volume {
        name: "orders".to_owned(),
        downward_api: Some(DownwardAPIVolumeSource {
            items: Some(vec![DownwardAPIVolumeFile {
                path: "orders".to_owned(),
                field_ref: Some(ObjectFieldSelector {
                    field_path: format!("metadata.annotations['{ORDERS_ANNOTATION}']"),
                    api_version: None,
                }),
                ..DownwardAPIVolumeFile::default()
            }]),
            ..DownwardAPIVolumeSource::default()
        }),
        ..Volume::default()
    }
}
