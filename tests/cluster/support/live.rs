//! A run while it goes on: what it says, signals to it, and what it left behind.

use std::io::Read;
use std::process::{Child, Command, Output};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::scheduling::v1::PriorityClass;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use tenantproof::cluster::RUN_LABEL;

use super::lab::eventually;
use super::{Ended, Lab, Run};

/// A run that was started and has not been waited for.
pub(crate) struct Live {
    child: Child,
    run: Option<Run>,
    said: Arc<Mutex<Vec<u8>>>,
    printed: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Live {
    /// Starts a run.
    pub(crate) fn start(run: Run) -> Self {
        let mut child = run.command().spawn().unwrap();
        let (said, printed) = (Arc::default(), Arc::default());
        let readers = vec![
            follow(child.stderr.take().unwrap(), Arc::clone(&said)),
            follow(child.stdout.take().unwrap(), Arc::clone(&printed)),
        ];
        Self { child, run: Some(run), said, printed, readers }
    }

    /// What it has said on standard error so far.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().unwrap()).into_owned()
    }

    /// Waits until it has said something.
    pub(crate) fn until_it_says(&mut self, words: &str) {
        let end = Instant::now() + Duration::from_secs(120);
        while !self.said().contains(words) {
            let over = self.child.try_wait().unwrap();
            assert!(over.is_none(), "the run ended before it said {words:?}:\n{}", self.said());
            assert!(Instant::now() < end, "the run did not say {words:?} within two minutes:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Sends it a signal, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success(), "signal {name} could not be sent");
    }

    /// Waits for its end, for at most this long.
    pub(crate) fn end_within(mut self, patience: Duration) -> Ended {
        let end = Instant::now() + patience;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                Instant::now() < end,
                "the run should have ended within {} s; it said:\n{}",
                patience.as_secs(),
                self.said()
            );
            std::thread::sleep(Duration::from_millis(50));
        };
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let stdout = std::mem::take(&mut *self.printed.lock().unwrap());
        let stderr = std::mem::take(&mut *self.said.lock().unwrap());
        let run = self.run.take().unwrap();
        run.ended(&Output { status, stdout, stderr })
    }

    /// Waits for its end.
    pub(crate) fn end(self) -> Ended {
        self.end_within(Duration::from_secs(300))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // A test that failed half-way leaves no run behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(mut from: impl Read + Send + 'static, into: Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            into.lock().unwrap().extend_from_slice(&buffer[..read]);
        }
    })
}

/// Everything of any run that is in these namespaces now, and the PriorityClasses of these runs.
pub(crate) fn leftovers(lab: &Lab, namespaces: &[&str], runs: &[&Ended]) -> Vec<String> {
    let mut left = Vec::new();
    let marked = ListParams::default().labels(RUN_LABEL);
    for namespace in namespaces {
        let pods: Api<Pod> = Api::namespaced(lab.client.clone(), namespace);
        let services: Api<Service> = Api::namespaced(lab.client.clone(), namespace);
        let leases: Api<Lease> = Api::namespaced(lab.client.clone(), namespace);
        let place = |kind: &str, name: String| format!("{kind} {namespace}/{name}");
        left.extend(lab.wait(pods.list(&marked)).unwrap().iter().map(|one| place("Pod", one.name_any())));
        left.extend(lab.wait(services.list(&marked)).unwrap().iter().map(|one| place("Service", one.name_any())));
        left.extend(lab.wait(leases.list(&marked)).unwrap().iter().map(|one| place("Lease", one.name_any())));
    }
    let classes: Api<PriorityClass> = Api::all(lab.client.clone());
    for run in runs {
        let ours = ListParams::default().labels(&format!("{RUN_LABEL}={}", run.record().run.id));
        let list = lab.wait(classes.list(&ours)).unwrap();
        left.extend(list.iter().map(|one| format!("PriorityClass {}", one.name_any())));
    }
    left
}

/// Asserts that these runs left nothing. What a dying API request made is removed by the garbage
/// collector a moment later, so this waits for a moment.
pub(crate) fn expect_nothing_left(lab: &Lab, namespaces: &[&str], runs: &[&Ended]) {
    let mut left = leftovers(lab, namespaces, runs);
    let end = Instant::now() + Duration::from_secs(5);
    while !left.is_empty() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(300));
        left = leftovers(lab, namespaces, runs);
    }
    assert!(left.is_empty(), "nothing should be left, and there is {left:#?}");
}

/// Waits until some probe pod of any run is in a namespace, and gives their names.
pub(crate) fn until_there_are_probes(lab: &Lab, namespace: &str) -> Vec<String> {
    let pods: Api<Pod> = Api::namespaced(lab.client.clone(), namespace);
    let marked = ListParams::default().labels(RUN_LABEL);
    let mut names = Vec::new();
    eventually("a probe pod", Duration::from_secs(60), || {
        names = lab.wait(pods.list(&marked)).unwrap().iter().map(kube::ResourceExt::name_any).collect();
        !names.is_empty()
    });
    names
}
