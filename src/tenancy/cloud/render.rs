//! What is said of AWS, as a tenancy file has it.

use std::fmt::Write;

use super::{CloudAccount, CloudBucket, CloudPromise, CloudTable, TenantCloud};
use crate::tenancy::render::scalar;

/// Writes what holds for all tenants, where it is not what holds anyway.
pub(in crate::tenancy) fn render_promise(out: &mut String, promise: &CloudPromise) {
    if *promise != CloudPromise::default() {
        let _ = writeln!(out, "cloud:\n  credentials: {{longest: {}s}}\n", promise.longest.as_secs());
    }
}

/// Writes what one tenant reaches.
pub(in crate::tenancy) fn render_tenant(
    out: &mut String,
    TenantCloud { accounts, buckets, tables, keys }: &TenantCloud,
) {
    if accounts.is_empty() {
        return;
    }
    out.push_str("  cloud:\n    serviceAccounts:\n");
    for CloudAccount { namespace, name } in accounts {
        let (namespace, name) = (scalar(namespace.as_str()), scalar(name.as_str()));
        let _ = writeln!(out, "    - {{namespace: {namespace}, name: {name}}}");
    }
    if !buckets.is_empty() {
        out.push_str("    buckets:\n");
    }
    for CloudBucket { name, prefix, account } in buckets {
        let prefix = if prefix.is_empty() { String::new() } else { format!(", prefix: {}", scalar(prefix)) };
        let account = account.as_ref().map(|account| format!(", account: {}", scalar(account))).unwrap_or_default();
        let _ = writeln!(out, "    - {{name: {}{prefix}{account}}}", scalar(name.as_str()));
    }
    if !tables.is_empty() {
        out.push_str("    tables:\n");
    }
    for CloudTable { name, partition_key, leading } in tables {
        let leading = leading.as_ref().map(|leading| format!(", leading: {}", scalar(leading))).unwrap_or_default();
        let (name, key) = (scalar(name), scalar(partition_key));
        let _ = writeln!(out, "    - {{name: {name}, partitionKey: {key}{leading}}}");
    }
    if !keys.is_empty() {
        let arns: Vec<String> = keys.iter().map(|key| scalar(key.arn())).collect();
        let _ = writeln!(out, "    keys: [{}]", arns.join(", "));
    }
}
