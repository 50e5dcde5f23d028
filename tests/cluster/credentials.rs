//! Credentials in a tenant's objects: each planted one is found with its place and kind, none is shown
//! anywhere, and once they are gone the run is content.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::json;
use tenantproof::families::credentials::fences::sabotages;
use tenantproof::model::{Namespace, Verdict};
use tenantproof::semantics::credentials::CredentialKind;
use tenantproof::semantics::credentials::canary::{Canary, of_each_kind};

use super::support::{Ended, Lab, Story, bare_pod, eventually, expect_nothing_left, first_lab};

/// Fake credentials of a test's own: no two runs of it plant the same.
fn fakes() -> (Vec<Canary>, [u8; 32]) {
    let seed = format!("{:?}{}", std::time::SystemTime::now(), std::process::id());
    let mut random = [0; 32];
    for (at, byte) in seed.bytes().enumerate() {
        random[at % 32] ^= byte.rotate_left(u32::try_from(at / 32).unwrap());
    }
    (of_each_kind(&random), random)
}

fn text(fakes: &[Canary], kind: CredentialKind) -> &str {
    &fakes.iter().find(|one| one.kind == kind).unwrap().text
}

/// Standard base64, by a way of its own.
fn base64(text: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut coded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0_usize, |bits, byte| (bits << 8) | usize::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            coded.push(if at <= chunk.len() { char::from(ALPHABET[(bits >> (18 - 6 * at)) & 63]) } else { '=' });
        }
    }
    coded
}

/// A run of the story that is told to say all that it can.
fn run(lab: &Lab, story: &Story<'_>, arguments: &[&str]) -> Ended {
    lab.run(&story.tenancy())
        .families(&["credentials"])
        .with(&["-vv", "--nodes", "1", "--attempts", "1"])
        .with(arguments)
        .end()
}

/// The verdicts of a check, by tenant.
fn verdicts<'a>(ended: &'a Ended, check: &str) -> BTreeSet<(&'a str, Verdict)> {
    let results = ended.record().results.iter().filter(|one| one.case.check.as_str() == check);
    results.map(|one| (one.case.from.as_str(), one.judgement.verdict)).collect()
}

/// Asserts that a case of this check and tenant failed and names all of this.
fn expect_named(ended: &Ended, check: &str, tenant: &str, words: &[&str]) {
    let results = &ended.record().results;
    let result =
        results.iter().find(|one| one.case.check.as_str() == check && one.case.from.as_str() == tenant).unwrap();
    assert_eq!(result.judgement.verdict, Verdict::Fail, "{check} of {tenant}: {}", result.judgement.reason);
    let observed = serde_json::to_string(&ended.record().observations).unwrap();
    for word in words {
        assert!(
            result.judgement.reason.contains(word) || observed.contains(word),
            "{check} of {tenant} should name {word:?}: {}",
            result.judgement.reason
        );
    }
}

/// Asserts that no output of a run has any of these values, plain or in base64, whole or by a long part.
fn expect_unsaid(ended: &Ended, values: &[&str]) {
    let outputs = [
        ("run.json", ended.report("run.json")),
        ("junit.xml", ended.report("junit.xml")),
        ("summary.md", ended.report("summary.md")),
        ("the terminal and the log", ended.text.clone()),
    ];
    for (name, output) in &outputs {
        assert!(output.len() > 100, "{name} should not be empty");
        for value in values {
            let secret = &value[value.len().saturating_sub(16)..];
            for form in [(*value).to_owned(), base64(value), base64(&base64(value)), secret.to_owned()] {
                assert!(!output.contains(&form), "{name} shows a planted value");
            }
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story: planted, found, shown nowhere, removed")]
fn planted_credentials_are_found_by_place_and_kind_and_shown_nowhere_and_gone_once_they_are_removed() {
    use CredentialKind as Kind;
    if let Some(lab) = first_lab() {
        let story = Story::new(&lab, "credentials");
        let Story { a, b, shared, .. } = &story;
        let (fakes, random) = fakes();

        let clean = run(&lab, &story, &[]).expect_code(0);
        for check in ["credentials.pods", "credentials.config-maps", "credentials.tokens.unneeded"] {
            let all = ["a", "b", "shared"].map(|tenant| (tenant, Verdict::Pass));
            assert_eq!(verdicts(&clean, check), BTreeSet::from(all), "{check}");
        }
        let skipped = ["a", "b", "shared"].map(|tenant| (tenant, Verdict::Skipped));
        assert_eq!(verdicts(&clean, "credentials.secrets"), BTreeSet::from(skipped));

        // In a: what the family's own fences plant, and a document in base64.
        let sabotage = sabotages(&[Namespace::new(a.as_str())], &random).swap_remove(0);
        lab.apply(&serde_json::to_string(&sabotage.planted).unwrap());
        let document = json!({"ci": {"token": text(&fakes, Kind::GithubToken)}}).to_string();
        lab.apply(&config_map(a, "nested", &json!({"settings.b64": base64(&document)})));
        // In b: a pod's environment, arguments and annotations.
        let pod = bare_pod(b, "holder", "{app: holder}", "").replacen(
            "containers: [{name: pause,",
            &format!(
                "containers: [{{name: pause, env: [{{name: STRIPE, value: '{}'}}], args: ['--db', '{}'],",
                text(&fakes, Kind::StripeKey),
                text(&fakes, Kind::UrlPassword),
            ),
            1,
        );
        let annotated = format!("annotations: {{note: '{}'}}, labels:", text(&fakes, Kind::GitlabToken));
        lab.apply(&pod.replacen("labels:", &annotated, 1));
        // In the shared part: a Secret with a key and a password, a Secret for a token, a pod with one.
        lab.apply(&secret(
            shared,
            "keys",
            "Opaque",
            &json!({
                "azure": text(&fakes, Kind::AzureConnectionString), "password": text(&fakes, Kind::NamedSecret),
            }),
        ));
        lab.apply(&format!(
            "{{apiVersion: v1, kind: Secret, metadata: {{namespace: {shared}, name: forever, \
             annotations: {{kubernetes.io/service-account.name: default}}}}, type: kubernetes.io/service-account-token}}"
        ));
        lab.apply(&bare_pod(shared, "tokened", "{app: tokened}", "").replacen(
            "automountServiceAccountToken: false",
            "automountServiceAccountToken: true",
            1,
        ));

        let planted = run(&lab, &story, &["--read-secrets"]).expect_code(1);
        expect_named(
            &planted,
            "credentials.config-maps",
            "a",
            &[
                "tenantproof-planted",
                "data[AWS_ACCESS_KEY_ID]",
                "an AWS access key id",
                "nested",
                "data[settings.b64] > base64 > ci.token",
                "a GitHub token",
                "fingerprint",
            ],
        );
        let pod = format!("Pod {b}/holder");
        expect_named(
            &planted,
            "credentials.pods",
            "b",
            &[
                &pod,
                "spec.containers[pause].env[STRIPE].value",
                "a Stripe key",
                "spec.containers[pause].args[1]",
                "a password in a URL",
                "metadata.annotations[note]",
                "a GitLab token",
            ],
        );
        expect_named(&planted, "credentials.secrets", "shared", &["keys", "data[azure]", "an Azure account key"]);
        expect_named(&planted, "credentials.tokens.unneeded", "shared", &["tokened", "default"]);
        expect_named(&planted, "credentials.tokens.secrets", "shared", &["forever"]);
        let unknown = verdicts(&planted, "credentials.tokens.lifetime");
        assert!(
            unknown.contains(&("shared", Verdict::Inconclusive)),
            "the default's lifetime is in no object: {unknown:?}"
        );
        let failed: Vec<_> =
            planted.record().results.iter().filter(|one| one.judgement.verdict == Verdict::Fail).collect();
        assert_eq!(failed.len(), 5, "nothing else should be accused: {failed:#?}");

        let mut values: Vec<&str> = fakes.iter().map(|one| one.text.as_str()).collect();
        values.push(sabotage.planted.data.iter().flatten().next().unwrap().1);
        expect_unsaid(&planted, &values);
        assert!(planted.report("run.json").contains("fingerprint"));

        for (kind, namespace, name) in [
            ("ConfigMap", a, "tenantproof-planted"),
            ("ConfigMap", a, "nested"),
            ("Pod", b, "holder"),
            ("Secret", shared, "keys"),
            ("Secret", shared, "forever"),
            ("Pod", shared, "tokened"),
        ] {
            lab.delete("v1", kind, namespace, name);
        }
        for (namespace, name) in [(b, "holder"), (shared, "tokened")] {
            let pods: Api<Pod> = Api::namespaced(lab.client.clone(), namespace);
            eventually("the end of a pod", Duration::from_secs(60), || {
                matches!(lab.wait(pods.get_opt(name)), Ok(None))
            });
        }
        let whole = run(&lab, &story, &["--read-secrets"]).expect_code(0);
        assert!(whole.record().findings.is_empty(), "with everything taken away nobody should be accused");
        let all = ["a", "b", "shared"].map(|tenant| (tenant, Verdict::Pass));
        assert_eq!(verdicts(&whole, "credentials.secrets"), BTreeSet::from(all));
        expect_unsaid(&whole, &values);
        expect_nothing_left(&lab, &[a, b, shared], &[&clean, &planted, &whole]);
    }
}

fn config_map(namespace: &str, name: &str, data: &serde_json::Value) -> String {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": namespace, "name": name}, "data": data})
        .to_string()
}

fn secret(namespace: &str, name: &str, kind: &str, data: &serde_json::Value) -> String {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": {"namespace": namespace, "name": name},
        "stringData": data,
    })
    .to_string()
}
