//! How many connections the operating system has room for.
//!
//! Owns one question to Linux. A thread takes four mappings of memory (its stack, its signal stack, and what guards them),
//! and a process has 65530, if nobody changed that. Where the last one is missing, the standard library ends the process: so
//! newcomers must be turned away before.

use std::fs;

/// Mappings of a connection: four, and some for what the allocator wants.
const EACH: usize = 5;

/// Those of the program itself, and of threads that belong to no connection.
const OTHERS: usize = 2000;

/// Connections that there is room for; `None` where nobody counts mappings.
pub(super) fn room() -> Option<usize> {
    let most: usize = fs::read_to_string("/proc/sys/vm/max_map_count").ok()?.trim().parse().ok()?;
    Some(connections(most))
}

fn connections(mappings: usize) -> usize {
    (mappings.saturating_sub(OTHERS) / EACH).max(1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_linux_allows_by_default_is_room_for_ten_thousand() {
        assert_eq!(super::connections(65_530), 12_706);
        assert_eq!(super::connections(0), 1);
    }
}
