//! Products with constant weights, by the kernels of [`potstill_nn`].

use potstill_nn::{Ends, Network, NetworkSpec, Tensor, Workers, Workspace};

/// `x W^T + b` for constant `W` and `b`: a network of one layer, whose kernels are used.
#[derive(Clone, Debug)]
pub(crate) struct Dense {
    network: Network,
    workspace: Workspace,
}

impl Dense {
    /// The product with weights of `outputs x inputs`.
    ///
    /// # Errors
    /// If they are too many.
    pub(crate) fn new(
        inputs: usize,
        outputs: usize,
        weights: Vec<f32>,
        bias: Vec<f32>,
    ) -> Result<Self, String> {
        let (spec, ends) = (NetworkSpec::mlp(&[]), Ends::new(inputs, outputs));
        spec.check(&ends)?;
        let mut network = spec.zeroed(&ends);
        let tensors = [
            Tensor { name: "0.weight".to_owned(), shape: vec![outputs, inputs], data: weights },
            Tensor { name: "0.bias".to_owned(), shape: vec![outputs], data: bias },
        ];
        network.load_tensors(&tensors).map_err(|error| error.to_string())?;
        Ok(Self { network, workspace: Workspace::default() })
    }

    pub(crate) fn share(&mut self, workers: &Workers) {
        self.workspace = Workspace::new(workers.clone());
    }

    pub(crate) fn inputs(&self) -> usize {
        self.network.inputs()
    }

    pub(crate) fn outputs(&self) -> usize {
        self.network.outputs()
    }

    /// Weights `outputs x inputs`, and biases.
    pub(crate) fn parameters(&self) -> [Vec<f32>; 2] {
        let mut tensors = self.network.tensors().into_iter().map(|tensor| tensor.data);
        [tensors.next().unwrap_or_default(), tensors.next().unwrap_or_default()]
    }

    /// Rows of outputs for rows of inputs.
    pub(crate) fn run(&mut self, rows: &[f32]) -> &[f32] {
        self.network.predict(rows, &mut self.workspace)
    }
}
