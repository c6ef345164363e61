//! Paging, order, filters and forms of lists, whatever they list. Knows nothing of how they are read.

use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Paging and order of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParameters {
    /// Page, from 1.
    #[param(minimum = 1)]
    page: Option<u64>,
    /// Rows a page; larger values are clamped to the maximum.
    page_size: Option<u64>,
    /// Field to order by, `-` before it for falling order. Nulls come last either way.
    sort_by: Option<String>,
    /// `true` fills `filters_data` with the fields and operators a filter may use.
    fetch_filters: Option<bool>,
}

/// Reading a list of rows from place to place.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CursorParameters {
    /// In place of `page`: empty for the first page, then `next_cursor` of the page before. Costs the same at any
    /// depth, and no row is missed or repeated when others come and go. With other filters or another order than it was
    /// made with it is refused.
    cursor: Option<String>,
}

/// Paging of a list with a fixed order.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PagingParameters {
    /// Page, from 1.
    #[param(minimum = 1)]
    page: Option<u64>,
    /// Rows a page; larger values are clamped to the maximum.
    page_size: Option<u64>,
}

/// Form and order of a download.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DownloadParameters {
    /// `.csv` (default) or `.jsonl`.
    export_format: Option<String>,
    /// Field to order by, `-` before it for falling order. Nulls come last either way.
    sort_by: Option<String>,
    /// Comma-separated fields to write; all when absent.
    include_fields: Option<String>,
}

/// What of each row to send.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RowParameters {
    /// Comma-separated fields; rows then hold these and `id`, `unique_id`. All fields when absent.
    include_fields: Option<String>,
    /// Most characters of a text: longer ones are cut, and of large structures only the beginning is sent. Each row
    /// then says in `truncated_fields` what was cut: `[{"field", "bytes"}]`, with the size of the whole as JSON text. A
    /// single row is always whole.
    #[param(minimum = 1)]
    preview: Option<u64>,
}

/// A filter by field: `{"model": {"operator": "eq", "value": "gpt-4o"}}`. Conditions, arrays of them and bundles
/// (`{"connector": "OR", "filter_params": {…}}`) nest; unknown names are metadata keys. See `docs/filters.md`.
#[derive(ToSchema)]
#[schema(example = json!({"filters": {"metadata__tier": {"operator": "in", "value": ["gold", "pro"]}, "latency": {"operator": "gt", "value": 2}}}))]
pub struct FilterBody {
    /// Conditions by field, or an array of `{field, operator, value}`.
    filters: Option<Value>,
    /// `AND` (default) or `OR`: joins all entries.
    operator: Option<String>,
}

/// Several items, each handled on its own.
#[derive(ToSchema)]
#[schema(example = json!({"logs": [{"input": "Where is my refund?", "output": "On its way.", "metadata": {"tier": "gold"}}]}))]
pub struct BulkBody {
    /// The items.
    #[schema(value_type = Vec<Object>)]
    logs: Vec<Value>,
}
