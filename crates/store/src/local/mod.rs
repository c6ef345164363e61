//! What nodes share where there is one process: in memory, and a folder for files. Knows nothing of the data.

mod files;
mod folder;
mod signals;

pub use files::FilesInMemory;
pub use folder::Folder;
pub use signals::Signals;

use crate::Nodes;
use async_trait::async_trait;
use evalset_model::Result;
use evalset_model::ids::{Collection, NodeId};

/// The only node there is.
#[derive(Debug)]
pub struct Alone {
    me: NodeId,
}

impl Default for Alone {
    fn default() -> Self {
        Self { me: NodeId("local".to_owned()) }
    }
}

#[async_trait]
impl Nodes for Alone {
    fn me(&self) -> &NodeId {
        &self.me
    }

    async fn beat(&self, _at: i64, _lease: i64) -> Result<()> {
        Ok(())
    }

    async fn live(&self, _at: i64) -> Result<Vec<NodeId>> {
        Ok(vec![self.me.clone()])
    }

    async fn home(&self, _of: Collection, _at: i64) -> Result<NodeId> {
        Ok(self.me.clone())
    }
}
