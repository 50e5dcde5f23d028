//! What is wrong before anything was made: exit 2, the thing by name, and what to do.

use std::time::{Duration, Instant};

use rstest::rstest;
use tenantproof::run::{RunRecord, RunStatus};

use super::api::{self, Api};
use super::scene::{Scene, TENANCY, flat, kubeconfig};

/// What is wrong before anything was made: exit 2, the thing by name, and what to do.
#[rstest]
#[case::no_kubeconfig(&[], "", &["run"], &["no kubeconfig was found", "--kubeconfig"])]
#[case::kubeconfig_named_and_absent(&[], "", &["run", "--kubeconfig", "nowhere"], &["nowhere", "can't be used"])]
#[case::kubeconfig_malformed(&[("kc", "{")], "", &["run", "--kubeconfig", "kc"], &["kc can't be used"])]
#[case::unknown_context(
    &[("kc", "here")], "", &["run", "--kubeconfig", "kc", "--context", "heer"], &["no context `heer`", "did you mean `here`?"]
)]
#[case::unreachable(
    &[("kc", "http://127.0.0.1:1")], "", &["run", "--kubeconfig", "kc"], &["127.0.0.1:1", "does not answer", "nothing was created"]
)]
#[case::tenancy_absent(&[], "", &["run", "no.yaml"], &["no.yaml can't be read", "tenantproof init"])]
#[case::tenancy_is_a_folder(&[], "", &["run", "."], &["it is a folder"])]
#[case::tenancy_empty(&[], "empty", &["run"], &["tenancy.yaml:1:1", "tenantproof init"])]
#[case::tenancy_not_utf8(&[], "binary", &["run"], &["tenancy.yaml:2:", "UTF-8"])]
#[case::tenancy_duplicate_key(&[], "twice", &["run"], &["tenancy.yaml:4:1", "name"])]
#[case::tenancy_huge(&[], "huge", &["run"], &["tenancy.yaml:1:1", "at most 4194304"])]
#[case::tenancy_misspelt(&[], "misspelt", &["run"], &["tenancy.yaml:5:", "namespaces"])]
#[case::tenancy_of_one_key(&[], "one key", &["run"], &["tenancy.yaml:1:1", "apiVersion"])]
#[case::suite_absent(&[], "", &["run", "--suite", "own.yaml"], &["own.yaml can't be read"])]
#[case::suite_not_one(&[("s.yaml", "a: b\n")], "", &["run", "--suite", "s.yaml"], &["s.yaml:1:1", "apiVersion"])]
#[case::unknown_family(&[], "", &["run", "--family", "netwrok"], &["no family `netwrok`", "did you mean `network`?"])]
#[case::unknown_check_to_run(&[], "", &["run", "--check", "network.flow.pdo"], &["no check `network.flow.pdo`", "`network.flow.pod`?"])]
#[case::unknown_tenant(&[], "", &["run", "--tenant", "nobody"], &["no tenant `nobody`", "the tenancy file names them"])]
#[case::unknown_flag(&[], "", &["run", "--sideways"], &["--sideways", "--help"])]
#[case::unknown_check(&[], "", &["checks", "network.cross-tenant.pdo"], &["did you mean `network.cross-tenant.pod`?"])]
#[case::unlike_any_check(&[], "", &["checks", "x"], &["there is no check `x`", "`tenantproof checks` lists them"])]
#[case::unknown_command(&[], "", &["prove"], &["prove", "--help"])]
#[case::out_of_range(&[], "", &["run", "--nodes", "0"], &["--nodes", "1..=16"])]
#[case::no_review_at_all(&[], "", &["run", "--max-reviews", "0"], &["--max-reviews", "1.."])]
#[case::no_such_shell(&[], "", &["completions", "tcsh"], &["tcsh", "bash"])]
#[case::no_case_named(&[], "", &["explain"], &["<CASE>", "--help"])]
#[case::no_record(&[], "", &["explain", "x"], &["reports/out/run.json can't be read", "tenantproof run"])]
#[case::not_a_record(
    &[("r", "{\"results\": 1}")], "", &["explain", "x", "--run", "r"], &["r is no record of a run", "tenantproof run"]
)]
#[case::no_manifests(&[], "", &["ask", "network", "nowhere"], &["nowhere can't be read"])]
#[case::no_manifest_in_it(&[("m/x.txt", "")], "", &["ask", "network", "m"], &["m has no .yaml, .yml or .json file"])]
#[case::manifest_malformed(
    &[("m/a.json", "{\"a\": "), ("m/b.yaml", "a: [")], "", &["ask", "network", "m"], &["m/a.json:1:", "m/b.yaml:"]
)]
#[case::draft_onto_a_file(
    &[("kc", "http://127.0.0.1:1")], "", &["init", "--kubeconfig", "kc", "-o", "tenancy.yaml"],
    &["tenancy.yaml can't be written: it is there already", "--output"]
)]
#[case::draft_without_a_server(
    &[("kc", "http://127.0.0.1:1")], "", &["init", "--kubeconfig", "kc"], &["127.0.0.1:1", "does not answer"]
)]
#[case::no_manifests_of_roles(&[], "", &["ask", "rbac", "nowhere"], &["nowhere can't be read"])]
#[case::audit_log_absent(&[], "", &["run", "--audit-log", "no.log"], &["the audit log no.log can't be read", "--audit-log-path"])]
#[case::audit_log_is_a_folder(&[], "", &["run", "--audit-log", "."], &["the audit log . can't be read"])]
#[case::audit_policy_absent(&[], "", &["run", "--audit-policy", "p"], &["p can't be read", "--audit-policy-file"])]
#[case::audit_policy_not_one(
    &[("p", "kind: Pod\napiVersion: v1\n")], "", &["run", "--audit-policy", "p"],
    &["the audit policy p can't be used", "it is a `Pod` of `v1`", "--audit-policy-file"]
)]
fn a_mistake_is_told_with_its_place_and_remedy(
    #[case] files: &[(&str, &str)],
    #[case] tenancy: &str,
    #[case] arguments: &[&str],
    #[case] told: &[&str],
) {
    let scene = Scene::new();
    for (name, content) in files {
        let content = match *content {
            "here" => kubeconfig("http://127.0.0.1:1"),
            server if server.starts_with("http") => kubeconfig(server),
            other => other.to_owned(),
        };
        let path = scene.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        scene.file(name, content.as_bytes());
    }
    match tenancy {
        "empty" => scene.file("tenancy.yaml", b""),
        "binary" => scene.file("tenancy.yaml", b"kind: Tenancy\nname: \xff\xfe\n"),
        "twice" => scene.file("tenancy.yaml", b"apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: a\nname: b\n"),
        "huge" => scene.file("tenancy.yaml", &b"# padding padding padding\n".repeat(200_000)),
        "one key" => scene.file("tenancy.yaml", b"name: t\n"),
        "misspelt" => scene.file("tenancy.yaml", TENANCY.replace("namespaces: [a]", "namspaces: [a]").as_bytes()),
        _ => {}
    }
    let (code, text) = scene.end(arguments);
    assert_eq!(code, 2, "usage and configuration end with 2:\n{text}");
    // Lines are wrapped for reading; the words count.
    let flat = flat(&text);
    for words in told {
        assert!(flat.contains(words), "it should tell `{words}`:\n{text}");
    }
    let remedies = ["help: ", "For more information, try '--help'", "did you mean", "Expected one of"];
    assert!(remedies.iter().any(|remedy| text.contains(remedy)), "it should tell what to do:\n{text}");
    assert!(!text.contains("╰─▶"), "what went wrong is one sentence, and not told twice:\n{text}");
    if let Ok(record) = std::fs::read(scene.0.path().join("reports/out/run.json")) {
        let record: RunRecord = serde_json::from_slice(&record).unwrap();
        assert_eq!(record.status, RunStatus::Aborted, "a run that did not begin leaves a record that says so");
        assert!(record.results.is_empty() && !record.warnings.is_empty() && record.exit_code() == 3, "{record:?}");
    }
}

#[rstest]
#[case::of_the_cluster(TENANCY)]
#[case::of_the_tenancy("kind: Tenancy")]
fn no_report_of_an_earlier_run_stays_where_a_run_does_not_begin(#[case] tenancy: &str) {
    let scene = Scene::new();
    scene.file("tenancy.yaml", tenancy.as_bytes());
    scene.file("kc", kubeconfig("http://127.0.0.1:1").as_bytes());
    std::fs::create_dir_all(scene.0.path().join("reports/out")).unwrap();
    for report in ["run.json", "junit.xml", "summary.md"] {
        scene.file(&format!("reports/out/{report}"), b"green");
    }
    let (code, text) = scene.end(&["run", "--kubeconfig", "kc"]);
    assert_eq!(code, 2, "{text}");
    let report = |name: &str| std::fs::read_to_string(scene.0.path().join("reports/out").join(name)).unwrap();
    assert!(report("junit.xml").contains("<error"), "{}", report("junit.xml"));
    assert!(report("run.json").contains("\"aborted\""), "{}", report("run.json"));
    assert!(!report("summary.md").contains("green"), "{}", report("summary.md"));
}

/// Ten seconds are given for all first answers together; the rest is for a machine that is busy.
#[rstest]
#[case::nothing_at_all(&[])]
#[case::its_version_alone(&["/version"])]
fn a_server_that_accepts_and_never_answers_is_given_up(#[case] answered: &'static [&'static str]) {
    let api = Api::answering(|_, path| answered.contains(&path).then(|| (200, api::VERSION.to_owned())));
    let scene = Scene::new();
    scene.file("kc", kubeconfig(&api.address).as_bytes());
    let begun = Instant::now();
    let (code, text) = scene.end(&["run", "--kubeconfig", "kc"]);
    assert_eq!(code, 2, "{text}");
    assert!(flat(&text).contains("says nothing for 10 s") && text.contains("help: "), "{text}");
    assert!(begun.elapsed() < Duration::from_secs(18), "it took {:?}", begun.elapsed());
}

#[test]
fn a_folder_for_reports_that_cannot_be_made_is_told_before_anything_runs() {
    let scene = Scene::new();
    scene.file("occupied", b"");
    let (code, text) = scene.end(&["run", "--out", "occupied/out"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("occupied/out"), "{text}");
}
