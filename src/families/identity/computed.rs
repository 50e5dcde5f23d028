//! What AWS' own policies say of a call, as far as they were read. Pure.

use super::ask::Ask;
use super::seen::{Phase, Seen, call_key};
use crate::families::ruling::column;
use crate::families::{Column, Stance};

/// What the policies say of what a case tries.
pub(super) fn computed(seen: &Seen, ask: &Ask) -> Column {
    let key = ask.operation.map(|operation| call_key(&ask.probe, Phase::During, operation, &ask.target));
    let told = key.and_then(|key| seen.computed.get(&key));
    told.cloned().unwrap_or_else(|| column(Stance::Unknown, "AWS was not read"))
}
