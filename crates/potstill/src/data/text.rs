//! Hashed n-grams of a text: the features of a student that reads texts.
//!
//! A text becomes words, and these become n-grams, by rules that depend on no version of Unicode, no language setting and no
//! platform:
//!
//! 1. **Lower case** by a table of ranges that is written here: ASCII, Latin-1, Latin Extended-A and Extended Additional, Greek
//!    and Cyrillic. Other characters stay as they are; nothing is normalised.
//! 2. **Words** are the longest runs of letters: of the ASCII letters and digits and of all characters from U+00C0 on. They are
//!    separated by every other ASCII character, and by U+0080 to U+00BF, `×`, `÷`, U+2000 to U+206F (typographic marks and
//!    spaces), U+3000 to U+303F, U+FE00 to U+FE0F and U+FEFF. Each symbol (U+2190 to U+2BFF, U+1F000 to U+1FAFF: arrows,
//!    dingbats, emoji) is a word of its own.
//! 3. **N-grams of words** are hashed as the words with a space between them. **N-grams of characters** are those of `<word>`,
//!    the marks included (Bojanowski et al. 2017), and are hashed behind a byte 1, so that no word equals them.
//! 4. **The hash** is FNV-1a of 64 bits (Fowler, Noll and Vo) over the UTF-8 bytes, folded to 32 bits by exclusive or of its
//!    halves; its remainder by the number of buckets is the row of the table. Hashes have no signs.
//!
//! N-grams come word by word: those of its characters in the order of their last one, shorter ones first, then those of the
//! words that end with it. fastText has the same n-grams over words that blanks separate, with FNV-1a of 32 bits over
//! sign-extended bytes; scikit-learn's `HashingVectorizer` and Vowpal Wabbit hash by MurmurHash3, the former with signs.
//!
//! ```
//! use potstill::data::text::{fnv1a, for_each_ngram};
//! use potstill::nn::ngrams::BagSpec;
//!
//! assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
//! let mut rows = Vec::new();
//! for_each_ngram("Not good!", &BagSpec::new(4096, None), |row| rows.push(row));
//! // <no not ot> <not not> <not>, not, <go goo ood od> <goo good ood> <good good>, good, not good
//! assert_eq!(rows.len(), 6 + 1 + 9 + 1 + 1);
//! ```

use potstill_nn::ngrams::{BagSpec, CHARACTERS_MAX, Lengths, WORDS_MAX};

/// The hash of nothing.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;
/// The byte before the characters of an n-gram.
const OF_CHARACTERS: u8 = 1;

/// Appends a byte to what was hashed.
const fn feed(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(PRIME)
}

/// FNV-1a of 64 bits.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(BASIS, |hash, &byte| feed(hash, byte))
}

/// The bucket of a hash.
fn bucket(hash: u64, buckets: u32) -> u32 {
    ((hash >> 32) as u32 ^ hash as u32) % buckets
}

/// Ranges of capital letters, with the distance of their small ones.
const CAPITALS: [(u32, u32, u32); 11] = [
    (0x41, 0x5A, 32),
    (0xC0, 0xD6, 32),
    (0xD8, 0xDE, 32),
    (0x386, 0x386, 38),
    (0x388, 0x38A, 37),
    (0x38C, 0x38C, 64),
    (0x38E, 0x38F, 63),
    (0x391, 0x3A1, 32),
    (0x3A3, 0x3AB, 32),
    (0x400, 0x40F, 80),
    (0x410, 0x42F, 32),
];
/// Ranges in which every second character, from the first on, is a capital letter before its small one.
const PAIRS: [(u32, u32); 10] = [
    (0x100, 0x12E),
    (0x132, 0x136),
    (0x139, 0x147),
    (0x14A, 0x176),
    (0x179, 0x17D),
    (0x460, 0x480),
    (0x48A, 0x4BE),
    (0x4D0, 0x52E),
    (0x1E00, 0x1E94),
    (0x1EA0, 0x1EFE),
];

/// The small letter of a capital one; other characters as they are.
pub fn lower_case(c: char) -> char {
    let code = c as u32;
    if code < 0x80 {
        return c.to_ascii_lowercase();
    }
    let capital = CAPITALS.iter().find(|(first, last, _)| (*first..=*last).contains(&code));
    let lower = match (capital, code) {
        (Some((_, _, distance)), _) => code + distance,
        (None, 0x178) => 0xFF,
        (None, 0x1E9E) => 0xDF,
        (None, _) => {
            let is_first = |(first, last): &(u32, u32)| {
                (*first..=*last).contains(&code) && (code - first).is_multiple_of(2)
            };
            code + u32::from(PAIRS.iter().any(is_first))
        }
    };
    char::from_u32(lower).unwrap_or(c)
}

/// The part of a character in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Letter,
    Symbol,
    Separator,
}

fn part(c: char) -> Part {
    match c as u32 {
        0x30..=0x39 | 0x41..=0x5A | 0x61..=0x7A => Part::Letter,
        0..=0xBF | 0xD7 | 0xF7 | 0x2000..=0x206F | 0x3000..=0x303F | 0xFE00..=0xFE0F | 0xFEFF => {
            Part::Separator
        }
        0x2190..=0x2BFF | 0x1F000..=0x1FAFF => Part::Symbol,
        _ => Part::Letter,
    }
}

/// Calls `take` with the bucket of every n-gram of a text, repetitions included. Nothing is allocated.
pub fn for_each_ngram(text: &str, spec: &BagSpec, take: impl FnMut(u32)) {
    let mut ngrams = Ngrams::new(spec, take);
    for c in text.chars() {
        match part(c) {
            Part::Letter => ngrams.letter(lower_case(c)),
            Part::Separator => ngrams.end_word(),
            Part::Symbol => {
                ngrams.end_word();
                ngrams.letter(c);
                ngrams.end_word();
            }
        }
    }
    ngrams.end_word();
}

/// The hashes of the n-grams that are not ended yet, and continue with the next character.
struct Ngrams<F> {
    take: F,
    buckets: u32,
    of_words: Lengths,
    of_characters: Lengths,
    is_in_word: bool,
    /// The hash of the last words, one to as many as are held.
    words: [u64; WORDS_MAX],
    words_held: usize,
    /// The hash of the last characters of the word.
    characters: [u64; CHARACTERS_MAX],
    characters_held: usize,
}

impl<F: FnMut(u32)> Ngrams<F> {
    fn new(spec: &BagSpec, take: F) -> Self {
        Self {
            take,
            buckets: spec.buckets as u32,
            of_words: spec.words,
            of_characters: spec.characters,
            is_in_word: false,
            words: [BASIS; WORDS_MAX],
            words_held: 0,
            characters: [BASIS; CHARACTERS_MAX],
            characters_held: 0,
        }
    }

    fn letter(&mut self, c: char) {
        if !self.is_in_word {
            self.begin_word();
        }
        let mut bytes = [0; 4];
        let bytes = c.encode_utf8(&mut bytes).as_bytes();
        for hash in &mut self.words[..self.words_held] {
            *hash = bytes.iter().fold(*hash, |hash, &byte| feed(hash, byte));
        }
        self.character(bytes);
    }

    fn begin_word(&mut self) {
        self.is_in_word = true;
        let longest = self.of_words.longest;
        if longest > 0 {
            for length in (1..longest).rev() {
                self.words[length] = feed(self.words[length - 1], b' ');
            }
            self.words[0] = BASIS;
            self.words_held = longest.min(self.words_held + 1);
        }
        self.characters_held = 0;
        self.character(b"<");
    }

    fn end_word(&mut self) {
        if !self.is_in_word {
            return;
        }
        self.is_in_word = false;
        self.character(b">");
        let Lengths { shortest, longest } = self.of_words;
        for length in shortest.max(1)..=longest.min(self.words_held) {
            (self.take)(bucket(self.words[length - 1], self.buckets));
        }
    }

    /// Appends a character of the word, and takes the n-grams that end with it.
    fn character(&mut self, bytes: &[u8]) {
        let Lengths { shortest, longest } = self.of_characters;
        if longest == 0 {
            return;
        }
        self.characters.copy_within(..longest - 1, 1);
        self.characters[0] = feed(BASIS, OF_CHARACTERS);
        self.characters_held = longest.min(self.characters_held + 1);
        for hash in &mut self.characters[..self.characters_held] {
            *hash = bytes.iter().fold(*hash, |hash, &byte| feed(hash, byte));
        }
        for length in shortest..=self.characters_held {
            (self.take)(bucket(self.characters[length - 1], self.buckets));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_its_authors() {
        // From test_fnv.c, the test vectors of the hash's authors.
        let check = |text: &str, expected: u64| assert_eq!(fnv1a(text.as_bytes()), expected, "{text:?}");
        check("", 0xcbf2_9ce4_8422_2325);
        check("a", 0xaf63_dc4c_8601_ec8c);
        check("b", 0xaf63_df4c_8601_f1a5);
        check("foo", 0xdcb2_7518_fed9_d577);
        check("foobar", 0x8594_4171_f739_67e8);
        check("chongo was here!\n", 0x4681_0940_eff5_f915);
    }

    #[test]
    fn small_letters_are_those_of_unicode() {
        let ranges = [0..0x180, 0x386..0x3AC, 0x400..0x482, 0x48A..0x4C0, 0x4D0..0x530, 0x1E00..0x1F00];
        for c in ranges.into_iter().flatten().filter_map(char::from_u32) {
            let mut unicode = c.to_lowercase();
            let (first, more) = (unicode.next().unwrap(), unicode.next());
            // İ has two small characters.
            let expected = if more.is_some() { c } else { first };
            assert_eq!(lower_case(c), expected, "{c} {:x}", c as u32);
        }
        for c in ['中', 'あ', 'ß', 'ς', 'Ა', '😀'] {
            assert_eq!(lower_case(c), c);
        }
    }

    #[test]
    fn a_long_text_is_read_to_its_end() {
        // A megabyte, as one word and as many.
        let spec = BagSpec::new(4096, None);
        let check = |text: &str, expected: usize| {
            let mut count = 0;
            for_each_ngram(text, &spec, |row| count += usize::from(row < 4096));
            assert_eq!(count, expected);
        };
        // Of a word of n characters with its marks: n + 2 - 2 of 3, n + 2 - 3 of 4, n + 2 - 4 of 5; and the word.
        check(&"x".repeat(1 << 20), 3 * (1 << 20) - 3 + 1);
        // Of "ab": <ab ab> and <ab>; every word, and every pair.
        check(&"ab ".repeat(1 << 18), (3 + 1 + 1) * (1 << 18) - 1);
    }
}
