//! Network specifications, as they are written in a command line or a file.
//!
//! ```
//! use potstill_nn::NetworkSpec;
//!
//! let spec: NetworkSpec = "cnn:32x8s4,64x4s2,64x3,512".parse()?;
//! // Convolutions of 32 channels, 8 x 8, in steps of 4, and so on; then 512 units.
//! assert_eq!((spec.stages.len(), spec.hidden.as_slice()), (3, &[512][..]));
//! assert_eq!("mlp:64,64:layernorm:tanh".parse::<NetworkSpec>()?.to_string(), "mlp:64,64:tanh:layernorm");
//! # Ok::<(), potstill_nn::spec::SpecError>(())
//! ```

use crate::ngrams::BagSpec;
pub use crate::stage::Stage;
use crate::stage::{UNITS_MAX, number, residual_network};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The nonlinearity after hidden layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// The hyperbolic tangent.
    Tanh,
    /// `x Phi(x)`, `Phi` the normal distribution's (Hendrycks and Gimpel 2016), exact and not by its usual
    /// approximations.
    Gelu,
    /// `x / (1 + e^-x)` (Elfwing et al. 2018), also called swish.
    Silu,
}

impl Activation {
    const ALL: [(&'static str, Activation); 4] = [
        ("relu", Activation::Relu),
        ("tanh", Activation::Tanh),
        ("gelu", Activation::Gelu),
        ("silu", Activation::Silu),
    ];
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Activation::ALL.iter().find(|(_, a)| a == self).map(|(name, _)| *name);
        f.write_str(name.expect("every activation has a name"))
    }
}

/// The form of a network, without the sizes of its ends.
///
/// `mlp:64,64` has two hidden layers; `mlp` alone is linear. `cnn:16x3,128` begins with a convolution of 16
/// channels and 3 x 3 points (`16x3s2` in steps of 2, `16x3p1` with one point of zeros around the image, `16x3same`
/// with as many as keep its size; `max2` and `avg2` pool squares of 2 x 2, `gap` all points; `res32s2` is a
/// [residual block](Stage::Residual) of 32 channels in steps of 2). Options follow, each after a colon: `relu`,
/// `tanh`, `gelu` or `silu`, and `layernorm`, `batchnorm`, `batchrenorm`, `dueling`, `noisy`.
/// `layernorm=1e-6` has another epsilon than PyTorch's, and `divide=255` divides the inputs first.
/// `batchrenorm=5000` renormalises after 5000 batches of plain batch normalisation, and not after 100,000.
/// `resnet8`, `resnet14` and `resnet20` are the residual networks of He et al. 2016a, section 4.2, for small images:
/// `resnet8` is `cnn:16x3p1,res16,res32s2,res64s2,gap:batchnorm`.
/// `text:4096x8,16` puts a [bag of hashed n-grams](BagSpec) before a hidden layer of 16 units.
///
/// Differences of `resnet8` and its like from the paper: where the shape changes, the input passes a convolution of
/// one point with batch normalisation (the paper's option B, as in the networks that students are compared with since
/// Tian et al. 2020), and not zeros (option A).
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkSpec {
    /// The bag of n-grams before the network, of texts. It is no part of the [`Network`](crate::Network).
    pub bag: Option<BagSpec>,
    /// Layers over an image; empty for features.
    pub stages: Vec<Stage>,
    /// Units of each hidden layer.
    pub hidden: Vec<usize>,
    /// The nonlinearity after each hidden layer.
    pub activation: Activation,
    /// Puts layer normalisation before each nonlinearity (Ba, Kiros and Hinton 2016).
    pub layer_norm: bool,
    /// The number that layer normalisation adds to the variance, from 1e-12 to 1; PyTorch's is 1e-5, Flax's 1e-6.
    pub layer_norm_epsilon: f32,
    /// Puts batch normalisation before each nonlinearity (Ioffe and Szegedy 2015), with PyTorch's epsilon and momentum.
    pub batch_norm: bool,
    /// Puts batch renormalisation before each dense layer, the first included (Ioffe 2017), with the
    /// constants of CrossQ (Bhatt et al. 2024); the number of batches of plain batch normalisation that come
    /// first, up to 1e9.
    pub batch_renorm: Option<u64>,
    /// The divisor of every input, from 1 to 65536: 255 makes numbers from 0 to 1 of bytes.
    pub input_divisor: u32,
    /// Splits the last hidden layer and the outputs into two streams, one for the state's value and one
    /// for what actions add to it (Wang et al. 2016).
    pub dueling: bool,
    /// Puts factorised noise on the weights of the dense layers (Fortunato et al. 2018).
    pub noisy: bool,
}

/// A network specification that does not parse.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason} in network `{spec}`; write `mlp:64,64`, `mlp:64,64:tanh`, `cnn:16x3,128` or `resnet8`")]
pub struct SpecError {
    /// The specification as written.
    pub spec: String,
    /// The reason.
    pub reason: String,
}

/// Layers are bounded so that a typing error is a message and not an allocation.
const LAYERS_MAX: usize = 16;
const DIVISOR_MAX: usize = 1 << 16;
const WARM_UP_MAX: u64 = 1_000_000_000;

/// PyTorch's guard against division by zero in layer normalisation.
const NORM_EPSILON: f32 = 1e-5;

impl NetworkSpec {
    /// The batches of plain batch normalisation before renormalisation, in CrossQ.
    pub const WARM_UP: u64 = 100_000;

    /// A network of dense layers with ReLU.
    pub fn mlp(hidden: &[usize]) -> Self {
        Self {
            bag: None,
            stages: Vec::new(),
            hidden: hidden.to_vec(),
            activation: Activation::Relu,
            layer_norm: false,
            layer_norm_epsilon: NORM_EPSILON,
            batch_norm: false,
            batch_renorm: None,
            input_divisor: 1,
            dueling: false,
            noisy: false,
        }
    }

    /// Is true for a network whose training passes normalise by the moments of their batch, and that has
    /// running statistics.
    pub fn has_statistics(&self) -> bool {
        self.batch_norm || self.batch_renorm.is_some()
    }

    /// The name of a residual network that has one.
    fn residual_name(&self) -> Option<&'static str> {
        let is_bare = self.bag.is_none() && self.hidden.is_empty() && self.batch_norm;
        let found = RESIDUAL.iter().find(|(_, blocks)| self.stages == residual_network(*blocks));
        found.filter(|_| is_bare).map(|(name, _)| *name)
    }
}

/// The residual networks with names, and the blocks in each of their three parts.
const RESIDUAL: [(&str, usize); 3] = [("resnet8", 1), ("resnet14", 2), ("resnet20", 3)];

fn epsilon(text: &str) -> Option<f32> {
    text.parse().ok().filter(|epsilon| (1e-12..=1.0).contains(epsilon))
}

impl FromStr for NetworkSpec {
    type Err = SpecError;

    fn from_str(spec: &str) -> Result<Self, SpecError> {
        let fail = |reason: String| SpecError { spec: spec.to_owned(), reason };
        if let Some(split) = BagSpec::split(spec) {
            let (bag, behind) = split.map_err(fail)?;
            let network: Self = behind.parse().map_err(|error: SpecError| fail(error.reason))?;
            return Ok(Self { bag: Some(bag), ..network });
        }
        let mut parts = spec.split(':');
        let family = parts.next().unwrap_or_default();
        let residual = RESIDUAL.iter().find(|(name, _)| *name == family);
        let mut network = Self::mlp(&[]);
        if let Some(&(_, blocks)) = residual {
            (network.stages, network.batch_norm) = (residual_network(blocks), true);
        } else if family.starts_with("resnet") {
            let names = RESIDUAL.map(|(name, _)| name).join(", ");
            return Err(fail(format!("`{family}` is none of {names}")));
        } else if family != "mlp" && family != "cnn" {
            return Err(fail(format!("unknown family `{family}`")));
        }
        let list = if residual.is_some() { "" } else { parts.next().unwrap_or_default() };
        for token in list.split(',').map(str::trim).filter(|_| !list.is_empty()) {
            if let Some(units) = number(token, UNITS_MAX) {
                network.hidden.push(units);
            } else if let Some(stage) = Stage::read(token).filter(|_| family == "cnn") {
                if !network.hidden.is_empty() {
                    return Err(fail(format!("`{token}` after units, which know no points,")));
                }
                network.stages.push(stage);
            } else {
                let what = match family {
                    "cnn" => "`{}` is no convolution such as 16x3, pool such as max2 or number of units",
                    _ => "`{}` is not a number of units",
                };
                let what = what.replace("{}", token);
                return Err(fail(format!("{what} from 1 to {UNITS_MAX}")));
            }
        }
        if family == "cnn" && network.stages.is_empty() {
            return Err(fail("no convolution".to_owned()));
        }
        if network.hidden.len() > LAYERS_MAX {
            return Err(fail(format!("more than {LAYERS_MAX} hidden layers")));
        }
        if network.stages.len() > LAYERS_MAX {
            return Err(fail(format!("more than {LAYERS_MAX} convolutions and pools")));
        }
        let mut given = if residual.is_some() { vec!["batchnorm"] } else { Vec::new() };
        for option in parts {
            let known = Activation::ALL.iter().find(|(name, _)| *name == option);
            let (name, value) = option.split_once('=').map_or((option, None), |(name, of)| (name, Some(of)));
            match (name, value, known) {
                (_, _, Some(&(_, activation))) => network.activation = activation,
                ("layernorm", None, _) => network.layer_norm = true,
                ("layernorm", Some(value), _) => {
                    network.layer_norm = true;
                    network.layer_norm_epsilon = epsilon(value)
                        .ok_or_else(|| fail(format!("`{option}` is no number from 1e-12 to 1")))?;
                }
                ("divide", Some(value), _) => {
                    let divisor = number(value, DIVISOR_MAX).ok_or_else(|| {
                        fail(format!("`{option}` is no whole number from 1 to {DIVISOR_MAX}"))
                    })?;
                    network.input_divisor = divisor as u32;
                }
                ("batchnorm", None, _) => network.batch_norm = true,
                ("batchrenorm", None, _) => network.batch_renorm = Some(Self::WARM_UP),
                ("batchrenorm", Some(value), _) => {
                    let batches = value.parse().ok().filter(|&batches: &u64| batches <= WARM_UP_MAX);
                    network.batch_renorm = Some(batches.ok_or_else(|| {
                        fail(format!("`{option}` is no whole number of batches from 0 to {WARM_UP_MAX}"))
                    })?);
                }
                ("dueling", None, _) => network.dueling = true,
                ("noisy", None, _) => network.noisy = true,
                _ => {
                    return Err(fail(format!(
                        "unknown option `{option}` (relu, tanh, gelu, silu, layernorm, layernorm=1e-6, batchnorm, \
                         batchrenorm, dueling, noisy, divide=255)"
                    )));
                }
            }
            let kind = if known.is_some() { "activation" } else { name };
            if given.contains(&kind) {
                return Err(fail(format!("a second {kind}, `{option}`,")));
            }
            given.push(kind);
        }
        Ok(network)
    }
}

impl fmt::Display for NetworkSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let residual = self.residual_name();
        f.write_str(match (self.bag, residual) {
            (Some(_), _) => "text",
            (None, Some(name)) => name,
            (None, None) if self.stages.is_empty() => "mlp",
            (None, None) => "cnn",
        })?;
        let stages = self.bag.iter().map(BagSpec::table).chain(self.stages.iter().map(ToString::to_string));
        let tokens: Vec<String> = stages.chain(self.hidden.iter().map(ToString::to_string)).collect();
        let tokens = if residual.is_some() { Vec::new() } else { tokens };
        let of_bag = self.bag.iter().flat_map(BagSpec::options);
        let options = [
            (self.activation != Activation::Relu).then(|| self.activation.to_string()),
            self.layer_norm.then(|| match self.layer_norm_epsilon {
                NORM_EPSILON => "layernorm".to_owned(),
                epsilon => format!("layernorm={epsilon:e}"),
            }),
            (self.batch_norm && residual.is_none()).then(|| "batchnorm".to_owned()),
            self.batch_renorm.map(|batches| match batches {
                Self::WARM_UP => "batchrenorm".to_owned(),
                batches => format!("batchrenorm={batches}"),
            }),
            self.dueling.then(|| "dueling".to_owned()),
            self.noisy.then(|| "noisy".to_owned()),
            (self.input_divisor != 1).then(|| format!("divide={}", self.input_divisor)),
        ];
        let options: Vec<String> = of_bag.chain(options).flatten().collect();
        if residual.is_none() && (!tokens.is_empty() || !options.is_empty()) {
            write!(f, ":{}", tokens.join(","))?;
        }
        options.iter().try_for_each(|option| write!(f, ":{option}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for text in [
            "mlp",
            "mlp:64,64",
            "mlp:64:tanh",
            "mlp::noisy",
            "mlp:8:gelu:layernorm:dueling:noisy",
            "cnn:16x3,128",
            "cnn:16x3,128:layernorm=1e-6:divide=255",
            "mlp::layernorm=2.5e-3:noisy:divide=3",
            "cnn:32x8s4,max2,64x4s2,avg3:silu",
            "cnn:16x3p1,16x5s2p4,8",
            "cnn:16x3p1,res16,res24s2,gap,8:silu:batchnorm",
            "cnn:res4,gap",
            "mlp:8:batchnorm:divide=2",
            "mlp:8,4:tanh:batchrenorm",
            "mlp::batchrenorm=0:divide=2",
            "mlp:8:batchrenorm=5000",
            "resnet8",
            "resnet14:silu:divide=255",
            "resnet20:tanh",
            "text:4096",
            "text:16384x1:words=1:chars=0",
            "text:4096x8,16,4:words=2-3:chars=2-8:tanh",
        ] {
            assert_eq!(text.parse::<NetworkSpec>().unwrap().to_string(), text);
        }
        let long: NetworkSpec = "cnn:16x3p1,res16,res32s2,res64s2,gap:batchnorm".parse().unwrap();
        assert_eq!((long.to_string().as_str(), "resnet8".parse()), ("resnet8", Ok(long)));
        let same: NetworkSpec = "cnn:16x3same,8x1same,4x5s2p0".parse().unwrap();
        assert_eq!(same.to_string(), "cnn:16x3p1,8x1,4x5s2");
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let check = |text: &str, expected: &str| {
            let error = text.parse::<NetworkSpec>().unwrap_err();
            assert_eq!(error.reason, expected);
        };
        for name in ["resnet", "resnet9", "resnet18", "resnet8x4"] {
            check(name, &format!("`{name}` is none of resnet8, resnet14, resnet20"));
        }
        let options = "relu, tanh, gelu, silu, layernorm, layernorm=1e-6, batchnorm, batchrenorm, dueling, \
                       noisy, divide=255";
        check("resnet8:16", &format!("unknown option `16` ({options})"));
        check("resnet8:batchnorm", "a second batchnorm, `batchnorm`,");
        check("mlp:64,x", "`x` is not a number of units from 1 to 16384");
        check("mlp:0", "`0` is not a number of units from 1 to 16384");
        check("mlp:16x3", "`16x3` is not a number of units from 1 to 16384");
        check(
            "cnn:16y3",
            "`16y3` is no convolution such as 16x3, pool such as max2 or number of units from 1 to 16384",
        );
        for token in ["16x3p3", "16x3p-1", "16x3p", "16x3ps2", "16x3p1s2", "16x4same", "16x3s2same"] {
            let what = "is no convolution such as 16x3, pool such as max2 or number of units from 1 to 16384";
            check(&format!("cnn:{token}"), &format!("`{token}` {what}"));
        }
        check("cnn:128", "no convolution");
        check("cnn:128,16x3", "`16x3` after units, which know no points,");
        check("mlp:8:tanh:relu", "a second activation, `relu`,");
        check("mlp:8:noisy:noisy", "a second noisy, `noisy`,");
        check("mlp:8:softplus", &format!("unknown option `softplus` ({options})"));
        check("mlp:8:layernorm=0", "`layernorm=0` is no number from 1e-12 to 1");
        check("mlp:8:layernorm=NaN", "`layernorm=NaN` is no number from 1e-12 to 1");
        check("mlp:8:layernorm:layernorm=1e-6", "a second layernorm, `layernorm=1e-6`,");
        for wrong in ["", "-1", "1.5", "1000000001"] {
            let option = format!("batchrenorm={wrong}");
            let expected = format!("`{option}` is no whole number of batches from 0 to 1000000000");
            check(&format!("mlp:8:{option}"), &expected);
        }
        check("mlp:8:batchrenorm:batchrenorm=5", "a second batchrenorm, `batchrenorm=5`,");
        check("mlp:8:divide=0", "`divide=0` is no whole number from 1 to 65536");
        check("mlp:8:noisy=1", &format!("unknown option `noisy=1` ({options})"));
        let table = |table: &str| {
            format!(
                "`{table}` is no table such as 4096x8, of 2 to 16777216 buckets and a width of 1 to 1024,"
            )
        };
        for wrong in ["", "1", "16777217", "8x0", "8x1025", "8y2", "-8x1"] {
            check(&format!("text:{wrong}"), &table(wrong));
        }
        check("text", &table(""));
        check("text:8x2,x", "`x` is not a number of units from 1 to 16384");
        check("text:8x2:words=0:chars=0", "neither words nor characters");
        check("text:8x2:words=6", "`words=6` is no length or range from 1 to 5, or 0,");
        check("text:8x2:chars=5-3", "`chars=5-3` is no length or range from 2 to 8, or 0,");
        check("text:8x2:chars=3:chars=3", "a second chars, `chars=3`,");
        check("textual:8", "unknown family `textual`");
        check(&format!("mlp:{}", ["4"; 17].join(",")), "more than 16 hidden layers");
    }
}
