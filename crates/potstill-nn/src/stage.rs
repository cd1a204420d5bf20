//! Layers over an image, as they are written in a specification.

use std::fmt;

/// A layer over an image, before it becomes features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A convolution, and the nonlinearity.
    Conv {
        /// Channels of the output.
        channels: usize,
        /// Height and width of a patch.
        kernel: usize,
        /// Points between patches.
        stride: usize,
        /// Points of zeros on each side of the image, fewer than a patch has.
        padding: usize,
    },
    /// The largest of each square of points, side by side.
    MaxPool(usize),
    /// The mean of each square of points, side by side.
    AvgPool(usize),
    /// The mean of each channel over all points.
    GlobalAvgPool,
    /// Two convolutions of 3 x 3 points, whose sum with the input goes through the nonlinearity (He et al. 2016a,
    /// the basic block). Where the shape changes, the input passes a convolution of one point.
    Residual {
        /// Channels of the output.
        channels: usize,
        /// Points between patches of the first convolution, and of that of the input.
        stride: usize,
    },
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stride_of = |stride: usize| if stride > 1 { format!("s{stride}") } else { String::new() };
        match self {
            Stage::Conv { channels, kernel, stride, padding } => {
                write!(f, "{channels}x{kernel}{}", stride_of(*stride))?;
                if *padding > 0 {
                    write!(f, "p{padding}")?;
                }
                Ok(())
            }
            Stage::MaxPool(side) => write!(f, "max{side}"),
            Stage::AvgPool(side) => write!(f, "avg{side}"),
            Stage::GlobalAvgPool => f.write_str("gap"),
            Stage::Residual { channels, stride } => write!(f, "res{channels}{}", stride_of(*stride)),
        }
    }
}

/// Units are bounded so that a typing error is a message and not an allocation.
pub(crate) const UNITS_MAX: usize = 16_384;
const SIDE_MAX: usize = 64;

/// A whole number from 1 to a bound.
pub(crate) fn number(text: &str, max: usize) -> Option<usize> {
    text.parse().ok().filter(|n| (1..=max).contains(n))
}

impl Stage {
    /// Reads a stage as it is [written](fmt::Display).
    pub(crate) fn read(token: &str) -> Option<Self> {
        if token == "gap" {
            return Some(Stage::GlobalAvgPool);
        }
        if let Some(side) = token.strip_prefix("max") {
            return Some(Stage::MaxPool(number(side, SIDE_MAX)?));
        }
        if let Some(side) = token.strip_prefix("avg") {
            return Some(Stage::AvgPool(number(side, SIDE_MAX)?));
        }
        if let Some(block) = token.strip_prefix("res") {
            let (channels, stride) = block.split_once('s').unwrap_or((block, "1"));
            let (channels, stride) = (number(channels, UNITS_MAX)?, number(stride, SIDE_MAX)?);
            return Some(Stage::Residual { channels, stride });
        }
        let (channels, patch) = token.split_once('x')?;
        let channels = number(channels, UNITS_MAX)?;
        if let Some(kernel) = patch.strip_suffix("same") {
            // Of an even side one half would be wider than the other.
            let kernel = number(kernel, SIDE_MAX).filter(|kernel| kernel % 2 == 1)?;
            return Some(Stage::Conv { channels, kernel, stride: 1, padding: kernel / 2 });
        }
        let (patch, padding) = patch.split_once('p').unwrap_or((patch, "0"));
        let (kernel, stride) = patch.split_once('s').unwrap_or((patch, "1"));
        let kernel = number(kernel, SIDE_MAX)?;
        let padding = padding.parse().ok().filter(|&padding| padding < kernel)?;
        Some(Stage::Conv { channels, kernel, stride: number(stride, SIDE_MAX)?, padding })
    }

    /// Points of zeros on each side of the image that the stage begins with.
    pub(crate) fn padding(self) -> usize {
        match self {
            Stage::Conv { padding, .. } => padding,
            Stage::Residual { .. } => 1,
            Stage::MaxPool(_) | Stage::AvgPool(_) | Stage::GlobalAvgPool => 0,
        }
    }

    /// The side of the smallest square image that stages fit into, one after the other; `None` if there is none.
    pub(crate) fn smallest_side(stages: &[Self]) -> Option<usize> {
        // From the last, which leaves one point at least, back to the first.
        stages.iter().rev().try_fold(1_usize, |side, stage| match *stage {
            Stage::Conv { kernel, stride, padding, .. } => {
                let padded = (side - 1).checked_mul(stride)?.checked_add(kernel)?;
                Some(padded.saturating_sub(2 * padding).max(1))
            }
            Stage::Residual { stride, .. } => Some(((side - 1).checked_mul(stride)? + 1).max(stride)),
            Stage::MaxPool(window) | Stage::AvgPool(window) => side.checked_mul(window),
            Stage::GlobalAvgPool => (side == 1).then_some(1),
        })
    }

    /// The side of the squares of points that it takes, for an image of this height and width.
    pub(crate) fn window(self, height: usize, width: usize) -> [usize; 2] {
        match self {
            Stage::Conv { kernel, .. } => [kernel; 2],
            Stage::Residual { .. } => [3; 2],
            Stage::MaxPool(side) | Stage::AvgPool(side) => [side; 2],
            Stage::GlobalAvgPool => [height, width],
        }
    }
}

/// The stages of a residual network for small images, with so many blocks in each of its three parts (He et al. 2016a,
/// section 4.2).
pub(crate) fn residual_network(blocks: usize) -> Vec<Stage> {
    let first = Stage::Conv { channels: 16, kernel: 3, stride: 1, padding: 1 };
    let parts = [(16, 1), (32, 2), (64, 2)].into_iter().flat_map(|(channels, stride)| {
        (0..blocks).map(move |i| Stage::Residual { channels, stride: if i == 0 { stride } else { 1 } })
    });
    std::iter::once(first).chain(parts).chain([Stage::GlobalAvgPool]).collect()
}
