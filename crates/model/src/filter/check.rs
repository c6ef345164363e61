//! Wire condition → checked tree: names, types, operators, bounds.
