//! Fake credentials of each kind, to see in each run that what should be found is found. They are made
//! from random bytes that somebody else has drawn: the same bytes make the same ones.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Container, EnvVar, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::kind::CredentialKind;
use super::objects::{self, SecretTexts};
use super::scan::Scanner;
use super::{base64, documents};

/// A fake credential.
pub struct Canary {
    /// Its kind.
    pub kind: CredentialKind,
    /// The name over it, as people write it.
    pub name: &'static str,
    /// The text that holds it.
    pub text: String,
}

/// Where canaries are put: in the same places as real ones are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A pod's environment, arguments and annotations.
    Pod,
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

/// One canary of each kind.
#[must_use]
pub fn of_each_kind(random: &[u8; 32]) -> Vec<Canary> {
    use CredentialKind as Kind;
    const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    const BASE62: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const DIGITS: &str = "0123456789";
    let mut draw = Draw { seed: random, drawn: 0 };
    // The end is fixed, so that none lacks a letter or a digit by chance.
    let mut word = |length: usize| draw.text(BASE62, length - 6) + "k7Zq2W";
    let pem = |body: &str| format!("-----BEGIN {0}-----\n{body}\n-----END {0}-----\n", "PRIVATE KEY");
    let token = |claims: &Json, signature: &str| {
        let part = |bytes: &[u8]| base64::encode(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_");
        let header = part(br#"{"alg":"RS256"}"#);
        format!("{header}.{}.{}", part(claims.to_string().as_bytes()), part(signature.as_bytes()))
    };
    let azure = base64::encode(word(64).as_bytes());
    let login = base64::encode(format!("canary:{}", word(24)).as_bytes());
    let gcp = json!({
        "type": "service_account", "project_id": "canary", "private_key": pem(&word(120)),
        "client_email": "canary@canary.invalid",
    });
    let mut all = vec![
        (Kind::AwsSecretAccessKey, "AWS_SECRET_ACCESS_KEY", word(40)),
        (Kind::AwsSessionToken, "AWS_SESSION_TOKEN", word(160)),
        (Kind::GcpServiceAccountKey, "GOOGLE_CREDENTIALS", gcp.to_string()),
        (
            Kind::AzureConnectionString,
            "AZURE_STORAGE_CONNECTION_STRING",
            format!(
                "DefaultEndpointsProtocol=https;AccountName=canary;AccountKey={azure};EndpointSuffix=canary.invalid"
            ),
        ),
        (Kind::GithubToken, "GITHUB_TOKEN", format!("ghp_{}", word(36))),
        (Kind::GitlabToken, "GITLAB_TOKEN", format!("glpat-{}", word(20))),
        (Kind::SlackToken, "SLACK_TOKEN", format!("xoxb-{}", word(40))),
        (Kind::StripeKey, "STRIPE_KEY", format!("sk_live_{}", word(24))),
        (Kind::PrivateKey, "TLS_KEY", pem(&word(120))),
        (
            Kind::ServiceAccountToken,
            "CLUSTER_TOKEN",
            token(&json!({"sub": "system:serviceaccount:canary:canary"}), &word(48)),
        ),
        (Kind::JsonWebToken, "JWT", token(&json!({"sub": "canary"}), &word(48))),
        (Kind::RegistryLogin, "DOCKER_CONFIG", json!({"auths": {"registry.invalid": {"auth": login}}}).to_string()),
        (Kind::UrlPassword, "DATABASE_URL", format!("postgres://app:{}@db.invalid/app", word(20))),
    ];
    // Nothing but its name and its looks gives it away: a digit behind every three letters looks drawn by lot
    // whatever the bytes are.
    let named = (0..8).map(|_| draw.text(LETTERS, 3) + &draw.text(DIGITS, 1)).collect();
    all.push((Kind::NamedSecret, "API_KEY", named));
    let id = draw.text(BASE32, 13) + "K7Q";
    all.insert(0, (Kind::AwsAccessKeyId, "AWS_ACCESS_KEY_ID", format!("{}{id}", "AKIA")));
    all.into_iter().map(|(kind, name, text)| Canary { kind, name, text }).collect()
}

/// Puts canaries into an object of this place and scans it: what was not found, each by its kind and the
/// form in which it was planted. Empty: the scanner works.
#[must_use]
pub fn missed(scanner: &Scanner<'_>, place: Place, canaries: &[Canary]) -> Vec<String> {
    let forms = match place {
        Place::Pod => BTreeMap::new(),
        Place::ConfigMap | Place::Secret => forms(canaries),
    };
    let mut fields: Vec<(String, CredentialKind)> = Vec::new();
    let mut note = |siblings: Vec<objects::Siblings<'_>>| {
        for siblings in siblings {
            fields.extend(scanner.scan(&siblings).into_iter().map(|found| (found.at, found.kind)));
        }
    };
    let plain: BTreeMap<String, String> = canaries.iter().map(|one| (one.name.to_owned(), one.text.clone())).collect();
    let data: BTreeMap<String, String> = plain
        .iter()
        .map(|(key, text)| (key.clone(), text.clone()))
        .chain(forms.iter().map(|(k, v)| ((*k).to_owned(), v.0.clone())))
        .collect();
    match place {
        Place::Pod => note(objects::of_pod(&pod(&plain))),
        Place::ConfigMap => note(objects::of_config_map(&config_map(data))),
        Place::Secret => {
            let data: BTreeMap<&String, String> =
                data.iter().map(|(key, text)| (key, base64::encode(text.as_bytes()))).collect();
            let secret = json!({"metadata": {"name": "canary"}, "type": "Opaque", "data": data});
            note(SecretTexts::of(&secret).fields());
        }
    }
    let mut missed = Vec::new();
    let mut expect = |kind: CredentialKind, at: &str, form: &str| {
        let there = |(field, found): &(String, CredentialKind)| *found == kind && field.starts_with(at);
        if !fields.iter().any(there) {
            missed.push(format!("{} {form}", kind.words()));
        }
    };
    let starts: &[&str] = match place {
        Place::Pod => &["spec.containers[canary].env[", "metadata.annotations[canary.invalid/"],
        Place::ConfigMap | Place::Secret => &["data["],
    };
    for one in canaries {
        for start in starts {
            expect(one.kind, &format!("{start}{}]", one.name), &format!("in {start}{}]", one.name));
        }
        if place == Place::Pod {
            expect(one.kind, "spec.containers[canary].args[", "in args");
        }
    }
    for (key, (_, kinds)) in &forms {
        for kind in kinds {
            expect(*kind, &format!("data[{key}]"), &format!("in data[{key}]"));
        }
    }
    missed
}

/// The forms in which people keep many at once, each with what is to be found in it.
fn forms(canaries: &[Canary]) -> BTreeMap<&'static str, (String, BTreeSet<CredentialKind>)> {
    let all: BTreeSet<CredentialKind> = canaries.iter().map(|one| one.kind).collect();
    // A document does not fit on a line.
    let on_lines =
        |one: &&Canary| !one.text.contains('\n') && matches!(documents::form(&one.text), documents::Form::Text);
    let lines: BTreeSet<CredentialKind> = canaries.iter().filter(on_lines).map(|one| one.kind).collect();
    let object: serde_json::Map<String, Json> =
        canaries.iter().map(|one| (one.name.to_owned(), Json::String(one.text.clone()))).collect();
    let nested = json!({"app": {"settings": object}}).to_string();
    let yaml: String =
        canaries.iter().map(|one| format!("  {}: {}\n", one.name, Json::String(one.text.clone()))).collect();
    let env: String =
        canaries.iter().filter(on_lines).map(|one| format!("export {}=\"{}\"\n", one.name, one.text)).collect();
    let ini: String = canaries.iter().filter(on_lines).map(|one| format!("{} = {}\n", one.name, one.text)).collect();
    let once = base64::encode(nested.as_bytes());
    let twice = base64::encode(base64::encode(env.as_bytes()).as_bytes());
    BTreeMap::from([
        ("settings.json", (nested, all.clone())),
        ("settings.yaml", (format!("# by hand\nsettings:\n{yaml}"), all.clone())),
        ("app.env", (env, lines.clone())),
        ("app.ini", (format!("[app]\n{ini}"), lines.clone())),
        ("once.b64", (once, all)),
        ("twice.b64", (twice, lines)),
    ])
}

fn pod(plain: &BTreeMap<String, String>) -> Pod {
    let env =
        plain.iter().map(|(name, text)| EnvVar { name: name.clone(), value: Some(text.clone()), value_from: None });
    let args =
        plain.iter().flat_map(|(name, text)| [format!("--{}", name.to_lowercase().replace('_', "-")), text.clone()]);
    let annotations = plain.iter().map(|(name, text)| (format!("canary.invalid/{name}"), text.clone())).collect();
    let container = Container {
        name: "canary".to_owned(),
        env: Some(env.collect()),
        args: Some(args.collect()),
        ..Container::default()
    };
    Pod {
        metadata: ObjectMeta { annotations: Some(annotations), ..ObjectMeta::default() },
        spec: Some(PodSpec { containers: vec![container], ..PodSpec::default() }),
        status: None,
    }
}

fn config_map(data: BTreeMap<String, String>) -> ConfigMap {
    let binary = BTreeMap::from([("picture".to_owned(), ByteString(vec![0xff, 0xd8]))]);
    ConfigMap { data: Some(data), binary_data: Some(binary), ..ConfigMap::default() }
}

/// Draws letters from random bytes, by hashing them with a count.
struct Draw<'a> {
    seed: &'a [u8; 32],
    drawn: u64,
}

impl Draw<'_> {
    fn text(&mut self, alphabet: &str, length: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let block = Sha256::new().chain_update(self.seed).chain_update(self.drawn.to_be_bytes()).finalize();
            self.drawn += 1;
            let left = length - text.len();
            // Some letters come a little more often than others: these are canaries, not keys.
            let drawn = block.iter().filter_map(|byte| letters.get(usize::from(*byte) % letters.len()));
            text.extend(drawn.take(left));
        }
        text
    }
}
