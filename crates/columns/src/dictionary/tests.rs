//! See the module: codes, searches and ranks of texts.

use super::*;

#[test]
fn a_text_keeps_its_code_and_is_found_again() {
    let mut dictionary = Dictionary::default();
    let texts: Vec<String> = (0..3_000).map(|n| format!("user-{}", n * 7919 % 1_000)).collect();
    let codes: Vec<Code> = texts.iter().map(|text| dictionary.intern(text)).collect();
    assert_eq!(dictionary.len(), 1_000);
    for (text, code) in texts.iter().zip(&codes) {
        assert_eq!(dictionary.text(*code), text);
        assert_eq!(dictionary.find(text), Some(*code));
    }
    assert_eq!(dictionary.find("user-"), None);
    assert_eq!((dictionary.text(0), dictionary.text(5_000)), ("", ""));
    assert_eq!(dictionary.intern(""), 1_001);
    assert_eq!(dictionary.find(""), Some(1_001));
}

#[test]
fn likely_texts_are_all_that_contain_a_needle() {
    let mut dictionary = Dictionary::default();
    for n in 0..20_000 {
        dictionary.intern(&format!("{}Key-{n:05}", if n % 999 == 0 { "É" } else { "" }));
    }
    for text in ["", "ab", "cab", "\u{212a}elvin", "a", "b"] {
        dictionary.intern(text);
    }
    for (needles, fold) in [(vec!["y-0099"], false), (vec!["ab"], false), (vec!["key-1", "7"], true), (vec!["k"], true)]
    {
        let needles: Vec<String> = needles.into_iter().map(str::to_owned).collect();
        let found = dictionary.likely(&needles, fold);
        for code in 1..=dictionary.len() as Code {
            let text = if fold { dictionary.text(code).to_lowercase() } else { dictionary.text(code).to_owned() };
            let contains = needles.iter().any(|needle| text.contains(needle));
            let unsure = fold && !dictionary.text(code).is_ascii();
            assert_eq!(found.binary_search(&code).is_ok(), contains || unsure, "{text:?} {needles:?}");
        }
    }
}

#[test]
fn ranks_and_prefixes_order_as_the_texts_do() {
    let mut dictionary = Dictionary::default();
    for text in ["span-10", "span-9", "span-", "span-é", "span-9\0", "span-1"] {
        dictionary.intern(text);
        let ranks = dictionary.ranks().unwrap().to_vec();
        for left in 1..=dictionary.len() as Code {
            for right in 1..=dictionary.len() as Code {
                let order = dictionary.text(left).cmp(dictionary.text(right));
                assert_eq!(ranks[left as usize].cmp(&ranks[right as usize]), order);
                let prefixes = dictionary.prefix(left).cmp(&dictionary.prefix(right));
                assert!(prefixes == order || prefixes.is_eq());
            }
        }
    }
}
