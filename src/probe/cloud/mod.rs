//! Cloud calls from inside the pod: credentials as an AWS SDK takes them, requests signed with them, and what came back,
//! told without anything secret.
//!
//! The order says what to try. Here is no opinion of what should have come of it.

mod calendar;
mod call;
mod class;
mod encode;
mod http;
mod markers;
mod place;
mod reading;
mod secret;
mod sign;
mod source;
mod surroundings;
mod tls;
mod wanted;
mod xml;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::http::HeaderValue;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::http::Client;
use self::markers::Ledger;
use self::secret::Keys;
use self::source::{Fetched, Field};
use self::surroundings::Surroundings;
use super::wire::cloud::{
    CallAnswer, Class, Cloud, CloudReport, NetworkFault, Remains, SourceAnswer, SourceOutcome, VERSION,
};

/// A round of cloud calls.
pub(super) struct Round {
    order: Cloud,
    nonce: String,
    around: Surroundings,
    client: Client,
    agent: HeaderValue,
    /// By their sources.
    keys: OnceLock<BTreeMap<u32, Arc<Keys>>>,
    ledger: Ledger,
}

impl Round {
    pub(super) fn new(order: Cloud, nonce: &str) -> Self {
        let around = Surroundings::of_process();
        Self {
            client: Client::new(around, Duration::from_millis(order.timeout_ms.into())),
            agent: wanted::agent(order.marker.as_deref()),
            order,
            nonce: nonce.to_owned(),
            around,
            keys: OnceLock::new(),
            ledger: Ledger::default(),
        }
    }

    /// Whether what it wrote stays for later steps.
    pub(super) fn keeps(&self) -> bool {
        self.order.keep
    }

    /// Fetches the credentials, makes the calls, and deletes what they wrote, unless it shall stay.
    pub(super) async fn carry_out(self: &Arc<Self>) -> CloudReport {
        let sources = self.fetch_all().await;
        let series = (0..self.order.series.len()).map(|index| {
            let round = Arc::clone(self);
            async move { round.series(index).await }
        });
        let calls = self.at_once(series).await;
        let calls = calls.into_iter().enumerate().flat_map(|(index, answers)| match answers {
            Some(answers) => answers,
            None => self.lost(index),
        });
        let calls = calls.collect();
        let remains = if self.keeps() { Vec::new() } else { self.clear().await };
        CloudReport { version: VERSION, sources, calls, remains }
    }

    /// Deletes what was written and is still there, and tells what then remains.
    pub(super) async fn clear(self: &Arc<Self>) -> Vec<Remains> {
        let written = self.ledger.all();
        let deletions = written.iter().cloned().map(|written| {
            let round = Arc::clone(self);
            async move { round.delete(&written).await }
        });
        let deleted = self.at_once(deletions).await;
        deleted.into_iter().flatten().flatten().collect()
    }

    async fn fetch_all(self: &Arc<Self>) -> Vec<SourceAnswer> {
        let tasks = (0..self.order.sources.len()).map(|index| {
            let round = Arc::clone(self);
            async move {
                let field = Field {
                    client: &round.client,
                    around: round.around,
                    nonce: &round.nonce,
                    attempts: round.order.attempts,
                    region: round.order.region.as_deref(),
                };
                match round.order.sources.get(index) {
                    Some(source) => Some(source::fetch(&field, source).await),
                    None => None,
                }
            }
        });
        let fetched = self.at_once(tasks).await;
        let mut keys = BTreeMap::new();
        let mut answers = Vec::with_capacity(fetched.len());
        for (source, fetched) in self.order.sources.iter().zip(fetched) {
            let Fetched { answer, keys: given } = fetched.flatten().unwrap_or_else(|| Fetched::lost(source.id));
            keys.extend(given.map(|given| (source.id, given)));
            answers.push(answer);
        }
        // A round fetches once; were it to again, it would go on with what it has.
        let _ = self.keys.set(keys);
        answers
    }

    async fn series(&self, index: usize) -> Vec<CallAnswer> {
        let mut answers = Vec::new();
        for call in self.order.series.get(index).into_iter().flatten() {
            answers.push(self.make(call).await);
        }
        answers
    }

    /// Runs futures as many at once as the order says, and gives what they bring in their order; `None` for one that
    /// broke off.
    async fn at_once<F>(&self, futures: impl Iterator<Item = F>) -> Vec<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let seats = Arc::new(Semaphore::new(self.order.at_once.into()));
        let mut running = JoinSet::new();
        let mut results = Vec::new();
        for (index, future) in futures.enumerate() {
            results.push(None);
            // The semaphore is never closed. If it were, futures would run without a seat.
            let seat = Arc::clone(&seats).acquire_owned().await.ok();
            running.spawn(async move {
                let result = future.await;
                drop(seat);
                (index, result)
            });
        }
        while let Some(done) = running.join_next().await {
            if let Ok((index, result)) = done
                && let Some(place) = results.get_mut(index)
            {
                *place = Some(result);
            }
        }
        results
    }

    /// What stands for the calls of a series that broke off.
    fn lost(&self, index: usize) -> Vec<CallAnswer> {
        let calls = self.order.series.get(index).into_iter().flatten();
        calls.map(|call| CallAnswer::unmade(call.id, Class::NotMade("the call was lost".to_owned()))).collect()
    }

    fn keys_of(&self, source: u32) -> Option<Arc<Keys>> {
        self.keys.get()?.get(&source).cloned()
    }

    fn sources(&self) -> impl Iterator<Item = u32> + '_ {
        self.order.sources.iter().map(|source| source.id)
    }
}

impl Fetched {
    fn lost(id: u32) -> Self {
        let outcome = SourceOutcome::Network(NetworkFault::Local);
        let answer = SourceAnswer {
            id,
            provider: None,
            outcome,
            key: None,
            account: None,
            expires: None,
            role: None,
            token_withheld: false,
            exchanges: Vec::new(),
        };
        Self { answer, keys: None }
    }
}

impl CallAnswer {
    fn unmade(id: u32, class: Class) -> Self {
        Self {
            id,
            class,
            status: None,
            code: None,
            said: None,
            request_id: None,
            region: None,
            requests: 0,
            skew_s: None,
            part: None,
            actor: None,
            at_ms: source::now_ms(),
            micros: 0,
        }
    }
}
