//! The "never" list of ARCHITECTURE.md, checked by reading the imports.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// All Rust files below a folder of `src`, with their texts, tests within them left out.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    if root.with_extension("rs").is_file() {
        files.push(root.with_extension("rs"));
    }
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            (path, code.join("\n"))
        })
        .collect()
}

/// Asserts that no file below these folders has one of these words.
fn never(folders: &[&str], words: &[&str], why: &str) {
    for folder in folders {
        let files = sources(folder);
        assert!(!files.is_empty(), "src/{folder} has no files: the rule watches nothing");
        for (path, code) in files {
            for word in words {
                assert!(!code.contains(word), "{} has `{word}`: {why}", path.display());
            }
        }
    }
}

const IO: &[&str] = &[
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::process",
    "std::time::SystemTime",
    "std::time::Instant",
    "tokio::",
    "kube::",
    "aws_config",
    "aws_sdk",
    "aws_smithy",
    "crate::aws",
    "reqwest",
    "getrandom",
    "Timestamp::now",
    "std::env",
    "async fn",
];

#[test]
fn what_is_promised_planned_and_meant_does_no_io() {
    never(
        &["model", "tenancy", "suite", "plan", "semantics"],
        IO,
        "tenancy, suite, plan and semantics are pure: no I/O, no Kubernetes client, no clock, no random number",
    );
}

#[test]
fn planning_and_judging_in_a_family_do_no_io() {
    let mut judged = 0;
    for (path, code) in sources("families") {
        // `observe` is the only part of a family with I/O: a file or a folder.
        if path.with_extension("").iter().any(|part| part == "observe") {
            continue;
        }
        judged += 1;
        for word in IO.iter().chain(&["crate::cluster"]) {
            assert!(!code.contains(word), "{} has `{word}`, and only `observe` may do I/O", path.display());
        }
    }
    assert!(judged > 8, "the rule should watch the parts of the network family");
}

#[test]
fn a_report_never_asks_a_cluster_and_never_judges() {
    never(
        &["report"],
        &["crate::cluster", "crate::aws", "kube::", "crate::families::network", "crate::semantics"],
        "a report is written from the record alone",
    );
}

#[test]
fn reports_know_nothing_of_one_another() {
    let formats = ["junit", "json", "summary", "terminal"];
    for format in formats {
        for (path, code) in sources(&format!("report/{format}")) {
            for other in formats.iter().filter(|other| **other != format) {
                let uses = [format!("super::{other}"), format!("report::{other}")];
                for word in uses {
                    assert!(!code.contains(&word), "{} has `{word}`", path.display());
                }
            }
        }
    }
}

#[test]
fn arrows_point_one_way() {
    never(&["model"], &["crate::"], "the words depend on nothing");
    let up = ["crate::cli", "crate::run", "crate::report"];
    never(&["tenancy", "suite", "plan", "semantics", "families", "cluster", "aws"], &up, "arrows point one way");
    never(&["tenancy", "suite"], &["crate::plan", "crate::semantics", "crate::families"], "arrows point one way");
    never(&["semantics"], &["crate::families", "crate::cluster", "crate::suite"], "arrows point one way");
    never(&["cluster"], &["crate::families", "crate::suite", "crate::tenancy"], "the cluster side knows no family");
    let above = ["crate::families", "crate::suite", "crate::tenancy", "crate::plan", "crate::cluster", "kube::"];
    let sdk = ["aws_sdk", "aws_config", "aws_smithy", "aws_types"];
    never(&["cluster", "families", "run", "cli"], &sdk, "AWS is asked in `aws` alone");
    never(&["aws"], &above, "the AWS side knows no family and no Kubernetes client");
    never(&["run"], &["crate::cli", "crate::report"], "the runner does not know who listens");
}

#[test]
fn the_probe_knows_nothing_of_the_runner() {
    never(
        &["probe", "bin"],
        &[
            "kube",
            "k8s_openapi",
            "aws_",
            "crate::aws",
            "crate::cluster",
            "crate::families",
            "crate::semantics",
            "crate::run",
            "crate::plan",
        ],
        "the probe never links the Kubernetes side of the runner",
    );
}

#[test]
fn no_family_knows_another() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/families");
    let families: BTreeSet<String> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert!(families.contains("network"), "the network family is missing");
    for family in &families {
        for other in families.iter().filter(|other| *other != family) {
            never(&[&format!("families/{family}")], &[&format!("families::{other}")], "no family knows another");
        }
    }
}

#[test]
fn nothing_that_is_shipped_knows_that_a_lab_exists() {
    never(
        &[
            "model",
            "tenancy",
            "suite",
            "plan",
            "semantics",
            "families",
            "cluster",
            "aws",
            "run",
            "report",
            "probe",
            "cli",
        ],
        &["kind-tenantproof", "kindest", "ministack", "agnhost", "kind-configs"],
        "no module knows that a lab or a stand-in exists",
    );
}

#[test]
fn nothing_asks_for_exec_attach_port_forward_proxy_or_secrets() {
    never(
        &["cluster", "families", "run", "cli"],
        &["AttachParams", ".exec(", "portforward(", "Portforwarder", "core::v1::Secret", "pods/exec", "pods/attach"],
        "the runner needs no exec, attach, port-forward or proxy, and never a Secret as a type of its own",
    );
}

/// One attempt at exec and one at a Secret are made so that they must be on record, and others so that a tenant's own
/// token must be refused. Their names have the run's mark, so nothing can be there; tests beside them hold that. Here:
/// they are made in two places, and only where the run was given a log, or told to ask for tokens.
#[test]
fn what_must_be_on_record_or_refused_is_asked_for_by_names_that_nothing_has() {
    let mut places = BTreeSet::new();
    for folder in ["cluster", "families", "run", "cli", "plan"] {
        for (path, code) in sources(folder) {
            if code.contains("/exec?") || code.contains("(\"secrets\", namespace, mark)") {
                places.insert(path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let expected = ["audit/deed", "rbac/request"].map(|file| format!("src/families/{file}.rs"));
    assert_eq!(places, BTreeSet::from(expected));
    let observe = sources("families/audit").into_iter().find(|(path, _)| path.ends_with("observe/mod.rs")).unwrap().1;
    assert!(observe.contains("if !record.logs.is_empty()"), "nothing is done where no log was given");
}

/// That no token is asked for without the flag, and none is ever shown, is tried in `cli`. Here: that there is one place
/// that asks, and one type that holds what comes back, which can't be shown, cloned or written.
#[test]
fn tokens_are_asked_for_in_one_place_and_only_where_the_run_was_told_to() {
    let mut asking = BTreeSet::new();
    for folder in ["cluster", "families", "run", "cli", "plan"] {
        for (path, code) in sources(folder) {
            if code.contains("Token::request(") || code.contains("}/token\"") {
                asking.insert(path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let expected = ["src/cluster/token.rs", "src/families/rbac/observe/tokens.rs"].map(str::to_owned);
    assert_eq!(asking, BTreeSet::from(expected));
    let rbac = sources("families/rbac");
    let observe = &rbac.iter().find(|(path, _)| path.ends_with("observe/mod.rs")).unwrap().1;
    let guard = "if field.request_tokens {";
    let guarded = observe.split_once(guard).map_or("", |(_, rest)| rest);
    assert!(guarded.contains("tokens::try_all"), "nothing is asked for without `{guard}`");
    assert_eq!(observe.matches("tokens::try_all").count(), 1);
    let token = sources("cluster").into_iter().find(|(path, _)| path.ends_with("token.rs")).unwrap().1;
    let before = token.split_once("pub struct Token").unwrap().0;
    assert!(!before.lines().last().unwrap_or_default().contains("derive"), "a token derives nothing");
    assert!(!token.contains("for Token") && !token.contains("derive(Debug"), "a token is not shown by any trait");
}

/// One family looks into Secrets where the run was told to. That no request for one is made without it is
/// tried in `cli`, against a server that notes every request; here, that nobody else could make one.
#[test]
fn secrets_are_asked_for_in_one_place_and_only_where_the_run_was_told_to() {
    let mut places = BTreeSet::new();
    for folder in ["cluster", "families", "run", "cli", "plan"] {
        for (path, code) in sources(folder) {
            let guard = if code.contains("plural: \"secrets\"") {
                "extent: Extent::OnlyIfTold"
            } else if code.contains("[SECRETS]") {
                "if field.read_secrets"
            } else {
                assert!(!code.contains("v1/secrets"), "{} asks for Secrets by their path", path.display());
                continue;
            };
            assert!(code.contains(guard), "{} asks for Secrets without `{guard}`", path.display());
            places.insert(path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_string_lossy().into_owned());
        }
    }
    let expected = ["observe", "reads"].map(|part| format!("src/families/credentials/{part}.rs"));
    assert_eq!(places, BTreeSet::from(expected), "Secrets are declared once and asked for once");
    let world = sources("run").into_iter().find(|(path, _)| path.ends_with("world.rs")).unwrap().1;
    assert!(world.contains("kind.extent != Extent::OnlyIfTold"), "the snapshot holds no Secret");
}

/// That nothing secret is told is tried in `probe_run`, against servers that repeat what they are sent. Here: that what
/// holds a key or a token can't be shown, cloned or serialized by accident.
#[test]
fn what_a_probe_gets_for_its_pod_is_not_shown_by_any_trait() {
    let secret = sources("probe/cloud").into_iter().find(|(path, _)| path.ends_with("secret.rs")).unwrap().1;
    for kind in ["Secret", "Keys"] {
        let before = secret.split_once(&format!("struct {kind}")).unwrap().0;
        assert!(!before.lines().rev().nth(1).unwrap_or_default().contains("derive"), "{kind} derives nothing");
        assert!(!secret.contains(&format!("for {kind}")), "{kind} has no trait");
    }
    assert!(!secret.contains("derive("), "nothing beside them derives anything");
}
