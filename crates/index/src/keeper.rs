//! Looks after column indexes beside the work of callers: applies commits that a look was in the way of, keeps their
//! memory within bounds, makes orders that pages would use, moves full parts of them to files, and keeps an index that
//! has not changed for a while for the next start. Knows time and idleness, not what is written.

use crate::number::{CollectionNumber, CommitNumber};
use crate::{Answers, Options};
use hashbrown::HashMap;
use std::sync::Weak;
use std::thread;
use std::time::Duration;

/// How often it looks for work.
pub(crate) const LOOK: Duration = Duration::from_millis(200);
/// How often it looks whether files take too much memory: a filter over all rows maps gigabytes a second.
const MEMORY_LOOK: Duration = Duration::from_millis(20);
/// It looks so many times as often when more than half of the bound is in use.
const NEAR: u32 = 4;
/// Looks from one search for parts that can move to files to the next. Those not written to in between move.
const SEAL_LOOKS: u32 = 10;
/// Looks from one search for indexes at rest to the next. One that stood still in between is at rest.
const SAVE_LOOKS: u32 = 50;

/// So long may the origin wait for those who look at an index that is to be kept; if that is not enough, it is kept
/// another time.
const SAVE_PATIENCE: Duration = Duration::from_millis(5);

/// Starts the threads, which end with what they look after.
pub(crate) fn start(answers: Weak<Answers>, options: &Options) -> std::io::Result<()> {
    let (pause, limits) = (options.keeper_look, &options.limits);
    watch_memory(answers.clone(), pause.min(MEMORY_LOOK))?;
    let (orders_most, changed_most) = (limits.order_memory_bytes, limits.changed_memory_bytes);
    let work = move || {
        let (mut parts, mut before) = (HashMap::new(), Vec::new());
        for look in 1_u32.. {
            thread::sleep(pause);
            let Some(answers) = answers.upgrade() else { break };
            answers.indexes.settle_all();
            answers.indexes.make_orders(orders_most);
            if look % SEAL_LOOKS == 0 && answers.indexes.seal(&mut parts, changed_most) {
                give_back();
            }
            if look % SAVE_LOOKS == 0 {
                before = save(&answers, &before);
                make_room(&answers);
            }
        }
    };
    thread::Builder::new().name("evalset-keeper".to_owned()).spawn(work).map(drop)
}

/// Starts the thread that keeps memory of files within its bound where no walk does. It does nothing else: making
/// orders and moving parts takes seconds, in which more is mapped than fits.
fn watch_memory(answers: Weak<Answers>, pause: Duration) -> std::io::Result<()> {
    let work = move || {
        let mut near = false;
        loop {
            thread::sleep(if near { pause / NEAR } else { pause });
            let Some(answers) = answers.upgrade() else { break };
            near = answers.indexes.keep_within();
        }
    };
    thread::Builder::new().name("evalset-memory".to_owned()).spawn(work).map(drop)
}

/// Gives freed memory back to the system. The allocator keeps what lies between pieces that are in use: 1.2 of 1.4 GB
/// after all parts of 10M rows had moved to files.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the function of the C library has no safe form")]
fn give_back() {
    // SAFETY: it takes no pointers, and may be called at any time by any thread.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators cannot be told.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() {}

/// Has the origin keep indexes that were already found as they are now; returns those that are not kept.
fn save(answers: &Answers, before: &[(CollectionNumber, CommitNumber)]) -> Vec<(CollectionNumber, CommitNumber)> {
    let unsaved = answers.indexes.unsaved();
    for found in unsaved.iter().filter(|found| before.contains(found)) {
        answers.origin.keep(found.0, SAVE_PATIENCE);
    }
    unsaved
}

/// Makes an index anew in which removed rows take much room, if a lease is free.
fn make_room(answers: &Answers) {
    let Some((collection, slot)) = answers.indexes.wasteful() else { return };
    let Some(lease) = answers.origin.spare() else { return };
    if let Err(error) = answers.indexes.compact(collection, &slot, &*lease) {
        tracing::warn!(%collection, %error, "removed rows keep their room in a column index");
    }
}
