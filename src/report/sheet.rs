//! What there is to say of one case, line by line: JUnit and `explain` show the same.

use crate::families::{Column, Judgement, Stance};
use crate::run::CaseResult;

/// The three columns, the control case, the cause and the remedy, each with its label.
pub(crate) fn lines(result: &CaseResult) -> Vec<(&'static str, String)> {
    let Judgement { declared, computed, observed, control, cause, .. } = &result.judgement;
    let mut lines = vec![
        ("declared", column(declared)),
        ("computed", column(computed)),
        ("observed", column(observed)),
        ("control", control.map_or("none: this verdict rests on no control case", |it| it.describe()).to_owned()),
    ];
    if let Some(cause) = cause {
        lines.push(("cause", format!("{} ({})", cause.sentence, cause.kind)));
        if !cause.remedy.is_empty() {
            lines.push(("remedy", cause.remedy.clone()));
        }
    }
    lines
}

fn column(column: &Column) -> String {
    let stance = match column.stance {
        Stance::Allowed => "allowed",
        Stance::Denied => "denied",
        Stance::Unknown => "unknown",
    };
    if column.because.is_empty() { stance.to_owned() } else { format!("{stance}: {}", column.because) }
}
