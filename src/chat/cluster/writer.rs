//! The thread that appends to the stream.

use super::{
    link::{Link, Store},
    queue::{Batch, Queue},
    reader::RETRY,
};
use log::warn;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

/// Runs until the node ends.
pub(super) fn run(link: &Link, queue: &Queue, is_writable: &AtomicBool) {
    let mut store = None;
    while let Some(batches) = queue.next() {
        let result = append(link, &mut store, &batches);
        let was_writable = is_writable.swap(matches!(result, Ok(true)), Ordering::Relaxed);
        match result {
            Ok(true) => queue.appended(&batches),
            result => {
                // If the stream is missing, the thread that reads begins one.
                if was_writable {
                    warn!("cluster: Redis does not accept entries; they wait: {result:?}");
                }
                store = None;
                queue.append_again();
                thread::sleep(RETRY);
            }
        }
    }
}

fn append(link: &Link, store: &mut Option<Store>, batches: &[Batch]) -> redis::RedisResult<bool> {
    let mut connected = match store.take() {
        Some(store) => store,
        None => link.connect()?,
    };
    let result = connected.append(batches)?;
    *store = Some(connected);
    Ok(result)
}
