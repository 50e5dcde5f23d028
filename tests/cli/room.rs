//! Disks and outputs that take nothing more.

use std::process::Command;

use rstest::rstest;

use super::api::Api;
use super::scene::{POD, QUESTION, Scene, flat, kubeconfig};

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
