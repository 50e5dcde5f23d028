//! Where the output goes: readers that go away, terminals, files that take nothing, and lines that stay whole.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use rstest::rstest;
use tenantproof::run::RunRecord;

use super::scene::{POD, QUESTION, ROLE_QUESTION, Scene, TENANCY, kubeconfig, sample};

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
