//! Where a lab's audit log lies, and copies of it that are not quite the same.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;

use super::{Lab, skipped};

/// The files of a lab's API server.
pub(crate) struct AuditFiles {
    /// Its log.
    pub(crate) log: PathBuf,
    /// Its policy.
    pub(crate) policy: PathBuf,
}

impl AuditFiles {
    /// Those of a lab; `None`, and said so, where they can't be read from here.
    pub(crate) fn of(lab: &Lab) -> Option<Self> {
        let name = lab.context.trim_start_matches("kind-");
        let told = |what: &str| {
            let variable = format!("TENANTPROOF_AUDIT_{what}_{}", name.to_uppercase().replace(['-', '.'], "_"));
            std::env::var(variable).ok().map(PathBuf::from)
        };
        let found = match (told("LOG"), told("POLICY")) {
            (Some(log), Some(policy)) => Some(Self { log, policy }),
            _ => Self::by_status(name),
        };
        if found.is_none() {
            skipped(&format!("the audit log of {name} can't be read from here; a lab that is made anew has one"));
        }
        found
    }

    fn by_status(name: &str) -> Option<Self> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("kind-configs/lab");
        let output = Command::new(program).args(["status", "--name", name, "--json"]).output().ok()?;
        let status: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
        let file = |key: &str| Some(PathBuf::from(status["labs"][0][key].as_str()?)).filter(|path| path.is_file());
        Some(Self { log: file("audit_log")?, policy: file("audit_policy")? })
    }
}

/// A copy of a log that is written while the log is, each line as a test has it.
pub(crate) struct Relay {
    folder: TempDir,
    over: Arc<AtomicBool>,
    writer: Option<JoinHandle<()>>,
}

impl Relay {
    /// Copies from now on. `change` says what is written of a line, with its end; it may rotate the copy itself.
    pub(crate) fn start(
        log: &Path,
        begins_with: &str,
        mut change: impl FnMut(&Path, &str) -> Option<String> + Send + 'static,
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let copy = folder.path().join("audit.log");
        let log = log.to_owned();
        std::fs::write(&copy, begins_with).unwrap();
        let mut from = File::open(&log).unwrap();
        from.seek(SeekFrom::End(0)).unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let writer = std::thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = String::new();
            let mut moved = false;
            while !ended.load(Ordering::Relaxed) {
                if from.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
                    // The API server rotates the log whenever it has become long, also in the middle of a test.
                    if moved && line.is_empty() {
                        from = BufReader::new(File::open(&log).unwrap());
                        moved = false;
                    } else if is_another(from.get_ref(), &log) {
                        // What came between the two looks is still to be read.
                        moved = true;
                    } else {
                        std::thread::sleep(Duration::from_millis(20));
                    }
                    continue;
                }
                if let Some(text) = change(&copy, &line) {
                    let mut to = OpenOptions::new().append(true).create(true).open(&copy).unwrap();
                    to.write_all(text.as_bytes()).unwrap();
                }
                line.clear();
            }
            // What else was written is nobody's.
            let _ = from.read(&mut [0]);
        });
        Self { folder, over, writer: Some(writer) }
    }

    /// The copy.
    pub(crate) fn path(&self) -> String {
        self.folder.path().join("audit.log").to_string_lossy().into_owned()
    }
}

/// Whether the path leads to another file by now; a file that is not there yet is none.
fn is_another(open: &File, path: &Path) -> bool {
    let there = std::fs::metadata(path).map(|there| (there.dev(), there.ino()));
    let open = open.metadata().unwrap();
    there.is_ok_and(|there| there != (open.dev(), open.ino()))
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}
