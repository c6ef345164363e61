//! Whether the file can be read and written, its sizes, and its orderly end.

use crate::Engine;
use crate::file;
use crate::file::error::Sql;
use async_trait::async_trait;
use evalset_model::{Error, Result};
use evalset_store::{Health, Parts};
use std::path::Path;

#[async_trait]
impl Health for Engine {
    async fn readable(&self) -> Result<()> {
        self.readers.run(|lease| lease.begin()?.query_row("SELECT count(*) FROM meta", [], |_| Ok(())).sql()).await
    }

    async fn writable(&self) -> Parts {
        let rows = self
            .writer
            .run(64, |tx| {
                let probe = "UPDATE meta SET value = value + 1 WHERE key = 'probe'";
                match tx.connection.prepare_cached(probe).sql()?.execute([]).sql()? {
                    1 => Ok(()),
                    _ => Err(Error::internal("the table `meta` lost its probe")),
                }
            })
            .await;
        Parts { rows, logs: None }
    }

    fn gauges(&self) -> Vec<(&'static str, f64)> {
        let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |data| data.len()) as f64;
        let (open, rows, columns) = self.answers.indexes().size();
        let (texts, text_rows, text_bytes) = self.answers.texts().size();
        vec![
            ("evalset_store_file_bytes", bytes(&self.path)),
            ("evalset_store_log_bytes", bytes(&file::log_path(&self.path))),
            ("evalset_store_index_open", open as f64),
            ("evalset_store_index_rows", rows as f64),
            ("evalset_store_index_bytes", columns as f64),
            ("evalset_store_index_order_bytes", self.answers.indexes().orders_bytes() as f64),
            ("evalset_store_text_index_open", texts as f64),
            ("evalset_store_text_index_rows", text_rows as f64),
            ("evalset_store_text_index_bytes", text_bytes as f64),
            ("evalset_store_unreadable_rows", self.damage.rows() as f64),
            ("evalset_store_write_queue", self.writer.waiting() as f64),
        ]
    }

    async fn close(&self) {
        let Ok(engine) = self.handle() else { return };
        let closed = tokio::task::spawn_blocking(move || engine.shut()).await;
        if let Err(error) = closed {
            tracing::error!(%error, "the store did not close in order");
        }
    }
}
