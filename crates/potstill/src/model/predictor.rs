//! A network, or a decision tree, that predicts a class or a number from the rows of a data frame.

use super::text_bag::TextBag;
use super::tree::DecisionTree;
use crate::data::preprocessing::{Encoding, Target};
use crate::data::{DataFrame, Dataset, Preprocessing};
use crate::targets::{argmax, soft_targets};
use potstill_core::{Restorable, Snapshot, SnapshotError, Value};
use potstill_nn::{Network, NetworkSpec, Workspace};
use std::sync::Arc;

/// A network behind the preprocessing that it was trained with, of texts behind a bag of their n-grams; or a tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictor {
    learned: Learned,
    preprocessing: Arc<Preprocessing>,
}

/// The learned part of a predictor.
#[derive(Clone, Debug, PartialEq)]
enum Learned {
    Network { network: Box<Network>, bag: Option<TextBag> },
    Tree(DecisionTree),
}

impl Predictor {
    /// A predictor of numbers.
    ///
    /// # Errors
    /// If the network has other inputs or outputs: the reason.
    pub fn new(network: Network, preprocessing: Arc<Preprocessing>) -> Result<Self, String> {
        Self::with_bag(network, preprocessing, None)
    }

    /// A predictor of texts, if it has a bag.
    ///
    /// # Errors
    /// If the network has other inputs or outputs, or a bag is missing or too many: the reason.
    pub fn with_bag(
        network: Network,
        preprocessing: Arc<Preprocessing>,
        bag: Option<TextBag>,
    ) -> Result<Self, String> {
        let inputs = match (&bag, preprocessing.text()) {
            (None, None) => preprocessing.shape().iter().product(),
            (Some(bag), Some(_)) => bag.table().width(),
            (None, Some(text)) => {
                return Err(format!("its column `{text}` has texts, but it has no n-grams"));
            }
            (Some(_), None) => return Err("it has n-grams, but no column of texts".to_owned()),
        };
        let outputs = preprocessing.classes().len().max(1);
        if (network.inputs(), network.outputs()) != (inputs, outputs) {
            let (found, out) = (network.inputs(), network.outputs());
            return Err(format!(
                "the network maps {found} to {out}, but its preprocessing gives {inputs} inputs and {outputs} outputs"
            ));
        }
        Ok(Self { learned: Learned::Network { network: Box::new(network), bag }, preprocessing })
    }

    /// A predictor that is a decision tree.
    ///
    /// # Errors
    /// If the tree has other inputs or outputs: the reason.
    pub fn of_tree(tree: DecisionTree, preprocessing: Arc<Preprocessing>) -> Result<Self, String> {
        let inputs = preprocessing.shape().iter().product();
        let outputs = preprocessing.classes().len().max(1);
        if preprocessing.text().is_some() || (tree.features(), tree.outputs()) != (inputs, outputs) {
            return Err(format!(
                "the tree maps {} to {}, but its preprocessing gives {inputs} inputs and {outputs} outputs",
                tree.features(),
                tree.outputs()
            ));
        }
        Ok(Self { learned: Learned::Tree(tree), preprocessing })
    }

    /// The network; none of a tree.
    pub fn network(&self) -> Option<&Network> {
        match &self.learned {
            Learned::Network { network, .. } => Some(network),
            Learned::Tree(_) => None,
        }
    }

    /// The decision tree, if it is one.
    pub fn tree(&self) -> Option<&DecisionTree> {
        match &self.learned {
            Learned::Tree(tree) => Some(tree),
            Learned::Network { .. } => None,
        }
    }

    /// Numbers of a row of inputs, encoded, or the means of a text.
    pub fn input_count(&self) -> usize {
        match &self.learned {
            Learned::Network { network, .. } => network.inputs(),
            Learned::Tree(tree) => tree.features(),
        }
    }

    /// The answers to encoded rows, `rows x outputs`: logits of classes, or the scaled value of a regression.
    ///
    /// # Panics
    /// If the inputs are not those of whole rows.
    pub fn answers(&self, inputs: &[f32], workspace: &mut Workspace) -> Vec<f32> {
        match &self.learned {
            Learned::Network { network, .. } => network.predict(inputs, workspace).to_vec(),
            Learned::Tree(tree) => tree.predict(inputs),
        }
    }

    /// The rules of a tree in words, down to so many levels; none of a network.
    pub fn rules(&self, levels: usize) -> Option<Vec<String>> {
        let columns: Vec<Conditions<'_>> = self.preprocessing.inputs().iter().flat_map(conditions).collect();
        let condition =
            |feature: usize, threshold: f32, above: bool| columns[feature].words(threshold, above);
        let leaf = |outputs: &[f32]| match self.preprocessing.target() {
            Target::Value { .. } => significant(self.preprocessing.value(outputs[0])),
            Target::Classes { classes, .. } => {
                let best = argmax(outputs);
                let share = soft_targets(1.0, outputs, outputs.len())[best];
                format!("{} ({:.0} %)", classes[best], 100.0 * share)
            }
        };
        Some(self.tree()?.rules(levels, &condition, &leaf))
    }

    /// The preprocessing.
    pub fn preprocessing(&self) -> &Arc<Preprocessing> {
        &self.preprocessing
    }

    /// The same network behind a preprocessing of as many inputs and classes.
    #[cfg(feature = "disk")]
    pub(crate) fn with_preprocessing(&self, preprocessing: Preprocessing) -> Self {
        Self { preprocessing: Arc::new(preprocessing), ..self.clone() }
    }

    /// The bag of n-grams before the network, of texts.
    pub fn bag(&self) -> Option<&TextBag> {
        match &self.learned {
            Learned::Network { bag, .. } => bag.as_ref(),
            Learned::Tree(_) => None,
        }
    }

    /// The form of the network, with that of the bag; none of a tree.
    pub fn spec(&self) -> Option<NetworkSpec> {
        let bag = self.bag().map(|bag| *bag.spec());
        self.network().map(|network| NetworkSpec { bag, ..network.spec().clone() })
    }

    /// The number of parameters, those of the bag included.
    pub fn parameters(&self) -> usize {
        match &self.learned {
            Learned::Network { network, .. } => network.parameters().len() + self.of_bag().len(),
            Learned::Tree(tree) => tree.parameters(),
        }
    }

    /// Returns true if all parameters are finite.
    pub fn is_finite(&self) -> bool {
        match &self.learned {
            Learned::Network { network, .. } => {
                let learned = network.parameters().iter().chain(network.statistics());
                learned.chain(self.of_bag()).all(|v| v.is_finite())
            }
            Learned::Tree(tree) => tree.is_finite(),
        }
    }

    /// The parameters of the bag; none without one.
    pub fn of_bag(&self) -> &[f32] {
        self.bag().map_or(&[], |bag| bag.table().parameters())
    }

    /// The network's inputs for these rows, `rows x inputs of the network`.
    ///
    /// # Errors
    /// If a column is missing or of another kind, or a value is missing: where.
    pub fn inputs(&self, frame: &DataFrame, rows: &[usize]) -> Result<Vec<f32>, String> {
        match self.bag() {
            None => self.preprocessing.encode(frame, rows),
            Some(bag) => {
                let texts = self.preprocessing.texts(frame, rows)?;
                Ok(bag.means(texts.iter().map(|text| &**text)))
            }
        }
    }

    /// The samples as the network takes them: the same, or the means of texts.
    pub fn embedded(&self, data: &Arc<Dataset>) -> Arc<Dataset> {
        match self.bag() {
            None => Arc::clone(data),
            Some(bag) => {
                let means = bag.means(data.texts.iter().map(|text| &**text));
                Arc::new(data.embedded(bag.table().width(), means))
            }
        }
    }
}

/// The branch of a bag in a snapshot.
const EMBEDDING: &str = "embedding";

impl Restorable for Predictor {
    fn snapshot(&self) -> Snapshot {
        match &self.learned {
            Learned::Tree(tree) => tree.snapshot(),
            Learned::Network { network, bag } => {
                let mut snapshot = network.snapshot();
                if let Some(bag) = bag {
                    snapshot.insert(EMBEDDING, Value::Tree(bag.snapshot()));
                }
                snapshot
            }
        }
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        match &mut self.learned {
            Learned::Tree(tree) => tree.restore(snapshot),
            Learned::Network { network, bag } => {
                network.restore(snapshot)?;
                bag.as_mut().map_or(Ok(()), |bag| bag.restore(snapshot.tree(EMBEDDING)?))
            }
        }
    }
}

/// The words for conditions on one input.
enum Conditions<'a> {
    /// A number: `mean + deviation x`.
    Number { name: String, mean: f64, deviation: f64 },
    /// One of the words of a column.
    Word { column: &'a str, word: &'a str },
}

impl Conditions<'_> {
    fn words(&self, threshold: f32, above: bool) -> String {
        match self {
            Self::Word { column, word } => format!("{column} {} {word}", if above { "is" } else { "is not" }),
            Self::Number { name, mean, deviation } => {
                let sign = if above { ">" } else { "<=" };
                format!("{name} {sign} {}", significant(mean + deviation * f64::from(threshold)))
            }
        }
    }
}

/// The conditions on the inputs of a column.
fn conditions(encoding: &Encoding) -> Vec<Conditions<'_>> {
    let column = encoding.column();
    let number = |name: String, mean: f64, deviation: f64| Conditions::Number { name, mean, deviation };
    let place = |i: usize, [_, width, channels]: [usize; 3]| match channels {
        _ if encoding.shape()[..2] == [1, 1] => format!("{column}[{i}]"),
        1 => format!("{column}[{}, {}]", i / width, i % width),
        _ => format!("{column}[{}, {}, {}]", i / channels / width, i / channels % width, i % channels),
    };
    match encoding {
        Encoding::Number { scaling, .. } => vec![number(column.to_owned(), scaling.mean, scaling.deviation)],
        Encoding::Category { levels, .. } => {
            levels.iter().map(|word| Conditions::Word { column, word }).collect()
        }
        Encoding::Image { shape, white, .. } => {
            (0..encoding.width()).map(|i| number(place(i, *shape), 0.0, f64::from(*white))).collect()
        }
        Encoding::Array { shape, scaling, .. } => (0..encoding.width())
            .map(|i| {
                let scaling = scaling.get(i).map_or((0.0, 1.0), |scaling| (scaling.mean, scaling.deviation));
                number(place(i, *shape), scaling.0, scaling.1)
            })
            .collect(),
        Encoding::Text { .. } => Vec::new(),
    }
}

/// A number with five digits that count.
fn significant(x: f64) -> String {
    // Its own rounding, read back, so that no zeros follow.
    format!("{x:.4e}").parse::<f64>().map_or_else(|_| x.to_string(), |x| x.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Column, DataOptions, Values};

    #[test]
    fn rules_name_columns_words_and_classes() {
        let mut words = [Values::words(), Values::words()];
        for (colour, class) in [("red", "yes"), ("blue", "no"), ("red", "no")] {
            words[0].push_word(Some(colour));
            words[1].push_word(Some(class));
        }
        let [colours, classes] = words;
        let columns = vec![
            Column::new("size", Values::Numbers(vec![10.0, 30.0, 20.0].into())),
            Column::new("colour", colours),
            Column::new("label", classes),
        ];
        let frame = DataFrame::new(columns).unwrap();
        let preprocessing = Preprocessing::fit(&frame, &[0, 1, 2], &DataOptions::default()).unwrap();
        let mut tree = DecisionTree::leaf(3, vec![0.0, 0.0]);
        // Blue is the first of the colours; size is (x - 20) / 8.16497.
        let [not_blue, _] = tree.split(0, 1, 0.5, [vec![0.0, 0.0], vec![2.0, 0.0]]);
        tree.split(not_blue, 0, -0.612_372_4, [vec![0.0, 3.0_f32.ln()], vec![1.0, 1.0]]);
        let predictor = Predictor::of_tree(tree, Arc::new(preprocessing)).unwrap();
        assert_eq!(
            predictor.rules(5).unwrap(),
            [
                "colour is not blue",
                "|   size <= 15: yes (75 %)",
                "|   size > 15: no (50 %)",
                "colour is blue: no (88 %)"
            ]
        );
        let other = DecisionTree::leaf(2, vec![0.0, 0.0]);
        let error = Predictor::of_tree(other, Arc::clone(predictor.preprocessing())).unwrap_err();
        assert_eq!(error, "the tree maps 2 to 2, but its preprocessing gives 3 inputs and 2 outputs");
    }
}
