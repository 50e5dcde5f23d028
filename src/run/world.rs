//! What is known of the cluster before anything is made.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::ResourceExt;

use super::error::RunError;
use super::event::{Event, Phase};
use super::record::{ClusterInfo, NodeInfo, PartyInfo, Program, RunInfo, RunRecord, Selection, TenancyInfo};
use super::runner::RunOptions;
use super::teller::Teller;
use crate::cluster::{self, ClusterError, Connection, read_namespaces, read_objects, read_snapshot};
use crate::families::Coverage;
use crate::model::{Namespace, NodeName, RunId, TenantId};
use crate::plan::{Mode, THROWAWAY_LABEL, resolve, usable_nodes};
use crate::semantics::network::Profile;
use crate::semantics::{Extent, ObjectKind, Snapshot};
use crate::tenancy::PartyKind;

/// What was read before anything is made.
pub(super) struct World {
    pub(super) run: RunId,
    pub(super) nonce: String,
    pub(super) snapshot: Snapshot,
    /// Namespaces in which it can't be known what a probe would disturb, and why.
    pub(super) closed: BTreeMap<Namespace, String>,
    pub(super) namespaces: BTreeMap<TenantId, Vec<Namespace>>,
    pub(super) nodes: Vec<NodeName>,
    pub(super) mode: Mode,
    /// Namespaces in which `mutate` takes fences down: the tenancy's, and where the audit log is kept.
    pub(super) broken_in: Vec<Namespace>,
    uid: String,
    cni: String,
}

impl World {
    pub(super) async fn read(
        options: &RunOptions,
        connection: &Connection,
        teller: &mut Teller<impl FnMut(&Event, &RunRecord)>,
    ) -> Result<Self, RunError> {
        teller.begin(Phase::Snapshot, None);
        // Before anything else: what is told of another cluster is neither read nor mended.
        let caller = options.caller().await?;
        let eks = options.access(connection).await?;
        let of_eks = [caller, eks.as_ref().map(|access| access.cluster.to_string())].into_iter().flatten();
        let of_eks: String = of_eks.map(|told| format!("{told}; ")).collect();
        let client = &connection.client;
        let named: Vec<Namespace> =
            options.tenancy.parties.iter().flat_map(|party| party.namespaces.names.iter().cloned()).collect();
        let all = read_namespaces(client, &named).await?;
        let namespaces = resolve(&options.tenancy, &all).map_err(RunError::Namespaces)?;
        let uid = cluster::uid_of(&all);
        let of_interest: Vec<Namespace> = namespaces.values().flatten().cloned().collect();
        let throwaway = says_throwaway(&all);
        let broken_in =
            [of_interest.clone(), options.tenancy.audit.iter().flat_map(|audit| audit.sink.clone()).collect()].concat();
        if throwaway && options.restores {
            let restored = match cluster::fences::restore(client, &broken_in).await {
                // Who may not read the journal could put nothing back: that is for the next `mutate`.
                Err(ClusterError::Forbidden { .. }) => Vec::new(),
                restored => restored?,
            };
            for what in restored {
                teller.warn(format!("mutate had been killed and left {what} broken: it was put back"), None);
            }
        }
        let throwaway = throwaway && !options.production;
        let cloud = options.estate(eks.as_ref(), &namespaces).await?;
        let mut snapshot = read_snapshot(client, all, &of_interest).await?;
        snapshot.eks = eks;
        snapshot.cloud = cloud;
        // What a probe would disturb is known by now; what families read beside it disturbs nothing.
        let closed = closed(&snapshot);
        let told = |kind: &ObjectKind| kind.extent != Extent::OnlyIfTold;
        let kinds: Vec<ObjectKind> = options.families().flat_map(|family| family.reads).copied().filter(told).collect();
        read_objects(client, &kinds, &of_interest, &mut snapshot).await;
        let mut nodes = usable_nodes(&snapshot.nodes);
        if nodes.is_empty() {
            return Err(RunError::NoNode);
        }
        nodes.truncate(options.nodes.max(1));
        let cni = cluster::cni_of(client).await;
        teller.end(
            Phase::Snapshot,
            format!(
                "{of_eks}{} namespaces, {} pods, {} NetworkPolicies",
                of_interest.len(),
                snapshot.pods.len(),
                snapshot.network_policies.len()
            ),
        );
        let random = Random::draw()?;
        let stamp = Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
        let run = RunId::new(format!("{stamp}-{}", random.hex(2)));
        let mode = if throwaway { Mode::Throwaway } else { Mode::Production };
        Ok(Self { run, nonce: random.hex(16), uid, cni, namespaces, snapshot, closed, nodes, mode, broken_in })
    }

    pub(super) fn profile(&self) -> Profile {
        if self.cni == "cilium" { Profile::Cilium } else { Profile::Spec }
    }

    pub(super) fn started(&self, options: &RunOptions, connection: &Connection) -> Event {
        let parties = options.tenancy.parties.iter().map(|party| PartyInfo {
            id: party.id.clone(),
            shared: party.kind == PartyKind::Shared,
            tier: party.tier.clone(),
            namespaces: self.namespaces.get(&party.id).into_iter().flatten().map(ToString::to_string).collect(),
        });
        let nodes = self.snapshot.nodes.iter().map(|node| {
            let name = NodeName::new(node.name_any());
            let info = node.status.as_ref().and_then(|status| status.node_info.as_ref());
            NodeInfo {
                probed: self.nodes.contains(&name),
                name,
                kernel: info.map(|info| info.kernel_version.clone()).unwrap_or_default(),
            }
        });
        Event::Started {
            run: RunInfo {
                id: self.run.clone(),
                started: now(),
                by: connection.user.clone(),
                mode: self.mode,
                selection: options.selection.clone(),
                program: Program {
                    name: env!("CARGO_PKG_NAME").to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    probe_image: options.probe_image.clone(),
                },
            },
            cluster: ClusterInfo {
                context: connection.context.clone(),
                uid: self.uid.clone(),
                version: connection.version.clone(),
                cni: self.cni.clone(),
                eks: self.snapshot.eks.as_ref().map(|access| access.cluster.clone()),
                nodes: nodes.collect(),
            },
            tenancy: TenancyInfo { parties: parties.collect(), ..options.tenancy_info.clone() },
            suites: options.suites.iter().map(|(_, info)| info.clone()).collect(),
        }
    }

    /// What all plans together cover, and what this cluster keeps them from covering.
    pub(super) fn coverage(&self, of_plans: impl Iterator<Item = Coverage>, selection: &Selection) -> Coverage {
        let mut coverage = Coverage::default();
        of_plans.for_each(|one| coverage.add(one));
        let not_tried = &mut coverage.not_tried;
        if !selection.is_all() {
            let Selection { families, checks, tenants } = selection;
            let tenants: Vec<&str> = tenants.iter().map(TenantId::as_str).collect();
            let parts = [("family", families.join(", ")), ("check", checks.join(", ")), ("tenant", tenants.join(", "))];
            let parts: Vec<String> = parts
                .iter()
                .filter(|(_, names)| !names.is_empty())
                .map(|(what, names)| format!("{what} {names}"))
                .collect();
            not_tried.push(format!("anything but {}: the run was asked for that alone", parts.join(", ")));
        }
        let usable = usable_nodes(&self.snapshot.nodes).len();
        if self.nodes.len() == 1 {
            not_tried.push("connections between nodes: only one node can run probes".to_owned());
        } else if usable > self.nodes.len() {
            not_tried.push(format!(
                "{} of {usable} nodes: probes run on {}",
                usable - self.nodes.len(),
                self.nodes.len()
            ));
        }
        let on_host = self
            .snapshot
            .pods
            .iter()
            .filter(|pod| pod.spec.as_ref().is_some_and(|spec| spec.host_network == Some(true)))
            .count();
        if on_host > 0 {
            not_tried.push(format!("{on_host} pods of the host network: NetworkPolicies leave them undefined"));
        }
        coverage
    }
}

/// Namespaces in which it can't be known what a probe would disturb.
fn closed(snapshot: &Snapshot) -> BTreeMap<Namespace, String> {
    let mut closed: BTreeMap<Namespace, String> = BTreeMap::new();
    for unreadable in &snapshot.unreadable {
        let Some(namespace) = &unreadable.namespace else { continue };
        let disturbs = ["networkpolicies", "ciliumnetworkpolicies"];
        if !disturbs.iter().any(|kind| unreadable.resource.starts_with(kind)) {
            closed
                .entry(Namespace::new(namespace.clone()))
                .or_insert_with(|| format!("{} can't be read there: {}", unreadable.resource, unreadable.why));
        }
    }
    for namespace in &snapshot.namespaces {
        if namespace.metadata.deletion_timestamp.is_some() {
            closed.insert(Namespace::new(namespace.name_any()), "the namespace is being deleted".to_owned());
        }
    }
    closed
}

/// Whether the cluster says of itself that it may be thrown away.
fn says_throwaway(namespaces: &[k8s_openapi::api::core::v1::Namespace]) -> bool {
    let system = namespaces.iter().find(|namespace| namespace.name_any() == "kube-system");
    system.is_some_and(|system| system.labels().get(THROWAWAY_LABEL).is_some_and(|value| value == "true"))
}

/// Random bytes of the operating system.
struct Random([u8; 18]);

impl Random {
    fn draw() -> Result<Self, RunError> {
        let mut bytes = [0; 18];
        getrandom::fill(&mut bytes).map_err(|error| RunError::NoRandomness(error.to_string()))?;
        Ok(Self(bytes))
    }

    /// The first bytes in hexadecimal, taken from one end for short texts and the other for long ones.
    fn hex(&self, bytes: usize) -> String {
        let part = if bytes <= 2 { self.0.get(..bytes) } else { self.0.get(2..2 + bytes) };
        part.unwrap_or_default().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The time, RFC 3339 in UTC, to the second.
pub(super) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
