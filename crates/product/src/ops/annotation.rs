//! Annotation of dataset rows by people: a queue that hands out rows under a lease, completing, releasing, progress
//! (contract G.3, H24). Knows no HTTP. Which row is whose is decided by the row itself, inside
//! [`Logs::update`](evalset_store::Logs::update).

mod choice;

use self::choice::choose;
use crate::actor::Actor;
use crate::app::App;
use crate::ops::dataset_logs::{annotated, ensure};
use evalset_model::field::Field;
use evalset_model::filter::{LogField, LogFilter, Order, Tree, build};
use evalset_model::ids::{Collection, LogId, Place};
use evalset_model::limits::Limits;
use evalset_model::log::{Log, annotation};
use evalset_model::page::{Sort, Window};
use evalset_model::scalar::format_time;
use evalset_model::summary::Group;
use evalset_model::{Error, Result};
use evalset_store::logs::{Change, GroupBound, GroupOrder, Query, Row};
use std::sync::Arc;

/// Times a row is looked for again when somebody else was faster. Each time the choice is spread over more rows.
const ATTEMPTS: u32 = 24;

/// What an annotator asks of the queue.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who asks; see [`annotation::annotator`].
    pub annotator: String,
    /// How long the row is theirs, see [`checked_lease`].
    pub lease_seconds: i64,
    /// Which rows.
    pub filter: LogFilter,
    /// In which order.
    pub sort: Sort,
    /// Pass over the row they hold now, and take another.
    pub skip: bool,
}

/// What the queue answers.
#[derive(Clone, Debug)]
pub struct Handed {
    /// The row, theirs until `lease_until`; none when nothing is left for them.
    pub row: Option<Row>,
    /// End of the lease, microseconds since the epoch.
    pub lease_until: Option<i64>,
    /// Rows that are left to be handed out beside this one.
    pub remaining: u64,
}

/// The length of a lease, within its bounds.
pub fn checked_lease(asked: Option<i64>, limits: &Limits) -> Result<i64> {
    let (usual, most) = (limits.annotation_lease_seconds, limits.annotation_lease_seconds_max);
    match asked.unwrap_or(usual.min(most)) {
        seconds if (1..=most).contains(&seconds) => Ok(seconds),
        seconds => {
            let allowed = format!("must be 1 to {most} (`limits.annotation_lease_seconds_max`), got {seconds}");
            Err(Error::invalid("lease_seconds", format!("`lease_seconds` {allowed}")))
        }
    }
}

/// Hands out the row that the annotator holds already, else the next one that nobody holds. Rows that they passed over
/// come last, and the one they pass over now not at all.
pub async fn next(app: &App, actor: &Actor, place: Place, ask: Ask) -> Result<Handed> {
    ensure(app, actor, place).await?;
    let collection = actor.collection(place);
    // So that a double click does not get two. (Rows are kept apart by the store; this is for the comfort of
    // annotators.)
    let _turn =
        app.stores.shared.turn(&format!("annotation of {} by {}", collection.organization, ask.annotator)).await?;
    let mut left_out = Tree::none();
    if let Some(row) = held(app, collection, &ask.annotator).await? {
        if ask.skip {
            pass_over(app, collection, &row.id, &ask.annotator).await?;
            left_out = build::equals(LogField::Id, row.id.as_str());
        } else if let Some((row, until)) = take(app, collection, &row.id, &ask).await? {
            let filter = ask.filter.clone().and(available(app.clock.now()));
            let remaining = count(app, collection, filter).await?;
            return Ok(Handed { row: Some(row), lease_until: Some(until), remaining });
        }
    }
    for attempt in 0..ATTEMPTS {
        let free = ask.filter.clone().and(available(app.clock.now()));
        let fresh = free.clone().and(build::not(passed_over_by(&ask.annotator)));
        let mut chosen = choose(app, collection, fresh, &ask, attempt).await?;
        if chosen.is_none() {
            let others = free.clone().and(build::not(left_out.clone()));
            chosen = choose(app, collection, others, &ask, attempt).await?;
        }
        let Some(row) = chosen else {
            let remaining = count(app, collection, free).await?;
            return Ok(Handed { row: None, lease_until: None, remaining });
        };
        if let Some((row, until)) = take(app, collection, &row.id, &ask).await? {
            let remaining = count(app, collection, free).await?;
            return Ok(Handed { row: Some(row), lease_until: Some(until), remaining });
        }
    }
    Err(Error::Busy { message: "Too many annotators ask for rows at once.".to_owned(), retry_after: 1 })
}

/// Completes a row for the annotator. Completing it again changes nothing; `Conflict` when somebody else holds or
/// completed it.
pub async fn complete(app: &App, actor: &Actor, place: Place, id: &LogId, annotator: &str) -> Result<Row> {
    ensure(app, actor, place).await?;
    let collection = actor.collection(place);
    let (who, now) = (annotator.to_owned(), app.clock.now());
    let change = move |mut log: Log| {
        if annotation::is_completed(&log) {
            return completed_before(log, &who);
        }
        not_anothers(&log, &who, now)?;
        annotation::complete(&mut log, Some(&who), now);
        Ok(log)
    };
    app.stores.logs.update(collection, id, Arc::new(change)).await
}

/// Gives a row back to the queue. `Conflict` when somebody else holds it or it is completed.
pub async fn release(app: &App, actor: &Actor, place: Place, id: &LogId, annotator: &str) -> Result<Row> {
    ensure(app, actor, place).await?;
    let collection = actor.collection(place);
    let (who, now) = (annotator.to_owned(), app.clock.now());
    let change = move |mut log: Log| {
        if annotation::is_completed(&log) {
            let advice = "PATCH its `annotation_status` to `pending` to open it again";
            return Err(Error::Conflict(format!("The row is completed; {advice}.")));
        }
        not_anothers(&log, &who, now)?;
        annotation::release(&mut log, None);
        Ok(log)
    };
    app.stores.logs.update(collection, id, Arc::new(change)).await
}

/// A person's score completes the annotation of the row (H24). Nothing happens for request logs, which are not
/// annotated, for a row that does not exist, since a score's row need not, and for one that somebody completed already.
pub async fn completed_by_score(app: &App, actor: &Actor, place: Place, id: &LogId, who: &str) -> Result<()> {
    if place == Place::RequestLogs {
        return Ok(());
    }
    let who: String = who.trim().chars().filter(|c| !c.is_control()).take(annotation::ANNOTATOR_CHARS).collect();
    let now = app.clock.now();
    let change = move |mut log: Log| {
        // Who came first stays: a second opinion is a score, not another completion.
        if !annotation::is_completed(&log) || log.text(Field::AnnotationCompletedBy).is_none() {
            annotation::complete(&mut log, Some(who.as_str()).filter(|who| !who.is_empty()), now);
        }
        Ok(log)
    };
    match app.stores.logs.update(actor.collection(place), id, Arc::new(change)).await {
        Ok(_) | Err(Error::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// How far the annotation of rows is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// All rows.
    pub total: u64,
    /// Rows that somebody holds now.
    pub in_progress: u64,
    /// Rows done.
    pub completed: u64,
    /// Who did and does what: most completed first.
    pub annotators: Vec<Person>,
}

/// Progress of one annotator.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Person {
    /// Who; none for rows whose completion names nobody.
    pub annotator: Option<String>,
    /// Rows they completed.
    pub completed: u64,
    /// Rows they hold now.
    pub in_progress: u64,
    /// When they last completed one, microseconds since the epoch.
    pub last_completed_at: Option<i64>,
}

/// Progress over matching rows. At most `limits.annotators_listed` people are listed.
pub async fn progress(app: &App, actor: &Actor, place: Place, filter: LogFilter) -> Result<Progress> {
    ensure(app, actor, place).await?;
    let collection = actor.collection(place);
    let done = filter.clone().and(annotated());
    let held = filter.clone().and(leased(app.clock.now()));
    let mut progress = Progress {
        total: count(app, collection, filter).await?,
        completed: count(app, collection, done.clone()).await?,
        in_progress: count(app, collection, held.clone()).await?,
        annotators: Vec::new(),
    };
    progress.annotators = people(app, collection, done.clone(), held).await?;
    for person in progress.annotators.iter_mut().filter(|person| person.completed > 0) {
        person.last_completed_at = last_completed(app, collection, &done, person.annotator.as_deref()).await?;
    }
    Ok(progress)
}

/// Those who completed most, then those who only hold rows, by their names.
async fn people(app: &App, collection: Collection, done: LogFilter, held: LogFilter) -> Result<Vec<Person>> {
    let (logs, most) = (&app.stores.logs, app.limits.annotators_listed);
    let bound = GroupBound { most, order: GroupOrder::Rows, descending: true };
    let done = logs.groups(collection, done, Field::AnnotationCompletedBy.into(), bound).await?.groups;
    let person = |group: Group| Person { annotator: group.key, completed: group.sums.rows, ..Person::default() };
    let mut people: Vec<Person> = done.into_iter().map(person).collect();
    let names: Vec<&str> = people.iter().filter_map(|person| person.annotator.as_deref()).collect();
    let theirs = held.clone().and(build::any_of(Field::AnnotationAssignee, names));
    for group in logs.groups(collection, theirs, Field::AnnotationAssignee.into(), bound).await?.groups {
        if let Some(person) = people.iter_mut().find(|person| person.annotator == group.key) {
            person.in_progress = group.sums.rows;
        }
    }
    if people.len() < most {
        let by_name = GroupBound { most, order: GroupOrder::Key, descending: false };
        let others = logs.groups(collection, held, Field::AnnotationAssignee.into(), by_name).await?.groups;
        for group in others {
            if people.len() < most && people.iter().all(|person| person.annotator != group.key) {
                let in_progress = group.sums.rows;
                people.push(Person { annotator: group.key, in_progress, ..Person::default() });
            }
        }
    }
    Ok(people)
}

async fn last_completed(app: &App, collection: Collection, done: &LogFilter, who: Option<&str>) -> Result<Option<i64>> {
    let by = who.map_or_else(
        || build::is_null(Field::AnnotationCompletedBy),
        |who| build::equals(Field::AnnotationCompletedBy, who),
    );
    let sort = Sort { field: Field::AnnotationCompletedAt.into(), descending: true };
    let query = Query { filter: done.clone().and(by), sort, window: Window { offset: 0, limit: 1 } };
    let newest = app.stores.logs.page(collection, query).await?.rows.into_iter().next();
    Ok(newest.and_then(|log| log.time(Field::AnnotationCompletedAt)))
}

/// A row that the annotator holds.
async fn held(app: &App, collection: Collection, who: &str) -> Result<Option<Row>> {
    let filter = leased(app.clock.now()).and(build::equals(Field::AnnotationAssignee, who));
    let query = Query { filter, sort: Sort::newest_first(), window: Window { offset: 0, limit: 1 } };
    Ok(app.stores.logs.page(collection, query).await?.rows.into_iter().next())
}

/// Makes the row the annotator's and tells until when; none when somebody else has it or it is gone or done.
async fn take(app: &App, collection: Collection, id: &LogId, ask: &Ask) -> Result<Option<(Row, i64)>> {
    let now = app.clock.now();
    let until = now.saturating_add(ask.lease_seconds.saturating_mul(1_000_000));
    let who = ask.annotator.clone();
    let change: Change = Arc::new(move |mut log: Log| {
        let anothers = annotation::holder(&log, now).is_some_and(|(holder, _)| holder != who);
        if anothers || annotation::is_completed(&log) {
            return Err(Error::Conflict("somebody else was faster".to_owned()));
        }
        annotation::take(&mut log, &who, until);
        Ok(log)
    });
    match app.stores.logs.update(collection, id, change).await {
        Ok(row) => Ok(Some((row, until))),
        Err(Error::Conflict(_) | Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn pass_over(app: &App, collection: Collection, id: &LogId, annotator: &str) -> Result<()> {
    let (who, now) = (annotator.to_owned(), app.clock.now());
    let change = move |mut log: Log| {
        // It may have been completed, or have become another's, since it was looked for.
        if annotation::holder(&log, now).is_some_and(|(holder, _)| holder == who) {
            annotation::release(&mut log, Some(&who));
        }
        Ok(log)
    };
    match app.stores.logs.update(collection, id, Arc::new(change)).await {
        Ok(_) | Err(Error::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

fn completed_before(log: Log, who: &str) -> Result<Log> {
    match log.text(Field::AnnotationCompletedBy) {
        Some(by) if by == who => Ok(log),
        by => {
            let by = by.map_or_else(String::new, |by| format!(" by `{by}`"));
            Err(Error::Conflict(format!("The row is completed{by} already.")))
        }
    }
}

/// `Conflict` when somebody else holds the row.
fn not_anothers(log: &Log, who: &str, now: i64) -> Result<()> {
    match annotation::holder(log, now) {
        Some((holder, until)) if holder != who => {
            Err(Error::Conflict(format!("`{holder}` holds the row until {}.", format_time(until))))
        }
        _ => Ok(()),
    }
}

async fn count(app: &App, collection: Collection, filter: LogFilter) -> Result<u64> {
    let query = Query { filter, sort: Sort::newest_first(), window: Window { offset: 0, limit: 0 } };
    Ok(app.stores.logs.page(collection, query).await?.total)
}

/// Rows that nobody holds and nobody completed.
fn available(now: i64) -> LogFilter {
    build::not(annotated()).and(build::not(leased(now)))
}

/// Rows that somebody holds. A lease is cleared with the status it belongs to.
fn leased(now: i64) -> LogFilter {
    build::time(Field::AnnotationLeaseUntil, Order::Greater, now)
}

/// Rows that the annotator did not want: theirs without a lease.
fn passed_over_by(who: &str) -> LogFilter {
    let theirs: LogFilter = build::equals(Field::AnnotationAssignee, who);
    theirs.and(build::is_null(Field::AnnotationLeaseUntil))
}
