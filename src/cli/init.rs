//! `tenantproof init`.

use std::fmt::Display;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use kube::ResourceExt as _;

use super::{ClusterArgs, show};
use crate::cluster::{connect, read_namespaces, read_snapshot};
use crate::model::Namespace;
use crate::tenancy::{InferOptions, infer, render};

/// Write a tenancy file from a cluster's labels and policies.
///
/// It only reads. What it writes is a draft: flows that policies open today are proposed in comments,
/// for somebody who knows to confirm, so that no leak is promised unread.
#[derive(Debug, clap::Args)]
pub(super) struct InitArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The name of the tenancy [default: the context's].
    #[arg(long)]
    name: Option<String>,
    /// The label of namespaces that tells whose they are [default: the first well-known one that occurs].
    #[arg(long, value_name = "KEY")]
    tenant_label: Option<String>,
    /// The label of namespaces that tells a tenant's tier.
    #[arg(long, value_name = "KEY")]
    tier_label: Option<String>,
    /// Declare the flows that policies open today, instead of proposing them in comments.
    #[arg(long)]
    declare_flows: bool,
    /// Write to this file, which must not exist yet [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Reads the cluster and writes the draft.
pub(super) fn init(args: InitArgs) -> miette::Result<u8> {
    let runtime = super::runtime()?;
    let unwritten = |path: &Path, why: &dyn Display| {
        miette::miette!(
            help = "name another file with --output, or leave it out and redirect standard output",
            "{} can't be written: {why}",
            path.display()
        )
    };
    if let Some(path) = args.output.as_deref().filter(|path| path.exists()) {
        return Err(unwritten(path, &"it is there already"));
    }
    let options = args.cluster.into();
    let (context, snapshot) = runtime.block_on(async {
        let connection = connect(&options).await?;
        let namespaces = read_namespaces(&connection.client, &[]).await?;
        let names: Vec<Namespace> = namespaces.iter().map(|namespace| Namespace::new(namespace.name_any())).collect();
        let snapshot = read_snapshot(&connection.client, namespaces, &names).await?;
        Ok::<_, crate::cluster::ClusterError>((connection.context, snapshot))
    })?;
    let options = InferOptions {
        name: args.name.unwrap_or(context),
        tenant_label: args.tenant_label,
        tier_label: args.tier_label,
        declare_flows: args.declare_flows,
    };
    let mut inferred = infer(&snapshot.namespaces, &snapshot.pods, &snapshot.network_policies, &options)?;
    for unreadable in &snapshot.unreadable {
        let place = unreadable.namespace.as_deref().unwrap_or("the cluster");
        inferred.notes.push(format!("{} of {place} could not be read: {}.", unreadable.resource, unreadable.why));
    }
    let text = render(&inferred.tenancy, &inferred.proposed, &inferred.notes);
    let Some(path) = args.output else { return show::print(&text) };
    let mut file = File::create_new(&path).map_err(|error| unwritten(&path, &error))?;
    if let Err(error) = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()) {
        // Half a draft would read as a promise; the error that matters is the first one.
        let _ = std::fs::remove_file(&path);
        return Err(unwritten(&path, &error));
    }
    Ok(0)
}
