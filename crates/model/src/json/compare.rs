//! Whether two values are the same, whatever the order of the members of objects.

use super::Json;

/// Whether they are the same.
pub fn same(left: Json<'_>, right: Json<'_>) -> bool {
    // The same members in another order take as many bytes.
    left == right || (left.text().len() == right.text().len() && ordered(left) == ordered(right))
}

/// The value with the members of its objects in the order of their names.
fn ordered(value: Json<'_>) -> String {
    let mut out = String::with_capacity(value.text().len());
    write(value, &mut out);
    out
}

fn write(value: Json<'_>, out: &mut String) {
    if value.is_array() {
        let mut before = '[';
        for item in value.items() {
            out.push(std::mem::replace(&mut before, ','));
            write(item, out);
        }
        out.push_str(if before == '[' { "[]" } else { "]" });
    } else if value.is_object() {
        let mut members: Vec<_> = value.members().collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        out.push('{');
        for (name, value) in members {
            out.push('"');
            out.push_str(name);
            out.push_str("\":");
            write(value, out);
            out.push(',');
        }
        out.push('}');
    } else {
        out.push_str(value.text());
    }
}
