//! Bodies of score writes, read member by member so that errors can name them (contract F.5). The value fields are read
//! where the evaluator is known.

use crate::http::members;
use evalset_evaluate::convert::NUMBER_MAX;
use evalset_model::scalar::{brief, read_number};
use evalset_model::score::Echoed;
use evalset_model::{Error, Result};
use evalset_product::ops::scores::NewScore;
use serde_json::{Map, Value};

/// A new score (S1, S9).
pub fn new_score(body: Map<String, Value>) -> Result<NewScore> {
    if let Some(timestamp) = members::present(&body, "timestamp") {
        members::time_text("timestamp", timestamp.as_str().unwrap_or_default())?;
    }
    let echoed = |name: &str| members::present(&body, name).cloned();
    let extra = Echoed {
        prompt_id: echoed("prompt_id"),
        prompt_version_number: echoed("prompt_version_number"),
        automation_id: echoed("automation_id"),
        timestamp: echoed("timestamp"),
    };
    Ok(NewScore {
        log_id: members::text(&body, "log_id")?,
        dataset_id: members::text(&body, "dataset_id")?,
        evaluator_id: members::text(&body, "evaluator_id")?,
        evaluator_slug: members::text(&body, "evaluator_slug")?,
        scorer: members::text(&body, "scorer")?.filter(|scorer| !scorer.is_empty()),
        environment: members::text(&body, "environment")?,
        cost: cost(&body)?,
        extra,
        body,
    })
}

/// USD, not below 0.
fn cost(body: &Map<String, Value>) -> Result<f64> {
    let Some(value) = members::present(body, "cost") else { return Ok(0.0) };
    let number = read_number(value).filter(|cost| (0.0..=NUMBER_MAX).contains(cost));
    number.ok_or_else(|| Error::invalid("cost", format!("`cost` must be a number of USD from 0, got {}", brief(value))))
}

#[cfg(test)]
mod tests {
    use super::new_score;
    use crate::http::members::document::{agrees, note, shown};
    use crate::http::schema::{ScoreBody, ScorePatchBody};
    use serde_json::Map;

    #[test]
    fn the_document_shows_what_is_read() {
        agrees::<ScoreBody>(&[], || {
            drop(new_score(Map::new()).unwrap());
            // Values and explanation are read by `ops::scores`, which knows the evaluator.
            for name in shown::<ScorePatchBody>() {
                note(&name);
            }
        });
    }
}
