//! Keeps column indexes for the next start while nothing else goes on: an index that has not changed for a while and is not kept
//! yet is written by the writer. Knows time and idleness, not what is written.

use super::Engine;
use std::sync::Weak;
use std::thread;
use std::time::Duration;

/// How often it looks. An index that stood still from one look to the next is at rest.
const LOOK: Duration = Duration::from_secs(10);

/// Starts the thread, which ends with the engine.
pub(super) fn start(engine: Weak<Engine>) -> std::io::Result<()> {
    let work = move || {
        let mut before: Vec<(i64, i64)> = Vec::new();
        loop {
            thread::sleep(LOOK);
            let Some(engine) = engine.upgrade() else { break };
            let unsaved = engine.indexes.unsaved();
            for found in unsaved.iter().filter(|found| before.contains(found)) {
                let (indexes, collection) = (engine.indexes.clone(), found.0);
                engine.writer.order(move |tx| indexes.save(tx.connection, collection));
            }
            before = unsaved;
        }
    };
    thread::Builder::new().name("evalset-keeper".to_owned()).spawn(work).map(drop)
}
