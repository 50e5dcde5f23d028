//! Control cases: a denial counts only beside a connection of the same source, and one to the same
//! target, that did come about. How strong they were is part of the verdict.

use std::collections::HashMap;

use super::ask::Connection;
use super::outcome::{Came, came};
use super::parameters::Reach;
use super::seen::{Seen, TrySeen};
use crate::families::Stance;
use crate::model::{ControlStrength, Port, Protocol};
use crate::plan::ProbeName;

/// The best control case of one source or target.
#[derive(Clone, Copy, Debug, Default)]
struct Best {
    /// The strongest that came about.
    seen: Option<ControlStrength>,
    /// The strongest that ought to have, by what the policies say.
    due: Option<ControlStrength>,
}

impl Best {
    fn take(&mut self, seen: &TrySeen) {
        let strength = seen.connection.placement.strength();
        // A peer that could not be made is due to nobody.
        if seen.computed.stance == Stance::Allowed && seen.fault.is_none() {
            self.due = self.due.max(Some(strength));
        }
        if came(seen) == Came::Through {
            self.seen = self.seen.max(Some(strength));
        }
    }
}

/// All control cases of a run.
pub(super) struct Controls<'a> {
    sources: HashMap<(&'a ProbeName, Protocol), Best>,
    targets: HashMap<(&'a ProbeName, Protocol, Port, Reach), Best>,
}

impl<'a> Controls<'a> {
    /// Collects them from everything that was tried.
    pub(super) fn of(seen: &'a Seen) -> Self {
        let mut controls = Self { sources: HashMap::new(), targets: HashMap::new() };
        for one in seen.tries.values() {
            let Connection { from, to, reach, protocol, port, .. } = &one.connection;
            controls.sources.entry((from, *protocol)).or_default().take(one);
            controls.targets.entry((to, *protocol, *port, *reach)).or_default().take(one);
        }
        controls
    }

    /// How strong the weaker of a try's two control cases is.
    ///
    /// # Errors
    /// A sentence that says which control case is missing. One that the policies allow and that did
    /// not come about is missing too: a network that is down would make every denial pass.
    pub(super) fn strength(&self, seen: &TrySeen) -> Result<ControlStrength, String> {
        let Connection { from, to, reach, protocol, port, placement } = &seen.connection;
        // No stronger than the try itself; of one to its own address a peer on its node is asked for.
        let ceiling = placement.strength().max(ControlStrength::SameNode);
        let source = self.sources.get(&(from, *protocol)).copied().unwrap_or_default();
        let target = self.targets.get(&(to, *protocol, *port, *reach)).copied().unwrap_or_default();
        let way = match reach {
            Reach::PodIp => "",
            Reach::Service => " by its Service",
        };
        let source = judge(source, ceiling, || format!("{from} reached nothing over {protocol}"))?;
        let target = judge(target, ceiling, || format!("nobody reached {to} on {protocol} {port}{way}"))?;
        Ok(source.min(target))
    }
}

fn judge(best: Best, ceiling: ControlStrength, missing: impl Fn() -> String) -> Result<ControlStrength, String> {
    let Some(strength) = best.seen else {
        return Err(missing());
    };
    let due = best.due.unwrap_or(ControlStrength::OwnAddress).min(ceiling);
    if strength < due {
        return Err(format!("{}, except {}, though the policies allow {}", missing(), say(strength), say(due)));
    }
    Ok(strength)
}

const fn say(strength: ControlStrength) -> &'static str {
    match strength {
        ControlStrength::OwnAddress => "its own address",
        ControlStrength::SameNode => "a peer on the same node",
        ControlStrength::AcrossNodes => "a peer across the network",
    }
}
