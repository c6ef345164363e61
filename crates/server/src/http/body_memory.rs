//! Memory for request bodies, in one budget: a request takes from it before it reads its body and gives back when it is
//! answered and nothing works on the body any more. One organization may have a share of it, in bytes and in bodies.
//! What is used up is refused at once, with a time to come back, so that a flood of bodies costs answers and not the
//! process.
//!
//! Knows no route and no body: what a byte of one takes is a fixed multiple.

use crate::http::give_back;
use evalset_model::ids::OrganizationId;
use evalset_model::limits::Limits;
use evalset_model::{Error, Result};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// Memory that a byte of a body takes until it is stored: as it came, as text with its members found, ready to be
/// written.
const WEIGHT: usize = 3;
/// What a request had when its end is a reason to give memory back to the system, bytes: less is soon used again.
const LARGE: usize = 48 * 1024 * 1024;
/// When a refused caller may come back, seconds.
const RETRY_SECONDS: u64 = 1;

/// The budget.
#[derive(Clone, Debug)]
pub struct BodyMemory(Arc<Budget>);

#[derive(Debug)]
struct Budget {
    bytes: usize,
    organization_bytes: usize,
    organization_bodies: usize,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    bytes: usize,
    /// Those that have something.
    organizations: HashMap<OrganizationId, Share>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Share {
    bytes: usize,
    bodies: usize,
}

impl From<&Limits> for BodyMemory {
    fn from(limits: &Limits) -> Self {
        Self(Arc::new(Budget {
            bytes: limits.body_memory_bytes,
            organization_bytes: limits.organization_body_memory_bytes.min(limits.body_memory_bytes),
            organization_bodies: limits.organization_bodies,
            used: Mutex::default(),
        }))
    }
}

impl BodyMemory {
    /// A request that has nothing yet.
    pub fn request(&self) -> Taken {
        Taken(Arc::new(Hold { budget: self.clone(), held: Mutex::default() }))
    }
}

/// What one request has taken. Given back with the last clone.
#[derive(Clone, Debug)]
pub struct Taken(Arc<Hold>);

#[derive(Debug)]
struct Hold {
    budget: BodyMemory,
    held: Mutex<Option<(OrganizationId, usize)>>,
}

impl Taken {
    /// Begins a body of an organization; `bytes` of it are known to come.
    pub fn begin(&self, organization: OrganizationId, bytes: usize) -> Result<()> {
        let budget = &self.0.budget.0;
        let mut held = self.0.held.lock();
        if held.is_none() {
            let mut used = budget.used.lock();
            let share = used.organizations.entry(organization).or_default();
            if share.bodies >= budget.organization_bodies {
                let most = budget.organization_bodies;
                return Err(busy(format!(
                    "{most} requests of the organization are sending bodies (`limits.organization_bodies`)."
                )));
            }
            share.bodies += 1;
            *held = Some((organization, 0));
        }
        drop(held);
        self.take(bytes)
    }

    /// Takes for more bytes of the body begun.
    pub fn take(&self, bytes: usize) -> Result<()> {
        let budget = &self.0.budget.0;
        let bytes = bytes.saturating_mul(WEIGHT);
        let mut held = self.0.held.lock();
        let Some((organization, has)) = &mut *held else { return Ok(()) };
        let mut used = budget.used.lock();
        let all = used.bytes.saturating_add(bytes);
        let share = used.organizations.entry(*organization).or_default();
        // A body that is alone may always be read: it is bounded by its own limit.
        let alone = share.bytes == *has;
        if share.bytes.saturating_add(bytes) > budget.organization_bytes && !alone {
            return Err(busy(
                "The request bodies of the organization take all memory they may (`limits.organization_body_memory_bytes`)."
                    .to_owned(),
            ));
        }
        let share_bytes = share.bytes;
        if all > budget.bytes && !(alone && used.bytes == share_bytes) {
            return Err(busy(
                "Request bodies take all memory they may together (`limits.body_memory_bytes`).".to_owned(),
            ));
        }
        used.bytes = all;
        used.organizations.entry(*organization).or_default().bytes += bytes;
        *has += bytes;
        Ok(())
    }
}

fn busy(what: String) -> Error {
    Error::Busy { message: what + " Try again soon.", retry_after: RETRY_SECONDS }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let Some((organization, bytes)) = self.held.get_mut().take() else { return };
        if bytes >= LARGE {
            give_back::soon();
        }
        let mut used = self.budget.0.used.lock();
        used.bytes -= bytes;
        if let Some(share) = used.organizations.get_mut(&organization) {
            share.bytes -= bytes;
            share.bodies -= 1;
            if share.bodies == 0 {
                used.organizations.remove(&organization);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BodyMemory, WEIGHT};
    use evalset_model::ids::OrganizationId;
    use evalset_model::limits::Limits;
    use evalset_model::{Error, Result};
    use uuid::Uuid;

    fn memory(bytes: usize, organization: usize, bodies: usize) -> BodyMemory {
        BodyMemory::from(&Limits {
            body_memory_bytes: bytes * WEIGHT,
            organization_body_memory_bytes: organization * WEIGHT,
            organization_bodies: bodies,
            ..Limits::default()
        })
    }

    fn id(number: u128) -> OrganizationId {
        OrganizationId(Uuid::from_u128(number))
    }

    fn refused(outcome: &Result<()>, limit: &str) {
        assert!(
            matches!(outcome, Err(Error::Busy { message, retry_after: 1 }) if message.contains(limit)),
            "{outcome:?}"
        );
    }

    #[test]
    fn what_is_used_up_is_refused_until_it_is_given_back() {
        let memory = memory(100, 80, 10);
        let (first, second, third) = (memory.request(), memory.request(), memory.request());
        first.begin(id(1), 50).unwrap();
        second.begin(id(2), 30).unwrap();
        refused(&third.begin(id(3), 21), "`limits.body_memory_bytes`");
        second.take(20).unwrap();
        refused(&second.take(1), "`limits.body_memory_bytes`");
        drop(first);
        third.begin(id(3), 21).unwrap();
    }

    #[test]
    fn one_organization_does_not_get_all() {
        let memory = memory(100, 60, 2);
        let (first, second, third) = (memory.request(), memory.request(), memory.request());
        first.begin(id(1), 50).unwrap();
        refused(&second.begin(id(1), 11), "`limits.organization_body_memory_bytes`");
        refused(&third.begin(id(1), 1), "`limits.organization_bodies`");
        memory.request().begin(id(2), 40).unwrap();
        drop((first, second));
        third.begin(id(1), 50).unwrap();
    }

    #[test]
    fn a_body_alone_is_read_however_small_the_budget_and_nothing_is_left_behind() {
        let memory = memory(10, 10, 2);
        let alone = memory.request();
        alone.begin(id(1), 8).unwrap();
        alone.take(50).unwrap();
        refused(&memory.request().begin(id(2), 1), "`limits.body_memory_bytes`");
        let again = alone.clone();
        drop(alone);
        refused(&memory.request().begin(id(2), 1), "`limits.body_memory_bytes`");
        drop(again);
        let used = memory.0.used.lock();
        assert_eq!((used.bytes, used.organizations.len()), (0, 0));
    }
}
