//! The command line without a cluster: help that teaches, errors that name the place and the remedy,
//! stable exit codes.
#![cfg(test)]

use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rstest::rstest;
use tempfile::TempDir;

const TENANCY: &str = "apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: t\ntenants:\n- {id: a, namespaces: [a]}\n- {id: b, namespaces: [b]}\n";

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

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantproof"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", self.0.path())
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null());
        command
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
#[case::suite_absent(&[], "", &["run", "--suite", "own.yaml"], &["own.yaml can't be read"])]
#[case::unknown_flag(&[], "", &["run", "--sideways"], &["--sideways", "--help"])]
#[case::unknown_check(&[], "", &["checks", "network.cross-tenant.pdo"], &["did you mean `network.cross-tenant.pod`?"])]
#[case::no_record(&[], "", &["explain", "x"], &["reports/out/run.json can't be read", "tenantproof run"])]
#[case::no_manifests(&[], "", &["ask", "network", "nowhere"], &["nowhere"])]
#[case::no_manifests_of_roles(&[], "", &["ask", "rbac", "nowhere"], &["nowhere"])]
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
        scene.file(name, content.as_bytes());
    }
    match tenancy {
        "empty" => scene.file("tenancy.yaml", b""),
        "binary" => scene.file("tenancy.yaml", b"kind: Tenancy\nname: \xff\xfe\n"),
        "twice" => scene.file("tenancy.yaml", b"apiVersion: tenantproof.dev/v1\nkind: Tenancy\nname: a\nname: b\n"),
        "huge" => scene.file("tenancy.yaml", &b"# padding padding padding\n".repeat(200_000)),
        "misspelt" => scene.file("tenancy.yaml", TENANCY.replace("namespaces: [a]", "namspaces: [a]").as_bytes()),
        _ => {}
    }
    let (code, text) = scene.end(arguments);
    assert_eq!(code, 2, "usage and configuration end with 2:\n{text}");
    // Lines are wrapped for reading; the words count.
    let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ").replace("│ ", "");
    for words in told {
        assert!(flat.contains(words), "it should tell `{words}`:\n{text}");
    }
    assert!(!scene.0.path().join("reports/out/run.json").exists(), "a run that did not begin leaves no record");
}

#[test]
fn a_server_that_accepts_and_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let scene = Scene::new();
    scene.file("kc", kubeconfig(&format!("http://{}", listener.local_addr().unwrap())).as_bytes());
    let begun = Instant::now();
    let (code, text) = scene.end(&["run", "--kubeconfig", "kc"]);
    assert_eq!(code, 2, "{text}");
    assert!(begun.elapsed() < Duration::from_secs(45), "it should be given up in bounded time");
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
#[case(&["explain", "--help"])]
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

#[test]
fn questions_are_answered_from_standard_input() {
    let scene = Scene::new();
    std::fs::create_dir(scene.0.path().join("m")).unwrap();
    scene.file(
        "m/pods.yaml",
        b"{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: a}, spec: {containers: []}}\n",
    );
    scene.file("q", b"{\"src\": \"a/p\", \"dst\": \"a/p\", \"protocol\": \"TCP\", \"port\": 80}\nnonsense\n");
    let questions = std::fs::File::open(scene.0.path().join("q")).unwrap();
    let output = scene.command(&["ask", "network", "m"]).stdin(questions).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "every line has an answer in its place: {text}");
    assert!(lines[0].contains("\"answer\":\"allowed\""), "{text}");
    assert!(lines[1].contains("\"error\""), "{text}");
    assert_eq!(output.status.code(), Some(2), "a malformed question ends with 2");
}
