//! Numbers of texts: the mean of the rows of a table that their n-grams are hashed to.
//!
//! ```
//! use potstill::model::TextBag;
//! use potstill::nn::ngrams::BagSpec;
//!
//! let parameters: Vec<f32> = (0..64 * 3).map(|i| i as f32).collect();
//! let bag = TextBag::from_parameters(BagSpec::new(64, Some(3)), 3, &parameters).unwrap();
//! let mut mean = [0.0; 3];
//! bag.mean_of("a good one", &mut mean);
//! assert_eq!(mean.to_vec(), bag.means(["A good one!"].into_iter()));
//! bag.mean_of("...", &mut mean);
//! assert_eq!(mean, [0.0; 3]);
//! ```

use crate::data::text::for_each_ngram;
use potstill_core::{Pcg64, snapshot};
use potstill_nn::embedding::{Bags, EmbeddingBag, divide};
use potstill_nn::ngrams::BagSpec;

/// A table of embeddings with the form of the n-grams that its rows stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct TextBag {
    spec: BagSpec,
    table: EmbeddingBag,
}

impl TextBag {
    /// A table with this width, initialised.
    pub fn new(spec: BagSpec, width: usize, rng: &mut Pcg64) -> Self {
        Self { spec, table: EmbeddingBag::initialised(spec.buckets, width, rng) }
    }

    /// A table with this width and these numbers, `buckets x width`; none if they are not as many.
    pub fn from_parameters(spec: BagSpec, width: usize, parameters: &[f32]) -> Option<Self> {
        if Some(parameters.len()) != spec.buckets.checked_mul(width) {
            return None;
        }
        let mut table = EmbeddingBag::zeroed(spec.buckets, width);
        table.parameters_mut().copy_from_slice(parameters);
        Some(Self { spec, table })
    }

    /// The form of the n-grams.
    pub fn spec(&self) -> &BagSpec {
        &self.spec
    }

    /// The table.
    pub fn table(&self) -> &EmbeddingBag {
        &self.table
    }

    /// The table, to be trained.
    pub fn table_mut(&mut self) -> &mut EmbeddingBag {
        &mut self.table
    }

    /// The mean of the rows of a text's n-grams, into `mean`; zeros of a text without words. Nothing is allocated.
    ///
    /// # Panics
    /// If `mean` has another width than the table.
    pub fn mean_of(&self, text: &str, mean: &mut [f32]) {
        mean.fill(0.0);
        let mut count = 0;
        for_each_ngram(text, &self.spec, |row| {
            count += 1;
            self.table.add(row, mean);
        });
        divide(mean, count);
    }

    /// The means of texts, `texts x width`.
    pub fn means<'a>(&self, texts: impl ExactSizeIterator<Item = &'a str>) -> Vec<f32> {
        let width = self.table.width();
        let mut means = vec![0.0; texts.len() * width];
        means.chunks_exact_mut(width).zip(texts).for_each(|(mean, text)| self.mean_of(text, mean));
        means
    }
}

/// The rows of the n-grams of texts, to be embedded many times.
pub fn bags_of<'a>(spec: &BagSpec, texts: impl Iterator<Item = &'a str>) -> Bags {
    let mut bags = Bags::default();
    for text in texts {
        for_each_ngram(text, spec, |row| bags.push(row));
        bags.end();
    }
    bags
}

snapshot! {
    impl Restorable for TextBag {
        saved: table;
        built: spec;
    }
}
