//! Each outcome, made by something that really behaves so.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use rstest::rstest;
use socket2::{Domain, Socket, Type};
use tenantproof::model::Protocol;
use tenantproof::probe::wire::{Ending, Outcome, Step};

use crate::harness::{Probe, free_port, target, tries};

/// A TCP server on the loopback that does `act` with each connection.
fn server(act: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || listener.incoming().flatten().for_each(act));
    port
}

fn alone(protocol: Protocol, port: u16) -> Vec<Outcome> {
    Probe::start("a-1", "").outcomes(1, 2, target(1, protocol, "127.0.0.1", port, "b-1"))
}

#[rstest]
#[case::ipv4("127.0.0.1")]
#[case::ipv6("::1")]
fn two_probes_connect_and_record_each_other(
    #[values(Protocol::Tcp, Protocol::Udp)] protocol: Protocol,
    #[case] address: &str,
) {
    let port = free_port();
    let (a, b) = (Probe::start("a-1", ""), Probe::start("b-1", &format!("{protocol}:{port}")));
    assert_eq!(a.outcomes(1, 3, target(7, protocol, address, port, "b-1")), vec![Outcome::Connected; 3]);

    let tally = b.order(1, Step::Tally);
    assert_eq!((tally.arrivals.len(), tally.arrivals_not_kept), (1, 0), "{tally:?}");
    let arrival = &tally.arrivals[0];
    assert_eq!((arrival.probe.as_deref(), arrival.target, arrival.count), (Some("a-1"), Some(7), 3));
    assert_eq!((arrival.protocol, arrival.port.get(), arrival.from.to_string().as_str()), (protocol, port, address));
    assert_eq!(tally.listeners[0].error, None);
}

#[rstest]
fn another_probe_of_the_run_is_the_wrong_peer(#[values(Protocol::Tcp, Protocol::Udp)] protocol: Protocol) {
    let port = free_port();
    let (a, b) = (Probe::start("a-1", ""), Probe::start("c-1", &format!("{protocol}:{port}")));
    assert_eq!(a.outcomes(1, 1, target(7, protocol, "127.0.0.1", port, "b-1")), [Outcome::WrongPeer]);
    assert_eq!(b.order(1, Step::Tally).arrivals[0].probe.as_deref(), Some("a-1"));
}

#[rstest]
#[case(Protocol::Tcp, Outcome::Opened(Ending::Closed))]
#[case(Protocol::Udp, Outcome::Timeout)]
fn a_probe_of_another_run_says_nothing_and_records_a_stranger(#[case] protocol: Protocol, #[case] outcome: Outcome) {
    let port = free_port();
    let a = Probe::start("a-1", "");
    let b = Probe::start_as(&[], "b-1", "nonce-of-another-run", &format!("{protocol}:{port}"), &[]);
    assert_eq!(a.outcomes(1, 1, target(7, protocol, "127.0.0.1", port, "b-1")), [outcome]);
    let arrivals = b.order(1, Step::Tally).arrivals;
    assert_eq!((arrivals.len(), &arrivals[0].probe, arrivals[0].target), (1, &None, None));
}

#[test]
fn a_server_of_something_else_is_the_wrong_peer() {
    let port = server(|mut stream| {
        thread::spawn(move || stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").and_then(|()| stream.read(&mut [0; 512])));
    });
    assert_eq!(alone(Protocol::Tcp, port), vec![Outcome::WrongPeer; 2]);
}

#[test]
fn an_answer_without_an_end_is_the_wrong_peer() {
    let port = server(|mut stream| {
        thread::spawn(move || stream.write_all(&vec![b'x'; 100_000]).and_then(|()| stream.read(&mut [0; 9999])));
    });
    assert_eq!(alone(Protocol::Tcp, port), vec![Outcome::WrongPeer; 2]);
}

#[test]
fn an_echo_is_the_wrong_peer() {
    let port = server(|mut stream| {
        let mut line = [0; 512];
        let _ = stream.read(&mut line).and_then(|length| stream.write_all(&line[..length]));
    });
    assert_eq!(alone(Protocol::Tcp, port), vec![Outcome::WrongPeer; 2]);
}

#[test]
fn a_dead_port_refuses() {
    assert_eq!(alone(Protocol::Tcp, free_port()), vec![Outcome::Refused; 2]);
    assert_eq!(alone(Protocol::Udp, free_port()), vec![Outcome::Refused; 2]);
}

#[test]
fn a_reset_after_the_opening_is_no_denial() {
    let port = server(|stream| {
        // Closing with a linger of 0 sends a reset.
        let _ = Socket::from(stream).set_linger(Some(Duration::ZERO));
    });
    assert_eq!(alone(Protocol::Tcp, port), vec![Outcome::Opened(Ending::Reset); 2]);
}

#[test]
fn a_reset_after_the_greeting_is_no_denial() {
    let port = server(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
        let _ = Socket::from(stream).set_linger(Some(Duration::ZERO));
    });
    assert_eq!(alone(Protocol::Tcp, port), vec![Outcome::Opened(Ending::Reset); 2]);
}

#[test]
fn a_close_without_a_word_is_no_denial() {
    let port = server(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
    });
    assert_eq!(alone(Protocol::Tcp, port), vec![Outcome::Opened(Ending::Closed); 2]);
}

#[test]
fn silence_after_the_opening_is_no_denial() {
    // Nobody accepts: the kernel opens the connections, and they wait.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    assert_eq!(alone(Protocol::Tcp, port), vec![Outcome::Opened(Ending::Silence); 2]);
}

#[test]
fn nothing_at_all_is_a_timeout() {
    // A full queue: the kernel drops whoever comes next.
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a port");
    listener.listen(0).expect("listens");
    let address = listener.local_addr().ok().and_then(|a| a.as_socket()).expect("bound");
    let full: Vec<_> = (0..4).map(|_| TcpStream::connect_timeout(&address, Duration::from_millis(100))).collect();
    assert!(full.iter().any(Result::is_err), "the queue is full");
    assert_eq!(alone(Protocol::Tcp, address.port()), vec![Outcome::Timeout; 2]);
}

#[test]
fn datagrams_that_nobody_reads_are_a_timeout() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = socket.local_addr().expect("bound").port();
    assert_eq!(alone(Protocol::Udp, port), vec![Outcome::Timeout; 2]);
    socket.set_nonblocking(true).expect("set");
    let sent = std::iter::from_fn(|| socket.recv(&mut [0; 512]).ok()).count();
    assert_eq!(sent, 6, "each attempt sends three times");
}

#[test]
fn a_name_that_is_none_is_not_resolved() {
    let outcomes = Probe::start("a-1", "").outcomes(1, 2, target(1, Protocol::Tcp, "no..name", 80, "b-1"));
    assert_eq!(outcomes, vec![Outcome::Dns; 2]);
}

#[test]
fn sctp_is_tried_where_there_is_any_and_said_where_there_is_none() {
    let port = free_port();
    let a = Probe::start("a-1", &format!("sctp:{port},tcp:{port}"));
    let outcomes = a.outcomes(1, 1, target(1, Protocol::Sctp, "127.0.0.1", port, "a-1"));
    let ready = a.log().ready.expect("said");
    let has_sctp = Socket::new(Domain::IPV4, Type::STREAM, Some(socket2::Protocol::SCTP)).is_ok();
    if has_sctp {
        assert_eq!((outcomes, ready.listeners[0].error.as_ref()), (vec![Outcome::Connected], None));
    } else {
        assert_eq!(outcomes, [Outcome::Unsupported]);
        assert!(ready.listeners[0].unsupported && ready.listeners[0].error.is_some());
    }
    assert_eq!((ready.listeners[1].unsupported, ready.listeners[1].error.as_ref()), (false, None));
}

#[test]
fn many_targets_are_tried_at_once() {
    let port = free_port();
    let (a, b) = (Probe::start("a-1", ""), Probe::start("b-1", &format!("tcp:{port},udp:{port}")));
    // One silent target in ten: one after another they would take 100 s.
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let silent = silent.local_addr().expect("bound").port();
    let targets = (0..500).map(|id| match id % 10 {
        0 => target(id, Protocol::Udp, "127.0.0.1", silent, "b-1"),
        1..5 => target(id, Protocol::Udp, "127.0.0.1", port, "b-1"),
        _ => target(id, Protocol::Tcp, "127.0.0.1", port, "b-1"),
    });
    let report = a.order(1, tries(2, 1000, targets.collect()));
    assert_eq!(report.answers.len(), 500);
    for (id, answer) in (0..).zip(&report.answers) {
        assert_eq!((answer.id, answer.attempts.len()), (id, 2));
        for attempt in &answer.attempts {
            assert_eq!(attempt.outcome.is_connected(), id % 10 != 0, "{answer:?}");
        }
    }
    let tally = b.order(1, Step::Tally);
    assert_eq!(tally.arrivals.len(), 450, "one for each target");
    assert!(tally.arrivals.iter().all(|arrival| arrival.probe.as_deref() == Some("a-1") && arrival.count >= 2));
}
