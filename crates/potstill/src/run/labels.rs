//! Runs that learn classes: from labels, or from labels and a teacher.

use super::checks::{bad, usage};
use super::datasets::DataSources;
use super::idle_keys::idle_keys;
use super::lessons::{Blend, Lessons};
use super::overlap::repeated_rows;
use super::prepared::PreparedRun;
use super::teachers::Teachers;
use super::value_teachers::TaughtRows;
use crate::algorithm::Algorithm;
use crate::config::{ConfigError, Layer, PARAMETERS_MAX, StudentSpec, resolve};
use crate::data::Dataset;
use crate::distill::classifier::ClassifierSettings;
use crate::distill::quality::{Judged, mean_confidence};
use crate::distill::regression;
use crate::distill::regression::rmse_of;
use crate::distill::{
    EnsembleMean, FitConfig, Samples, SoftTargets, Source, StudentForm, TreeTargets, ValueTargets,
};
use crate::error::Error;
use crate::jobs::{
    ClassDistillation, DataConfig, DistilConfig, Job, Parts, RegressionJob, StoreConfig, SupervisedJob,
    Taught, TaughtValues, TreeJob, TreeTeacher, ValueDistillation, calibration_rows, deviation,
};
use crate::optimizer::{OptimizerConfig, StudentOptimizer};
use crate::policy::Schedule;
use crate::targets::argmax;
use potstill_core::math::ln;
use potstill_nn::embedding::SparseRule;
use toml::Value;

/// The command of a student, as it stands in its settings and in the name of its folder.
pub(super) const DISTILL: &str = "distill";

/// The keys above the settings of a distillation run.
pub(crate) fn distillation_head() -> Vec<(&'static str, Value)> {
    vec![("command", DISTILL.into())]
}

/// Prepares the training of a classifier on labels.
pub(super) fn prepare_classifier(
    algorithm: &'static Algorithm,
    head: &[(&str, Value)],
    layers: &[Layer],
    threads: usize,
) -> Result<PreparedRun, Error> {
    let (data, layers) = DataSources::open(layers, &[])?;
    let resolved = resolve::<((DataConfig, ClassifierSettings), StoreConfig)>(&layers)?;
    let (config, idle) = (resolved.to_toml(head), idle_keys(&resolved));
    let ((run, (fit, StudentOptimizer(optimizer))), store) = resolved.settings;
    let parts = data.parts(&fit, None)?;
    let repeated = repeated_rows(&data, &parts);
    check_student(("net_arch", &run.net_arch), &parts.train, &fit, &optimizer)?;
    let is_regression = algorithm.name == regression::ALGORITHM.name;
    check_target(is_regression, &data, &parts, |column| other_algorithm(is_regression, column))?;
    let (settings, steps) = (fit.clone(), fit.total_steps(parts.train.len()));
    let (fit, seed) = ((fit, optimizer), run.seed);
    let job: Box<dyn Job> = match (&run.net_arch, parts.train.classes) {
        (StudentSpec::Tree(form), _) => {
            let targets = TreeTargets::of_labels(&parts.train);
            Box::new(TreeJob::new(parts, (seed, settings.validation_samples), *form, targets, None))
        }
        (StudentSpec::Network(form), 0) => {
            Box::new(RegressionJob::new(parts, seed, form, fit, None).with_threads(threads))
        }
        (StudentSpec::Network(form), _) => {
            Box::new(SupervisedJob::new(parts, seed, form, fit, None, None).with_threads(threads))
        }
    };
    let prepared = PreparedRun::of(algorithm.name, (&data.name(), run.seed), config, store, job);
    let prepared = prepared.with_warning(idle).with_warnings(repeated).with_warnings(data.data().doubts());
    Ok(prepared.with_schedules(&settings, None, Some(steps)))
}

/// Checks that the data have numbers to learn, or classes; `advice` says of a column of the other kind what to do.
fn check_target(
    has_values: bool,
    data: &DataSources,
    parts: &Parts,
    advice: impl FnOnce(&str) -> String,
) -> Result<(), Error> {
    if has_values == (parts.train.classes == 0) {
        return Ok(());
    }
    Err(data.data().refused(advice(parts.preprocessing.target().column())))
}

/// The advice on a column that is not what the algorithm learns.
fn other_algorithm(is_regression: bool, column: &str) -> String {
    match is_regression {
        true => format!(
            "label={column} is for a classifier: potstill train classifier; for numbers write target={column}"
        ),
        false => format!(
            "target={column} is for a regression: potstill train regression; for classes write label={column}"
        ),
    }
}

/// The advice on a column that is not what the teacher answers.
fn other_answers(has_values: bool, column: &str) -> String {
    match has_values {
        true => format!(
            "the teacher predicts numbers, and `{column}` has classes; name what it predicts with target=NAME"
        ),
        false => format!(
            "the teacher answers with classes, and `{column}` has numbers to learn; name its classes with label=NAME"
        ),
    }
}

/// The samples of a student, without those that its teachers have not answered, and warnings of these and of test rows that are
/// learned.
fn student_parts(
    teachers: &Teachers,
    data: &DataSources,
    student: &StudentSpec,
    (fit, optimizer): (&FitConfig, &OptimizerConfig),
) -> Result<(Parts, Vec<String>), Error> {
    let mut parts = data.parts(fit, teachers.preprocessing())?;
    let has_values = teachers.has_values();
    check_target(has_values, data, &parts, |column| other_answers(has_values, column))?;
    let mut warnings = repeated_rows(data, &parts);
    warnings.extend(learned_test(teachers, data));
    warnings.extend(teachers.leave_out(data, &mut parts)?);
    warnings.extend(teachers.remarks(parts.preprocessing.classes()));
    if !has_values && fit.mixup > 0.0 && !parts.unlabelled.is_empty() {
        return Err(usage(
            "mixup mixes the labels of samples, and unlabelled rows have none; leave one of both out",
        ));
    }
    check_student(("student", student), &parts.train, fit, optimizer)?;
    Ok((parts, warnings))
}

/// The warning of a teacher that was trained on the very data that the student is tested on.
fn learned_test(teachers: &Teachers, data: &DataSources) -> Option<String> {
    let test = data.test_source()?;
    let checksum = test.checksum();
    teachers.trained_on().iter().any(|theirs| theirs.checksum == Some(checksum)).then(|| {
        format!(
            "--test {}: a teacher was trained on these rows, so that its errors there tell too little",
            test.given()
        )
    })
}

/// Prepares the run of a student that learns classes, or of one that learns numbers.
pub(super) fn prepare_student_of_data(
    teachers: Teachers,
    head: &[(&str, Value)],
    layers: &[Layer],
    threads: usize,
) -> Result<PreparedRun, Error> {
    match teachers.has_values() {
        true => prepare_student_of_values(teachers, head, layers, threads),
        false => prepare_student_of_classes(teachers, head, layers, threads),
    }
}

/// Prepares the run of a student that learns numbers.
fn prepare_student_of_values(
    teachers: Teachers,
    head: &[(&str, Value)],
    layers: &[Layer],
    threads: usize,
) -> Result<PreparedRun, Error> {
    let (data, layers) = DataSources::open(layers, &teachers.trained_on())?;
    let resolved = resolve::<ValueDistillation>(&layers)?;
    let config = resolved.to_toml(head);
    let idle = idle_keys(&resolved);
    let ((run, ((soft, control), (fit, StudentOptimizer(optimizer)))), store) = resolved.settings;
    if run.env.is_some() {
        return Err(usage("the teacher is a regression; give --data, not --env"));
    }
    if run.teacher_mean != EnsembleMean::Geometric {
        return Err(usage("teacher_mean is of classes; values have their mean"));
    }
    let student = student_spec(&run)?;
    let (parts, warnings) = student_parts(&teachers, &data, student, (&fit, &optimizer))?;
    let taught = teachers.values(&data, &parts, run.teacher_weights.as_deref(), fit.changes().are_any())?;
    let TaughtRows { train, variances, test, parameters } = taught;
    let steps = fit.total_steps(parts.train.len());
    let settings = (fit.clone(), soft.clone());
    let name = run.teacher.clone().unwrap_or_default();
    let of_tree = match student {
        StudentSpec::Tree(_) => Some(TreeTargets::of_values(&parts.train, &train, first(soft.alpha))),
        StudentSpec::Network(_) => None,
    };
    let useless = no_better_than_mean(&train, &parts.train.values);
    let targets = ValueTargets::new(train, variances, soft.alpha, soft.teacher_noise as f32);
    let taught = TaughtValues { name, targets, test, parameters, has_control: control.control };
    let job: Box<dyn Job> = match (student, of_tree) {
        (StudentSpec::Tree(form), Some(targets)) => {
            let seed = (run.seed, fit.validation_samples);
            Box::new(TreeJob::new(parts, seed, *form, targets, Some(TreeTeacher::Values(taught))))
        }
        (StudentSpec::Network(form), _) => {
            let job = RegressionJob::new(parts, run.seed, form, (fit, optimizer), Some(taught));
            Box::new(job.with_threads(threads))
        }
        (StudentSpec::Tree(_), None) => unreachable!("a tree has targets"),
    };
    let prepared = PreparedRun::of(DISTILL, (&data.name(), run.seed), config, store, job);
    Ok(prepared
        .with_warning(idle)
        .with_warnings(warnings)
        .with_warnings(data.data().doubts())
        .with_warning(useless)
        .with_schedules(&settings, None, Some(steps)))
}

/// Prepares the run of a student that learns classes.
fn prepare_student_of_classes(
    teachers: Teachers,
    head: &[(&str, Value)],
    layers: &[Layer],
    threads: usize,
) -> Result<PreparedRun, Error> {
    let (data, layers) = DataSources::open(layers, &teachers.trained_on())?;
    let resolved = resolve::<ClassDistillation>(&layers)?;
    let config = resolved.to_toml(head);
    let idle = idle_keys(&resolved);
    let ((run, ((soft, (hints, control)), (fit, StudentOptimizer(optimizer)))), store) = resolved.settings;
    if run.env.is_some() {
        return Err(usage("the teacher is a classifier; give --data, not --env"));
    }
    soft.check()?;
    hints.check()?;
    let student = student_spec(&run)?;
    let (parts, warnings) = student_parts(&teachers, &data, student, (&fit, &optimizer))?;
    let name = run.teacher.clone().unwrap_or_default();
    let ensemble = Blend {
        weights: run.teacher_weights.as_deref(),
        mean: run.teacher_mean,
        tau: run.teacher_tau as f32,
        has_hints: hints.is_any(),
    };
    let Lessons { mut source, test, parameters, predictor, timed, network } =
        teachers.lessons(&data, &parts, ensemble, fit.changes().are_any())?;
    let steps = fit.total_steps(parts.train.len());
    let settings = (fit.clone(), soft.clone());
    let rows = calibration_rows(&parts.train);
    let learned = parts.train.select(&rows);
    let calibration = match source.is_lagging() {
        true => Vec::new(),
        false => source.logits(Samples { inputs: &learned.inputs, indices: &rows }).to_vec(),
    };
    let classes = parts.train.classes;
    let surer = surer_of_learned(classes, &calibration, test.as_deref(), predictor.is_some());
    let useless = no_better_than_majority(classes, &calibration, &learned.labels);
    let taught = Taught {
        name,
        logits: test,
        calibration,
        parameters,
        predictor,
        timed,
        temperature: soft.temperature.of_run(steps).at(0, 1),
        has_control: control.control,
    };
    let job: Box<dyn Job> = match student {
        StudentSpec::Tree(form) => {
            if source.is_lagging() {
                return Err(usage("a tree is not its own teacher; give --teacher RUN|FILE"));
            }
            let targets = tree_targets(&mut source, &parts.train, first(soft.alpha));
            let teacher = Some(TreeTeacher::Classes(taught));
            Box::new(TreeJob::new(parts, (run.seed, fit.validation_samples), *form, targets, teacher))
        }
        StudentSpec::Network(form) => {
            let (fit, soft) = ((fit, optimizer.clone()), Some(SoftTargets::new(source, soft)));
            let mut job = SupervisedJob::new(parts, run.seed, form, fit, soft, Some(taught));
            if hints.is_any() {
                let network = network.ok_or_else(|| usage(NO_LAYERS))?;
                job = job.with_hints(&hints, network, &optimizer).map_err(usage)?;
            }
            Box::new(job.with_threads(threads))
        }
    };
    let prepared = PreparedRun::of(DISTILL, (&data.name(), run.seed), config, store, job);
    let prepared = prepared
        .with_warning(idle)
        .with_warnings(warnings)
        .with_warnings(data.data().doubts())
        .with_warning(surer)
        .with_warning(useless);
    Ok(prepared.with_schedules(&settings, None, Some(steps)))
}

/// The advice on answers that fit no better than a constant.
const ARE_THEY_THESE: &str =
    "are they answers to these rows (id=NAME), and their columns those of these classes or this unit?";

/// The warning of a teacher, by its logits of training samples with labels, that errs on as many as one that always names
/// the most frequent class, and gives them no more likelihood than the frequencies of the classes.
pub(super) fn no_better_than_majority(classes: usize, logits: &[f32], labels: &[usize]) -> Option<String> {
    if logits.is_empty() || labels.is_empty() {
        return None;
    }
    let mut counts = vec![0_usize; classes];
    labels.iter().for_each(|&label| counts[label] += 1);
    let most = counts.iter().copied().max().unwrap_or_default();
    let named = logits.chunks_exact(classes).map(argmax);
    let right = named.zip(labels).filter(|(named, label)| named == *label).count();
    let frequencies: Vec<f32> = counts.iter().map(|&count| ln(count.max(1) as f32)).collect();
    let nll = |logits: &[f32]| Judged::new(classes, logits, labels).nll(1.0);
    let is_unlikely = || nll(logits) >= nll(&frequencies.repeat(labels.len()));
    (right <= most && most < labels.len() && is_unlikely()).then(|| {
        let share = |count: usize| 100.0 * count as f64 / labels.len() as f64;
        format!(
            "the teacher is right on {:.1} % of the training rows, and always naming the most frequent class on {:.1} %; \
             {ARE_THEY_THESE}",
            share(right),
            share(most)
        )
    })
}

/// The warning of a teacher, by its scaled values of training samples, whose error is not below that of the mean.
pub(super) fn no_better_than_mean(values: &[f32], truth: &[f32]) -> Option<String> {
    let known = &values[..truth.len().min(values.len())];
    let of_mean = deviation(truth);
    let error = rmse_of(known, truth);
    (!truth.is_empty() && of_mean > 0.0 && error >= of_mean).then(|| {
        format!(
            "the teacher's error on the training rows is {:.2} times that of always predicting the mean; {ARE_THEY_THESE}",
            error / of_mean
        )
    })
}

/// The refusal of hints from a teacher without a network that takes the student's inputs.
const NO_LAYERS: &str = "hint and attention compare hidden layers with those of one live network that takes the student's \
                         inputs; recorded answers, several teachers, self, texts and other models show none: leave both out";
/// The weight of a teacher at the beginning: a tree has no steps over which it could change.
pub(super) fn first(alpha: Schedule) -> f64 {
    alpha.of_run(1).at(0, 1)
}

/// The targets of a tree, whose teacher answers all samples once.
pub(super) fn tree_targets(source: &mut Source, data: &Dataset, alpha: f64) -> TreeTargets {
    const BATCH: usize = 4096;
    let rows: Vec<usize> = (0..data.len()).collect();
    let mut logits = Vec::with_capacity(data.len() * data.classes);
    for indices in rows.chunks(BATCH) {
        let inputs = &data.inputs[indices[0] * data.features..][..indices.len() * data.features];
        logits.extend_from_slice(source.logits(Samples { inputs, indices }));
    }
    TreeTargets::of_teacher(data, &logits, alpha)
}

/// The difference of a teacher's mean confidence on rows that it may have learned and on others from which it is taken to
/// know the former by heart.
const CONFIDENCE_GAP: f64 = 0.1;

/// The warning of a teacher, by its logits, that is far surer of the training rows than of the test rows; with a run as
/// teacher it names the command that trains again without them.
fn surer_of_learned(classes: usize, learned: &[f32], test: Option<&[f32]>, is_run: bool) -> Option<String> {
    let (learned, unseen) = (mean_confidence(classes, learned)?, mean_confidence(classes, test?)?);
    let way = match is_run {
        true => "`potstill distill record --teacher RUN --folds 5 --out FILE`",
        false => {
            "each row answered by a model that was fitted without it, as by scikit-learn's cross_val_predict"
        }
    };
    (learned - unseen > CONFIDENCE_GAP).then(|| {
        format!(
            "the teacher's mean confidence is {:.1} % on the training rows and {:.1} % on the test rows: on rows that it \
             knows by heart its answers tell little more than the labels; distil from out-of-fold answers ({way})",
            100.0 * learned,
            100.0 * unseen
        )
    })
}

/// Refuses a student that cannot learn from these samples, where `key` is the setting that asks for it.
pub(super) fn check_student(
    (key, spec): (&str, &StudentSpec),
    data: &Dataset,
    fit: &FitConfig,
    optimizer: &OptimizerConfig,
) -> Result<(), Error> {
    let wrong = |reason: String| ConfigError::value(key, format!("{spec}: {reason}"));
    let StudentSpec::Network(spec) = spec else {
        return match data.is_texts() {
            true => Err(wrong("a tree compares numbers, and the data are texts".to_owned()).into()),
            false => Ok(()),
        };
    };
    let form = StudentForm::new(spec, data).map_err(wrong)?;
    optimizer.check((key, &form.network, &form.ends), fit.learning_rate)?;
    fit.check(&form, data)?;
    if form.bag.is_none() {
        return Ok(());
    }
    let parameters = form.parameters().map_err(wrong)?;
    if parameters > PARAMETERS_MAX {
        return Err(wrong(format!("{parameters} parameters; at most {PARAMETERS_MAX} are held")).into());
    }
    if fit.mixup > 0.0 {
        return Err(bad("mixup", "texts are not mixed; leave it at 0".to_owned()));
    }
    if optimizer.l2_penalty > 0.0 {
        return Err(bad("l2_penalty", "the table of texts has no penalty; leave it at 0".to_owned()));
    }
    match SparseRule::of(optimizer.rule()) {
        Some(_) => Ok(()),
        None => {
            let reason = "texts are learned by adam, or by sgd with momentum=0, which have a sparse form";
            Err(bad("optimizer", reason.to_owned()))
        }
    }
}

/// The architecture of a student.
pub(super) fn student_spec(run: &DistilConfig) -> Result<&StudentSpec, Error> {
    run.student
        .as_ref()
        .ok_or_else(|| usage("into which student? give --student SPEC, such as --student mlp:16"))
}

#[cfg(test)]
mod tests {
    use super::{no_better_than_majority, no_better_than_mean, surer_of_learned};

    #[test]
    fn a_teacher_that_knows_no_more_than_a_constant_is_told() {
        let check = |logits: &[f32], labels: &[usize], expected: Option<&str>| {
            let told = no_better_than_majority(2, logits, labels);
            assert_eq!(told.as_deref().and_then(|words| words.split(';').next()), expected, "{logits:?}");
        };
        let (a, b) = ([2.0, 0.0], [0.0, 2.0]);
        let told = "the teacher is right on 66.7 % of the training rows, and always naming the most frequent class on 66.7 %";
        check(&[a, a, a].concat(), &[0, 0, 1], Some(told));
        // It never names the rare class, and yet knows where that is likelier.
        check(&[[2.0, 0.0], [2.0, 0.0], [0.1, 0.0]].concat(), &[0, 0, 1], None);
        check(&[a, a, b].concat(), &[0, 0, 1], None);
        // Of one class alone nothing can be told.
        check(&[a, a].concat(), &[0, 0], None);
        check(&[], &[], None);

        let check = |values: &[f32], expected: Option<&str>| {
            let told = no_better_than_mean(values, &[1.0, -1.0]);
            assert_eq!(told.as_deref().and_then(|words| words.split(';').next()), expected, "{values:?}");
        };
        // Values of further rows, without a label, are not looked at.
        check(
            &[-1.0, 1.0, 9.0],
            Some("the teacher's error on the training rows is 2.00 times that of always predicting the mean"),
        );
        check(&[0.5, -0.5, 9.0], None);
    }

    #[test]
    fn a_teacher_that_knows_its_rows_by_heart_is_told() {
        let check = |learned: f32, unseen: Option<f32>, expected: Option<&str>| {
            let unseen = unseen.map(|logit| [logit, 0.0]);
            let warning =
                surer_of_learned(2, &[learned, 0.0], unseen.as_ref().map(<[f32; 2]>::as_slice), true);
            assert_eq!(warning.as_deref().and_then(|words| words.split(':').next()), expected, "{learned}");
        };
        // 1 / (1 + e^-5) = 0.9933 and 1 / (1 + e^-0.5) = 0.6225.
        let told = "the teacher's mean confidence is 99.3 % on the training rows and 62.2 % on the test rows";
        check(5.0, Some(0.5), Some(told));
        // 0.9526: a gap of 0.04, as of a good teacher.
        check(5.0, Some(3.0), None);
        check(0.5, Some(5.0), None);
        check(5.0, None, None);
    }
}
