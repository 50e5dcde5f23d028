//! Reading orders from the file that a downward API volume shows.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::wire::{Orders, Step};

/// All annotations of an object together are no larger (256 KiB); what is larger is no annotation.
const FILE_MAX: u64 = 1 << 20;
/// So many different faults are told; a probe whose orders never come right must not fill its log.
const FAULTS_MAX: usize = 64;

/// The file of orders, and what was read from it.
#[derive(Debug)]
pub(super) struct OrdersFile {
    path: PathBuf,
    /// What the file held when it was last looked at.
    last: Vec<u8>,
    now: Vec<u8>,
    /// The last round that was carried out, and its orders.
    done: Option<(u32, [u8; 32])>,
    /// Digests of the faults that were told.
    told: BTreeSet<[u8; 32]>,
}

/// What a look at the file brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Nothing new.
    Nothing,
    /// A new round, not carried out yet.
    Round(Orders),
    /// Orders that can't be carried out, with the reason; told once.
    Fault(String),
}

impl OrdersFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, last: Vec::new(), now: Vec::new(), done: None, told: BTreeSet::new() }
    }

    /// Looks at the file. Cheap where nothing changed: one small read and a comparison.
    pub(super) fn look(&mut self) -> Look {
        self.now.clear();
        if let Err(error) = read(&self.path, &mut self.now) {
            return self.fault(format!("the file of orders can't be read: {error}"));
        }
        if self.now == self.last {
            return Look::Nothing;
        }
        std::mem::swap(&mut self.now, &mut self.last);
        if self.last.iter().all(u8::is_ascii_whitespace) {
            return Look::Nothing;
        }
        // White space makes the same orders another annotation, so that they are written once more.
        let digest: [u8; 32] = Sha256::digest(self.last.trim_ascii()).into();
        match parse(&self.last) {
            Err(reason) => {
                let length = self.last.len();
                self.fault(format!("orders of {length} bytes can't be carried out: {reason}"))
            }
            Ok(orders) => self.judge(orders, digest),
        }
    }

    fn judge(&mut self, orders: Orders, digest: [u8; 32]) -> Look {
        let round = orders.round;
        match self.done {
            // Sent again, because the runner saw no acknowledgement yet.
            Some((done, as_before)) if done == round && as_before == digest => Look::Nothing,
            Some((done, _)) if done >= round => {
                self.fault(format!("other orders came for round {round}, though round {done} was carried out already"))
            }
            _ => {
                self.done = Some((round, digest));
                Look::Round(orders)
            }
        }
    }

    fn fault(&mut self, reason: String) -> Look {
        // What was wrong with a certain content is told once, whatever comes between.
        let digest = Sha256::new().chain_update(&reason).chain_update(&self.last).finalize().into();
        if self.told.len() < FAULTS_MAX && self.told.insert(digest) { Look::Fault(reason) } else { Look::Nothing }
    }
}

fn read(path: &std::path::Path, into: &mut Vec<u8>) -> io::Result<()> {
    File::open(path)?.take(FILE_MAX).read_to_end(into).map(|_| ())
}

fn parse(text: &[u8]) -> Result<Orders, String> {
    let orders: Orders = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if let Step::Cloud(cloud) = &orders.step
        && let Some(fault) = cloud.fault()
    {
        return Err(fault);
    }
    if let Step::Try(tries) = &orders.step {
        if tries.attempts == 0 {
            return Err("`attempts` is 0, expected 1 to 255".to_owned());
        }
        if tries.timeout_ms == 0 {
            return Err("`timeout_ms` is 0, with which every attempt would be a timeout".to_owned());
        }
        let mut ids = BTreeSet::new();
        if let Some(twice) = tries.targets.iter().find(|target| !ids.insert(target.id)) {
            return Err(format!("two targets have the id {}", twice.id));
        }
    }
    Ok(orders)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rstest::rstest;

    use super::*;

    const TALLY: &str = r#"{"round":1,"step":"tally"}"#;

    fn file(content: &str) -> (tempfile::TempDir, OrdersFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders");
        fs::write(&path, content).unwrap();
        (folder, OrdersFile::new(path))
    }

    fn write(file: &OrdersFile, content: &str) {
        fs::write(&file.path, content).unwrap();
    }

    #[test]
    fn each_round_is_given_out_once() {
        let (_folder, mut file) = file("");
        assert_eq!(file.look(), Look::Nothing, "empty at first");
        write(&file, TALLY);
        assert!(matches!(file.look(), Look::Round(orders) if orders.round == 1));
        assert_eq!(file.look(), Look::Nothing);
        write(&file, "");
        assert_eq!(file.look(), Look::Nothing);
        write(&file, TALLY);
        assert_eq!(file.look(), Look::Nothing, "sent again");
        write(&file, &format!("{TALLY}  "));
        assert_eq!(file.look(), Look::Nothing, "sent again, with white space so that the file is written anew");
        write(&file, r#"{"round":3,"step":"tally"}"#);
        assert!(matches!(file.look(), Look::Round(orders) if orders.round == 3));
    }

    #[test]
    fn a_fault_is_told_once_and_is_not_fatal() {
        let (_folder, mut file) = file(&TALLY[..9]);
        assert!(matches!(file.look(), Look::Fault(reason) if reason.contains("line 1 column 9")));
        assert_eq!(file.look(), Look::Nothing);
        write(&file, TALLY);
        assert!(matches!(file.look(), Look::Round(_)), "the other half came");
        write(&file, &TALLY[..9]);
        assert_eq!(file.look(), Look::Nothing, "told already");
    }

    #[test]
    fn a_round_is_never_another() {
        let (_folder, mut file) = file(TALLY);
        assert!(matches!(file.look(), Look::Round(_)));
        write(&file, r#"{"round":1,"step":{"try":{"attempts":1,"gap_ms":0,"timeout_ms":9,"targets":[]}}}"#);
        assert!(matches!(file.look(), Look::Fault(reason) if reason.contains("other orders came for round 1")));
        write(&file, r#"{"round":0,"step":"tally"}"#);
        assert!(matches!(file.look(), Look::Fault(_)));
    }

    #[test]
    fn a_missing_file_is_told_once_and_waited_for() {
        let (_folder, mut file) = file("");
        fs::remove_file(&file.path).unwrap();
        assert!(matches!(file.look(), Look::Fault(_)));
        assert_eq!(file.look(), Look::Nothing);
        write(&file, TALLY);
        assert!(matches!(file.look(), Look::Round(_)));
    }

    #[test]
    fn a_log_is_not_filled_with_faults() {
        let (_folder, mut file) = file("");
        let told = (0..1000).filter(|number| {
            write(&file, &format!("not orders {number}"));
            file.look() != Look::Nothing
        });
        assert_eq!(told.count(), FAULTS_MAX);
    }

    #[rstest]
    #[case::no_attempts(r#"{"attempts":0,"gap_ms":0,"timeout_ms":9,"targets":[]}"#, "`attempts` is 0")]
    #[case::no_time(r#"{"attempts":1,"gap_ms":0,"timeout_ms":0,"targets":[]}"#, "`timeout_ms` is 0")]
    #[case::port_0(
        r#"{"attempts":1,"gap_ms":0,"timeout_ms":9,"targets":[{"i":1,"p":"TCP","a":"10.0.0.1","n":0,"w":"b"}]}"#,
        "a port is a number from 1 to 65535"
    )]
    #[case::same_id(
        r#"{"attempts":1,"gap_ms":0,"timeout_ms":9,"targets":[{"i":1,"p":"TCP","a":"10.0.0.1","n":1,"w":"b"},
        {"i":1,"p":"UDP","a":"10.0.0.1","n":1,"w":"b"}]}"#,
        "two targets have the id 1"
    )]
    fn what_can_prove_nothing_is_refused(#[case] tries: &str, #[case] reason: &str) {
        let (_folder, mut file) = file(&format!(r#"{{"round":1,"step":{{"try":{tries}}}}}"#));
        let look = file.look();
        assert!(matches!(&look, Look::Fault(told) if told.contains(reason)), "{look:?}");
    }
}
