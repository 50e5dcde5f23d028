//! One run, from the tenancy to the last event. It decides nothing: families plan and judge.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::ResourceExt;

use super::error::RunError;
use super::event::{Event, Phase};
use super::record::{
    ClusterInfo, Coverage, NodeInfo, PartyInfo, Program, RunInfo, RunRecord, RunStatus, SuiteInfo, TenancyInfo, Warning,
};
use crate::cluster::{
    self, Claims, ClusterError, ConnectOptions, Connection, PodSettings, ProbeRun, network_policy_versions,
    read_namespaces, read_snapshot, versions_of,
};
use crate::families::network::{self, Limits, NetworkPlan};
use crate::families::{PlanInput, Stage, Witness};
use crate::model::{Family, Namespace, NodeName, RunId, TenantId};
use crate::plan::{resolve, usable_nodes};
use crate::semantics::Snapshot;
use crate::semantics::network::Profile;
use crate::suite::Suite;
use crate::tenancy::{PartyKind, Tenancy};

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// How to find the cluster.
    pub connect: ConnectOptions,
    /// The promise.
    pub tenancy: Tenancy,
    /// Its file and digest; parties are filled in from the cluster.
    pub tenancy_info: TenancyInfo,
    /// The suite of the network family, with its origin.
    pub suite: Suite,
    /// Its file and digest.
    pub suite_info: SuiteInfo,
    /// The probe's image.
    pub probe_image: String,
    /// An existing PriorityClass for the probes, instead of one that the run makes.
    pub priority_class: Option<String>,
    /// How long to wait for another run to end.
    pub wait_for_claim: Duration,
    /// After this time a probe ends by itself.
    pub probe_deadline: Duration,
    /// On how many nodes each class gets a probe.
    pub nodes: usize,
    /// How connections are tried.
    pub limits: Limits,
}

/// Runs, and tells `emit` of every event together with the record so far. `interrupt` ends the run
/// early; what it has made is removed all the same.
///
/// # Errors
/// [`RunError`] for what is wrong before anything was made. Whatever goes wrong later is part of the
/// record, whose status then says so.
pub async fn run(
    options: &RunOptions,
    emit: impl FnMut(&Event, &RunRecord),
    interrupt: impl Future<Output = ()>,
) -> Result<RunRecord, RunError> {
    let mut teller = Teller { emit, record: RunRecord::new(), phases: BTreeMap::new() };
    let mut interrupt = std::pin::pin!(interrupt);
    let reading = async {
        let connection = cluster::connect(&options.connect).await?;
        let world = World::read(options, &connection, &mut teller).await?;
        Ok::<_, RunError>((connection, world))
    };
    let (connection, world) = tokio::select! {
        read = reading => read?,
        () = &mut interrupt => return Err(RunError::Interrupted),
    };
    teller.tell(&world.started(options, &connection));

    teller.begin(Phase::Plan, None);
    let plan = network::plan(&PlanInput {
        tenancy: &options.tenancy,
        suite: &options.suite,
        snapshot: &world.snapshot,
        namespaces: &world.namespaces,
        nodes: &world.nodes,
        closed: &world.closed(),
        profile: world.profile(),
    });
    let detail = format!("{} cases, {} probes", plan.cases.len(), plan.probes.len());
    teller.end(Phase::Plan, detail);
    teller.tell(&Event::Planned { cases: plan.cases.clone(), coverage: world.coverage(&plan) });

    let status = carry_out(options, &connection, &world, &plan, &mut teller, interrupt.as_mut()).await;
    teller.tell(&Event::Finished { status, at: now() });
    Ok(teller.record)
}

/// Everything that makes something on the cluster; whatever comes, it is removed again.
async fn carry_out(
    options: &RunOptions,
    connection: &Connection,
    world: &World,
    plan: &NetworkPlan,
    teller: &mut Teller<impl FnMut(&Event, &RunRecord)>,
    mut interrupt: Pin<&mut impl Future<Output = ()>>,
) -> RunStatus {
    let client = &connection.client;
    teller.begin(Phase::Claim, Some(plan.namespaces.len()));
    let claiming = tokio::select! {
        claiming = Claims::take(client, &world.run, plan.namespaces.clone(), options.wait_for_claim) => claiming,
        () = &mut interrupt => {
            // Leases that were taken stop being renewed, and the next run removes them; still, try now.
            cluster::release_all(client, &world.run, &plan.namespaces).await;
            return RunStatus::Interrupted;
        }
    };
    let claiming = match claiming {
        Ok(claiming) => claiming,
        Err(error) => {
            teller.warn_of(&error);
            return RunStatus::Aborted;
        }
    };
    for dead in &claiming.removed {
        teller.warn(format!("run {dead} had been killed; what it left was removed"), None);
    }
    let mut claims = claiming.claims;
    for (namespace, why) in claims.refused() {
        teller.warn(format!("namespace {namespace} can't be worked in: {why}"), Some("its cases are inconclusive"));
    }
    teller.end(Phase::Claim, format!("{} of {} namespaces", claims.held(), plan.namespaces.len()));

    let settings = PodSettings {
        run: world.run.clone(),
        image: options.probe_image.clone(),
        nonce: world.nonce.clone(),
        priority_class: String::new(),
        deadline: options.probe_deadline,
    };
    let mut probes = ProbeRun::new(client, settings, options.priority_class.clone());
    let outcome = tokio::select! {
        seen = see(options, connection, world, plan, &mut probes, &claims, teller) => seen.map(Some),
        () = &mut interrupt => Ok(None),
        lost = claims.lost() => Err(lost),
    };
    let status = match outcome {
        Ok(Some(seen)) => judge(plan, &seen, teller),
        Ok(None) => RunStatus::Interrupted,
        Err(error) => {
            teller.warn_of(&error);
            RunStatus::Aborted
        }
    };
    teller.begin(Phase::CleanUp, None);
    let mut remains = probes.remove().await;
    remains.extend(claims.release().await);
    let detail = if remains.is_empty() { "nothing stays behind".to_owned() } else { "incomplete".to_owned() };
    report_remains(teller, remains);
    teller.end(Phase::CleanUp, detail);
    status
}

/// Makes the probes and lets them try, and makes sure that what was seen can be judged.
async fn see(
    options: &RunOptions,
    connection: &Connection,
    world: &World,
    plan: &NetworkPlan,
    probes: &mut ProbeRun,
    claims: &Claims,
    teller: &mut Teller<impl FnMut(&Event, &RunRecord)>,
) -> Result<network::Seen, ClusterError> {
    let mut seen = network::observe(plan, probes, claims, options.limits, teller).await?;
    claims.confirm().await?;
    let after = network_policy_versions(&connection.client, world.readable(plan)).await;
    network::note_changes(&mut seen, &versions_of(&world.snapshot.network_policies), after);
    Ok(seen)
}

fn judge(plan: &NetworkPlan, seen: &network::Seen, teller: &mut Teller<impl FnMut(&Event, &RunRecord)>) -> RunStatus {
    teller.begin(Phase::Judge, Some(plan.cases.len()));
    if !seen.settling.open_at_first.is_empty() {
        teller.warn(
            format!(
                "{} connections got through while the fences of the new probes were still being attached ({} ms were \
                 watched); they are not judged",
                seen.settling.open_at_first.len(),
                seen.settling.millis
            ),
            Some("a new pod of a tenant has the same open window"),
        );
    }
    if seen.settling.rounds > 0 && !seen.settling.settled {
        teller.warn(
            format!(
                "the fences of the new probes had not settled after {} ms: what passed went on changing from round to round",
                seen.settling.millis
            ),
            Some("a case that fails here may be an engine that is slow; run again, and look at the CNI's own pods"),
        );
    }
    let observations = serde_json::to_value(seen).unwrap_or_default();
    teller.tell(&Event::Observed { family: Family::new(network::NAME), observations });
    let status = match network::judge(&plan.cases, seen) {
        Ok(results) => {
            for result in results {
                teller.tell(&Event::Judged(Box::new(result)));
            }
            RunStatus::Finished
        }
        Err(error) => {
            teller.warn(error.to_string(), None);
            RunStatus::Aborted
        }
    };
    let detail = format!("{} cases", teller.record.results.len());
    teller.end(Phase::Judge, detail);
    status
}

fn report_remains(teller: &mut Teller<impl FnMut(&Event, &RunRecord)>, remains: Vec<String>) {
    for what in remains {
        teller.warn(format!("left behind: {what}"), Some("the next run removes it"));
    }
}

/// What was read before anything is made.
struct World {
    run: RunId,
    nonce: String,
    uid: String,
    cni: String,
    namespaces: BTreeMap<TenantId, Vec<Namespace>>,
    snapshot: Snapshot,
    nodes: Vec<NodeName>,
}

impl World {
    async fn read(
        options: &RunOptions,
        connection: &Connection,
        teller: &mut Teller<impl FnMut(&Event, &RunRecord)>,
    ) -> Result<Self, RunError> {
        teller.begin(Phase::Snapshot, None);
        let client = &connection.client;
        let named: Vec<Namespace> =
            options.tenancy.parties.iter().flat_map(|party| party.namespaces.names.iter().cloned()).collect();
        let all = read_namespaces(client, &named).await?;
        let namespaces = resolve(&options.tenancy, &all).map_err(RunError::Namespaces)?;
        let uid = cluster::uid_of(&all);
        let of_interest: Vec<Namespace> = namespaces.values().flatten().cloned().collect();
        let snapshot = read_snapshot(client, all, &of_interest).await?;
        let mut nodes = usable_nodes(&snapshot.nodes);
        if nodes.is_empty() {
            return Err(RunError::NoNode);
        }
        nodes.truncate(options.nodes.max(1));
        let cni = cluster::cni_of(client).await;
        teller.end(
            Phase::Snapshot,
            format!(
                "{} namespaces, {} pods, {} NetworkPolicies",
                of_interest.len(),
                snapshot.pods.len(),
                snapshot.network_policies.len()
            ),
        );
        let random = Random::draw()?;
        let stamp = Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
        let run = RunId::new(format!("{stamp}-{}", random.hex(2)));
        Ok(Self { run, nonce: random.hex(16), uid, cni, namespaces, snapshot, nodes })
    }

    fn profile(&self) -> Profile {
        if self.cni == "cilium" { Profile::Cilium } else { Profile::Spec }
    }

    /// Namespaces in which it can't be known what a probe would disturb.
    fn closed(&self) -> BTreeMap<Namespace, String> {
        let mut closed: BTreeMap<Namespace, String> = BTreeMap::new();
        for unreadable in &self.snapshot.unreadable {
            let Some(namespace) = &unreadable.namespace else { continue };
            let disturbs = ["networkpolicies", "ciliumnetworkpolicies"];
            if !disturbs.iter().any(|kind| unreadable.resource.starts_with(kind)) {
                closed
                    .entry(Namespace::new(namespace.clone()))
                    .or_insert_with(|| format!("{} can't be read there: {}", unreadable.resource, unreadable.why));
            }
        }
        for namespace in &self.snapshot.namespaces {
            if namespace.metadata.deletion_timestamp.is_some() {
                closed.insert(Namespace::new(namespace.name_any()), "the namespace is being deleted".to_owned());
            }
        }
        closed
    }

    /// Namespaces of the plan whose NetworkPolicies could be read.
    fn readable(&self, plan: &NetworkPlan) -> Vec<Namespace> {
        let unreadable = |namespace: &Namespace| {
            self.snapshot.unreadable.iter().any(|one| {
                one.namespace.as_deref() == Some(namespace.as_str()) && one.resource.starts_with("networkpolicies")
            })
        };
        plan.namespaces.iter().filter(|namespace| !unreadable(namespace)).cloned().collect()
    }

    fn started(&self, options: &RunOptions, connection: &Connection) -> Event {
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
                nodes: nodes.collect(),
            },
            tenancy: TenancyInfo { parties: parties.collect(), ..options.tenancy_info.clone() },
            suites: vec![options.suite_info.clone()],
        }
    }

    fn coverage(&self, plan: &NetworkPlan) -> Coverage {
        let accounting = plan.fences.accounting();
        let mut not_tried = plan.not_tried.clone();
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
        Coverage {
            judged: accounting.judged,
            irrelevant: accounting.irrelevant,
            not_understood: accounting.not_understood.clone(),
            pods_represented: plan.pods_represented,
            not_tried,
        }
    }
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

fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Tells of events, and keeps the record.
struct Teller<F> {
    emit: F,
    record: RunRecord,
    phases: BTreeMap<Phase, Instant>,
}

impl<F: FnMut(&Event, &RunRecord)> Teller<F> {
    fn tell(&mut self, event: &Event) {
        self.record.apply(event);
        (self.emit)(event, &self.record);
    }

    fn begin(&mut self, phase: Phase, total: Option<usize>) {
        self.phases.insert(phase, Instant::now());
        self.tell(&Event::PhaseStarted { phase, total });
    }

    fn end(&mut self, phase: Phase, detail: String) {
        let seconds = self.phases.remove(&phase).map_or(0.0, |begun| begun.elapsed().as_secs_f64());
        self.tell(&Event::PhaseFinished { phase, seconds: (seconds * 1000.0).round() / 1000.0, detail });
    }

    fn warn(&mut self, message: String, help: Option<&str>) {
        self.tell(&Event::Warned(Warning { message, help: help.map(ToOwned::to_owned) }));
    }

    fn warn_of(&mut self, error: &ClusterError) {
        use miette::Diagnostic as _;
        let help = error.help().map(|help| help.to_string());
        self.warn(error.to_string(), help.as_deref());
    }
}

impl<F: FnMut(&Event, &RunRecord)> Witness for Teller<F> {
    fn began(&mut self, stage: Stage, total: usize) {
        self.begin(phase(stage), Some(total));
    }

    fn progress(&mut self, stage: Stage, done: usize, detail: Option<String>) {
        self.tell(&Event::PhaseProgress { phase: phase(stage), done, detail });
    }

    fn ended(&mut self, stage: Stage, detail: String) {
        self.end(phase(stage), detail);
    }
}

const fn phase(stage: Stage) -> Phase {
    match stage {
        Stage::Start => Phase::Start,
        Stage::Observe => Phase::Observe,
    }
}
