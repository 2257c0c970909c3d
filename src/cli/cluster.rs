//! The flags `--cluster` and `--node`.

use super::arguments::Flags;
use chinwag::Builder;
use chinwag::chat::{cluster::Cluster, rules::Rules};
use std::process;

/// Joins the cluster that the flags name, if any. Its connections get numbers that no other node has.
///
/// # Errors
/// One line that says what to do.
pub(crate) fn open(flags: &Flags, rules: Rules, builder: Builder) -> Result<(Option<Cluster>, Builder), String> {
    let Some(url) = flags.text("cluster")? else {
        let needs = flags.has("node").then(|| "--node needs --cluster URL".to_owned());
        return needs.map_or(Ok((None, builder)), Err);
    };
    if flags.has("bans") {
        return Err("--cluster: --bans is for one server alone; leave one of them out".to_owned());
    }
    let name = match flags.text("node")? {
        Some(name) => name.to_owned(),
        None => format!("{}-{}", super::machine_name(), process::id()),
    };
    let cluster = Cluster::open(url, &name, rules).map_err(|error| format!("--cluster: {error}"))?;
    let builder = builder.first_id(cluster.first_id());
    Ok((Some(cluster), builder))
}
