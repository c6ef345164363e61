//! Words, as `full_text_search` and the trigram test see them.

/// Whether a character is part of a word: Unicode `Alphabetic` or numeric.
pub fn is_letter(letter: char) -> bool {
    letter.is_alphanumeric()
}

/// The words of a text: it is lower-cased, and each longest run of letters and digits (see [`is_letter`]) is a word. In
/// order, repeats kept.
pub fn words(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    text.split(|letter: char| !is_letter(letter)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether each of `wanted`, which are lower-case, is a word of the text.
pub fn has_all(text: &str, wanted: &[String]) -> bool {
    let words = words(text);
    wanted.iter().all(|word| words.contains(word))
}
