//! Every limit, in one place. Defaults are those of design section 8; each can be configured under `limits.`.

use serde::{Deserialize, Serialize};

/// Bounds on what one request, row, list or queue may hold. Sizes are bytes, times are seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Request body.
    pub max_body_bytes: usize,
    /// One row, as JSON text.
    pub max_row_bytes: usize,
    /// Values that the metadata of one row may be made of, names included: it is held as values, which take many times
    /// the memory of their text.
    pub metadata_values: usize,
    /// Values that any other JSON body may be made of, names included.
    pub body_values: usize,
    /// Memory that request bodies may take together, from their first byte until they are answered: three bytes for
    /// each byte of a body. More are answered 503 with `Retry-After`, before they are read.
    pub body_memory_bytes: usize,
    /// How much of that one organization may take.
    pub organization_body_memory_bytes: usize,
    /// Bodies that one organization may be sending at once.
    pub organization_bodies: usize,
    /// Longest pause in which nothing of a body comes.
    pub body_pause_seconds: u64,
    /// Items of a bulk call.
    pub bulk_items: usize,
    /// Items of `request-logs/batch/create`.
    pub batch_items: usize,
    /// Page size of dataset, row, evaluator and score lists.
    pub max_page_size: u64,
    /// All rows of a page as they are sent, as JSON text. A single row may have more.
    pub page_bytes: usize,
    /// Greatest `preview`: characters of a text in a list.
    pub preview_characters: usize,
    /// Values inside one member of a row that a preview keeps.
    pub preview_values: usize,
    /// Groups of request logs that can be looked through, page by page.
    pub groups: usize,
    /// Memory that a streamed export may take for which rows come in what order, for as long as its client reads: about
    /// a byte a row by time of arrival, up to four in any other order.
    pub stream_selection_bytes: usize,
    /// Page size of span lists.
    pub max_span_page_size: u64,
    /// Nesting of a filter.
    pub filter_depth: usize,
    /// Conditions of a filter.
    pub filter_conditions: usize,
    /// Metadata keys that get a column, per collection; more are filtered from the row itself.
    pub metadata_columns: usize,
    /// Memory that parts of column indexes in files may take, with everything else that the process has mapped from
    /// files. More is let go and read again when asked for.
    pub index_memory_bytes: usize,
    /// Memory that parts of column indexes that were written to may take before they move to files although writing
    /// goes on.
    pub changed_memory_bytes: usize,
    /// Memory that written rows may take, of each collection, which wait until those are done who look at its column
    /// index; when they take more, writes wait too.
    pub pending_memory_bytes: usize,
    /// Memory that orders of column indexes may take, which pages by the same sort share: 2 bytes a row and sort.
    pub order_memory_bytes: usize,
    /// Rows from which a collection gets a text index; the texts of fewer are read for each search.
    pub text_index_rows: u64,
    /// Time for one request.
    pub request_seconds: u64,
    /// Requests at work at once; more are answered 503 with `Retry-After`.
    pub concurrent_requests: usize,
    /// Connections open at once; more wait until one ends. Must stay below what the system lets the process open, less
    /// the files of the store.
    pub connections: usize,
    /// Time a new connection gets to send its first request's header; an idle one is kept five times as long.
    pub header_seconds: u64,
    /// Rest of a body that was answered unread, taken off the connection so that it can go on; with more the connection
    /// is closed.
    pub unread_body_bytes: usize,
    /// Time for that rest, and for a client to end a connection that is closed.
    pub unread_body_seconds: u64,
    /// Downloads that are streamed while they are made, at once; more are answered 503 with `Retry-After`.
    pub streams: usize,
    /// Longest time in which a client takes nothing of an answer that is being sent.
    pub standstill_seconds: u64,
    /// Jobs not yet ended, per organization.
    pub open_jobs: usize,
    /// Jobs at work at once.
    pub concurrent_jobs: usize,
    /// Evaluation runs at work at once.
    pub concurrent_runs: usize,
    /// Rows of a run whose results are kept in one step.
    pub run_batch_rows: usize,
    /// Rows of a run that fail one after the other because of the provider, after which the run stops and waits to be
    /// continued.
    pub run_faults_in_a_row: u32,
    /// Child processes that run Python and schemas at once, and so many others that run templates.
    pub sandbox_workers: usize,
    /// Time for one row in such a child.
    pub sandbox_seconds: u64,
    /// Memory of such a child, beyond what the program itself takes.
    pub sandbox_memory_bytes: usize,
    /// What Python returns for one row, as JSON text.
    pub sandbox_output_bytes: usize,
    /// Time that a worker holds a job without a sign of life; after it another one takes the job over. Workers renew it
    /// four times as often.
    pub job_lease_seconds: u64,
    /// Rows per unit of a job.
    pub job_batch_rows: usize,
    /// Evaluators of an organization.
    pub evaluators: usize,
    /// Versions of one evaluator.
    pub evaluator_versions: u32,
    /// One version of an evaluator, as JSON text.
    pub evaluator_bytes: usize,
    /// Days that the file of an export is kept.
    pub export_days: u64,
    /// Writes waiting for the writer; more wait in their request.
    pub write_queue: usize,
    /// Bytes of those writes; more wait in their request. One write may have more.
    pub write_queue_bytes: usize,
    /// Seconds to let requests and jobs finish at shutdown.
    pub shutdown_seconds: u64,
    /// Greatest `concurrency` of a provider.
    pub provider_concurrency: u32,
    /// Greatest `timeout_seconds` of a provider.
    pub provider_timeout_seconds: u32,
    /// Greatest `attempts` of a provider.
    pub provider_attempts: u32,
    /// Models with a price in a provider.
    pub provider_prices: usize,
    /// Seconds that the annotation queue hands a row out for, when the caller names none.
    pub annotation_lease_seconds: i64,
    /// Longest time that the annotation queue hands a row out for.
    pub annotation_lease_seconds_max: i64,
    /// People listed in the progress of an annotation.
    pub annotators_listed: usize,
    /// Bootstrap resamples of a comparison.
    pub comparison_resamples: u32,
    /// Rows that changed most, and cells of a table of labels, that a comparison lists.
    pub comparison_listed: usize,
    /// Switches on the hosted service's own limits: 30 bulk calls a minute per organization, 20 MB per log (contract
    /// A.8).
    pub parity: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 100 * 1024 * 1024,
            max_row_bytes: 20 * 1024 * 1024,
            metadata_values: 100_000,
            body_values: 500_000,
            body_memory_bytes: 1024 * 1024 * 1024,
            organization_body_memory_bytes: 960 * 1024 * 1024,
            organization_bodies: 384,
            body_pause_seconds: 10,
            bulk_items: 500,
            batch_items: 5_000,
            max_page_size: 100,
            page_bytes: 64 * 1024 * 1024,
            preview_characters: 10_000,
            preview_values: 200,
            groups: 100_000,
            stream_selection_bytes: 64 * 1024 * 1024,
            max_span_page_size: 1_000,
            filter_depth: 16,
            filter_conditions: 1_000,
            index_memory_bytes: 256 * 1024 * 1024,
            changed_memory_bytes: 128 * 1024 * 1024,
            pending_memory_bytes: 32 * 1024 * 1024,
            order_memory_bytes: 64 * 1024 * 1024,
            metadata_columns: 1_000,
            text_index_rows: 1_000,
            request_seconds: 60,
            concurrent_requests: 512,
            connections: 900,
            header_seconds: 15,
            unread_body_bytes: 4 * 1024 * 1024,
            unread_body_seconds: 5,
            streams: 64,
            standstill_seconds: 60,
            open_jobs: 100,
            concurrent_jobs: 2,
            concurrent_runs: 4,
            run_batch_rows: 1_000,
            run_faults_in_a_row: 50,
            sandbox_workers: 2,
            sandbox_seconds: 5,
            sandbox_memory_bytes: 256 * 1024 * 1024,
            sandbox_output_bytes: 1024 * 1024,
            job_lease_seconds: 30,
            job_batch_rows: 1_000,
            evaluators: 2_000,
            evaluator_versions: 1_000,
            evaluator_bytes: 512 * 1024,
            export_days: 7,
            write_queue: 4_096,
            write_queue_bytes: 256 * 1024 * 1024,
            shutdown_seconds: 9,
            provider_concurrency: 256,
            provider_timeout_seconds: 600,
            provider_attempts: 10,
            provider_prices: 1_000,
            annotation_lease_seconds: 900,
            annotation_lease_seconds_max: 86_400,
            annotators_listed: 200,
            comparison_resamples: 10_000,
            comparison_listed: 1_000,
            parity: false,
        }
    }
}
