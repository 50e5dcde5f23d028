//! Asking for what is within a limit, and for one past it: the only part of this family with I/O.

mod rush;
mod standing;

use std::cell::Cell;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::cluster::access::{self, What};
use crate::cluster::{ClusterError, TrialAnswer, TrialKind, Trials};
use crate::families::quota::ask::{Ask, Locked};
use crate::families::quota::plan::QuotaPlan;
use crate::families::quota::request::{around, asked, beside, changed, name_of, sized_at, smallest};
use crate::families::quota::rules::{Held, Sized, held, sized};
use crate::families::quota::seen::{Answer, DefaultsSeen, EdgeSeen, Fault, PairSeen, Seen, ShareSeen, TrySeen};
use crate::families::quota::shape::{Frame, Object, Sort, sort};
use crate::families::{Coverage, FamilyPlan, Field, Observed, ReviewSeen, Stage, Subject};
use crate::model::{Namespace, Quantity, RunId};
use crate::plan::{Case, Mode};
use crate::semantics::quota::{Amounts, Bound, LimitType, Limits, Scopes, holdings, step};

/// Namespaces that are tried at the same time.
const NAMESPACES: usize = 6;
/// What a quota says may be a moment old, so a limit is tried again before it is said not to be clear.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(300);

impl FamilyPlan for QuotaPlan {
    fn cases(&self) -> &[Case] {
        &self.cases
    }

    fn coverage(&self) -> Coverage {
        let judged = self.shares.values().map(|share| share.holdings.len() + share.limits.ranges()).sum();
        Coverage { judged, not_tried: self.not_tried.clone(), ..Coverage::default() }
    }

    fn namespaces(&self) -> Vec<Namespace> {
        self.asks.keys().cloned().collect()
    }

    fn observe<'a>(&'a self, field: Field<'a>) -> LocalBoxFuture<'a, Result<Observed, ClusterError>> {
        Box::pin(async move {
            let Field { client, run, claims, probes, witness, .. } = field;
            let trials = Trials::new(client, claims, run);
            let (image, made) = (probes.image().to_owned(), Cell::new(0));
            let total = self.asks.values().map(Vec::len).sum();
            witness.began(Stage::Observe, total);
            let sites = self.asks.iter().map(|(namespace, asks)| {
                let site = Site { plan: self, client, trials: &trials, run, namespace, image: &image, made: &made };
                async move { (asks.len(), site.observe(asks).await) }
            });
            let mut sites = stream::iter(sites).buffer_unordered(NAMESPACES);
            let (mut seen, mut done) = (Seen { mode: self.mode, ..Seen::default() }, 0);
            while let Some((asked, part)) = sites.next().await {
                done += asked;
                seen.take(part);
                witness.progress(Stage::Observe, done, None);
            }
            drop(sites);
            witness.ended(Stage::Observe, format!("{total} limits tried in {} namespaces", self.asks.len()));
            Ok(Observed { observations: serde_json::to_value(&seen).unwrap_or_default(), remarks: Vec::new() })
        })
    }
}

impl Seen {
    fn take(&mut self, other: Self) {
        self.shares.extend(other.shares);
        self.edges.extend(other.edges);
        self.rushes.extend(other.rushes);
        self.pairs.extend(other.pairs);
        self.defaults.extend(other.defaults);
        self.reviews.extend(other.reviews);
    }
}

/// A namespace that is tried.
struct Site<'a> {
    plan: &'a QuotaPlan,
    client: &'a Client,
    trials: &'a Trials<'a>,
    run: &'a RunId,
    namespace: &'a Namespace,
    image: &'a str,
    made: &'a Cell<u32>,
}

impl Site<'_> {
    async fn observe(&self, asks: &[Ask]) -> Seen {
        let mut seen = Seen::default();
        let obstacle = self.plan.closed.get(self.namespace).cloned().or_else(|| self.trials.obstacle(self.namespace));
        let before = match obstacle {
            Some(why) => Err(why),
            None => self.share().await,
        };
        let mut share =
            before.unwrap_or_else(|why| ShareSeen { fault: Some(Fault::Unread(why)), ..ShareSeen::default() });
        if share.fault.is_none() {
            share.fault = self.plan.shares.get(self.namespace).and_then(|planned| changed(planned, &share));
        }
        for ask in asks {
            if let Ask::Locked { subject, objects, key, .. } = ask {
                seen.reviews.insert(key.clone(), self.review(subject, *objects).await);
            } else if share.fault.is_none() {
                self.one(ask, &mut seen).await;
            }
        }
        if share.fault.is_none() {
            share.fault = match self.share().await {
                Ok(after) => changed(&share, &after),
                Err(why) => Some(Fault::Unread(why)),
            };
        }
        seen.shares.insert(self.namespace.clone(), share);
        seen
    }

    async fn one(&self, ask: &Ask, seen: &mut Seen) {
        match ask {
            Ask::Edge { resource, quota: None, promised, key, .. } | Ask::Rush { resource, promised, key, .. }
                if matches!(sort(resource), Sort::Count(_)) =>
            {
                seen.rushes.insert(key.clone(), self.rush(resource, *promised).await);
            }
            Ask::Share { .. } | Ask::Locked { .. } | Ask::Rush { .. } => {}
            Ask::Edge { resource, quota, promised, key, .. } => {
                seen.edges.insert(key.clone(), self.edge(resource, quota.as_deref(), *promised).await);
            }
            Ask::Container { resource, promised, key, .. } => {
                seen.pairs.insert(key.clone(), self.container(resource, *promised).await);
            }
            Ask::Bounds { of, bound, resource, key, .. } => {
                seen.pairs.insert(key.clone(), self.bound(*of, *bound, resource).await);
            }
            Ask::Defaults { key, .. } => {
                if let Ok(share) = self.share().await {
                    seen.defaults.insert(key.clone(), self.defaults(&share).await);
                }
            }
        }
    }

    /// The quotas and limits as they are now.
    async fn share(&self) -> Result<ShareSeen, String> {
        let (quotas, ranges) = self.trials.shares(self.namespace).await?;
        let name = self.namespace.as_str();
        Ok(ShareSeen { holdings: holdings(&quotas, name), limits: Limits::of(&ranges, name), fault: None })
    }

    /// A limit of a quota, until what is used stands still while it is tried.
    async fn edge(&self, resource: &str, only: Option<&str>, promised: Option<Quantity>) -> EdgeSeen {
        let mut seen = EdgeSeen::default();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                sleep(PAUSE).await;
            }
            seen = self
                .edge_once(resource, only, promised)
                .await
                .unwrap_or_else(|why| EdgeSeen { fault: Some(why), ..EdgeSeen::default() });
            if seen.fault.is_none() {
                break;
            }
        }
        seen
    }

    async fn edge_once(
        &self,
        resource: &str,
        only: Option<&str>,
        promised: Option<Quantity>,
    ) -> Result<EdgeSeen, String> {
        let before = self.settled().await?;
        let (decides, within) = match held(&before, resource, only, promised) {
            Held::Missing { .. } => (None, false),
            Held::TooHigh { quota, name, .. } => (Some((quota, name)), false),
            Held::Within { quota, name, .. } => (Some((quota, name)), true),
        };
        let mut seen = EdgeSeen::default();
        let room = if let Some((quota, name)) = decides {
            seen.quota = Some(quota.name.clone());
            let counted = quota.enforced.get(name).zip(quota.used.get(name));
            let (held, used) = counted.ok_or_else(|| format!("{} has not been counted yet", quota.name))?;
            (seen.held, seen.used) = (Some(held), Some(used));
            let most = promised.map_or(held, |promised| promised.min(held));
            Quantity::of_milli(most.milli() - used.milli())
        } else {
            promised.unwrap_or_default()
        };
        seen.room = Some(room);
        let everything = Scopes::default();
        let scopes = decides.map_or(&everything, |(quota, _)| &quota.scopes);
        let frame = Frame { image: self.image, limits: &before.limits, scopes };
        let sort = sort(resource);
        let (object, smallest) = match smallest(&sort, &frame) {
            Ok(smallest) => smallest,
            Err(why) => return Ok(EdgeSeen { not_tried: Some(why), ..seen }),
        };
        seen.twin = Some(self.dry_run(object, smallest.clone()).await);
        if room.milli() <= 0 {
            if seen.held == Some(Quantity::default()) {
                seen.beside = self.beside(&sort, &frame).await;
            }
            seen.fault = self.moved_since(&before).await?;
            return Ok(seen);
        }
        let past = Quantity::of_milli(room.milli() + step(resource).milli());
        let (at, past) = match (sized_at(&sort, &frame, room), sized_at(&sort, &frame, past)) {
            (Ok(at), Ok(past)) => (at, past),
            (Err(why), _) | (_, Err(why)) => return Ok(EdgeSeen { not_tried: Some(why), ..seen }),
        };
        seen.past = Some(self.dry_run(object, past).await);
        let tried = self.dry_run(object, at.clone()).await;
        let really =
            self.plan.mode == Mode::Throwaway && object == Object::Pod && within && tried.answer == Answer::Accepted;
        seen.at = Some(tried);
        if really {
            let (at, full) = (self.named(at), self.named(smallest));
            let taken = self.try_to(object, &at, false).await;
            if taken.answer == Answer::Accepted {
                seen.full = Some(self.try_to(object, &full, false).await);
            }
            let left = self.trials.remove(kind_of(object), self.namespace, &[name_of(&at), name_of(&full)]).await;
            self.counted_again(&before).await;
            seen.at = Some(taken);
            seen.fault = (!left.is_empty()).then(|| format!("not gone again: {}", left.join(", ")));
        }
        let moved = self.moved_since(&before).await?;
        seen.fault = seen.fault.or(moved);
        Ok(seen)
    }

    async fn container(&self, resource: &str, promised: Quantity) -> PairSeen {
        let Ok(share) = self.share().await else { return PairSeen::default() };
        let (most, range) = match sized(&share, resource, promised) {
            Sized::Missing => (None, None),
            Sized::TooHigh { range, max } | Sized::Within { range, max } => (Some(max), Some(range.to_owned())),
        };
        let most_of_all = most.map_or(promised, |most| most.min(promised));
        let pair = self.around(&share, LimitType::Container, Bound::Max, resource, most_of_all).await;
        PairSeen { allowed: most, range, ..pair }
    }

    async fn bound(&self, of: LimitType, bound: Bound, resource: &str) -> PairSeen {
        let Ok(share) = self.share().await else { return PairSeen::default() };
        let Some((allowed, range)) = share.limits.tightest(of, bound, resource) else { return PairSeen::default() };
        let pair = self.around(&share, of, bound, resource, allowed).await;
        PairSeen { allowed: Some(allowed), range: Some(range.to_owned()), ..pair }
    }

    /// A request just beyond a bound, and its twin just within.
    async fn around(
        &self,
        share: &ShareSeen,
        of: LimitType,
        bound: Bound,
        resource: &str,
        allowed: Quantity,
    ) -> PairSeen {
        match around(share, self.image, of, bound, resource, allowed) {
            Ok((object, past, twin)) => PairSeen {
                past: Some(self.dry_run(object, past).await),
                twin: Some(self.dry_run(object, twin).await),
                ..PairSeen::default()
            },
            Err(why) => PairSeen { not_tried: Some(why), ..PairSeen::default() },
        }
    }

    async fn defaults(&self, share: &ShareSeen) -> DefaultsSeen {
        let everything = Scopes::default();
        let frame = Frame { image: self.image, limits: &share.limits, scopes: &everything };
        let body = self.named(frame.asking_for_nothing());
        let answer = self.trials.dry_run(TrialKind::Pod, self.namespace, &body).await;
        let resources = |pod: Option<Pod>| {
            let container = pod.and_then(|pod| pod.spec).and_then(|spec| spec.containers.into_iter().next());
            container.and_then(|container| container.resources).unwrap_or_default()
        };
        let became = match &answer {
            TrialAnswer::Accepted(pod) => resources(serde_json::from_value(pod.clone()).ok()),
            _ => resources(None),
        };
        let expected: Option<Pod> = serde_json::from_value(body.clone()).ok();
        let expected = resources(expected.map(|pod| share.limits.defaulted(&pod)));
        DefaultsSeen {
            tried: tried(asked(&body), true, answer),
            limits: Amounts::of(became.limits.as_ref()),
            requests: Amounts::of(became.requests.as_ref()),
            expected_limits: Amounts::of(expected.limits.as_ref()),
            expected_requests: Amounts::of(expected.requests.as_ref()),
        }
    }

    async fn review(&self, subject: &Subject, objects: Locked) -> ReviewSeen {
        let namespace = self.namespace;
        let who = subject.known_in(namespace);
        let ways = objects.ways().iter().map(|(verb, subresource)| {
            let slash = if subresource.is_empty() { "" } else { "/" };
            let way = format!("{verb} {}{slash}{subresource}", objects.plural());
            (way, What::on(verb, "", objects.plural(), subresource, namespace.as_str()))
        });
        let access::Reviewed { ways, control } = access::review(self.client, &who, ways.collect()).await;
        ReviewSeen::of(&who, ways, control)
    }

    async fn beside(&self, sort: &Sort, frame: &Frame<'_>) -> Option<TrySeen> {
        let (object, body) = beside(sort, frame).ok()?;
        Some(self.dry_run(object, body).await)
    }

    async fn dry_run(&self, object: Object, body: Value) -> TrySeen {
        self.try_to(object, &self.named(body), true).await
    }

    async fn try_to(&self, object: Object, body: &Value, dry_run: bool) -> TrySeen {
        let kind = kind_of(object);
        let answer = if dry_run {
            self.trials.dry_run(kind, self.namespace, body).await
        } else {
            self.trials.make(kind, self.namespace, body).await
        };
        tried(asked(body), dry_run, answer)
    }

    /// The object with a name of its own; what stands before the last dash is unique, as with probes.
    fn named(&self, mut body: Value) -> Value {
        self.made.set(self.made.get() + 1);
        if let Some(metadata) = body.get_mut("metadata") {
            metadata["name"] = json!(format!("tenantproof-{}-q{:04}-p", self.run, self.made.get()));
            metadata["namespace"] = json!(self.namespace);
        }
        body
    }
}

const fn kind_of(object: Object) -> TrialKind {
    match object {
        Object::Pod => TrialKind::Pod,
        Object::Service => TrialKind::Service,
        Object::Claim => TrialKind::PersistentVolumeClaim,
        Object::ConfigMap => TrialKind::ConfigMap,
    }
}

fn tried(asked: String, dry_run: bool, answer: TrialAnswer) -> TrySeen {
    let answer = match answer {
        TrialAnswer::Accepted(_) => Answer::Accepted,
        TrialAnswer::Refused { code, message } => Answer::Refused { code, message },
        TrialAnswer::Silent(why) => Answer::Silent { why },
    };
    TrySeen { asked, at: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(), dry_run, answer }
}
