//! The program in a folder of its own.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use tenantproof::report::files::RUN_JSON;
use tenantproof::run::RunRecord;

pub(crate) const TENANCY: &str = "apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: t\ntenants:\n- {id: a, namespaces: [a]}\n- {id: b, namespaces: [b]}\n";
pub(crate) const POD: &[u8] =
    b"{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: a}, spec: {containers: []}}\n";
pub(crate) const ROLE_QUESTION: &[u8] = br#"{"subject": {"kind": "User", "name": "ann"}, "verb": "get", "apiGroup": "", "resource": "pods", "subresource": "", "namespace": "a", "name": ""}"#;
pub(crate) const QUESTION: &[u8] = br#"{"src": "a/p", "dst": "a/p", "protocol": "TCP", "port": 80}"#;

/// The program in an empty folder of its own, with no kubeconfig anywhere.
pub(crate) struct Scene(pub(crate) TempDir);

impl Scene {
    pub(crate) fn new() -> Self {
        let scene = Self(TempDir::new().unwrap());
        scene.file("tenancy.yaml", TENANCY.as_bytes());
        scene
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.path().join(name), bytes).unwrap();
    }

    /// The record of a sample run, as `run.json` here.
    pub(crate) fn record(&self) -> RunRecord {
        std::fs::copy(sample(), self.0.path().join("run.json")).unwrap();
        serde_json::from_slice(&std::fs::read(sample()).unwrap()).unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantproof"));
        self.furnish(command.args(arguments));
        command
    }

    /// In this folder, with an environment of its own.
    pub(crate) fn furnish(&self, command: &mut Command) {
        command.current_dir(self.0.path()).env_clear().env("HOME", self.0.path()).env("LANG", "C.UTF-8");
        command.stdin(Stdio::null());
    }

    pub(crate) fn end(&self, arguments: &[&str]) -> (i32, String) {
        let output: Output = self.command(arguments).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
    }
}

pub(crate) fn kubeconfig(server: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\nclusters:\n- name: c\n  cluster: {{server: \"{server}\"}}\n\
         users:\n- {{name: u, user: {{token: t}}}}\ncontexts:\n- {{name: here, context: {{cluster: c, user: u}}}}\n"
    )
}

pub(crate) fn sample() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/samples/leaking").join(RUN_JSON)
}

/// Words without the breaks of lines.
pub(crate) fn flat(text: &str) -> String {
    text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}
