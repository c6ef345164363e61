//! Files of exports in their folder: what a process that died leaves there.

use super::*;

#[tokio::test]
async fn what_a_process_that_died_was_writing_is_swept() {
    let directory = tempfile::tempdir().unwrap();
    let stores = open(quiet(directory.path())).await.unwrap();
    let mut whole = stores.files.create("a.csv").await.unwrap();
    whole.write(b"whole").await.unwrap();
    whole.finish(7).await.unwrap();
    let mut half = stores.files.create("a.csv").await.unwrap();
    half.write(b"half").await.unwrap();
    // Never dropped, as in a process that is killed.
    std::mem::forget(half);
    let folder = directory.path().join("exports");
    // As an older release wrote it.
    std::fs::write(folder.join("x.part"), "x").unwrap();
    assert_eq!(stores.files.sweep().await.unwrap(), 1, "what is being written stays");
    stores.health.close().await;
    let stores = open(quiet(directory.path())).await.unwrap();
    assert_eq!(stores.files.sweep().await.unwrap(), 1);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    let files = stores.files.list().await.unwrap();
    assert_eq!((files.len(), files[0].name.as_str(), files[0].written_at), (1, "a.csv", 7));
}
