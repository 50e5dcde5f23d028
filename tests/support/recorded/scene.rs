//! The program in a folder of its own, with a cluster and credentials of AWS that open nothing.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tenantproof::families::CaseResult;
use tenantproof::model::Verdict;
use tenantproof::run::RunRecord;

/// What begins with it must never be seen again.
pub(crate) const PLANTED: &str = "planted";

/// A folder with a tenancy, and the environment that the program has.
pub(crate) struct Scene {
    pub(crate) folder: TempDir,
    environment: BTreeMap<String, String>,
}

/// What a run came to.
pub(crate) struct Ended {
    pub(crate) code: i32,
    /// Standard output and standard error.
    pub(crate) text: String,
    /// What it wrote into `run.json`.
    pub(crate) json: String,
}

impl Scene {
    /// A tenancy of two tenants that promises this of their record, on the cluster at this address.
    pub(crate) fn new(server: &str, promised: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let tenancy = format!(
            "apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: t\ntenants:\n- {{id: a, namespaces: [a]}}\n\
             - {{id: b, namespaces: [b]}}\naudit: {{{promised}}}\n"
        );
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: here\nclusters:\n- name: c\n  cluster: {{server: \"{server}\"}}\n\
             users:\n- {{name: u, user: {{token: t}}}}\ncontexts:\n- {{name: here, context: {{cluster: c, user: u}}}}\n"
        );
        std::fs::write(folder.path().join("tenancy.yaml"), tenancy).unwrap();
        std::fs::write(folder.path().join("kubeconfig"), kubeconfig).unwrap();
        Self { folder, environment: BTreeMap::new() }.with("AWS_EC2_METADATA_DISABLED", "true")
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With credentials and a region, and CloudWatch Logs at this address.
    #[allow(dead_code, reason = "not every test asks AWS")]
    pub(crate) fn on_aws(self, address: &str) -> Self {
        self.with("AWS_ACCESS_KEY_ID", &format!("{PLANTED}-id"))
            .with("AWS_SECRET_ACCESS_KEY", &format!("{PLANTED}-key"))
            .with("AWS_SESSION_TOKEN", &format!("{PLANTED}-token"))
            .with("AWS_REGION", "eu-central-1")
            .with("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", address)
    }

    #[allow(dead_code, reason = "not every test needs a file more")]
    pub(crate) fn file(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// A run of the audit family.
    pub(crate) fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantproof"));
        command
            .args([
                "run",
                "--kubeconfig",
                "kubeconfig",
                "--out",
                "out",
                "--priority-class",
                "theirs",
                "--family",
                "audit",
            ])
            .args(more)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("LANG", "C.UTF-8")
            .envs(&self.environment)
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn end(&self, more: &[&str]) -> Ended {
        let output = self.command(more).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let json = std::fs::read_to_string(self.folder.path().join("out/run.json")).unwrap_or_default();
        let ended =
            Ended { code: output.status.code().unwrap_or(-1), text: String::from_utf8_lossy(&text).into_owned(), json };
        assert!(
            !ended.text.contains(PLANTED) && !ended.json.contains(PLANTED),
            "a credential is shown:\n{}",
            ended.text
        );
        ended
    }
}

impl Ended {
    pub(crate) fn record(&self) -> RunRecord {
        serde_json::from_str(&self.json).unwrap_or_else(|error| panic!("{error}:\n{}", self.text))
    }

    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.text);
        self
    }

    /// The results of a check.
    pub(crate) fn of(&self, check: &str) -> Vec<CaseResult> {
        let of = self.record().results.into_iter().filter(|one| one.case.check.as_str() == check);
        let of: Vec<_> = of.collect();
        assert!(!of.is_empty(), "{check} has no case:\n{}", self.text);
        of
    }

    /// That all cases of a check came to this, of this kind.
    pub(crate) fn expect(&self, check: &str, verdict: Verdict, kind: &str) {
        for one in self.of(check) {
            let found = one.judgement.cause.as_ref().map_or("", |cause| cause.kind.as_str());
            assert_eq!((one.judgement.verdict, found), (verdict, kind), "{}: {}", one.case.id, one.judgement.reason);
        }
    }

    /// What was seen of the log.
    pub(crate) fn log(&self) -> serde_json::Value {
        self.record().observations["audit"]["log"].clone()
    }
}
