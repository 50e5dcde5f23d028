//! What the tokens say that pods hold.

use super::{Bench, FLAG, Says, listed};
use crate::families::credentials::seen::{NamespaceSeen, TokenSeen};

/// What a pod asks for by default. The API server may give a year instead, and no object tells whether it
/// does (`WarnOnlyBoundTokenExpirationSeconds`, `ExpirationExtensionSeconds`).
const DEFAULT_SECONDS: i64 = 3607;

impl Bench<'_> {
    /// Pods that hold a token of the API server while nothing binds their service account.
    pub(super) fn unneeded(&self, seen: &NamespaceSeen) -> Says {
        if let Some(unread) = self.unread(seen, &["pods", "rolebindings", "clusterrolebindings"]) {
            return unread;
        }
        let of_api_server = || seen.tokens.iter().filter(|token| token.audience.is_none());
        let unneeded: Vec<String> = of_api_server()
            .filter(|token| token.bound_by.is_none())
            .map(|token| {
                format!("Pod {} holds a token of ServiceAccount {}, which nothing binds", pods(token), token.account)
            })
            .collect();
        if unneeded.is_empty() {
            let held = of_api_server().map(|token| token.alike + 1).sum::<usize>();
            return Says::Kept(format!(
                "{held} tokens of the API server are held in namespace {}, each of a bound service account",
                self.ask.namespace
            ));
        }
        Says::Broken {
            sentence: listed(&unneeded),
            kind: "token-without-need",
            remedy: "set automountServiceAccountToken: false in the pod's template, or in the service account"
                .to_owned(),
        }
    }

    /// Pods that ask for tokens that live too long.
    pub(super) fn lifetimes(&self, seen: &NamespaceSeen) -> Says {
        let most = i64::from(self.ask.most_seconds);
        let says = |token: &TokenSeen, seconds: i64| {
            format!(
                "Pod {} asks for a token that lives {seconds} s (volume {}), more than {most} s",
                pods(token),
                token.volume
            )
        };
        // Only tokens for the API server itself are ever extended.
        let extended = |token: &&TokenSeen| token.seconds == DEFAULT_SECONDS && token.audience.is_none();
        let lives = |token: &TokenSeen| match self.ask.default_becomes_seconds {
            Some(becomes) if extended(&token) => i64::from(becomes),
            _ => token.seconds,
        };
        let too_long: Vec<String> =
            seen.tokens.iter().filter(|token| lives(token) > most).map(|token| says(token, lives(token))).collect();
        if !too_long.is_empty() {
            return Says::Broken {
                sentence: listed(&too_long),
                kind: "token-lives-too-long",
                remedy: format!("ask for {most} s or less in the projected volume's expirationSeconds"),
            };
        }
        if let Some(unread) = self.unread(seen, &["pods"]) {
            return unread;
        }
        let unknown: Vec<String> = seen
            .tokens
            .iter()
            .filter(|token| extended(token) && self.ask.default_becomes_seconds.is_none())
            .map(|token| format!("Pod {}", pods(token)))
            .collect();
        if !unknown.is_empty() {
            return Says::Unknown {
                sentence: format!(
                    "how long the default token lives is not known: asked for {DEFAULT_SECONDS} s, the API server gives a \
                     year unless it was started with --service-account-extend-token-expiration=false: {}",
                    listed(&unknown)
                ),
                kind: "token-lifetime-unknown",
                remedy: "set automountServiceAccountToken: false, and where the token is needed project one with \
                         expirationSeconds: 3600; or say in a suite of your own what the API server does \
                         (defaultBecomesSeconds)"
                    .to_owned(),
            };
        }
        let held = seen.tokens.iter().map(|token| token.alike + 1).sum::<usize>();
        Says::Kept(format!("{held} tokens are held in namespace {}, none for more than {most} s", self.ask.namespace))
    }

    /// Secrets that hold a service account's token, which never ends.
    pub(super) fn token_secrets(&self, seen: &NamespaceSeen) -> Says {
        let namespace = &self.ask.namespace;
        let held: Vec<String> = seen
            .token_secrets
            .iter()
            .map(|secret| {
                format!("Secret {namespace}/{} holds a token that never ends: {}", secret.name, secret.because)
            })
            .collect();
        if !held.is_empty() {
            return Says::Broken {
                sentence: listed(&held),
                kind: "token-secret",
                remedy: "delete the Secret, which revokes its token, and let pods use projected tokens or clients use \
                         `kubectl create token`"
                    .to_owned(),
            };
        }
        if let Some(unread) = self.unread(seen, &["serviceaccounts"]) {
            return unread;
        }
        if !self.seen.told_to_read_secrets {
            return Says::NotAsked(format!(
                "no ServiceAccount of namespace {namespace} names a Secret with a token; whether there is one all the same \
                 is seen only with {FLAG}"
            ));
        }
        self.unread(seen, &["secrets"]).unwrap_or_else(|| {
            Says::Kept(format!("no Secret of namespace {namespace} is of the type kubernetes.io/service-account-token"))
        })
    }
}

/// The pod, and how many others like it.
fn pods(token: &TokenSeen) -> String {
    if token.alike == 0 { token.pod.clone() } else { format!("{} (and {} more alike)", token.pod, token.alike) }
}
