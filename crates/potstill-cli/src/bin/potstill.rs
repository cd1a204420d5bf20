//! The `potstill` command.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    potstill_cli::main()
}
