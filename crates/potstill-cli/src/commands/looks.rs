//! The flags of commands that show curves of several runs.

use super::common::count;
use clap::Args;
use potstill::commands::View;
use potstill::metrics::Axis;
use potstill::train::statistics::Center;

#[derive(Debug, Args)]
pub(crate) struct Looks {
    /// The axis of curves: steps or episodes [default: episodes for runs of a number of episodes]
    #[arg(long, value_name = "AXIS")]
    axis: Option<Axis>,
    /// The center over seeds: mean or iqm, the interquartile mean [default: iqm over steps, mean over
    /// episodes and of what learns from data]
    #[arg(long, value_name = "CENTER")]
    center: Option<Center>,
    /// Smooth each curve: means over its last N points
    #[arg(long, value_name = "N", default_value_t = 1, hide_default_value = true, value_parser = count(1, 1 << 32))]
    smooth: u64,
}

impl Looks {
    pub(crate) fn view(&self) -> View {
        View { axis: self.axis, center: self.center, smooth: self.smooth as usize, ..View::default() }
    }
}
