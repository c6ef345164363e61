//! The data folder opened by a command itself, without a server. Knows no command.

use super::remote::NEW_DATASET;
use crate::config::Config;
use crate::open;
use anyhow::bail;
use evalset_embedded::OpenError;
use evalset_model::ids::{Collection, DatasetId, Place};
use evalset_model::key::Organization;
use evalset_product::actor::Actor;
use evalset_product::app::App;
use evalset_product::ops::datasets;

/// Opens the data folder, made when it is not there; only one process can.
pub async fn open(config: &Config) -> anyhow::Result<App> {
    match open::app(config).await {
        Err(error) if matches!(error.downcast_ref(), Some(OpenError::Locked { .. })) => bail!(
            "{} is in use by a running server; go through it with --url http://HOST:PORT --api-key KEY, or stop it first",
            config.data.display()
        ),
        opened => opened,
    }
}

/// The organization of this name; the only one there is when no name is given.
pub async fn organization(app: &App, name: Option<&str>) -> anyhow::Result<Organization> {
    let mut all = app.stores.keys.organizations().await?;
    let names = all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ");
    match name {
        Some(name) => match all.into_iter().find(|one| one.name == name) {
            Some(found) => Ok(found),
            None => bail!("there is no organization `{name}`; there are: {names}"),
        },
        None if all.len() == 1 => Ok(all.remove(0)),
        None if all.is_empty() => {
            bail!(
                "the data folder has no organization yet; `evalset key create` or the first `evalset serve` makes one"
            )
        }
        None => bail!("there are several organizations: choose one with --organization: {names}"),
    }
}

/// The rows of the dataset of this id or name; `_saved_logs` is the collection of that name.
pub async fn rows(app: &App, organization: &Organization, dataset: &str) -> anyhow::Result<Collection> {
    let of = |place| Collection { organization: organization.id, place };
    if dataset == "_saved_logs" {
        return Ok(of(Place::SavedLogs));
    }
    if let Ok(id) = dataset.parse::<DatasetId>() {
        return match datasets::get(app, &Actor::local(organization.id), id).await {
            Ok(found) => Ok(of(Place::Dataset(found.id))),
            Err(_) => bail!("there is no dataset with the id {id} in the organization `{}`", organization.name),
        };
    }
    let mut named = app.stores.datasets.list(organization.id).await?;
    named.retain(|one| one.name == dataset);
    match named.as_slice() {
        [one] => Ok(of(Place::Dataset(one.id))),
        [] => bail!(
            "there is no dataset called `{dataset}` in the organization `{}`; create it first: {NEW_DATASET}",
            organization.name
        ),
        several => {
            let ids = several.iter().map(|one| one.id.to_string()).collect::<Vec<_>>().join(", ");
            bail!("several datasets are called `{dataset}`: name one by id: {ids}")
        }
    }
}

/// Finishes and releases the data folder.
pub async fn close(app: &App) {
    app.stores.health.close().await;
}
