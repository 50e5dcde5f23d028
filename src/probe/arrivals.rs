//! The record of who arrived, bounded whatever comes.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::greeting::Hello;
use super::wire::{Arrival, Listener};
use crate::model::{Port, Protocol};

/// Probes of the run are kept apart up to this many pairs of target and source address.
const PROBES_MAX: usize = 16_384;
/// Strangers are kept apart up to this many source addresses.
const STRANGERS_MAX: usize = 1024;

/// The record, shared by the listeners of a probe.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrivals(Arc<Mutex<Record>>);

#[derive(Debug, Default)]
struct Record {
    probes: BTreeMap<(Door, String, u32, IpAddr), u32>,
    strangers: BTreeMap<(Door, IpAddr), u32>,
    not_kept: u32,
    seen: u64,
    listeners: Vec<Listener>,
}

type Door = (Protocol, Port);

/// An arrival that is on record as a stranger's until it says who it is.
#[derive(Debug)]
pub(super) struct Guest {
    arrivals: Arrivals,
    door: Door,
    from: IpAddr,
    kept: bool,
}

impl Arrivals {
    fn record(&self) -> MutexGuard<'_, Record> {
        // Nothing panics while it holds the lock, and a count is never half-written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody came: on record from this moment, as a stranger.
    pub(super) fn arrived(&self, protocol: Protocol, port: Port, from: SocketAddr) -> Guest {
        let (door, from) = ((protocol, port), from.ip().to_canonical());
        let mut record = self.record();
        record.seen += 1;
        let room = record.strangers.len() < STRANGERS_MAX;
        let kept = match record.strangers.get_mut(&(door, from)) {
            Some(count) => {
                *count = count.saturating_add(1);
                true
            }
            None if room => record.strangers.insert((door, from), 1).is_none(),
            None => {
                record.not_kept = record.not_kept.saturating_add(1);
                false
            }
        };
        Guest { arrivals: self.clone(), door, from, kept }
    }

    /// The state of a listener.
    pub(super) fn listener(&self, listener: Listener) {
        self.record().listeners.push(listener);
    }

    /// A listener failed to take somebody.
    pub(super) fn failed(&self, protocol: Protocol, port: Port, error: &std::io::Error) {
        let mut record = self.record();
        if let Some(listener) = record.listeners.iter_mut().find(|l| l.protocol == protocol && l.port == port) {
            listener.error = Some(format!("it listens, but could not take somebody who came: {error}"));
        }
    }

    /// Grows with everything that is recorded.
    pub(super) fn seen(&self) -> u64 {
        self.record().seen
    }

    /// The state of all listeners.
    pub(super) fn listeners(&self) -> Vec<Listener> {
        self.record().listeners.clone()
    }

    /// Everybody who came so far, and how many more came than were kept apart.
    pub(super) fn told(&self) -> (Vec<Arrival>, u32) {
        let record = self.record();
        let probes = record.probes.iter().map(|(((protocol, port), name, target, from), count)| Arrival {
            protocol: *protocol,
            port: *port,
            probe: Some(name.clone()),
            target: Some(*target),
            from: *from,
            count: *count,
        });
        let strangers = record.strangers.iter().map(|(((protocol, port), from), count)| Arrival {
            protocol: *protocol,
            port: *port,
            probe: None,
            target: None,
            from: *from,
            count: *count,
        });
        (probes.chain(strangers).collect(), record.not_kept)
    }
}

impl Guest {
    /// The guest said who it is.
    pub(super) fn introduced(self, hello: &Hello) {
        let Self { arrivals, door, from, kept } = self;
        let mut record = arrivals.record();
        record.seen += 1;
        if kept {
            let stranger = (door, from);
            if let Some(count) = record.strangers.get_mut(&stranger) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    record.strangers.remove(&stranger);
                }
            }
        } else {
            record.not_kept = record.not_kept.saturating_sub(1);
        }
        let room = record.probes.len() < PROBES_MAX;
        let key = (door, hello.name.clone(), hello.target, from);
        match record.probes.get_mut(&key) {
            Some(count) => *count = count.saturating_add(1),
            None if room => {
                record.probes.insert(key, 1);
            }
            None => record.not_kept = record.not_kept.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: Port = Port::new(8080).expect("not 0");

    fn from(number: usize) -> SocketAddr {
        let [.., b, c, d] = number.to_be_bytes();
        SocketAddr::from(([10, b, c, d], 40_000))
    }

    fn hello(name: &str, target: u32) -> Hello {
        Hello { name: name.to_owned(), target, attempt: 1, token: 1 }
    }

    #[test]
    fn a_guest_is_on_record_before_it_says_a_word() {
        let arrivals = Arrivals::default();
        let guest = arrivals.arrived(Protocol::Tcp, PORT, from(1));
        let (told, _) = arrivals.told();
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].probe.as_deref(), told[0].count), (None, 1));

        guest.introduced(&hello("a-1", 7));
        let (told, not_kept) = arrivals.told();
        assert_eq!(told.len(), 1, "no longer a stranger: {told:?}");
        assert_eq!((told[0].probe.as_deref(), told[0].target, told[0].count), (Some("a-1"), Some(7), 1));
        assert_eq!(not_kept, 0);
    }

    #[test]
    fn ipv4_is_ipv4_on_a_listener_of_both_families() {
        let arrivals = Arrivals::default();
        arrivals.arrived(Protocol::Udp, PORT, "[::ffff:10.0.0.9]:1".parse().expect("an address"));
        assert_eq!(arrivals.told().0[0].from, "10.0.0.9".parse::<IpAddr>().expect("an address"));
    }

    #[test]
    fn a_flood_of_strangers_is_counted_and_hides_no_probe() {
        let arrivals = Arrivals::default();
        for number in 0..STRANGERS_MAX + 10 {
            arrivals.arrived(Protocol::Tcp, PORT, from(number));
        }
        assert_eq!((arrivals.told().0.len(), arrivals.told().1), (STRANGERS_MAX, 10));

        let guest = arrivals.arrived(Protocol::Tcp, PORT, from(1_000_000));
        assert_eq!(arrivals.told().1, 11);
        guest.introduced(&hello("a-1", 7));
        let (told, not_kept) = arrivals.told();
        assert_eq!(not_kept, 10);
        assert!(told.iter().any(|a| a.probe.as_deref() == Some("a-1")));
    }

    #[test]
    fn probes_beyond_the_bound_are_counted() {
        let arrivals = Arrivals::default();
        for number in 0..u32::try_from(PROBES_MAX).expect("small") + 5 {
            let guest = arrivals.arrived(Protocol::Tcp, PORT, from(1));
            guest.introduced(&hello("a-1", number));
        }
        assert_eq!((arrivals.told().0.len(), arrivals.told().1), (PROBES_MAX, 5));
    }
}
