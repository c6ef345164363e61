//! From a test of a text field to entries of the dictionary.
//!
//! A single run of the needle is found inside entries, so that the answer is certain. Of a needle of several runs each must be there –
//! the first as the end of a run, the last as a beginning, those between whole – but not that they follow each other: then what is
//! found is only possible. Knows tests, not files.

use crate::entry::{Property, runs};
use crate::find::{Edge, Find, Side};
use crate::needles::required;
use evalset_model::field::TextField;
use evalset_model::filter::{Literal, Test, meaning::words};

/// Fields that have dictionaries.
pub const PARTS: usize = 3;
/// Runs of a needle that are looked for; leaving out others makes the answer wider, not wrong.
const RUNS_MAX: usize = 8;

/// A field with a dictionary of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `input`
    Input,
    /// `output`
    Output,
    /// `expected_output`
    ExpectedOutput,
}

impl Part {
    /// All, in the order of their numbers.
    pub const ALL: [Self; PARTS] = [Self::Input, Self::Output, Self::ExpectedOutput];

    /// Its number.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The field.
    pub fn field(self) -> TextField {
        match self {
            Self::Input => TextField::Input,
            Self::Output => TextField::Output,
            Self::ExpectedOutput => TextField::ExpectedOutput,
        }
    }
}

/// What to look for, and how to put it together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Any document may pass.
    Everything,
    /// All must hold.
    All(Vec<Plan>),
    /// One must hold.
    Any(Vec<Plan>),
    /// Must not hold.
    Not(Box<Plan>),
    /// Needed, but not enough.
    Unsure(Box<Plan>),
    /// Has such an entry.
    Find(Part, Find),
}

/// The plan for a test of a field; `None` when the index is of no use for it.
pub fn plan(field: TextField, test: &Test) -> Option<Plan> {
    let scope = match field {
        TextField::Input => Scope { parts: &[Part::Input], joined: false },
        TextField::Output => Scope { parts: &[Part::Output], joined: false },
        TextField::ExpectedOutput => Scope { parts: &[Part::ExpectedOutput], joined: false },
        TextField::FullText => Scope { parts: &[Part::Input, Part::Output], joined: true },
        _ => return None,
    };
    let plan = match test {
        Test::Words(wanted) if wanted.is_empty() => scope.has(Property::Present),
        Test::Words(wanted) => Plan::All(wanted.iter().map(|word| scope.word(word)).collect()),
        Test::Contains { needles, fold } => {
            let side = if *fold { Side::Folded } else { Side::Cased };
            any(needles, |needle| scope.contains(needle, side))
        }
        Test::StartsWith(texts) => any(texts, |text| scope.edge(text, Side::Head)),
        Test::EndsWith(texts) => any(texts, |text| scope.edge(text, Side::Tail)),
        Test::AnyOf(literals) => any(literals, |literal: &Literal| match &literal.text {
            Some(text) => scope.equals(text, Side::Cased),
            None => Plan::Any(Vec::new()),
        }),
        Test::AnyOfFolded(texts) => any(texts, |text| scope.equals(text, Side::Folded)),
        Test::Regex(regex) => {
            Plan::Unsure(Box::new(required(regex.as_str(), &|needle| scope.contains(needle, Side::Folded))))
        }
        Test::IsNull => Plan::Not(Box::new(scope.has(Property::Present))),
        // Joined texts have a line break between them.
        Test::Empty if scope.joined => Plan::Not(Box::new(scope.has(Property::Present))),
        Test::Empty => Plan::Any(vec![Plan::Not(Box::new(scope.has(Property::Present))), scope.has(Property::Empty)]),
        Test::Ordered(..) | Test::Similar(_) | Test::HasKeys(_) => return None,
    };
    Some(plan)
}

fn any<T>(list: &[T], plan: impl Fn(&T) -> Plan) -> Plan {
    Plan::Any(list.iter().map(plan).collect())
}

/// The dictionaries that a field is looked for in.
#[derive(Clone, Copy)]
struct Scope {
    parts: &'static [Part],
    /// Several fields with a line break between them.
    joined: bool,
}

impl Scope {
    /// One of the parts has such an entry.
    fn find(self, side: Side, edge: Edge, needle: &str) -> Plan {
        let find = Find { side, edge, needle: needle.as_bytes().to_vec() };
        one(self.parts.iter().map(|part| Plan::Find(*part, find.clone())).collect())
    }

    fn has(self, property: Property) -> Plan {
        one(self.parts.iter().map(|part| Plan::Find(*part, Find::property(property))).collect())
    }

    /// One of the words of `full_text_search`; what cannot be a word is none.
    fn word(self, word: &str) -> Plan {
        if word.is_empty() || !word.chars().all(words::is_letter) {
            return Plan::Any(Vec::new());
        }
        self.find(Side::Folded, Edge::Whole, word)
    }

    fn contains(self, needle: &str, side: Side) -> Plan {
        if self.joined && needle.contains('\n') {
            let lines = needle.split('\n').filter(|line| !line.is_empty());
            let all = lines.map(|line| self.contains(line, side)).collect();
            return Plan::Unsure(Box::new(Plan::All(all)));
        }
        let mut all: Vec<&str> = runs(needle).collect();
        match (all.as_slice(), all.len()) {
            ([], _) => self.has(Property::Present),
            ([run], _) => self.find(side, Edge::Infix, run),
            (_, count) => {
                let edges = [(all[0], Edge::Suffix), (all[count - 1], Edge::Prefix)];
                let inner = all.drain(1..count - 1).map(|run| (run, Edge::Whole)).collect();
                self.in_one_part(side, inner, &edges)
            }
        }
    }

    /// Runs that must all be in the same part.
    fn in_one_part<'a>(self, side: Side, mut inner: Vec<(&'a str, Edge)>, edges: &[(&'a str, Edge)]) -> Plan {
        inner.sort_by_key(|(run, _)| std::cmp::Reverse(run.len()));
        inner.dedup();
        inner.truncate(RUNS_MAX);
        // A gap at the beginning tells little, and is as dear to look for as a word.
        let telling = |(run, edge): &&(&str, Edge)| *edge != Edge::Suffix || run.chars().any(words::is_letter);
        inner.extend(edges.iter().filter(telling));
        let find = |part: Part| {
            let find = |(run, edge): &(&str, Edge)| {
                Plan::Find(part, Find { side, edge: *edge, needle: run.as_bytes().to_vec() })
            };
            Plan::All(inner.iter().map(find).collect())
        };
        Plan::Unsure(Box::new(one(self.parts.iter().map(|part| find(*part)).collect())))
    }

    /// The text begins ([`Side::Head`]) or ends with this.
    fn edge(self, text: &str, side: Side) -> Plan {
        if self.joined {
            return Plan::Unsure(Box::new(self.contains(text, Side::Cased)));
        }
        let all: Vec<&str> = runs(text).collect();
        let (outer, edge, inner) = match (side, all.as_slice()) {
            (_, []) => return self.has(Property::Present),
            (Side::Head, [run]) => return self.find(side, Edge::Prefix, run),
            (_, [run]) => return self.find(side, Edge::Suffix, run),
            (Side::Head, [first, between @ .., last]) => (*first, (*last, Edge::Prefix), between),
            (_, [first, between @ .., last]) => (*last, (*first, Edge::Suffix), between),
        };
        let inner = inner.iter().map(|run| (*run, Edge::Whole)).collect();
        let rest = self.in_one_part(Side::Cased, inner, &[edge]);
        Plan::Unsure(Box::new(Plan::All(vec![self.find(side, Edge::Whole, outer), rest])))
    }

    fn equals(self, text: &str, side: Side) -> Plan {
        if text.is_empty() {
            return Plan::Unsure(Box::new(self.has(Property::Present)));
        }
        if self.joined {
            return Plan::Unsure(Box::new(self.contains(text, side)));
        }
        let all = runs(text).map(|run| (run, Edge::Whole)).collect();
        self.in_one_part(side, all, &[])
    }
}

/// A single plan as it is.
fn one(mut plans: Vec<Plan>) -> Plan {
    match (plans.len(), plans.pop()) {
        (1, Some(plan)) => plan,
        (_, last) => {
            plans.extend(last);
            Plan::Any(plans)
        }
    }
}
