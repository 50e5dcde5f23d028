//! Reading the inputs of a run: the tenancy file and the suites.

use std::path::{Path, PathBuf};

use miette::{Diagnostic, IntoDiagnostic as _, WrapErr as _};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::families;
use crate::run::{SuiteInfo, TenancyInfo};
use crate::suite::Suite;
use crate::tenancy::{self, Tenancy};

/// No file is read past this size, whatever it is.
const MOST: u64 = 64 << 20;

/// A file that can't be read.
#[derive(Debug, Error, Diagnostic)]
enum Unread {
    #[error("{path} can't be read: {why}")]
    #[diagnostic(code(tenantproof::input), help("{help}"))]
    Input { path: String, why: String, help: String },
}

/// Reads a file with a bound on its size.
pub(super) fn read(path: &Path, help: &str) -> miette::Result<Vec<u8>> {
    let unread = |why: String| Unread::Input { path: path.display().to_string(), why, help: help.to_owned() };
    let size = std::fs::metadata(path).map_err(|error| unread(error.to_string()))?;
    if size.is_dir() {
        return Err(unread("it is a folder".to_owned()).into());
    }
    if size.len() > MOST {
        return Err(unread(format!("it has {} MiB; none is read past {} MiB", size.len() >> 20, MOST >> 20)).into());
    }
    std::fs::read(path).map_err(|error| unread(error.to_string()).into())
}

/// Reads the tenancy file.
pub(super) fn tenancy(path: &Path) -> miette::Result<(Tenancy, TenancyInfo)> {
    let bytes = read(path, "`tenantproof init` writes a tenancy file from a cluster's labels")?;
    let label = path.display().to_string();
    let tenancy = tenancy::read(&label, &bytes)?;
    let info = TenancyInfo { name: tenancy.name.clone(), path: label, sha256: sha256(&bytes), parties: Vec::new() };
    Ok((tenancy, info))
}

/// Reads an organization's policies.
#[cfg(feature = "aws")]
pub(super) fn organization(path: &Path) -> miette::Result<crate::semantics::iam::estate::OrganizationPolicies> {
    const HELP: &str = "{\"scps\": [LEVEL, ...], \"rcps\": [LEVEL, ...]}, a level a list of {\"name\", \"document\"}; \
                        `aws organizations list-policies-for-target` tells which are attached where";
    let bytes = read(path, HELP)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let (path, why) = (path.display().to_string(), error.to_string());
        Unread::Input { path, why, help: HELP.to_owned() }.into()
    })
}

/// Reads the suites: the built-in ones, and a user's own, which take the place of the built-in one of
/// the same family.
pub(super) fn suites(own: &[PathBuf]) -> miette::Result<Vec<(Suite, SuiteInfo)>> {
    let mut suites: Vec<(Suite, SuiteInfo)> = Vec::new();
    let reader = families::suites();
    for (name, bytes) in families::built_in() {
        let suite = reader.read(name, bytes).into_diagnostic().wrap_err("a built-in suite is broken")?;
        let info = info(&suite, "built in", bytes);
        suites.push((suite, info));
    }
    for path in own {
        let bytes = read(path, "name a suite file, such as suites/network.yaml")?;
        let label = path.display().to_string();
        let suite = reader.read(&label, &bytes)?;
        let info = info(&suite, &label, &bytes);
        suites.retain(|(other, _)| other.family != suite.family);
        suites.push((suite, info));
    }
    Ok(suites)
}

fn info(suite: &Suite, source: &str, bytes: &[u8]) -> SuiteInfo {
    SuiteInfo {
        family: suite.family.clone(),
        version: suite.version.clone(),
        source: source.to_owned(),
        sha256: sha256(bytes),
    }
}

fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
