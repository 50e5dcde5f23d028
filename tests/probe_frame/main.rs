//! A log is cut, damaged, doubled and shuffled: a report comes out right or not at all.

mod cloud;

use std::net::IpAddr;

use proptest::prelude::*;
use tenantproof::model::{Port, Protocol};
use tenantproof::probe::frame::{self, Decoded, Decoder, FrameError, Kind};
use tenantproof::probe::wire::{Ack, Answer, Arrival, Attempt, Complaint, Ending, Listener, Outcome, Ready, Report};

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Connected),
        Just(Outcome::WrongPeer),
        Just(Outcome::Opened(Ending::Silence)),
        Just(Outcome::Timeout),
        Just(Outcome::Refused),
        Just(Outcome::Dns),
        ".{0,60}".prop_map(Outcome::ProbeError),
    ]
}

fn port() -> impl Strategy<Value = Port> {
    (1..=u16::MAX).prop_filter_map("not 0", Port::new)
}

fn protocol() -> impl Strategy<Value = Protocol> {
    proptest::sample::select(Protocol::ALL.to_vec())
}

prop_compose! {
    fn answer()(
        id in any::<u32>(),
        attempts in proptest::collection::vec((outcome(), any::<u64>()), 0..4),
    ) -> Answer {
        let attempts = attempts.into_iter().map(|(outcome, micros)| Attempt { outcome, at_ms: micros ^ 7, micros }).collect();
        Answer { id, attempts }
    }
}

prop_compose! {
    fn arrival()(
        protocol in protocol(),
        port in port(),
        probe in proptest::option::of("[a-z0-9-]{1,40}"),
        target in any::<Option<u32>>(),
        from in any::<IpAddr>(),
        count in any::<u32>(),
    ) -> Arrival {
        Arrival { protocol, port, probe, target, from, count }
    }
}

prop_compose! {
    fn listener()(
        protocol in protocol(),
        port in port(),
        error in proptest::option::of(".{0,60}"),
        unsupported in any::<bool>(),
    ) -> Listener {
        Listener { protocol, port, error, unsupported }
    }
}

prop_compose! {
    fn report_of(round: u32)(
        probe in "[a-z0-9-]{1,63}",
        answers in proptest::collection::vec(answer(), 0..120),
        arrivals in proptest::collection::vec(arrival(), 0..40),
        arrivals_not_kept in any::<u32>(),
        listeners in proptest::collection::vec(listener(), 0..4),
        cloud in proptest::option::of(cloud::report()),
    ) -> Report {
        Report { round, probe, answers, arrivals, arrivals_not_kept, listeners, cloud }
    }
}

fn log(reports: &[Report]) -> String {
    reports.iter().flat_map(frame::encode).map(|line| line + "\n").collect()
}

/// Whatever came out is one of `reports`.
fn nothing_wrong(decoded: &Decoded, reports: &[Report]) -> Result<(), TestCaseError> {
    for (round, report) in &decoded.reports {
        prop_assert!(reports.iter().any(|right| right.round == *round && right == report), "a wrong report came out");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_goes_in_comes_out(one in report_of(1), two in report_of(2)) {
        let decoded = Decoder::read(log(&[one.clone(), two.clone()]));
        prop_assert_eq!(decoded.report(1), Ok(&one));
        prop_assert_eq!(decoded.report(2), Ok(&two));
        prop_assert!(decoded.errors.is_empty());
        prop_assert!(frame::encode(&one).iter().all(|line| line.len() < 8192));
    }

    #[test]
    fn pieces_of_any_size_are_put_together(one in report_of(1), size in 1_usize..9000) {
        let mut decoder = Decoder::new();
        for piece in log(std::slice::from_ref(&one)).as_bytes().chunks(size) {
            decoder.push(piece);
        }
        let decoded = decoder.decoded();
        prop_assert_eq!(decoded.report(1), Ok(&one));
    }

    #[test]
    fn a_log_cut_short_gives_no_wrong_report(one in report_of(1), two in report_of(2), cut in any::<prop::sample::Index>()) {
        let reports = [one, two];
        let log = log(&reports);
        let whole = log.len();
        let cut = cut.index(whole);
        let decoded = Decoder::read(&log.as_bytes()[..cut]);
        nothing_wrong(&decoded, &reports)?;
        // All but the last newline: the second report is whole. Anything less: it is not.
        prop_assert_eq!(decoded.report(2).is_ok(), cut == whole - 1);
        // What is missing at the beginning is missed as well.
        let decoded = Decoder::read(&log.as_bytes()[cut..]);
        nothing_wrong(&decoded, &reports)?;
        prop_assert_eq!(decoded.report(1).is_ok(), cut == 0);
    }

    #[test]
    fn a_lost_line_is_missed(one in report_of(1), lost in any::<prop::sample::Index>()) {
        let mut lines = frame::encode(&one);
        let want = lines.len();
        lines.remove(lost.index(want));
        let have = lines.len();
        let decoded = Decoder::read(lines.join("\n"));
        prop_assert_eq!(decoded.report(1), Err(FrameError::Incomplete { kind: Kind::Report, number: 1, have, want }));
    }

    #[test]
    fn lines_may_come_twice_in_any_order_among_others(one in report_of(1), seed in any::<u64>()) {
        let mut lines = frame::encode(&one);
        lines.extend(lines.clone());
        lines.extend(["TP1 report".to_owned(), "TP2 report 1 1/1 {}".to_owned(), "a line of something else".to_owned()]);
        for (at, line) in lines.iter_mut().enumerate().filter(|(at, _)| (seed >> (at % 64)) & 1 == 1) {
            *line = format!("2024-05-01T10:00:00.{:09}Z {line}", at + 1);
        }
        let length = lines.len();
        for at in 0..length {
            let other = usize::try_from(seed.rotate_left(u32::try_from(at % 64).unwrap()) % 1009).unwrap() % length;
            lines.swap(at, other);
        }
        let decoded = Decoder::read(lines.join("\r\n"));
        prop_assert_eq!(decoded.report(1), Ok(&one));
    }

    #[test]
    fn a_changed_byte_gives_no_wrong_report(
        one in report_of(1),
        two in report_of(2),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 1_u8..=255), 1..4),
    ) {
        let reports = [one, two];
        let mut log = log(&reports).into_bytes();
        for (at, change) in changes {
            let at = at.index(log.len());
            log[at] ^= change;
        }
        nothing_wrong(&Decoder::read(&log), &reports)?;
    }

    #[test]
    fn a_changed_head_gives_no_wrong_report(one in report_of(1), at in 0_usize..20, byte in b' '..b'~') {
        let mut log = log(std::slice::from_ref(&one)).into_bytes();
        log[at] = byte;
        nothing_wrong(&Decoder::read(&log), &[one])?;
    }

    #[test]
    fn two_programs_that_disagree_give_no_report(one in report_of(1), two in report_of(1)) {
        prop_assume!(one != two);
        let decoded = Decoder::read(log(&[one, two]));
        prop_assert!(matches!(decoded.report(1), Err(FrameError::Corrupt { .. })), "{:?}", decoded.errors);
    }

    #[test]
    fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(Decoder::read(&bytes).reports.is_empty());
    }

    #[test]
    fn lines_that_look_like_a_probes_are_read_to_an_end(
        lines in proptest::collection::vec("TP1 (report|ack|ready|error) [0-9]{1,11} (end|[0-9]{1,9})/[0-9]{1,9} .{0,70}", 0..20),
    ) {
        prop_assert!(Decoder::read(lines.join("\n")).reports.is_empty());
    }
}

fn small() -> Report {
    let attempts = vec![
        Attempt { outcome: Outcome::Connected, at_ms: 1_795_000_000_000, micros: 412 },
        Attempt { outcome: Outcome::Opened(Ending::Silence), at_ms: 1_795_000_000_000, micros: 400_000 },
        Attempt {
            outcome: Outcome::ProbeError("Too many open files (os error 24)".into()),
            at_ms: 1_795_000_000_000,
            micros: 9,
        },
    ];
    Report {
        round: 3,
        probe: "t1-web-x".into(),
        answers: vec![Answer { id: 1, attempts }],
        arrivals: vec![],
        arrivals_not_kept: 0,
        listeners: vec![],
        cloud: None,
    }
}

#[test]
fn a_log_looks_like_this() {
    let probe = "t1-web-x".to_owned();
    let port = Port::new(8080).unwrap();
    let listeners = vec![Listener { protocol: Protocol::Tcp, port, error: None, unsupported: false }];
    let ready = Ready { probe: probe.clone(), version: "0.1.0".into(), listeners };
    let complaint = Complaint { probe: probe.clone(), message: "orders of 9 bytes can't be carried out".into() };
    let lines = [
        frame::encode_ready(&ready),
        frame::encode_complaint(1, &complaint),
        frame::encode_ack(&Ack { probe, round: 3 }),
        frame::encode(&small()),
    ]
    .concat();
    insta::assert_snapshot!(lines.join("\n"));

    let decoded = Decoder::read(lines.join("\n"));
    assert_eq!(decoded.ready, Some(ready));
    assert_eq!(decoded.complaints, [complaint]);
    assert_eq!(decoded.acks.keys().copied().collect::<Vec<_>>(), [3]);
    assert_eq!(decoded.report(3), Ok(&small()));
    assert!(decoded.errors.is_empty());
}

#[test]
fn errors_say_what_is_missing() {
    let lines = frame::encode(&small());
    let absent = Decoder::read("nothing of a probe").report(3).unwrap_err().to_string();
    assert_eq!(absent, "the probe's log has no report 3");
    let cut = Decoder::read(&lines[0]).report(3).unwrap_err().to_string();
    assert_eq!(cut, "report 3 in the probe's log is cut short: 1 of 2 lines");
    let changed = lines.join("\n").replace("connected", "timeout");
    let damaged = Decoder::read(changed).report(3).unwrap_err().to_string();
    assert_eq!(damaged, "report 3 in the probe's log is damaged: its digest is another");
}

#[test]
fn every_byte_of_a_small_log_matters() {
    let right = log(&[small()]);
    for at in 0..right.len() {
        for bit in 0..8 {
            let mut changed = right.clone().into_bytes();
            changed[at] ^= 1 << bit;
            let decoded = Decoder::read(&changed);
            // The last newline alone may be something else, for a log may lack it; what then follows the
            // digest is no digest.
            assert!(decoded.reports.is_empty(), "byte {at}, bit {bit}");
        }
    }
}
