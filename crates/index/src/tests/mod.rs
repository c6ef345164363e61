//! The room over an origin in memory, which is asked for its commits: answers are those of the reference, whatever was derived.

mod answers;
mod indexes;
mod ledger;

use crate::{Answers, Changed, CollectionNumber, Derived, Options, Pace};
use evalset_model::ids::Collection;
use evalset_model::limits::Limits;
use evalset_store::conformance::samples::{dataset_id, organization, request_logs, rows_of};
use ledger::Ledger;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The collection of request logs.
const LOGS: CollectionNumber = CollectionNumber(1);
/// The collection of a dataset's rows.
const ROWS: CollectionNumber = CollectionNumber(2);

fn names() -> [Collection; 2] {
    [request_logs(organization(1)), rows_of(organization(1), dataset_id(1))]
}

/// Few metadata columns, small chunks that move to files all the time, and text indexes from the first row on.
fn options(data_dir: &Path) -> Options {
    Options {
        data_dir: data_dir.to_owned(),
        limits: Limits { metadata_columns: 3, index_memory_bytes: 0, ..Limits::default() },
        chunk_rows: 64,
        snapshot_rows: 1,
        keeper_look: Duration::from_millis(2),
        pace: Pace { rows_min: 1, changed_min: 2, rest: Duration::from_millis(1) },
        helpers_max: 1,
    }
}

/// Opens what answers for a ledger.
fn open(ledger: &Arc<Ledger>, data_dir: &Path) -> Arc<Answers> {
    let options = options(data_dir);
    let derived = Derived::new(&options, &ledger.kept(), Changed::default());
    ledger.serve(derived.clone());
    Answers::start(derived, Arc::new(ledger.clone()), &options).unwrap()
}
