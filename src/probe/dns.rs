//! A resolver of the few things that a probe needs: the addresses of a name, from the name servers
//! of its pod. A static program can't use the C library's.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::time::{timeout, timeout_at};

use super::greeting::random;
use super::socket;

/// The name has no address, or nobody could tell it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotResolved;

/// As many as resolv.conf(5) says: MAXNS.
const SERVERS_MAX: usize = 3;
/// What a plain answer over UDP can hold (RFC 1035, 4.2.1), with room for servers that send more.
const ANSWER_MAX: usize = 1232;
/// The type of an IPv4 address record (RFC 1035, 3.2.2).
const A: u16 = 1;
/// The type of an IPv6 address record (RFC 3596, 2.1).
const AAAA: u16 = 28;

/// What resolv.conf says.
#[derive(Debug, PartialEq, Eq)]
struct Resolver {
    servers: Vec<SocketAddr>,
    search: Vec<String>,
    ndots: usize,
}

/// What a server said of a name.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// Its address.
    Address(IpAddr),
    /// It has none of this type.
    Nothing,
    /// The server could not tell.
    NoIdea,
}

/// The first address of `name`: IPv4 before IPv6. `limit` is how long to wait for each answer.
pub(super) async fn resolve(name: &str, limit: Duration) -> Result<IpAddr, NotResolved> {
    resolve_among(name, &[A, AAAA], limit).await
}

/// The first IPv6 address of `name`.
pub(super) async fn resolve_v6(name: &str, limit: Duration) -> Result<IpAddr, NotResolved> {
    resolve_among(name, &[AAAA], limit).await
}

async fn resolve_among(name: &str, kinds: &[u16], limit: Duration) -> Result<IpAddr, NotResolved> {
    let text = fs::read_to_string("/etc/resolv.conf").map_err(|_| NotResolved)?;
    let resolver = Resolver::read(&text);
    // However many names and servers there are to ask, a target waits no longer than this.
    match timeout(limit.saturating_mul(4), resolver.ask_all(name, kinds, limit)).await {
        Ok(Some(address)) => Ok(address),
        Ok(None) | Err(_) => Err(NotResolved),
    }
}

impl Resolver {
    fn read(text: &str) -> Self {
        let mut resolver = Self { servers: Vec::new(), search: Vec::new(), ndots: 1 };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") if resolver.servers.len() < SERVERS_MAX => {
                    let server = words.next().and_then(|word| word.parse::<IpAddr>().ok());
                    resolver.servers.extend(server.map(|server| SocketAddr::new(server, 53)));
                }
                Some("search" | "domain") => resolver.search = words.map(str::to_owned).collect(),
                Some("options") => {
                    let mut dots = words.filter_map(|word| word.strip_prefix("ndots:")?.parse::<usize>().ok());
                    resolver.ndots = dots.next_back().unwrap_or(resolver.ndots).min(15);
                }
                _ => {}
            }
        }
        resolver
    }

    /// The names to ask for, in their order: see "search" and "ndots" in resolv.conf(5).
    fn names(&self, name: &str) -> Vec<String> {
        if let Some(absolute) = name.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let mut names: Vec<String> = self.search.iter().map(|domain| format!("{name}.{domain}")).collect();
        let at = if name.matches('.').count() >= self.ndots { 0 } else { names.len() };
        names.insert(at, name.to_owned());
        names
    }

    async fn ask_all(&self, name: &str, kinds: &[u16], limit: Duration) -> Option<IpAddr> {
        for name in self.names(name) {
            for kind in kinds {
                if let Some(address) = self.ask_servers(&name, *kind, limit).await {
                    return Some(address);
                }
            }
        }
        None
    }

    async fn ask_servers(&self, name: &str, kind: u16, limit: Duration) -> Option<IpAddr> {
        for server in &self.servers {
            match ask(*server, name, kind, limit).await {
                Some(Said::Address(address)) => return Some(address),
                Some(Said::Nothing) => return None,
                Some(Said::NoIdea) | None => {}
            }
        }
        None
    }
}

async fn ask(server: SocketAddr, name: &str, kind: u16, limit: Duration) -> Option<Said> {
    let [.., high, low] = random().to_be_bytes();
    let query = question([high, low], name, kind)?;
    let socket = socket::datagram_to(server).ok()?;
    socket.connect(server).await.ok()?;
    let began = tokio::time::Instant::now();
    let mut answer = [0_u8; ANSWER_MAX];
    for until in [limit / 2, limit] {
        socket.send(&query).await.ok()?;
        while let Ok(received) = timeout_at(began + until, socket.recv(&mut answer)).await {
            if let Some(said) = read_answer(&answer[..received.ok()?], &query, kind) {
                return Some(said);
            }
        }
    }
    None
}

/// A query (RFC 1035, 4.1); `None` for what can't be a name.
fn question(id: [u8; 2], name: &str, kind: u16) -> Option<Vec<u8>> {
    let mut query = vec![id[0], id[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?);
        query.extend_from_slice(label.as_bytes());
    }
    query.push(0);
    query.extend_from_slice(&kind.to_be_bytes());
    query.extend_from_slice(&1_u16.to_be_bytes());
    // The header, the name of at most 255 bytes, its type and class.
    (query.len() <= 12 + 255 + 4).then_some(query)
}

/// What `answer` says; `None` if it is no answer to `query`.
fn read_answer(answer: &[u8], query: &[u8], kind: u16) -> Option<Said> {
    let mut message = Message { bytes: answer, at: 0 };
    let (id, flags) = (message.number()?, message.number()?);
    let (questions, records) = (message.number()?, message.number()?);
    message.take(4)?;
    let asked = message.take(query.len().checked_sub(12)?)?;
    let is_answer = flags & 0x8000 != 0 && questions == 1;
    if !is_answer || id.to_be_bytes() != query.get(..2)? || !asked.eq_ignore_ascii_case(query.get(12..)?) {
        return None;
    }
    match flags & 0xf {
        0 => {}
        3 => return Some(Said::Nothing),
        _ => return Some(Said::NoIdea),
    }
    // Servers put the whole chain of aliases and what it ends in into one answer: any address in it
    // is the name's.
    for _ in 0..records {
        let Some((of, data)) = message.record() else {
            return Some(Said::NoIdea);
        };
        let address = match of {
            A if of == kind => <[u8; 4]>::try_from(data).ok().map(|b| IpAddr::V4(Ipv4Addr::from(b))),
            AAAA if of == kind => <[u8; 16]>::try_from(data).ok().map(|b| IpAddr::V6(Ipv6Addr::from(b))),
            _ => None,
        };
        if let Some(address) = address {
            return Some(Said::Address(address));
        }
    }
    Some(Said::Nothing)
}

/// A message that is being read. Every step moves on, and none beyond the end.
struct Message<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Message<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    /// Steps over a name. A pointer ends it; where it points to is of no interest.
    fn name(&mut self) -> Option<()> {
        loop {
            match self.take(1)?.first()? {
                0 => return Some(()),
                pointer if pointer & 0xc0 == 0xc0 => return self.take(1).map(|_| ()),
                length if length & 0xc0 == 0 => self.take(usize::from(*length)).map(|_| ())?,
                _ => return None,
            }
        }
    }

    /// The type and the data of the next record.
    fn record(&mut self) -> Option<(u16, &'a [u8])> {
        self.name()?;
        let kind = self.number()?;
        self.take(6)?;
        let length = self.number()?;
        Some((kind, self.take(length.into())?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn pod() -> Resolver {
        Resolver::read(
            "# of a pod\nsearch t1.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\n\
             nameserver fd00::10\nnameserver nonsense\noptions edns0 ndots:5\n",
        )
    }

    #[test]
    fn resolv_conf_is_read() {
        let pod = pod();
        assert_eq!(pod.servers, ["10.96.0.10:53".parse().unwrap(), "[fd00::10]:53".parse().unwrap()]);
        assert_eq!((pod.search.len(), pod.ndots), (3, 5));
        assert_eq!(Resolver::read(""), Resolver { servers: vec![], search: vec![], ndots: 1 });
    }

    #[rstest]
    #[case("web.t1", "web.t1.t1.svc.cluster.local", "web.t1")]
    #[case("a.b.c.d.e.f", "a.b.c.d.e.f", "a.b.c.d.e.f.cluster.local")]
    #[case("web.t1.svc.cluster.local.", "web.t1.svc.cluster.local", "web.t1.svc.cluster.local")]
    fn search_and_ndots_hold(#[case] name: &str, #[case] first: &str, #[case] last: &str) {
        let names = pod().names(name);
        assert_eq!(names.first().map(String::as_str), Some(first));
        assert_eq!(names.last().map(String::as_str), Some(last));
    }

    #[rstest]
    #[case::empty("")]
    #[case::empty_label("a..b")]
    #[case::long_label(&"a".repeat(64))]
    #[case::long_name(&["a".repeat(60).as_str(); 5].join("."))]
    fn what_is_no_name_is_not_asked_for(#[case] name: &str) {
        assert_eq!(question([0, 1], name, A), None);
    }

    /// An answer to `query`: an alias first, then the data as a record of type `kind`.
    fn answer(query: &[u8], code: u8, kind: u16, data: &[u8]) -> Vec<u8> {
        let mut answer = query.to_vec();
        (answer[2], answer[3], answer[7]) = (0x81, 0x80 | code, 2);
        answer.extend_from_slice(&[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 4, 1, b'x', 0xc0, 12]);
        answer.extend_from_slice(&[1, b'x', 0xc0, 12]);
        answer.extend_from_slice(&kind.to_be_bytes());
        answer.extend_from_slice(&[0, 1, 0, 0, 0, 9, 0, u8::try_from(data.len()).unwrap()]);
        answer.extend_from_slice(data);
        answer
    }

    #[rstest]
    #[case::a(A, 0, A, &[10, 0, 0, 9], Some(Said::Address("10.0.0.9".parse().unwrap())))]
    #[case::aaaa(AAAA, 0, AAAA, &[0; 16], Some(Said::Address("::".parse().unwrap())))]
    #[case::other_type(A, 0, AAAA, &[0; 16], Some(Said::Nothing))]
    #[case::no_such_name(A, 3, A, &[10, 0, 0, 9], Some(Said::Nothing))]
    #[case::server_failure(A, 2, A, &[10, 0, 0, 9], Some(Said::NoIdea))]
    #[case::short_address(A, 0, A, &[10, 0, 0], Some(Said::Nothing))]
    fn answers_are_read(
        #[case] asked: u16,
        #[case] code: u8,
        #[case] kind: u16,
        #[case] data: &[u8],
        #[case] said: Option<Said>,
    ) {
        let query = question([7, 7], "web.t1", asked).unwrap();
        assert_eq!(read_answer(&answer(&query, code, kind, data), &query, asked), said);
    }

    #[test]
    fn an_answer_to_another_question_is_none() {
        let query = question([7, 7], "web.t1", A).unwrap();
        for other in [question([7, 8], "web.t1", A), question([7, 7], "web.t2", A), question([7, 7], "web.t1", AAAA)] {
            assert_eq!(read_answer(&answer(&other.unwrap(), 0, A, &[10, 0, 0, 9]), &query, A), None);
        }
        assert_eq!(read_answer(&query, &query, A), None, "a query is no answer");
    }

    /// Asks a server that knows one name, which has an IPv6 address only; one before it is dead.
    #[rstest]
    #[case("web", Some("fd00::9"))]
    #[case("web.t1", Some("fd00::9"))]
    #[case("web.t2", None)]
    #[tokio::test]
    async fn servers_are_asked(#[case] name: &str, #[case] expected: Option<&str>) {
        let server = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let dead = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let servers = vec![dead.local_addr().unwrap(), server.local_addr().unwrap()];
        let resolver = Resolver { servers, search: vec!["t1".into(), "svc".into()], ndots: 5 };
        drop(dead);
        tokio::spawn(async move {
            let mut query = [0; 512];
            while let Ok((length, from)) = server.recv_from(&mut query).await {
                let query = &query[..length];
                let known = [A, AAAA].map(|kind| question([query[0], query[1]], "web.t1", kind).unwrap());
                let code = if known.iter().any(|known| known == query) { 0 } else { 3 };
                server
                    .send_to(&answer(query, code, AAAA, &"fd00::9".parse::<Ipv6Addr>().unwrap().octets()), from)
                    .await
                    .unwrap();
            }
        });
        let found = resolver.ask_all(name, &[A, AAAA], Duration::from_millis(500)).await;
        assert_eq!(found, expected.map(|address| address.parse().unwrap()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..1300)) {
            let query = question([7, 7], "web.t1", A).unwrap();
            read_answer(&bytes, &query, A);
        }

        #[test]
        fn a_cut_or_changed_answer_is_read_to_an_end(cut in 0_usize..90, at in 0_usize..90, byte in any::<u8>()) {
            let query = question([7, 7], "web.t1", A).unwrap();
            let mut answer = answer(&query, 0, A, &[10, 0, 0, 9]);
            let at = at % answer.len();
            answer[at] = byte;
            answer.truncate(answer.len().saturating_sub(cut));
            read_answer(&answer, &query, A);
        }
    }
}
