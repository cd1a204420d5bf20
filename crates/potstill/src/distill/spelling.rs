//! The words that spell classes, found in the answers of language models.
//!
//! A spelling counts where it stands apart: `good` is found in `{"label": "good"}`, but neither in `goodness` nor in `non-good`,
//! and `5` not in `3.5`. Of spellings that end at the same place the longest counts: `not good` is not `good`. One that is denied
//! (`It is not bad`) or joined to another class (`good or bad`) says nothing.

use std::ops::Range;

/// The classes, and the words that spell each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spellings {
    classes: Vec<(String, Vec<String>)>,
}

impl Spellings {
    /// Parses `CLASS=WORD|WORD,CLASS`; a class without words is spelled as it is called.
    ///
    /// # Errors
    /// If there are fewer than two classes, or a word spells two.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut classes: Vec<(String, Vec<String>)> = Vec::new();
        for part in text.split(',').map(str::trim) {
            let (class, words) = part.split_once('=').unwrap_or((part, part));
            let words: Vec<String> = words.split('|').map(plain).collect();
            if class.is_empty() || words.iter().any(String::is_empty) {
                return Err(format!("`{part}` is no class; write CLASS=WORD|WORD,CLASS=WORD"));
            }
            let twice = |(other, known): &&(String, Vec<String>)| {
                other == class || known.iter().any(|word| words.contains(word))
            };
            if let Some((other, known)) = classes.iter().find(twice) {
                let word = known.iter().find(|word| words.contains(word)).unwrap_or(other);
                return Err(format!(
                    "`{word}` spells both {other} and {class}; ask the model for words that tell them apart"
                ));
            }
            classes.push((class.to_owned(), words));
        }
        match classes.len() {
            0 | 1 => Err("two classes are needed; write CLASS=WORD|WORD,CLASS=WORD".to_owned()),
            _ => Ok(Self { classes }),
        }
    }

    /// The names of the classes.
    pub fn names(&self) -> Vec<String> {
        self.classes.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The number of classes.
    pub(super) fn count(&self) -> usize {
        self.classes.len()
    }

    /// The class that a word spells.
    pub(super) fn class(&self, word: &str) -> Option<usize> {
        let word = plain(word);
        self.classes.iter().position(|(_, words)| words.contains(&word))
    }

    /// The class that a word spells or begins to spell, if no other class begins so.
    pub(super) fn begun(&self, word: &str) -> Option<usize> {
        let word = plain(word);
        let begins = |(_, words): &(String, Vec<String>)| words.iter().any(|known| known.starts_with(&word));
        let first = self.classes.iter().position(begins).filter(|_| !word.is_empty())?;
        (!self.classes[first + 1..].iter().any(begins)).then_some(first)
    }

    /// The last spelling in a text of [small letters](small): its place, and the class.
    pub(super) fn last(&self, text: &str) -> Option<(Range<usize>, usize)> {
        let place = |word: &String| {
            let places = text.rmatch_indices(word).map(|(begin, _)| begin..begin + word.len());
            places.into_iter().find(|place| stands_apart(text, place))
        };
        let found =
            self.classes.iter().enumerate().flat_map(|(class, (_, words))| {
                words.iter().filter_map(move |word| Some((place(word)?, class)))
            });
        found.max_by_key(|(place, _)| (place.end, place.len()))
    }

    /// Returns true if a spelling at this place of a text of [small letters](small) does not name its class: it is denied in English, or
    /// joined to a spelling of another class.
    pub(super) fn is_doubtful(&self, text: &str, (place, class): &(Range<usize>, usize)) -> bool {
        let is_of_another = |end: usize| {
            let first = text[..end].trim_end_matches(|c: char| !c.is_alphanumeric());
            let found = self.last(first);
            found.is_some_and(|(other, known)| other.end == first.len() && known != *class)
        };
        let before =
            text[..place.start].trim_end_matches(|c: char| !c.is_alphanumeric() && !ENDS.contains(&c));
        let behind_marks = text[..place.start].trim_end_matches(|c: char| !c.is_alphanumeric());
        if !text[behind_marks.len()..place.start].contains(SENTENCE_ENDS) && is_of_another(behind_marks.len())
        {
            return true;
        }
        let is_letter = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '\u{2019}');
        let mut words = before
            .rsplit(|c: char| ENDS.contains(&c))
            .next()
            .unwrap_or_default()
            .rsplit(|c: char| !is_letter(c))
            .filter(|word| !word.is_empty())
            .peekable();
        if words.peek().is_some_and(|word| JOINS.contains(word)) {
            return is_of_another(before.trim_end_matches(is_letter).len());
        }
        let denying = words.find(|word| !BETWEEN.contains(word));
        denying.is_some_and(|word| {
            DENIALS.contains(&word) || word.ends_with("n't") || word.ends_with("n\u{2019}t")
        })
    }
}

/// Ends of sentences and of parts of them.
const ENDS: [char; 7] = ['.', ',', ';', ':', '!', '?', '\n'];
/// Ends of sentences: marks of another kind between two spellings join them, as in `good & bad` and `good, bad`.
const SENTENCE_ENDS: [char; 6] = ['.', ';', ':', '!', '?', '\n'];
const JOINS: [&str; 3] = ["or", "and", "nor"];
const DENIALS: [&str; 9] = ["not", "never", "neither", "nor", "no", "hardly", "barely", "scarcely", "cannot"];
/// Words between a denial and what it denies.
const BETWEEN: [&str; 23] = [
    "a",
    "an",
    "the",
    "very",
    "really",
    "so",
    "too",
    "that",
    "all",
    "exactly",
    "entirely",
    "particularly",
    "it",
    "this",
    "is",
    "was",
    "be",
    "say",
    "think",
    "call",
    "as",
    "any",
    "much",
];

/// A text in small letters, with plain blanks, one for each kind of them and for the mark by which some tokenizers write one.
pub(super) fn small(text: &str) -> String {
    let blank = |c: char| if c.is_whitespace() || c == '\u{2581}' { ' ' } else { c };
    text.to_lowercase().chars().map(blank).collect()
}

/// A word without blanks and punctuation around it, in small letters.
pub(super) fn plain(word: &str) -> String {
    small(word.trim_matches(|c: char| !c.is_alphanumeric()))
}

/// Returns true if no letter or digit belongs to a word with this place, directly or by a mark that joins.
fn stands_apart(text: &str, place: &Range<usize>) -> bool {
    let (before, word, behind) = (&text[..place.start], &text[place.clone()], &text[place.end..]);
    let joined = |edge: Option<char>, next: Option<char>, beyond: Option<char>| {
        let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let is_digit = |c: Option<char>| c.is_some_and(char::is_numeric);
        match next {
            Some('-' | '\'' | '\u{2019}' | '/' | '_') => is_letter(beyond),
            Some('.' | ',') => is_digit(edge) && is_digit(beyond),
            next => is_letter(next),
        }
    };
    let (mut back, mut on) = (before.chars().rev(), behind.chars());
    !joined(word.chars().next(), back.next(), back.next())
        && !joined(word.chars().next_back(), on.next(), on.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_tell_classes_apart() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Spellings::parse(text).unwrap_err(), expected);
        };
        check("good", "two classes are needed; write CLASS=WORD|WORD,CLASS=WORD");
        check("good=,bad", "`good=` is no class; write CLASS=WORD|WORD,CLASS=WORD");
        check("a=x|y,b=Y", "`y` spells both a and b; ask the model for words that tell them apart");
        check("a=x,a=y", "`a` spells both a and a; ask the model for words that tell them apart");
    }

    #[test]
    fn a_spelling_that_is_denied_or_joined_to_another_names_no_class() {
        let spellings = Spellings::parse("pos=good,neg=not good|bad").unwrap();
        let check = |text: &str, is_doubtful: bool| {
            let text = small(text);
            let found = spellings.last(&text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(spellings.is_doubtful(&text, &found), is_doubtful, "{text}");
        };
        check("It is not bad.", true);
        check("It isn't a very **bad** one", true);
        check("It isn\u{2019}t bad", true);
        check("never bad", true);
        check("good or bad", true);
        check("\"good\" and \"bad\"", true);
        check("neither good nor bad", true);
        check("good & bad", true);
        check("good, bad", true);
        check("\"good\", \"bad\"", true);
        check("no good", true);
        check("hardly good", true);
        check("I can't say it is good", true);
        check("It is bad.", false);
        check("No, it is bad", false);
        check("I would not say more. Bad", false);
        check("not good", false);
        check("short and bad", false);
        check("good, but then: bad", false);
        check("bad and bad", false);
        check("bad, bad", false);
        check("Was it good? Bad", false);
    }

    #[test]
    fn the_last_and_longest_spelling_counts() {
        let spellings = Spellings::parse("pos=good|5,neg=not good|bad").unwrap();
        let check = |text: &str, expected: Option<usize>| {
            assert_eq!(spellings.last(&small(text)).map(|(_, class)| class), expected, "{text}");
        };
        check("It is good.", Some(0));
        check("It is not\ngood.", Some(1));
        check("not good, but then: Good", Some(0));
        check("good at first, **bad** later", Some(1));
        check("{\"label\":\"good\"}", Some(0));
        check("goodness", None);
        check("non-good and goodish", None);
        check("3.5", None);
        check("3, 5", Some(0));
        check("5.", Some(0));
        check("good/bad", None);
    }
}
