//! What the child gives up before it runs anything: memory, files, processes. The interpreter offers none of these
//! anyway; this is for the day it has a fault.
//!
//! Knows the operating system, not the interpreter.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::set_no_new_privs;
use rustix::time::{ClockId, clock_gettime};
use std::io;

/// Address space counted as the program's own where the system does not tell.
const OWN_BYTES_UNKNOWN: u64 = 1 << 30;

/// Puts the limits on this process for good. `memory_bytes` are on top of what the program itself takes.
pub(super) fn confine(memory_bytes: u64) -> io::Result<()> {
    // Before files are out of reach: what the program takes is read from one.
    let memory = own_bytes().saturating_add(memory_bytes);
    for (resource, most) in [
        (Resource::As, memory),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nproc, 0),
        // Only the three pipes that are open already.
        (Resource::Nofile, 3),
    ] {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    set_no_new_privs(true)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Lets the process use this much more processor time, rounded up. The parent's clock comes first; this ends a child
/// whose parent is gone.
pub(super) fn allow_processor_seconds(seconds: f64) -> io::Result<()> {
    let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec.max(0).unsigned_abs();
    let most = used.saturating_add(seconds.ceil() as u64).saturating_add(1);
    setrlimit(Resource::Cpu, Rlimit { current: Some(most), maximum: None })?;
    Ok(())
}

/// Address space of this process as it stands.
fn own_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kibibytes = size.and_then(|size| size.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kibibytes.map_or(OWN_BYTES_UNKNOWN, |size| size * 1024)
}
