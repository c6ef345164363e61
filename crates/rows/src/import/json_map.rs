//! Keys of JSON lines → members of a log: `--map`, and counting the keys that are no member of a log and would be lost
//! without a word. Knows no file.

use super::names::{DATASET_ID, Mapping, Place, is_known, suggestion};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Different unknown keys that are counted one by one; keys made from data may be without end.
const COUNTED: usize = 1_000;
/// Of those, how many are shown.
const SHOWN: usize = 20;

/// The keys of the lines of a file.
#[derive(Debug, Default)]
pub struct Keys {
    places: Vec<(String, Place)>,
    met: Vec<bool>,
    left_out: HashMap<String, u64>,
    /// Whether there were more unknown keys than are counted.
    more: bool,
}

impl Keys {
    /// Keys under these mappings; of several for one key the last counts.
    pub fn new(mappings: &[Mapping]) -> Self {
        let places: Vec<_> = mappings.iter().map(|mapping| (mapping.name.clone(), mapping.place())).collect();
        Self { met: vec![false; places.len()], places, ..Self::default() }
    }

    /// Whether the line is a row of a dataset.
    pub fn of_dataset(&self, line: &Map<String, Value>) -> bool {
        let mapped = self.places.iter().any(|(name, _)| name == DATASET_ID);
        !mapped && line.get(DATASET_ID).is_some_and(|id| !id.is_null() && id.as_str() != Some(""))
    }

    /// The log of a line. A mapped key that is not null wins over a key of the field's own name.
    pub fn log(&mut self, mut line: Map<String, Value>) -> Result<Map<String, Value>, String> {
        let mut moved = Vec::new();
        for ((name, place), met) in self.places.iter().zip(&mut self.met) {
            // Taken out before any is put back, so that two keys can change places.
            if let Some(value) = line.shift_remove(name) {
                *met = true;
                moved.push((place, value));
            }
        }
        for name in line.keys().filter(|name| !is_known(name)) {
            if let Some(lines) = self.left_out.get_mut(name) {
                *lines += 1;
            } else if self.left_out.len() < COUNTED {
                self.left_out.insert(name.clone(), 1);
            } else {
                self.more = true;
            }
        }
        for (place, value) in moved.into_iter().filter(|(_, value)| !value.is_null()) {
            match place {
                Place::Nowhere => {}
                Place::Metadata(key) => drop(metadata(&mut line)?.insert(key.clone(), value)),
                Place::Named(name) if name == "metadata" => match value {
                    Value::Object(members) => metadata(&mut line)?.extend(members),
                    _ => return Err("`metadata` must be a JSON object".to_owned()),
                },
                Place::Named(name) => drop(line.insert(name.clone(), value)),
            }
        }
        Ok(line)
    }

    /// What to tell at the end.
    pub fn notes(&self) -> Vec<String> {
        let unmet = self.places.iter().zip(&self.met).filter(|(_, met)| !**met);
        let mut notes: Vec<String> =
            unmet.map(|((name, _), _)| format!("--map: no line that was read has the key `{name}`")).collect();
        let mut keys: Vec<(&str, u64)> = self.left_out.iter().map(|(name, lines)| (name.as_str(), *lines)).collect();
        keys.sort_unstable_by(|(a, lines_a), (b, lines_b)| lines_b.cmp(lines_a).then(a.cmp(b)));
        if keys.is_empty() {
            return notes;
        }
        let further = keys.len().saturating_sub(SHOWN);
        keys.truncate(SHOWN);
        let counted = |(name, lines): &(&str, u64)| {
            format!("{} ({lines} {})", shown(name), if *lines == 1 { "line" } else { "lines" })
        };
        let mut counted = keys.iter().map(counted).collect::<Vec<_>>().join(", ");
        if further > 0 {
            let least = if self.more { "more than " } else { "" };
            counted = format!("{counted} and {least}{further} others");
        }
        let maps = keys.iter().map(|(name, _)| format!("--map {}={}", shown(name), suggestion(name)));
        notes.push(format!(
            "keys that are no field and were left out: {counted}; put them under metadata, or use {}",
            maps.collect::<Vec<_>>().join(" / ")
        ));
        notes
    }
}

/// A key is anybody's text: what a terminal would take for orders is escaped.
fn shown(name: &str) -> String {
    name.escape_debug().to_string()
}

fn metadata(line: &mut Map<String, Value>) -> Result<&mut Map<String, Value>, String> {
    let metadata = line.entry("metadata").or_insert(Value::Null);
    if metadata.is_null() {
        *metadata = Value::Object(Map::new());
    }
    metadata.as_object_mut().ok_or_else(|| "`metadata` must be a JSON object".to_owned())
}

#[cfg(test)]
mod tests {
    use super::Keys;
    use serde_json::{Map, Value, json};

    fn keys(mappings: &[&str]) -> Keys {
        Keys::new(&mappings.iter().map(|one| one.parse().unwrap()).collect::<Vec<_>>())
    }

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(members) = value else { panic!("no object") };
        members
    }

    #[test]
    fn mapped_keys_move_and_keep_their_type() {
        let mut keys =
            keys(&["q=input", "rating=metadata.rating", "more=metadata", "secret=", "cost=latency", "latency=cost"]);
        let line = json!({"q": "hi", "input": "old", "rating": 4, "more": {"tier": "gold"}, "secret": 1, "cost": 2, "latency": 3});
        let log = Value::Object(keys.log(object(line)).unwrap());
        let wanted = json!({"input": "hi", "latency": 2, "cost": 3, "metadata": {"rating": 4, "tier": "gold"}});
        assert_eq!(log, wanted);
        let null = keys.log(object(json!({"q": null, "input": "kept"}))).unwrap();
        assert_eq!(Value::Object(null), json!({"input": "kept"}));
        assert!(keys.log(object(json!({"rating": 4, "metadata": 7}))).is_err());
        assert!(keys.log(object(json!({"more": 4}))).is_err());
        assert_eq!(keys.notes(), [""; 0]);
    }

    #[test]
    fn unknown_keys_are_counted_with_what_to_do() {
        let mut keys = keys(&["nowhere=input"]);
        for number in 0..45 {
            let mut line = object(json!({"input": "q", "modle": "gpt", "metadata": {"free": 1}}));
            if number < 3 {
                line.insert("user_rating".to_owned(), 5.into());
            }
            keys.log(line).unwrap();
        }
        let told = "keys that are no field and were left out: modle (45 lines), user_rating (3 lines); put them under \
                    metadata, or use --map modle=model / --map user_rating=metadata.user_rating";
        assert_eq!(keys.notes(), ["--map: no line that was read has the key `nowhere`", told]);
    }

    #[test]
    fn keys_without_end_are_bounded() {
        let mut keys = keys(&[]);
        for number in 0..5_000 {
            keys.log(object(json!({ format!("key-{number:04}"): 1 }))).unwrap();
        }
        assert_eq!(keys.left_out.len(), super::COUNTED);
        let [note] = keys.notes().try_into().unwrap();
        assert!(note.contains("key-0019 (1 line) and more than 980 others;"), "{note}");
    }

    #[test]
    fn a_row_of_a_dataset_is_known_unless_the_key_is_mapped() {
        for (id, of_dataset) in [(json!("a"), true), (json!(7), true), (json!(null), false), (json!(""), false)] {
            assert_eq!(keys(&[]).of_dataset(&object(json!({ "dataset_id": id }))), of_dataset, "{id}");
        }
        assert!(!keys(&["dataset_id=metadata.source"]).of_dataset(&object(json!({"dataset_id": "a"}))));
    }
}
