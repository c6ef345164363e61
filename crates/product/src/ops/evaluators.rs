//! Evaluators: create, find, list, change, commit, delete (contract F.1). Knows no HTTP, nor how an evaluator runs.
//!
//! Only the draft, the last version, may be changed. A change is made on what was read, checked, and written if the
//! draft is still the same; otherwise it is made once more on what is there then.

mod check;
mod reference;

pub use check::check;
pub use reference::{Target, find, names_a_version, resolve, resolve_or_make};

use crate::actor::Actor;
use crate::app::App;
use crate::ops::datasets::checked_name;
use evalset_model::dataset::Tag;
use evalset_model::evaluator::{Definition, Evaluator};
use evalset_model::filter::check::NamedField;
use evalset_model::filter::{Tree, listed};
use evalset_model::ids::{EvaluatorId, VersionId};
use evalset_model::page::{Page, Window};
use evalset_model::{Error, Result};
use uuid::Uuid;

/// How often a change is made anew because the draft changed meanwhile.
const ATTEMPTS: usize = 16;
/// Bound on slugs, characters.
const MAX_SLUG_CHARS: usize = 255;
/// Routes beside the evaluators.
const ROUTES: &[&str] = &["list", "summary", "builtins"];
/// Slugs made from a name end here, so that a number fits behind.
const SLUG_FROM_NAME_CHARS: usize = 80;
/// Numbers tried behind a slug made from a name before the evaluator's id is.
const SLUG_NUMBERS: std::ops::RangeInclusive<u32> = 2..=9;

/// What a caller wants created (contract F.1, V1).
#[derive(Clone, Debug, Default)]
pub struct NewEvaluator {
    /// Made from the name when absent.
    pub slug: Option<String>,
    /// Name and settings.
    pub definition: Definition,
    /// Starred.
    pub starred: bool,
    /// Tags.
    pub tags: Vec<Tag>,
}

/// Makes a new definition from the one there is.
pub type Redefine<'a> = &'a (dyn Fn(&Definition) -> Result<Definition> + Send + Sync);

/// A change of a draft. It may be made several times, each time on what is there then.
pub struct Change<'a> {
    /// The slug the caller believes in: it never changes, so another one is refused.
    pub slug: Option<String>,
    /// The new definition.
    pub definition: Redefine<'a>,
    /// New star; `None` keeps.
    pub starred: Option<bool>,
    /// New tags; `None` keeps.
    pub tags: Option<Vec<Tag>>,
}

impl Change<'_> {
    /// `draft` as it shall be, checked.
    async fn made_on(&self, app: &App, draft: &Evaluator) -> Result<Evaluator> {
        if let Some(slug) = self.slug.as_ref().filter(|slug| **slug != draft.slug) {
            let message = format!("`evaluator_slug` is fixed: it is `{}` and cannot become `{slug}`", draft.slug);
            return Err(Error::invalid("evaluator_slug", message));
        }
        let mut definition = (self.definition)(&draft.definition)?;
        definition.name = checked_name(definition.name)?;
        check(app, &definition).await?;
        Ok(Evaluator {
            definition,
            starred: self.starred.unwrap_or(draft.starred),
            tags: self.tags.clone().unwrap_or_else(|| draft.tags.clone()),
            // Of two changes in one microsecond the second must be told from the first.
            updated_at: app.clock.now().max(draft.updated_at + 1),
            ..draft.clone()
        })
    }
}

/// Creates an evaluator: version 0, a draft.
pub async fn create(app: &App, actor: &Actor, new: NewEvaluator) -> Result<Evaluator> {
    let mut definition = new.definition;
    definition.name = checked_name(definition.name)?;
    check(app, &definition).await?;
    let most = app.limits.evaluators;
    if app.stores.evaluators.count(actor.organization()).await? >= most as u64 {
        let message = format!("there are {most} evaluators (`limits.evaluators`); delete some first");
        return Err(Error::Invalid { field: None, message });
    }
    let (id, now) = (EvaluatorId(app.clock.new_id()), app.clock.now());
    let mut evaluator = Evaluator {
        id,
        version_id: VersionId(app.clock.new_id()),
        organization: actor.organization(),
        slug: String::new(),
        version: 0,
        is_read_only: false,
        version_description: None,
        definition,
        starred: new.starred,
        tags: new.tags,
        created_at: now,
        updated_at: now,
        version_count: 1,
    };
    let slugs = match new.slug {
        Some(slug) => vec![checked_slug(slug)?],
        None => slugs_for(&evaluator.definition.name, id),
    };
    for slug in slugs {
        evaluator.slug = slug;
        if app.stores.evaluators.create(evaluator.clone()).await? {
            return Ok(evaluator);
        }
    }
    let message = format!("there is an evaluator with the `evaluator_slug` `{}` already", evaluator.slug);
    Err(Error::invalid("evaluator_slug", message))
}

/// A slug as given. It must not be taken for an id, with or without a version behind it.
fn checked_slug(slug: String) -> Result<String> {
    let wrong = |what: &str| Err(Error::invalid("evaluator_slug", format!("`evaluator_slug` must not {what}")));
    if slug.is_empty() || slug.trim() != slug {
        return wrong("be empty, nor begin or end with a space");
    }
    if slug.chars().count() > MAX_SLUG_CHARS {
        return wrong(&format!("be longer than {MAX_SLUG_CHARS} characters"));
    }
    if slug.contains(':') || slug.contains(char::is_control) {
        return wrong("hold `:`, which stands before a version number, or control characters");
    }
    if Uuid::parse_str(&slug).is_ok() {
        return wrong("look like an id (a UUID)");
    }
    if slug.contains(['/', '?', '#', '%']) || [".", ".."].contains(&slug.as_str()) {
        return wrong("hold `/`, `?`, `#` or `%`, nor be `.` or `..`: it stands in addresses");
    }
    if ROUTES.contains(&slug.as_str()) {
        return wrong(&format!("be one of {}, which are addresses of their own", ROUTES.join(", ")));
    }
    Ok(slug)
}

/// Slugs to try for an evaluator of this name, best first: `response_quality`, `response_quality_2`, …
fn slugs_for(name: &str, id: EvaluatorId) -> Vec<String> {
    let words = name.to_lowercase();
    let words = words.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let slug: String = words.collect::<Vec<_>>().join("_").chars().take(SLUG_FROM_NAME_CHARS).collect();
    let slug = match slug.trim_end_matches('_') {
        "" => "evaluator",
        slug => slug,
    };
    let bare = checked_slug(slug.to_owned()).ok();
    let numbered = SLUG_NUMBERS.map(|number| format!("{slug}_{number}"));
    bare.into_iter().chain(numbered).chain([format!("{slug}_{}", id.0.simple())]).collect()
}

/// Changes a draft; `ReadOnly` when the target is a committed version.
pub async fn update(app: &App, actor: &Actor, target: Target<'_>, change: Change<'_>) -> Result<Evaluator> {
    for _ in 0..ATTEMPTS {
        let draft = target.find(app, actor).await?;
        if draft.is_read_only {
            let message = format!(
                "Version {} is committed and read-only; change the draft, which is version {}.",
                draft.version,
                draft.version_count - 1
            );
            return Err(Error::ReadOnly(message));
        }
        let changed = change.made_on(app, &draft).await?;
        if app.stores.evaluators.update(changed.clone(), draft.updated_at).await? {
            return Ok(changed);
        }
    }
    Err(contended())
}

/// Commits the draft of an evaluator under `description` and returns the next draft, to which `change` is made.
pub async fn commit(
    app: &App,
    actor: &Actor,
    reference: &str,
    description: Option<String>,
    change: Change<'_>,
) -> Result<Evaluator> {
    let (id, most) = (resolve(app, actor, reference).await?.id, app.limits.evaluator_versions);
    for _ in 0..ATTEMPTS {
        let draft = app.stores.evaluators.get(actor.organization(), id).await?.ok_or_else(Error::not_found)?;
        if draft.version_count >= most {
            let message =
                format!("the evaluator has {most} versions (`limits.evaluator_versions`); go on with a new one");
            return Err(Error::Invalid { field: None, message });
        }
        let changed = change.made_on(app, &draft).await?;
        let next = Evaluator {
            version_id: VersionId(app.clock.new_id()),
            version: draft.version + 1,
            version_count: draft.version_count + 1,
            created_at: changed.updated_at,
            ..changed
        };
        let description = description.clone();
        if app.stores.evaluators.commit(draft.version_id, draft.updated_at, description, next.clone()).await? {
            return Ok(next);
        }
    }
    Err(contended())
}

fn contended() -> Error {
    Error::Busy { message: "The evaluator is being changed by others all the time.".to_owned(), retry_after: 1 }
}

/// Deletes an evaluator with all its versions; its scores stay. A reference to one version is refused, since nobody who
/// writes `id:2` means the others too.
pub async fn delete(app: &App, actor: &Actor, reference: &str) -> Result<()> {
    let found = resolve(app, actor, reference).await?;
    if reference::names_a_version(reference, &found) {
        let message =
            format!("a version cannot be deleted alone; `{}` deletes the evaluator with all of them", found.id);
        return Err(Error::invalid("evaluator_id", message));
    }
    let known = app.stores.evaluators.delete(actor.organization(), found.id).await?;
    if known { Ok(()) } else { Err(Error::not_found()) }
}

/// A page of evaluators, each in its last version, and how many match.
pub async fn list(
    app: &App,
    actor: &Actor,
    filter: &Tree<NamedField>,
    sort: (NamedField, bool),
    window: Window,
) -> Result<Page<Evaluator>> {
    Ok(listed::page(app.stores.evaluators.list(actor.organization()).await?, filter, sort, window))
}

/// How many evaluators match.
pub async fn count(app: &App, actor: &Actor, filter: &Tree<NamedField>) -> Result<u64> {
    if filter.is_all() {
        return app.stores.evaluators.count(actor.organization()).await;
    }
    let rows = app.stores.evaluators.list(actor.organization()).await?;
    Ok(rows.iter().filter(|evaluator| listed::holds(filter, *evaluator)).count() as u64)
}

/// A page of the versions of an evaluator, newest first.
pub async fn versions(app: &App, actor: &Actor, reference: &str, window: Window) -> Result<Page<Evaluator>> {
    let id = resolve(app, actor, reference).await?.id;
    app.stores.evaluators.versions(actor.organization(), id, window).await
}

/// A tag of an evaluator: its id is decimal digits (T11), so a text that is none gets a number made from it (H22).
pub fn tag(text: &str) -> Tag {
    let text = text.trim();
    let is_number = !text.is_empty() && text.len() <= 15 && text.bytes().all(|byte| byte.is_ascii_digit());
    let id = match text.trim_start_matches('0') {
        _ if !is_number => (xxhash_rust::xxh3::xxh3_64(text.as_bytes()) >> 12 | 1).to_string(),
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    };
    Tag { id, name: text.to_owned(), color: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_come_from_names() {
        let id = EvaluatorId(Uuid::from_u128(7));
        let first = |name: &str| slugs_for(name, id).swap_remove(0);
        assert_eq!(first("Response Quality v2!"), "response_quality_v2");
        assert_eq!(first("  Größe: ✓ "), "größe");
        assert_eq!(first("!!!"), "evaluator");
        assert_eq!(first(&"abc ".repeat(500)).chars().count(), 79);
        assert_eq!(slugs_for("x", id)[1..3], ["x_2", "x_3"]);
        assert_eq!(slugs_for("x", id).last().map(String::as_str), Some("x_00000000000000000000000000000007"));
        // A name that looks like an id gives a slug that does not.
        assert_eq!(first("0123456789abcdef0123456789abcdef"), "0123456789abcdef0123456789abcdef_2");
        for bad in ["", " a", "a:1", "a\nb", "00000000-0000-0000-0000-000000000007", &"x".repeat(256)] {
            assert!(checked_slug(bad.to_owned()).unwrap_err().by_field().contains_key("evaluator_slug"), "{bad}");
        }
    }

    #[test]
    fn tags_have_whole_numbers_as_ids() {
        assert_eq!((tag("7").id.as_str(), tag("7").name.as_str()), ("7", "7"));
        assert_eq!(tag("007").id, "7");
        assert_eq!(tag("0").id, "0");
        assert_eq!(tag("vip").id, tag("vip").id);
        assert_ne!(tag("vip").id, tag("VIP").id);
        for text in ["vip", "", "1.5", "-3", "99999999999999999999"] {
            // Whole in every JSON reader.
            assert!(tag(text).id.parse::<u64>().unwrap() < 1 << 53, "{text}");
        }
    }
}
