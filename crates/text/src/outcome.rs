//! What a plan says of the documents of one segment.

use crate::docs::Docs;
use crate::find::{Edge, Find, Side};
use crate::plan::Plan;
use crate::segment::Segment;
use crate::term::Property;
use std::io;

/// A token that is a needle of at most so many bytes is never one of those too long to be terms: lower-casing makes no
/// text shorter than a third.
const WHOLE_BYTES_SAFE: usize = crate::term::TOKEN_BYTES_MAX / 3;
/// Once one in so many documents is left, looking through the whole dictionary costs more than reading those documents.
pub const FEW: usize = 4_096;

/// Certain ⊆ those that pass ⊆ possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Documents that pass.
    pub certain: Docs,
    /// Documents that may pass, with those that do.
    pub possible: Docs,
}

impl Outcome {
    fn open(docs: usize) -> Self {
        Self::unsure(Docs::all(docs))
    }

    /// Nothing is certain of these documents, and others do not pass.
    pub(crate) fn unsure(possible: Docs) -> Self {
        Self { certain: possible.like(), possible }
    }

    /// Just these documents pass.
    pub(crate) fn exact(docs: Docs) -> Self {
        Self { certain: docs.clone(), possible: docs }
    }
}

impl Plan {
    /// What it says of the documents of a segment. Ends with an error ([`io::ErrorKind::Interrupted`]) when `go_on`
    /// says so.
    pub fn ask(&self, segment: &Segment, go_on: &dyn Fn() -> bool) -> io::Result<Outcome> {
        if !go_on() {
            return Err(given_up());
        }
        let docs = segment.len();
        match self {
            Self::Everything => Ok(Outcome::open(docs)),
            Self::All(parts) => {
                let mut outcome = Outcome::exact(Docs::all(docs));
                for part in cheap_first(parts) {
                    let left = outcome.possible.count();
                    if left == 0 {
                        break;
                    }
                    let part = if part.searches() && left <= docs / FEW {
                        Outcome::open(docs)
                    } else {
                        part.ask(segment, go_on)?
                    };
                    outcome.certain.intersect(&part.certain);
                    outcome.possible.intersect(&part.possible);
                }
                Ok(outcome)
            }
            Self::Any(parts) => {
                let mut outcome = Outcome::exact(Docs::none(docs));
                for part in parts {
                    let part = part.ask(segment, go_on)?;
                    outcome.certain.union(&part.certain);
                    outcome.possible.union(&part.possible);
                }
                Ok(outcome)
            }
            Self::Not(part) => {
                let part = part.ask(segment, go_on)?;
                Ok(Outcome { certain: part.possible.complement(), possible: part.certain.complement() })
            }
            Self::Unsure(part) => Ok(Outcome::unsure(part.ask(segment, go_on)?.possible)),
            Self::Phrase(part, phrase) => phrase.ask(segment, part.index(), go_on),
            Self::Find(part, find) => {
                let mut found = Docs::none(docs);
                find.add(segment, part.index(), &mut found)?;
                let mut outcome = Outcome::exact(found);
                if let Some(property) = find.open() {
                    property.add(segment, part.index(), &mut outcome.possible)?;
                }
                Ok(outcome)
            }
        }
    }

    /// Whether it looks through whole dictionaries.
    fn searches(&self) -> bool {
        match self {
            Self::Everything => false,
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::searches),
            Self::Not(part) | Self::Unsure(part) => part.searches(),
            Self::Phrase(_, phrase) => phrase.searches(),
            Self::Find(_, find) => find.searches(),
        }
    }
}

/// Why an answer was not finished.
pub(crate) fn given_up() -> io::Error {
    io::Error::new(io::ErrorKind::Interrupted, "nobody waits for the answer")
}

fn cheap_first(parts: &[Plan]) -> impl Iterator<Item = &Plan> {
    let cheap = parts.iter().filter(|part| !part.searches());
    cheap.chain(parts.iter().filter(|part| part.searches()))
}

impl Find {
    /// The property of texts for which it leaves things open: they have tokens that are no terms.
    pub(crate) fn open(&self) -> Option<Find> {
        if self.side == Side::Property || (self.edge == Edge::Whole && self.needle.len() <= WHOLE_BYTES_SAFE) {
            return None;
        }
        Some(Self::property(Property::long(std::str::from_utf8(&self.needle).unwrap_or_default())))
    }

    /// Whether it looks through the whole dictionary.
    pub(crate) fn searches(&self) -> bool {
        matches!(self.edge, Edge::Suffix | Edge::Infix)
    }

    /// Texts with a property.
    pub fn property(property: Property) -> Self {
        Self { side: Side::Property, edge: Edge::Whole, needle: vec![property as u8] }
    }
}
