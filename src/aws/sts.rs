//! STS: who asks.

use aws_sdk_sts::Client;

use super::config::Aws;
use super::error::AwsError;
use super::permissions::GET_CALLER_IDENTITY;

/// Who the credentials of this run are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account, in twelve digits.
    pub account: String,
    /// The ARN.
    pub arn: String,
}

impl Caller {
    /// Asks who the credentials are. It needs no permission.
    ///
    /// # Errors
    /// [`AwsError`] where there are none, or they are not accepted.
    pub async fn ask(aws: &Aws) -> Result<Self, AwsError> {
        let call = || aws.call(&GET_CALLER_IDENTITY, "");
        let asked = Client::new(aws.config()).get_caller_identity().send().await;
        let answer = asked.map_err(|error| AwsError::explain(call(), &error))?;
        let account = answer.account.filter(|account| !account.is_empty());
        let account = account.ok_or_else(|| AwsError::incomplete(call()))?;
        Ok(Self { account, arn: answer.arn.unwrap_or_default() })
    }
}
