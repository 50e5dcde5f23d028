//! The command line without a cluster: help that teaches, errors that name the place and the remedy,
//! stable exit codes.
#![cfg(test)]

#[path = "support/api.rs"]
mod api;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use api::Api;
use clap::CommandFactory as _;
use rstest::rstest;
use tempfile::TempDir;
use tenantproof::report::files::RUN_JSON;
use tenantproof::run::{RunRecord, RunStatus};

const TENANCY: &str = "apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: t\ntenants:\n- {id: a, namespaces: [a]}\n- {id: b, namespaces: [b]}\n";
const POD: &[u8] = b"{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: a}, spec: {containers: []}}\n";
const ROLE_QUESTION: &[u8] = br#"{"subject": {"kind": "User", "name": "ann"}, "verb": "get", "apiGroup": "", "resource": "pods", "subresource": "", "namespace": "a", "name": ""}"#;
const QUESTION: &[u8] = br#"{"src": "a/p", "dst": "a/p", "protocol": "TCP", "port": 80}"#;

/// The program in an empty folder of its own, with no kubeconfig anywhere.
struct Scene(TempDir);

impl Scene {
    fn new() -> Self {
        let scene = Self(TempDir::new().unwrap());
        scene.file("tenancy.yaml", TENANCY.as_bytes());
        scene
    }

    fn file(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.path().join(name), bytes).unwrap();
    }

    /// The record of a sample run, as `run.json` here.
    fn record(&self) -> RunRecord {
        std::fs::copy(sample(), self.0.path().join("run.json")).unwrap();
        serde_json::from_slice(&std::fs::read(sample()).unwrap()).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantproof"));
        self.furnish(command.args(arguments));
        command
    }

    /// In this folder, with an environment of its own.
    fn furnish(&self, command: &mut Command) {
        command.current_dir(self.0.path()).env_clear().env("HOME", self.0.path()).env("LANG", "C.UTF-8");
        command.stdin(Stdio::null());
    }

    fn end(&self, arguments: &[&str]) -> (i32, String) {
        let output: Output = self.command(arguments).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
    }
}

fn kubeconfig(server: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\nclusters:\n- name: c\n  cluster: {{server: \"{server}\"}}\n\
         users:\n- {{name: u, user: {{token: t}}}}\ncontexts:\n- {{name: here, context: {{cluster: c, user: u}}}}\n"
    )
}

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

#[rstest]
#[case(&["--help"])]
#[case(&["run", "--help"])]
#[case(&["init", "--help"])]
#[case(&["ask", "network", "--help"])]
#[case(&["ask", "rbac", "--help"])]
#[case(&["mutate", "--help"])]
#[case(&["explain", "--help"])]
#[case(&["list", "--help"])]
#[case(&["checks", "--help"])]
#[case(&["schema", "--help"])]
fn help_teaches(#[case] arguments: &[&str]) {
    let (code, text) = Scene::new().end(arguments);
    assert_eq!(code, 0, "{text}");
    insta::with_settings!({snapshot_suffix => arguments.join("_").replace('-', "")}, { insta::assert_snapshot!("help", text) });
}

#[rstest]
#[case::tenancy(&["schema"], "\"$schema\"")]
#[case::suite(&["schema", "suite"], "doesNotProve")]
#[case::run(&["schema", "run"], "RunRecord")]
#[case::checks(&["checks"], "network.cross-tenant.pod")]
#[case::check(&["checks", "network.cross-tenant.pod"], "Does not prove")]
#[case::permissions(&["permissions"], "kind: ClusterRole")]
#[case::permissions_for_secrets(&["permissions", "--read-secrets"], "resources: [secrets]")]
#[case::permissions_to_impersonate(&["permissions", "--impersonate"], "verbs: [impersonate]")]
#[case::bash(&["completions", "bash"], "_tenantproof")]
#[case::zsh(&["completions", "zsh"], "#compdef tenantproof")]
#[case::fish(&["completions", "fish"], "complete -c tenantproof")]
fn what_only_prints_prints(#[case] arguments: &[&str], #[case] told: &str) {
    let (code, text) = Scene::new().end(arguments);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains(told), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours without a terminal");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let scene = Scene::new();
    let mut child = scene.command(&["schema", "run"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[rstest]
#[case::of_the_network("network", QUESTION)]
#[case::of_rbac("rbac", ROLE_QUESTION)]
fn a_reader_of_answers_that_goes_away_is_no_error(#[case] about: &str, #[case] question: &[u8]) {
    let scene = Scene::new();
    std::fs::create_dir(scene.0.path().join("m")).unwrap();
    scene.file("m/p.yaml", POD);
    scene.file("q", &[question, b"\n"].concat().repeat(20_000));
    let questions = std::fs::File::open(scene.0.path().join("q")).unwrap();
    let mut ask = scene.command(&["ask", about, "m"]);
    let mut child = ask.stdin(questions).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn questions_are_answered_from_standard_input() {
    let scene = Scene::new();
    std::fs::create_dir(scene.0.path().join("m")).unwrap();
    scene.file("m/pods.yaml", POD);
    scene.file("q", &[QUESTION, b"\nnonsense\n"].concat());
    let questions = std::fs::File::open(scene.0.path().join("q")).unwrap();
    let output = scene.command(&["ask", "network", "m"]).stdin(questions).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "every line has an answer in its place: {text}");
    assert!(lines[0].contains("\"answer\":\"allowed\""), "{text}");
    assert!(lines[1].contains("\"error\""), "{text}");
    assert_eq!(output.status.code(), Some(2), "a malformed question ends with 2");
}

/// Whatever is written to something that is no terminal, or against the user's wish, is plain.
#[rstest]
#[case::an_error(&["run", "--kubeconfig", "kc", "--context", "heer"], 2)]
#[case::an_error_in_a_file(&["run", "misspelt.yaml"], 2)]
#[case::usage(&["run", "--sideways"], 2)]
#[case::help(&["run", "--help"], 0)]
#[case::a_log(&["run", "--kubeconfig", "kc", "-vv"], 2)]
#[case::a_case(&["explain", "CASE", "--run", "run.json"], 0)]
#[case::no_such_case(&["explain", "nothing", "--run", "run.json"], 2)]
fn colours_come_to_terminals_alone(#[case] arguments: &[&str], #[case] expected: i32) {
    let scene = Scene::new();
    scene.file("kc", kubeconfig("http://127.0.0.1:1").as_bytes());
    scene.file("misspelt.yaml", TENANCY.replace("namespaces: [a]", "namspaces: [a]").as_bytes());
    let record = scene.record();
    let case = record.results[0].case.id.as_str();
    let arguments: Vec<&str> = arguments.iter().map(|word| if *word == "CASE" { case } else { word }).collect();

    let (code, text) = scene.end(&arguments);
    assert_eq!(code, expected, "{text}");
    assert!(!text.contains('\u{1b}'), "no terminal, no colours: {text:?}");

    let colourful = ("TERM", "xterm-256color");
    let Some((code, text)) = terminal(&scene, &arguments, &[colourful, ("NO_COLOR", "1")]) else { return };
    assert_eq!(code, expected, "{text}");
    assert!(!text.contains('\u{1b}'), "NO_COLOR on a terminal: {text:?}");

    let Some((_, text)) = terminal(&scene, &arguments, &[colourful]) else { return };
    assert!(text.contains('\u{1b}'), "the terminal of this test should be one: {text:?}");
}

/// The program on a terminal of its own; `None` where there is no way to make one.
fn terminal(scene: &Scene, arguments: &[&str], environment: &[(&str, &str)]) -> Option<(i32, String)> {
    let words: Vec<String> = std::iter::once(env!("CARGO_BIN_EXE_tenantproof"))
        .chain(arguments.iter().copied())
        .map(|word| format!("'{word}'"))
        .collect();
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &words.join(" "), "/dev/null"]);
    scene.furnish(&mut command);
    let output = command.env("SHELL", "/bin/sh").envs(environment.iter().copied()).output();
    let Ok(output) = output else {
        println!("SKIPPED: a terminal was not tried: `script` is not installed");
        return None;
    };
    Some((output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned()))
}

#[test]
fn a_case_that_is_not_there_is_answered_with_the_nearest() {
    let scene = Scene::new();
    let record = scene.record();
    let id = record.results[0].case.id.as_str();
    let (code, text) = scene.end(&["explain", &id[..id.len() - 1], "--run", "run.json"]);
    assert_eq!(code, 2, "{text}");
    let nearest: Vec<&str> =
        text.lines().map(str::trim).skip_while(|line| !line.ends_with("Nearest:")).skip(1).collect();
    assert!(nearest.contains(&id), "{id} should be among the nearest, whole and on a line of its own:\n{text}");
    let known: BTreeSet<&str> = record.results.iter().map(|one| one.case.id.as_str()).collect();
    assert!(nearest.iter().all(|line| line.is_empty() || known.contains(line)), "only ids that exist:\n{text}");

    let (code, text) = scene.end(&["explain", id, "--run", "run.json"]);
    assert_eq!(code, 0, "{text}");
}

/// Names of namespaces may have 63 characters, and what is copied from an error must be one word.
#[test]
fn an_id_that_is_longer_than_a_line_is_not_broken() {
    let scene = Scene::new();
    let text = std::fs::read_to_string(sample()).unwrap();
    let long = format!("tenant-{}", "of-a-long-name-".repeat(9));
    scene.file("run.json", text.replace("tenant-1", &long).as_bytes());
    let record: RunRecord = serde_json::from_slice(&std::fs::read(scene.0.path().join("run.json")).unwrap()).unwrap();
    let id = record.results.iter().map(|one| one.case.id.as_str()).find(|id| id.contains(&long)).unwrap();
    let (code, text) = scene.end(&["explain", &id[..id.len() - 1], "--run", "run.json"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.lines().any(|line| line.trim() == id), "{id} should stand on one line:\n{text}");
}

fn sample() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/samples/leaking").join(RUN_JSON)
}

/// Every command, with the words that lead to it.
fn commands() -> Vec<(Vec<String>, clap::Command)> {
    let mut found = Vec::new();
    let mut open = vec![(Vec::new(), tenantproof::cli::Cli::command())];
    while let Some((words, command)) = open.pop() {
        for inner in command.get_subcommands() {
            open.push(([words.clone(), vec![inner.get_name().to_owned()]].concat(), inner.clone()));
        }
        found.push((words, command));
    }
    found
}

#[test]
fn help_has_a_sentence_for_everything() {
    let commands = commands();
    assert!(commands.len() >= 9, "{commands:?}");
    for (words, command) in commands {
        let name = if words.is_empty() { "tenantproof".to_owned() } else { words.join(" ") };
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(is_sentence(&about), "{name}: {about:?}");
        for argument in command.get_arguments() {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(is_sentence(&help), "{name} {}: {help:?}", argument.get_id());
            // The names of shells speak for themselves.
            for value in argument.get_possible_values().iter().filter(|_| !words.contains(&"completions".to_owned())) {
                let (help, takes) = (value.get_help(), argument.get_action().takes_values());
                assert!(help.is_some() || !takes, "{name} {}: {}", argument.get_id(), value.get_name());
            }
        }
        let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
        arguments.push("--help");
        let (code, text) = Scene::new().end(&arguments);
        assert_eq!(code, 0, "{name}: {text}");
        assert!(text.contains("Usage: "), "{name}: {text}");
    }
}

fn is_sentence(text: &str) -> bool {
    text.split_whitespace().count() >= 3 && text.starts_with(char::is_uppercase)
}

/// The program in a mount namespace of its own, where the folder `tiny` has room for so many KiB more; what is in the
/// folder then follows what was said. `None` where this user may mount nothing.
fn on_a_tiny_disk(scene: &Scene, room: u32, arguments: &[&str]) -> Option<(i32, String)> {
    const SIZE: u32 = 64;
    let script = format!(
        "mount -t tmpfs -o size={SIZE}k tenantproof-test tiny || exit 77; \
         dd if=/dev/zero of=tiny/ballast bs=1k count={} 2>/dev/null || exit 77; \
         \"$@\"; code=$?; ls -A tiny; exit $code",
        SIZE - room
    );
    std::fs::create_dir_all(scene.0.path().join("tiny")).unwrap();
    let attempt = |how: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(how).args(["sh", "-c", &script, "sh", env!("CARGO_BIN_EXE_tenantproof")]).args(arguments);
        scene.furnish(&mut command);
        // The record that finds no place is saved in the folder for temporary files.
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("TMPDIR", scene.0.path());
        let output = command.output().ok()?;
        let refused = output.status.code() == Some(77) || output.stderr.starts_with(b"unshare:");
        (!refused).then_some(output)
    };
    let Some(output) = attempt(&["--mount"]).or_else(|| attempt(&["--map-root-user", "--mount"])) else {
        println!("SKIPPED: a full disk was not tried: this user can't mount a small one");
        return None;
    };
    let text = [output.stdout, output.stderr].concat();
    Some((output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned()))
}

/// Words without the breaks of lines.
fn flat(text: &str) -> String {
    text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

#[test]
fn a_disk_that_is_full_is_told_before_a_run_begins() {
    let scene = Scene::new();
    for (room, told) in [(0, "tiny/out could not be written to"), (4, "tiny/out/junit.xml could not be written")] {
        let Some((code, text)) = on_a_tiny_disk(&scene, room, &["run", "--out", "tiny/out"]) else { return };
        assert_eq!(code, 2, "{text}");
        let flat = flat(&text);
        assert!(flat.contains(&format!("{told}: No space left on device")), "{text}");
        assert!(flat.contains("Free space on that file system, or name another folder with --out"), "{text}");
        assert!(!text.contains("kubeconfig"), "it should be told first:\n{text}");
    }
}

/// The plan is made, and then neither the cluster nor the disk takes anything.
#[test]
fn a_run_whose_reports_have_no_room_is_no_success() {
    let api = Api::read_only(&["a", "b", "kube-system"]);
    let scene = Scene::new();
    scene.file("kc", kubeconfig(&api.address).as_bytes());
    let run = ["run", "--kubeconfig", "kc", "--out"];
    let (code, text) = scene.end(&[&run[..], &["roomy"]].concat());
    assert_eq!(code, 3, "nothing was proved:\n{text}");
    assert!(scene.0.path().join("roomy/run.json").exists(), "{text}");

    // Room for what says that nothing has begun, three files and the one that is being written, and no more.
    let Some((code, text)) = on_a_tiny_disk(&scene, 16, &[&run[..], &["tiny"]].concat()) else { return };
    assert_eq!(code, 3, "evidence that is lost is no success:\n{text}");
    let told = flat(&text);
    assert!(told.contains("tiny/run.json could not be written: No space left on device"), "{text}");
    assert!(told.contains("Free space on that file system, or name another folder with --out"), "{text}");
    assert!(told.contains("The record of this run was saved as"), "{text}");
    let saved =
        std::fs::read_dir(scene.0.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let saved =
        saved.filter(|name| name.ends_with("-run.json")).max_by_key(|name| !name.contains("unfinished")).unwrap();
    assert!(told.contains(&saved), "{saved} should be named:\n{text}");
    assert!(!text.lines().any(|line| line.starts_with('.')), "no half file should stay:\n{text}");
}

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

#[test]
fn a_draft_that_has_no_room_is_told_and_no_half_of_it_stays() {
    let api = Api::read_only(&["a", "b", "kube-system"]);
    let scene = Scene::new();
    scene.file("kc", kubeconfig(&api.address).as_bytes());
    let init = ["init", "--kubeconfig", "kc", "--output"];
    let (code, text) = scene.end(&[&init[..], &["roomy.yaml"]].concat());
    assert_eq!(code, 0, "{text}");
    assert!(scene.0.path().join("roomy.yaml").exists(), "{text}");

    let Some((code, text)) = on_a_tiny_disk(&scene, 0, &[&init[..], &["tiny/draft.yaml"]].concat()) else { return };
    assert_eq!(code, 2, "{text}");
    assert!(flat(&text).contains("tiny/draft.yaml can't be written: No space left on device"), "{text}");
    assert!(text.contains("help: ") && text.contains("--output"), "{text}");
    assert!(!text.lines().any(|line| line == "draft.yaml"), "half a draft should not stay:\n{text}");
}

#[rstest]
#[case::schema(&["schema", "run"])]
#[case::checks(&["checks"])]
#[case::permissions(&["permissions"])]
#[case::completions(&["completions", "bash"])]
#[case::explain(&["explain", "CASE", "--run", "run.json"])]
#[case::ask(&["ask", "network", "m"])]
#[case::init(&["init", "--kubeconfig", "kc"])]
fn an_output_that_takes_nothing_is_an_error(#[case] arguments: &[&str]) {
    let api = Api::read_only(&["a", "b", "kube-system"]);
    let scene = Scene::new();
    scene.file("kc", kubeconfig(&api.address).as_bytes());
    let record = scene.record();
    std::fs::create_dir(scene.0.path().join("m")).unwrap();
    scene.file("m/p.yaml", POD);
    scene.file("q", QUESTION);
    let case = record.results[0].case.id.as_str();
    let arguments: Vec<&str> = arguments.iter().map(|word| if *word == "CASE" { case } else { word }).collect();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let questions = std::fs::File::open(scene.0.path().join("q")).unwrap();
    let output = scene.command(&arguments).stdin(questions).stdout(full).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(flat(&text).contains("standard output can't be written: No space left on device"), "{text}");
    assert!(text.contains("help: "), "{text}");
}
