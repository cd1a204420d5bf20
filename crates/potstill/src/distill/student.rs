//! The parts of a student that learns classes: a network, of texts behind a bag of their n-grams.
//!
//! ```
//! use potstill::data::{Column, DataFrame, DataOptions, Preprocessing, Values};
//! use potstill::distill::StudentForm;
//!
//! let mut columns = [Values::words(), Values::words()];
//! for (text, class) in [("so good", "yes"), ("so bad", "no"), ("good", "yes")] {
//!     columns[0].push_word(Some(text));
//!     columns[1].push_word(Some(class));
//! }
//! let [texts, classes] = columns;
//! let frame = DataFrame::new(vec![Column::new("text", texts), Column::new("label", classes)])?;
//! let options = DataOptions { text: Some("text".to_owned()), ..DataOptions::default() };
//! let data = Preprocessing::fit(&frame, &[0, 1, 2], &options)?.labelled(&frame, &[0, 1, 2])?;
//! let form = StudentForm::new(&"text:512x4,8".parse().unwrap(), &data)?;
//! assert_eq!((form.network.to_string(), form.ends.inputs.count(), form.parameters()?), ("mlp:8".to_owned(), 4, 512 * 4 + 4 * 8 + 8 + 8 * 2 + 2));
//! # Ok::<(), String>(())
//! ```

use crate::data::Dataset;
use crate::model::text_bag::bags_of;
use crate::model::{Model, TextBag};
use crate::optimizer::{Front, OptimizerConfig};
use potstill_core::{Streams, snapshot};
use potstill_nn::embedding::{Bags, SparseGradient, SparseOptimiser, SparseRule};
use potstill_nn::ngrams::BagSpec;
use potstill_nn::{Ends, Network, NetworkSpec};
use std::sync::Arc;

/// The bag before a network that is given without one: `text:4096x16`.
const USUAL: BagSpec = BagSpec::new(4096, Some(16));

/// The forms of a student's parts for some samples.
#[derive(Clone, Debug, PartialEq)]
pub struct StudentForm {
    /// The bag of n-grams, of texts.
    pub bag: Option<BagSpec>,
    /// The network, behind it.
    pub network: NetworkSpec,
    /// The network's inputs and outputs.
    pub ends: Ends,
}

impl StudentForm {
    /// The forms of a student; a network without a bag gets one of 4096 x 16 for texts.
    ///
    /// # Errors
    /// If the form is one for other samples: the reason.
    pub fn new(spec: &NetworkSpec, data: &Dataset) -> Result<Self, String> {
        if !data.is_texts() {
            return match spec.bag {
                Some(_) => {
                    Err("it reads texts, and the data are numbers; name a column of texts with text=NAME"
                        .to_owned())
                }
                None => Ok(Self { bag: None, network: spec.clone(), ends: data.ends(spec) }),
            };
        }
        if !spec.stages.is_empty() {
            return Err(
                "it reads images, and the data are texts; give text:4096x8 or text:4096x8,16".to_owned()
            );
        }
        let (bag, outputs) = (spec.bag.unwrap_or(USUAL), data.classes.max(1));
        let network = NetworkSpec { bag: None, ..spec.clone() };
        Ok(Self { bag: Some(bag), network, ends: Ends::new(bag.width_for(outputs), outputs) })
    }

    /// Parameters of all parts.
    ///
    /// # Errors
    /// If there is no such network.
    pub fn parameters(&self) -> Result<usize, String> {
        let of_bag = self.bag.map_or(0, |bag| bag.buckets * self.ends.inputs.count());
        Ok(self.network.check(&self.ends)? + of_bag)
    }
}

/// The texts that a student is trained on, the bag that makes numbers of them, and its optimiser.
#[derive(Clone, Debug)]
pub(crate) struct TextFront {
    bag: TextBag,
    optimiser: SparseOptimiser,
    gradient: SparseGradient,
    d_inputs: Vec<f32>,
    /// The n-grams of the training texts.
    train: Bags,
    /// The samples of the last minibatch.
    batch: Vec<usize>,
    /// Texts that were embedded before, with their n-grams.
    known: Vec<(Arc<Dataset>, Arc<Bags>)>,
}

impl TextFront {
    /// The bag of this form for the texts of some data.
    pub(super) fn new(
        form: &StudentForm,
        data: &Dataset,
        optimizer: &OptimizerConfig,
        streams: Streams,
    ) -> Option<Self> {
        let spec = form.bag?;
        let bag = TextBag::new(spec, form.ends.inputs.count(), &mut streams.stream("embedding"));
        let rule = SparseRule::of(optimizer.rule()).expect("the optimiser is checked before");
        Some(Self {
            optimiser: SparseOptimiser::new(rule, bag.table()),
            gradient: SparseGradient::new(bag.table()),
            d_inputs: Vec::new(),
            train: bags_of(&spec, data.texts.iter().map(|text| &**text)),
            batch: Vec::new(),
            known: Vec::new(),
            bag,
        })
    }

    pub(super) fn bag(&self) -> &TextBag {
        &self.bag
    }

    /// The means of some training texts, `samples x width`.
    pub(super) fn forward(&mut self, samples: &[usize], means: &mut Vec<f32>) {
        let table = self.bag.table();
        means.resize(samples.len() * table.width(), 0.0);
        for (&sample, mean) in samples.iter().zip(means.chunks_exact_mut(table.width())) {
            table.mean(self.train.bag(sample), mean);
        }
        self.batch.clear();
        self.batch.extend_from_slice(samples);
        self.d_inputs.resize(means.len(), 0.0);
    }

    /// Other texts as the network takes them. Their n-grams are kept for the next time.
    pub(super) fn embedded(&mut self, data: &Arc<Dataset>) -> Arc<Dataset> {
        let known = self.known.iter().find(|(other, _)| Arc::ptr_eq(other, data));
        let bags = known.map(|(_, bags)| Arc::clone(bags)).unwrap_or_else(|| {
            let bags = Arc::new(bags_of(self.bag.spec(), data.texts.iter().map(|text| &**text)));
            self.known.push((Arc::clone(data), Arc::clone(&bags)));
            bags
        });
        let table = self.bag.table();
        let mut means = vec![0.0; bags.len() * table.width()];
        means.chunks_exact_mut(table.width()).enumerate().for_each(|(i, mean)| table.mean(bags.bag(i), mean));
        Arc::new(data.embedded(table.width(), means))
    }

    /// Takes over the parameters of a model.
    pub(super) fn start_from(&mut self, model: &Model, network: &mut Network) -> Result<(), String> {
        model.copy_to_texts(&mut self.bag, network)
    }
}

impl Front for TextFront {
    fn d_inputs(&mut self) -> &mut [f32] {
        &mut self.d_inputs
    }

    fn backward(&mut self) {
        self.gradient.clear();
        let width = self.bag.table().width();
        for (&sample, d_mean) in self.batch.iter().zip(self.d_inputs.chunks_exact(width)) {
            self.gradient.add(self.train.bag(sample), d_mean);
        }
    }

    fn parameters(&self) -> &[f32] {
        self.bag.table().parameters()
    }

    fn gradient(&self) -> &[f32] {
        self.gradient.values()
    }

    fn gradient_mut(&mut self) -> &mut [f32] {
        self.gradient.values_mut()
    }

    fn step(&mut self, learning_rate: f64, shrink: f32) {
        self.optimiser.step(learning_rate, shrink, self.bag.table_mut(), &self.gradient);
    }
}

snapshot! {
    impl Restorable for TextFront {
        saved: bag, optimiser;
        built: gradient, d_inputs, train, batch, known;
    }
}
