//! The probe's life: listen, say so, carry out each round of orders, answer, end when told to.

use std::fs;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::args::Config;
use super::arrivals::Arrivals;
use super::attempt;
use super::cloud::Round;
use super::frame;
use super::greeting::Identity;
use super::listen::House;
use super::orders::{Look, OrdersFile};
use super::wire::{Ack, Complaint, Orders, Ready, Report, Step};

/// How often to look for orders. What a kubelet needs to deliver them is ten times as long.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A tally is given once nobody new was taken in for this long.
const SETTLED_AFTER: Duration = Duration::from_millis(100);
/// But no later than after this many such times: strangers could come forever.
const SETTLING_MAX: u32 = 10;
/// Connections under way at a time, to others and from others each, where the kernel lets it.
const SOCKETS_MAX: usize = 512;
/// What a process may have open where the kernel does not say: the usual default.
const FILES_USUAL: usize = 1024;
/// So long a probe that is told to end still deletes what it wrote. A pod has longer before it is killed.
const CLEARING: Duration = Duration::from_secs(5);
/// A complaint is no longer than this, in characters.
const COMPLAINT_MAX: usize = 500;

/// Why a probe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was told to, by SIGTERM or SIGINT.
    Told,
    /// Its deadline has passed.
    Deadline,
}

/// Why a probe could not go on.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The runtime or its signal handlers could not be set up.
    #[error("the probe can't start: {0}")]
    Start(#[source] io::Error),
    /// The log could not be written, so that no answer would reach anybody.
    #[error("the log can't be written: {0}")]
    Log(#[source] io::Error),
}

/// Runs a probe until it is told to end or its deadline passes. Its messages go to `log`.
///
/// # Errors
///
/// If it can't start, or can't write its log.
pub fn run<W: Write>(config: &Config, log: W) -> Result<Ending, AgentError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(AgentError::Start)?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(AgentError::Start)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(AgentError::Start)?;
        let calls = Calls::default();
        let ended = tokio::select! {
            biased;
            _ = terminate.recv() => Ok(Ending::Told),
            _ = interrupt.recv() => Ok(Ending::Told),
            () = passed(config.deadline) => Ok(Ending::Deadline),
            error = Agent::new(config, log, &calls).serve() => Err(AgentError::Log(error)),
        };
        let clearing = async {
            for round in calls.take() {
                // Nobody can be told any more what remains.
                round.clear().await;
            }
        };
        let _ = timeout(CLEARING, clearing).await;
        ended
    })
}

/// The round of cloud calls that is under way, and those whose traces stay for later ones: so that they are deleted even
/// where the probe ends in between.
#[derive(Default)]
struct Calls(Mutex<Vec<Arc<Round>>>);

impl Calls {
    fn rounds(&self) -> MutexGuard<'_, Vec<Arc<Round>>> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, round: Arc<Round>) {
        self.rounds().push(round);
    }

    fn take(&self) -> Vec<Arc<Round>> {
        std::mem::take(&mut *self.rounds())
    }

    fn all(&self) -> Vec<Arc<Round>> {
        self.rounds().clone()
    }
}

async fn passed(deadline: Option<Duration>) {
    match deadline {
        Some(deadline) => sleep(deadline).await,
        None => std::future::pending().await,
    }
}

struct Agent<'a, W> {
    config: &'a Config,
    me: Arc<Identity>,
    arrivals: Arrivals,
    /// Sockets that may be under way to targets at a time.
    sockets: Arc<Semaphore>,
    calls: &'a Calls,
    log: W,
    complaints: u32,
}

impl<'a, W: Write> Agent<'a, W> {
    fn new(config: &'a Config, log: W, calls: &'a Calls) -> Self {
        let files = files_max();
        let me = Arc::new(Identity::new(&config.name, &config.nonce));
        let house = House {
            me: Arc::clone(&me),
            arrivals: Arrivals::default(),
            seats: Arc::new(Semaphore::new(SOCKETS_MAX.min(files / 4).max(1))),
        };
        for (protocol, port) in &config.listen {
            house.open(*protocol, *port);
        }
        let sockets = Arc::new(Semaphore::new(SOCKETS_MAX.min(files / 2).max(1)));
        Self { config, me, arrivals: house.arrivals, sockets, calls, log, complaints: 0 }
    }

    /// Never ends but by an error of the log.
    async fn serve(mut self) -> io::Error {
        let ready = Ready {
            probe: self.config.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            listeners: self.arrivals.listeners(),
        };
        let mut orders = OrdersFile::new(self.config.orders.clone());
        let mut written = self.write(&frame::encode_ready(&ready));
        loop {
            if let Err(error) = written {
                return error;
            }
            written = match orders.look() {
                Look::Nothing => {
                    sleep(LOOK_EVERY).await;
                    Ok(())
                }
                Look::Fault(reason) => self.complain(&reason),
                Look::Round(orders) => self.carry_out(orders).await,
            };
        }
    }

    async fn carry_out(&mut self, orders: Orders) -> io::Result<()> {
        let ack = Ack { probe: self.config.name.clone(), round: orders.round };
        self.write(&frame::encode_ack(&ack))?;
        let mut report = Report {
            round: orders.round,
            probe: self.config.name.clone(),
            answers: Vec::new(),
            arrivals: Vec::new(),
            arrivals_not_kept: 0,
            listeners: Vec::new(),
            cloud: None,
        };
        match orders.step {
            Step::Try(tries) => {
                report.answers = attempt::carry_out(&self.me, tries, &self.sockets).await;
            }
            Step::Tally => {
                self.settle().await;
                (report.arrivals, report.arrivals_not_kept) = self.arrivals.told();
            }
            Step::Cloud(order) => {
                let round = Arc::new(Round::new(order, &self.config.nonce));
                let before = self.calls.all();
                self.calls.add(Arc::clone(&round));
                let mut told = round.carry_out().await;
                if !round.keeps() {
                    for kept in before {
                        told.remains.extend(kept.clear().await);
                    }
                    self.calls.take();
                }
                report.cloud = Some(told);
            }
        }
        report.listeners = self.arrivals.listeners();
        self.write(&frame::encode(&report))
    }

    /// Lets the listeners take in what the kernel holds for them: who is in its queues has arrived.
    async fn settle(&self) {
        let mut seen = self.arrivals.seen();
        for _ in 0..SETTLING_MAX {
            sleep(SETTLED_AFTER).await;
            let now = self.arrivals.seen();
            if now == seen {
                return;
            }
            seen = now;
        }
    }

    fn complain(&mut self, reason: &str) -> io::Result<()> {
        self.complaints += 1;
        let message = reason.chars().take(COMPLAINT_MAX).collect();
        let complaint = Complaint { probe: self.config.name.clone(), message };
        self.write(&frame::encode_complaint(self.complaints, &complaint))
    }

    /// Writes a message whole: nothing else writes, and nothing ends the program in between.
    fn write(&mut self, lines: &[String]) -> io::Result<()> {
        for line in lines {
            self.log.write_all(line.as_bytes())?;
            self.log.write_all(b"\n")?;
        }
        self.log.flush()
    }
}

/// How many files this process may have open, as /proc says.
fn files_max() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    match line.and_then(|line| line.split_whitespace().next()) {
        Some("unlimited") => usize::MAX,
        Some(soft) => soft.parse().unwrap_or(FILES_USUAL),
        None => FILES_USUAL,
    }
}
