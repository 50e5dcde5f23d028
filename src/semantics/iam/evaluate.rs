//! How policies decide together ([within an account], [across accounts]).
//!
//! [within an account]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
//! [across accounts]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html

use std::sync::Arc;

use super::decision::{Because, Cited, Decision, Gap, Layer, Unsure};
use super::document::Document;
use super::doubt::{Doubt, Held, Rule};
use super::organization;
use super::principals::Grades;
use super::request::{Kind, Request, Who};
use super::statement::{Effect, Statement};
use super::truth::Truth;

/// The policies that have a say in a request. They are compiled once and lent for each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policies<'d> {
    /// Those of the user (its groups' among them) or the role.
    pub identity: &'d [Document],
    /// The permissions boundary.
    pub boundary: Option<&'d Document>,
    /// The policy that was passed for the session.
    pub session: Option<&'d Document>,
    /// The service control policies on the principal's account, level by level, the organization's root first. No level
    /// at all means that none are in force.
    pub scps: &'d [Vec<Document>],
    /// The resource control policies on the resource's account, in the same way.
    pub rcps: &'d [Vec<Document>],
    /// The resource's own.
    pub resource: Option<&'d Document>,
}

/// A statement at its place.
#[derive(Clone, Copy, Debug)]
struct Place<'p> {
    layer: Layer,
    document: &'p Document,
    statement: &'p Statement,
}

impl Place<'_> {
    fn cited(&self) -> Cited {
        Cited {
            layer: self.layer,
            document: Arc::clone(&self.document.name),
            statement: Arc::clone(&self.statement.label),
        }
    }
}

/// Whether policies say something: by which statement, or why that cannot be told. Where nothing limits, nothing has to
/// say it.
type Said<'p> = Truth<Option<Place<'p>>, (Option<Place<'p>>, Doubt<'p>)>;

/// How a resource's policy grants.
#[derive(Clone, Copy)]
struct Granted<'p> {
    itself: Said<'p>,
    role: Said<'p>,
    account: Said<'p>,
}

/// What decides about a request.
struct Case<'a> {
    request: &'a Request<'a>,
    policies: &'a Policies<'a>,
}

impl Policies<'_> {
    /// Decides a request.
    #[must_use]
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        let case = Case { request, policies: self };
        let denied = case.denied();
        if let Said::Yes(Some(place)) = denied {
            return Decision::of(Because::Denied(place.cited()));
        }
        match (request.principal.account(), request.resource.account) {
            (Some(of), Some(at)) => case.conclude(denied, of == at),
            (None, _) => case.conclude(denied, true),
            // What has no resource in particular is done in the principal's own account.
            (Some(_), None) if request.resource.arn.is_none() => case.conclude(denied, true),
            (Some(_), None) => {
                let (same, other) = (case.conclude(denied, true), case.conclude(denied, false));
                if same.verdict == other.verdict {
                    return same;
                }
                let about = Box::default();
                Decision::of(Because::Doubt(Unsure { rule: Rule::ResourceAccount, cited: None, about, denied: false }))
            }
        }
    }
}

impl<'a> Case<'a> {
    /// Whether a statement denies it, in any policy that applies.
    fn denied(&self) -> Said<'a> {
        let policies = self.policies;
        let own = || {
            let identity = policies.identity.iter().map(|document| self.says(Layer::Identity, document, Effect::Deny));
            let boundary = policies.boundary.map(|document| self.says(Layer::Boundary, document, Effect::Deny));
            let session = policies.session.map(|document| self.session_says(document, Effect::Deny));
            Said::any(identity.chain(boundary).chain(session))
        };
        let resource = || {
            let document = policies.resource?;
            Some(self.resource_says(Layer::Resource, document, Effect::Deny).any())
        };
        let organization = self.levels(policies.scps, Layer::ServiceControl);
        let organization = organization.map(|(layer, document)| self.says(layer, document, Effect::Deny));
        let rcps = self.levels(policies.rcps, Layer::ResourceControl).map(|(layer, document)| {
            let denied = self.resource_says(layer, document, Effect::Deny).any();
            match organization::rcps_apply(self.request.action) {
                Held::Yes(()) => denied,
                Held::No => Said::No,
                Held::Unknown(doubt) => denied.and(|| Said::Unknown((None, doubt))),
            }
        });
        match &self.request.principal.0 {
            Who::Service(_) => resource().unwrap_or(Said::No).or(|| Said::any(rcps)),
            Who::Of { kind: Kind::Root, .. } => {
                resource().unwrap_or(Said::No).or(|| Said::any(organization)).or(|| Said::any(rcps))
            }
            Who::Of { .. } => {
                own().or(|| resource().unwrap_or(Said::No)).or(|| Said::any(organization)).or(|| Said::any(rcps))
            }
        }
    }

    /// The documents of all levels; none where the principal is not restricted by an organization.
    fn levels(
        &self,
        levels: &'a [Vec<Document>],
        layer: impl Fn(usize) -> Layer + 'a,
    ) -> impl Iterator<Item = (Layer, &'a Document)> + 'a {
        let levels = if self.request.principal.is_service_linked() { &[] } else { levels };
        (1..).zip(levels).flat_map(move |(number, level)| {
            let layer = layer(number);
            level.iter().map(move |document| (layer, document))
        })
    }

    /// Whether a document that names no principals says it.
    fn says(&self, layer: Layer, document: &'a Document, effect: Effect) -> Said<'a> {
        Said::any(document.with(effect).map(|statement| {
            let place = Place { layer, document, statement };
            document.is_about(statement, self.request).told(|| Some(place), |doubt| (Some(place), doubt))
        }))
    }

    /// Whether a document that names principals says it, and how it names this one.
    fn resource_says(&self, layer: Layer, document: &'a Document, effect: Effect) -> Granted<'a> {
        let bounded = self.policies.boundary.is_some();
        let none = Granted { itself: Said::No, role: Said::No, account: Said::No };
        document.with(effect).fold(none, |all, statement| {
            let place = Place { layer, document, statement };
            let grades = match &statement.principals {
                Some(named) => named.grades(self.request.principal, effect == Effect::Deny, bounded),
                // It can't be read: it may name anybody in any way.
                None => Grades { itself: Held::Yes(()), ..Grades::NONE },
            };
            if grades.any().is_no() {
                return all;
            }
            let about = document.is_about(statement, self.request);
            let said = |grade: Held<'a>| about.and(|| grade).told(|| Some(place), |doubt| (Some(place), doubt));
            Granted {
                itself: all.itself.or(|| said(grades.itself)),
                role: all.role.or(|| said(grades.role)),
                account: all.account.or(|| said(grades.account)),
            }
        })
    }

    /// A session policy limits sessions; what one of an IAM user does is not documented.
    fn session_says(&self, document: &'a Document, effect: Effect) -> Said<'a> {
        let said = self.says(Layer::Session, document, effect);
        match (&self.request.principal.0, effect) {
            (Who::Of { kind: Kind::User { .. }, .. }, Effect::Deny) => said.and(user_has_no_session),
            (Who::Of { kind: Kind::User { .. }, .. }, Effect::Allow) => said.or(user_has_no_session),
            _ => said,
        }
    }

    /// The verdict, once no statement surely denies it.
    fn conclude(&self, denied: Said<'a>, same_account: bool) -> Decision {
        let (granted, by, mut gaps) = self.granted(same_account);
        let mut allowed = granted;
        for (level, documents) in (1..).zip(self.scps()) {
            let layer = Layer::ServiceControl(level);
            let said = Said::any(documents.iter().map(|document| self.says(layer, document, Effect::Allow)));
            if said.is_no() {
                gaps.push(Gap::ServiceControl(level));
            }
            allowed = allowed.and(|| said);
        }
        let unsure = |(place, doubt): (Option<Place<'_>>, Doubt<'_>)| {
            let cited = place.map(|place| place.cited());
            Because::Doubt(Unsure { rule: doubt.rule, cited, about: doubt.about.into(), denied: allowed.is_no() })
        };
        Decision::of(match (denied, allowed) {
            (Said::Unknown(why), _) | (_, Said::Unknown(why)) => unsure(why),
            (_, Said::Yes(_)) => Because::Granted(by.iter().flatten().map(Place::cited).collect()),
            (_, Said::No) => Because::NotAllowed(gaps),
        })
    }

    /// The levels of service control policies that this principal is under. Services are of no account.
    fn scps(&self) -> &'a [Vec<Document>] {
        let restricted =
            matches!(self.request.principal.0, Who::Of { .. }) && !self.request.principal.is_service_linked();
        if restricted { self.policies.scps } else { &[] }
    }

    /// Whether identity and resource policies grant it and nothing of the principal's limits that; by which statements;
    /// and if not, what is missing.
    fn granted(&self, same_account: bool) -> (Said<'a>, [Option<Place<'a>>; 2], Vec<Gap>) {
        let resource = match self.policies.resource {
            Some(document) => self.resource_says(Layer::Resource, document, Effect::Allow),
            None => Granted { itself: Said::No, role: Said::No, account: Said::No },
        };
        if matches!(self.request.principal.0, Who::Service(_)) {
            return (resource.itself, [basis(resource.itself), None], vec![Gap::Service]);
        }
        let identity = self.identity();
        let boundary = self.limit(Layer::Boundary, self.policies.boundary);
        let session = match (&self.request.principal.0, self.policies.session) {
            (Who::Of { kind: Kind::User { .. }, .. }, Some(document)) => self.session_says(document, Effect::Allow),
            (_, document) => self.limit(Layer::Session, document),
        };
        let limits = || boundary.and(|| session);
        let mut gaps = Vec::new();
        let (granted, by) = if same_account {
            // A key's policy and a trust policy must allow it themselves: the principal, or the account to decide.
            let must_itself = self.request.resource.is_key() || self.assumes_a_role();
            let by_identity = if must_itself { identity.and(|| resource.account) } else { identity };
            if by_identity.or(|| resource.role).or(|| resource.itself).is_no() {
                gaps.push(match (must_itself, resource.account.is_no(), self.request.resource.is_role()) {
                    (false, _, _) => Gap::Grant,
                    (true, false, _) => Gap::Delegated,
                    (true, true, true) => Gap::Trust,
                    (true, true, false) => Gap::Key,
                });
            }
            // What is granted to the session or the user itself, nothing of the principal's limits by being silent.
            let granted = resource.itself.or(|| resource.role.and(limits)).or(|| by_identity.and(limits));
            let delegated = matches!(granted, Said::Yes(Some(place)) if must_itself && place.layer == Layer::Identity);
            (granted, [basis(granted), basis(resource.account).filter(|_| delegated)])
        } else {
            let by_resource = resource.itself.or(|| resource.role).or(|| resource.account);
            if identity.is_no() {
                gaps.push(Gap::Identity);
            }
            if by_resource.is_no() {
                gaps.push(if self.assumes_a_role() { Gap::Trust } else { Gap::OtherAccount });
            }
            (identity.and(|| by_resource).and(limits), [basis(identity), basis(by_resource)])
        };
        if granted.is_no() {
            for (limit, gap) in [(boundary, Gap::Boundary), (session, Gap::Session)] {
                if limit.is_no() {
                    gaps.push(gap);
                }
            }
        }
        (granted, by, gaps)
    }

    fn identity(&self) -> Said<'a> {
        match &self.request.principal.0 {
            // "All requests are implicitly denied with the exception of the AWS account root user, which has full access."
            Who::Of { kind: Kind::Root, .. } => Said::Yes(None),
            _ => Said::any(
                self.policies.identity.iter().map(|document| self.says(Layer::Identity, document, Effect::Allow)),
            ),
        }
    }

    /// Whether what limits the principal lets it pass.
    fn limit(&self, layer: Layer, document: Option<&'a Document>) -> Said<'a> {
        let root = matches!(self.request.principal.0, Who::Of { kind: Kind::Root, .. });
        let Some(document) = document.filter(|_| !root) else { return Said::Yes(None) };
        match document.doubt() {
            // It may be no limit at all.
            Some(why) => Said::Unknown((None, Doubt { rule: Rule::RefusedDocument, about: why })),
            None => self.says(layer, document, Effect::Allow),
        }
    }

    /// Whether the action is one of those that a role's trust policy decides about.
    fn assumes_a_role(&self) -> bool {
        const ACTIONS: [&str; 5] = [
            "sts:assumerole",
            "sts:assumerolewithsaml",
            "sts:assumerolewithwebidentity",
            "sts:tagsession",
            "sts:setsourceidentity",
        ];
        self.request.resource.is_role() && ACTIONS.contains(&&*self.request.action.lower)
    }
}

impl<'p> Granted<'p> {
    fn any(self) -> Said<'p> {
        self.itself.or(|| self.role).or(|| self.account)
    }
}

const fn basis(said: Said<'_>) -> Option<Place<'_>> {
    match said {
        Said::Yes(place) => place,
        _ => None,
    }
}

const fn user_has_no_session<'p>() -> Said<'p> {
    Said::Unknown((None, Doubt { rule: Rule::SessionPolicyOfUser, about: "" }))
}
