//! One run, from the tenancy to the last event. It decides nothing: families plan and judge.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::error::RunError;
use super::event::{Event, Phase};
use super::record::{RunRecord, RunStatus, Selection, SuiteInfo, TenancyInfo};
use super::teller::Teller;
use super::world::{World, now};
use crate::cluster::{self, Claims, ClusterError, ConnectOptions, Connection, PodSettings, ProbeRun};
use crate::families::{self, FamilyEntry, FamilyPlan, Field, Limits, Observed, PlanInput, Record, Told};
use crate::model::{Family, Namespace, TenantId};
use crate::plan::{Case, Mode};
use crate::semantics::iam::estate::{Estate, OrganizationPolicies};
use crate::semantics::rbac::eks::Access;
use crate::suite::Suite;
use crate::tenancy::Tenancy;

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// How to find the cluster.
    pub connect: ConnectOptions,
    /// The promise.
    pub tenancy: Tenancy,
    /// Its file and digest; parties are filled in from the cluster.
    pub tenancy_info: TenancyInfo,
    /// The suites, each with its file and digest. Families without one are left out.
    pub suites: Vec<(Suite, SuiteInfo)>,
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
    /// What of them is asked for.
    pub selection: Selection,
    /// How connections are tried.
    pub limits: Limits,
    /// Whether a fence that a killed `mutate` left down is put back first.
    pub restores: bool,
    /// Whether the cluster is treated as one in production even where it says that it may be thrown away.
    pub production: bool,
    /// What the run does only where it was told to; without a bound of its own, one that suits the mode.
    pub told: Told,
    /// Where the API server's record of requests lies.
    pub record: Record,
    /// The name of the EKS cluster that is judged; `None` where the EKS API is not asked.
    #[cfg(feature = "aws")]
    pub eks_cluster: Option<String>,
    /// The account that the credentials must be of; `None` for any.
    #[cfg(feature = "aws")]
    pub expect_account: Option<String>,
    /// The policies of the account's organization, where they were given.
    pub organization: Option<OrganizationPolicies>,
}

/// Access reviews where the cluster may be thrown away, and in production. An API server of two cores answers about a
/// thousand a second.
const MOST_REVIEWS: (usize, usize) = (12_000, 3_000);

impl RunOptions {
    /// What families are told of it.
    fn told(&self, mode: Mode) -> Told {
        let usual = if mode == Mode::Throwaway { MOST_REVIEWS.0 } else { MOST_REVIEWS.1 };
        Told { most_reviews: Some(self.told.most_reviews.unwrap_or(usual)), ..self.told }
    }

    /// Who is let into the cluster, by the EKS API; `None` where it is not asked.
    #[cfg_attr(not(feature = "aws"), allow(unused_variables, reason = "a build without AWS asks nobody"))]
    pub(super) async fn access(&self, connection: &Connection) -> Result<Option<Access>, RunError> {
        #[cfg(feature = "aws")]
        if let Some(name) = &self.eks_cluster {
            return Ok(Some(super::eks::read(name, connection).await?));
        }
        std::future::ready(Ok(None)).await
    }

    /// Who asks AWS, where an account is expected; another is refused before anything else is asked.
    pub(super) async fn caller(&self) -> Result<Option<String>, RunError> {
        #[cfg(feature = "aws")]
        if let Some(account) = &self.expect_account {
            let caller = super::estate::expect(account).await?;
            return Ok(Some(format!("account {} as {}", caller.account, caller.arn)));
        }
        std::future::ready(Ok(None)).await
    }

    /// What AWS tells of the tenants' roles and buckets; `None` where it is not asked, or nothing is promised of it.
    #[cfg_attr(not(feature = "aws"), allow(unused_variables, reason = "a build without AWS asks nobody"))]
    pub(super) async fn estate(
        &self,
        access: Option<&Access>,
        namespaces: &BTreeMap<TenantId, Vec<Namespace>>,
    ) -> Result<Option<Estate>, RunError> {
        #[cfg(feature = "aws")]
        if let (Some(name), Some(access), true) = (&self.eks_cluster, access, super::estate::is_promised(&self.tenancy))
        {
            let organization = self.organization.clone();
            return Ok(Some(super::estate::read(name, access, &self.tenancy, namespaces, organization).await?));
        }
        std::future::ready(Ok(None)).await
    }

    /// The families that have a suite, in the families' order.
    pub(super) fn families(&self) -> impl Iterator<Item = &'static FamilyEntry> {
        let has_suite =
            |family: &&FamilyEntry| self.suites.iter().any(|(suite, _)| suite.family.as_str() == family.name);
        families::FAMILIES.iter().filter(has_suite)
    }
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
    let mut teller = Teller::new(emit);
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
    let plans = plan(options, &world);
    let cases: Vec<Case> = plans.iter().flat_map(|plan| plan.cases.iter().cloned()).collect();
    let made: Vec<String> = plans.iter().map(|plan| plan.plan.makes()).filter(|made| !made.is_empty()).collect();
    let detail = [vec![format!("{} cases", cases.len())], made].concat().join(", ");
    teller.end(Phase::Plan, detail);
    let coverage = world.coverage(plans.iter().map(|plan| plan.plan.coverage()), &options.selection);
    teller.tell(&Event::Planned { cases, coverage });

    let status = carry_out(options, &connection, &world, &plans, &mut teller, interrupt.as_mut()).await;
    teller.tell(&Event::Finished { status, at: now() });
    Ok(teller.record)
}

/// A family with its plan.
struct Planned {
    family: &'static FamilyEntry,
    plan: Box<dyn FamilyPlan>,
    /// Those of its cases that the run was asked for.
    cases: Vec<Case>,
}

/// The plans of all families that have a suite, in the families' order.
fn plan(options: &RunOptions, world: &World) -> Vec<Planned> {
    let plan = |family: &'static FamilyEntry| {
        let input = plan_input(options, world, family)?;
        let plan = (family.plan)(&input);
        let asked_for = |case: &&Case| input.asks_for(&case.from, &case.to);
        let cases = plan.cases().iter().filter(asked_for).cloned().collect();
        Some(Planned { family, plan, cases })
    };
    families::FAMILIES.iter().filter_map(plan).collect()
}

/// What a family plans from; `None` where it has no suite.
pub(super) fn plan_input<'a>(options: &'a RunOptions, world: &'a World, family: &FamilyEntry) -> Option<PlanInput<'a>> {
    let (suite, _) = options.suites.iter().find(|(suite, _)| suite.family.as_str() == family.name)?;
    Some(PlanInput {
        tenancy: &options.tenancy,
        suite,
        snapshot: &world.snapshot,
        namespaces: &world.namespaces,
        nodes: &world.nodes,
        closed: &world.closed,
        profile: world.profile(),
        mode: world.mode,
        tenants: &options.selection.tenants,
        told: options.told(world.mode),
    })
}

/// Everything that makes something on the cluster; whatever comes, it is removed again.
async fn carry_out(
    options: &RunOptions,
    connection: &Connection,
    world: &World,
    plans: &[Planned],
    teller: &mut Teller<impl FnMut(&Event, &RunRecord)>,
    mut interrupt: Pin<&mut impl Future<Output = ()>>,
) -> RunStatus {
    let client = &connection.client;
    let mut namespaces: Vec<Namespace> = plans.iter().flat_map(|planned| planned.plan.namespaces()).collect();
    namespaces.sort();
    namespaces.dedup();
    teller.begin(Phase::Claim, Some(namespaces.len()));
    let claiming = tokio::select! {
        claiming = Claims::take(client, &world.run, namespaces.clone(), options.wait_for_claim) => claiming,
        () = &mut interrupt => {
            // Leases that were taken stop being renewed, and the next run removes them; still, try now.
            cluster::release_all(client, &world.run, &namespaces).await;
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
    teller.end(Phase::Claim, format!("{} of {} namespaces", claims.held(), namespaces.len()));

    let settings = PodSettings {
        run: world.run.clone(),
        image: options.probe_image.clone(),
        nonce: world.nonce.clone(),
        priority_class: String::new(),
        deadline: options.probe_deadline,
    };
    let mut probes = ProbeRun::new(client, settings, options.priority_class.clone());
    let outcome = tokio::select! {
        seen = observe(options, connection, world, plans, &mut probes, &claims, teller) => seen.map(Some),
        () = &mut interrupt => Ok(None),
        lost = claims.lost() => Err(lost),
    };
    let status = match outcome {
        Ok(Some(seen)) => judge(plans, seen, teller),
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

/// Lets each family carry its plan out, one after the other.
async fn observe(
    options: &RunOptions,
    connection: &Connection,
    world: &World,
    plans: &[Planned],
    probes: &mut ProbeRun,
    claims: &Claims,
    teller: &mut Teller<impl FnMut(&Event, &RunRecord)>,
) -> Result<Vec<Observed>, ClusterError> {
    let mut all = Vec::with_capacity(plans.len());
    for Planned { family, plan, .. } in plans {
        teller.turn_to(family.name);
        let observed = plan
            .observe(Field {
                client: &connection.client,
                nobody: &connection.nobody,
                run: &world.run,
                snapshot: &world.snapshot,
                claims,
                probes,
                limits: options.limits,
                mode: world.mode,
                read_secrets: options.told.read_secrets,
                request_tokens: options.told.request_tokens,
                record: &options.record,
                witness: teller,
            })
            .await?;
        all.push(observed);
    }
    // Held to the end, it was held all the time: a claim that was lost never comes back.
    claims.confirm().await?;
    Ok(all)
}

fn judge(plans: &[Planned], seen: Vec<Observed>, teller: &mut Teller<impl FnMut(&Event, &RunRecord)>) -> RunStatus {
    teller.begin(Phase::Judge, Some(plans.iter().map(|planned| planned.cases.len()).sum()));
    let mut status = RunStatus::Finished;
    for (Planned { family, cases, .. }, Observed { observations, remarks }) in plans.iter().zip(seen) {
        for (remark, help) in remarks {
            teller.warn(remark, help.as_deref());
        }
        let results = (family.judge)(cases, &observations);
        teller.tell(&Event::Observed { family: Family::from(family.name), observations });
        match results {
            Ok(results) => {
                for result in results {
                    teller.tell(&Event::Judged(Box::new(result)));
                }
            }
            Err(error) => {
                teller.warn(error.to_string(), None);
                status = RunStatus::Aborted;
            }
        }
    }
    let detail = format!("{} cases", teller.record.results.len());
    teller.end(Phase::Judge, detail);
    status
}

fn report_remains(teller: &mut Teller<impl FnMut(&Event, &RunRecord)>, remains: Vec<String>) {
    for what in remains {
        teller.warn(format!("left behind: {what}"), Some("the next run removes it"));
    }
}
