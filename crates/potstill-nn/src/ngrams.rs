//! The form of a bag of hashed n-grams, as it is written before a network: `text:4096x8,16:words=1-2:chars=3-5`.
//!
//! ```
//! use potstill_nn::NetworkSpec;
//!
//! // 4096 buckets of 8 numbers, then 16 hidden units; words and pairs of words, and 3 to 5 characters.
//! let spec: NetworkSpec = "text:4096x8,16".parse()?;
//! let bag = spec.bag.unwrap();
//! assert_eq!((bag.buckets, bag.width, spec.hidden), (4096, Some(8), vec![16]));
//! assert_eq!((bag.words.to_string(), bag.characters.to_string()), ("1-2".to_owned(), "3-5".to_owned()));
//! # Ok::<(), potstill_nn::spec::SpecError>(())
//! ```

use std::fmt;

/// The most buckets: a hash has 32 bits, and more than these are a typing error.
const BUCKETS_MAX: usize = 1 << 24;
const WIDTH_MAX: usize = 1024;
/// The longest n-grams of words.
pub const WORDS_MAX: usize = 5;
/// The longest n-grams of characters.
pub const CHARACTERS_MAX: usize = 8;

/// The lengths of n-grams, none if the longest is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// The shortest.
    pub shortest: usize,
    /// The longest.
    pub longest: usize,
}

impl Lengths {
    /// Parses `2-4`, `2`, or `0` for none.
    fn parse(text: &str, [shortest, longest]: [usize; 2]) -> Option<Self> {
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let lengths = Self { shortest: from.parse().ok()?, longest: to.parse().ok()? };
        let is_none = lengths == Self { shortest: 0, longest: 0 };
        let holds =
            shortest <= lengths.shortest && lengths.shortest <= lengths.longest && lengths.longest <= longest;
        (is_none || holds).then_some(lengths)
    }
}

impl fmt::Display for Lengths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shortest == self.longest {
            true => write!(f, "{}", self.longest),
            false => write!(f, "{}-{}", self.shortest, self.longest),
        }
    }
}

/// The form of a bag of hashed n-grams. Defaults are those of the papers: words and pairs of them (Joulin et al. 2017), and
/// 3 to 5 characters (Bojanowski et al. 2017 have 3 to 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BagSpec {
    /// The rows of the table, one of which each n-gram is hashed to.
    pub buckets: usize,
    /// The width of the table; as many as there are classes if it is not given.
    pub width: Option<usize>,
    /// The n-grams of words.
    pub words: Lengths,
    /// The n-grams of the characters of a word.
    pub characters: Lengths,
}

impl BagSpec {
    /// A bag with the n-grams that a form has by default.
    pub const fn new(buckets: usize, width: Option<usize>) -> Self {
        let words = Lengths { shortest: 1, longest: 2 };
        Self { buckets, width, words, characters: Lengths { shortest: 3, longest: 5 } }
    }

    /// The width of the table for so many classes.
    pub fn width_for(&self, classes: usize) -> usize {
        self.width.unwrap_or(classes)
    }

    /// Splits `text:4096x8,16:chars=0:tanh` into the bag and the network behind it, `mlp:16:tanh`; none if it is of another
    /// family.
    pub(crate) fn split(spec: &str) -> Option<Result<(Self, String), String>> {
        let rest = spec.strip_prefix("text").filter(|rest| rest.is_empty() || rest.starts_with(':'))?;
        Some(Self::parse(rest.strip_prefix(':').unwrap_or(rest)))
    }

    fn parse(text: &str) -> Result<(Self, String), String> {
        let mut parts = text.split(':');
        let (table, units) = parts.next().unwrap_or_default().split_once(',').unwrap_or((text, ""));
        let table = table.split(':').next().unwrap_or_default().trim();
        let number =
            |text: &str, [low, high]: [usize; 2]| text.parse().ok().filter(|n| (low..=high).contains(n));
        let (buckets, width) = table.split_once('x').map_or((table, None), |(a, b)| (a, Some(b)));
        let buckets = number(buckets, [2, BUCKETS_MAX]);
        let width = width.map(|width| number(width, [1, WIDTH_MAX]).ok_or(())).transpose();
        let (Some(buckets), Ok(width)) = (buckets, width) else {
            return Err(format!(
                "`{table}` is no table such as 4096x8, of 2 to {BUCKETS_MAX} buckets and a width of 1 to {WIDTH_MAX},"
            ));
        };
        let mut bag = Self::new(buckets, width);
        let mut dense = format!("mlp:{units}");
        let mut given = Vec::new();
        for option in parts {
            let lengths = |value: &str, range: [usize; 2]| {
                Lengths::parse(value, range).ok_or_else(|| {
                    format!("`{option}` is no length or range from {} to {}, or 0,", range[0], range[1])
                })
            };
            match option.split_once('=') {
                Some((key @ ("words" | "chars"), _)) if given.contains(&key) => {
                    return Err(format!("a second {key}, `{option}`,"));
                }
                Some((key @ "words", value)) => {
                    given.push(key);
                    bag.words = lengths(value, [1, WORDS_MAX])?;
                }
                Some((key @ "chars", value)) => {
                    given.push(key);
                    bag.characters = lengths(value, [2, CHARACTERS_MAX])?;
                }
                _ => {
                    dense.push(':');
                    dense.push_str(option);
                }
            }
        }
        match bag.words.longest + bag.characters.longest {
            0 => Err("neither words nor characters".to_owned()),
            _ => Ok((bag, dense)),
        }
    }

    /// The options that differ from the defaults, as they are written.
    pub(crate) fn options(&self) -> [Option<String>; 2] {
        let usual = Self::new(self.buckets, self.width);
        [
            (self.words != usual.words).then(|| format!("words={}", self.words)),
            (self.characters != usual.characters).then(|| format!("chars={}", self.characters)),
        ]
    }

    /// The table, as it is written.
    pub(crate) fn table(&self) -> String {
        let width = self.width.map(|width| format!("x{width}")).unwrap_or_default();
        format!("{}{width}", self.buckets)
    }
}
