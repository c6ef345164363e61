//! From a test of a text field to terms of the dictionary.
//!
//! A single token of the needle is found inside terms, so that the answer is certain. Of a needle of several tokens
//! each must be there – the first as the end of a token, the last as a beginning, those between whole. Words must
//! follow each other ([`Phrase`]), which is certain for those with single spaces between them; of other gaps it is only
//! known that the text has them somewhere: then what is found is only possible. Knows tests, not files.

use crate::find::{Edge, Find, Side};
use crate::needles::{required, required_like};
use crate::phrase::{Phrase, Word};
use crate::term::{Property, is_word, tokens};
use evalset_model::field::TextField;
use evalset_model::filter::{Literal, Test, meaning::words};

/// Fields that have dictionaries.
pub const PARTS: usize = 3;
/// Gaps, and edges, of a needle that are looked for; leaving out others makes the answer wider, not wrong.
const TOKENS_MAX: usize = 8;
/// The same of words, from the first on.
const WORDS_MAX: usize = 32;

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
    /// Has such a term.
    Find(Part, Find),
    /// Has these words behind each other.
    Phrase(Part, Phrase),
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
        Test::AnyOf(literals) => any(literals, |literal: &Literal| match literal.text() {
            Some(text) => scope.equals(text, Side::Cased),
            None => Plan::Any(Vec::new()),
        }),
        Test::AnyOfFolded(texts) => any(texts, |text| scope.equals(text, Side::Folded)),
        Test::Regex(pattern) => {
            Plan::Unsure(Box::new(required(pattern, &|needle| scope.contains(needle, Side::Folded))))
        }
        Test::Like(like) => Plan::Unsure(Box::new(required_like(like, &|needle| scope.contains(needle, Side::Folded)))),
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
    /// One of the parts has such a term.
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
        let all: Vec<&str> = tokens(needle).collect();
        match all.as_slice() {
            [] => self.has(Property::Present),
            [token] => self.find(side, Edge::Infix, token),
            _ => {
                let (phrase, covered) = phrase(&all, side, (Edge::Suffix, Edge::Prefix));
                match phrase.filter(|_| covered) {
                    Some(phrase) => self.phrase(&phrase),
                    None => self.sequence(side, &all, (Edge::Suffix, Edge::Prefix)),
                }
            }
        }
    }

    fn phrase(self, phrase: &Phrase) -> Plan {
        one(self.parts.iter().map(|part| Plan::Phrase(*part, phrase.clone())).collect())
    }

    /// Tokens that follow each other in the same part, the first and the last as said.
    fn sequence(self, side: Side, all: &[&str], ends: (Edge, Edge)) -> Plan {
        let (phrase, _) = phrase(all, side, ends);
        let mut single: Vec<(&str, Edge)> = with_edges(all, ends).collect();
        if phrase.is_some() {
            // Words and the single spaces between them are told by the phrase.
            single.retain(|(token, edge)| (*token, *edge) != (" ", Edge::Whole) && !is_word(token));
        }
        // A gap at the beginning tells little, and is as dear to look for as a word.
        single.retain(|(token, edge)| *edge != Edge::Suffix || is_word(token));
        single.sort_by_key(|(token, edge)| (*edge == Edge::Whole, std::cmp::Reverse(token.len()), *token));
        single.dedup();
        single.truncate(TOKENS_MAX);
        let all_of = |part: &Part| {
            let finds = single
                .iter()
                .map(|(token, edge)| Plan::Find(*part, Find { side, edge: *edge, needle: token.as_bytes().to_vec() }));
            Plan::All(finds.chain(phrase.iter().map(|phrase| Plan::Phrase(*part, phrase.clone()))).collect())
        };
        Plan::Unsure(Box::new(one(self.parts.iter().map(all_of).collect())))
    }

    /// The text begins ([`Side::Head`]) or ends with this.
    fn edge(self, text: &str, side: Side) -> Plan {
        if self.joined {
            return Plan::Unsure(Box::new(self.contains(text, Side::Cased)));
        }
        let all: Vec<&str> = tokens(text).collect();
        let (outer, ends) = match (side, all.as_slice()) {
            (_, []) => return self.has(Property::Present),
            (Side::Head, [token]) => return self.find(side, Edge::Prefix, token),
            (_, [token]) => return self.find(side, Edge::Suffix, token),
            (Side::Head, [first, ..]) => (*first, (Edge::Whole, Edge::Prefix)),
            (_, [.., last]) => (*last, (Edge::Suffix, Edge::Whole)),
        };
        let rest = self.sequence(Side::Cased, &all, ends);
        Plan::Unsure(Box::new(Plan::All(vec![self.find(side, Edge::Whole, outer), rest])))
    }

    fn equals(self, text: &str, side: Side) -> Plan {
        if text.is_empty() {
            return Plan::Unsure(Box::new(self.has(Property::Present)));
        }
        if self.joined {
            return Plan::Unsure(Box::new(self.contains(text, side)));
        }
        self.sequence(side, &tokens(text).collect::<Vec<_>>(), (Edge::Whole, Edge::Whole))
    }
}

/// Tokens with how they stand to those of the text: the first and the last as said, all between whole.
fn with_edges<'a>(all: &'a [&str], ends: (Edge, Edge)) -> impl Iterator<Item = (&'a str, Edge)> {
    let last = all.len() - 1;
    all.iter().enumerate().map(move |(at, token)| {
        let edge = if at == 0 {
            ends.0
        } else if at == last {
            ends.1
        } else {
            Edge::Whole
        };
        (*token, edge)
    })
}

/// The words among some tokens, if there are two or more of them, and whether they say all that the tokens do.
fn phrase(all: &[&str], side: Side, ends: (Edge, Edge)) -> (Option<Phrase>, bool) {
    let word = |(at, (token, edge)): (usize, (&str, Edge))| {
        is_word(token).then(|| Word {
            needle: token.as_bytes().to_vec(),
            edge,
            spaced: all.get(at + 1) == Some(&" ") && at + 2 < all.len(),
        })
    };
    let mut words: Vec<Word> = with_edges(all, ends).enumerate().filter_map(word).collect();
    let covered = all.len() == words.len() * 2 - usize::from(!words.is_empty())
        && words.len() <= WORDS_MAX
        && words.iter().rev().skip(1).all(|word| word.spaced);
    words.truncate(WORDS_MAX);
    ((words.len() > 1).then_some(Phrase { side, words }), covered)
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
