//! Scores in memory: each read looks at every score.

use super::{Memory, State};
use crate::scores::{ScoreChange, ScoreQuery, Scores};
use async_trait::async_trait;
use evalset_model::filter::scores as meaning;
use evalset_model::ids::{Collection, LogId, OrganizationId, Place, ScoreId};
use evalset_model::page::Page;
use evalset_model::score::{Score, ScoreStatus, ShownScores, Source};
use evalset_model::{Error, Result};

impl State {
    /// The scores that a row shows.
    pub(super) fn shown_scores(&self, collection: Collection, id: &LogId) -> ShownScores {
        let concerns = |score: &&Score| {
            let subject = &score.subject;
            subject.log_id == *id
                && subject.organization == collection.organization
                && (subject.place == collection.place || subject.place == Place::RequestLogs)
        };
        ShownScores::of(self.scores.iter().filter(concerns).cloned().collect(), collection.place)
    }

    /// Removes the scores of rows that are gone.
    pub(super) fn drop_scores(&mut self, collection: Collection, ids: &[LogId]) {
        self.scores.retain(|score| score.subject.collection() != collection || !ids.contains(&score.subject.log_id));
    }

    /// Writes a score over the one of the same subject, source and scorer; a failed one does not replace a completed
    /// one. Returns the one that is there then, and whether it is new.
    pub(super) fn write_score(&mut self, score: Score) -> Result<(Score, bool)> {
        self.rows_mut(score.subject.collection())?;
        self.rename(&score.source, score.subject.organization);
        let same = |other: &&mut Score| {
            other.subject == score.subject && other.source.key() == score.source.key() && other.scorer == score.scorer
        };
        let Some(present) = self.scores.iter_mut().find(same) else {
            self.scores.push(score.clone());
            return Ok((score, true));
        };
        if score.status == ScoreStatus::Completed || present.status == ScoreStatus::Failed {
            *present = Score { id: present.id, created_at: present.created_at, ..score };
        }
        Ok((present.clone(), false))
    }

    /// All scores of a source show what was last said of it.
    pub(super) fn rename(&mut self, source: &Source, organization: OrganizationId) {
        let same =
            |score: &&mut Score| score.subject.organization == organization && score.source.key() == source.key();
        self.scores.iter_mut().filter(same).for_each(|score| score.source = source.clone());
    }
}

#[async_trait]
impl Scores for Memory {
    async fn put(&self, score: Score) -> Result<(Score, bool)> {
        self.state().write_score(score)
    }

    async fn get(&self, organization: OrganizationId, id: ScoreId) -> Result<Option<Score>> {
        let state = self.state();
        let mut mine = state.scores.iter().filter(|score| score.subject.organization == organization);
        Ok(mine.find(|score| score.id == id).cloned())
    }

    async fn update(&self, organization: OrganizationId, id: ScoreId, change: ScoreChange) -> Result<Score> {
        let mut state = self.state();
        let mine = |score: &&Score| score.subject.organization == organization && score.id == id;
        let present = state.scores.iter().find(mine).cloned().ok_or_else(Error::not_found)?;
        let changed = change(present.clone())?;
        let kept = present.changed_to(changed);
        let organization = kept.subject.organization;
        state.rename(&kept.source, organization);
        let there = state.scores.iter_mut().find(|score| score.subject.organization == organization && score.id == id);
        if let Some(there) = there {
            *there = kept.clone();
        }
        Ok(kept)
    }

    async fn delete(&self, organization: OrganizationId, id: ScoreId) -> Result<bool> {
        let mut state = self.state();
        let before = state.scores.len();
        state.scores.retain(|score| score.subject.organization != organization || score.id != id);
        Ok(state.scores.len() < before)
    }

    async fn list(&self, organization: OrganizationId, query: ScoreQuery) -> Result<Page<Score>> {
        let state = self.state();
        let mine = state.scores.iter().filter(|score| score.subject.organization == organization);
        let mut found: Vec<Score> = mine.filter(|score| meaning::holds(&query.filter, score)).cloned().collect();
        found.sort_by(|left, right| meaning::compare(query.sort, query.descending, left, right));
        let total = found.len() as u64;
        let window = found.into_iter().skip(query.window.offset as usize).take(query.window.limit as usize);
        Ok(Page { rows: window.collect(), total })
    }
}
