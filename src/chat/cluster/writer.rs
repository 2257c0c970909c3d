//! The thread that appends to the stream.

use super::{
    link::{Link, Store},
    queue::{Batch, Queue},
    reader::RETRY,
};
use log::debug;
use std::thread;

/// Runs until the node ends.
pub(super) fn run(link: &Link, queue: &Queue) {
    let mut store = None;
    while let Some(batches) = queue.next() {
        match append(link, &mut store, &batches) {
            Ok(true) => queue.appended(&batches),
            result => {
                // If there is no stream, the thread that reads begins one.
                debug!("cluster: not appended: {result:?}");
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
