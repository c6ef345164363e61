//! Gives freed memory back to the system after large bodies: the allocator keeps what lies between pieces that are in use.
//! A bound above which pieces are mapped alone would do too, but only one so low that every piece of an export would be
//! mapped anew. Knows no bodies. Figures: `bench/RESULTS.md`, *Memory of request bodies*.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// By then whoever worked on beside the answer, such as the writer, has let go too.
const AFTER: Duration = Duration::from_secs(1);

/// Whether somebody is about to do it.
static BEGUN: AtomicBool = AtomicBool::new(false);

/// Does it in a moment, once for all who ask until then. Does not block.
pub fn soon() {
    if BEGUN.swap(true, Ordering::AcqRel) {
        return;
    }
    let work = || {
        thread::sleep(AFTER);
        BEGUN.store(false, Ordering::Release);
        now();
    };
    if let Err(error) = thread::Builder::new().name("evalset-memory".to_owned()).spawn(work) {
        tracing::debug!(%error, "memory is not given back this time");
        BEGUN.store(false, Ordering::Release);
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the function of the C library has no safe form")]
fn now() {
    // SAFETY: it takes no pointers, and may be called at any time by any thread.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn now() {}
