//! Following the record until everything is found in it, or its time is over.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::StreamExt as _;

use super::AT_ONCE;
use super::doer::{Doer, Done, keyed};
use crate::cluster::api_servers;
use crate::cluster::audit::{AuditLog, AuditSource, Marked};
use crate::families::audit::deed::{Deed, mark_of};
use crate::families::audit::plan::AuditPlan;
use crate::families::audit::seen::{LogSeen, Seen};
use crate::families::audit::way::Way;
use crate::families::{Record, Stage as Doing, Witness};
use crate::semantics::audit::{Event, Stage};

/// Between two looks at the log; a source may look less often.
const PAUSE: Duration = Duration::from_millis(200);
/// What comes so long after its time is late; what comes later still is not on record.
const LATE: Duration = Duration::from_secs(2);
/// How long a last look that began in time may take.
const LAST_LOOK: Duration = Duration::from_secs(120);
/// The most events that are kept of one request: its stages.
const MOST_EVENTS: usize = 4;
/// Reads that are made at once at the end, where there are several API servers whose records come by one way: each goes by a
/// connection of its own, and so to any of them.
const SWEEP: usize = 8;

impl AuditPlan {
    /// Does everything, then looks for it until all is found or its time is over.
    pub(super) async fn record(&self, doer: &Doer<'_>, record: &Record, seen: &mut Seen, witness: &mut dyn Witness) {
        let mut log = LogSeen {
            sources: record.logs.iter().map(AuditSource::describe).collect(),
            ways: record.logs.iter().map(way_of).collect(),
            servers: api_servers(doer.client).await,
            ..LogSeen::default()
        };
        // From here on: what was written before is nobody's of this run.
        let mut opened = match AuditLog::open(&record.logs, &mark_of(doer.run)).await {
            Ok(opened) => opened,
            Err(error) => {
                log.trouble = Some(error.to_string());
                seen.log = Some(log);
                return;
            }
        };
        let mut search = Search { done: self.visit_all(doer, witness).await, ..Search::default() };
        search.controls = self.control(doer, &log).await;
        let patience = log.patience_ms(self.within_ms);
        let end = Instant::now() + record.wait.unwrap_or(Duration::from_millis(patience) + LATE);
        let mut told = usize::MAX;
        loop {
            for marked in opened.look().await {
                search.take(&marked);
            }
            let looked = opened.looked();
            search.sought(looked);
            let found = search.done.iter().filter(|one| one.is_told()).count();
            let all = found == search.done.len() && search.controls.iter().any(Done::is_told);
            let over = looked.is_some_and(|looked| looked >= end) || Instant::now() >= end + LAST_LOOK;
            if all || over || opened.reading().trouble.is_some() {
                break;
            }
            if found != told {
                told = found;
                let detail = format!("{found} of {} requests found on record", search.done.len());
                witness.progress(Doing::Observe, self.sites.len(), Some(detail));
            }
            tokio::time::sleep(PAUSE).await;
        }
        let reading = opened.reading().clone();
        (log.lines, log.too_long, log.rotations) = (reading.lines, reading.too_long, reading.rotations);
        (log.torn, log.refused) = (search.torn, reading.refused);
        log.trouble = reading.trouble.or(reading.missed);
        log.heard = log.heard(&search.lanes);
        seen.log = Some(log);
        seen.deeds = keyed(search.done);
        seen.controls = keyed(search.controls);
    }

    async fn visit_all(&self, doer: &Doer<'_>, witness: &mut dyn Witness) -> Vec<Done> {
        let mut done: Vec<Done> = Vec::new();
        let mut sites = futures::stream::iter(&self.sites).map(|site| doer.visit(site)).buffer_unordered(AT_ONCE);
        let mut visited = 0;
        while let Some(of_site) = sites.next().await {
            done.extend(of_site);
            visited += 1;
            witness.progress(Doing::Observe, visited, None);
        }
        done
    }

    /// What is done after all of it, and must be found if anything is.
    async fn control(&self, doer: &Doer<'_>, log: &LogSeen) -> Vec<Done> {
        let mut controls: Vec<Done> = Vec::new();
        let Some(namespace) = self.sites.first().map(|site| &site.namespace) else { return controls };
        for deed in Deed::CONTROLS {
            controls.push(doer.perform(deed, namespace, namespace, None).await);
        }
        if log.servers != Some(1) && log.ways.iter().any(|way| *way != Way::File) {
            let reads = (0..SWEEP).map(|_| doer.perform(Deed::ControlRead, namespace, namespace, None));
            controls.extend(futures::future::join_all(reads).await);
        }
        controls
    }
}

fn way_of(source: &AuditSource) -> Way {
    match source {
        AuditSource::File(_) => Way::File,
        AuditSource::Webhook(_) => Way::Webhook,
        #[cfg(feature = "aws")]
        AuditSource::CloudWatch(_) => Way::CloudWatch,
    }
}

/// What is looked for, and what was found of it.
#[derive(Default)]
struct Search {
    done: Vec<Done>,
    controls: Vec<Done>,
    /// The lanes by which a control came.
    lanes: BTreeSet<String>,
    /// Marked lines that are no whole event.
    torn: u64,
}

impl Search {
    /// Gives a line to what it is a record of.
    fn take(&mut self, marked: &Marked) {
        let event = match Event::read(&marked.line) {
            Ok(event) => event,
            Err(why) => {
                tracing::debug!(%why, "a marked line is no event");
                self.torn += 1;
                return;
            }
        };
        // Admission looks for what a request names by requests of its own, which have the mark too.
        let plain = |path: &str| path.split('?').next().unwrap_or_default().to_owned();
        let same = |done: &&mut Done| {
            event.request_uri.contains(&done.seen.mark) && plain(&event.request_uri) == plain(&done.path)
        };
        if let Some(done) = self.done.iter_mut().find(same) {
            keep(done, event);
        } else if let Some(control) = self.controls.iter_mut().find(same) {
            self.lanes.extend(marked.lane.clone());
            keep(control, event);
        }
    }

    /// Everything that is not found yet was looked for at this moment.
    fn sought(&mut self, looked: Option<Instant>) {
        let Some(looked) = looked else { return };
        for done in self.done.iter_mut().chain(&mut self.controls).filter(|done| !done.is_told()) {
            if let Some(after) = looked.checked_duration_since(done.answered) {
                done.seen.sought_ms = Some(u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
            }
        }
    }
}

/// Keeps an event of something that was done. A batch that was posted twice, or a line that two files have, is one.
fn keep(done: &mut Done, event: Event) {
    if done.seen.events.iter().any(|kept| (&kept.audit_id, kept.stage) == (&event.audit_id, event.stage)) {
        return;
    }
    let after = u64::try_from(done.answered.elapsed().as_millis()).unwrap_or(u64::MAX);
    if event.stage == Stage::ResponseComplete {
        done.seen.found_after_ms.get_or_insert(after);
    }
    if done.seen.events.len() < MOST_EVENTS {
        done.seen.events.push(event);
    }
}
