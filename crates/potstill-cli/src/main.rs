//! The `potstill` command: parse, call the library, show progress, print, exit.
//!
//! Results go to stdout, progress and errors to stderr. Exit codes: 0 done, 1 the work failed, 2 the command line, a
//! configuration or an input file is wrong, 130 or 143 stopped by SIGINT or SIGTERM after saving.
#![forbid(unsafe_code)]

mod args;
mod dashboard;
mod output;
mod progress;
mod signals;

use args::{Cli, Command};
use clap::Parser;
use dashboard::Dashboard;
use potstill::Error;
use potstill::quickstart::{QuickstartRequest, quickstart};
use potstill::run::{
    Comparison, DistilRequest, EvaluateRequest, Observer, ResumeRequest, TrainRequest, config_file,
    config_schema, distil, evaluate, list, report, resume, train,
};
use progress::Bar;
use serde_json::Value;
use signals::Signals;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Who has nothing to save is ended by a signal as always.
    let saves = matches!(
        cli.command,
        Command::Quickstart { .. } | Command::Train { .. } | Command::Distill { .. } | Command::Resume { .. }
    );
    let signals = if saves { Signals::watch() } else { Signals::default() };
    match run(cli, signals.clone()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let stopped = matches!(error, Error::Interrupted { .. } | Error::Abandoned);
            let words = if stopped { error.to_string() } else { format!("error: {error}") };
            // A closed stderr leaves nobody to tell.
            let _ = output::line(&mut std::io::stderr(), &words);
            ExitCode::from(if stopped { signals.exit_code() } else { error.exit_code() })
        }
    }
}

fn run(cli: Cli, signals: Signals) -> Result<(), Error> {
    let observer: Box<dyn Observer> =
        if cli.command.tui() { Box::new(Dashboard::new(signals)?) } else { Box::new(Bar::new(signals)) };
    match cli.command {
        Command::Quickstart { seed, common } => {
            let request = QuickstartRequest { seed, threads: common.threads(), out: common.out };
            let summary = quickstart(&request, &*observer, &mut |act| {
                if !common.json {
                    output::act(act);
                }
            })?;
            finish(common.json, &summary, output::quickstart);
        }
        Command::Train {
            algorithm,
            preset,
            config,
            set,
            env,
            data,
            steps,
            episodes,
            seed,
            seeds,
            common,
            ..
        } => {
            let flags = args::flags([
                ("env", env.map(Into::into)),
                ("data", data.map(Into::into)),
                ("steps", steps.map(args::integer)),
                ("episodes", episodes.map(args::integer)),
                ("seed", seed.map(args::integer)),
            ]);
            let sources = potstill::run::Sources { config, flags, set };
            let request = TrainRequest {
                algorithm,
                preset,
                sources,
                seeds,
                threads: common.threads(),
                out: common.out,
            };
            finish(common.json, &train(&request, &*observer)?, output::run);
        }
        Command::Distill {
            teacher,
            student,
            config,
            set,
            env,
            data,
            seed,
            temperature,
            alpha,
            common,
            ..
        } => {
            let flags = args::flags([
                ("teacher", teacher.map(Into::into)),
                ("student", student.map(Into::into)),
                ("env", env.map(Into::into)),
                ("data", data.map(Into::into)),
                ("seed", seed.map(args::integer)),
                ("temperature", temperature.map(Into::into)),
                ("alpha", alpha.map(Into::into)),
            ]);
            let sources = potstill::run::Sources { config, flags, set };
            let request = DistilRequest { sources, threads: common.threads(), out: common.out };
            finish(common.json, &distil(&request, &*observer)?, output::run);
        }
        Command::Resume { run, steps, fallback, threads, json, .. } => {
            let request = ResumeRequest { run, steps, fallback, threads: args::threads(threads) };
            finish(json, &resume(&request, &*observer)?, output::run);
        }
        Command::Eval { run, episodes, seed, threads, json } => {
            let request = EvaluateRequest { run, episodes, seed, threads: args::threads(threads) };
            finish(json, &evaluate(&request)?, output::summary);
        }
        Command::Compare { runs, json } => {
            let comparison = Comparison::read(&runs)?;
            finish(json, &comparison.json(), |_| output::comparison(&comparison));
        }
        Command::Plot { runs, out, metric, json } => {
            Comparison::read(&runs)?.plot(&out, metric.as_deref())?;
            finish(json, &output::written("plot", &out), |_| output::print(&format!("{}", out.display())));
        }
        Command::Report { run, json } => {
            let out = report(&run)?;
            finish(json, &output::written("report", &out), |_| output::print(&format!("{}", out.display())));
        }
        Command::Runs { folder, json } => {
            let runs = list(&folder)?;
            finish(json, &output::runs_json(&runs), |_| output::runs(&runs));
        }
        Command::Config { algorithm, schema } => {
            let text = match algorithm {
                Some(algorithm) if !schema => config_file(&algorithm)?,
                _ => format!("{:#}", config_schema()),
            };
            output::print(text.trim_end());
        }
        Command::Envs { json } => finish(json, &output::envs_json(), |_| output::envs()),
        Command::Algos { json } => finish(json, &output::algos_json(), |_| output::algos()),
    }
    Ok(())
}

/// One JSON object, or words.
fn finish(json: bool, result: &Value, words: impl FnOnce(&Value)) {
    if json {
        output::print(&result.to_string());
    } else {
        words(result);
    }
}
