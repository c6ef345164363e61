//! JSON of a comparison. Read back by the command line, which prints it as a table.

use super::run::status;
use evalset_model::comparison::{Agreement, Cell, Comparison, Estimate, Interval, Unpaired};
use evalset_product::ops::comparisons::{Found, Outcome, RowPair, Told, label};
use evalset_store::runs::RowValue;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Two evaluations of the same rows. `b` is better where its value is greater.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ComparisonObject {
    /// `numbers`, or `labels` for texts, choices and JSON.
    pub kind: String,
    /// `unique_id` or `custom_identifier`: what made two rows the same.
    #[serde(rename = "match")]
    pub matching: String,
    /// Share of the bootstrap distribution inside an interval.
    pub confidence: f64,
    /// Times that the values were drawn again.
    pub resamples: u32,
    /// Start of the pseudo-random choices: the same seed gives the same intervals.
    pub seed: u64,
    /// Differences up to this are ties.
    pub epsilon: f64,
    /// Side A.
    pub a: SideObject,
    /// Side B.
    pub b: SideObject,
    /// Rows of which both sides have a value.
    pub pairs: u64,
    /// The mean of B − A over the pairs; null for labels.
    pub difference: Option<EstimateObject>,
    /// Pairs in which B is better; null for labels.
    pub wins: Option<u64>,
    /// Pairs in which A is better; null for labels.
    pub losses: Option<u64>,
    /// The other pairs; null for labels.
    pub ties: Option<u64>,
    /// How the labels agree; null for numbers.
    pub agreement: Option<AgreementObject>,
    /// Rows that only A has.
    pub only_in_a: u64,
    /// Rows that only B has.
    pub only_in_b: u64,
    /// Rows that both have, at least one of them without a value.
    pub without_value: u64,
    /// Rows of A passed over, since a later one has the same key.
    pub repeated_in_a: u64,
    /// Rows of B passed over, since a later one has the same key.
    pub repeated_in_b: u64,
    /// The rows that changed most, greatest change first; of labels, those that differ, by key.
    pub changed: Vec<ChangedObject>,
}

/// One side of a comparison.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SideObject {
    /// Both for people: evaluator and dataset.
    pub label: String,
    /// The run; null for the scores of a dataset.
    pub run: Option<String>,
    /// The run's status; a run that goes on is compared as far as it is.
    pub status: Option<String>,
    /// The dataset.
    pub dataset_id: String,
    /// Its name.
    pub dataset_name: String,
    /// The evaluator; null for a custom slug.
    pub evaluator_id: Option<String>,
    /// Its slug, or the custom one.
    pub evaluator_slug: String,
    /// The version that the run used; null for the scores of a dataset, which may be by several.
    pub evaluator_version: Option<u32>,
    /// Rows with a value; for labels, all rows with a result.
    pub count: u64,
    /// Their mean; null for labels.
    pub mean: Option<f64>,
    /// How sure the mean is; null for labels, and for fewer than two values.
    pub interval: Option<IntervalObject>,
    /// Share of the judged rows that passed, 0 to 1.
    pub pass_rate: Option<f64>,
    /// Rows with a verdict.
    pub judged: u64,
    /// USD that the run spent; null for the scores of a dataset.
    pub cost: Option<f64>,
}

/// A mean and how sure it is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EstimateObject {
    /// Null without pairs.
    pub mean: Option<f64>,
    /// Null for fewer than two pairs.
    pub interval: Option<IntervalObject>,
}

/// A percentile bootstrap interval.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct IntervalObject {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How labels agree.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AgreementObject {
    /// Share of the pairs with the same label, 0 to 1; null without pairs.
    pub share: Option<f64>,
    /// Pairs with the same label.
    pub agreed: u64,
    /// How often which label became which, most often first; at most `limit` cells.
    pub confusion: Vec<CellObject>,
    /// Pairs in cells that are not listed.
    pub left_out: u64,
}

/// A cell of the confusion table. Several choices of one row are one label, a JSON array as text.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CellObject {
    /// Label in A.
    pub a: String,
    /// Label in B.
    pub b: String,
    /// Pairs.
    pub count: u64,
}

/// A row that changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangedObject {
    /// The `unique_id` or `custom_identifier` that both share.
    pub key: String,
    /// The row in A.
    pub a: ChangedSideObject,
    /// The row in B.
    pub b: ChangedSideObject,
    /// B − A; null for labels.
    pub change: Option<f64>,
}

/// One side of a row that changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangedSideObject {
    /// The row.
    pub unique_id: String,
    /// Its `custom_identifier`.
    pub custom_identifier: Option<String>,
    /// Number (true and false as 1 and 0), or label.
    #[schema(value_type = Object)]
    pub value: Value,
    /// Whether it passed.
    pub is_passed: Option<bool>,
}

impl From<Told> for ComparisonObject {
    fn from(told: Told) -> Self {
        let Told { a, b, matching, options, paired } = told;
        let blank = Self {
            kind: "labels".to_owned(),
            matching: matching.name().to_owned(),
            confidence: options.confidence,
            resamples: options.resamples,
            seed: options.seed,
            epsilon: options.epsilon,
            a: a.into(),
            b: b.into(),
            pairs: 0,
            difference: None,
            wins: None,
            losses: None,
            ties: None,
            agreement: None,
            only_in_a: 0,
            only_in_b: 0,
            without_value: 0,
            repeated_in_a: 0,
            repeated_in_b: 0,
            changed: paired.changed.into_iter().map(ChangedObject::from).collect(),
        };
        match paired.outcome {
            Outcome::Numbers(numbers) => blank.with_numbers(&numbers),
            Outcome::Labels(labels) => blank.with_labels(labels),
        }
    }
}

impl ComparisonObject {
    fn with_numbers(mut self, numbers: &Comparison<String>) -> Self {
        "numbers".clone_into(&mut self.kind);
        for (side, summary) in [(&mut self.a, &numbers.a), (&mut self.b, &numbers.b)] {
            side.count = summary.count;
            side.mean = summary.mean.value;
            side.interval = summary.mean.interval.map(IntervalObject::from);
        }
        self.pairs = numbers.pairs;
        self.difference = Some(numbers.difference.into());
        (self.wins, self.losses, self.ties) = (Some(numbers.wins), Some(numbers.losses), Some(numbers.ties));
        self.with_unpaired(numbers.unpaired)
    }

    fn with_labels(mut self, labels: Agreement<String>) -> Self {
        let share = labels.rate();
        let Agreement { pairs, agreed, table, left_out, unpaired } = labels;
        self.pairs = pairs;
        self.a.count = pairs + unpaired.only_in_a + unpaired.without_value;
        self.b.count = pairs + unpaired.only_in_b + unpaired.without_value;
        let cell = |Cell { a, b, count }| CellObject { a, b, count };
        self.agreement =
            Some(AgreementObject { share, agreed, confusion: table.into_iter().map(cell).collect(), left_out });
        self.with_unpaired(unpaired)
    }

    fn with_unpaired(mut self, unpaired: Unpaired) -> Self {
        self.only_in_a = unpaired.only_in_a;
        self.only_in_b = unpaired.only_in_b;
        self.without_value = unpaired.without_value;
        self.repeated_in_a = unpaired.repeated_in_a;
        self.repeated_in_b = unpaired.repeated_in_b;
        self
    }
}

impl From<Found> for SideObject {
    fn from(found: Found) -> Self {
        let Found { dataset, run, evaluator, name, passed } = found;
        let slug = evaluator.as_ref().map_or(name, |evaluator| evaluator.slug.clone());
        let version = evaluator.as_ref().filter(|_| run.is_some()).map(|evaluator| evaluator.version);
        let shown = version.map_or_else(|| slug.clone(), |version| format!("{slug}:{version}"));
        Self {
            label: format!("{shown} on {}", dataset.name),
            run: run.as_ref().map(|job| job.id.to_string()),
            status: run.as_ref().map(|job| status(job.state).to_owned()),
            dataset_id: dataset.id.to_string(),
            dataset_name: dataset.name,
            evaluator_id: evaluator.map(|evaluator| evaluator.id.to_string()),
            evaluator_slug: slug,
            evaluator_version: version,
            count: 0,
            mean: None,
            interval: None,
            pass_rate: passed.rate(),
            judged: passed.judged,
            cost: run.map(|job| job.progress.cost),
        }
    }
}

impl From<Estimate> for EstimateObject {
    fn from(estimate: Estimate) -> Self {
        Self { mean: estimate.value, interval: estimate.interval.map(IntervalObject::from) }
    }
}

impl From<Interval> for IntervalObject {
    fn from(Interval { low, high }: Interval) -> Self {
        Self { low, high }
    }
}

impl From<RowPair> for ChangedObject {
    fn from(RowPair { key, a, b, change }: RowPair) -> Self {
        Self { key, a: a.into(), b: b.into(), change }
    }
}

impl From<RowValue> for ChangedSideObject {
    fn from(row: RowValue) -> Self {
        let value = row.values.number().map(Value::from).or_else(|| label(&row.values).map(Value::from));
        Self {
            unique_id: row.log_id.0,
            custom_identifier: row.custom_identifier,
            value: value.unwrap_or_default(),
            is_passed: row.is_passed,
        }
    }
}
