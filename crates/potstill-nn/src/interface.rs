//! The interface of a network: inputs, outputs, named heads, and parameters that belong to no layer.

use std::ops::Range;

/// The shape of an input: an image, or features, which are an image of one point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// Images, one after the other, that are seen as the channels of one.
    pub frames: usize,
    /// Rows of points.
    pub height: usize,
    /// Points of a row.
    pub width: usize,
    /// Numbers at each point, which run fastest.
    pub channels: usize,
}

impl Inputs {
    /// All numbers of one input.
    pub fn count(&self) -> usize {
        self.frames * self.height * self.width * self.channels
    }

    /// Calls `work` for each run of numbers that stay together on the way into a network: the first number of
    /// the sample, and the rows. Frames of a stack become the channels of one image.
    pub(crate) fn for_each_run(&self, mut work: impl FnMut(usize, Range<usize>)) {
        let Self { frames, height, width, channels } = *self;
        if frames == 1 {
            return work(0, 0..self.count());
        }
        let points = height * width;
        for frame in 0..frames {
            for point in 0..points {
                let first = (point * frames + frame) * channels;
                work((frame * points + point) * channels, first..first + channels);
            }
        }
    }
}

impl From<usize> for Inputs {
    fn from(features: usize) -> Self {
        Self { frames: 1, height: 1, width: 1, channels: features }
    }
}

impl From<[usize; 3]> for Inputs {
    fn from([height, width, channels]: [usize; 3]) -> Self {
        Self { frames: 1, height, width, channels }
    }
}

/// The meaning of the outputs, for each of some choices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Head {
    /// One value per choice.
    Values,
    /// Logits of a distribution over values that lie evenly from `low` to `high` (Bellemare et al. 2017).
    Categorical {
        /// Number of values.
        atoms: usize,
        /// The lowest.
        low: f64,
        /// The highest.
        high: f64,
    },
    /// Quantiles of a distribution, at the middles of equal parts of the probability (Dabney et al. 2018).
    Quantile {
        /// Number of quantiles.
        quantiles: usize,
    },
    /// The quantile of whatever probability is asked for: the network has that for a second input (Dabney et
    /// al. 2018b).
    Implicit {
        /// Cosine features of a probability.
        cosines: usize,
    },
    /// A value, and a logit of a policy that imitates: choices whose probability is below a share of the largest one have
    /// no value (Fujimoto et al. 2019).
    Constrained {
        /// The natural logarithm of that share, 0 or below.
        ln_share: f32,
    },
}

impl Head {
    /// Outputs per choice.
    pub fn atoms(&self) -> usize {
        match *self {
            Head::Values | Head::Implicit { .. } => 1,
            Head::Categorical { atoms, .. } => atoms,
            Head::Quantile { quantiles } => quantiles,
            Head::Constrained { .. } => 2,
        }
    }
}

/// Inputs and outputs of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ends {
    /// The shape of an input.
    pub inputs: Inputs,
    /// Classes, or actions, that the outputs are about.
    pub choices: usize,
    /// The meaning of the outputs.
    pub head: Head,
}

impl Ends {
    /// Features in, one value for each choice out.
    pub fn new(inputs: impl Into<Inputs>, choices: usize) -> Self {
        Self { inputs: inputs.into(), choices, head: Head::Values }
    }

    /// Numbers that come out for one sample, or for one sample and one probability.
    pub fn outputs(&self) -> usize {
        self.choices * self.head.atoms()
    }
}

/// A linear layer on the last hidden one, beside others: its tensors are `name.weight` and `name.bias`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedHead {
    /// The name: letters, digits and underscores, not beginning with a digit.
    pub name: String,
    /// Its outputs for one sample, at least 1.
    pub outputs: usize,
}

/// Parameters that belong to no layer, such as a logarithm of a standard deviation that does not depend on
/// the state. They lie behind those of the layers, are trained, averaged and saved with them, and are the
/// tensor `name` of shape `[length]`.
#[derive(Clone, Debug, PartialEq)]
pub struct FreeParameters {
    /// The name: letters, digits and underscores, not beginning with a digit.
    pub name: String,
    /// Number of parameters, at least 1.
    pub length: usize,
    /// Their initial value.
    pub initial: f32,
}

/// Inputs, outputs, named heads and free parameters of a network. [`Ends`] alone converts into one.
///
/// ```
/// use potstill_core::Pcg64;
/// use potstill_nn::{Ends, Initialisation, Interface, NetworkSpec};
///
/// // A Gaussian policy: six means, and six standard deviations that begin as 1.
/// let interface = Interface::from(&Ends::new(17, 6)).with_free("log_std", 6, 0.0);
/// let spec: NetworkSpec = "mlp:64,64:tanh".parse()?;
/// let network = spec.initialised(&interface, Initialisation::Orthogonal, &mut Pcg64::new(1));
/// assert_eq!(network.free_parameters("log_std"), Some(&[0.0; 6][..]));
/// # Ok::<(), potstill_nn::spec::SpecError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Interface {
    /// Inputs and outputs. With named heads, `choices` is the sum of their outputs, and the kind of output is
    /// a value.
    pub ends: Ends,
    /// Heads that share the hidden layers. Empty for a single head without a name, whose tensors are numbered
    /// as those of a further layer.
    pub heads: Vec<NamedHead>,
    /// Parameters that belong to no layer.
    pub free: Vec<FreeParameters>,
}

impl Interface {
    /// Features or images in, and the outputs of several named heads out.
    ///
    /// ```
    /// use potstill_core::Pcg64;
    /// use potstill_nn::{Initialisation, Interface, NetworkSpec, Workspace};
    ///
    /// let interface = Interface::of_heads(4, &[("policy", 2), ("value", 1)]);
    /// let spec: NetworkSpec = "mlp:64,64:tanh".parse()?;
    /// let network = spec.initialised(&interface, Initialisation::Orthogonal, &mut Pcg64::new(1));
    /// let (samples, mut workspace) = (10, Workspace::default());
    /// let outputs = network.forward(&[0.5; 40], &mut workspace);
    /// // All samples of one head, then all of the next.
    /// let policy = &outputs[network.head_range("policy", samples)];
    /// let value = &outputs[network.head_range("value", samples)];
    /// assert_eq!((policy.len(), value.len()), (20, 10));
    /// # Ok::<(), potstill_nn::spec::SpecError>(())
    /// ```
    pub fn of_heads(inputs: impl Into<Inputs>, heads: &[(&str, usize)]) -> Self {
        let named = |&(name, outputs): &(&str, usize)| NamedHead { name: name.to_owned(), outputs };
        Self {
            ends: Ends::new(inputs, heads.iter().fold(0, |sum: usize, head| sum.saturating_add(head.1))),
            heads: heads.iter().map(named).collect(),
            free: Vec::new(),
        }
    }

    /// Adds free parameters.
    #[must_use]
    pub fn with_free(mut self, name: &str, length: usize, initial: f32) -> Self {
        self.free.push(FreeParameters { name: name.to_owned(), length, initial });
        self
    }

    /// Checks that all names are well formed and different, and that named heads agree with the ends.
    pub(crate) fn check(&self) -> Result<(), String> {
        let heads = self.heads.iter().map(|head| &*head.name);
        let names: Vec<&str> = heads.chain(self.free.iter().map(|free| &*free.name)).collect();
        for (i, name) in names.iter().enumerate() {
            let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
            if !name.starts_with(is_letter) || !name.chars().all(|c| is_letter(c) || c.is_ascii_digit()) {
                return Err(format!(
                    "`{name}` is no name: letters, digits and underscores, not beginning with a digit"
                ));
            }
            if names[..i].contains(name) {
                return Err(format!("there are two of the name `{name}`"));
            }
        }
        if let Some(head) = self.heads.iter().find(|head| head.outputs == 0) {
            return Err(format!("head `{}` must have an output", head.name));
        }
        let sum = self.heads.iter().try_fold(0_usize, |sum, head| sum.checked_add(head.outputs));
        if !self.heads.is_empty() && (self.ends.head != Head::Values || sum != Some(self.ends.choices)) {
            return Err("named heads have values, as many in all as there are choices".to_owned());
        }
        Ok(())
    }
}

impl From<&Ends> for Interface {
    fn from(ends: &Ends) -> Self {
        Self { ends: *ends, heads: Vec::new(), free: Vec::new() }
    }
}

impl From<&Interface> for Interface {
    fn from(interface: &Interface) -> Self {
        interface.clone()
    }
}
