//! The ConfigMap `aws-auth`, by which EKS lets IAM principals in that have no access entry.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap as Object;
use kube::{Api, Client};

use super::error::in_words;
use super::retry::patiently;
use crate::semantics::rbac::eks::{AwsAuth, ConfigMap};

/// Reads it. Why it can't be read is a part of what is known of it.
pub async fn read_aws_auth(client: &Client) -> ConfigMap {
    let api: Api<Object> = Api::namespaced(client.clone(), "kube-system");
    match patiently(|| api.get_opt("aws-auth")).await {
        Ok(None) => ConfigMap::Absent,
        Ok(Some(object)) => {
            let data: BTreeMap<String, String> = object.data.unwrap_or_default();
            ConfigMap::Read(AwsAuth::read(&data))
        }
        Err(error) => ConfigMap::Unread(in_words(&error)),
    }
}
