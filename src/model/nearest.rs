//! The nearest valid word to a wrong one: the one measure behind every "did you mean".

use std::fmt;

/// The valid word that is nearest to a wrong one, where one is near enough to be meant.
///
/// Displayed as the end of a sentence: "; did you mean `namespaces`?", or a full stop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nearest(Option<String>);

impl Nearest {
    /// Looks for the nearest of `valid` to `word`. The order of `valid` decides between equals.
    pub fn of<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> Self {
        Self(nearest(valid, |candidate| nearness(word, candidate)).map(str::to_owned))
    }

    /// The word.
    #[must_use]
    pub fn word(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// "; did you mean `namespaces`?", or nothing: for a sentence that goes without its full stop.
    #[must_use]
    pub fn question(&self) -> String {
        self.word().map(|word| format!("; did you mean `{word}`?")).unwrap_or_default()
    }
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(_) => f.write_str(&self.question()),
            None => f.write_str("."),
        }
    }
}

/// The nearest of the candidates by a measure made of [`nearness`], the first of equals.
pub fn nearest<T: Copy>(candidates: impl IntoIterator<Item = T>, nearness: impl Fn(T) -> f64) -> Option<T> {
    let mut nearest: Option<(f64, T)> = None;
    for candidate in candidates {
        let nearness = nearness(candidate);
        if nearness > 0.0 && nearest.is_none_or(|(best, _)| nearness > best) {
            nearest = Some((nearness, candidate));
        }
    }
    nearest.map(|(_, candidate)| candidate)
}

/// From 0 (not meant) to 1 (the same). More than half of the letters right, the same beginning of
/// three letters, or one the beginning of the other, is near enough.
#[must_use]
pub fn nearness(word: &str, candidate: &str) -> f64 {
    let similarity = similarity(word, candidate);
    if similarity > 0.5 {
        return similarity;
    }
    let (word, candidate) = (word.to_lowercase(), candidate.to_lowercase());
    let same = word.chars().zip(candidate.chars()).take_while(|(a, b)| a == b).count();
    let begins = same >= 3 || same >= 2 && same == word.chars().count().min(candidate.chars().count());
    if begins { 0.5 } else { 0.0 }
}

/// The nearness of two words that belong together, such as a label's key and value: each must be
/// near, so that a long word that both share makes nothing near.
#[must_use]
pub fn pair_nearness(pair: (&str, &str), candidate: (&str, &str)) -> f64 {
    let first = nearness(pair.0, candidate.0);
    if first > 0.0 { first * nearness(pair.1, candidate.1) } else { 0.0 }
}

/// The part of the letters that are right, from 0 to 1; their case doesn't count. For those who ask
/// for more than [`nearness`] before they take a word for another.
#[must_use]
pub fn similarity(word: &str, candidate: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Nearest, pair_nearness};

    #[rstest]
    #[case::typing_error("namspaces", Some("namespaces"))]
    #[case::case_of_letters("TENANTS", Some("tenants"))]
    #[case::the_same_beginning("ten", Some("tenants"))]
    #[case::nothing_near("colour", None)]
    #[case::empty("", None)]
    fn the_nearest_word(#[case] word: &str, #[case] nearest: Option<&str>) {
        assert_eq!(Nearest::of(word, ["namespaces", "tenants", "flows"]).word(), nearest);
    }

    #[rstest]
    #[case::value(("role", "webb"), ("role", "web"), true)]
    #[case::key(("rol", "web"), ("role", "web"), true)]
    #[case::only_the_key_is_shared(("role", "web"), ("role", "database"), false)]
    #[case::only_the_value_is_shared(("role", "web"), ("tenant", "web"), false)]
    fn each_word_of_a_pair_must_be_near(
        #[case] pair: (&str, &str),
        #[case] candidate: (&str, &str),
        #[case] near: bool,
    ) {
        assert_eq!(pair_nearness(pair, candidate) > 0.0, near);
    }
}
