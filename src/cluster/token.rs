//! A tenant's own token: asked for, used for single requests, and never shown.

use http::HeaderValue;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec, SubjectAccessReviewStatus,
};
use kube::Client;
use serde::Deserialize;
use serde_json::{Value, json};

use super::access::{Ruling, read};
use super::attempt::{Answer, Attempt, Manner, Method, Reply, exchange};

/// How long a token lives: ten minutes, the least that the API server grants.
const SECONDS: u32 = 600;
/// What stands where a token would.
const HIDDEN: &str = "…";

/// A token of a service account. Its value can't be shown, cloned or written down: all that can be done with it is to
/// make requests.
pub struct Token(HeaderValue);

/// The part of a `TokenRequest` that matters. Never shown: no error tells what it was read from.
#[derive(Deserialize)]
struct Given {
    status: GivenStatus,
}

#[derive(Deserialize)]
struct GivenStatus {
    token: String,
}

impl Token {
    /// Asks for a token of a service account, for the API server itself, that ends after ten minutes.
    ///
    /// # Errors
    /// Why there is none, in the API server's words.
    pub async fn request(client: &Client, namespace: &str, account: &str) -> Result<Self, String> {
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"audiences": [], "expirationSeconds": SECONDS},
        });
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let asked = Attempt { method: Method::Post, path, body: Some(body), name: None };
        let reply = exchange(client, &asked, Manner::default()).await?;
        if reply.code >= 400 {
            return Err(format!("{}: {}", reply.code, reply.words()));
        }
        // What is wrong with an answer is not told: it may hold the token.
        Self::of(&reply.body).ok_or_else(|| "the API server's answer holds no token".to_owned())
    }

    fn of(body: &[u8]) -> Option<Self> {
        let given: Given = serde_json::from_slice(body).ok()?;
        if given.status.token.is_empty() {
            return None;
        }
        let mut header = HeaderValue::try_from(format!("Bearer {}", given.status.token)).ok()?;
        header.set_sensitive(true);
        Some(Self(header))
    }

    /// Makes one request with this token and no other credential. What it is granted is not even read.
    ///
    /// # Errors
    /// Why there was no answer.
    pub async fn attempt(&self, nobody: &Client, attempt: &Attempt) -> Result<Answer, String> {
        let manner = Manner { bearer: Some(&self.0), unread: true };
        match exchange(nobody, attempt, manner).await {
            Ok(reply) => {
                let Answer { code, message, date } = reply.answer();
                Ok(Answer { code, message: self.without(&message), date })
            }
            Err(why) => Err(self.without(&why)),
        }
    }

    /// As whom the API server knows who has this token: the user's name.
    ///
    /// # Errors
    /// Why it was not told.
    pub async fn known_as(&self, nobody: &Client) -> Result<String, String> {
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let review: SelfSubjectReview = self.ask(nobody, path, review).await?;
        let user = review.status.and_then(|status| status.user_info).and_then(|user| user.username);
        user.ok_or_else(|| "the review came back without an answer".to_owned())
    }

    /// Asks the authorizers whether who has this token may do something.
    ///
    /// # Errors
    /// Why it was not told. An authorizer that failed has told nothing.
    pub async fn may(&self, nobody: &Client, what: ResourceAttributes) -> Result<Ruling, String> {
        let spec =
            SelfSubjectAccessReviewSpec { resource_attributes: Some(what), ..SelfSubjectAccessReviewSpec::default() };
        let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
        let review = serde_json::to_value(&review).map_err(|error| error.to_string())?;
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let review: SelfSubjectAccessReview = self.ask(nobody, path, review).await?;
        let status: Option<SubjectAccessReviewStatus> = review.status;
        match read(status) {
            Ok(Ruling { allowed, reason }) => Ok(Ruling { allowed, reason: self.without(&reason) }),
            Err(why) => Err(self.without(&why)),
        }
    }

    async fn ask<T: for<'de> Deserialize<'de>>(&self, nobody: &Client, path: &str, body: Value) -> Result<T, String> {
        let asked = Attempt { method: Method::Post, path: path.to_owned(), body: Some(body), name: None };
        let manner = Manner { bearer: Some(&self.0), unread: false };
        let reply: Reply = exchange(nobody, &asked, manner).await.map_err(|why| self.without(&why))?;
        if reply.code >= 400 {
            return Err(self.without(&format!("{}: {}", reply.code, reply.words())));
        }
        serde_json::from_slice(&reply.body).map_err(|_| "the review came back in another shape".to_owned())
    }

    /// A text of the API server's, or of what stands before it, without the token.
    fn without(&self, text: &str) -> String {
        let value = self.0.to_str().unwrap_or_default().trim_start_matches("Bearer ");
        if value.is_empty() { text.to_owned() } else { text.replace(value, HIDDEN) }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Token;

    #[test]
    fn what_a_server_echoes_loses_the_token() {
        let token = Token::of(br#"{"status": {"token": "abc.def.ghi"}}"#).unwrap();
        assert_eq!(token.without("Unauthorized: Bearer abc.def.ghi is old"), "Unauthorized: Bearer … is old");
        assert_eq!(format!("{:?}", token.0), "Sensitive", "the client shows no such header");
    }

    #[rstest]
    #[case::nothing(b"")]
    #[case::no_token(br#"{"status": {}}"#)]
    #[case::an_empty_one(br#"{"status": {"token": ""}}"#)]
    #[case::of_several_lines(b"{\"status\": {\"token\": \"a\\nb\"}}")]
    #[case::not_a_text(br#"{"status": {"token": 1}}"#)]
    fn an_answer_without_a_token_is_none(#[case] body: &[u8]) {
        assert!(Token::of(body).is_none());
    }
}
