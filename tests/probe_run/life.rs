//! A probe from its start to its end: orders, strangers, signals, deadline.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use tenantproof::model::Protocol;
use tenantproof::probe::wire::{Outcome, Step};

use crate::harness::{NONCE, Probe, command, free_port, target, tries};

#[test]
fn a_round_is_acknowledged_at_once_and_carried_out_once() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("bound").port();
    let probe = Probe::start("a-1", "");
    let step = tries(1, 3000, vec![target(1, Protocol::Tcp, "127.0.0.1", port, "b-1")]);
    let orders = tenantproof::probe::wire::Orders { round: 4, step };
    let text = serde_json::to_string(&orders).expect("JSON");
    let began = Instant::now();
    probe.write(&text);
    probe.wait("acknowledgement", |log| log.acks.get(&4).cloned());
    assert!(began.elapsed() < Duration::from_millis(2500), "before it has an answer");
    assert!(probe.log().report(4).is_err(), "its report is still to come");
    probe.wait("report", |log| log.report(4).ok().cloned());

    // Sent again, then with another content, then the next round: nothing is done twice.
    probe.write(&format!("{text}\n"));
    probe.write(&text.replacen("\"attempts\":1", "\"attempts\":2", 1));
    probe.wait("complaint", |log| log.complaints.first().cloned());
    probe.order(5, Step::Tally);
    let log = probe.log();
    assert_eq!((log.acks.len(), log.reports.len(), log.errors.len()), (2, 2, 0));
}

#[test]
fn orders_that_are_none_are_told_and_waited_out() {
    let probe = Probe::start("a-1", "");
    probe.write("{\"round\":1,");
    let complaint = probe.wait("complaint", |log| log.complaints.first().cloned());
    assert_eq!(complaint.probe, "a-1");
    assert!(complaint.message.contains("EOF while parsing"), "{complaint:?}");
    let report = probe.order(1, Step::Tally);
    assert_eq!((report.round, report.probe.as_str()), (1, "a-1"));
}

#[test]
fn a_port_that_is_taken_is_said() {
    let taken = TcpListener::bind("[::]:0").expect("a port");
    let port = taken.local_addr().expect("bound").port();
    let probe = Probe::start("a-1", &format!("tcp:{port}"));
    let ready = probe.log().ready.expect("said");
    assert!(ready.listeners[0].error.as_ref().is_some_and(|error| error.contains("in use")), "{ready:?}");
    assert!(!ready.listeners[0].unsupported);
    assert_eq!(probe.order(1, Step::Tally).listeners, ready.listeners);
}

#[test]
fn who_connects_and_says_nothing_has_arrived() {
    let port = free_port();
    let probe = Probe::start("a-1", &format!("tcp:{port}"));
    let silent = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let mut other = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    other.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("sent");
    let mut answer = Vec::new();
    let _ = other.read_to_end(&mut answer);
    assert!(answer.is_empty(), "strangers get no answer");
    let arrivals = probe.order(1, Step::Tally).arrivals;
    assert_eq!(arrivals.len(), 1);
    assert_eq!((&arrivals[0].probe, arrivals[0].target, arrivals[0].count), (&None, None, 2));
    drop(silent);
}

#[test]
fn whoever_speaks_slowly_is_shown_out() {
    let port = free_port();
    let probe = Probe::start("a-1", &format!("tcp:{port}"));
    let mut slow = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let began = Instant::now();
    while slow.write_all(b"x").is_ok() && began.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(100));
    }
    assert!(began.elapsed() < Duration::from_secs(8), "it had {:?}", began.elapsed());
    assert_eq!(probe.order(1, Step::Tally).arrivals.len(), 1);
}

#[test]
fn a_crowd_of_strangers_keeps_no_probe_out_of_the_record() {
    let port = free_port();
    let (a, b) = (Probe::start("a-1", ""), Probe::start("b-1", &format!("tcp:{port}")));
    // More than it lets in at a time, whatever the limits here are.
    let crowd: Vec<_> = (0..600).map_while(|_| TcpStream::connect(("127.0.0.1", port)).ok()).collect();
    let outcomes = a.outcomes(1, 1, target(1, Protocol::Tcp, "127.0.0.1", port, "b-1"));
    assert!(!outcomes[0].is_denial(), "{outcomes:?}");
    let arrived: u32 = b.order(1, Step::Tally).arrivals.iter().map(|arrival| arrival.count).sum();
    assert_eq!(usize::try_from(arrived), Ok(crowd.len() + 1));
}

#[test]
fn it_ends_when_told_to() {
    for signal in ["TERM", "INT"] {
        let mut probe = Probe::start("a-1", "");
        let status = Command::new("kill").args(["-s", signal, &probe.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
        assert_eq!(probe.child.wait().expect("it ended").code(), Some(0));
    }
}

#[test]
fn it_ends_by_itself_at_its_deadline() {
    let mut probe = Probe::start_as(&[], "a-1", NONCE, "", &["--deadline", "1"]);
    assert_eq!(probe.child.wait().expect("it ended").code(), Some(3));
}

#[test]
fn a_deadline_comes_in_the_middle_of_a_round_too() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("bound").port();
    let mut probe = Probe::start_as(&[], "a-1", NONCE, "", &["--deadline", "1"]);
    let step = tries(1, 60_000, vec![target(1, Protocol::Tcp, "127.0.0.1", port, "b-1")]);
    let orders = tenantproof::probe::wire::Orders { round: 1, step };
    probe.write(&serde_json::to_string(&orders).expect("JSON"));
    assert_eq!(probe.child.wait().expect("it ended").code(), Some(3));
    assert!(probe.log().report(1).is_err());
}

#[test]
fn wrong_usage_is_said() {
    let output = command(&[], &["--name", "a-1"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said, "tenantproof-probe: --nonce is missing; give it, or set TENANTPROOF_PROBE_NONCE\n");
}

#[test]
fn help_and_version_are_printed() {
    let help = command(&[], &["--help"]).output().expect("it runs");
    insta::assert_snapshot!(String::from_utf8_lossy(&help.stdout));
    let version = command(&[], &["--version"]).output().expect("it runs");
    let expected = concat!("tenantproof-probe ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(String::from_utf8_lossy(&version.stdout), expected);
}

#[test]
fn an_attempt_tells_its_time() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("bound").port();
    let probe = Probe::start("a-1", "");
    let report = probe.order(1, tries(1, 300, vec![target(1, Protocol::Tcp, "127.0.0.1", port, "b-1")]));
    let attempt = &report.answers[0].attempts[0];
    assert!(matches!(attempt.outcome, Outcome::Opened(_)));
    assert!((300_000..3_000_000).contains(&attempt.micros), "{attempt:?}");
}
