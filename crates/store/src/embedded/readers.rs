//! A bounded pool of read-only connections, used on blocking threads.
//!
//! Does not know what is read. A lease that is dropped ends its transaction and goes back.

use super::damage::Damage;
use super::error::{OpenError, Sql};
use super::file;
use evalset_model::{Error, Result};
use parking_lot::Mutex;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The pool.
pub(super) struct Readers {
    path: PathBuf,
    damage: Arc<Damage>,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// A pool of at most `size` connections to the file.
    pub fn new(path: PathBuf, size: usize, damage: Arc<Damage>) -> Arc<Self> {
        Arc::new(Self { path, damage, idle: Mutex::new(Vec::new()), permits: Arc::new(Semaphore::new(size.max(1))) })
    }

    /// Runs `read` on a blocking thread with a connection of its own.
    pub async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&mut Lease) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| Error::internal("the store is closed"))?;
        let home = self.clone();
        tokio::task::spawn_blocking(move || read(&mut home.lease(permit)?)).await.map_err(Error::internal)?
    }

    /// One more connection if one is free now.
    pub fn spare(self: &Arc<Self>) -> Option<Lease> {
        let permit = self.permits.clone().try_acquire_owned().ok()?;
        self.lease(permit).ok()
    }

    fn lease(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Result<Lease> {
        let idle = self.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => file::reader(&self.path).map_err(|error: OpenError| Error::internal(error))?,
        };
        Ok(Lease { connection: Some(connection), home: self.clone(), _permit: permit })
    }

    /// Refuses further reads and closes what is idle.
    pub fn close(&self) {
        self.permits.close();
        self.idle.lock().clear();
    }
}

/// A connection on loan.
pub(super) struct Lease {
    connection: Option<Connection>,
    home: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    /// The connection.
    pub fn connection(&self) -> Result<&Connection> {
        self.connection.as_ref().ok_or_else(|| Error::internal("a reader without a connection"))
    }

    /// Where rows that cannot be read are noted.
    pub fn damage(&self) -> &Damage {
        &self.home.damage
    }

    /// Begins a read transaction. What it sees is fixed by the first read after this.
    pub fn begin(&self) -> Result<&Connection> {
        let connection = self.connection()?;
        connection.prepare_cached("BEGIN").sql()?.execute([]).sql()?;
        Ok(connection)
    }

    /// Ends the transaction, if there is one.
    pub fn end(&self) -> Result<()> {
        let connection = self.connection()?;
        if !connection.is_autocommit() {
            connection.prepare_cached("ROLLBACK").sql()?.execute([]).sql()?;
        }
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let sound = self.end().is_ok();
        if let Some(connection) = self.connection.take().filter(|_| sound && !self.home.permits.is_closed()) {
            self.home.idle.lock().push(connection);
        }
    }
}
