//! Who can be asked about, by name.

use std::collections::HashMap;

use crate::model::pair_nearness;
use crate::semantics::manifests::Manifests;
use crate::semantics::network::{Classes, Endpoint, Fences, Member};

/// How many unknown names get the names that they were probably meant to be: looking is slow.
const SUGGESTIONS: usize = 200;

/// Someone who can be asked about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'m> {
    pub(super) member: Member,
    /// Its kind, if it is not a pod: then its template is meant.
    pub(super) kind: Option<&'m str>,
}

enum Known<'m> {
    Endpoint { endpoint: Box<Endpoint>, kind: Option<&'m str>, member: Option<Member> },
    Several(String),
}

/// Pods and workloads by `namespace/name`. Pods come first: a workload of a pod's name cannot be asked about.
pub(super) struct Catalogue<'m> {
    known: HashMap<String, Known<'m>>,
    pub(super) classes: Classes<'m>,
    suggested: HashMap<String, String>,
}

impl<'m> Catalogue<'m> {
    pub(super) fn new(manifests: &'m Manifests, fences: &'m Fences) -> Self {
        let mut known = HashMap::with_capacity(manifests.snapshot.pods.len());
        for workload in &manifests.workloads {
            let name = format!("{}/{}", workload.endpoint.namespace, workload.name);
            let entry = Known::Endpoint {
                endpoint: Box::new(workload.endpoint.clone()),
                kind: Some(&workload.kind),
                member: None,
            };
            match known.get_mut(&name) {
                None => {
                    known.insert(name, entry);
                }
                Some(Known::Several(kinds)) => {
                    kinds.push_str(" and ");
                    kinds.push_str(&workload.kind);
                }
                Some(Known::Endpoint { endpoint, .. }) if **endpoint == workload.endpoint => {}
                Some(Known::Endpoint { kind, .. }) => {
                    let kinds = format!("{} and {}", kind.unwrap_or("Pod"), workload.kind);
                    known.insert(name, Known::Several(kinds));
                }
            }
        }
        for pod in &manifests.snapshot.pods {
            let endpoint = Endpoint::from_pod(pod);
            if endpoint.name.is_some() {
                known.insert(
                    endpoint.display(),
                    Known::Endpoint { endpoint: Box::new(endpoint), kind: None, member: None },
                );
            }
        }
        Self { known, classes: Classes::new(fences), suggested: HashMap::new() }
    }

    /// Finds by name, or says why it can't.
    pub(super) fn find(&mut self, name: &str) -> Result<Subject<'m>, String> {
        match self.known.get_mut(name) {
            Some(Known::Endpoint { kind, member: Some(member), .. }) => Ok(Subject { member: *member, kind: *kind }),
            Some(Known::Endpoint { endpoint, kind, member }) => {
                let joined = self.classes.join(endpoint);
                *member = Some(joined);
                Ok(Subject { member: joined, kind: *kind })
            }
            Some(Known::Several(kinds)) => {
                Err(format!("{name:?} is the name of several workloads that differ: {kinds}"))
            }
            None => Err(self.missing(name)),
        }
    }

    fn missing(&mut self, name: &str) -> String {
        if let Some(sentence) = self.suggested.get(name) {
            return sentence.clone();
        }
        let sentence = format!("{name:?} is not in the manifests");
        if self.suggested.len() >= SUGGESTIONS {
            return sentence;
        }
        let sentence = match name.split_once('/') {
            None => format!("{sentence}; a pod is named namespace/name"),
            Some(wanted) => match &self.near(wanted)[..] {
                [] => sentence,
                near => format!("{sentence}; the nearest names are {}", near.join(", ")),
            },
        };
        self.suggested.insert(name.to_owned(), sentence.clone());
        sentence
    }

    /// The three known names that are nearest to a namespace and name.
    fn near(&self, (namespace, name): (&str, &str)) -> Vec<&str> {
        // A question may be of any length, and no name is that long.
        let start = |text: &str| text.chars().take(512).collect::<String>();
        let (namespace, name) = (start(namespace), start(name));
        let known = self.known.keys().filter_map(|known| Some((known.as_str(), known.split_once('/')?)));
        let mut near: Vec<(f64, &str)> = known
            .map(|(known, parts)| (pair_nearness((&namespace, &name), parts), known))
            .filter(|(nearness, _)| *nearness > 0.0)
            .collect();
        near.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| x.cmp(y)));
        near.into_iter().take(3).map(|(_, name)| name).collect()
    }
}
