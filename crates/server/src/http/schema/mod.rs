//! Shapes of requests, for the OpenAPI document only: bodies are read member by member, so that errors can name them.
#![expect(dead_code, reason = "the fields are read by the derive macros that document them, never by code")]

mod datasets;
mod evaluators;
mod lists;
mod request_logs;
mod scores;

pub use datasets::{DatasetPatchBody, ImportBody, NewDatasetBody, RemoveBody, RowListBody, RowPatchBody};
pub use evaluators::{ContinueBody, EvaluatorBody, EvaluatorParameters, EvaluatorRunBody, ProviderBody, RunBody};
pub use lists::{
    BulkBody, CursorParameters, DownloadParameters, FilterBody, PageParameters, PagingParameters, RowParameters,
};
pub use request_logs::{GroupParameters, SpanParameters, SpanPatchBody};
pub use scores::{AnnotatedRowBody, CompareBody, CompareSide, NextRowBody, ScoreBody, ScorePatchBody};
