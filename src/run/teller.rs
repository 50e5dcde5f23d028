//! The runner's voice: it tells of events, and keeps the record.

use std::collections::BTreeMap;
use std::time::Instant;

use super::event::{Event, Phase};
use super::record::{RunRecord, Warning};
use crate::cluster::ClusterError;
use crate::families::{Stage, Witness};
use crate::model::Family;

/// Tells of events, and keeps the record.
pub(super) struct Teller<F> {
    emit: F,
    pub(super) record: RunRecord,
    begun: BTreeMap<Phase, Instant>,
    family: Option<Family>,
}

impl<F: FnMut(&Event, &RunRecord)> Teller<F> {
    pub(super) fn new(emit: F) -> Self {
        Self { emit, record: RunRecord::new(), begun: BTreeMap::new(), family: None }
    }

    /// From here on it is this family that starts and observes.
    pub(super) fn turn_to(&mut self, family: &str) {
        self.family = Some(Family::from(family));
    }

    fn family_of(&self, phase: Phase) -> Option<Family> {
        matches!(phase, Phase::Start | Phase::Observe).then(|| self.family.clone()).flatten()
    }

    pub(super) fn tell(&mut self, event: &Event) {
        self.record.apply(event);
        (self.emit)(event, &self.record);
    }

    pub(super) fn begin(&mut self, phase: Phase, total: Option<usize>) {
        self.begun.insert(phase, Instant::now());
        self.tell(&Event::PhaseStarted { phase, family: self.family_of(phase), total });
    }

    pub(super) fn end(&mut self, phase: Phase, detail: String) {
        let seconds = self.begun.remove(&phase).map_or(0.0, |begun| begun.elapsed().as_secs_f64());
        let (family, seconds) = (self.family_of(phase), (seconds * 1000.0).round() / 1000.0);
        self.tell(&Event::PhaseFinished { phase, family, seconds, detail });
    }

    pub(super) fn warn(&mut self, message: String, help: Option<&str>) {
        self.tell(&Event::Warned(Warning { message, help: help.map(ToOwned::to_owned) }));
    }

    pub(super) fn warn_of(&mut self, error: &ClusterError) {
        use miette::Diagnostic as _;
        let help = error.help().map(|help| help.to_string());
        self.warn(error.to_string(), help.as_deref());
    }
}

impl<F: FnMut(&Event, &RunRecord)> Witness for Teller<F> {
    fn began(&mut self, stage: Stage, total: usize) {
        self.begin(phase(stage), Some(total));
    }

    fn progress(&mut self, stage: Stage, done: usize, detail: Option<String>) {
        let phase = phase(stage);
        self.tell(&Event::PhaseProgress { phase, family: self.family_of(phase), done, detail });
    }

    fn ended(&mut self, stage: Stage, detail: String) {
        self.end(phase(stage), detail);
    }
}

const fn phase(stage: Stage) -> Phase {
    match stage {
        Stage::Start => Phase::Start,
        Stage::Observe => Phase::Observe,
    }
}
