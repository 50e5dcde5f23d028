//! What each probe is told to try. Pure.
//!
//! Everything that is written lies under a marker that has the run's id, behind the tenant's own prefix where it has one.
//! An order has one marker, so a probe gets one for each prefix and phase.

use std::collections::BTreeMap;

use serde_json::json;

use super::parameters::Operation;
use super::plan::{Holding, IdentityPlan, Member, What};
use super::seen::{Phase, Way, call_key, expired_key, identity_key};
use crate::model::RunId;
use crate::plan::OWN_TOKEN;
use crate::probe::wire::cloud::{
    Call, Cloud, ContainerSource, Deed, InstanceSource, Manner, Origin, Service, Source, TokenFrom, Upload, VERSION,
};

/// Milliseconds that one exchange may take.
pub(super) const TIMEOUT_MS: u32 = 5_000;
/// How often a call is made that is throttled.
pub(super) const ATTEMPTS: u8 = 4;
/// Series that are under way at a time.
pub(super) const AT_ONCE: u8 = 16;
/// Calls in one order: an order of 60 kB is quick to arrive, one of 200 kB may be lost.
const CALLS_AT_ONCE: usize = 180;
/// Seconds for which a presigned request is valid, and seconds ago at which one is signed whose time is over.
const PRESIGNED_S: u32 = 60;
const LONG_AGO_S: u32 = 900;
/// Where the agent of EKS Pod Identity answers.
const AGENT: &str = "http://169.254.170.23/v1/credentials";
/// A name that is not the agent's.
const OTHER_HOST: &str = "agent.tenantproof.invalid";
const INSTANCE_V6: &str = "http://[fd00:ec2::254]";

/// An order, and what its ids mean.
pub(super) struct Batch {
    pub(super) order: Cloud,
    pub(super) fetches: BTreeMap<u32, Way>,
    pub(super) calls: BTreeMap<u32, Named>,
}

/// A call as observations know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) key: String,
    pub(super) deed: String,
}

/// A call that is to be made.
struct Wanted {
    named: Named,
    from: Way,
    region: Option<String>,
    manner: Manner,
    deed: Deed,
}

/// Calls that are made one after the other, under one marker.
struct Series {
    marker: Option<String>,
    calls: Vec<Wanted>,
}

/// The orders of a member in a phase, in their order. Each fetches credentials anew.
pub(super) fn of_member(plan: &IdentityPlan, member: &Member, phase: Phase, run: &RunId) -> Vec<Batch> {
    let maker = Maker { member, phase, run };
    let own = plan.holdings.iter().filter(|holding| holding.tenant == member.tenant);
    let mut series = Vec::new();
    match phase {
        Phase::Before if member.seeds => series.extend(own.filter_map(|holding| maker.seed(holding))),
        Phase::After if member.seeds => series.extend(own.filter_map(|holding| maker.look_again(holding))),
        Phase::Before | Phase::After => {}
        Phase::During => {
            series.push(maker.who(Way::Chain));
            series.extend(plan.holdings.iter().map(|holding| maker.everything(holding)));
        }
    }
    let extra: &[Way] = match phase {
        Phase::During => &[Way::OwnToken, Way::OtherHost, Way::Instance, Way::InstanceV6],
        Phase::Before | Phase::After => &[],
    };
    batches(series, extra, phase)
}

/// The orders of one who gets no credentials: it asks as a workload would, and as nobody should have to.
pub(super) fn of_stranger(member: &Member, run: &RunId) -> Vec<Batch> {
    let maker = Maker { member, phase: Phase::During, run };
    let series = vec![maker.who(Way::Chain), maker.who(Way::OwnToken)];
    batches(series, &[Way::OwnToken], Phase::During).into_iter().map(Batch::by_address).collect()
}

impl Batch {
    /// Asks the agent by its address, since nothing in a stranger's pod names one.
    fn by_address(mut self) -> Self {
        for source in &mut self.order.sources {
            if let Origin::Container(container) = &mut source.origin {
                container.url = Some(AGENT.to_owned());
            }
        }
        self
    }
}

/// Splits series into orders: by their marker, and so that none is too long.
fn batches(series: Vec<Series>, extra: &[Way], phase: Phase) -> Vec<Batch> {
    let mut by_marker: BTreeMap<Option<String>, Vec<Vec<Wanted>>> = BTreeMap::new();
    let first = series.iter().find_map(|series| series.marker.clone());
    for Series { marker, calls } in series {
        // What writes nothing goes with what does.
        by_marker.entry(marker.or_else(|| first.clone())).or_default().push(calls);
    }
    let mut parts: Vec<(Option<String>, Vec<Vec<Wanted>>)> = Vec::new();
    for (marker, all) in by_marker {
        let mut part: Vec<Vec<Wanted>> = Vec::new();
        for calls in all {
            if !part.is_empty() && part.iter().map(Vec::len).sum::<usize>() + calls.len() > CALLS_AT_ONCE {
                parts.push((marker.clone(), std::mem::take(&mut part)));
            }
            part.push(calls);
        }
        parts.push((marker, part));
    }
    if parts.is_empty() {
        parts.push((None, Vec::new()));
    }
    let last = parts.len() - 1;
    let made = |(index, (marker, series)): (usize, (Option<String>, Vec<Vec<Wanted>>))| {
        let extra = if index == 0 { extra } else { &[] };
        // What was written stays until the last order of all.
        let keep = phase != Phase::After || index != last;
        batch(marker, keep, series, extra)
    };
    parts.into_iter().enumerate().map(made).collect()
}

fn batch(marker: Option<String>, keep: bool, series: Vec<Vec<Wanted>>, extra: &[Way]) -> Batch {
    let mut fetches = BTreeMap::new();
    let mut sources = Vec::new();
    for (id, from) in (1..).zip(std::iter::once(Way::Chain).chain(extra.iter().copied())) {
        fetches.insert(id, from);
        sources.push(Source { id, origin: origin(from) });
    }
    let source_of = |from: Way| fetches.iter().find(|(_, known)| **known == from).map(|(id, _)| *id);
    let mut calls = BTreeMap::new();
    let mut ids = 1..;
    let mut of_series = |wanted: Vec<Wanted>| -> Vec<Call> {
        let call = |Wanted { named, from, region, manner, deed }: Wanted| {
            let id = ids.next()?;
            calls.insert(id, named);
            Some(Call { id, source: source_of(from), region, manner, deed })
        };
        wanted.into_iter().filter_map(call).collect()
    };
    let series = series.into_iter().map(&mut of_series).collect();
    let order = Cloud {
        version: VERSION,
        timeout_ms: TIMEOUT_MS,
        attempts: ATTEMPTS,
        at_once: AT_ONCE,
        region: None,
        marker,
        keep,
        sources,
        series,
    };
    Batch { order, fetches, calls }
}

fn origin(from: Way) -> Origin {
    let own_token = || TokenFrom::File(OWN_TOKEN.to_owned());
    match from {
        Way::Chain => Origin::Chain,
        Way::OwnToken => Origin::Container(ContainerSource { token: own_token(), ..ContainerSource::default() }),
        Way::OtherHost => {
            Origin::Container(ContainerSource { host: Some(OTHER_HOST.to_owned()), ..ContainerSource::default() })
        }
        // The role's name alone: its keys would be the node's own.
        Way::Instance => Origin::Instance(InstanceSource::default()),
        Way::InstanceV6 => {
            Origin::Instance(InstanceSource { url: Some(INSTANCE_V6.to_owned()), ..InstanceSource::default() })
        }
    }
}

/// Makes the calls of a member in a phase.
struct Maker<'a> {
    member: &'a Member,
    phase: Phase,
    run: &'a RunId,
}

impl Maker<'_> {
    fn marker(&self, prefix: &str) -> String {
        format!("{prefix}tenantproof/{}/", self.run)
    }

    fn plain(&self, operation: Operation, target: &str, deed: Deed) -> Wanted {
        let key = call_key(&self.member.probe.name, self.phase, operation, target);
        let named = Named { key, deed: format!("{} on {target}", operation.api()) };
        Wanted { named, from: Way::Chain, region: None, manner: Manner::Plain, deed }
    }

    fn who(&self, from: Way) -> Series {
        let named = Named { key: identity_key(&self.member.probe.name, from), deed: "GetCallerIdentity".to_owned() };
        let call = Wanted { named, from, region: None, manner: Manner::Plain, deed: Deed::CallerIdentity };
        Series { marker: None, calls: vec![call] }
    }

    /// What others shall try to read, and whether it can be.
    fn seed(&self, holding: &Holding) -> Option<Series> {
        let What::Bucket(bucket) = &holding.what else { return None };
        let (marker, target, name) = (self.marker(&bucket.prefix), holding.what.name(), bucket.name.to_string());
        let key = format!("{marker}seed");
        let put = Deed::Put { bucket: name.clone(), key: key.clone(), encryption: None };
        let calls = vec![
            self.plain(Operation::Put, &target, put),
            self.plain(Operation::Get, &target, Deed::Get { bucket: name, key }),
        ];
        Some(Series { marker: Some(marker), calls })
    }

    /// Whether what others tried to read was there all the time.
    fn look_again(&self, holding: &Holding) -> Option<Series> {
        let What::Bucket(bucket) = &holding.what else { return None };
        let (marker, target) = (self.marker(&bucket.prefix), holding.what.name());
        let get = Deed::Get { bucket: bucket.name.to_string(), key: format!("{marker}seed") };
        Some(Series { marker: Some(marker), calls: vec![self.plain(Operation::Get, &target, get)] })
    }

    /// Every call on a holding, whosever it is.
    fn everything(&self, holding: &Holding) -> Series {
        let target = holding.what.name();
        match &holding.what {
            What::Bucket(bucket) => {
                let marker = self.marker(&bucket.prefix);
                let calls =
                    self.bucket_calls(&bucket.name.to_string(), &marker, &target, holding.tenant == self.member.tenant);
                Series { marker: Some(marker), calls }
            }
            What::Table(table) => {
                // Counted, not read: no item of the tenant's leaves the table.
                let value = table.leading.as_deref().unwrap_or("tenantproof");
                let body = json!({
                    "TableName": table.name,
                    "KeyConditionExpression": "#k = :v",
                    "ExpressionAttributeNames": {"#k": table.partition_key},
                    "ExpressionAttributeValues": {":v": {"S": value}},
                    "Select": "COUNT",
                    "Limit": 1,
                });
                let deed = Deed::Json { service: Service::Dynamodb, operation: "Query".to_owned(), body };
                Series { marker: None, calls: vec![self.plain(Operation::Query, &target, deed)] }
            }
            What::Key(key) => {
                let body = json!({"KeyId": key.arn(), "KeySpec": "AES_256", "DryRun": true});
                let deed = Deed::Json { service: Service::Kms, operation: "GenerateDataKey".to_owned(), body };
                let region = Some(key.region().to_owned());
                let call = Wanted { region, ..self.plain(Operation::DataKey, &target, deed) };
                Series { marker: None, calls: vec![call] }
            }
        }
    }

    fn bucket_calls(&self, bucket: &str, marker: &str, target: &str, is_own: bool) -> Vec<Wanted> {
        let number = self.member.number;
        let (bucket_name, seed) = (|| bucket.to_owned(), format!("{marker}seed"));
        let key = |word: &str| format!("{marker}{word}-{number}");
        let get = || Deed::Get { bucket: bucket_name(), key: seed.clone() };
        let presigned = |back_s| Manner::Presigned { expires_s: PRESIGNED_S, back_s };
        let put = Deed::Put { bucket: bucket_name(), key: key("put"), encryption: None };
        let upload = Deed::Multipart { bucket: bucket_name(), key: key("upload"), end: Upload::Complete };
        // What is deleted is what was put before, where that succeeds; S3 answers alike where there is nothing.
        let delete = Deed::Delete { bucket: bucket_name(), key: key("put") };
        let mut calls = vec![
            self.plain(Operation::List, target, Deed::List { bucket: bucket_name(), prefix: marker.to_owned() }),
            self.plain(Operation::Get, target, get()),
            Wanted { manner: presigned(0), ..self.plain(Operation::Presigned, target, get()) },
            self.plain(Operation::Put, target, put),
            self.plain(Operation::Multipart, target, upload),
            self.plain(Operation::Delete, target, delete),
        ];
        if is_own {
            let named = Named {
                key: expired_key(&self.member.probe.name, target),
                deed: format!("GetObject on {target}, presigned {LONG_AGO_S} s ago for {PRESIGNED_S} s"),
            };
            let call = self.plain(Operation::Presigned, target, get());
            calls.push(Wanted { named, manner: presigned(LONG_AGO_S), ..call });
        }
        calls
    }
}
