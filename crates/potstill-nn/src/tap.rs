//! Taps: hidden layers whose activations are read, and whose gradients come back in.

use crate::interface::Inputs;
use crate::lanes::WIDTH;
use crate::network::Network;
use crate::ops;
use crate::plan::Kind;
use crate::workspace::Workspace;
use std::ops::Range;

/// The activations of a hidden layer, after its nonlinearity: what a student is shown of its teacher as a
/// hint (Romero et al. 2015). Units of an image lie point by point, with the channels running fastest.
///
/// ```
/// use potstill_core::Pcg64;
/// use potstill_nn::{NetworkSpec, Upstream, Workspace};
///
/// let network = "mlp:8,4:tanh".parse::<NetworkSpec>()?.build(3, 2, &mut Pcg64::new(1));
/// let (hint, mut workspace) = (network.tap("3").unwrap(), Workspace::default());
/// network.forward(&[0.1, 0.2, 0.3], &mut workspace);
/// let mut units = vec![0.0; hint.units()];
/// network.activations(hint, &workspace, &mut units);
/// // Half the squared distance from 1 is the loss; the outputs have none.
/// let d_units: Vec<f32> = units.iter().map(|x| x - 1.0).collect();
/// let upstream = Upstream { taps: &[(hint, &d_units)], ..Upstream::default() };
/// let mut gradient = vec![0.0; network.parameters().len()];
/// network.backward_from(upstream, &mut workspace, Some(&mut gradient), None);
/// // The layer behind the hint has no gradient.
/// assert!(gradient[..68].iter().any(|&g| g != 0.0) && gradient[68..].iter().all(|&g| g == 0.0));
/// # Ok::<(), potstill_nn::spec::SpecError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tap {
    first: usize,
    units: usize,
    shape: Inputs,
}

impl Tap {
    /// Units of the layer: numbers for one sample.
    pub fn units(&self) -> usize {
        self.units
    }

    /// Height, width and channels of the layer; `[1, 1, units]` if it is no image.
    pub fn shape(&self) -> [usize; 3] {
        [self.shape.height, self.shape.width, self.shape.channels]
    }

    pub(crate) fn rows(&self) -> Range<usize> {
        self.first..self.first + self.units
    }
}

impl Network {
    /// The hidden layers by the names of their nonlinearities, which are numbered as in `nn.Sequential`; for
    /// a network that takes probabilities, those before these come in. The sum of a residual block has the block's
    /// name, the nonlinearity inside it `BLOCK.relu`.
    pub fn taps(&self) -> impl Iterator<Item = (&str, Tap)> {
        self.plan().trunk.ops.iter().filter_map(|op| match &op.kind {
            Kind::Activation(_, shape) => {
                Some((&*op.name, Tap { first: op.to.start, units: op.to.len(), shape: *shape }))
            }
            _ => None,
        })
    }

    /// The hidden layer of this name, if there is one.
    pub fn tap(&self, name: &str) -> Option<Tap> {
        self.taps().find(|(other, _)| *other == name).map(|(_, tap)| tap)
    }

    /// Reads the activations of a hidden layer, `samples x units`, that the last
    /// [`forward`](Network::forward) through `workspace` left there.
    ///
    /// # Panics
    /// If the tap is not one of this network, or `activations` has another length.
    pub fn activations(&self, tap: Tap, workspace: &Workspace, activations: &mut [f32]) {
        assert!(self.taps().any(|(_, other)| other == tap), "a hidden layer of this network");
        assert_eq!(activations.len(), workspace.samples * tap.units, "one number per unit and sample");
        let panels = workspace.panels.iter().zip(activations.chunks_mut(WIDTH * tap.units));
        for (panel, activations) in panels {
            ops::unpack(&panel.values[tap.rows()], tap.units, activations);
        }
    }
}
