//! Counts of verdicts, planned cases that were not judged among them.

use std::collections::{BTreeMap, HashSet};

use crate::model::{CaseId, Counts, Family, Verdict};
use crate::plan::Case;
use crate::run::RunRecord;

/// What some cases came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// The judged ones.
    pub(crate) counts: Counts,
    /// Planned ones that were not judged.
    pub(crate) unjudged: usize,
}

impl Tally {
    /// All cases together.
    pub(crate) const fn total(&self) -> usize {
        self.counts.total() + self.unjudged
    }

    /// Takes in the cases of another tally.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.unjudged += other.unjudged;
        self.counts.pass += other.counts.pass;
        self.counts.fail += other.counts.fail;
        self.counts.inconclusive += other.counts.inconclusive;
        self.counts.skipped += other.counts.skipped;
        self.counts.waived += other.counts.waived;
    }

    /// How many cases are to be shown under this verdict: an unjudged one is not proved.
    pub(crate) const fn shown(&self, verdict: Verdict) -> usize {
        match verdict {
            Verdict::Inconclusive => self.counts.inconclusive + self.unjudged,
            other => self.counts.of(other),
        }
    }

    /// The worst verdict with at least one case; `None` without any case.
    pub(crate) fn worst(&self) -> Option<Verdict> {
        Verdict::ALL.into_iter().find(|verdict| self.shown(*verdict) > 0)
    }
}

/// The planned cases that were not judged, also of a record that is still being made.
pub(crate) fn unjudged(record: &RunRecord) -> Vec<&Case> {
    if record.unjudged.is_empty() || record.results.is_empty() {
        return record.unjudged.iter().collect();
    }
    let judged: HashSet<&CaseId> = record.results.iter().map(|result| &result.case.id).collect();
    record.unjudged.iter().filter(|case| !judged.contains(&case.id)).collect()
}

/// The tally of each family.
pub(crate) fn by_family(record: &RunRecord) -> BTreeMap<&Family, Tally> {
    let mut families: BTreeMap<&Family, Tally> = BTreeMap::new();
    for result in &record.results {
        families.entry(&result.case.family).or_default().counts.add(result.judgement.verdict);
    }
    for case in unjudged(record) {
        families.entry(&case.family).or_default().unjudged += 1;
    }
    families
}

/// The tally of the whole run.
pub(crate) fn of_run(record: &RunRecord) -> Tally {
    let mut all = Tally::default();
    for tally in by_family(record).values() {
        all.absorb(tally);
    }
    all
}
