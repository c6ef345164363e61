//! A bounded pool of read-only connections, used on blocking threads.
//!
//! Does not know what is read. A lease that is dropped ends its transaction and goes back. Reads that may be long leave
//! a few connections to the others, and a read that nobody waits for any more is told to stop.

use crate::engine::stop::{self, Stop};
use crate::file;
use crate::file::damage::Damage;
use crate::file::error::{OpenError, Sql};
use evalset_model::{Error, Result};
use parking_lot::Mutex;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections that long reads cannot take: lookups of single things, jobs and probes never wait behind scans.
pub(crate) const RESERVED: usize = 2;

/// The pool.
pub(crate) struct Readers {
    path: PathBuf,
    damage: Arc<Damage>,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    /// Taken before one of `permits` by reads that may be long.
    long: Arc<Semaphore>,
}

impl Readers {
    /// A pool of at most `size` connections to the file, [`RESERVED`] of them not for long reads.
    pub fn new(path: PathBuf, size: usize, damage: Arc<Damage>) -> Arc<Self> {
        Arc::new(Self {
            path,
            damage,
            idle: Mutex::new(Vec::new()),
            permits: Arc::new(Semaphore::new(size.max(1))),
            long: Arc::new(Semaphore::new(size.saturating_sub(RESERVED).max(1))),
        })
    }

    /// Runs a short `read` on a blocking thread with a connection of its own. When the future is dropped, the lease
    /// learns of it.
    pub async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&mut Lease) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run_with(None, read).await
    }

    /// The same for a `read` that may take long or wait for an index: it leaves [`RESERVED`] connections to others.
    pub async fn run_long<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&mut Lease) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let long = acquire(&self.long).await?;
        self.run_with(Some(long), read).await
    }

    async fn run_with<T: Send + 'static>(
        self: &Arc<Self>,
        long: Option<OwnedSemaphorePermit>,
        read: impl FnOnce(&mut Lease) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permits = Permits { _one: Some(acquire(&self.permits).await?), _long: long };
        let (_waiting, stop) = stop::pair(self.permits.clone());
        let home = self.clone();
        let work = move || {
            stop.go_on()?;
            read(&mut home.lease(permits, stop)?)
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
    }

    /// One more connection for a long read, if one is free now. It is not told to stop by itself.
    pub fn spare(self: &Arc<Self>) -> Option<Lease> {
        let long = self.long.clone().try_acquire_owned().ok()?;
        let one = self.permits.clone().try_acquire_owned().ok()?;
        let stop = Stop::never(self.permits.clone());
        self.lease(Permits { _one: Some(one), _long: Some(long) }, stop).ok()
    }

    /// A connection beyond the pool, for a thread that keeps it.
    pub fn beyond(self: &Arc<Self>) -> Result<Lease> {
        let stop = Stop::never(self.permits.clone());
        self.lease(Permits { _one: None, _long: None }, stop)
    }

    /// How many more connections could be lent now.
    #[cfg(test)]
    pub fn free(&self) -> usize {
        self.permits.available_permits()
    }

    /// Waits until so many connections could be lent at once.
    #[cfg(test)]
    pub async fn await_free(&self, count: usize) {
        drop(self.permits.acquire_many(u32::try_from(count).unwrap()).await.unwrap());
    }

    fn lease(self: &Arc<Self>, permits: Permits, stop: Stop) -> Result<Lease> {
        let idle = self.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => file::reader(&self.path).map_err(|error: OpenError| Error::internal(error))?,
        };
        Ok(Lease { connection: Some(connection), home: self.clone(), stop, _permits: permits })
    }

    /// Refuses further reads and closes what is idle.
    pub fn close(&self) {
        self.permits.close();
        self.long.close();
        self.idle.lock().clear();
    }
}

/// A place in the pool, or an error once the store is closed.
async fn acquire(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    places.clone().acquire_owned().await.map_err(|_| Error::internal("the store is closed"))
}

/// The places that a lease takes: none beyond the pool.
struct Permits {
    _one: Option<OwnedSemaphorePermit>,
    _long: Option<OwnedSemaphorePermit>,
}

/// A connection on loan.
pub(crate) struct Lease {
    connection: Option<Connection>,
    home: Arc<Readers>,
    stop: Stop,
    _permits: Permits,
}

impl Lease {
    /// The connection.
    pub fn connection(&self) -> Result<&Connection> {
        self.connection.as_ref().ok_or_else(|| Error::internal("a reader without a connection"))
    }

    /// Tells whether the read is still wanted.
    pub fn stop(&self) -> &Stop {
        &self.stop
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
