//! Every limit that can be set, in one place, with its default beside it (design section 8); each can be configured under `limits.`.
//!
//! Does not know who keeps to them.

use serde::{Deserialize, Serialize};

/// Makes the struct and its defaults of one table, so that a limit is one entry.
macro_rules! limits {
    ($($(#[$doc:meta])* pub $name:ident: $kind:ty = $default:expr,)*) => {
        /// Bounds on what one request, row, list or queue may hold. Sizes are bytes, times are seconds.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Limits {
            $($(#[$doc])* pub $name: $kind,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }
    };
}

limits! {
    /// Request body.
    pub max_body_bytes: usize = 100 * 1024 * 1024,
    /// One row, as JSON text.
    pub max_row_bytes: usize = 20 * 1024 * 1024,
    /// Values that the metadata of one row may be made of, names included: it is held as values, which take many times
    /// the memory of their text.
    pub metadata_values: usize = 100_000,
    /// Values that any other JSON body may be made of, names included.
    pub body_values: usize = 500_000,
    /// Memory that request bodies may take together, from their first byte until they are answered: three bytes for
    /// each byte of a body. More are answered 503 with `Retry-After`, before they are read.
    pub body_memory_bytes: usize = 1024 * 1024 * 1024,
    /// How much of that one organization may take.
    pub organization_body_memory_bytes: usize = 960 * 1024 * 1024,
    /// Bodies that one organization may be sending at once.
    pub organization_bodies: usize = 384,
    /// Longest pause in which nothing of a body comes.
    pub body_pause_seconds: u64 = 10,
    /// Items of a bulk call.
    pub bulk_items: usize = 500,
    /// Items of `request-logs/batch/create`.
    pub batch_items: usize = 5_000,
    /// Page size of dataset, row, evaluator and score lists.
    pub max_page_size: u64 = 100,
    /// All rows of a page as they are sent, as JSON text. A single row may have more.
    pub page_bytes: usize = 64 * 1024 * 1024,
    /// Greatest `preview`: characters of a text in a list.
    pub preview_characters: usize = 10_000,
    /// Values inside one member of a row that a preview keeps.
    pub preview_values: usize = 200,
    /// Groups of request logs that can be looked through, page by page.
    pub groups: usize = 100_000,
    /// Memory that a streamed export may take for which rows come in what order, for as long as its client reads: about
    /// a byte a row by time of arrival, up to four in any other order.
    pub stream_selection_bytes: usize = 64 * 1024 * 1024,
    /// Page size of span lists.
    pub max_span_page_size: u64 = 1_000,
    /// Nesting of a filter.
    pub filter_depth: usize = 16,
    /// Conditions of a filter.
    pub filter_conditions: usize = 1_000,
    /// Metadata keys that get a column, per collection; more are filtered from the row itself.
    pub metadata_columns: usize = 1_000,
    /// Memory that parts of column indexes in files may take, with everything else that the process has mapped from
    /// files. More is let go and read again when asked for.
    pub index_memory_bytes: usize = 256 * 1024 * 1024,
    /// Memory that parts of column indexes that were written to may take before they move to files although writing
    /// goes on.
    pub changed_memory_bytes: usize = 128 * 1024 * 1024,
    /// Memory that written rows may take, of each collection, which wait until those are done who look at its column
    /// index; when they take more, writes wait too.
    pub pending_memory_bytes: usize = 32 * 1024 * 1024,
    /// Memory that orders of column indexes may take, which pages by the same sort share: 2 bytes a row and sort.
    pub order_memory_bytes: usize = 64 * 1024 * 1024,
    /// Rows from which a collection gets a text index; the texts of fewer are read for each search.
    pub text_index_rows: u64 = 1_000,
    /// Time for one request.
    pub request_seconds: u64 = 60,
    /// Requests at work at once; more are answered 503 with `Retry-After`.
    pub concurrent_requests: usize = 512,
    /// Connections open at once; more wait until one ends. Must stay below what the system lets the process open, less
    /// the files of the store.
    pub connections: usize = 900,
    /// Time a new connection gets to send its first request's header; an idle one is kept five times as long.
    pub header_seconds: u64 = 15,
    /// Rest of a body that was answered unread, taken off the connection so that it can go on; with more the connection
    /// is closed.
    pub unread_body_bytes: usize = 4 * 1024 * 1024,
    /// Time for that rest, and for a client to end a connection that is closed.
    pub unread_body_seconds: u64 = 5,
    /// Downloads that are streamed while they are made, at once; more are answered 503 with `Retry-After`.
    pub streams: usize = 64,
    /// Longest time in which a client takes nothing of an answer that is being sent.
    pub standstill_seconds: u64 = 60,
    /// Jobs not yet ended, per organization.
    pub open_jobs: usize = 100,
    /// Jobs at work at once.
    pub concurrent_jobs: usize = 2,
    /// Evaluation runs at work at once.
    pub concurrent_runs: usize = 4,
    /// Rows of a run whose results are kept in one step.
    pub run_batch_rows: usize = 1_000,
    /// Rows of a run that fail one after the other because of the provider, after which the run stops and waits to be
    /// continued.
    pub run_faults_in_a_row: u32 = 50,
    /// Child processes that run Python and schemas at once, and so many others that run templates.
    pub sandbox_workers: usize = 2,
    /// Time for one row in such a child.
    pub sandbox_seconds: u64 = 5,
    /// Memory of such a child, beyond what the program itself takes.
    pub sandbox_memory_bytes: usize = 256 * 1024 * 1024,
    /// What Python returns for one row, as JSON text.
    pub sandbox_output_bytes: usize = 1024 * 1024,
    /// Time that a worker holds a job without a sign of life; after it another one takes the job over. Workers renew it
    /// four times as often.
    pub job_lease_seconds: u64 = 30,
    /// Rows per unit of a job.
    pub job_batch_rows: usize = 1_000,
    /// Evaluators of an organization.
    pub evaluators: usize = 2_000,
    /// Versions of one evaluator.
    pub evaluator_versions: u32 = 1_000,
    /// One version of an evaluator, as JSON text.
    pub evaluator_bytes: usize = 512 * 1024,
    /// Days that the file of an export is kept.
    pub export_days: u64 = 7,
    /// Writes waiting for the writer; more wait in their request.
    pub write_queue: usize = 4_096,
    /// Bytes of those writes; more wait in their request. One write may have more.
    pub write_queue_bytes: usize = 256 * 1024 * 1024,
    /// Seconds to let requests and jobs finish at shutdown.
    pub shutdown_seconds: u64 = 9,
    /// Greatest `concurrency` of a provider.
    pub provider_concurrency: u32 = 256,
    /// Greatest `timeout_seconds` of a provider.
    pub provider_timeout_seconds: u32 = 600,
    /// Greatest `attempts` of a provider.
    pub provider_attempts: u32 = 10,
    /// Models with a price in a provider.
    pub provider_prices: usize = 1_000,
    /// Seconds that the annotation queue hands a row out for, when the caller names none.
    pub annotation_lease_seconds: i64 = 900,
    /// Longest time that the annotation queue hands a row out for.
    pub annotation_lease_seconds_max: i64 = 86_400,
    /// People listed in the progress of an annotation.
    pub annotators_listed: usize = 200,
    /// Bootstrap resamples of a comparison.
    pub comparison_resamples: u32 = 10_000,
    /// Rows that changed most, and cells of a table of labels, that a comparison lists.
    pub comparison_listed: usize = 1_000,
    /// Switches on the hosted service's own limits: 30 bulk calls a minute per organization, 20 MB per log (contract
    /// A.8).
    pub parity: bool = false,
}
