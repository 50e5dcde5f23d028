//! The claim on a namespace: one Lease in each, which is lock, heartbeat and owner in one.
//!
//! Two runs never work in the same namespace at once. A run that was killed stops renewing, the
//! next one sees that, deletes the Lease, and everything that it owned goes with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta, OwnerReference};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions, PropagationPolicy};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::error::{ClusterError, in_words};
use super::pod::{RUN_LABEL, owned_by};
use super::priority;
use super::retry::{patiently, patiently_for};
use crate::model::{Namespace, RunId};

/// The name of the Lease in every namespace that a run works in.
pub const LOCK_NAME: &str = "tenantproof";
/// After this time without a renewal, a run is taken for dead.
const LEASE_SECONDS: i32 = 15;
const RENEWAL: Duration = Duration::from_secs(4);

/// The namespaces that this run holds.
pub struct Claims {
    client: Client,
    run: RunId,
    leases: BTreeMap<Namespace, Lease>,
    /// What the heartbeat renews: the same Leases.
    renewed: Arc<Mutex<Vec<(Namespace, Lease)>>>,
    refused: BTreeMap<Namespace, String>,
    heartbeat: Option<JoinHandle<()>>,
    lost: watch::Receiver<Option<(Namespace, String)>>,
}

/// What came of claiming.
pub struct Claiming {
    /// The namespaces that are held.
    pub claims: Claims,
    /// Runs whose remains were removed.
    pub removed: Vec<RunId>,
}

impl Claims {
    /// Claims these namespaces, in order of their names, so that two runs never wait for each other.
    ///
    /// # Errors
    /// [`ClusterError::Claimed`] where another run is at work for longer than `wait`; everything
    /// claimed until then is given back.
    pub async fn take(
        client: &Client,
        run: &RunId,
        namespaces: impl IntoIterator<Item = Namespace>,
        wait: Duration,
    ) -> Result<Claiming, ClusterError> {
        let mut namespaces: Vec<Namespace> = namespaces.into_iter().collect();
        namespaces.sort();
        namespaces.dedup();
        let (_, lost) = watch::channel(None);
        let mut claims = Self {
            client: client.clone(),
            run: run.clone(),
            leases: BTreeMap::new(),
            renewed: Arc::default(),
            refused: BTreeMap::new(),
            heartbeat: None,
            lost,
        };
        // From the first claim on: while this run waits for another namespace, nobody may take it for dead.
        claims.start_heartbeat();
        let mut claiming = Claiming { claims, removed: Vec::new() };
        let mut dead = Dead::default();
        let end = Instant::now() + wait;
        for namespace in namespaces {
            match take_one(client, run, &namespace, end, &mut dead).await {
                Ok(lease) => {
                    held(&claiming.claims.renewed).push((namespace.clone(), lease.clone()));
                    claiming.claims.leases.insert(namespace, lease);
                }
                Err(ClusterError::Claimed { namespace, holder }) => {
                    claiming.claims.release().await;
                    return Err(ClusterError::Claimed { namespace, holder });
                }
                Err(error) => {
                    claiming.claims.refused.insert(namespace, error.to_string());
                }
            }
        }
        // All at once: where a killed run had many namespaces, they empty at the same time.
        join_all(claiming.claims.leases.keys().map(|namespace| await_remains(client, run, namespace))).await;
        claiming.removed = dead.last_renewals.into_keys().collect();
        Ok(claiming)
    }

    /// How many namespaces are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.leases.len()
    }

    /// Namespaces that could not be claimed, and why: their tenants' cases are inconclusive.
    #[must_use]
    pub fn refused(&self) -> &BTreeMap<Namespace, String> {
        &self.refused
    }

    /// The owner of everything that this run makes in a namespace, or why it may make nothing there.
    pub(super) fn owner(&self, namespace: &Namespace) -> Result<OwnerReference, String> {
        self.leases.get(namespace).map(owned_by).ok_or_else(|| {
            self.refused.get(namespace).cloned().unwrap_or_else(|| format!("namespace {namespace} is not claimed"))
        })
    }

    /// Comes back only if a claim is lost: somebody deleted the Lease, or took it over.
    pub async fn lost(&self) -> ClusterError {
        let mut lost = self.lost.clone();
        let seen = lost.wait_for(Option::is_some).await.ok().and_then(|seen| seen.clone());
        match seen {
            Some((namespace, why)) => ClusterError::ClaimLost { namespace: namespace.to_string(), why },
            // The heartbeat ended without a loss: nothing will ever be lost.
            None => std::future::pending().await,
        }
    }

    /// Whether every claim is held now: asked after the last observation, since a loss in the last
    /// seconds has not been noticed by the heartbeat yet.
    ///
    /// # Errors
    /// [`ClusterError::ClaimLost`] for the first that is not.
    pub async fn confirm(&self) -> Result<(), ClusterError> {
        let renewals = self.leases.iter().map(|(namespace, lease)| renew(&self.client, namespace, lease));
        match join_all(renewals).await.into_iter().flatten().next() {
            Some((namespace, why)) => Err(ClusterError::ClaimLost { namespace: namespace.to_string(), why }),
            None => Ok(()),
        }
    }

    fn start_heartbeat(&mut self) {
        let (tell, lost) = watch::channel(None);
        self.lost = lost;
        let client = self.client.clone();
        let leases = Arc::clone(&self.renewed);
        self.heartbeat = Some(tokio::spawn(async move {
            loop {
                sleep(RENEWAL).await;
                let leases = held(&leases).clone();
                let renewals = leases.iter().map(|(namespace, lease)| renew(&client, namespace, lease));
                if let Some(loss) = join_all(renewals).await.into_iter().flatten().next() {
                    tell.send_replace(Some(loss));
                    return;
                }
            }
        }));
    }

    /// Gives every namespace back: deletes the Leases, and with them all that they own. Bounded;
    /// what could not be deleted is named, and the next run removes it.
    pub async fn release(&mut self) -> Vec<String> {
        if let Some(heartbeat) = self.heartbeat.take() {
            heartbeat.abort();
        }
        let client = &self.client;
        let deletions = self.leases.iter().map(|(namespace, lease)| async move {
            let leases: Api<Lease> = Api::namespaced(client.clone(), namespace.as_str());
            let deletion = delete_exactly(lease);
            let outcome = patiently_for(Duration::from_secs(30), || leases.delete(LOCK_NAME, &deletion)).await;
            match outcome {
                Ok(_) => None,
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => None,
                Err(error) => Some(format!("Lease {namespace}/{LOCK_NAME}: {}", in_words(&error))),
            }
        });
        let remains = join_all(deletions).await.into_iter().flatten().collect();
        self.leases.clear();
        tracing::debug!(run = %self.run, "claims released");
        remains
    }
}

/// Deletes this run's own Leases, by whatever it was interrupted; bounded.
pub async fn release_all(client: &Client, run: &RunId, namespaces: &[Namespace]) {
    let deletions = namespaces.iter().map(|namespace| async move {
        let leases: Api<Lease> = Api::namespaced(client.clone(), namespace.as_str());
        let Ok(lease) = leases.get(LOCK_NAME).await else { return };
        let labels = lease.metadata.labels.as_ref();
        if labels.and_then(|labels| labels.get(RUN_LABEL)).map(String::as_str) == Some(run.as_str())
            && let Err(error) = leases.delete(LOCK_NAME, &delete_exactly(&lease)).await
        {
            tracing::debug!(%error, %namespace, "a Lease stays until the next run");
        }
    });
    if timeout(Duration::from_secs(15), join_all(deletions)).await.is_err() {
        tracing::debug!("some Leases stay until the next run");
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        if let Some(heartbeat) = self.heartbeat.take() {
            heartbeat.abort();
        }
    }
}

fn delete_exactly(lease: &Lease) -> DeleteParams {
    DeleteParams {
        propagation_policy: Some(PropagationPolicy::Background),
        preconditions: Some(Preconditions { uid: lease.metadata.uid.clone(), resource_version: None }),
        ..DeleteParams::default()
    }
}

fn held(leases: &Mutex<Vec<(Namespace, Lease)>>) -> MutexGuard<'_, Vec<(Namespace, Lease)>> {
    // A list of Leases can't be left half changed.
    leases.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn renew(client: &Client, namespace: &Namespace, lease: &Lease) -> Option<(Namespace, String)> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), namespace.as_str());
    // The uid makes the API server refuse to renew a Lease that another run has put in its place.
    let patch = serde_json::json!({
        "metadata": {"uid": lease.metadata.uid},
        "spec": {"renewTime": MicroTime(Timestamp::now())},
    });
    match leases.patch(LOCK_NAME, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Some((namespace.clone(), "it was deleted".to_owned())),
        Err(kube::Error::Api(status)) if status.code == 409 => {
            Some((namespace.clone(), "another run has taken it over".to_owned()))
        }
        Err(error) => {
            tracing::debug!(%error, %namespace, "the claim could not be renewed now");
            None
        }
        Ok(_) => None,
    }
}

/// Runs that were found dead, with the renewal that was their last.
#[derive(Default)]
struct Dead {
    last_renewals: BTreeMap<RunId, Option<Timestamp>>,
}

impl Dead {
    /// Whether a Lease is known to be a dead run's without being watched: a run renews all its Leases
    /// in one go, so one that was renewed no later than the one that was watched died with it. Both
    /// times are of the holder's clock; clocks of two machines are never compared.
    fn holds(&self, lease: &Seen) -> bool {
        let last = self.last_renewals.get(&lease.holder).copied().flatten();
        last.zip(lease.renewed).is_some_and(|(last, renewed)| renewed.duration_since(last).unsigned_abs() <= RENEWAL)
    }
}

/// What matters of somebody's Lease.
struct Seen {
    holder: RunId,
    version: Option<String>,
    renewed: Option<Timestamp>,
    lasts: Duration,
}

impl Seen {
    fn of(lease: &Lease) -> Self {
        let spec = lease.spec.as_ref();
        let lasts = spec.and_then(|spec| spec.lease_duration_seconds).unwrap_or(LEASE_SECONDS);
        Self {
            holder: RunId::new(spec.and_then(|spec| spec.holder_identity.clone()).unwrap_or_default()),
            version: lease.metadata.resource_version.clone(),
            renewed: spec.and_then(|spec| spec.renew_time.as_ref()).map(|time| time.0),
            lasts: Duration::from_secs(u64::try_from(lasts).unwrap_or(15)),
        }
    }
}

/// How long a Lease has been seen unrenewed. Only time in which the API server answered counts: while
/// it does not, nobody can renew.
#[derive(Default)]
struct Unrenewed {
    version: Option<String>,
    last_look: Option<Instant>,
    time: Duration,
}

impl Unrenewed {
    /// A longer time between two looks may have been one without an API server.
    const GAP: Duration = Duration::from_secs(2);

    fn look(&mut self, version: Option<&String>, now: Instant) -> Duration {
        let since_last = self.last_look.map(|last| now.duration_since(last));
        if self.version.as_ref() == version {
            self.time += since_last.map_or(Duration::ZERO, |gap| gap.min(Self::GAP));
        } else {
            *self = Self { version: version.cloned(), ..Self::default() };
        }
        self.last_look = Some(now);
        self.time
    }
}

async fn take_one(
    client: &Client,
    run: &RunId,
    namespace: &Namespace,
    end: Instant,
    dead: &mut Dead,
) -> Result<Lease, ClusterError> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), namespace.as_str());
    let what = format!("claim namespace {namespace}");
    let (wanted, plainly) = (new_lease(run), PostParams::default());
    let mut unrenewed = Unrenewed::default();
    loop {
        match patiently(|| leases.create(&plainly, &wanted)).await {
            Ok(lease) => return Ok(lease),
            Err(kube::Error::Api(status)) if status.code == 409 && status.reason == "AlreadyExists" => {}
            Err(error) => return Err(ClusterError::explain(&what, &error)),
        }
        match leases.get_opt(LOCK_NAME).await {
            Ok(None) => {}
            Ok(Some(lease)) => {
                let seen = Seen::of(&lease);
                if seen.holder == *run {
                    // Our own creation, whose answer was lost.
                    return Ok(lease);
                }
                let for_long = unrenewed.look(seen.version.as_ref(), Instant::now()) >= seen.lasts;
                if for_long || dead.holds(&seen) {
                    if remove_dead(client, &leases, &lease, &seen.holder, &what).await? {
                        dead.last_renewals.insert(seen.holder, seen.renewed);
                    }
                    continue;
                }
                if Instant::now() >= end {
                    return Err(ClusterError::Claimed {
                        namespace: namespace.to_string(),
                        holder: seen.holder.to_string(),
                    });
                }
            }
            Err(error) if super::retry::is_transient(&error) => {}
            Err(error) => return Err(ClusterError::explain(&what, &error)),
        }
        sleep(Duration::from_millis(500)).await;
    }
}

fn new_lease(run: &RunId) -> Lease {
    let now = MicroTime(Timestamp::now());
    Lease {
        metadata: ObjectMeta {
            name: Some(LOCK_NAME.to_owned()),
            labels: Some(BTreeMap::from([(RUN_LABEL.to_owned(), run.to_string())])),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec {
            holder_identity: Some(run.to_string()),
            lease_duration_seconds: Some(LEASE_SECONDS),
            acquire_time: Some(now.clone()),
            renew_time: Some(now),
            ..LeaseSpec::default()
        }),
    }
}

/// Removes a dead run's Lease; false where that is no more.
async fn remove_dead(
    client: &Client,
    leases: &Api<Lease>,
    lease: &Lease,
    holder: &RunId,
    what: &str,
) -> Result<bool, ClusterError> {
    let deletion = DeleteParams {
        preconditions: Some(Preconditions {
            uid: lease.metadata.uid.clone(),
            resource_version: lease.metadata.resource_version.clone(),
        }),
        ..delete_exactly(lease)
    };
    match patiently(|| leases.delete(LOCK_NAME, &deletion)).await {
        Ok(_) => {
            priority::remove(client, holder).await;
            Ok(true)
        }
        // It lives after all, or somebody else was quicker: look again.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(false),
        Err(error) => Err(ClusterError::explain(what, &error)),
    }
}

/// Waits, for a bounded time, until no probe of another run is left in the namespace.
async fn await_remains(client: &Client, run: &RunId, namespace: &Namespace) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace.as_str());
    let others = ListParams::default().labels(&format!("{RUN_LABEL},{RUN_LABEL}!={run}"));
    let end = Instant::now() + Duration::from_secs(45);
    while Instant::now() < end {
        match pods.list(&others).await {
            Ok(list) if list.items.is_empty() => return,
            Ok(_) => sleep(Duration::from_millis(300)).await,
            Err(error) if super::retry::is_transient(&error) => sleep(Duration::from_millis(500)).await,
            Err(_) => return,
        }
    }
}
