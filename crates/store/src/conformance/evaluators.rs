//! Evaluators: their life, versions, slugs, and what happens when two change one at the same time.

use super::samples::*;
use crate::Stores;
use evalset_model::Error;
use evalset_model::dataset::Tag;
use evalset_model::evaluator::{Choice, Definition, Evaluator, ScoreConfig, ScoreValueType};
use evalset_model::ids::{EvaluatorId, OrganizationId, VersionId};
use evalset_model::page::Window;
use serde_json::json;
use uuid::Uuid;

const ALL: Window = Window { offset: 0, limit: 100 };

fn evaluator_id(number: u128) -> EvaluatorId {
    EvaluatorId(Uuid::from_u128(0x4000 + number))
}

fn version_id(evaluator: u128, version: u32) -> VersionId {
    VersionId(Uuid::from_u128(0x5000 + evaluator * 0x100 + u128::from(version)))
}

pub fn evaluator(organization: OrganizationId, number: u128, at: i64) -> Evaluator {
    Evaluator {
        id: evaluator_id(number),
        version_id: version_id(number, 0),
        organization,
        slug: format!("slug-{number}"),
        version: 0,
        is_read_only: false,
        version_description: None,
        definition: Definition { name: format!("evaluator {number}"), ..Definition::default() },
        starred: false,
        tags: Vec::new(),
        created_at: at,
        updated_at: at,
        version_count: 1,
    }
}

/// The draft after `last`.
pub fn after(last: &Evaluator, number: u128, at: i64) -> Evaluator {
    let version = last.version + 1;
    Evaluator {
        version_id: version_id(number, version),
        version,
        created_at: at,
        updated_at: at,
        version_count: version + 1,
        ..last.clone()
    }
}

/// A definition with something in every member.
fn full() -> Definition {
    let map = |value: serde_json::Value| value.as_object().cloned().unwrap();
    Definition {
        name: "Größe ✓".to_owned(),
        description: "line\nline".to_owned(),
        kind: "llm".to_owned(),
        score_value_type: ScoreValueType::MultiSelect,
        eval_class: Some("keywordsai_custom_llm".to_owned()),
        score_config: Some(ScoreConfig {
            min_score: Some(-1.5),
            max_score: None,
            choices: vec![Choice { name: "good".to_owned(), value: json!(1) }],
        }),
        passing_conditions: Some(map(json!({"primary_score": {"operator": "in", "value": ["good"]}, "a": 1}))),
        llm_config: Some(map(json!({"z": 1, "model": "m", "a": [1.5, null], "stop": ["x"]}))),
        code_config: Some(map(json!({"eval_code_snippet": "def main(eval_inputs):\n    return 1\n"}))),
        configurations: map(json!({"model_options": {"temperature": 0.1}})),
        categorical_choices: Some(vec![Choice { name: "bad".to_owned(), value: json!("b") }]),
        custom_required_fields: vec![json!("input"), json!({"a": 1})],
    }
}

pub async fn life_of_an_evaluator(stores: &Stores) {
    let (store, mine) = (&stores.evaluators, organization(1));
    let mut wanted = evaluator(mine, 1, 5);
    wanted.definition = full();
    wanted.tags = vec![Tag { id: "1".to_owned(), name: "one".to_owned(), color: "red".to_owned() }];
    assert!(store.create(wanted.clone()).await.unwrap());
    assert_eq!(store.get(mine, wanted.id).await.unwrap(), Some(wanted.clone()));
    assert_eq!(store.by_slug(mine, "slug-1").await.unwrap(), Some(wanted.clone()));
    assert_eq!(store.version(mine, wanted.id, 0).await.unwrap(), Some(wanted.clone()));
    assert_eq!(store.by_version_id(mine, wanted.version_id).await.unwrap(), Some(wanted.clone()));
    wanted.definition.name = "new".to_owned();
    wanted.starred = true;
    wanted.tags.clear();
    wanted.updated_at = 9;
    assert!(store.update(wanted.clone(), 5).await.unwrap());
    assert_eq!(store.get(mine, wanted.id).await.unwrap(), Some(wanted.clone()));
    assert!(store.delete(mine, wanted.id).await.unwrap());
    assert!(!store.delete(mine, wanted.id).await.unwrap());
    assert_eq!(store.get(mine, wanted.id).await.unwrap(), None);
    assert_eq!(store.by_version_id(mine, wanted.version_id).await.unwrap(), None);
    assert_eq!(store.versions(mine, wanted.id, ALL).await.unwrap().total, 0);
    // Id and slug are free again.
    assert!(store.create(wanted).await.unwrap());
}

pub async fn slugs_are_unique_in_an_organization(stores: &Stores) {
    let (store, mine) = (&stores.evaluators, organization(1));
    assert!(store.create(evaluator(mine, 1, 5)).await.unwrap());
    let twin = Evaluator { slug: "slug-1".to_owned(), ..evaluator(mine, 2, 6) };
    assert!(!store.create(twin.clone()).await.unwrap());
    assert_eq!(store.get(mine, twin.id).await.unwrap(), None);
    assert_eq!(store.by_version_id(mine, twin.version_id).await.unwrap(), None);
    assert!(store.create(Evaluator { organization: organization(2), ..twin }).await.unwrap());
    let again = store.create(Evaluator { slug: "other".to_owned(), ..evaluator(mine, 1, 7) }).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    assert_eq!(store.count(mine).await.unwrap(), 1);
    assert_eq!(store.by_slug(mine, "SLUG-1").await.unwrap(), None, "case matters");
}

pub async fn organizations_do_not_share_evaluators(stores: &Stores) {
    let (store, mine, other) = (&stores.evaluators, organization(1), organization(2));
    let owned = evaluator(mine, 1, 5);
    assert!(store.create(owned.clone()).await.unwrap());
    assert_eq!(store.get(other, owned.id).await.unwrap(), None);
    assert_eq!(store.by_slug(other, &owned.slug).await.unwrap(), None);
    assert_eq!(store.version(other, owned.id, 0).await.unwrap(), None);
    assert_eq!(store.by_version_id(other, owned.version_id).await.unwrap(), None);
    assert_eq!(store.list(other).await.unwrap(), []);
    assert_eq!(store.count(other).await.unwrap(), 0);
    assert_eq!(store.versions(other, owned.id, ALL).await.unwrap().rows, []);
    assert!(!store.delete(other, owned.id).await.unwrap());
    let stolen = Evaluator { organization: other, updated_at: 6, ..owned.clone() };
    assert!(!store.update(stolen.clone(), 5).await.unwrap());
    assert!(!store.commit(owned.version_id, 5, None, after(&stolen, 1, 6)).await.unwrap());
    assert_eq!(store.get(mine, owned.id).await.unwrap(), Some(owned));
}

pub async fn a_commit_seals_the_draft_and_opens_the_next(stores: &Stores) {
    let (store, mine) = (&stores.evaluators, organization(1));
    let first = evaluator(mine, 1, 5);
    store.create(first.clone()).await.unwrap();
    let mut next = after(&first, 1, 8);
    next.definition.description = "second".to_owned();
    next.starred = true;
    let sealed = store.commit(first.version_id, 5, Some("the first".to_owned()), next.clone()).await.unwrap();
    assert!(sealed);
    let committed = store.version(mine, first.id, 0).await.unwrap().unwrap();
    let wanted = Evaluator {
        is_read_only: true,
        version_description: Some("the first".to_owned()),
        updated_at: 8,
        starred: true,
        version_count: 2,
        ..first.clone()
    };
    assert_eq!(committed, wanted, "star and count are the evaluator's, the rest is the version's");
    assert_eq!(store.get(mine, first.id).await.unwrap(), Some(next.clone()));
    assert_eq!(store.by_slug(mine, &first.slug).await.unwrap(), Some(next.clone()));
    assert_eq!(store.by_version_id(mine, first.version_id).await.unwrap(), Some(committed.clone()));
    // What is committed stays as it is.
    assert!(!store.update(Evaluator { updated_at: 9, ..committed.clone() }, 8).await.unwrap());
    assert!(!store.commit(first.version_id, 8, None, after(&next, 1, 9)).await.unwrap());
    assert_eq!(store.versions(mine, first.id, ALL).await.unwrap().rows, [next, committed]);
    assert!(store.delete(mine, first.id).await.unwrap());
    assert_eq!(store.version(mine, first.id, 0).await.unwrap(), None);
}

pub async fn lists_show_last_versions_and_versions_are_paged(stores: &Stores) {
    let (store, mine) = (&stores.evaluators, organization(1));
    for (number, at) in [(1, 10), (2, 30), (3, 20), (4, 20)] {
        store.create(evaluator(mine, number, at)).await.unwrap();
    }
    store.create(evaluator(organization(2), 5, 99)).await.unwrap();
    let mut last = store.get(mine, evaluator_id(1)).await.unwrap().unwrap();
    for at in 40..45 {
        let next = after(&last, 1, at);
        assert!(store.commit(last.version_id, last.updated_at, None, next.clone()).await.unwrap());
        last = next;
    }
    let seen: Vec<_> = store.list(mine).await.unwrap().iter().map(|each| (each.slug.clone(), each.version)).collect();
    let wanted = [("slug-1", 5), ("slug-2", 0), ("slug-4", 0), ("slug-3", 0)];
    assert_eq!(seen, wanted.map(|(slug, version)| (slug.to_owned(), version)));
    assert_eq!(store.count(mine).await.unwrap(), 4);
    let page = store.versions(mine, evaluator_id(1), Window { offset: 1, limit: 2 }).await.unwrap();
    assert_eq!(page.total, 6);
    assert_eq!(page.rows.iter().map(|each| each.version).collect::<Vec<_>>(), [4, 3]);
    assert!(page.rows.iter().all(|each| each.version_count == 6));
    let beyond = store.versions(mine, evaluator_id(1), Window { offset: u64::MAX, limit: 2 }).await.unwrap();
    assert_eq!((beyond.rows.len(), beyond.total), (0, 6));
}

pub async fn of_two_changes_of_one_draft_one_wins(stores: &Stores) {
    let (store, mine) = (&stores.evaluators, organization(1));
    let draft = evaluator(mine, 1, 5);
    store.create(draft.clone()).await.unwrap();
    let change = |name: &str, at: i64| {
        let definition = Definition { name: name.to_owned(), ..Definition::default() };
        Evaluator { definition, updated_at: at, ..draft.clone() }
    };
    let (left, right, commit) = tokio::join!(
        store.update(change("left", 6), 5),
        store.update(change("right", 7), 5),
        store.commit(draft.version_id, 5, None, after(&draft, 1, 8)),
    );
    let won = [left.unwrap(), right.unwrap(), commit.unwrap()];
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    let now = store.get(mine, draft.id).await.unwrap().unwrap();
    assert_eq!(now.version, u32::from(won[2]));
    let name = if won[0] { "left" } else { "right" };
    assert!(won[2] || now.definition.name == name, "{now:?}");
    assert!(!store.update(Evaluator { id: evaluator_id(9), version_id: version_id(9, 0), ..draft }, 5).await.unwrap());
}
