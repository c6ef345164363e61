//! Files: whole or not there, each writer on its own.

use crate::Stores;
use crate::files::FileEntry;
use tokio::io::AsyncReadExt;

async fn content(stores: &Stores, name: &str) -> Option<String> {
    let mut open = stores.files.open(name).await.unwrap()?;
    let mut text = String::new();
    open.reader.read_to_string(&mut text).await.unwrap();
    assert_eq!(text.len() as u64, open.length);
    Some(text)
}

async fn names(stores: &Stores) -> Vec<String> {
    let mut names: Vec<_> = stores.files.list().await.unwrap().into_iter().map(|entry| entry.name).collect();
    names.sort();
    names
}

async fn write(stores: &Stores, name: &str, text: &str) {
    let mut writer = stores.files.create(name).await.unwrap();
    for piece in text.as_bytes().chunks(3) {
        writer.write(piece).await.unwrap();
    }
    writer.finish(5_000_000).await.unwrap();
}

pub async fn a_file_appears_when_it_is_finished(stores: &Stores) {
    assert_eq!(names(stores).await, [""; 0]);
    let mut writer = stores.files.create("a.csv").await.unwrap();
    writer.write(b"hello ").await.unwrap();
    assert_eq!((content(stores, "a.csv").await, names(stores).await), (None, vec![]));
    writer.write(b"world").await.unwrap();
    writer.finish(5_000_000).await.unwrap();
    assert_eq!(content(stores, "a.csv").await.as_deref(), Some("hello world"));
    // What is being read is read to its end.
    let mut open = stores.files.open("a.csv").await.unwrap().unwrap();
    write(stores, "a.csv", "new").await;
    write(stores, "b.csv", "").await;
    let mut old = String::new();
    open.reader.read_to_string(&mut old).await.unwrap();
    assert_eq!((old.as_str(), content(stores, "a.csv").await.as_deref()), ("hello world", Some("new")));
    assert_eq!(
        (names(stores).await, content(stores, "b.csv").await.as_deref()),
        (vec!["a.csv".into(), "b.csv".into()], Some(""))
    );
    for _ in 0..2 {
        stores.files.remove("a.csv").await.unwrap();
    }
    assert_eq!((content(stores, "a.csv").await, names(stores).await), (None, vec!["b.csv".to_owned()]));
}

pub async fn what_is_not_finished_leaves_nothing(stores: &Stores) {
    write(stores, "a.csv", "old").await;
    let mut writer = stores.files.create("a.csv").await.unwrap();
    writer.write(b"half").await.unwrap();
    drop(writer);
    assert_eq!((content(stores, "a.csv").await.as_deref(), names(stores).await.len()), (Some("old"), 1));
    assert_eq!(stores.files.sweep().await.unwrap(), 0);
}

pub async fn writers_of_one_name_do_not_meet(stores: &Stores) {
    let mut first = stores.files.create("a.csv").await.unwrap();
    let mut second = stores.files.create("a.csv").await.unwrap();
    first.write(b"first").await.unwrap();
    second.write(b"second, longer").await.unwrap();
    // Somebody sweeps meanwhile: they live.
    assert_eq!(stores.files.sweep().await.unwrap(), 0);
    second.finish(6_000_000).await.unwrap();
    assert_eq!(content(stores, "a.csv").await.as_deref(), Some("second, longer"));
    first.write(b" again").await.unwrap();
    first.finish(7_000_000).await.unwrap();
    assert_eq!(content(stores, "a.csv").await.as_deref(), Some("first again"));
    let entry = FileEntry { name: "a.csv".to_owned(), written_at: 7_000_000 };
    assert_eq!(stores.files.list().await.unwrap(), [entry]);
}

pub async fn names_have_no_folders(stores: &Stores) {
    for name in ["../a", "a/b", "/tmp/a", "", ".."] {
        assert!(stores.files.create(name).await.is_err(), "{name}");
        assert!(stores.files.open(name).await.is_err(), "{name}");
        assert!(stores.files.remove(name).await.is_err(), "{name}");
    }
}
