//! A case and what AWS told in, a verdict out. Pure.

mod associations;
mod buckets;
mod policy;
mod reach;

use super::parameters::Outside;
use super::plan::OutsideAsk;
use super::seen::OutsideSeen;
use crate::families::ruling::{Ruling, column, inconclusive, skipped};
use crate::families::{CaseResult, Column, Stance};
use crate::plan::Case;
use crate::semantics::iam::estate::Ready;

/// What is told beside every verdict here.
const BY_TEXT: &str = "the text of AWS' API alone: what pods reach is tried by the other checks";

/// What AWS told, with its documents compiled: once for all cases.
pub(in crate::families::identity) struct Bench<'a> {
    told: Option<(&'a OutsideSeen, Ready<'a>)>,
}

/// What a case came to.
struct Found {
    ruling: Box<Ruling>,
    computed: Column,
    /// Where in the observations it is, as JSON Pointers.
    evidence: Vec<String>,
}

impl Found {
    fn new(stance: Stance, because: impl Into<String>, ruling: Ruling, evidence: Vec<String>) -> Self {
        Self { ruling: Box::new(ruling), computed: column(stance, because), evidence }
    }

    /// What can't be told, and why.
    fn open(kind: &str, why: String, remedy: &str, evidence: Vec<String>) -> Self {
        let because = column(Stance::Unknown, why.clone());
        Self { ruling: Box::new(inconclusive(kind, why, remedy)), computed: because, evidence }
    }
}

/// What one of several things shows. A breach outweighs what can't be told, and that what is well.
enum One {
    Broken(Found),
    Open(Found),
    Well { evidence: Vec<String> },
}

/// The worst of several; `well` makes the sentence where all are well.
fn worst(all: Vec<One>, well: impl FnOnce(usize) -> Found) -> Found {
    let (mut open, mut evidence, number) = (None, Vec::new(), all.len());
    for one in all {
        match one {
            One::Broken(found) => return found,
            One::Open(found) => {
                open.get_or_insert(found);
            }
            One::Well { evidence: at } => evidence.extend(at),
        }
    }
    open.unwrap_or_else(|| {
        let mut found = well(number);
        found.evidence.extend(evidence);
        found
    })
}

impl<'a> Bench<'a> {
    /// Compiles what AWS told; nothing where it was not asked.
    pub(in crate::families::identity) fn new(seen: Option<&'a OutsideSeen>) -> Self {
        Self { told: seen.map(|seen| (seen, seen.estate.ready())) }
    }

    /// Judges a case that is judged from outside; `None` for every other.
    pub(in crate::families::identity) fn judged(&self, case: &Case) -> Option<CaseResult> {
        let ask: OutsideAsk = serde_json::from_value(case.ask.clone()).ok()?;
        let found = match &self.told {
            None => not_asked(),
            Some((seen, ready)) => {
                let matter = Matter { seen, ready, case };
                match ask.outside {
                    Outside::SharedRole => matter.shared_role(),
                    Outside::TargetRole => matter.target_role(),
                    Outside::SessionTags => matter.session_tags(),
                    Outside::Trust => matter.trust(),
                    Outside::RoleReach => matter.reach(),
                    Outside::BucketPolicy => matter.bucket_policy(),
                    Outside::PublicAccessBlock => matter.public_access_block(),
                    Outside::Tags => matter.tags(ask.tag.as_deref().unwrap_or("tenant")),
                }
            }
        };
        let declared = column(Stance::Denied, "what a tenant has in AWS is its own");
        let judgement = found.ruling.beside(declared, found.computed, column(Stance::Unknown, BY_TEXT));
        Some(CaseResult { case: case.clone(), judgement, evidence: found.evidence })
    }
}

/// A case beside what AWS told.
struct Matter<'m> {
    seen: &'m OutsideSeen,
    ready: &'m Ready<'m>,
    case: &'m Case,
}

fn not_asked() -> Found {
    let ruling = skipped(
        "no-eks-cluster",
        "AWS was not asked (--eks-cluster), so what its API tells of roles and buckets was not judged",
        "on EKS, give the cluster's name with --eks-cluster, and AWS credentials that may read what `tenantproof permissions \
         --aws` prints",
    );
    Found::new(Stance::Unknown, "AWS was not asked", ruling, Vec::new())
}

/// Where an association is in the observations.
fn association_at(index: usize) -> String {
    format!("/outside/estate/associations/read/{index}")
}

/// Where a role or a bucket is in the observations.
fn at(kind: &str, name: &str) -> String {
    format!("/outside/estate/{kind}/{}", name.replace('~', "~0").replace('/', "~1"))
}
