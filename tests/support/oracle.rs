//! Oracles: programs of other authors behind lines of JSON, made ready in a cache outside the checkout, under the digest
//! of this repository's sources: Go programs are built there, packages of npm and of `PyPI` are fetched there.

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

/// An oracle that is ready to be asked.
pub(crate) struct Oracle {
    program: PathBuf,
    arguments: Vec<PathBuf>,
}

/// The oracle of this name, or nothing where it cannot be had, which is said then. `TENANTPROOF_REQUIRE_ORACLES=1` makes it a failure.
pub(crate) fn oracle(name: &str, test: &str) -> Option<Oracle> {
    match made_ready(name) {
        Ok(oracle) => Some(oracle),
        Err(why) => {
            assert!(env::var_os("TENANTPROOF_REQUIRE_ORACLES").is_none(), "the oracle is required, and {why}");
            say(&format!("\nSKIPPED: {test}, for {why}. Nothing was compared.\n"));
            None
        }
    }
}

/// Asks an oracle: one line of answers for each line of questions.
pub(crate) fn ask(oracle: &Oracle, lines: &[String]) -> Vec<String> {
    let mut child = Command::new(&oracle.program)
        .args(&oracle.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the oracle starts");
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

/// The oracle, made ready in the cache if it is not there; or why there is none.
fn made_ready(name: &str) -> Result<Oracle, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    let packages = [NODE, PYTHON].into_iter().find(|packages| source.join(packages.files[0]).is_file());
    let files = packages.as_ref().map_or(&["main.go", "go.mod", "go.sum"][..], |packages| packages.files);
    let mut hash = Sha256::new();
    for file in files {
        hash.update(fs::read(source.join(file)).expect("the oracle's source"));
    }
    let digest = hash.finalize().iter().take(8).fold(String::new(), |digest, byte| format!("{digest}{byte:02x}"));
    let folder = cache()?.join(name).join(digest);
    packages.map_or_else(|| build(&source, &folder), |packages| packages.fetch(&source, &folder))
}

/// Whether a program is here and runs.
fn runs(program: &str, argument: &str) -> bool {
    Command::new(program).arg(argument).output().is_ok_and(|version| version.status.success())
}

/// A Go program, built.
fn build(source: &Path, folder: &Path) -> Result<Oracle, String> {
    let program = folder.join("oracle");
    if program.is_file() {
        return Ok(Oracle { program, arguments: Vec::new() });
    }
    if !runs("go", "version") {
        return Err("there is no Go here to build the oracle with".to_owned());
    }
    fs::create_dir_all(folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    let unfinished = folder.join(format!("oracle.{}", std::process::id()));
    let built = Command::new("go")
        .current_dir(source)
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
    Ok(Oracle { program, arguments: Vec::new() })
}

/// Packages, as a lock file has them. Nothing of theirs is run to install them.
struct Packages {
    /// What runs the first of the files.
    program: &'static str,
    files: &'static [&'static str],
    /// What fetches them into the folder that it is run in.
    fetch: &'static [&'static str],
    /// What it says where it reaches nothing.
    unreachable: &'static [&'static str],
}

const NODE: Packages = Packages {
    program: "node",
    files: &["main.mjs", "package.json", "package-lock.json"],
    fetch: &["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1"],
    unreachable: &["ENOTFOUND", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EAI_AGAIN", "E404", "E403", "ENETUNREACH"],
};

#[rustfmt::skip]
const PYTHON: Packages = Packages {
    program: "python3",
    files: &["main.py", "requirements.txt"],
    fetch: &[
        "python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries=1", "--target=.", "--no-deps",
        "--only-binary=:all:", "--require-hashes", "--requirement=requirements.txt",
    ],
    unreachable: &["No module named pip", "No matching distribution", "NewConnectionError", "Timeout"],
};

impl Packages {
    fn fetch(&self, source: &Path, folder: &Path) -> Result<Oracle, String> {
        if !runs(self.program, "--version") {
            return Err(format!("there is no {} here to run the oracle with", self.program));
        }
        let oracle = Oracle { program: PathBuf::from(self.program), arguments: vec![folder.join(self.files[0])] };
        if folder.is_dir() {
            return Ok(oracle);
        }
        if !runs(self.fetch[0], "--version") {
            return Err(format!("there is no {} here to fetch the oracle's packages with", self.fetch[0]));
        }
        let unfinished = folder.with_extension(format!("unfinished-{}", std::process::id()));
        fs::create_dir_all(&unfinished).map_err(|error| format!("{} cannot be made: {error}", unfinished.display()))?;
        for file in self.files {
            fs::copy(source.join(file), unfinished.join(file))
                .map_err(|error| format!("{file} cannot be copied: {error}"))?;
        }
        let fetched = Command::new(self.fetch[0])
            .current_dir(&unfinished)
            .args(&self.fetch[1..])
            .output()
            .map_err(|error| format!("{} cannot be run: {error}", self.fetch[0]))?;
        if !fetched.status.success() {
            let said = String::from_utf8_lossy(&fetched.stderr).into_owned();
            let _ = fs::remove_dir_all(&unfinished);
            let unreachable = self.unreachable.iter().any(|sign| said.contains(sign));
            assert!(unreachable, "the oracle's packages do not fit: {said}");
            let first = said.lines().next().unwrap_or_default().to_owned();
            return Err(format!("the oracle's packages cannot be had: {first}"));
        }
        match fs::rename(&unfinished, folder) {
            // Another test may have been faster.
            Err(_) if folder.is_dir() => fs::remove_dir_all(&unfinished).map_err(|error| error.to_string())?,
            outcome => outcome.map_err(|error| format!("{} cannot be made: {error}", folder.display()))?,
        }
        Ok(oracle)
    }
}

fn cache() -> Result<PathBuf, String> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("TENANTPROOF_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("tenantproof")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/tenantproof")))
        .ok_or_else(|| "there is no place for a cache: set TENANTPROOF_CACHE".to_owned())
}
