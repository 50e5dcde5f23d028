//! A lab, and the program run against it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::config::Kubeconfig;
use kube::core::GroupVersionKind;
use kube::{Api, Client, ResourceExt};
use tempfile::{NamedTempFile, TempDir};
use tenantproof::cluster::{ConnectOptions, connect};
use tenantproof::families::network::fences::Sabotage;
use tenantproof::run::RunRecord;

/// A cluster to test on.
pub(crate) struct Lab {
    pub(crate) context: String,
    pub(crate) client: Client,
    /// The address of its API server.
    #[allow(dead_code, reason = "only what asks AWS looks at it")]
    pub(crate) server: String,
    runtime: tokio::runtime::Runtime,
}

/// Which tests are wanted: all, or with `TENANTPROOF_PART` those alone that are on every lab (`engines`) or on one
/// (`one-lab`). So both can be at work at the same time, on different labs.
fn is_wanted(part: &str) -> bool {
    std::env::var("TENANTPROOF_PART").map_or(true, |wanted| wanted.is_empty() || wanted == part)
}

/// The labs of this test run; empty, and said so, where there are none.
pub(crate) fn labs() -> Vec<Lab> {
    if is_wanted("engines") { contexts().iter().map(|context| Lab::open(context)).collect() } else { Vec::new() }
}

/// The first lab of this test run: for what no CNI changes.
pub(crate) fn first_lab() -> Option<Lab> {
    if is_wanted("one-lab") { contexts().first().map(|context| Lab::open(context)) } else { None }
}

fn contexts() -> Vec<String> {
    let named = std::env::var("TENANTPROOF_LABS").unwrap_or_default();
    let contexts: Vec<String> = named.split(',').filter(|context| !context.is_empty()).map(str::to_owned).collect();
    if contexts.is_empty() {
        skipped("TENANTPROOF_LABS names no cluster; `make test` brings them up");
    }
    contexts
}

/// Says that a test is skipped, where everybody sees it: what a passing test prints by `eprintln` is
/// not shown.
pub(crate) fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

/// The lab whose CNI enforces nothing; `None`, and said so, where there is none.
pub(crate) fn lab_without_enforcement() -> Option<Lab> {
    if !is_wanted("engines") {
        return None;
    }
    match std::env::var("TENANTPROOF_LAB_NONE") {
        Ok(context) if !context.is_empty() => Some(Lab::open(&context)),
        _ => {
            skipped("TENANTPROOF_LAB_NONE names no cluster; `kind-configs/lab up --cni none` makes one");
            None
        }
    }
}

/// The lab that a test may break while it has it; `None`, and said so, where there is none.
pub(crate) fn lab_to_break() -> Option<Lab> {
    match std::env::var("TENANTPROOF_LAB_DESTRUCTIBLE") {
        Ok(context) if !context.is_empty() => Some(Lab::open(&context)),
        _ => {
            skipped("TENANTPROOF_LAB_DESTRUCTIBLE names no cluster that a test may break");
            None
        }
    }
}

impl Lab {
    fn open(context: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = ConnectOptions { kubeconfig: None, context: Some(context.to_owned()) };
        let connection = runtime.block_on(connect(&options)).unwrap_or_else(|e| panic!("lab {context}: {e}"));
        Self { context: context.to_owned(), client: connection.client, server: connection.server, runtime }
    }

    /// Waits for a future of the Kubernetes client.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Applies manifests: several YAML documents, namespaces before what is in them.
    pub(crate) fn apply(&self, manifests: &str) {
        for document in manifests.split("\n---\n").filter(|document| !document.trim().is_empty()) {
            let value: serde_json::Value =
                serde_saphyr::from_str(document).unwrap_or_else(|e| panic!("{e} in\n{document}"));
            let (api, name) = self.api_of(&value);
            let force = PatchParams::apply("tenantproof-tests").force();
            self.wait(api.patch(&name, &force, &Patch::Apply(&value))).unwrap_or_else(|e| panic!("{e} in\n{document}"));
        }
    }

    /// Deletes an object, given like `NetworkPolicy.networking.k8s.io/v1`, namespace and name.
    pub(crate) fn delete(&self, api_version: &str, kind: &str, namespace: &str, name: &str) {
        let value = serde_json::json!({
            "apiVersion": api_version, "kind": kind, "metadata": {"namespace": namespace, "name": name},
        });
        let (api, name) = self.api_of(&value);
        self.wait(api.delete(&name, &kube::api::DeleteParams::default())).unwrap();
    }

    /// A kubeconfig that acts as somebody without any right of its own. Credentials are written out only into
    /// a private temporary file.
    pub(crate) fn kubeconfig_of(&self, user: &str) -> NamedTempFile {
        let mut kubeconfig = Kubeconfig::read().unwrap();
        kubeconfig.current_context = Some(self.context.clone());
        for auth in &mut kubeconfig.auth_infos {
            if let Some(auth) = &mut auth.auth_info {
                auth.impersonate = Some(user.to_owned());
            }
        }
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), serde_json::to_string(&kubeconfig).unwrap()).unwrap();
        file
    }

    /// Breaks a fence.
    pub(crate) fn break_fence(&self, sabotage: &Sabotage) {
        eprintln!("{}: {}", self.context, sabotage.description);
        if let Some(policy) = &sabotage.broken {
            self.put(policy);
        } else {
            let name = &sabotage.whole.metadata.name.clone().unwrap();
            self.wait(self.policies(&sabotage.whole).delete(name, &kube::api::DeleteParams::default())).unwrap();
        }
    }

    /// Puts a broken fence back, whatever became of it.
    pub(crate) fn mend_fence(&self, sabotage: &Sabotage) {
        self.put(&sabotage.whole);
    }

    /// Replaces a policy as a whole, or makes it: what is not in it is gone, unlike with [`Lab::apply`].
    fn put(&self, policy: &NetworkPolicy) {
        let api = self.policies(policy);
        let plainly = PostParams::default();
        let name = policy.metadata.name.as_deref().unwrap();
        match self.wait(api.replace(name, &plainly, policy)) {
            Err(kube::Error::Api(status)) if status.code == 404 => {
                self.wait(api.create(&plainly, policy)).unwrap();
            }
            outcome => {
                outcome.unwrap();
            }
        }
    }

    /// All objects of a kind in a namespace, in the order of their names.
    pub(crate) fn list<K>(&self, namespace: &str) -> Vec<K>
    where
        K: kube::Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), namespace);
        self.wait(api.list(&ListParams::default())).unwrap().items
    }

    /// All objects of a kind in the whole cluster.
    pub(crate) fn list_all<K>(&self) -> Vec<K>
    where
        K: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
    {
        let api: Api<K> = Api::all(self.client.clone());
        self.wait(api.list(&ListParams::default())).unwrap().items
    }

    /// The names of all objects of a kind in the whole cluster that have this label.
    pub(crate) fn names_of<K>(&self, label: &str) -> Vec<String>
    where
        K: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
    {
        let api: Api<K> = Api::all(self.client.clone());
        let list = self.wait(api.list(&ListParams::default().labels(label))).unwrap();
        list.items.iter().map(|object| format!("{} {}", K::kind(&()), object.name_any())).collect()
    }

    fn policies(&self, policy: &NetworkPolicy) -> Api<NetworkPolicy> {
        Api::namespaced(self.client.clone(), policy.metadata.namespace.as_deref().unwrap())
    }

    fn api_of(&self, value: &serde_json::Value) -> (Api<DynamicObject>, String) {
        let text = |pointer: &str| value.pointer(pointer).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        let api_version = text("/apiVersion");
        let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &text("/kind")));
        let namespace = text("/metadata/namespace");
        let api = if namespace.is_empty() {
            Api::all_with(self.client.clone(), &kind)
        } else {
            Api::namespaced_with(self.client.clone(), &namespace, &kind)
        };
        (api, text("/metadata/name"))
    }

    /// Prepares a run of the program with this tenancy.
    pub(crate) fn run(&self, tenancy: &str) -> Run {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("tenancy.yaml"), tenancy).unwrap();
        Run {
            context: self.context.clone(),
            folder,
            program: "run",
            families: &["network"],
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }
}

/// A run of the program, in a folder of its own.
pub(crate) struct Run {
    context: String,
    folder: TempDir,
    program: &'static str,
    families: &'static [&'static str],
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

/// What a run came to.
pub(crate) struct Ended {
    /// Its exit code; -1 where it was killed.
    pub(crate) code: i32,
    /// Standard output and standard error.
    pub(crate) text: String,
    /// Its record, where it left one.
    pub(crate) record: Option<RunRecord>,
    folder: TempDir,
}

impl Run {
    /// These families in place of the network's; none for all that there are.
    pub(crate) fn families(mut self, families: &'static [&'static str]) -> Self {
        self.families = families;
        self
    }

    /// Another command of the program, with the same arguments.
    pub(crate) fn command_is(mut self, command: &'static str) -> Self {
        self.program = command;
        self
    }

    /// One more argument.
    pub(crate) fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|a| (*a).to_owned()));
        self
    }

    /// One more variable of its environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The folder of its reports.
    pub(crate) fn reports(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// The program, ready to be started.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantproof"));
        command
            .arg(self.program)
            .arg(self.folder.path().join("tenancy.yaml"))
            .args(["--context", &self.context, "--out"])
            .arg(self.reports())
            .args(self.families.iter().flat_map(|family| ["--family", family]))
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs to the end.
    pub(crate) fn end(self) -> Ended {
        let output = self.command().output().unwrap();
        self.ended(&output)
    }

    /// Reads what a started run came to.
    pub(crate) fn ended(self, output: &Output) -> Ended {
        let record = std::fs::read(self.reports().join("run.json")).ok();
        Ended {
            code: output.status.code().unwrap_or(-1),
            text: format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
            record: record.map(|bytes| serde_json::from_slice(&bytes).unwrap()),
            folder: self.folder,
        }
    }
}

impl Ended {
    /// Its record; panics with all that was printed where there is none.
    pub(crate) fn record(&self) -> &RunRecord {
        self.record.as_ref().unwrap_or_else(|| panic!("the run left no record (exit {}):\n{}", self.code, self.text))
    }

    /// A report that it left.
    pub(crate) fn report(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join("out").join(name)).unwrap()
    }

    /// Asserts the exit code, and shows everything where it is another.
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "the run should have ended with {code}:\n{}", self.text);
        self
    }
}

/// Waits until something holds, for a bounded time.
pub(crate) fn eventually(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + patience;
    while !holds() {
        assert!(std::time::Instant::now() < end, "{what} did not come about within {} s", patience.as_secs());
        std::thread::sleep(Duration::from_millis(300));
    }
}
