//! The resources of a process, from Linux' `/proc`.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Resources of a process. What cannot be read is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    pub threads: u64,
    pub descriptors: u64,
    pub rss_kib: u64,
    pub cpu: Duration,
}

/// The resources that the process uses now.
pub fn usage(pid: u32) -> Usage {
    let status = fs::read_to_string(path(pid, "status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    let descriptors = fs::read_dir(path(pid, "fd")).map_or(0, |folder| folder.count() as u64);
    Usage { threads: field("Threads:"), descriptors, rss_kib: field("VmRSS:"), cpu: cpu(pid) }
}

/// User and system time. `/proc` counts in hundredths of a second.
fn cpu(pid: u32) -> Duration {
    let stat = fs::read_to_string(path(pid, "stat")).unwrap_or_default();
    // The name in parentheses may have spaces. The times are fields 14 and 15.
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<u64> = behind_name.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
    Duration::from_millis(10 * fields.iter().skip(11).take(2).sum::<u64>())
}

/// The names of the process's threads.
pub fn thread_names(pid: u32) -> Vec<String> {
    let tasks = fs::read_dir(path(pid, "task")).into_iter().flatten().flatten();
    tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok()).map(|name| name.trim().into()).collect()
}

fn path(pid: u32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{file}"))
}
