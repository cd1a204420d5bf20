//! Model compression (Bucila, Caruana and Niculescu-Mizil 2006): an ensemble becomes a network of 256 hidden units, on rows that MUNGE makes
//! of the few that there are.
//!
//! `--data FOLDER` as `benches/peers/compression_ensembles.py` writes it from the files of the UCI repository: for each problem
//! `PROBLEM.csv`, with a column `partS` for each seed S (`train`, `validation` or `test`; other rows are left out), and `PROBLEM-S.onnx`, the
//! ensemble of the training rows of that seed, whose one output is of the class `yes`.
//!
//! Differences from the paper: the ensemble is a mixture of three forests and a support vector machine, not a selection among thousands of
//! models; networks learn by Adam on cross-entropy, not by gradient descent on squares; the mimic also learns the training rows.

use super::book::{chart, runs_and_seed};
use super::mnist::column;
use super::result::{Claim, Column, Reproduction, Runs, nowhere, series};
use crate::data::preprocessing::possible_inputs;
use crate::data::{self, Data, DataFrame, DataOptions, Dataset, Preprocessing};
use crate::distill::classifier::logits;
use crate::distill::munge::{Munge, MungeConfig};
use crate::distill::quality::probabilities;
use crate::distill::{
    AnswerKind, Answers, ClassifierTrainer, FitConfig, SoftTargets, SoftTargetsConfig, Source,
};
use crate::error::Error;
use crate::export::safetensors;
use crate::model::{Model, Predictor};
use crate::onnx::{self, Kind};
use crate::optimizer::OptimizerConfig;
use crate::run::usage;
use crate::store::{DataFile, read_file};
use crate::train::TrainError;
use potstill_core::Streams;
use potstill_nn::{Network, NetworkSpec, Workspace};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

const SOURCE: &str = "Bucila, Caruana and Niculescu-Mizil 2006";
const FORM: &str = "mlp:256";
const CLASSES: [&str; 2] = ["no", "yes"];
/// Steps of Adam on labels, of which the validation rows choose one.
const RATES: [f64; 3] = [3e-4, 1e-3, 3e-3];
/// The swap probabilities and local variances of which the validation rows choose, on an eighth of the rows.
const SETTINGS: [[f64; 2]; 4] = [[0.2, 1.0], [0.2, 5.0], [0.5, 1.0], [0.5, 5.0]];
const SHARE: usize = 8;
/// Rows whose classification is timed.
const TIMED: usize = 2000;

/// A problem of the paper, with the root mean squared errors of its table 1.
struct Problem {
    name: &'static str,
    ensemble: f64,
    labels: f64,
    mimic: f64,
    /// The share of the ensemble's gain that the mimic must keep, if any.
    kept: Option<f64>,
}

const PROBLEMS: [Problem; 3] = [
    Problem { name: "adult", ensemble: 0.317, labels: 0.328, mimic: 0.325, kept: None },
    Problem { name: "letter-p1", ensemble: 0.075, labels: 0.092, mimic: 0.075, kept: Some(0.8) },
    Problem { name: "letter-p2", ensemble: 0.178, labels: 0.228, mimic: 0.179, kept: Some(0.8) },
];

/// The places of a run's numbers.
const ENSEMBLE: usize = 0;
const LABELS: usize = 1;
const MIMIC: usize = 2;
const BYTES: [usize; 2] = [3, 4];
const CHOSEN: [usize; 3] = [5, 6, 7];

/// The sizes of a measurement.
#[derive(Clone, Copy)]
struct Size {
    munged: usize,
    /// Epochs of the mimic, and the most on labels.
    epochs: [u64; 2],
}

impl Size {
    fn of(runs: &Runs<'_>) -> Self {
        match runs.request.quick {
            true => Self { munged: 2000, epochs: [4, 4] },
            false => Self { munged: 400_000, epochs: [20, 150] },
        }
    }
}

/// The rows of a problem and a seed, encoded, with the ensemble.
struct Rows {
    frame: Arc<DataFrame>,
    /// The rows to train on; the columns of the inputs.
    train: Vec<usize>,
    columns: Vec<usize>,
    preprocessing: Arc<Preprocessing>,
    validation: Dataset,
    test: Dataset,
    test_rows: Vec<usize>,
    ensemble: Ensemble,
}

/// An ensemble in an ONNX file.
struct Ensemble {
    path: PathBuf,
    bytes: usize,
    model: onnx::Model,
}

impl Ensemble {
    fn open(path: PathBuf) -> Result<Self, String> {
        let bytes = read_file(&path).map_err(|error| error.to_string())?;
        let (model, beside) = onnx::Model::of_file(&path, &bytes, None).map_err(|error| error.to_string())?;
        match model.classes() {
            1 => Ok(Self { bytes: bytes.len() + beside, path, model }),
            count => Err(format!("{}: it has {count} outputs; one is needed", path.display())),
        }
    }

    /// Its answers to rows, as logits of both classes.
    fn logits(
        &mut self,
        preprocessing: &Preprocessing,
        frame: &DataFrame,
        rows: &[usize],
    ) -> Result<Vec<f32>, String> {
        const BATCH: usize = 4096;
        let wrong = |path: &Path, reason: String| format!("{}: {reason}", path.display());
        let kind = match self.model.kind() {
            Kind::Logits => AnswerKind::Logits,
            Kind::Probabilities => AnswerKind::Probabilities,
            Kind::Values => return Err(wrong(&self.path, "its output is no probability".to_owned())),
        };
        let both = |&x: &f32| match kind {
            AnswerKind::Logits => [0.0, f64::from(x)],
            _ => [1.0 - f64::from(x), f64::from(x)],
        };
        let mut answers = Vec::with_capacity(2 * rows.len());
        for rows in rows.chunks(BATCH) {
            let inputs = preprocessing.encode_unscaled(frame, rows)?;
            let outputs =
                self.model.answers(&inputs, rows.len()).map_err(|reason| wrong(&self.path, reason))?;
            answers.extend(outputs.iter().flat_map(both));
        }
        let classes = CLASSES.map(str::to_owned).to_vec();
        Answers::new(kind, classes.clone(), answers)
            .and_then(|answers| answers.logits(&classes))
            .map_err(|reason| wrong(&self.path, reason))
    }
}

/// The rows of a table.
fn table(path: &Path) -> Result<DataFrame, String> {
    match data::read(&DataFile::new(path), None, &DataOptions::default())? {
        Data::Samples(samples) => Ok(samples.rows),
        other => Err(format!("it holds {}", other.kind())),
    }
}

impl Rows {
    fn read(folder: &Path, problem: &Problem, frame: Arc<DataFrame>, seed: u64) -> Result<Self, String> {
        let name = format!("part{seed}");
        let part = &frame.columns()[frame.find(&name)?];
        let of = |wanted: &str| -> Vec<usize> {
            (0..frame.rows()).filter(|&row| part.values.text(row).as_deref() == Some(wanted)).collect()
        };
        let [train, validation, test_rows] = ["train", "validation", "test"].map(of);
        if validation.is_empty() || test_rows.is_empty() {
            return Err(format!("column `{name}`: rows of train, validation and test are needed"));
        }
        let is_part = |name: &String| name.starts_with("part");
        let names = frame.columns().iter().map(|column| column.name.clone());
        let options = DataOptions { drop: names.filter(is_part).collect(), ..DataOptions::default() };
        let preprocessing = Preprocessing::fit(&frame, &train, &options)?;
        if preprocessing.classes() != CLASSES {
            return Err(format!(
                "its classes are {}; {} are needed",
                preprocessing.classes().join(", "),
                CLASSES.join(", ")
            ));
        }
        let ensemble = Ensemble::open(folder.join(format!("{}-{seed}.onnx", problem.name)))?;
        Ok(Self {
            validation: preprocessing.labelled(&frame, &validation)?,
            test: preprocessing.labelled(&frame, &test_rows)?,
            columns: possible_inputs(&frame, &options)?,
            preprocessing: Arc::new(preprocessing),
            train,
            test_rows,
            ensemble,
            frame,
        })
    }

    /// The training rows and so many that MUNGE makes of them, with the ensemble's logits.
    fn transfer_set(
        &mut self,
        munge: &(Munge, Vec<usize>),
        (size, [swap_probability, local_variance]): (usize, [f64; 2]),
        seed: u64,
    ) -> Result<(Arc<Dataset>, Vec<f32>), String> {
        let config = MungeConfig { swap_probability, local_variance, is_continuous: true };
        let more = munge.0.rows(&munge.1, size, &config, &Streams::new(seed))?;
        let rows: Vec<usize> = (0..size).collect();
        let mut data = self.preprocessing.labelled(&self.frame, &self.train)?;
        data.append_unlabelled(&self.preprocessing.encode(&more, &rows)?, Vec::new());
        let mut logits = self.ensemble.logits(&self.preprocessing, &self.frame, &self.train)?;
        logits.extend(self.ensemble.logits(&self.preprocessing, &more, &rows)?);
        Ok((Arc::new(data), logits))
    }

    fn predictor(&self, network: Network) -> Predictor {
        Predictor::new(network, Arc::clone(&self.preprocessing)).expect("the preprocessing of its data")
    }

    /// Microseconds for a row of the ensemble and of a network, from encoded rows to answers, on one thread.
    fn microseconds(&mut self, network: &Network) -> Result<[f64; 2], String> {
        let rows = &self.test_rows[..self.test_rows.len().min(TIMED)];
        let inputs = self.preprocessing.encode_unscaled(&self.frame, rows)?;
        let begin = Instant::now();
        std::hint::black_box(self.ensemble.model.answers(&inputs, rows.len())?);
        let theirs = begin.elapsed();
        let inputs = self.preprocessing.encode(&self.frame, rows)?;
        let mut workspace = Workspace::default();
        let begin = Instant::now();
        std::hint::black_box(network.predict(&inputs, &mut workspace));
        let per_row = |time: std::time::Duration| time.as_secs_f64() * 1e6 / rows.len() as f64;
        Ok([per_row(theirs), per_row(begin.elapsed())])
    }
}

/// The root mean squared difference of the probability of `yes` from 0 or 1.
fn rmse(logits: &[f32], labels: &[usize]) -> f64 {
    let square = |(row, &label): (&[f32], &usize)| {
        let difference = probabilities(row, 1.0)[1] - label as f64;
        difference * difference
    };
    (logits.chunks_exact(2).zip(labels).map(square).sum::<f64>() / labels.len() as f64).sqrt()
}

/// The measurement of a problem and a seed.
struct Measurement<'a> {
    runs: &'a Runs<'a>,
    size: Size,
    seed: u64,
}

impl Measurement<'_> {
    /// A network that is trained on data; `watch` sees it after each epoch.
    fn train(
        &self,
        (data, soft): (&Arc<Dataset>, Option<SoftTargets>),
        fit: &FitConfig,
        mut watch: impl FnMut(&Network),
    ) -> Result<Network, Error> {
        let spec: NetworkSpec = FORM.parse().expect("a network");
        let configs = (fit.clone(), OptimizerConfig::student());
        let mut trainer =
            ClassifierTrainer::with(configs, &spec, Arc::clone(data), soft, Streams::new(self.seed));
        while trainer.epochs() < fit.epochs {
            if self.runs.observer.stop_requested() {
                return Err(Error::Abandoned);
            }
            let step = trainer.steps() + 1;
            trainer.epoch().map_err(|source| TrainError::Learn { step, source })?;
            watch(trainer.student());
        }
        Ok(trainer.student().clone())
    }

    /// The network of the training labels that is best on the validation rows, over learning rates and epochs.
    fn of_labels(&self, rows: &Rows) -> Result<Network, Error> {
        let data = rows.preprocessing.labelled(&rows.frame, &rows.train).map_err(usage)?;
        let data = Arc::new(data);
        let mut best: Option<(f64, Network)> = None;
        for rate in RATES {
            let epochs = self.size.epochs[1];
            let fit = FitConfig { epochs, learning_rate: rate.into(), ..FitConfig::default() };
            self.train((&data, None), &fit, |network| {
                let error = rmse(&logits(network, &rows.validation.inputs), &rows.validation.labels);
                if best.as_ref().is_none_or(|(lowest, _)| error < *lowest) {
                    best = Some((error, network.clone()));
                }
            })?;
        }
        Ok(best.expect("there are epochs").1)
    }

    /// A network of the ensemble's answers to munged rows.
    fn mimic(
        &self,
        rows: &mut Rows,
        munge: &(Munge, Vec<usize>),
        (size, settings): (usize, [f64; 2]),
    ) -> Result<Network, Error> {
        let (data, logits) = rows.transfer_set(munge, (size, settings), self.seed).map_err(usage)?;
        let config = SoftTargetsConfig { alpha: 1.0.into(), temperature: 1.0.into(), ..Default::default() };
        let soft = SoftTargets::new(Source::recorded(CLASSES.len(), logits), config);
        let fit = FitConfig {
            epochs: self.size.epochs[0],
            batch_size: 128,
            learning_rate: "linear:0.003:0:run".parse().expect("a schedule"),
            ..FitConfig::default()
        };
        self.train((&data, Some(soft)), &fit, |_| {})
    }

    fn measure(&self, rows: &mut Rows, name: &str) -> Result<Vec<f64>, Error> {
        let table = Munge::new(&rows.frame, &rows.train, &rows.columns, false).map_err(usage)?;
        let neighbours = (0..table.blocks()).flat_map(|block| table.nearest(block)).collect();
        let munge = (table, neighbours);
        let settings = if self.runs.request.quick { &SETTINGS[3..] } else { &SETTINGS[..] };
        let mut best = (f64::INFINITY, SETTINGS[3]);
        for &setting in settings {
            let network = self.mimic(rows, &munge, (self.size.munged / SHARE, setting))?;
            let error = rmse(&logits(&network, &rows.validation.inputs), &rows.validation.labels);
            if error < best.0 {
                best = (error, setting);
            }
        }
        let mimic = self.mimic(rows, &munge, (self.size.munged, best.1))?;
        let of_labels = self.of_labels(rows)?;
        let test = rows.test.labels.clone();
        let theirs =
            rows.ensemble.logits(&rows.preprocessing, &rows.frame, &rows.test_rows).map_err(usage)?;
        let [theirs, labels, own] =
            [theirs, logits(&of_labels, &rows.test.inputs), logits(&mimic, &rows.test.inputs)]
                .map(|logits| rmse(&logits, &test));
        let times = rows.microseconds(&mimic).map_err(usage)?;
        self.runs.observer.remark(&format!(
            "{name}, seed {}: the ensemble takes {:.2} microseconds a row here, the mimic {:.2}, {:.0} times less",
            self.seed,
            times[0],
            times[1],
            times[0] / times[1]
        ));
        let bytes = safetensors::write(&Model::Predictor(rows.predictor(mimic))).len();
        let [swap_probability, local_variance] = best.1;
        let chosen = [best.0, swap_probability, local_variance];
        Ok([&[theirs, labels, own, rows.ensemble.bytes as f64, bytes as f64], &chosen[..]].concat())
    }
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let given = runs.request.data.as_deref().unwrap_or_default();
    let (folder, size) = (Path::new(given), Size::of(runs));
    let (mut claims, mut beside, mut charts) = (Vec::new(), Vec::new(), Vec::new());
    for problem in &PROBLEMS {
        let name = problem.name;
        let wrong = |reason: String| usage(format!("--data {given}: {name}: {reason}"));
        let frame = Arc::new(table(&folder.join(format!("{name}.csv"))).map_err(wrong)?);
        let all = runs.of_seeds(name, |seed| {
            let mut rows = Rows::read(folder, problem, Arc::clone(&frame), seed).map_err(wrong)?;
            Measurement { runs, size, seed }.measure(&mut rows, name)
        })?;
        claims.extend(claims_of(runs, problem, &all));
        let named = [
            ("ensemble", ENSEMBLE),
            ("network on labels", LABELS),
            ("mimic", MIMIC),
            ("bytes of the ensemble", BYTES[0]),
            ("bytes of the mimic", BYTES[1]),
            ("validation error of the chosen setting", CHOSEN[0]),
            ("swap probability", CHOSEN[1]),
            ("local variance", CHOSEN[2]),
        ];
        beside.extend(
            named
                .map(|(what, place)| Column { name: format!("{name}: {what}"), values: column(&all, place) }),
        );
        let line = |(what, place): (&str, usize)| {
            let points = column(&all, place).into_iter().enumerate().map(|(i, y)| (i as f64, y));
            series(what, points.collect())
        };
        let lines = named[..3].iter().copied().map(line).collect();
        charts.push(chart(&format!("Test error of {name}"), ["run", "root mean squared error"], lines));
    }
    let (count, seed) = runs_and_seed(runs);
    let quick = if runs.request.quick { "; the quick version only shows that it runs" } else { "" };
    Ok(Reproduction {
        name: "model-compression",
        source: SOURCE,
        setting: format!(
            "4,000 training and 1,000 validation rows; an ensemble of boosted trees, two forests and a support vector machine of \
             benches/peers/compression_ensembles.py; networks {FORM}: the mimic on {} munged rows and the training rows with the ensemble's \
             probabilities alone, {} epochs in minibatches of 128, Adam with a step size from 0.003 in a line to 0; on labels the epoch of {} \
             and the step size of {RATES:?} that are best on the validation rows, in minibatches of 32{quick}",
            size.munged, size.epochs[0], size.epochs[1],
        ),
        runs: count,
        seed,
        claims,
        beside,
        charts,
        maps: Vec::new(),
        note: "Errors are root mean squared differences of the probability of the positive class from 0 or 1. Swap probability and local \
               variance are chosen by the validation rows, on an eighth of the munged rows, for each run; seed S has the split and the \
               ensemble S. The command prints the time that ensemble and mimic take for a row on the machine that it runs on.",
        data: None,
        out: nowhere(),
    })
}

/// The claims about a problem.
fn claims_of(runs: &Runs<'_>, problem: &Problem, all: &[Vec<f64>]) -> Vec<Claim> {
    let name = problem.name;
    let of = |number: &dyn Fn(&Vec<f64>) -> f64| all.iter().map(number).collect::<Vec<f64>>();
    let reach = |claim: Claim| Claim { is_reach: true, ..claim };
    let mut claims = vec![
        runs.claim(
            format!(
                "{name}: error of the mimic ({} there, the ensemble {})",
                problem.mimic, problem.ensemble
            ),
            (0.0, problem.mimic + 0.01),
            SOURCE,
            of(&|run| run[MIMIC]),
        ),
        runs.claim(
            format!(
                "{name}: error on labels, less that of the mimic ({:.3} there)",
                problem.labels - problem.mimic
            ),
            (0.0, f64::INFINITY),
            SOURCE,
            of(&|run| run[LABELS] - run[MIMIC]),
        ),
    ];
    if let Some(share) = problem.kept {
        claims.push(runs.claim(
            // No quotient: where labels alone come near to the ensemble, that of a run is any number.
            format!("{name}: gain of the mimic over labels, less {share} times that of the ensemble"),
            (0.0, f64::INFINITY),
            SOURCE,
            of(&|run| (run[LABELS] - run[MIMIC]) - share * (run[LABELS] - run[ENSEMBLE])),
        ));
    }
    claims.push(runs.claim(
        format!("{name}: bytes of the ensemble, divided by those of the mimic"),
        (100.0, f64::INFINITY),
        SOURCE,
        of(&|run| run[BYTES[0]] / run[BYTES[1]]),
    ));
    claims.into_iter().map(reach).collect()
}
