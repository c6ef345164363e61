//! The processes that serve one installation together. Knows nothing of what they serve.

use async_trait::async_trait;
use evalset_model::Result;
use evalset_model::ids::{Collection, NodeId};

/// The nodes of an installation.
///
/// Any node can answer anything; who is home of a collection only saves the others from building its index as well.
#[async_trait]
pub trait Nodes: Send + Sync {
    /// This process.
    fn me(&self) -> &NodeId;

    /// A sign of life of this node at the time `at`, for as long as `lease` (both microseconds).
    async fn beat(&self, at: i64, lease: i64) -> Result<()>;

    /// Nodes that gave a sign of life and have not outlived it at `at`, this one among them, in the order of their
    /// names.
    async fn live(&self, at: i64) -> Result<Vec<NodeId>>;

    /// The node that should answer reads of a collection. The same on every node that knows the same ones.
    async fn home(&self, of: Collection, at: i64) -> Result<NodeId>;
}
