//! What a run does only where it is told to.

use std::sync::{Arc, Mutex};

use rstest::rstest;
use tenantproof::model::Verdict;
use tenantproof::run::RunRecord;

use super::api::{self, Api};
use super::scene::{Scene, kubeconfig};

/// Whoever does not say so has no Secret read: not one request is made for any.
#[test]
fn secrets_are_asked_for_only_where_the_run_is_told_to() {
    for (flag, asked) in [(&[][..], false), (&["--read-secrets"][..], true)] {
        let (api, requests) = Api::noting(&["a", "b", "kube-system"]);
        let scene = Scene::new();
        scene.file("kc", kubeconfig(&api.address).as_bytes());
        let run = ["run", "--kubeconfig", "kc", "--out", "out", "--priority-class", "theirs"];
        let (code, text) = scene.end(&[&run[..], flag].concat());
        assert_eq!(code, 3, "nothing could be made:\n{text}");
        let record: RunRecord =
            serde_json::from_slice(&std::fs::read(scene.0.path().join("out/run.json")).unwrap()).unwrap();
        let observed = record.observations.get("credentials").unwrap_or_else(|| panic!("not observed:\n{text}"));
        assert_eq!(observed["told_to_read_secrets"], asked);
        let requests = requests.lock().unwrap();
        let of_secrets: Vec<_> = requests.iter().filter(|request| request.contains("secrets")).collect();
        assert_eq!(!of_secrets.is_empty(), asked, "{of_secrets:?}");
        assert!(requests.iter().any(|request| request.contains("configmaps")), "{requests:?}");
        for request in of_secrets {
            assert!(request.starts_with("GET /api/v1/namespaces/"), "only in the tenancy's namespaces: {request}");
        }
    }
}

/// What begins as a token does, and is none.
const TOKENS: [(&str, &str); 2] =
    [("a", "eyJhbGciOiJub25l.planted-for-a.x"), ("b", "eyJhbGciOiJub25l.planted-for-b.x")];

/// A server that hands tokens out, and says them again wherever it can; it notes the head of each request.
fn talkative() -> (Api, Arc<Mutex<Vec<String>>>) {
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&heads);
    let api = Api::hearing(move |method, path, head| {
        noted.lock().unwrap().push(head.to_owned());
        let given = TOKENS
            .iter()
            .find(|(namespace, _)| path == format!("/api/v1/namespaces/{namespace}/serviceaccounts/default/token"));
        if let Some((_, token)) = given {
            return Some((201, format!(r#"{{"kind":"TokenRequest","status":{{"token":"{token}"}}}}"#)));
        }
        let Some((namespace, token)) = TOKENS.iter().find(|(_, token)| head.contains(token)) else {
            return Some(api::read_only(&["a", "b", "kube-system"], method, path));
        };
        Some(match path {
            "/apis/authentication.k8s.io/v1/selfsubjectreviews" => {
                let user = format!("system:serviceaccount:{namespace}:default");
                (201, format!(r#"{{"status":{{"userInfo":{{"username":"{user}"}}}}}}"#))
            }
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => {
                (201, format!(r#"{{"spec":{{}},"status":{{"allowed":false,"reason":"not with {token}"}}}}"#))
            }
            _ => (403, format!(r#"{{"kind":"Status","message":"forbidden: Bearer {token}","code":403}}"#)),
        })
    });
    (api, heads)
}

/// A token that a run was given is in nothing that it says or leaves, however much it is asked to say and whatever the
/// server echoes; and it is shown to the server with nothing of the runner's own.
#[rstest]
#[case::in_silence(&[], None)]
#[case::with_every_request(&["-vv"], None)]
#[case::with_all_that_can_be_logged(&[], Some("trace"))]
fn no_token_is_ever_shown(#[case] more: &[&str], #[case] log: Option<&str>) {
    let (api, heads) = talkative();
    let scene = Scene::new();
    scene.file("kc", kubeconfig(&api.address).as_bytes());
    let run = ["run", "--kubeconfig", "kc", "--out", "out", "--family", "rbac", "--request-tokens"];
    let mut command = scene.command(&[&run[..], more].concat());
    if let Some(log) = log {
        command.env("TENANTPROOF_LOG", log);
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let mut texts = vec![("standard output".to_owned(), output.stdout), ("standard error".to_owned(), output.stderr)];
    for entry in std::fs::read_dir(scene.0.path().join("out")).unwrap() {
        let path = entry.unwrap().path();
        texts.push((path.display().to_string(), std::fs::read(&path).unwrap()));
    }
    assert!(
        texts.len() >= 5,
        "all reports are looked into: {:?}",
        texts.iter().map(|(name, _)| name).collect::<Vec<_>>()
    );
    for (name, bytes) in &texts {
        let text = String::from_utf8_lossy(bytes);
        for word in ["eyJ", "planted-for"] {
            let line = text.lines().find(|line| line.contains(word));
            assert_eq!(line, None, "{name} shows a token");
        }
    }

    let record: RunRecord =
        serde_json::from_slice(&std::fs::read(scene.0.path().join("out/run.json")).unwrap()).unwrap();
    let seen = &record.observations["rbac"];
    assert_eq!(seen["tokens"].as_object().unwrap().len(), 2, "{}", seen["tokens"]);
    let tried = seen["tried"].as_object().unwrap();
    // Six requests in the other's namespace, four about the cluster, for each of two.
    assert_eq!(tried.len(), 20, "{:?}", tried.keys());
    assert!(tried.values().all(|one| one["message"] == "forbidden: Bearer …"), "{tried:?}");
    let of_tokens = record.results.iter().filter(|one| one.case.check.as_str().starts_with("rbac.token."));
    for result in of_tokens {
        assert_eq!(result.judgement.verdict, Verdict::Inconclusive, "{}", result.judgement.reason);
        assert_eq!(result.judgement.cause.as_ref().unwrap().kind, "other-author", "{}", result.judgement.reason);
    }

    let heads = heads.lock().unwrap();
    for head in heads.iter() {
        let line = head.lines().next().unwrap_or_default();
        let lower = head.to_ascii_lowercase();
        let as_tenant = head.contains("eyJ");
        let bearers = lower.lines().filter(|line| line.starts_with("authorization:")).count();
        assert_eq!(bearers, 1, "one credential for each request: {line}");
        assert!(!as_tenant || !lower.contains("impersonate"), "nobody's name is taken: {line}");
        assert!(!(as_tenant && line.contains("/token")), "the runner asks for tokens itself: {line}");
        if as_tenant && !line.contains("/self") {
            let harmless = line.contains("dryRun=All") || line.contains("tenantproof-token-");
            assert!(harmless, "a dry-run, or about what nothing is named like: {line}");
        }
    }
    assert_eq!(heads.iter().filter(|head| head.contains("/serviceaccounts/default/token")).count(), 2);
}

#[test]
fn tokens_are_asked_for_only_where_the_run_is_told_to() {
    let (api, heads) = talkative();
    let scene = Scene::new();
    scene.file("kc", kubeconfig(&api.address).as_bytes());
    let (code, text) = scene.end(&["run", "--kubeconfig", "kc", "--out", "out", "--family", "rbac"]);
    assert_eq!(code, 3, "{text}");
    let heads = heads.lock().unwrap();
    assert!(!heads.iter().any(|head| head.contains("/token") || head.contains("eyJ")), "{heads:?}");
    let record: RunRecord =
        serde_json::from_slice(&std::fs::read(scene.0.path().join("out/run.json")).unwrap()).unwrap();
    let of_tokens: Vec<_> =
        record.results.iter().filter(|one| one.case.check.as_str().starts_with("rbac.token.")).collect();
    assert_eq!(of_tokens.len(), 4);
    for result in of_tokens {
        assert_eq!(result.judgement.verdict, Verdict::Skipped, "{}", result.judgement.reason);
        assert!(result.judgement.reason.contains("--request-tokens"), "{}", result.judgement.reason);
    }
}
