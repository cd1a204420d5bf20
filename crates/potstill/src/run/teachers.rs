//! The teachers of a student of classes: trained runs, recorded answers, models of other programs, or several of them.

use super::answerer::own_answers;
use super::checks::usage;
use super::data_file::{absolute_place, place_of};
use super::datasets::{DataSources, OpenData, Rows, TrainedOn};
use super::foreign::ForeignModel;
use super::recorded_teacher::{RecordedTeacher, TO_UNLABELLED, learned_rows, rows_at};
use super::sources::peek;
use super::subject::Subject;
use crate::config::{Layer, Origin};
use crate::data::Preprocessing;
use crate::data::preprocessing::is_numbered;
use crate::data::source::begins_an_option;
use crate::distill::EnsembleMean;
use crate::distill::ensemble::mean_logits;
use crate::error::Error;
use crate::export::safetensors;
use crate::jobs::Parts;
use crate::model::{Model, Predictor};
use crate::store::RunDir;
use potstill_env::registry::Spec;
use potstill_nn::Network;
use std::path::Path;
use std::sync::Arc;
use toml::Table;

/// A teacher of classes.
pub(crate) enum Member {
    /// A trained classifier, with its data.
    Trained(Box<(Predictor, TrainedOn)>),
    /// Recorded answers.
    Recorded(Box<RecordedTeacher>),
    /// A model of another program.
    Foreign(Box<ForeignModel>),
    /// The student itself.
    Own,
}

/// The name of the student as its own teacher.
const OWN: &str = "self";

/// The teacher of a student, or several.
pub(crate) enum Teacher {
    /// A policy for an environment.
    Policy(Box<(Model, Spec)>),
    /// Teachers of classes.
    Classes(Teachers),
}

impl Teacher {
    /// Reads a teacher: a run directory, a file, or several of these, separated by commas.
    pub(crate) fn open(given: &str) -> Result<Self, Error> {
        if given == OWN {
            return Ok(Self::Classes(Teachers(vec![Member::Own])));
        }
        if given.is_empty() {
            return Err(usage("--teacher: name a run directory, or a file of answers or of a model"));
        }
        let path = Path::new(given);
        let is_run = path.is_dir() || !(path.exists() || given.contains([':', ',']));
        if is_run && !path.exists() {
            return Err(usage(format!("--teacher {given}: there is no such run directory or file")));
        }
        match is_run {
            true => Subject::load(&RunDir::open_model(path)?).map(Self::from),
            false => Teachers::open(given).map(Self::Classes),
        }
    }

    /// Reads the files of answers to rows without labels that layers name, and adds their setting with
    /// absolute paths.
    ///
    /// # Errors
    /// If there are no such rows, no recorded answers beside them, or a file cannot be read.
    pub(super) fn with_unlabelled(self, layers: &[Layer]) -> Result<(Self, Vec<Layer>), Error> {
        const KEY: &str = "teacher_unlabelled";
        let Some(given) = peek(layers, KEY) else { return Ok((self, layers.to_vec())) };
        if peek(layers, "unlabelled").is_none() {
            return Err(usage(format!(
                "{TO_UNLABELLED} {given}: it answers the rows of --unlabelled; give them, too"
            )));
        }
        let Self::Classes(teachers) = self else {
            return Err(usage(format!("{TO_UNLABELLED} {given}: the teacher is a policy; leave it out")));
        };
        let values = Table::from_iter([(KEY.to_owned(), absolute_places(given).into())]);
        let layer = Layer { origin: Origin::CommandLine, values };
        Ok((Self::Classes(teachers.with_unlabelled(given)?), [layers, &[layer]].concat()))
    }
}

impl From<Subject> for Teacher {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::Policy { model, spec } => Self::Policy(Box::new((model, spec))),
            Subject::Classifier { predictor, data } => {
                Self::Classes(Teachers(vec![Member::Trained(Box::new((predictor, data)))]))
            }
        }
    }
}

/// The teachers of a student of classes.
pub(crate) struct Teachers(Vec<Member>);

/// The CRC-32C of a network's parameters, and of what its batch normalisations take.
pub(super) fn parameters_checksum(network: &Network) -> u32 {
    let numbers = network.parameters().iter().chain(network.statistics());
    let bytes: Vec<u8> = numbers.flat_map(|p| p.to_le_bytes()).collect();
    crc32c::crc32c(&bytes)
}

/// The setting of a teacher, with absolute paths.
pub(crate) fn teacher_layer(given: &str) -> Layer {
    let values = Table::from_iter([("teacher".to_owned(), absolute_places(given).into())]);
    Layer { origin: Origin::CommandLine, values }
}

/// Places that are separated by commas, with absolute paths.
fn absolute_places(given: &str) -> String {
    let absolute = |given: &String| if given == OWN { given.clone() } else { absolute_place(given) };
    places(given).iter().map(absolute).collect::<Vec<_>>().join(",")
}

/// Splits `A,B` into its parts; a comma before `key=` is one between options.
pub(crate) fn places(given: &str) -> Vec<String> {
    if Path::new(given).exists() {
        return vec![given.to_owned()];
    }
    let mut places: Vec<String> = Vec::new();
    for part in given.split(',') {
        match places.last_mut() {
            Some(last) if begins_an_option(part) || is_open(last) => {
                last.push(',');
                last.push_str(part);
            }
            _ => places.push(part.to_owned()),
        }
    }
    places
}

/// Returns true if a list of a text is not closed.
fn is_open(text: &str) -> bool {
    text.matches('[').count() > text.matches(']').count()
}

impl Member {
    /// Reads a teacher that is no policy: a file of answers or a model of another program.
    fn of_file(given: &str) -> Result<Self, Error> {
        if ForeignModel::recognizes(given) {
            return ForeignModel::open(given).map(|model| Self::Foreign(Box::new(model)));
        }
        let place = place_of(given);
        if place.is_file() && place.extension().is_some_and(|ending| ending == "onnx") {
            return Err(usage(format!("--teacher {given}: its content is no ONNX model; export it again")));
        }
        RecordedTeacher::open(given).map(|answers| Self::Recorded(Box::new(answers)))
    }

    /// Reads one of several teachers.
    fn open(given: &str) -> Result<Self, Error> {
        if given == OWN {
            return Err(usage("--teacher self: a moving average of the student is its only teacher"));
        }
        if !Path::new(given).is_dir() {
            return Self::of_file(given);
        }
        match Subject::load(&RunDir::open_model(Path::new(given))?)? {
            Subject::Classifier { predictor, data } => Ok(Self::Trained(Box::new((predictor, data)))),
            Subject::Policy { .. } => {
                Err(usage(format!("--teacher {given}: it is a policy; several teachers are of classes")))
            }
        }
    }

    /// The CRC-32C of its parameters, answers or file.
    fn checksum(&self) -> u32 {
        match self {
            Self::Trained(trained) => {
                let of_bag: Vec<u8> = trained.0.of_bag().iter().flat_map(|p| p.to_le_bytes()).collect();
                match trained.0.network() {
                    Some(network) => crc32c::crc32c_append(parameters_checksum(network), &of_bag),
                    None => crc32c::crc32c(&safetensors::write(&Model::Predictor(trained.0.clone()))),
                }
            }
            Self::Recorded(answers) => answers.checksum(),
            Self::Foreign(model) => model.checksum(),
            Self::Own => crc32c::crc32c(OWN.as_bytes()),
        }
    }
}

impl Teachers {
    /// Reads teachers that are no single run: files, or several separated by commas.
    pub(crate) fn open(given: &str) -> Result<Self, Error> {
        match places(given).as_slice() {
            [one] => Member::of_file(one).map(|member| Self(vec![member])),
            several => several.iter().map(|place| Member::open(place)).collect::<Result<_, _>>().map(Self),
        }
    }

    /// The CRC-32C of all.
    pub(crate) fn checksum(&self) -> u32 {
        match self.0.as_slice() {
            [one] => one.checksum(),
            several => several
                .iter()
                .fold(0, |sum, member| crc32c::crc32c_append(sum, &member.checksum().to_le_bytes())),
        }
    }

    /// The data of those that were trained here: a student on the same data has the same split.
    pub(crate) fn trained_on(&self) -> Vec<&TrainedOn> {
        self.trained().map(|trained| &trained.1).collect()
    }

    /// The preprocessing of the only teacher, which its student shares.
    pub(crate) fn preprocessing(&self) -> Option<&Arc<Preprocessing>> {
        match self.0.as_slice() {
            [Member::Trained(trained)] => Some(trained.0.preprocessing()),
            _ => None,
        }
    }

    /// The only teacher, if it was trained here.
    pub(crate) fn predictor(&self) -> Option<&Predictor> {
        match self.0.as_slice() {
            [Member::Trained(trained)] => Some(&trained.0),
            _ => None,
        }
    }

    pub(super) fn into_members(self) -> Vec<Member> {
        self.0
    }

    /// Returns true if the first teacher predicts values and no classes.
    pub(crate) fn has_values(&self) -> bool {
        match &self.0[0] {
            Member::Trained(trained) => trained.0.preprocessing().classes().is_empty(),
            Member::Recorded(answers) => answers.classes().is_empty(),
            Member::Foreign(model) => model.classes().is_empty(),
            Member::Own => false,
        }
    }

    fn trained(&self) -> impl Iterator<Item = &(Predictor, TrainedOn)> {
        self.0.iter().filter_map(|member| match member {
            Member::Trained(trained) => Some(&**trained),
            Member::Recorded(_) | Member::Foreign(_) | Member::Own => None,
        })
    }

    /// Gives the recorded ones, in their order, files of answers to the rows without labels.
    ///
    /// # Errors
    /// If they are not as many, or a file has no answers.
    pub(super) fn with_unlabelled(self, given: &str) -> Result<Self, Error> {
        let files = places(given);
        let is_recorded = |member: &&Member| matches!(member, Member::Recorded(_));
        let recorded = self.0.iter().filter(is_recorded).count();
        if files.len() != recorded {
            return Err(usage(format!(
                "{TO_UNLABELLED} {given}: expected {recorded} files, one for each recorded teacher; others \
                 answer by themselves"
            )));
        }
        let mut files = files.into_iter();
        let with = |member| match member {
            Member::Recorded(answers) => {
                let file = files.next().expect("one for each");
                answers.with_unlabelled(&file).map(|answers| Member::Recorded(Box::new(answers)))
            }
            other => Ok(other),
        };
        self.0.into_iter().map(with).collect::<Result<_, _>>().map(Self)
    }

    /// Sentences on answers that are taken for those of other classes than they are called, or for more exact
    /// ones.
    pub(super) fn remarks(&self, classes: &[String]) -> Vec<String> {
        let of_member = |member: &Member| match member {
            Member::Recorded(answers) => answers.remarks(classes),
            Member::Foreign(model) => {
                let told = |remark: String| format!("--teacher {}: {remark}", model.given());
                model.remark(classes).map(told).into_iter().collect()
            }
            Member::Trained(_) | Member::Own => Vec::new(),
        };
        self.0.iter().flat_map(of_member).collect()
    }

    /// Leaves out training rows to which a recorded teacher has no answer; returns warnings of these and of test rows
    /// without one.
    ///
    /// # Errors
    /// If no row is left, rows with a label have no answer and are not to be left out, or the answers are to
    /// other classes.
    pub(crate) fn leave_out(&self, data: &DataSources, parts: &mut Parts) -> Result<Vec<String>, Error> {
        let count = parts.train.len();
        let mut warnings = Vec::new();
        for member in &self.0 {
            let Member::Recorded(answers) = member else { continue };
            let places = answers.places(data.data(), data.unlabelled())?;
            let all = learned_rows(data, parts);
            let kept: Vec<usize> = (0..all.len()).filter(|&i| places[all[i]].is_some()).collect();
            if kept.is_empty() {
                return Err(answers.wrong("it has no answer to a training row"));
            }
            if kept.len() < all.len() {
                let labelled = parts.rows.0.len();
                let is_without = |i: &usize| places[all[*i]].is_none();
                let without = (0..labelled).filter(is_without).count();
                if let Some(first) = (0..labelled).find(is_without).filter(|_| !answers.drops_missing()) {
                    let row = all[first];
                    let name =
                        data.data().names()?.map_or_else(String::new, |names| format!(" (`{}`)", names[row]));
                    return Err(answers.wrong(&format!(
                        "it has no answer to {without} of {labelled} training rows, such as row {}{name}; \
                         complete it, or leave these rows out with missing=drop",
                        row + 1
                    )));
                }
                if (labelled..all.len()).all(|i| is_without(&i)) && labelled < all.len() {
                    return Err(answers.wrong(&format!(
                        "it has no answer to a row of --unlabelled; give these with {TO_UNLABELLED} FILE"
                    )));
                }
                parts.train = Arc::new(parts.train.select(&kept));
                let (rows, more) = kept.split_at(kept.partition_point(|&i| i < labelled));
                parts.unlabelled = more.iter().map(|&i| parts.unlabelled[i - labelled]).collect();
                parts.rows.0 = rows.iter().map(|&i| parts.rows.0[i]).collect();
            }
            if parts.rows.0.is_empty() {
                return Err(answers.wrong("it has no answer to a row with a label, of which some are needed"));
            }
            warnings.extend(answers.unanswered_tests(data, parts, &places)?);
        }
        let without = count - parts.train.len();
        warnings.extend((without > 0).then(|| {
            format!("{without} of {count} training rows have no answer of the teacher and are left out")
        }));
        Ok(warnings)
    }
}

/// The answers of teachers to all rows of some data.
pub(crate) struct Record {
    pub(crate) classes: Vec<String>,
    /// `rows x classes`.
    pub(crate) logits: Vec<f32>,
    /// The CRC-32C of the teachers.
    pub(crate) teacher: u32,
    /// The column that a teacher has learned, which is no part of the rows that it answers.
    pub(crate) target: Option<String>,
    /// Sentences on answers that are taken for those of other classes than they are called, or for more exact
    /// ones.
    pub(crate) remarks: Vec<String>,
}

impl Teachers {
    /// The answers to all rows of some data: of several teachers their mean, at temperature 1.
    ///
    /// # Errors
    /// If a teacher cannot answer a row, or has other classes.
    pub(crate) fn answers_to(
        self,
        data: &OpenData,
        (weights, mean): (Option<&str>, EnsembleMean),
    ) -> Result<Record, Error> {
        let (teacher, count) = (self.checksum(), self.0.len());
        let learned = |member: &(Predictor, TrainedOn)| member.0.preprocessing().target().column().to_owned();
        let of_file = |member: &Member| match member {
            Member::Foreign(model) => model.label_in(data).map(str::to_owned),
            _ => None,
        };
        let target = self.trained().next().map(learned).or_else(|| self.0.iter().find_map(of_file));
        let weights = weights.map_or_else(|| Ok(vec![1.0; count]), |weights| numbers(weights, count))?;
        let classes = self.classes(data)?;
        let remarks = self.remarks(&classes);
        let mut members = Vec::with_capacity(count);
        for (weight, member) in weights.into_iter().zip(self.0) {
            members.push((weight, member.answers_to(data, &classes)?));
        }
        let sum: f64 = members.iter().map(|(weight, _)| weight).sum();
        let shares: Vec<_> = members.iter().map(|(weight, own)| (weight / sum, own.as_slice())).collect();
        let mut logits = Vec::new();
        match shares.as_slice() {
            [(_, own)] => logits.extend_from_slice(own),
            several => mean_logits(mean, 1.0, several, classes.len(), &mut logits),
        }
        Ok(Record { classes, logits, teacher, target, remarks })
    }

    /// The classes: those of the first teacher that has names for them, else those of the data.
    fn classes(&self, data: &OpenData) -> Result<Vec<String>, Error> {
        let of_member = |member: &Member| match member {
            Member::Trained(trained) => trained.0.preprocessing().classes().to_vec(),
            Member::Recorded(answers) => answers.classes().to_vec(),
            Member::Foreign(model) => model.classes(),
            Member::Own => Vec::new(),
        };
        let all: Vec<Vec<String>> = self.0.iter().map(of_member).collect();
        if all.iter().any(Vec::is_empty) {
            return Err(usage("the teacher predicts values; answers are recorded of classifiers"));
        }
        let named = all.iter().find(|classes| !is_numbered(classes));
        let numbers = || data.names_of(all[0].clone()).unwrap_or_else(|_| all[0].clone());
        Ok(named.cloned().unwrap_or_else(numbers))
    }
}

impl Member {
    /// The logits of these classes for all rows of some data, `rows x classes`.
    fn answers_to(self, data: &OpenData, classes: &[String]) -> Result<Vec<f32>, Error> {
        let frame = data.rows();
        let rows: Vec<usize> = (0..frame.rows()).collect();
        let all = Rows { frame, rows: &rows, source: data };
        let of_data = |reason: String| data.refused(reason);
        match self {
            Self::Trained(trained) => {
                trained.0.preprocessing().for_rows(frame, data.options()).map_err(of_data)?;
                own_logits(&trained.0, classes, all).map_err(of_data)
            }
            Self::Recorded(answers) => {
                let (logits, places) = (answers.logits(classes)?, answers.places(data, None)?);
                let places: Option<Vec<usize>> = places.into_iter().collect();
                let none = || answers.wrong("a row has no answer");
                Ok(rows_at(&logits, classes.len(), &places.ok_or_else(none)?))
            }
            Self::Foreign(mut model) => {
                let preprocessing = model.for_rows(data, classes.to_vec()).map_err(of_data)?;
                let given = model.given().to_owned();
                model
                    .logits(&preprocessing, frame, &rows)
                    .map_err(|fault| fault.told(data, &format!("--teacher {given}")))
            }
            Self::Own => Err(usage("--teacher self: it answers in training alone")),
        }
    }
}

/// The weights of teachers.
pub(super) fn numbers(weights: &str, count: usize) -> Result<Vec<f64>, Error> {
    let parsed = weights.split(',').map(|weight| weight.trim().parse::<f64>().ok());
    let parsed: Option<Vec<f64>> = parsed.map(|w| w.filter(|w| w.is_finite() && *w > 0.0)).collect();
    parsed.filter(|parsed| parsed.len() == count).ok_or_else(|| {
        usage(format!(
            "teacher_weights={weights}: expected {count} numbers above 0, one for each teacher, as in 2,1"
        ))
    })
}

/// The logits of a classifier behind its own preprocessing, in the order of these classes: `rows x classes`.
pub(super) fn own_logits(
    predictor: &Predictor,
    classes: &[String],
    rows: Rows<'_>,
) -> Result<Vec<f32>, String> {
    let own = predictor.preprocessing().classes();
    let place = |class: &String| own.iter().position(|own| own == class);
    let places = classes.iter().map(place).collect::<Option<Vec<_>>>();
    let places = places.filter(|places| places.len() == own.len()).ok_or_else(|| {
        format!("its classes are {}, those of the data {}", own.join(", "), classes.join(", "))
    })?;
    let answers = own_answers(predictor, rows)?;
    let rows = answers.chunks_exact(classes.len());
    Ok(rows.flat_map(|row| places.iter().map(|&place| row[place])).collect())
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn teachers_are_separated_by_commas() {
        let check = |given: &str, expected: &[&str]| assert_eq!(places(given), expected);
        check("runs/a", &["runs/a"]);
        check("runs/a,runs/b", &["runs/a", "runs/b"]);
        check("f.csv:id=name,missing=mean,runs/b", &["f.csv:id=name,missing=mean", "runs/b"]);
        check(
            "f.onnx:classes=[\"a\",\"b\"],inputs=raw,g.npz",
            &["f.onnx:classes=[\"a\",\"b\"],inputs=raw", "g.npz"],
        );
    }
}
