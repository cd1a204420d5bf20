//! The pieces of the gradient with respect to the parameters, each of which any thread can compute.

use crate::plan::{Kind, Plan, Weights};
use std::ops::Range;

/// The pieces of the gradient that are computed apart.
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
    pub(crate) pieces: Vec<Piece>,
    /// The first parameter of each piece, and the end of the last.
    pub(crate) bounds: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece {
    /// Rows of weights, from this one on, of operation `op` of the trunk or of what follows it.
    Rows { is_quantile: bool, op: usize, first: usize },
    /// Biases.
    Biases { is_quantile: bool, op: usize },
    /// Deviations of noisy weights, which follow from the means' gradient.
    Deviations,
    /// Gains and biases of a normalisation.
    Norm { is_quantile: bool, op: usize },
    /// Gains and biases of a batch normalisation.
    BatchNorm { op: usize },
    /// Free parameters, of which so many lie before these.
    Free { first: usize },
}

/// Rows of weights in a piece.
const PIECE_ROWS: usize = 32;

impl Pieces {
    /// The pieces of a plan, in the order of its parameters.
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut pieces = Vec::new();
        for (is_quantile, part) in [(false, &plan.trunk), (true, &plan.quantile)] {
            for (i, op) in part.ops.iter().enumerate() {
                match &op.kind {
                    Kind::Linear(weights) => {
                        let Weights { layer, offset, noise, .. } = weights;
                        for first in (0..layer.patch()).step_by(PIECE_ROWS) {
                            pieces.push((
                                offset + first * layer.outputs,
                                Piece::Rows { is_quantile, op: i, first },
                            ));
                        }
                        if weights.has_biases {
                            pieces.push((
                                offset + layer.patch() * layer.outputs,
                                Piece::Biases { is_quantile, op: i },
                            ));
                        }
                        if noise.is_some() {
                            pieces.push((offset + weights.length(), Piece::Deviations));
                        }
                    }
                    Kind::Norm { offset, .. } => pieces.push((*offset, Piece::Norm { is_quantile, op: i })),
                    Kind::BatchNorm(norm) => pieces.push((norm.offset, Piece::BatchNorm { op: i })),
                    _ => {}
                }
            }
        }
        if let Some(all) = plan.free.first() {
            let of = |free: &Range<usize>| (free.start, Piece::Free { first: free.start - all.start });
            pieces.extend(plan.free.iter().map(of));
        }
        pieces.sort_by_key(|piece| piece.0);
        let mut bounds: Vec<usize> = pieces.iter().map(|piece| piece.0).collect();
        bounds.push(plan.parameters);
        Self { pieces: pieces.into_iter().map(|piece| piece.1).collect(), bounds }
    }
}
