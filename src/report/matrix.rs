//! Who may and can reach whom: parties by parties.

use std::collections::HashMap;

use super::tally::{Tally, unjudged};
use crate::model::{Family, TenantId};
use crate::plan::Case;
use crate::run::{PartyInfo, RunRecord};
use crate::suite::Access;

/// One cell: what one party's cases against another came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    /// What its cases came to.
    pub(crate) tally: Tally,
    /// Whether some flow is declared as allowed.
    pub(crate) allowed: bool,
}

/// The cases of one family by who acts and who is acted upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Matrix {
    /// The names of the rows, which are those of the columns.
    pub(crate) names: Vec<String>,
    /// Row by row.
    cells: Vec<Cell>,
}

impl Matrix {
    /// The matrix of this family; `None` where it has no case.
    pub(crate) fn of(record: &RunRecord, family: &Family) -> Option<Self> {
        let unjudged = unjudged(record);
        let judged = record.results.iter().map(|result| (&result.case, Some(result.judgement.verdict)));
        let cases: Vec<_> = judged
            .chain(unjudged.into_iter().map(|case| (case, None)))
            .filter(|(case, _)| &case.family == family)
            .collect();
        if cases.is_empty() {
            return None;
        }
        let mut places: HashMap<&TenantId, usize> = HashMap::new();
        let mut names = Vec::new();
        let parties = record.tenancy.parties.iter().map(|party| &party.id);
        // A party that only a case knows gets a row as well: nothing is left out in silence.
        let strangers = cases.iter().flat_map(|(case, _)| [&case.from, &case.to]);
        for id in parties.chain(strangers) {
            places.entry(id).or_insert_with(|| {
                names.push(id.as_str().to_owned());
                names.len() - 1
            });
        }
        let mut matrix = Self { cells: vec![Cell::default(); names.len() * names.len()], names };
        for (case, verdict) in cases {
            let Case { from, to, expect, .. } = case;
            let (Some(row), Some(column)) = (places.get(from), places.get(to)) else { continue };
            let at = row * matrix.names.len() + column;
            let cell = &mut matrix.cells[at];
            match verdict {
                Some(verdict) => cell.tally.counts.add(verdict),
                None => cell.tally.unjudged += 1,
            }
            cell.allowed |= *expect == Access::Allowed;
        }
        Some(matrix)
    }

    /// How many rows, and as many columns.
    pub(crate) const fn size(&self) -> usize {
        self.names.len()
    }

    /// One row, column by column.
    pub(crate) fn row(&self, row: usize) -> &[Cell] {
        &self.cells[row * self.size()..(row + 1) * self.size()]
    }

    /// The same cases with all parties of one tier as one, and all shared parts as one.
    pub(crate) fn by_tier(&self, parties: &[PartyInfo]) -> Self {
        let mut members: Vec<(String, usize)> = Vec::new();
        let group_of: Vec<usize> = (0..self.size())
            .map(|at| {
                let group = match parties.get(at) {
                    Some(PartyInfo { shared: true, .. }) => "shared parts".to_owned(),
                    Some(PartyInfo { tier: Some(tier), .. }) => format!("tier {tier}"),
                    Some(_) => "without tier".to_owned(),
                    None => "not in the tenancy".to_owned(),
                };
                let place = members.iter().position(|(name, _)| *name == group).unwrap_or_else(|| {
                    members.push((group, 0));
                    members.len() - 1
                });
                members[place].1 += 1;
                place
            })
            .collect();
        let size = members.len();
        let mut folded = Self {
            names: members.into_iter().map(|(name, count)| format!("{name} ({count})")).collect(),
            cells: vec![Cell::default(); size * size],
        };
        for (at, cell) in self.cells.iter().enumerate() {
            let (row, column) = (group_of[at / self.size()], group_of[at % self.size()]);
            let target = &mut folded.cells[row * size + column];
            target.tally.absorb(&cell.tally);
            target.allowed |= cell.allowed;
        }
        folded
    }
}
