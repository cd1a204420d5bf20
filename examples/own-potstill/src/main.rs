//! A `potstill` of one's own: the whole command, with the environments of this program in it.
//!
//! cargo run --release -p own-potstill -- env list

mod catch;
mod corridor;
mod docking;
mod push;

use std::process::ExitCode;

fn main() -> ExitCode {
    potstill_cli::main_with([catch::entry(), corridor::entry(), docking::entry(), push::entry()])
}
