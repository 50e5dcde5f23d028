//! What judging a case comes to, in the shape that every family shares.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{ControlStrength, Verdict};
use crate::plan::Case;
use crate::semantics::Answer;

/// The verdict of a case with all that it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub reason: String,
    /// What was declared, computed and observed.
    pub declared: Column,
    /// What the cluster's own objects say.
    pub computed: Column,
    /// What the packets or requests did.
    pub observed: Column,
    /// How strong the weaker of its control cases was; `None` where the verdict rests on none.
    pub control: Option<ControlStrength>,
    /// Where the verdict is not a pass: what is wrong, by name.
    pub cause: Option<Cause>,
}

/// One of the three columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Column {
    /// What it says.
    pub stance: Stance,
    /// By what: the flow, the policy and rule, or the outcomes of the attempts.
    pub because: String,
}

/// What a column says of a connection or a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stance {
    /// It passes.
    Allowed,
    /// It does not.
    Denied,
    /// It can't be told.
    Unknown,
}

impl From<Answer> for Stance {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Allowed => Self::Allowed,
            Answer::Denied => Self::Denied,
            Answer::Unknown => Self::Unknown,
        }
    }
}

/// What is wrong, so that cases with the same cause become one finding.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// One word for the kind of cause, such as `policy-missing` or `not-enforced`; stable.
    pub kind: String,
    /// One sentence that names the objects.
    pub sentence: String,
    /// What to do.
    pub remedy: String,
}

/// A case with its verdict and the observations behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseResult {
    /// The case.
    pub case: Case,
    /// Its judgement.
    pub judgement: Judgement,
    /// Keys into the family's observations that this verdict rests on.
    pub evidence: Vec<String>,
}

/// What the plan covers and what it doesn't.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Objects read and judged.
    pub judged: usize,
    /// Objects read that cannot matter to any case.
    pub irrelevant: usize,
    /// Objects that can matter and are not modelled, each by name.
    pub not_understood: Vec<String>,
    /// Pods of the tenancy's namespaces that a probe stands for.
    pub pods_represented: usize,
    /// What was not tried, and why, a sentence each.
    pub not_tried: Vec<String>,
}

impl Coverage {
    /// Takes in what another family covers.
    pub fn add(&mut self, other: Self) {
        self.judged += other.judged;
        self.irrelevant += other.irrelevant;
        self.pods_represented += other.pods_represented;
        for (mine, others) in [(&mut self.not_understood, other.not_understood), (&mut self.not_tried, other.not_tried)]
        {
            mine.extend(others);
        }
    }
}
