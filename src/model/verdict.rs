//! Verdicts and how strong the control cases behind them were.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a case came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "runner", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The promise was seen to be broken.
    Fail,
    /// It was tried, and what was seen proves nothing.
    Inconclusive,
    /// It was not tried, for a reason that is given.
    Skipped,
    /// It is broken or not proved, and somebody has accepted that until a date.
    Waived,
    /// The promise was seen to hold, beside its control cases.
    Pass,
}

impl Verdict {
    /// All of them, worst first: the order of findings.
    pub const ALL: [Self; 5] = [Self::Fail, Self::Inconclusive, Self::Skipped, Self::Waived, Self::Pass];

    /// The verdict's name in reports that machines read.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Skipped => "skipped",
            Self::Waived => "waived",
        }
    }

    /// The word that people read.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "proved",
            Self::Fail => "broken",
            Self::Inconclusive => "not proved",
            Self::Skipped => "not tried",
            Self::Waived => "accepted",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How strong the control case beside a denial was. Ordered: a stronger one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "runner", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ControlStrength {
    /// Nobody may talk to that target: only its own connection to its own address worked.
    OwnAddress,
    /// A peer on the same node.
    SameNode,
    /// A peer on another node, so across the network.
    AcrossNodes,
}

impl ControlStrength {
    /// Said in a sentence: "controlled by …".
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::OwnAddress => "its own connection to its own address (nobody else may reach it)",
            Self::SameNode => "a peer on the same node",
            Self::AcrossNodes => "a peer across the network",
        }
    }
}

/// How many cases came to which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "runner", derive(schemars::JsonSchema))]
pub struct Counts {
    /// Cases with [`Verdict::Pass`].
    pub pass: usize,
    /// Cases with [`Verdict::Fail`].
    pub fail: usize,
    /// Cases with [`Verdict::Inconclusive`].
    pub inconclusive: usize,
    /// Cases with [`Verdict::Skipped`].
    pub skipped: usize,
    /// Cases with [`Verdict::Waived`].
    pub waived: usize,
}

impl Counts {
    /// Counts one more case.
    pub const fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Pass => self.pass += 1,
            Verdict::Fail => self.fail += 1,
            Verdict::Inconclusive => self.inconclusive += 1,
            Verdict::Skipped => self.skipped += 1,
            Verdict::Waived => self.waived += 1,
        }
    }

    /// The count of one verdict.
    #[must_use]
    pub const fn of(&self, verdict: Verdict) -> usize {
        match verdict {
            Verdict::Pass => self.pass,
            Verdict::Fail => self.fail,
            Verdict::Inconclusive => self.inconclusive,
            Verdict::Skipped => self.skipped,
            Verdict::Waived => self.waived,
        }
    }

    /// All cases together.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.pass + self.fail + self.inconclusive + self.skipped + self.waived
    }
}

impl FromIterator<Verdict> for Counts {
    fn from_iter<I: IntoIterator<Item = Verdict>>(verdicts: I) -> Self {
        let mut counts = Self::default();
        for verdict in verdicts {
            counts.add(verdict);
        }
        counts
    }
}
