//! Requests with the own tokens of tenants' service accounts, where the run was told to.

use futures::StreamExt as _;
use jiff::Timestamp;
use kube::Client;

use super::stance_of;
use crate::cluster::access;
use crate::cluster::attempt::{Attempt, Method};
use crate::cluster::token::Token;
use crate::families::Stance;
use crate::families::rbac::plan::{Computed, RbacPlan};
use crate::families::rbac::question::Question;
use crate::families::rbac::request::request;
use crate::families::rbac::seen::{Seen, TokenSeen, TriedSeen};
use crate::families::rbac::subjects::Account;

/// Service accounts whose tokens are at hand at the same time.
const TOKENS_AT_ONCE: usize = 4;
/// Requests that are made with one token at the same time.
const AT_ONCE: usize = 4;

/// With what requests are made.
#[derive(Clone, Copy)]
pub(super) struct Means<'a> {
    /// The runner's own client, which asks for tokens.
    pub(super) client: &'a Client,
    /// A client without any credential, for what is made with a token.
    pub(super) nobody: &'a Client,
    /// The name of what does not exist.
    pub(super) mark: &'a str,
    /// The image of pods that are asked for by dry-run.
    pub(super) image: &'a str,
}

/// Asks for a token of each account, tries with it what is planned for it, and lets go of it.
pub(super) async fn try_all(means: Means<'_>, plan: &RbacPlan, seen: &mut Seen) {
    let mut accounts = futures::stream::iter(&plan.accounts)
        .map(|(name, account)| async move { (name.clone(), of_account(means, plan, name, account).await) })
        .buffer_unordered(TOKENS_AT_ONCE);
    while let Some((name, (token, tried))) = accounts.next().await {
        seen.tokens.insert(name, token);
        seen.tried.extend(tried);
    }
}

async fn of_account(
    means: Means<'_>,
    plan: &RbacPlan,
    name: &str,
    account: &Account,
) -> (TokenSeen, Vec<(String, TriedSeen)>) {
    let at_ms = Timestamp::now().as_millisecond();
    let mut seen = TokenSeen { user: account.user(), at_ms, ..TokenSeen::default() };
    let token = match Token::request(means.client, &account.namespace, &account.name).await {
        Ok(token) => token,
        Err(why) => {
            seen.trouble = why;
            return (seen, Vec::new());
        }
    };
    match token.known_as(means.nobody).await {
        Ok(user) => seen.known_as = Some(user),
        Err(why) => seen.trouble = why,
    }
    // In nobody's name but the account's is anything tried.
    if seen.known_as.as_ref() != Some(&seen.user) {
        return (seen, Vec::new());
    }
    let of_account = plan.tries.iter().filter(|(_, computed)| computed.question.subject == name);
    let tried = futures::stream::iter(of_account)
        .map(|(key, computed)| one(means, &token, key, computed))
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    (seen, tried)
}

/// Makes one request, and has it reviewed.
async fn one(means: Means<'_>, token: &Token, key: &str, computed: &Computed) -> Option<(String, TriedSeen)> {
    let question = &computed.question;
    let made = request(question, means.mark, means.image)?;
    let attempt = Attempt {
        method: if made.posts { Method::Post } else { Method::Get },
        path: made.path,
        body: made.body,
        name: None,
    };
    let at_ms = Timestamp::now().as_millisecond();
    let (code, message) = match token.attempt(means.nobody, &attempt).await {
        Ok(answer) => (answer.code, answer.message),
        Err(why) => (0, why),
    };
    let Question { verb, api_group, resource, subresource, namespace, .. } = question;
    let reviewed = token.may(means.nobody, access::on(verb, api_group, resource, subresource, namespace)).await;
    let (review, review_said): (Stance, String) = stance_of(reviewed);
    let seen = TriedSeen {
        question: question.clone(),
        computed: computed.stance,
        because: computed.because.clone(),
        review,
        review_said,
        code,
        message,
        at_ms,
    };
    Some((key.to_owned(), seen))
}
