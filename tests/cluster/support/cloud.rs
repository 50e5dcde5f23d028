//! AWS' side of a lab: what two tenants of a test have there, how it is broken, and put back.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use serde_json::Value;

use super::lab::{eventually, skipped};
use super::story::Story;
use super::{Lab, Run};

/// What every program begins with: clients of the lab's own AWS side, and the cluster's name.
const PRELUDE: &str = "
import json
from stand_in import settings
cluster = settings.told('cluster')
s3, iam, eks = (settings.loopback_client(service) for service in ('s3', 'iam', 'eks'))
def association(namespace):
    return eks.list_pod_identity_associations(clusterName=cluster, namespace=namespace)['associations']
def text(*statements):
    return json.dumps({'Version': '2012-10-17', 'Statement': statements})
def role(namespace):
    return f'arn:aws:iam::{settings.account}:role/{namespace}-app'
def policy(role, *statements):
    iam.put_role_policy(RoleName=role, PolicyName='own-bucket', PolicyDocument=text(*statements))
def bucket_policy(namespace, principal):
    s3.put_bucket_policy(Bucket=namespace + '-data', Policy=text({'Effect': 'Allow', 'Principal': {'AWS': principal},
        'Action': 's3:GetObject', 'Resource': f'arn:aws:s3:::{namespace}-data/*'}))
def trust_anybody(namespace):
    iam.update_assume_role_policy(RoleName=namespace + '-app', PolicyDocument=text({'Effect': 'Allow',
        'Principal': {'Service': 'pods.eks.amazonaws.com'}, 'Action': ['sts:AssumeRole', 'sts:TagSession']}))
def change(namespace, **changes):
    for found in association(namespace):
        eks.update_pod_identity_association(clusterName=cluster, associationId=found['associationId'], **changes)
def dissociate(namespace):
    for found in association(namespace):
        eks.delete_pod_identity_association(clusterName=cluster, associationId=found['associationId'])
";

/// What takes a test's part of AWS away again.
const REMOVE: &str = "
for namespace in namespaces:
    dissociate(namespace)
    iam.delete_role_policy(RoleName=namespace + '-app', PolicyName='own-bucket')
    iam.delete_role(RoleName=namespace + '-app')
    bucket = namespace + '-data'
    s3.delete_bucket_policy(Bucket=bucket)
    for item in s3.list_objects_v2(Bucket=bucket).get('Contents', []):
        s3.delete_object(Bucket=bucket, Key=item['Key'])
    s3.delete_bucket(Bucket=bucket)
";

/// What the tenants a and b of a story have in AWS: each a bucket, a role that reaches it and nothing else, and an
/// association of the service account `app`. It is removed at the end.
pub(crate) struct Cloud<'a> {
    lab: &'a Lab,
    namespaces: [String; 2],
}

impl<'a> Cloud<'a> {
    /// Makes it; `None`, and said so, where the lab has no AWS side.
    pub(crate) fn new(lab: &'a Lab, story: &Story<'_>) -> Option<Self> {
        let name = container(lab);
        let running = Command::new("docker").args(["inspect", "-f", "{{.State.Running}}", &name]).output().unwrap();
        if running.stdout != b"true\n" {
            skipped(&format!("{} has no AWS side; `kind-configs/lab up --aws` makes a lab with one", lab.context));
            return None;
        }
        let cloud = Self { lab, namespaces: [story.a.clone(), story.b.clone()] };
        for namespace in &cloud.namespaces {
            lab.apply(&format!(
                "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: app, namespace: {namespace}}}\n\
                 automountServiceAccountToken: false\n"
            ));
        }
        cloud.mend();
        Some(cloud)
    }

    /// The tenancy of the story, with what its tenants reach.
    pub(crate) fn tenancy(&self, story: &Story<'_>) -> String {
        let mut text = story.tenancy();
        for (tenant, namespace) in ["a", "b"].iter().zip(&self.namespaces) {
            let begins = format!("- id: {tenant}\n");
            let cloud = format!(
                "{begins}  cloud: {{serviceAccounts: [{{name: app}}], buckets: [{{name: {namespace}-data}}]}}\n"
            );
            text = text.replacen(&begins, &cloud, 1);
        }
        text
    }

    /// The run, which also asks AWS what it tells of the cluster's roles and the tenants' buckets.
    pub(crate) fn asked(&self, run: Run) -> Run {
        let name = self.lab.context.trim_start_matches("kind-");
        let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("kind-configs/lab");
        let status = Command::new(lab).args(["status", "--name", name, "--json"]).output().unwrap();
        let status: Value = serde_json::from_slice(&status.stdout).unwrap();
        let told = |key: &str| status["labs"][0]["aws"][key].as_str().unwrap().to_owned();
        run.with(&["--eks-cluster", &told("cluster"), "--expect-account", &told("account")])
            .env("AWS_ENDPOINT_URL", &told("endpoint"))
            .env("AWS_REGION", &told("region"))
            .env("AWS_SHARED_CREDENTIALS_FILE", &told("credentials"))
            .env("AWS_EC2_METADATA_DISABLED", "true")
    }

    /// Puts everything back to what it should be, and waits until the cluster knows.
    pub(crate) fn mend(&self) {
        let story = Path::new(env!("CARGO_MANIFEST_DIR")).join("kind-configs/story/aws/cloud.py");
        let program = std::fs::read_to_string(story).unwrap();
        let [a, b] = &self.namespaces;
        self.python(&program, &[&format!("{a}=a"), &format!("{b}=b")]);
        for namespace in &self.namespaces {
            self.until_known(namespace, "app", true);
            self.until_known(namespace, "default", false);
        }
    }

    /// Breaks something: a few lines of Python, in which `a` and `b` are the tenants' namespaces, `iam`, `s3` and `eks`
    /// clients.
    pub(crate) fn broken(&self, lines: &str) -> Mended<'_, 'a> {
        let [a, b] = &self.namespaces;
        self.python(&format!("{PRELUDE}\na, b = '{a}', '{b}'\n{lines}\n"), &[]);
        Mended(self)
    }

    /// Waits until pods under a service account get credentials, or get none.
    pub(crate) fn until_known(&self, namespace: &str, account: &str, is: bool) {
        let maps: Api<ConfigMap> = Api::namespaced(self.lab.client.clone(), "kube-system");
        let key = format!("{namespace}.{account}");
        eventually(&format!("the cluster's knowledge of {key}"), Duration::from_secs(60), || {
            let map = self.lab.wait(maps.get("eks-pod-identity")).unwrap();
            map.data.unwrap_or_default().contains_key(&key) == is
        });
    }

    fn python(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new("docker");
        command.args(["exec", "-i", &container(self.lab), "python3", "-"]).args(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{program}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Cloud<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let [a, b] = &self.namespaces;
            self.python(&format!("{PRELUDE}\nnamespaces = ['{a}', '{b}']\n{REMOVE}"), &[]);
        }
    }
}

/// Something is broken until this is dropped.
pub(crate) struct Mended<'c, 'a>(&'c Cloud<'a>);

impl Drop for Mended<'_, '_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.mend();
        }
    }
}

fn container(lab: &Lab) -> String {
    format!("{}-aws", lab.context.trim_start_matches("kind-"))
}
