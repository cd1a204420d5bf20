//! Numbers in the prose of a page: each is one of the page's own blocks, or named as given.

/// Words after which a number is a place in a book or a paper.
const PLACES: [&str; 8] =
    ["section", "sections", "Example", "equation", "figure", "chapter", "table", "Algorithm"];

/// A number as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Number {
    /// Its digits, without sign and separators of thousands.
    pub(crate) text: String,
    /// The word before it.
    before: String,
}

impl Number {
    fn value(&self) -> f64 {
        self.text.parse().expect("digits and a point")
    }

    /// Returns true if it is this number, rounded to its digits, or as a percentage.
    fn rounds(&self, exact: f64) -> bool {
        let decimals = self.text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let half = 0.5 * 10f64.powi(-(decimals as i32)) * (1.0 + 1e-9);
        [exact, 100.0 * exact].iter().any(|exact| (exact - self.value()).abs() <= half)
    }

    /// Returns true for a digit, a year and a place in a paper, which no program prints.
    fn is_free(&self) -> bool {
        let is_year = self.text.len() == 4 && (1900.0..2100.0).contains(&self.value());
        self.text.len() == 1 || is_year || PLACES.contains(&self.before.as_str())
    }
}

/// The numbers of a text. Digits within a word, such as `v1`, are none.
pub(crate) fn numbers(text: &str) -> Vec<Number> {
    let mut found = Vec::new();
    let mut before = String::new();
    for word in text.split(|c: char| c.is_whitespace() || "()[]{}/=:;|*\"'`~<>^_+–".contains(c)) {
        let word = word.trim_end_matches(['.', ',', '?', '!', '%']).trim_start_matches(['-', '\u{2212}']);
        let digits = word.replace(',', "");
        if digits.starts_with(|c: char| c.is_ascii_digit()) && digits.parse::<f64>().is_ok() {
            found.push(Number { text: digits, before: before.clone() });
        }
        if !word.is_empty() {
            word.clone_into(&mut before);
        }
    }
    found
}

/// The numbers in the prose of a page that are not free, in none of its blocks, and not named in a comment
/// `<!-- given: ... -->`.
pub(crate) fn strangers(page: &str) -> Vec<Number> {
    let (mut prose, mut blocks, mut within) = (String::new(), String::new(), false);
    for line in page.lines() {
        let is_fence = line.starts_with("```");
        within ^= is_fence;
        let given = line.strip_prefix("<!-- given:");
        let to = if within || is_fence || given.is_some() { &mut blocks } else { &mut prose };
        *to += &format!("{}\n", given.unwrap_or(line));
    }
    let known: Vec<f64> = numbers(&blocks).iter().map(Number::value).collect();
    let is_known = |number: &Number| number.is_free() || known.iter().any(|&exact| number.rounds(exact));
    numbers(&spoken(&prose)).into_iter().filter(|number| !is_known(number)).collect()
}

/// Prose without the targets of links and without code, but for code that is a number.
fn spoken(prose: &str) -> String {
    let mut text = String::new();
    for (i, part) in prose.split('`').enumerate() {
        if i % 2 == 0 || numbers(part).len() == 1 && !part.contains(char::is_alphabetic) {
            text += part;
        }
    }
    let parts = text.split("](").enumerate();
    parts
        .map(|(i, part)| if i == 0 { part } else { part.split_once(')').map_or("", |(_, rest)| rest) })
        .collect()
}
