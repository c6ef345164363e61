//! The embedded store: the suite, and what only a file can do: survive, be refused, fill up, be shared.

mod abandoned;
mod concurrency;
mod damage;
mod durability;
mod files;
mod leases;
mod looks;
mod orders;
mod refusals;
mod scores;
mod sequence;
mod snapshots;
mod text;

use super::{Options, open};
use evalset_store::Stores;
use evalset_store::conformance::samples::Dice;
use evalset_store::conformance::samples::*;
use evalset_store::conformance::soak::Soak;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// Few metadata columns, so that rows overflow into undecided ones, small chunks, and text indexes from the first row
/// on.
pub(crate) fn options(data_dir: &Path) -> Options {
    let mut options = Options::new(data_dir);
    options.limits.metadata_columns = 3;
    options.snapshot_rows = 1;
    // Chunks fill up, move to files and are let go of all the time.
    options.chunk_rows = 64;
    options.limits.job_batch_rows = 10;
    options.keeper_look = Duration::from_millis(2);
    options.limits.index_memory_bytes = 0;
    options.limits.text_index_rows = 1;
    options.text_changed_rows = 2;
    options.text_rest = Duration::from_millis(1);
    options
}

/// The same without text indexes.
pub(crate) fn quiet(data_dir: &Path) -> Options {
    let mut options = options(data_dir);
    options.limits.text_index_rows = u64::MAX;
    options
}

async fn subject() -> (Stores, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    (open(options(directory.path())).await.unwrap(), directory)
}

mod conforms {
    evalset_store::conformance::suite!(crate::tests::subject);
}

async fn soak(seed: u64, steps: usize) {
    let mut directory = tempfile::tempdir().unwrap();
    let mut dice = Dice(seed);
    let subject = open(options(directory.path())).await.unwrap();
    let mut soak = Soak { subject, oracle: evalset_store::memory::open(), dice: &mut dice, next: 0 };
    for number in [2, 3] {
        for stores in [&soak.subject, &soak.oracle] {
            stores.datasets.create(dataset(organization(1), dataset_id(number), 0), None).await.unwrap();
        }
    }
    for step in 1..=steps {
        soak.step().await;
        if step % 100 == 0 {
            soak.compare().await;
            // Now and then the process is killed: its files go on as they are, with the snapshots of an earlier end.
            let killed = (step / 100) % 3 == 2;
            let left = if killed { snapshots::left_behind(directory.path()) } else { directory };
            soak.subject.health.close().await;
            let report = super::doctor(left.path(), true).unwrap();
            assert_eq!(report.findings, [""; 0]);
            if !killed {
                snapshots::harm(left.path(), step / 100);
                text::harm(left.path(), step / 100);
            }
            directory = left;
            soak.subject = open(options(directory.path())).await.unwrap();
            soak.reopened().await;
            soak.compare().await;
        }
    }
}

#[tokio::test]
async fn soak_seed_1() {
    soak(1, 1_000).await;
}

#[tokio::test]
async fn soak_seed_2() {
    soak(2, 1_000).await;
}

#[tokio::test]
#[ignore = "takes minutes: cargo test -p evalset-embedded -- --ignored soak"]
async fn soak_many_seeds() {
    for seed in 100..150 {
        tracing::info!(seed, "soak");
        soak(seed, 1_000).await;
    }
}
