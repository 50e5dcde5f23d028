//! Everybody to everybody on one port: all pairs of endpoints, answered by their classes.
//!
//! A rule's peers are sets of classes, so a row of the matrix is a union of sets: cost grows with classes and rules,
//! not with pairs. Classes that are not so plain (several addresses, foreign policies, labels that were not read) are
//! judged pair by pair, and so are pods of the host network, for which it matters who is on which node.

use std::collections::HashMap;

use super::Answer;
use super::classes::{Alike, Classes, Member};
use super::labels::Match;
use super::policy::{Direction, PeerId, Ports, Rule};
use super::standing::Class;
use crate::model::{Port, Protocol};

/// How many pairs have which answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Pairs that may connect.
    pub allowed: u64,
    /// Pairs that may not.
    pub denied: u64,
    /// Pairs of which it cannot be told.
    pub unknown: u64,
}

impl Tally {
    const fn add(&mut self, answer: Answer, pairs: u64) {
        match answer {
            Answer::Allowed => self.allowed += pairs,
            Answer::Denied => self.denied += pairs,
            Answer::Unknown => self.unknown += pairs,
        }
    }

    /// All pairs.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.allowed + self.denied + self.unknown
    }
}

/// A set of classes.
#[derive(Clone, Debug, Default)]
struct Set(Vec<u64>);

impl Set {
    fn none(classes: usize) -> Self {
        Self(vec![0; classes.div_ceil(64)])
    }

    fn all(classes: usize) -> Self {
        Self(vec![u64::MAX; classes.div_ceil(64)])
    }

    fn insert(&mut self, class: usize) {
        if let Some(word) = self.0.get_mut(class / 64) {
            *word |= 1 << (class % 64);
        }
    }

    fn contains(&self, class: usize) -> bool {
        self.0.get(class / 64).is_some_and(|word| word >> (class % 64) & 1 == 1)
    }

    fn union(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, more)| *word |= more);
    }

    fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, more)| *word &= more);
    }
}

/// Of one class, which peers its policies allow, and which they may allow.
#[derive(Clone, Debug)]
struct Row {
    yes: Set,
    maybe: Set,
}

impl Row {
    fn answer(&self, peer: usize) -> Answer {
        if self.yes.contains(peer) {
            Answer::Allowed
        } else if self.maybe.contains(peer) {
            Answer::Unknown
        } else {
            Answer::Denied
        }
    }
}

/// The answers for all pairs of some endpoints, on one port.
#[derive(Debug)]
pub struct Reach<'c> {
    classes: &'c Classes<'c>,
    members: Vec<Member>,
    protocol: Protocol,
    port: Port,
    egress: Vec<Row>,
    ingress: Vec<Row>,
    /// By class: whether its pairs are judged one by one.
    judged: Vec<bool>,
    /// Answers of pairs that were judged one by one.
    one_by_one: HashMap<Alike, Answer>,
}

/// The peers of all rules as sets of classes.
struct Columns {
    peers: Vec<Set>,
    perhaps: Vec<Set>,
    blocks: Vec<Set>,
    without_address: Set,
    names: Vec<Set>,
}

impl<'f> Classes<'f> {
    /// Answers all pairs of these endpoints for one port.
    #[must_use]
    pub fn reach<'c>(&'c self, members: &[Member], protocol: Protocol, port: Port) -> Reach<'c>
    where
        'f: 'c,
    {
        let columns = self.columns(protocol, port);
        let rows = |direction| -> Vec<Row> {
            self.all.iter().map(|class| self.row(&columns, class, direction, protocol, port)).collect()
        };
        let mut reach = Reach {
            classes: self,
            members: members.to_vec(),
            protocol,
            port,
            egress: rows(Direction::Egress),
            ingress: rows(Direction::Ingress),
            judged: self.all.iter().map(|class| !is_plain(class)).collect(),
            one_by_one: HashMap::new(),
        };
        reach.judge_the_others();
        reach
    }

    fn columns(&self, protocol: Protocol, port: Port) -> Columns {
        let count = self.all.len();
        let interned = &self.fences.interned;
        let mut columns = Columns {
            peers: vec![Set::none(count); interned.peers.len()],
            perhaps: vec![Set::none(count); interned.peers.len()],
            blocks: vec![Set::none(count); interned.blocks.len()],
            without_address: Set::none(count),
            names: vec![Set::none(count); interned.names.len()],
        };
        let mark = |sets: &mut Vec<Set>, id: u32, class: usize| {
            if let Some(set) = sets.get_mut(id as usize) {
                set.insert(class);
            }
        };
        for (number, class) in self.all.iter().enumerate() {
            class.peers.iter().for_each(|id| mark(&mut columns.peers, id, number));
            class.perhaps.iter().for_each(|id| mark(&mut columns.perhaps, id, number));
            match class.addresses.first() {
                None => columns.without_address.insert(number),
                Some(address) => address.blocks.iter().for_each(|id| mark(&mut columns.blocks, id, number)),
            }
            let named = class.ports.iter().filter(|(_, p, n)| (*p, *n) == (protocol, port));
            named.for_each(|(name, _, _)| mark(&mut columns.names, *name, number));
        }
        columns
    }

    fn row(&self, columns: &Columns, class: &Class, direction: Direction, protocol: Protocol, port: Port) -> Row {
        let count = self.all.len();
        let isolated = class.isolated(direction);
        if isolated.is_empty() || !is_plain(class) {
            return Row { yes: Set::all(count), maybe: Set::none(count) };
        }
        let mut row = Row { yes: Set::none(count), maybe: Set::none(count) };
        for (id, _) in isolated {
            let rules = self.fences.policies.get(*id as usize).and_then(|policy| policy.rules(direction));
            for rule in rules.unwrap_or_default() {
                let Some(within) = columns.ports(rule, class, direction, protocol, port, count) else { continue };
                self.peers(columns, rule, &within, &mut row);
            }
        }
        row
    }

    /// Adds a rule's peers to a row, as far as they are `within`.
    fn peers(&self, columns: &Columns, rule: &Rule, within: &Set, row: &mut Row) {
        let Some(peers) = &rule.peers else { return row.yes.union(within) };
        let by_address = self.fences.blocks_see_pods();
        let mut add = |set: Option<&Set>, to_yes: bool| {
            if let Some(set) = set {
                let mut set = set.clone();
                set.keep(within);
                if to_yes { row.yes.union(&set) } else { row.maybe.union(&set) }
            }
        };
        for peer in peers {
            match *peer {
                PeerId::Pods(id) => {
                    add(columns.peers.get(id as usize), true);
                    add(columns.perhaps.get(id as usize), false);
                }
                PeerId::Block(id) if by_address => {
                    add(columns.blocks.get(id as usize), true);
                    add(Some(&columns.without_address), false);
                }
                PeerId::Block(_) => {}
            }
        }
    }
}

impl Columns {
    /// The classes that a rule's ports leave: as a source, those whose port of the asked number it covers; as a
    /// destination, all or none. `None` is none.
    fn ports(
        &self,
        rule: &Rule,
        subject: &Class,
        direction: Direction,
        protocol: Protocol,
        port: Port,
        count: usize,
    ) -> Option<Set> {
        let Some(ports) = &rule.ports else { return Some(Set::all(count)) };
        let mut named = Set::none(count);
        let mut any_named = false;
        for covered in ports.iter().filter(|covered| covered.protocol == protocol) {
            let whole = match covered.ports {
                Ports::All => true,
                Ports::Range(first, last) => first <= port && port <= last,
                Ports::Named(name) if direction == Direction::Ingress => {
                    subject.ports.contains(&(name, protocol, port))
                }
                Ports::Named(name) => {
                    if let Some(set) = self.names.get(name as usize) {
                        named.union(set);
                        any_named = true;
                    }
                    false
                }
            };
            if whole {
                return Some(Set::all(count));
            }
        }
        any_named.then_some(named)
    }
}

/// Whether a class's pairs with other plain classes follow from its rows alone.
fn is_plain(class: &Class) -> bool {
    let certain = |isolated: &[(u32, Match)]| isolated.iter().all(|(_, matched)| *matched == Match::Yes);
    class.is_simple()
        && class.isolated.iter().all(|isolated| certain(isolated))
        && class.outsiders.iter().all(Vec::is_empty)
}

impl Reach<'_> {
    /// Judges every pair that is not plain, once for each key.
    fn judge_the_others(&mut self) {
        let odd: Vec<Member> = self.members.iter().copied().filter(|member| self.is_odd(*member)).collect();
        for member in odd {
            for other in 0..self.members.len() {
                let Some(other) = self.members.get(other).copied() else { continue };
                for (source, destination) in [(member, other), (other, member)] {
                    let key = self.classes.key(source, destination, self.protocol, self.port);
                    let classes = self.classes;
                    self.one_by_one.entry(key).or_insert_with(|| classes.judge(key).answer);
                }
            }
        }
    }

    fn is_odd(&self, member: Member) -> bool {
        self.judged.get(member.class as usize).copied().unwrap_or(true)
    }

    /// The answer for a connection from one endpoint to another, by their places in the list that was given.
    #[must_use]
    pub fn answer(&self, source: usize, destination: usize) -> Answer {
        match (self.members.get(source), self.members.get(destination)) {
            (Some(source), Some(destination)) => self.between(*source, *destination),
            _ => Answer::Unknown,
        }
    }

    fn between(&self, source: Member, destination: Member) -> Answer {
        let key = self.classes.key(source, destination, self.protocol, self.port);
        if self.is_odd(source) || self.is_odd(destination) {
            return self.one_by_one.get(&key).copied().unwrap_or(Answer::Unknown);
        }
        if source == destination && source.pod != u32::MAX {
            return self.classes.judge(key).answer;
        }
        self.by_class(source.class as usize, destination.class as usize)
    }

    fn by_class(&self, source: usize, destination: usize) -> Answer {
        let ended = |class: usize| self.classes.all.get(class).is_none_or(|class| class.terminated);
        if ended(source) || ended(destination) {
            return Answer::Denied;
        }
        let (Some(egress), Some(ingress)) = (self.egress.get(source), self.ingress.get(destination)) else {
            return Answer::Unknown;
        };
        match (egress.answer(destination), ingress.answer(source)) {
            (Answer::Denied, _) | (_, Answer::Denied) => Answer::Denied,
            (Answer::Allowed, Answer::Allowed) => Answer::Allowed,
            _ => Answer::Unknown,
        }
    }

    /// Counts the answers of all ordered pairs, those of an endpoint with itself among them.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        let mut sizes = vec![0_u64; self.classes.all.len()];
        let mut plain = Vec::new();
        let mut odd = Vec::new();
        for member in &self.members {
            if self.is_odd(*member) {
                odd.push(*member);
            } else {
                plain.push(*member);
                if let Some(size) = sizes.get_mut(member.class as usize) {
                    *size += 1;
                }
            }
        }
        for (source, from) in sizes.iter().enumerate().filter(|(_, size)| **size > 0) {
            for (destination, to) in sizes.iter().enumerate().filter(|(_, size)| **size > 0) {
                let pairs = if source == destination { from * (to - 1) } else { from * to };
                tally.add(self.by_class(source, destination), pairs);
            }
        }
        for member in &plain {
            tally.add(self.between(*member, *member), 1);
        }
        for member in &odd {
            for other in &plain {
                tally.add(self.between(*member, *other), 1);
                tally.add(self.between(*other, *member), 1);
            }
            for other in &odd {
                tally.add(self.between(*member, *other), 1);
            }
        }
        tally
    }
}
