//! Oracles: programs of other authors behind lines of JSON, built from this repository's Go sources into a cache outside
//! the checkout, under the digest of those sources.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

/// Says something past the test harness, which would keep the output of a passing test to itself.
pub(crate) fn say(text: &str) {
    io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}

/// The oracle of this name, or nothing where it cannot be had, which is said then. `TENANTPROOF_REQUIRE_ORACLES=1` makes it a failure.
pub(crate) fn oracle(name: &str, test: &str) -> Option<PathBuf> {
    match build(name) {
        Ok(program) => Some(program),
        Err(why) => {
            assert!(env::var_os("TENANTPROOF_REQUIRE_ORACLES").is_none(), "the oracle is required, and {why}");
            say(&format!("\nSKIPPED: {test}, for {why}. Nothing was compared.\n"));
            None
        }
    }
}

/// Asks an oracle: one line of answers for each line of questions.
pub(crate) fn ask(oracle: &Path, lines: &[String]) -> Vec<String> {
    let mut child =
        Command::new(oracle).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the oracle starts");
    let mut input = child.stdin.take().unwrap();
    let text = lines.join("\n");
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("the oracle ends");
    writer.join().unwrap().expect("the oracle reads");
    assert!(output.status.success(), "the oracle failed");
    let answers: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), lines.len(), "one line of answers for each line of questions");
    answers
}

/// The oracle's program, built into the cache if it is not there; or why there is none.
fn build(name: &str) -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    let mut hash = Sha256::new();
    for file in ["main.go", "go.mod", "go.sum"] {
        hash.update(fs::read(source.join(file)).expect("the oracle's source"));
    }
    let digest = hash.finalize().iter().take(8).fold(String::new(), |digest, byte| format!("{digest}{byte:02x}"));
    let folder = cache()?.join(name).join(digest);
    let program = folder.join("oracle");
    if program.is_file() {
        return Ok(program);
    }
    let version = Command::new("go").arg("version").output();
    if !version.is_ok_and(|version| version.status.success()) {
        return Err("there is no Go here to build the oracle with".to_owned());
    }
    fs::create_dir_all(&folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    let unfinished = folder.join(format!("oracle.{}", std::process::id()));
    let built = Command::new("go")
        .current_dir(&source)
        .args(["build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-o"])
        .arg(&unfinished)
        .arg(".")
        .output()
        .map_err(|error| format!("go cannot be run: {error}"))?;
    if !built.status.success() {
        let said = String::from_utf8_lossy(&built.stderr).into_owned();
        let offline =
            ["dial tcp", "no such host", "proxyconnect", "timeout", "connection refused", "GOPROXY", "toolchain"];
        assert!(offline.iter().any(|sign| said.contains(sign)), "the oracle does not build: {said}");
        return Err(format!("the oracle's modules cannot be had: {}", said.lines().last().unwrap_or_default()));
    }
    fs::rename(&unfinished, &program).map_err(|error| format!("{} cannot be made: {error}", program.display()))?;
    Ok(program)
}

fn cache() -> Result<PathBuf, String> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("TENANTPROOF_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("tenantproof")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/tenantproof")))
        .ok_or_else(|| "there is no place for a cache: set TENANTPROOF_CACHE".to_owned())
}
