//! Starts probes, gives them orders and reads their logs.

use std::fs;
use std::io::Read;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tenantproof::model::{Port, Protocol};
use tenantproof::probe::frame::{Decoded, Decoder};
use tenantproof::probe::wire::{Attempt, Orders, Outcome, Report, Step, Target, Tries};

pub(crate) const NONCE: &str = "nonce-of-this-run";
const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) struct Probe {
    pub(crate) child: Child,
    pub(crate) orders: PathBuf,
    pub(crate) output: Arc<Mutex<Vec<u8>>>,
    _folder: TempDir,
}

/// A port that is free for TCP and UDP, below those that the kernel gives to clients.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 97).expect("below 97") * 100 + 20_000;
    loop {
        let port = start + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("0.0.0.0", port)).is_ok() && UdpSocket::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}

pub(crate) fn target(id: u32, protocol: Protocol, address: &str, port: u16, who: &str) -> Target {
    let port = Port::new(port).expect("a port");
    Target { id, protocol, address: address.to_owned(), port, who: who.to_owned() }
}

pub(crate) fn tries(attempts: u8, timeout_ms: u32, targets: Vec<Target>) -> Step {
    Step::Try(Tries { attempts, gap_ms: 20, timeout_ms, targets })
}

/// The program with its arguments, behind `wrapper` if there is one.
pub(crate) fn command(wrapper: &[&str], arguments: &[&str]) -> Command {
    let program = env!("CARGO_BIN_EXE_tenantproof-probe");
    let mut words = wrapper.iter().copied().chain([program]).chain(arguments.iter().copied());
    let mut command = Command::new(words.next().expect("the program at least"));
    command.args(words).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

impl Probe {
    pub(crate) fn start(name: &str, listen: &str) -> Self {
        Self::start_as(&[], name, NONCE, listen, &[])
    }

    pub(crate) fn start_as(wrapper: &[&str], name: &str, nonce: &str, listen: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let orders = folder.path().join("orders");
        fs::write(&orders, "").expect("a file");
        let path = orders.to_str().expect("UTF-8");
        let mut arguments = vec!["--name", name, "--nonce", nonce, "--listen", listen, "--orders", path];
        arguments.extend_from_slice(more);
        let mut child =
            command(wrapper, &arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the probe starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let (mut output, copy) = (child.stdout.take().expect("a pipe"), Arc::clone(&log));
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut piece) {
                copy.lock().expect("no panic").extend_from_slice(&piece[..length]);
            }
        });
        let probe = Self { child, orders, output: log, _folder: folder };
        probe.wait("ready", |log| log.ready.clone());
        probe
    }

    pub(crate) fn log(&self) -> Decoded {
        Decoder::read(&*self.output.lock().expect("no panic"))
    }

    pub(crate) fn wait<T>(&self, what: &str, mut seen: impl FnMut(&Decoded) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            let log = self.log();
            if let Some(found) = seen(&log) {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "no {what} came; the log holds {log:?}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Puts `content` where the orders appear, as a kubelet does: at once.
    pub(crate) fn write(&self, content: &str) {
        let new = self.orders.with_extension("new");
        fs::write(&new, content).expect("written");
        fs::rename(&new, &self.orders).expect("renamed");
    }

    pub(crate) fn order(&self, round: u32, step: Step) -> Report {
        self.write(&serde_json::to_string(&Orders { round, step }).expect("JSON"));
        self.wait(&format!("report {round}"), |log| log.report(round).ok().cloned())
    }

    /// The outcomes of one target, all its attempts.
    pub(crate) fn outcomes(&self, round: u32, attempts: u8, target: Target) -> Vec<Outcome> {
        let timeout = 400;
        let report = self.order(round, tries(attempts, timeout, vec![target]));
        assert_eq!(report.answers.len(), 1);
        let attempts = report.answers.into_iter().flat_map(|answer| answer.attempts);
        attempts.map(|Attempt { outcome, .. }| outcome).collect()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
