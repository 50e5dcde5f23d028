//! Behind a fence of netfilter's, in a network namespace of the test's own.

use std::io::{self, Write};

use tenantproof::model::Protocol;
use tenantproof::probe::wire::{Outcome, Step};

use crate::harness::{NONCE, Probe, target, tries};

/// Runs what follows in a namespace with a loopback and these rules; `None` where that can't be had.
fn fence(rules: &str) -> Option<Vec<String>> {
    let script = format!("set -e; ip link set lo up; {rules}; exec \"$@\"");
    let wrapper = ["unshare", "-rn", "sh", "-c", &script, "sh"].map(str::to_owned).to_vec();
    let works = std::process::Command::new(&wrapper[0]).args(&wrapper[1..]).arg("true").output();
    match works {
        Ok(output) if output.status.success() => Some(wrapper),
        other => {
            // Past the harness, which would keep it to itself.
            let _ = writeln!(io::stderr(), "not tested: no network namespace with a packet filter here: {other:?}");
            None
        }
    }
}

fn start(wrapper: &[String], listen: &str) -> Probe {
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    Probe::start_as(&wrapper, "a-1", NONCE, listen, &[])
}

/// Each way in which an engine can deny, and what the probe calls it.
#[test]
fn each_way_to_be_denied_has_its_name() {
    let ways = [
        ("-p tcp", "DROP", Outcome::Timeout),
        ("-p tcp", "REJECT --reject-with tcp-reset", Outcome::Refused),
        ("-p tcp", "REJECT --reject-with icmp-port-unreachable", Outcome::Refused),
        ("-p tcp", "REJECT --reject-with icmp-host-unreachable", Outcome::NoRoute),
        ("-p tcp", "REJECT --reject-with icmp-net-unreachable", Outcome::NoRoute),
        ("-p tcp", "REJECT --reject-with icmp-admin-prohibited", Outcome::NoRoute),
        ("-p udp", "DROP", Outcome::Timeout),
        ("-p udp", "REJECT --reject-with icmp-port-unreachable", Outcome::Refused),
        ("-p udp", "REJECT --reject-with icmp-admin-prohibited", Outcome::NoRoute),
    ];
    let port = |way: usize| 8000 + u16::try_from(way).expect("few");
    let rules: Vec<String> = (0..)
        .zip(&ways)
        .map(|(way, (protocol, how, _))| format!("iptables -A INPUT {protocol} --dport {} -j {how}", port(way)))
        .chain(["iptables -A OUTPUT -p udp --dport 8020 -j DROP".to_owned()])
        .collect();
    let Some(wrapper) = fence(&rules.join("; ")) else { return };
    let protocol = |way: &str| if way == "-p tcp" { Protocol::Tcp } else { Protocol::Udp };
    let listen: Vec<String> = (0..).zip(&ways).map(|(way, w)| format!("{}:{}", protocol(w.0), port(way))).collect();
    let probe = start(&wrapper, &format!("{},tcp:9000", listen.join(",")));

    let mut targets: Vec<_> = (0..)
        .zip(&ways)
        .map(|(way, w)| target(u32::from(port(way)), protocol(w.0), "127.0.0.1", port(way), "a-1"))
        .collect();
    targets.push(target(8020, Protocol::Udp, "127.0.0.1", 8020, "a-1"));
    targets.push(target(9000, Protocol::Tcp, "127.0.0.1", 9000, "a-1"));
    let report = probe.order(1, tries(2, 400, targets));

    let expected = ways.iter().map(|(_, _, outcome)| outcome).chain([&Outcome::NoRoute, &Outcome::Connected]);
    for (answer, expected) in report.answers.iter().zip(expected) {
        for attempt in &answer.attempts {
            assert_eq!(&attempt.outcome, expected, "port {}", answer.id);
            assert_eq!(attempt.outcome.is_denial(), *expected != Outcome::Connected);
        }
    }
    let arrivals = probe.order(2, Step::Tally).arrivals;
    assert_eq!(arrivals.len(), 1, "nobody but on the open port: {arrivals:?}");
}

/// What goes in and finds no way back looks like a denial to the client; the record tells.
#[test]
fn a_one_way_leak_is_on_record() {
    let rules = "iptables -A OUTPUT -p udp --sport 8001 -j DROP; \
                 iptables -A OUTPUT -p tcp --sport 8002 --tcp-flags PSH PSH -j DROP; \
                 iptables -A INPUT -p tcp --dport 8003 --tcp-flags PSH PSH -j DROP";
    let Some(wrapper) = fence(rules) else { return };
    let probe = start(&wrapper, "udp:8001,tcp:8002,tcp:8003");
    let targets = vec![
        target(1, Protocol::Udp, "127.0.0.1", 8001, "a-1"),
        target(2, Protocol::Tcp, "127.0.0.1", 8002, "a-1"),
        target(3, Protocol::Tcp, "127.0.0.1", 8003, "a-1"),
    ];
    let report = probe.order(1, tries(1, 400, targets));
    let outcomes: Vec<_> = report.answers.iter().map(|answer| answer.attempts[0].outcome.to_string()).collect();
    assert_eq!(outcomes, ["timeout", "opened, no reply", "opened, no reply"]);

    let arrivals = probe.order(2, Step::Tally).arrivals;
    let arrived: Vec<_> = arrivals.iter().map(|a| (a.port.get(), a.probe.as_deref(), a.target)).collect();
    assert_eq!(arrived, [(8002, Some("a-1"), Some(2)), (8001, Some("a-1"), Some(1)), (8003, None, None)]);
}

#[test]
fn without_ipv6_it_listens_by_ipv4() {
    let Some(wrapper) = fence("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6") else { return };
    let probe = start(&wrapper, "tcp:8001,udp:8001");
    let targets = [Protocol::Tcp, Protocol::Udp].map(|p| target(p as u32, p, "127.0.0.1", 8001, "a-1"));
    let report = probe.order(1, tries(1, 400, targets.to_vec()));
    assert!(report.answers.iter().all(|answer| answer.attempts[0].outcome.is_connected()), "{report:?}");
}

#[test]
fn an_address_without_a_route_has_no_route() {
    let Some(wrapper) = fence("true") else { return };
    let probe = start(&wrapper, "tcp:8001");
    let addresses = ["192.0.2.1", "2001:db8::1"];
    let targets = (0..).zip(addresses).flat_map(|(id, address)| {
        [(2 * id, Protocol::Tcp), (2 * id + 1, Protocol::Udp)].map(|(id, p)| target(id, p, address, 8001, "b-1"))
    });
    let report = probe.order(1, tries(1, 400, targets.collect()));
    for answer in &report.answers {
        assert_eq!(answer.attempts[0].outcome, Outcome::NoRoute, "target {}", answer.id);
    }
}

/// A name server that is fenced off: nothing is known of the target, and that is no denial.
#[test]
fn a_name_server_out_of_reach_is_no_denial() {
    let Some(wrapper) = fence("iptables -A OUTPUT -p udp --dport 53 -j DROP") else { return };
    let probe = start(&wrapper, "");
    let report = probe.order(1, tries(2, 100, vec![target(1, Protocol::Tcp, "web.t1.svc", 80, "b-1")]));
    let outcomes: Vec<_> = report.answers[0].attempts.iter().map(|attempt| &attempt.outcome).collect();
    assert_eq!(outcomes, [&Outcome::Dns; 2]);
    assert!(!Outcome::Dns.is_denial());
}
