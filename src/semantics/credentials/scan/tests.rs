use std::collections::BTreeSet;

use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::super::canary::{self, Canary, Place};
use super::super::{base64, canary::of_each_kind};
use super::*;

const SALT: Salt = Salt::new([7; 32]);

fn scan(name: &str, text: &str) -> Vec<Found> {
    Scanner::new(&SALT).scan(&[Field { at: "data[x]".to_owned(), name, text }])
}

fn kinds(found: &[Found]) -> Vec<CredentialKind> {
    found.iter().map(|one| one.kind).collect()
}

/// A fake credential of a kind, drawn from these bytes.
fn fake(kind: CredentialKind, seed: u8) -> Canary {
    of_each_kind(&[seed; 32]).into_iter().find(|one| one.kind == kind).unwrap()
}

#[test]
fn each_kind_is_found_by_its_own_name_and_once() {
    for seed in 0..20 {
        for Canary { kind, name, text } in of_each_kind(&[seed; 32]) {
            let found = scan(name, &text);
            assert_eq!(kinds(&found), [kind], "{name}: {found:?}");
        }
    }
}

#[test]
fn each_canary_is_found_in_each_place_and_form_with_any_bytes() {
    let scanner = Scanner::new(&SALT);
    for seed in 0..10 {
        let canaries = of_each_kind(&[seed; 32]);
        let all: BTreeSet<_> = canaries.iter().map(|one| one.kind).collect();
        assert_eq!(all.len(), CredentialKind::ALL.len(), "there is a canary of each kind");
        for place in [Place::Pod, Place::ConfigMap, Place::Secret] {
            assert_eq!(canary::missed(&scanner, place, &canaries), Vec::<String>::new(), "{place:?}");
        }
    }
}

#[test]
fn a_canary_that_no_scanner_could_find_is_missed() {
    let blank =
        of_each_kind(&[1; 32]).into_iter().map(|one| Canary { text: "nothing".to_owned(), ..one }).collect::<Vec<_>>();
    let missed = canary::missed(&Scanner::new(&SALT), Place::Pod, &blank);
    assert!(missed.len() >= CredentialKind::ALL.len(), "{missed:?}");
}

#[test]
fn keys_of_a_session_are_temporary_and_so_is_the_secret_beside_them() {
    let secret = fake(CredentialKind::AwsSecretAccessKey, 3).text;
    let long = fake(CredentialKind::AwsAccessKeyId, 3).text;
    let short = format!("{}{}", "ASIA", &long[4..]);
    let of = |id: &str| {
        let text = format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
        scan("", &text).into_iter().map(|one| (one.kind, one.lasting)).collect::<BTreeSet<_>>()
    };
    let expected = |lasting| {
        BTreeSet::from([(CredentialKind::AwsAccessKeyId, lasting), (CredentialKind::AwsSecretAccessKey, lasting)])
    };
    assert_eq!(of(&long), expected(Lasting::LongLived));
    assert_eq!(of(&short), expected(Lasting::Temporary));
}

#[test]
fn an_aws_secret_needs_an_id_beside_it_or_a_name() {
    let secret = fake(CredentialKind::AwsSecretAccessKey, 5).text;
    assert_eq!(scan("checksum", &secret), []);
    let id = fake(CredentialKind::AwsAccessKeyId, 5).text;
    let fields =
        [("a", id.as_str()), ("b", secret.as_str())].map(|(name, text)| Field { at: name.to_owned(), name, text });
    let found = Scanner::new(&SALT).scan(&fields);
    assert_eq!(kinds(&found), [CredentialKind::AwsAccessKeyId, CredentialKind::AwsSecretAccessKey]);
}

#[test]
fn the_place_says_what_had_to_be_opened() {
    let token = fake(CredentialKind::GithubToken, 1).text;
    let json = json!({"ci": {"tokens": [token]}}).to_string();
    let places = |text: &str| scan("x", text).into_iter().map(|one| one.at).collect::<Vec<_>>();
    assert_eq!(places(&token), ["data[x]"]);
    assert_eq!(places(&json), ["data[x] > ci.tokens[0]"]);
    assert_eq!(places(&base64::encode(json.as_bytes())), ["data[x] > base64 > ci.tokens[0]"]);
    assert_eq!(places(&format!("A=1\nPASSWORD={}\n", "hunter22")), ["data[x] > PASSWORD"]);
    // A name that is itself the credential is not told.
    let named = json!({ token: 1 }).to_string();
    assert_eq!(places(&named), ["data[x]"]);
    let under = json!({"ghp": {fake(CredentialKind::GithubToken, 2).text: "AccountPassword=hunter22"}}).to_string();
    assert!(places(&under).iter().any(|at| at.contains("ghp.*")), "{:?}", places(&under));
}

/// AWS' and others' documented examples, and what fills in for a value.
#[rstest]
#[case("AWS_ACCESS_KEY_ID", &["AKIA", "IOSFODNN7EXAMPLE"].concat())]
#[case("AWS_SECRET_ACCESS_KEY", &["wJalrXUtnFEMI/K7MDENG/", "bPxRfiCYEXAMPLEKEY"].concat())]
#[case("DB_PASSWORD", "changeme")]
#[case("DB_PASSWORD", "${DB_PASSWORD}")]
#[case("DB_PASSWORD", "$(DB_PASSWORD)")]
#[case("DB_PASSWORD", "<from the vault>")]
#[case("API_KEY", "REDACTED")]
#[case("API_KEY", "xxxxxxxxxxxxxxxxxxxxxxxx")]
#[case("TOKEN", "{{ .Values.token }}")]
#[case("GITHUB_TOKEN", &format!("ghp_{}", "x".repeat(36)))]
#[case("DATABASE_URL", "postgres://app:changeme@db/app")]
#[case("DATABASE_URL", "postgres://app:$(DB_PASSWORD)@db/app")]
#[case("PASSWORD_FILE", "/run/secrets/password")]
#[case("DB_PASSWORD", "/run/secrets/db-password")]
#[case("DB_PASSWORD", "vault:secret/data/db#password")]
#[case("TOKEN_URL", "https://login.example.com/oauth2/token?tenant=a1B2c3D4e5F6g7H8")]
#[case("SECRET_NAME", "prod-database-credentials-v2")]
#[case("ALLOW_EMPTY_PASSWORD", "yes")]
#[case("API_KEY", "")]
fn a_placeholder_is_no_credential(#[case] name: &str, #[case] text: &str) {
    assert_eq!(scan(name, text), [], "{name}");
}

/// What is long and odd and no credential.
#[rstest]
#[case("id", "550e8400-e29b-41d4-a716-446655440000")]
#[case("request-token", "550e8400-e29b-41d4-a716-446655440000")]
#[case("checksum", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
#[case("commit", "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12")]
#[case("image", "registry.k8s.io/pause@sha256:278fb9dbcca9518083ad1e11276933a2e96f23de604a3a08cc3c80002767d24c")]
#[case("integrity", "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==")]
#[case("kubernetes.io/config.hash", "a6c1e1d9f0c44a6e8f2a3b9d5e7c1f20")]
#[case("pod-template-hash", "6d8f7c9b5d")]
#[case("ssh", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKnYH2sQF1y0c7B8WqJrU5l1E2h3T4z5R6v7X8b9Nm me@host")]
#[case("url", "https://example.com/a/b?x=1#y")]
#[case("nginx.conf", "server {\n  listen 8080;\n  location / { proxy_pass http://app:8080; }\n}\n")]
#[case("time", "2026-01-01T00:00:00Z")]
#[case("host", "postgres-primary.backend.svc.cluster.local:5432")]
fn what_is_only_odd_is_no_credential(#[case] name: &str, #[case] text: &str) {
    assert_eq!(scan(name, text), [], "{name}");
}

#[test]
fn certificates_and_pictures_are_no_credentials() {
    let body: Vec<String> = (0..20).map(|line| base64::encode(&[line; 48])).collect();
    for label in ["CERTIFICATE", "PUBLIC KEY", "CERTIFICATE REQUEST"] {
        let pem = format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", body.join("\n"));
        assert_eq!(scan("ca.crt", &pem), [], "{label}");
        assert_eq!(scan("ca", &base64::encode(pem.as_bytes())), [], "{label}");
    }
    let mut picture = vec![0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];
    picture.extend((0..4096_u32).map(|at| u8::try_from(at.wrapping_mul(2_654_435_761) >> 24).unwrap()));
    assert_eq!(scan("logo.png", &base64::encode(&picture)), []);
    assert_eq!(scan("logo", &format!("data:image/png;base64,{}", base64::encode(&picture))), []);
}

/// How a text may be wrapped.
fn wrapped(name: &str, text: &str, form: usize) -> String {
    let coded = |text: &str| base64::encode(text.as_bytes());
    match form {
        0 => text.to_owned(),
        1 => json!({ name: text }).to_string(),
        2 => format!("a:\n  {name}: {}\n", json!(text)),
        3 => coded(text),
        4 => coded(&coded(text)),
        5 => json!([{"name": name, "value": text}]).to_string(),
        6 => coded(&json!({ "config": {name: text} }).to_string()),
        7 => json!({ "inner": json!({ name: text }).to_string() }).to_string(),
        8 => json!({ text: name }).to_string(),
        _ => format!("# {text}\nother: 1\n{name}={text}\n"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is found, and however it was wrapped: the value is in no output, nor is its base64.
    #[test]
    fn no_output_ever_contains_a_value(seed in any::<[u8; 32]>(), form in 0_usize..10, at in 0_usize..15) {
        let Canary { name, text, .. } = of_each_kind(&seed).swap_remove(at);
        let wrapped = wrapped(name, &text, form);
        let found = Scanner::new(&SALT).scan(&[
            Field { at: "data[x]".to_owned(), name, text: &wrapped },
        ]);
        let output = format!("{found:?}{}", serde_json::to_string(&found).unwrap());
        for value in [text.as_str(), wrapped.as_str()] {
            prop_assert!(!output.contains(value));
            prop_assert!(!output.contains(&base64::encode(value.as_bytes())));
        }
        // No twelve characters of it either, but those that are the same in every credential of its kind.
        let other = of_each_kind(&[9; 32]).swap_remove(at).text;
        for part in text.as_bytes().windows(12).map(String::from_utf8_lossy) {
            prop_assert!(!output.contains(&*part) || other.contains(&*part), "{part}");
        }
    }

    /// Each value is found in every form but where it is itself a name: there it is found by its shape alone.
    #[test]
    fn what_is_planted_is_found(seed in any::<[u8; 32]>(), form in 0_usize..8, at in 0_usize..15) {
        let Canary { kind, name, text } = of_each_kind(&seed).swap_remove(at);
        let found = scan(name, &wrapped(name, &text, form));
        prop_assert!(found.iter().any(|one| one.kind == kind), "{kind:?} in form {form}: {found:?}");
    }

    #[test]
    fn no_text_is_too_odd(name in ".{0,40}", text in ".{0,400}") {
        let _ = scan(&name, &text);
    }
}
