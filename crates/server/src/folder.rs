//! The data folder before it is opened: whether there is data in it, and making it for this user only. Knows no
//! command.

use anyhow::{Context as _, ensure};
use evalset_embedded as embedded;
use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;

/// Whether the folder holds data. An empty database file is what a start that was broken off leaves.
pub fn has_data(folder: &Path) -> bool {
    embedded::database(folder).metadata().is_ok_and(|about| about.is_file() && about.len() > 0)
}

/// Refuses a folder without data: what only reads must not make a new database where a name was mistyped.
pub fn existing(folder: &Path) -> anyhow::Result<()> {
    let shown = folder.display();
    ensure!(has_data(folder), "no data in {shown}: there is no evalset.db; name the folder with --data DIR");
    Ok(())
}

/// Makes the folder and an empty database file when they are not there, for this user only, since they hold prompts and
/// answers; the files that SQLite adds take the mode of the database. What is there stays as it is.
pub fn prepare(folder: &Path) -> anyhow::Result<()> {
    let context = || format!("cannot make the data folder {}", folder.display());
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent).with_context(context)?;
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error).with_context(context),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(embedded::database(folder)) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error).with_context(context),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{existing, has_data, prepare};
    use crate::config::{self, Sources};
    use crate::open;

    #[cfg(unix)]
    #[tokio::test]
    async fn new_data_is_for_its_owner_only_and_an_existing_folder_stays() {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let world = tempfile::tempdir().unwrap();
        let folder = world.path().join("deep").join("data");
        let flags = vec![("data".to_owned(), folder.display().to_string())];
        let app = open::app(&config::load(&Sources { flags, ..Sources::default() }).unwrap()).await.unwrap();
        for name in ["evalset.db", "evalset.db-wal", "evalset.db-shm"] {
            assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
        }
        app.stores.health.close().await;
        assert_eq!(mode(&folder), 0o700);

        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o750)).unwrap();
        std::fs::set_permissions(folder.join("evalset.db"), PermissionsExt::from_mode(0o640)).unwrap();
        prepare(&folder).unwrap();
        assert_eq!((mode(&folder), mode(&folder.join("evalset.db"))), (0o750, 0o640));
    }

    #[test]
    fn a_folder_without_a_database_has_no_data() {
        let world = tempfile::tempdir().unwrap();
        let folder = world.path().join("typo");
        assert!(existing(&folder).unwrap_err().to_string().starts_with("no data in "));
        assert!(!folder.exists());
        prepare(&folder).unwrap();
        assert!(!has_data(&folder), "an empty file is no data yet");
        std::fs::write(folder.join("evalset.db"), "x").unwrap();
        assert!(existing(&folder).is_ok());
    }
}
