//! Evaluators in memory: all versions of each, oldest first.

use super::{Memory, State};
use crate::evaluators::Evaluators;
use async_trait::async_trait;
use evalset_model::evaluator::Evaluator;
use evalset_model::ids::{EvaluatorId, OrganizationId, VersionId};
use evalset_model::page::{Page, Window};
use evalset_model::{Error, Result};
use std::cmp::Reverse;

impl State {
    /// All versions of all evaluators of an organization, each evaluator's together and oldest first.
    fn evaluators_of(&self, organization: OrganizationId) -> impl Iterator<Item = &Vec<Evaluator>> {
        self.evaluators.values().filter(move |versions| versions.iter().all(|each| each.organization == organization))
    }

    /// The versions of an evaluator; none when it is another organization's.
    fn versions_of(&self, organization: OrganizationId, id: EvaluatorId) -> &[Evaluator] {
        self.evaluators_of(organization).find(|versions| versions.iter().all(|each| each.id == id)).map_or(&[], |v| v)
    }

    /// The versions of an evaluator, when their last is still the draft that was seen.
    fn seen_draft(&mut self, evaluator: &Evaluator, draft: VersionId, seen: i64) -> Option<&mut Vec<Evaluator>> {
        self.evaluators.get_mut(&evaluator.id).filter(|versions| {
            versions.last().is_some_and(|last| {
                (last.organization, last.version_id) == (evaluator.organization, draft)
                    && (last.updated_at, last.is_read_only) == (seen, false)
            })
        })
    }
}

/// What holds for the whole evaluator is the same in all versions.
fn share(versions: &mut [Evaluator], of: &Evaluator) {
    let count = versions.len() as u32;
    for version in versions {
        version.starred = of.starred;
        version.tags.clone_from(&of.tags);
        version.version_count = count;
    }
}

#[async_trait]
impl Evaluators for Memory {
    async fn create(&self, mut evaluator: Evaluator) -> Result<bool> {
        let mut state = self.state();
        let taken = state.evaluators_of(evaluator.organization).flatten().any(|other| other.slug == evaluator.slug);
        if taken {
            return Ok(false);
        }
        if state.evaluators.contains_key(&evaluator.id) {
            return Err(Error::Conflict("There is an evaluator with this id already.".to_owned()));
        }
        evaluator.version_count = 1;
        state.evaluators.insert(evaluator.id, vec![evaluator]);
        Ok(true)
    }

    async fn count(&self, organization: OrganizationId) -> Result<u64> {
        Ok(self.state().evaluators_of(organization).count() as u64)
    }

    async fn get(&self, organization: OrganizationId, id: EvaluatorId) -> Result<Option<Evaluator>> {
        Ok(self.state().versions_of(organization, id).last().cloned())
    }

    async fn by_slug(&self, organization: OrganizationId, slug: &str) -> Result<Option<Evaluator>> {
        let state = self.state();
        let last = state.evaluators_of(organization).filter_map(|versions| versions.last());
        Ok(last.into_iter().find(|each| each.slug == slug).cloned())
    }

    async fn version(&self, organization: OrganizationId, id: EvaluatorId, version: u32) -> Result<Option<Evaluator>> {
        Ok(self.state().versions_of(organization, id).iter().find(|each| each.version == version).cloned())
    }

    async fn by_version_id(&self, organization: OrganizationId, version: VersionId) -> Result<Option<Evaluator>> {
        Ok(self.state().evaluators_of(organization).flatten().find(|each| each.version_id == version).cloned())
    }

    async fn list(&self, organization: OrganizationId) -> Result<Vec<Evaluator>> {
        let state = self.state();
        let mut all: Vec<_> =
            state.evaluators_of(organization).filter_map(|versions| versions.last().cloned()).collect();
        all.sort_by_key(|each| Reverse((each.created_at, each.id)));
        Ok(all)
    }

    async fn versions(&self, organization: OrganizationId, id: EvaluatorId, window: Window) -> Result<Page<Evaluator>> {
        let state = self.state();
        let all = state.versions_of(organization, id);
        let rows = all.iter().rev().skip(window.offset as usize).take(window.limit as usize).cloned().collect();
        Ok(Page { rows, total: all.len() as u64 })
    }

    async fn update(&self, draft: Evaluator, seen: i64) -> Result<bool> {
        let mut state = self.state();
        let Some(versions) = state.seen_draft(&draft, draft.version_id, seen) else { return Ok(false) };
        share(versions, &draft);
        if let Some(last) = versions.last_mut() {
            last.definition = draft.definition;
            last.updated_at = draft.updated_at;
        }
        Ok(true)
    }

    async fn commit(
        &self,
        committed: VersionId,
        seen: i64,
        description: Option<String>,
        next: Evaluator,
    ) -> Result<bool> {
        let mut state = self.state();
        let Some(versions) = state.seen_draft(&next, committed, seen) else { return Ok(false) };
        if let Some(last) = versions.last_mut() {
            last.is_read_only = true;
            last.version_description = description;
            last.updated_at = next.created_at;
        }
        versions.push(next.clone());
        share(versions, &next);
        Ok(true)
    }

    async fn delete(&self, organization: OrganizationId, id: EvaluatorId) -> Result<bool> {
        let mut state = self.state();
        let known = !state.versions_of(organization, id).is_empty();
        if known {
            state.evaluators.remove(&id);
        }
        Ok(known)
    }
}
