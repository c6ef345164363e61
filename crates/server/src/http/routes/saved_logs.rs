//! What `_saved_logs` answers where a dataset is expected (contract B.21). Its rows are served by `dataset_logs`.

use crate::http::auth::Caller;
use crate::http::extract::DatasetRef;
use crate::wire::dataset::DatasetObject;
use evalset_model::dataset::{Dataset, Granularity, Status};
use evalset_model::filter::LogFilter;
use evalset_model::ids::{DatasetId, Place};
use evalset_model::{Error, Result};
use evalset_product::app::App;
use evalset_product::ops::dataset_logs;
use serde_json::Map;
use uuid::Uuid;

/// The object made up for the collection.
pub async fn object(app: &App, caller: &Caller) -> Result<DatasetObject> {
    let rows = dataset_logs::summary(app, caller.actor(), Place::SavedLogs, LogFilter::all()).await?.rows;
    let completed = dataset_logs::summary(app, caller.actor(), Place::SavedLogs, dataset_logs::annotated()).await?.rows;
    let since = caller.organization().created_at;
    let dataset = Dataset {
        id: DatasetId(Uuid::nil()),
        organization: caller.organization().id,
        name: "Saved logs".to_owned(),
        description: String::new(),
        kind: "sampling".to_owned(),
        status: Status::Ready,
        granularity: Granularity::Logs,
        initial_log_filters: Map::new(),
        log_count: rows,
        completed_annotation_count: completed,
        created_at: since,
        updated_at: since,
        starred: false,
        tags: Vec::new(),
        running_status: "pending".to_owned(),
        running_progress: 0,
        running_at: None,
    };
    let mut object = DatasetObject::new(dataset, caller.organization(), Vec::new());
    "_saved_logs".clone_into(&mut object.id);
    Ok(object)
}

/// 400: the collection itself cannot be changed.
pub fn fixed() -> Error {
    Error::invalid("dataset_id", "`_saved_logs` always exists and cannot be changed or deleted; its rows can")
}

/// Where the rows are that a path names.
pub fn place(dataset: DatasetRef) -> Place {
    match dataset {
        DatasetRef::Id(id) => Place::Dataset(id),
        DatasetRef::SavedLogs => Place::SavedLogs,
    }
}

/// The dataset a path names; `_saved_logs` is none (imports, removals and evaluation runs answer 404 for it).
pub fn dataset_only(dataset: DatasetRef) -> Result<DatasetId> {
    match dataset {
        DatasetRef::Id(id) => Ok(id),
        DatasetRef::SavedLogs => Err(Error::not_found()),
    }
}
