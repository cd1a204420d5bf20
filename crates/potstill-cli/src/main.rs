//! The `potstill` command: parse, call the library, show progress, print, exit.
//!
//! Results go to stdout, progress and errors to stderr. Exit codes: 0 done, 1 the work failed, 2 the command line, a
//! configuration or an input file is wrong, 130 or 143 stopped by SIGINT or SIGTERM after saving.
#![forbid(unsafe_code)]

mod args;
mod canvas;
mod dashboard;
mod output;
mod play;
mod progress;
mod signals;

use args::{BenchCommand, Cli, Command, EnvCommand};
use clap::Parser;
use dashboard::Dashboard;
use potstill::Error;
use potstill::commands::{
    BenchRequest, Comparison, DistillRequest, EvaluateRequest, ResumeRequest, TrainRequest, bench_dqn,
    bench_env, bench_tabular, check_environment, config_file, config_schema, distill, evaluate, list, page,
    play_at_random, play_run, report, resume, trace_actions, trace_env, train,
};
use potstill::config::ConfigError;
use potstill::quickstart::{QuickstartRequest, quickstart};
use potstill::reproduce::{ReproduceRequest, reproduce};
use potstill::run::{Observer, find_environment};
use progress::Bar;
use serde_json::Value;
use signals::Signals;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Who has nothing to save is ended by a signal as always.
    let saves = matches!(
        cli.command,
        Command::Quickstart { .. }
            | Command::Reproduce { .. }
            | Command::Train { .. }
            | Command::Distill { .. }
            | Command::Resume { .. }
    );
    let signals = if saves { Signals::watch() } else { Signals::default() };
    match run(cli, signals.clone()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let stopped = matches!(error, Error::Interrupted { .. } | Error::Abandoned);
            let words = if stopped { error.to_string() } else { format!("error: {error}") };
            // A closed stderr leaves nobody to tell.
            let _ = output::line(&mut std::io::stderr(), &words);
            ExitCode::from(if stopped { signals.exit_code() } else { error.exit_code() })
        }
    }
}

/// Whether what was to be found out is so.
fn run(cli: Cli, signals: Signals) -> Result<bool, Error> {
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
            num_envs,
            memory_limit,
            common,
            ..
        } => {
            let flags = args::flags([
                ("num_envs", num_envs.map(args::integer)),
                ("memory_limit", memory_limit.map(Into::into)),
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
            let request = DistillRequest { sources, threads: common.threads(), out: common.out };
            finish(common.json, &distill(&request, &*observer)?, output::run);
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
        Command::Show { run, json } => {
            let page = page(&run)?;
            finish(json, &output::shown_json(&run, &page)?, |_| output::print(page.text(80).trim_end()));
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
        Command::Env { command: EnvCommand::List { json } } | Command::Envs { json } => {
            finish(json, &output::envs_json(), |_| output::envs());
        }
        Command::Env { command: EnvCommand::Trace { world: of, seed, actions, json } } => {
            let spec = find_environment(&of.env, &of.set)?;
            let trace = trace_env(&spec, seed, &trace_actions(&actions)?)?;
            output::trace(&spec, &trace, json);
        }
        Command::Env { command: EnvCommand::Check { world: of, json } } => {
            let spec = find_environment(&of.env, &of.set)?;
            let verdicts = check_environment(&spec);
            finish(json, &output::verdicts_json(&spec, &verdicts), |_| output::verdicts(&verdicts));
            return Ok(verdicts.iter().all(|verdict| verdict.broken.is_none()));
        }
        Command::Play { run, env, set, episodes, seed, fps, keys, epsilon, record, svg, json } => {
            let game = match (run, env) {
                (Some(run), _) => play_run(&run, epsilon)?,
                (None, env) => play_at_random(&find_environment(&env.unwrap_or_default(), &set)?),
            };
            play::play(game, &play::Wishes { episodes, seed, fps, keys, record, svg, json })?;
        }
        Command::Reproduce { name, runs, seed, common } => {
            let request = ReproduceRequest { name, runs, seed, threads: common.threads(), out: common.out };
            let reproduction = reproduce(&request, &*observer)?;
            finish(common.json, &reproduction.json(), |_| output::reproduction(&reproduction));
            return Ok(reproduction.agrees());
        }
        Command::Bench { command: BenchCommand::Env { world: of, num_envs, threads, seconds, json } } => {
            let request = BenchRequest { num_envs: num_envs as usize, threads: threads.into(), seconds };
            check_seconds(seconds)?;
            finish(
                json,
                &bench_env(&find_environment(&of.env, &of.set)?, &request, &*observer),
                output::summary,
            );
        }
        Command::Bench { command: BenchCommand::Dqn { workload, json } } => {
            finish(json, &bench_dqn(&workload, &*observer)?, output::summary);
        }
        Command::Bench { command: BenchCommand::Tabular { algorithm, env, seconds, json } } => {
            check_seconds(seconds)?;
            finish(json, &bench_tabular(&algorithm, &env, seconds, &*observer)?, output::summary);
        }
        Command::Algos { json } => finish(json, &output::algos_json(), |_| output::algos()),
    }
    Ok(true)
}

fn check_seconds(seconds: f64) -> Result<(), Error> {
    match (0.05..=3600.0).contains(&seconds) {
        true => Ok(()),
        false => {
            Err(ConfigError::Usage(format!("--seconds {seconds}: write a number from 0.05 to 3600")).into())
        }
    }
}

/// One JSON object, or words.
fn finish(json: bool, result: &Value, words: impl FnOnce(&Value)) {
    if json {
        output::print(&result.to_string());
    } else {
        words(result);
    }
}
