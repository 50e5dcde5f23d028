//! One call: its requests, until one of them settles it.

use std::sync::Arc;

use tokio::time::Instant;

use super::Round;
use super::http::Failure;
use super::markers::{Thing, Written};
use super::reading::Reading;
use super::secret::{self, Keys};
use super::source::{first_pause, now_ms, wait};
use super::wanted::{Signer, Wanted};
use crate::probe::wire::cloud::{Call, CallAnswer, Class, Deed, Manner, Part, Remains, Upload};

/// What a call is made with.
pub(super) struct Caller<'a> {
    round: &'a Round,
    keys: Option<Arc<Keys>>,
    manner: Manner,
    region: String,
    requests: u8,
}

impl Round {
    /// Makes a call.
    pub(super) async fn make(&self, call: &Call) -> CallAnswer {
        let (at_ms, began) = (now_ms(), Instant::now());
        let mut part = None;
        let (reading, caller) = match self.caller(call) {
            Err(class) => (Reading::none(class), None),
            Ok(mut caller) => (caller.carry_out(call, &mut part).await, Some(caller)),
        };
        CallAnswer {
            id: call.id,
            class: reading.class,
            status: reading.status,
            code: reading.code,
            said: reading.said,
            request_id: reading.request_id,
            requests: caller.as_ref().map_or(0, |caller| caller.requests),
            region: caller.map(|caller| caller.region),
            skew_s: reading.skew_s,
            part,
            actor: reading.actor,
            at_ms,
            micros: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
        }
    }

    fn caller(&self, call: &Call) -> Result<Caller<'_>, Class> {
        let keys = match call.source {
            None => None,
            Some(source) => Some(self.keys_of(source).ok_or(Class::NoCredentials)?),
        };
        let named = |region: Option<&str>| region.and_then(secret::region);
        let region = named(call.region.as_deref()).or_else(|| self.around.region());
        let region = region.or_else(|| named(self.order.region.as_deref()));
        let region = region.ok_or_else(|| Class::NotMade("nothing names a region".to_owned()))?;
        Ok(Caller { round: self, keys, manner: call.manner, region, requests: 0 })
    }

    /// Deletes what is noted as written, with the credentials that wrote it or any others that may.
    pub(super) async fn delete(&self, written: &Written) -> Option<Remains> {
        let mut candidates = vec![written.source];
        candidates.extend(self.sources().map(Some).filter(|source| *source != written.source));
        let mut first: Option<Class> = None;
        let mut version = None;
        for source in candidates {
            let keys = source.and_then(|source| self.keys_of(source));
            if source.is_some() && keys.is_none() {
                continue;
            }
            let region = written.region.clone();
            let mut caller = Caller { round: self, keys, manner: Manner::Plain, region, requests: 0 };
            let reading = caller.delete(written).await;
            if matches!(reading.class, Class::Allowed | Class::NotFound) {
                self.ledger.strike(written);
                // Without its version an object that a bucket keeps versions of is only hidden.
                version = reading.version.filter(|_| written.thing == Thing::Object);
                version.as_ref()?;
            }
            first.get_or_insert(reading.class);
            if version.is_some() {
                break;
            }
        }
        let mut upload = None;
        match &written.thing {
            Thing::Object => {}
            Thing::Upload(id) => upload = Some(id.clone()),
            Thing::Version(id) => version = Some(id.clone()),
        }
        Some(Remains {
            source: written.source,
            bucket: written.bucket.clone(),
            key: written.key.clone(),
            upload,
            version,
            class: first.unwrap_or(Class::NoCredentials),
        })
    }
}

impl Caller<'_> {
    async fn carry_out(&mut self, call: &Call, part: &mut Option<Part>) -> Reading {
        let ledger = &self.round.ledger;
        let wanted = Wanted::of(&call.deed);
        let object = Written::by(&call.deed, call.source, &self.region);
        match (&call.deed, object) {
            (Deed::Put { .. }, Some(object)) => {
                let is_new = ledger.note(object.clone());
                let reading = self.ask(&wanted).await;
                ledger.written(self.there(object), is_new, &reading);
                reading
            }
            (Deed::Delete { .. }, Some(object)) => {
                let reading = self.ask(&wanted).await;
                ledger.deleted(self.there(object), &reading);
                reading
            }
            (Deed::Multipart { end, .. }, Some(object)) => self.upload(&wanted, object, *end, part).await,
            _ => self.ask(&wanted).await,
        }
    }

    /// What was noted, in the region in which it was found to be.
    fn there(&self, object: Written) -> Written {
        if object.region == self.region {
            return object;
        }
        let there = Written { region: self.region.clone(), ..object.clone() };
        if self.round.ledger.all().contains(&object) {
            self.round.ledger.strike(&object);
            self.round.ledger.note(there.clone());
        }
        there
    }

    async fn upload(&mut self, create: &Wanted, object: Written, end: Upload, part: &mut Option<Part>) -> Reading {
        let ledger = &self.round.ledger;
        *part = Some(Part::Create);
        let reading = self.ask(create).await;
        let Some(id) = reading.upload.clone().filter(|_| reading.class.is_allowed()) else {
            // An upload whose id can't be read can't be aborted either, so it is no success.
            let class = if reading.class.is_allowed() { Class::Foreign } else { reading.class.clone() };
            return Reading { class, ..reading };
        };
        let object = Written { region: self.region.clone(), ..object };
        let begun = Written { thing: Thing::Upload(id.clone()), ..object.clone() };
        ledger.note(begun.clone());
        *part = Some(Part::Upload);
        let reading = self.ask(&Wanted::upload_part(&object.bucket, &object.key, &id)).await;
        let Some(tag) = reading.tag.clone().filter(|_| reading.class.is_allowed()) else { return reading };
        if end == Upload::Abort {
            *part = Some(Part::Abort);
            let reading = self.ask(&Wanted::abort(&object.bucket, &object.key, &id)).await;
            if reading.class.is_allowed() {
                ledger.strike(&begun);
            }
            return reading;
        }
        *part = Some(Part::Complete);
        let is_new = ledger.note(object.clone());
        let reading = self.ask(&Wanted::complete(&object.bucket, &object.key, &id, &tag)).await;
        ledger.written(object, is_new, &reading);
        if reading.class.is_allowed() {
            ledger.strike(&begun);
        }
        reading
    }

    async fn delete(&mut self, written: &Written) -> Reading {
        let Written { bucket, key, thing, .. } = written;
        let wanted = match thing {
            Thing::Object => Wanted::delete(bucket, key, None),
            Thing::Version(version) => Wanted::delete(bucket, key, Some(version)),
            Thing::Upload(id) => Wanted::abort(bucket, key, id),
        };
        let reading = self.ask(&wanted).await;
        // Whoever may not delete a version may hide it at least; that it is still there is told.
        if matches!(thing, Thing::Version(_)) && reading.class.is_denial() {
            self.ask(&Wanted::delete(bucket, key, None)).await;
        }
        reading
    }

    /// Makes a request: once more for the region that S3 names, and again while the service is busy.
    async fn ask(&mut self, wanted: &Wanted) -> Reading {
        let keys = self.keys.clone();
        let keys = keys.as_deref();
        let hidden = keys.map(Keys::hidden).unwrap_or_default();
        let mut pause = first_pause();
        let (mut busy, mut moved) = (1, false);
        loop {
            let signer = Signer { keys, manner: self.manner, agent: &self.round.agent, around: self.round.around };
            let (url, request) = match wanted.signed(&self.region, &signer) {
                Ok(ready) => ready,
                Err(why) => return Reading::none(Class::NotMade(why)),
            };
            self.requests = self.requests.saturating_add(1);
            let reading = match self.round.client.ask(wanted.ask(&url, request)).await {
                Ok(reply) => Reading::of(&reply, wanted, &hidden),
                Err(Failure { fault, status, why }) => {
                    let said = why.and_then(|why| secret::said(&why, &hidden));
                    Reading { status, said, ..Reading::none(Class::Network(fault)) }
                }
            };
            match (&reading.class, &reading.elsewhere) {
                (Class::OtherRegion, Some(region)) if *region != self.region && !moved => {
                    moved = true;
                    self.region.clone_from(region);
                }
                (Class::Busy, _) if busy < self.round.order.attempts => {
                    busy += 1;
                    wait(&mut pause).await;
                }
                _ => return reading,
            }
        }
    }
}
