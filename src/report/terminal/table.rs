//! The matrix of a family and its bar, drawn with characters.

use super::layout::{cut, padded, width, wrapped};
use crate::model::{Family, Verdict};
use crate::report::matrix::{Cell, Matrix};
use crate::report::style::Style;
use crate::report::tally::Tally;
use crate::report::wording;
use crate::run::RunRecord;

/// The widest a row's name may be.
const NAME: usize = 24;
/// The narrowest a column may be: `✗ 1000/1000` and the mark of a flow.
const COLUMN: usize = 12;
/// Pairs shown where even the folded matrix does not fit.
const PAIRS: usize = 4;

/// The matrix of a family with its legend, line by line; empty where the family has no case.
pub(super) fn matrix(record: &RunRecord, family: &Family, style: &Style) -> Vec<String> {
    let Some(whole) = Matrix::of(record, family) else { return Vec::new() };
    let fits = |matrix: &Matrix| name_width(matrix, style) + matrix.size() * (COLUMN + 1) <= style.columns;
    let mut lines = Vec::new();
    if fits(&whole) {
        lines.extend(grid(&whole, family, style));
    } else {
        let folded = whole.by_tier(&record.tenancy.parties);
        lines.push(format!(
            "{}: {} do not fit; {}",
            style.shown(family.as_str()),
            wording::count(whole.size(), "party", "parties"),
            if fits(&folded) { "each row and column is a tier." } else { "only what is not proved is shown." }
        ));
        if fits(&folded) {
            lines.extend(grid(&folded, family, style));
        }
        lines.extend(pairs(&whole, style));
    }
    lines.extend(wrapped(&legend(&whole, style), style.columns).iter().map(|line| style.quiet(line)));
    lines
}

fn name_width(matrix: &Matrix, style: &Style) -> usize {
    matrix.names.iter().map(|name| width(&style.shown(name))).max().unwrap_or(0).clamp(7, NAME)
}

fn grid(matrix: &Matrix, family: &Family, style: &Style) -> Vec<String> {
    let first = name_width(matrix, style);
    let room = (style.columns - first) / matrix.size() - 1;
    let widest = matrix.names.iter().map(|name| width(&style.shown(name))).max().unwrap_or(0);
    let column = room.min(widest.max(COLUMN));
    // Names that would be cut are numbered, so that no two columns look the same.
    let numbered = widest > column || widest > first;
    let label = |at: usize| {
        let name = style.shown(&matrix.names[at]).into_owned();
        if numbered { format!("{} {name}", at + 1) } else { name }
    };
    let mut head = padded(&cut(&style.shown(family.as_str()), first, style.ellipsis()), first);
    for at in 0..matrix.size() {
        head.push(' ');
        head.push_str(&padded(&cut(&label(at), column, style.ellipsis()), column));
    }
    let mut lines = vec![style.quiet(head.trim_end())];
    for row in 0..matrix.size() {
        let mut line = padded(&cut(&label(row), first, style.ellipsis()), first);
        for cell in matrix.row(row) {
            line.push(' ');
            line.push_str(&drawn(cell, column, style));
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// A cell such as `✗ 2/24→`: its worst verdict, how many cases came to it, of how many.
fn drawn(cell: &Cell, columns: usize, style: &Style) -> String {
    let Some(worst) = cell.tally.worst() else { return style.quiet(style.nothing()) + &" ".repeat(columns - 1) };
    let (shown, total) = (cell.tally.shown(worst), cell.tally.tried());
    let of = if shown == total { String::new() } else { format!("/{total}") };
    let mark = if cell.allowed { style.arrow() } else { "" };
    let text = format!("{} {shown}{of}{mark}", style.glyph(worst));
    let filled = " ".repeat(columns.saturating_sub(width(&text)));
    if worst == Verdict::Fail { style.loud(worst, &text) + &filled } else { style.verdict(worst, &text) + &filled }
}

fn pairs(matrix: &Matrix, style: &Style) -> Vec<String> {
    let mut open: Vec<_> = (0..matrix.size())
        .flat_map(|row| matrix.row(row).iter().enumerate().map(move |(column, cell)| (row, column, cell)))
        .filter_map(|(row, column, cell)| Some((cell.tally.worst()?, row, column, cell)))
        .filter(|(worst, ..)| *worst != Verdict::Pass)
        .collect();
    open.sort_by_key(|(worst, row, column, cell)| (*worst, std::cmp::Reverse(cell.tally.shown(*worst)), *row, *column));
    let name = |at: usize| cut(&style.shown(&matrix.names[at]), NAME, style.ellipsis());
    let mut lines: Vec<_> = open
        .iter()
        .take(PAIRS)
        .map(|(_, row, column, cell)| {
            let pair = format!("{} to {}", name(*row), name(*column));
            format!("  {} {}", padded(&pair, 2 * NAME + 4), drawn(cell, COLUMN, style).trim_end())
        })
        .collect();
    if open.len() > PAIRS {
        lines.push(format!("  and {} more pairs with something other than a pass: run.json", open.len() - PAIRS));
    }
    lines
}

/// What the marks mean: only those that are used.
fn legend(matrix: &Matrix, style: &Style) -> String {
    let cells = || (0..matrix.size()).flat_map(|row| matrix.row(row));
    let mut parts: Vec<String> = Verdict::ALL
        .into_iter()
        .filter(|verdict| cells().any(|cell| cell.tally.worst() == Some(*verdict)))
        .map(|verdict| format!("{} {}", style.glyph(verdict), verdict.word()))
        .collect();
    if cells().any(|cell| cell.allowed) {
        parts.push(format!("{} a flow is allowed", style.arrow()));
    }
    if cells().any(|cell| cell.tally.worst().is_none()) {
        parts.push(format!("{} no case", style.nothing()));
    }
    format!("{}. Rows connect to columns; a cell counts its worst cases.", parts.join(", "))
}

/// The bar of a family: a share of ticks for each verdict, at least one for each that occurs.
pub(super) fn bar(family: &Family, tally: &Tally, style: &Style) -> String {
    const TICKS: usize = 24;
    let total = tally.total().max(1);
    let order = [Verdict::Pass, Verdict::Waived, Verdict::Skipped, Verdict::Inconclusive, Verdict::Fail];
    let mut ticks: Vec<_> = order
        .into_iter()
        .map(|verdict| (verdict, tally.shown(verdict)))
        .filter(|(_, cases)| *cases > 0)
        .map(|(verdict, cases)| (verdict, (cases * TICKS / total).max(1)))
        .collect();
    let drawn: usize = ticks.iter().map(|(_, ticks)| ticks).sum();
    if let Some(most) = ticks.iter_mut().max_by_key(|(_, ticks)| *ticks) {
        most.1 = (most.1 + TICKS).saturating_sub(drawn);
    }
    let bar: String =
        ticks.iter().map(|(verdict, ticks)| style.verdict(*verdict, &style.tick(*verdict).repeat(*ticks))).collect();
    let name = padded(&cut(&style.shown(family.as_str()), 13, style.ellipsis()), 13);
    format!("{name} {bar}  {}", wording::counts(tally))
}
