//! Is the suite itself any good? Every fence of a throwaway cluster is taken down in turn, what concerns it is
//! run, and the fence is put back: a run that stays green is a mutant that survived.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Instant;

use futures::FutureExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::RunError;
use super::event::Event;
use super::record::{ClusterInfo, RunRecord, Selection, TenancyInfo};
use super::runner::{RunOptions, plan_input, run};
use super::teller::Teller;
use super::world::{World, now};
use crate::cluster::{self, fences};
use crate::families::{self, FamilyEntry, Mutant, PlanInput};
use crate::model::{CheckId, Namespace, TenantId, Verdict};
use crate::plan::{Case, Mode};

/// What came of taking down every fence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mutation {
    /// The version of this shape: `tenantproof.dev/mutation/v1`.
    pub schema: String,
    /// When it began, RFC 3339 in UTC.
    pub started: String,
    /// When it ended; `None` where it was interrupted or could not go on.
    pub finished: Option<String>,
    /// The cluster.
    pub cluster: ClusterInfo,
    /// The promise.
    pub tenancy: TenancyInfo,
    /// Each fence that was taken down, in its order.
    pub mutants: Vec<MutantResult>,
    /// Checks of the suites that noticed no mutant: nothing here shows that they can fail.
    pub never_noticed: Vec<CheckId>,
    /// What a reader should know besides.
    pub remarks: Vec<String>,
}

/// What came of taking down one fence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MutantResult {
    /// What was done.
    pub mutant: Mutant,
    /// Whether it was found.
    pub outcome: Outcome,
    /// What the run said, in one sentence.
    pub because: String,
    /// The checks that found it.
    pub by: BTreeSet<CheckId>,
    /// The pairs of tenants between which a promise was found broken.
    pub pairs: BTreeSet<(TenantId, TenantId)>,
    /// Seconds that it took, the fence's return included.
    pub seconds: f64,
}

/// Whether a mutant was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A case failed.
    Found,
    /// Every case passed: the suite is broken.
    Survived,
    /// No case failed, and not all passed: nothing is known.
    Unsure,
    /// It changes nothing that a suite could see, by computation; it was not made.
    Harmless,
}

impl Mutation {
    /// A report of nothing yet: unfinished.
    #[must_use]
    pub fn new() -> Self {
        Self { schema: "tenantproof.dev/mutation/v1".to_owned(), ..Self::default() }
    }

    /// How many mutants came out so.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.mutants.iter().filter(|one| one.outcome == outcome).count()
    }

    /// The exit code: 0 where every mutant was found, 1 where one survived, 3 where it is not known.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.count(Outcome::Survived) > 0 {
            1
        } else if self.finished.is_none() || self.count(Outcome::Unsure) > 0 || self.count(Outcome::Found) == 0 {
            3
        } else {
            0
        }
    }
}

/// What happens while fences are taken down.
#[derive(Clone, Debug)]
pub enum Progress<'a> {
    /// A fence that an earlier run had left down was put back.
    Restored(&'a str),
    /// The run with all fences standing begins.
    Baseline,
    /// A mutant is about to be made: its number, of how many.
    Mutant(usize, usize, &'a Mutant),
    /// What came of it, and of all before.
    Ended(&'a MutantResult, &'a Mutation),
}

/// Takes down every fence in turn. `forced` is the name of a context that may be used though its cluster does
/// not say that it may be thrown away.
///
/// # Errors
/// [`RunError`] where nothing was taken down: the cluster is none to throw away, or its fences do not stand.
pub async fn mutate(
    options: &RunOptions,
    forced: Option<&str>,
    mut tell: impl FnMut(Progress<'_>),
    interrupt: impl Future<Output = ()>,
) -> Result<Mutation, RunError> {
    let interrupt = interrupt.shared();
    let connection = cluster::connect(&options.connect).await?;
    let client = &connection.client;
    let mut remarks = Vec::new();
    let mut silent = Teller::new(|_: &Event, _: &RunRecord| {});
    // What an earlier run left down is put back below, where it is told.
    let first = RunOptions { restores: false, ..options.clone() };
    let world = World::read(&first, &connection, &mut silent).await?;
    if world.mode != Mode::Throwaway && forced != Some(connection.context.as_str()) {
        return Err(RunError::NotThrowaway { context: connection.context.clone() });
    }
    let namespaces = world.broken_in.clone();
    for what in fences::restore(client, &namespaces).await? {
        tell(Progress::Restored(&what));
        remarks.push(format!("an earlier run had been killed and left {what} broken: it was put back"));
    }
    // The fence may have stood broken while the cluster was read.
    let world = if remarks.is_empty() { world } else { World::read(options, &connection, &mut silent).await? };

    tell(Progress::Baseline);
    let baseline = run(options, |_, _| {}, interrupt.clone()).await?;
    if baseline.exit_code() != 0 {
        let first = baseline.findings.first().map(|finding| finding.sentence.clone());
        return Err(RunError::NotWhole { code: baseline.exit_code(), counts: baseline.counts, first });
    }
    let mutants = all_mutants(options, &world);
    let mut mutation = Mutation {
        started: baseline.run.started.clone(),
        cluster: baseline.cluster.clone(),
        tenancy: baseline.tenancy.clone(),
        remarks,
        ..Mutation::new()
    };
    let total = mutants.len();
    let mut whole = true;
    for (index, mutant) in mutants.into_iter().enumerate() {
        if interrupt.peek().is_some() {
            whole = false;
            break;
        }
        tell(Progress::Mutant(index + 1, total, &mutant));
        let checks = checks_of(&mutant, &baseline);
        match Box::pin(one(options, client, &namespaces, mutant, checks, interrupt.clone())).await {
            Ok(result) => {
                mutation.mutants.push(result.clone());
                tell(Progress::Ended(&result, &mutation));
            }
            Err(error) => {
                mutation.remarks.push(error.to_string());
                whole = false;
                break;
            }
        }
    }
    let noticed: BTreeSet<&CheckId> = mutation.mutants.iter().flat_map(|one| &one.by).collect();
    let checks = options.suites.iter().flat_map(|(suite, _)| &suite.checks);
    mutation.never_noticed = checks.map(|check| check.id.clone()).filter(|id| !noticed.contains(id)).collect();
    mutation.finished = whole.then(now);
    Ok(mutation)
}

/// Whether a mutant matters is computed with the built-in suite: a user's own that leaves something out shall
/// be shown up, not excused by what it leaves out.
fn all_mutants(options: &RunOptions, world: &World) -> Vec<Mutant> {
    let reader = families::suites();
    let of = |family: &'static FamilyEntry| {
        let suite = reader.read(family.suite.0, family.suite.1.as_bytes()).ok()?;
        let input = plan_input(options, world, family)?;
        let mut mutants = (family.mutants)(&PlanInput { suite: &suite, ..input });
        mutants.retain(|mutant| mutant.tenants.is_empty() || mutant.tenants.iter().any(|one| input.asks_for(one, one)));
        Some(mutants)
    };
    options.families().filter_map(of).flatten().collect()
}

/// Takes one fence down, runs, and puts it back.
async fn one(
    options: &RunOptions,
    client: &kube::Client,
    namespaces: &[Namespace],
    mutant: Mutant,
    checks: Option<BTreeSet<CheckId>>,
    interrupt: impl Future<Output = ()> + Clone,
) -> Result<MutantResult, RunError> {
    let begun = Instant::now();
    let mut result = MutantResult {
        mutant,
        outcome: Outcome::Harmless,
        because: String::new(),
        by: BTreeSet::new(),
        pairs: BTreeSet::new(),
        seconds: 0.0,
    };
    if let Some(why) = &result.mutant.harmless {
        result.because.clone_from(why);
        return Ok(result);
    }
    let change = fences::Change { whole: result.mutant.whole.clone(), broken: result.mutant.broken.clone() };
    let broken = fences::make(client, &change).await;
    let ran = match broken {
        Ok(()) => found(options, &result.mutant, checks, interrupt).await,
        Err(error) => Err(error.into()),
    };
    // Whatever came of the run, the fence goes back first.
    fences::restore(client, namespaces).await?;
    note(&mut result, &ran?);
    result.seconds = (begun.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    Ok(result)
}

/// Runs the checks that the mutant concerns, and where none of them finds it the whole family: what was thought to
/// concern it shall not be what lets it survive.
async fn found(
    options: &RunOptions,
    mutant: &Mutant,
    checks: Option<BTreeSet<CheckId>>,
    interrupt: impl Future<Output = ()> + Clone,
) -> Result<RunRecord, RunError> {
    if checks.is_some() {
        let narrow = run(&concerned(options, mutant, checks.as_ref()), |_, _| {}, interrupt.clone()).await?;
        if outcome(&narrow) == Outcome::Found {
            return Ok(narrow);
        }
    }
    run(&concerned(options, mutant, None), |_, _| {}, interrupt).await
}

/// The checks that a mutant concerns, by what a run with every fence standing showed; `None` for all of its family.
fn checks_of(mutant: &Mutant, standing: &RunRecord) -> Option<BTreeSet<CheckId>> {
    let family = families::family(mutant.family.as_str())?;
    let of_family = standing.results.iter().filter(|result| result.case.family == mutant.family);
    let cases: Vec<Case> = of_family.map(|result| result.case.clone()).collect();
    (family.concerned)(mutant, &cases, standing.observations.get(&mutant.family)?)
}

/// The same run, for the mutant's family and tenants alone, and for these checks.
fn concerned(options: &RunOptions, mutant: &Mutant, checks: Option<&BTreeSet<CheckId>>) -> RunOptions {
    let mut options = options.clone();
    options.restores = false;
    options.suites.retain(|(suite, _)| suite.family == mutant.family);
    for (suite, _) in &mut options.suites {
        suite.checks.retain(|check| checks.is_none_or(|checks| checks.contains(&check.id)));
    }
    let tenants = if mutant.tenants.is_empty() { options.selection.tenants.clone() } else { mutant.tenants.clone() };
    options.selection = Selection { families: vec![mutant.family.to_string()], tenants, ..options.selection };
    options
}

fn outcome(record: &RunRecord) -> Outcome {
    match record.exit_code() {
        1 => Outcome::Found,
        0 => Outcome::Survived,
        _ => Outcome::Unsure,
    }
}

fn note(result: &mut MutantResult, record: &RunRecord) {
    for one in record.results.iter().filter(|one| one.judgement.verdict == Verdict::Fail) {
        result.by.insert(one.case.check.clone());
        result.pairs.insert((one.case.from.clone(), one.case.to.clone()));
    }
    result.outcome = outcome(record);
    let finding = record.findings.first().map(|finding| finding.sentence.clone());
    let warning = record.warnings.first().map(|warning| warning.message.clone());
    result.because = match result.outcome {
        Outcome::Survived => format!("all {} cases passed", record.counts.pass),
        _ => finding.or(warning).unwrap_or_else(|| "nothing was judged".to_owned()),
    };
}
