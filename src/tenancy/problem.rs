//! What can be wrong with a tenancy.

use miette::Diagnostic;

use super::types::PartyKind;
use crate::document::{self, NameRule, Path, Rejected};
use crate::model::{Nearest, NotAPrincipal};

/// A tenancy file that was not taken, with everything that is wrong with it.
pub type TenancyError = Rejected<Problem>;

/// One thing that is wrong with a tenancy file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum Problem {
    /// It is wrong as a file: its bytes, its YAML or its shape.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Document(#[from] document::Problem),
    /// A name that breaks a rule of Kubernetes.
    #[error("`{name}` in {path} is not valid; expected {}", .rule.describe())]
    #[diagnostic(code(tenantproof::tenancy::invalid_name), help("{}", .rule.remedy()))]
    InvalidName {
        /// The name.
        name: String,
        /// Where.
        path: Path,
        /// The rule.
        rule: NameRule,
    },
    /// Two parties, or two roles of one party, have the same name.
    #[error("`{name}` is already the {what} of {first}")]
    #[diagnostic(code(tenantproof::tenancy::duplicate), help("give each a name of its own, or join the two"))]
    Duplicate {
        /// The name.
        name: String,
        /// Id or name.
        what: &'static str,
        /// Who has it first.
        first: Path,
    },
    /// An amount that is no quantity.
    #[error(
        "`{amount}` in {path} is not an amount; expected one as Kubernetes writes it, such as `8`, `500m` or `16Gi`"
    )]
    #[diagnostic(code(tenantproof::tenancy::invalid_amount), help("quote it: \"8\""))]
    InvalidAmount {
        /// What was given.
        amount: String,
        /// Where.
        path: Path,
    },
    /// A time that is none, or not one that is waited for.
    #[error("`{time}` in {path} is not a time from one second to one hour; expected one such as `30s` or `5m`")]
    #[diagnostic(
        code(tenantproof::tenancy::invalid_time),
        help("a log file has an event at once; one that is shipped may need some minutes")
    )]
    InvalidTime {
        /// What was given.
        time: String,
        /// Where.
        path: Path,
    },
    /// A word occurs twice in a list.
    #[error("`{word}` is listed twice in {path}")]
    #[diagnostic(code(tenantproof::tenancy::listed_twice), help("delete one of the two"))]
    ListedTwice {
        /// The word.
        word: String,
        /// The list.
        path: Path,
    },
    /// Two parties claim one namespace.
    #[error("namespace `{namespace}` is claimed by `{second}` and by `{first}`; a namespace belongs to one party")]
    #[diagnostic(
        code(tenantproof::tenancy::namespace_claimed_twice),
        help(
            "the fence runs between namespaces: give each tenant its own, or, if both tenants use it, list it under \
             `shared` and declare who may reach it"
        )
    )]
    NamespaceClaimedTwice {
        /// The namespace, or the labels that select it.
        namespace: String,
        /// Who claims it first.
        first: String,
        /// Who claims it too.
        second: String,
    },
    /// A text that is not the ARN of an IAM role or user.
    #[error("`{arn}` in {path} is not the ARN of an IAM role or user: {why}")]
    #[diagnostic(
        code(tenantproof::tenancy::invalid_principal),
        help("`aws iam get-role --role-name NAME --query Role.Arn` and `aws iam get-user` show them")
    )]
    InvalidPrincipal {
        /// What was given.
        arn: String,
        /// Where.
        path: Path,
        /// What is wrong with it.
        why: NotAPrincipal,
    },
    /// A role of an AWS service's own, for which nobody can make an access entry.
    #[error("`{arn}` in {path} is a service-linked role: nobody but its service can act by it")]
    #[diagnostic(code(tenantproof::tenancy::service_linked), help("delete it"))]
    ServiceLinked {
        /// The role.
        arn: String,
        /// Where.
        path: Path,
    },
    /// Two parties, or one and the operators, claim one principal.
    #[error("principal `{arn}` acts for {second} and for {first}; one that acts for both keeps nobody apart")]
    #[diagnostic(
        code(tenantproof::tenancy::principal_claimed_twice),
        help("give each a role of its own, or list one that runs the cluster under `operators` alone")
    )]
    PrincipalClaimedTwice {
        /// The principal.
        arn: String,
        /// For whom it acts first.
        first: String,
        /// For whom it acts too.
        second: String,
    },
    /// A name of something in AWS that is none.
    #[error("`{text}` in {path} is not valid; expected {expected}")]
    #[diagnostic(code(tenantproof::tenancy::not_of_cloud), help("check for a typing error"))]
    NotOfCloud {
        /// What was given.
        text: String,
        /// Where.
        path: Path,
        /// What was expected.
        expected: &'static str,
    },
    /// Two tenants claim the same bucket, table, key or service account, or a part of it.
    #[error("{what} `{name}` is claimed by `{second}` and by `{first}`; what both reach keeps nobody apart")]
    #[diagnostic(
        code(tenantproof::tenancy::cloud_claimed_twice),
        help(
            "give each tenant its own; where two share a bucket or a table, say what part of it is whose: `prefix`, `leading`"
        )
    )]
    CloudClaimedTwice {
        /// What it is.
        what: &'static str,
        /// Its name.
        name: String,
        /// Who claims it first.
        first: String,
        /// Who claims it too.
        second: String,
    },
    /// A service account in a namespace that is not its tenant's.
    #[error("{path}: namespace `{namespace}` is not one of `{party}`{nearest} Expected one of: {}", list(.expected))]
    #[diagnostic(
        code(tenantproof::tenancy::foreign_namespace),
        help("name one of the tenant's own namespaces, or list this one under its `namespaces`")
    )]
    ForeignNamespace {
        /// Where.
        path: Path,
        /// The namespace.
        namespace: String,
        /// The tenant.
        party: String,
        /// The nearest valid one.
        nearest: Nearest,
        /// All valid ones.
        expected: Vec<String>,
    },
    /// A service account whose namespace can't be told.
    #[error("{path} names no namespace, and `{party}` has not exactly one by name")]
    #[diagnostic(code(tenantproof::tenancy::namespace_needed), help("write `{{namespace: NAME, name: NAME}}`"))]
    NamespaceNeeded {
        /// Where.
        path: Path,
        /// The tenant.
        party: String,
    },
    /// A party without namespaces.
    #[error("`{party}` has no namespaces; expected at least one name or one label")]
    #[diagnostic(
        code(tenantproof::tenancy::no_namespaces),
        help("write `namespaces: [NAME]`, or `namespaces: {{matchLabels: {{KEY: VALUE}}}}`")
    )]
    NoNamespaces {
        /// The party.
        party: String,
    },
    /// Only one party, whose inside isn't judged either.
    #[error("`{party}` is the only tenant and nothing is shared, so there is nothing to judge")]
    #[diagnostic(
        code(tenantproof::tenancy::only_one_party),
        help(
            "isolation is judged between parties: list the other tenants and shared parts of the cluster, or judge \
             inside this one with `internal: closed` or `internal: open`"
        )
    )]
    OnlyOneParty {
        /// The party.
        party: String,
    },
    /// An end of a flow that names no party, or two.
    #[error("{path} names {}; expected one of `tenant` and `shared`", if *.both { "both a tenant and a shared part" } else { "nobody" })]
    #[diagnostic(
        code(tenantproof::tenancy::ambiguous_peer),
        help("write `tenant: ID` or `shared: ID`; for several, write a flow for each")
    )]
    AmbiguousPeer {
        /// Where.
        path: Path,
        /// Whether both are given.
        both: bool,
    },
    /// A flow names a party that doesn't exist.
    #[error("{path}: there is no {} `{id}`{nearest} Expected one of: {}", kind_word(*.kind), list(.expected))]
    #[diagnostic(
        code(tenantproof::tenancy::unknown_party),
        help("declare it under `tenants` or `shared`, or correct the id")
    )]
    UnknownParty {
        /// Where.
        path: Path,
        /// The id.
        id: String,
        /// What it was said to be.
        kind: PartyKind,
        /// The nearest valid one.
        nearest: Nearest,
        /// All valid ones.
        expected: Vec<String>,
    },
    /// A flow calls a shared part a tenant, or the other way.
    #[error("{path}: `{id}` is a {}, not a {}", kind_word(.kind.other()), kind_word(*.kind))]
    #[diagnostic(
        code(tenantproof::tenancy::wrong_kind_of_party),
        help("write `{}: {id}`", if *.kind == PartyKind::Tenant { "shared" } else { "tenant" })
    )]
    WrongKind {
        /// Where.
        path: Path,
        /// The id.
        id: String,
        /// What it was said to be.
        kind: PartyKind,
    },
    /// A flow names a role that its party doesn't have.
    #[error("{path}: `{party}` has no role `{role}`{nearest} {}", roles_of(.expected))]
    #[diagnostic(
        code(tenantproof::tenancy::unknown_role),
        help("declare it under the party's `roles` with the labels of its pods, or correct the name")
    )]
    UnknownRole {
        /// Where.
        path: Path,
        /// The role.
        role: String,
        /// The party.
        party: String,
        /// The nearest valid one.
        nearest: Nearest,
        /// All valid ones.
        expected: Vec<String>,
    },
    /// A range of ports that ends before it begins.
    #[error("{path} is {end_port}, before the first port {port}; expected {port} to 65535")]
    #[diagnostic(
        code(tenantproof::tenancy::port_range),
        help("`port` is the first of the range and `endPort` the last; leave `endPort` out for a single port")
    )]
    PortRange {
        /// Where.
        path: Path,
        /// The first port.
        port: u16,
        /// The last port.
        end_port: u16,
    },
    /// A rule of admission that requires nothing, or several things.
    #[error("{path} requires {}; expected exactly one of `runAsNonRoot: true`, `podSecurity`, `registries`, `labels` and `bucket`", if *.several { "several things" } else { "nothing" })]
    #[diagnostic(
        code(tenantproof::tenancy::ambiguous_requirement),
        help("write one requirement; for several, write a rule for each")
    )]
    AmbiguousRequirement {
        /// Where.
        path: Path,
        /// Whether several are given.
        several: bool,
    },
    /// A rule about buckets that names labels of pods.
    #[error("{path} names labels of pods, and its rule is about buckets")]
    #[diagnostic(code(tenantproof::tenancy::pods_of_buckets), help("delete `pods`, or require something of pods"))]
    PodsOfBuckets {
        /// Where.
        path: Path,
    },
    /// A flow inside a party whose inside isn't closed.
    #[error("this flow lies inside `{party}`, where flows have no effect: its `internal` is {internal}")]
    #[diagnostic(
        code(tenantproof::tenancy::flow_inside),
        help("with `internal: closed` only flows pass inside `{party}`, and this one counts; otherwise delete it")
    )]
    FlowInside {
        /// The party.
        party: String,
        /// What its inside is, in words.
        internal: &'static str,
    },
}

const fn kind_word(kind: PartyKind) -> &'static str {
    match kind {
        PartyKind::Tenant => "tenant",
        PartyKind::Shared => "shared part",
    }
}

fn list(words: &[String]) -> String {
    if words.is_empty() { "(none is declared)".to_owned() } else { words.join(", ") }
}

fn roles_of(roles: &[String]) -> String {
    if roles.is_empty() { "It declares none".to_owned() } else { format!("Expected one of: {}", roles.join(", ")) }
}
