//! Rate limits of contract A.8: calls a minute and organization, over a sliding minute. Off unless `limits.parity` is
//! set.

use crate::actor::Actor;
use crate::app::App;
use evalset_model::{Error, Result};
use evalset_store::shared::{Bound, Taken};

const SECOND: i64 = 1_000_000;
/// Bulk calls a minute and organization when `limits.parity` is on.
const PARITY_BULK_CALLS: Bound = Bound { limit: 30, length: 60 * SECOND };

/// Counts one bulk call of the actor's organization: `TooMany` when there were too many in the last minute.
pub async fn bulk_call(app: &App, actor: &Actor) -> Result<()> {
    if !app.limits.parity {
        return Ok(());
    }
    let now = app.clock.now();
    match app.stores.shared.take(&format!("bulk calls of {}", actor.organization()), 1, PARITY_BULK_CALLS, now).await? {
        Taken::Now => Ok(()),
        Taken::NotBefore(at) => Err(Error::TooMany {
            message: format!("more than {} bulk calls a minute (`limits.parity`)", PARITY_BULK_CALLS.limit),
            retry_after: (at.saturating_sub(now).max(0) / SECOND).unsigned_abs() + 1,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Options;

    #[tokio::test]
    async fn the_31st_call_within_a_minute_is_refused_and_the_window_slides() {
        let mut options = Options::new("unused".as_ref(), "unused".into());
        options.limits.parity = true;
        let app = App::new(evalset_store::memory::open(), options);
        let [mine, theirs] =
            [1, 2].map(|id| Actor::local(evalset_model::ids::OrganizationId(uuid::Uuid::from_u128(id))));
        let call = async |second: i64| {
            app.clock.freeze((1_000 + second) * SECOND);
            bulk_call(&app, &mine).await
        };
        for second in 0..30 {
            call(second).await.unwrap();
        }
        let refused = call(59).await;
        assert!(matches!(refused, Err(Error::TooMany { retry_after: 2, .. })), "{refused:?}");
        bulk_call(&app, &theirs).await.unwrap();
        call(60).await.unwrap();
        assert!(call(60).await.is_err());
    }
}
