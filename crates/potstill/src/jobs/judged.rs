//! The measures of classifiers in the summary of a run, and in the file that its report is drawn from.

use crate::data::{Column, Dataset};
use crate::distill::classifier::agreement_of;
use crate::distill::quality::{self, Bin, Judged};
use crate::targets::argmax;
use serde_json::{Value as Json, json};

/// The keys of a distillation's classifiers in its summary.
pub(crate) const TEACHER: &str = "teacher";
pub(crate) const STUDENT_LABELS: &str = "student_labels";
pub(crate) const STUDENT_DISTILLED: &str = "student_distilled";
/// The key of a classifier's figures; its numbers stand in the summary itself.
pub(crate) const MODEL: &str = "model";

/// The most training samples on which a temperature is fitted.
pub(crate) const CALIBRATION_MAX: usize = 5000;
/// Rows that are listed: those on which teacher and student differ most, or the surest mistakes.
const LISTED: usize = 12;
/// Rows whose soft targets are drawn, and the most classes that are.
const DRAWN: usize = 4;
const DRAWN_CLASSES_MAX: usize = 20;
/// The most pixels of a listed picture, and letters of a listed text.
const PIXELS_MAX: usize = 1024;
const LETTERS_MAX: usize = 100;

/// Training samples to fit a temperature on: at most [`CALIBRATION_MAX`] labelled ones, spread evenly.
pub(crate) fn calibration_rows(data: &Dataset) -> Vec<usize> {
    let labelled = data.labels.len();
    let count = labelled.min(CALIBRATION_MAX);
    (0..count).map(|i| i * labelled / count).collect()
}

/// A classifier to be measured.
pub(super) struct Candidate<'a> {
    /// Its key in the summary.
    pub(super) key: &'static str,
    /// Its logits of the test samples.
    pub(super) test: &'a [f32],
    /// Its logits of the samples that the temperature is fitted on.
    pub(super) fitted_on: &'a [f32],
}

/// The common parts of the measures of several classifiers.
pub(super) struct Judge<'a> {
    /// The names of the classes.
    pub(super) classes: &'a [String],
    /// The test samples, as they were before any embedding.
    pub(super) test: &'a Dataset,
    /// The rows of the data that they are; none if they stand apart.
    pub(super) rows: &'a [usize],
    /// Columns of the test samples as they were.
    pub(super) shown: &'a [Column],
    /// The labels of the samples that temperatures are fitted on.
    pub(super) fitted_labels: &'a [usize],
    /// The teacher's logits of the test samples.
    pub(super) teacher: Option<&'a [f32]>,
}

impl Judge<'_> {
    fn count(&self) -> usize {
        self.classes.len()
    }

    /// The measures of a classifier for the summary, and its figures for the report.
    pub(super) fn measure(&self, candidate: &Candidate<'_>) -> (Json, Json) {
        let judged = Judged::new(self.count(), candidate.test, &self.test.labels);
        let temperature =
            Judged::new(self.count(), candidate.fitted_on, self.fitted_labels).best_temperature();
        let [plain, scaled] = [1.0, temperature].map(|temperature| judged.reliability(temperature));
        let summary = json!({
            "test_error": judged.error(),
            "nll": judged.nll(1.0),
            "brier": judged.brier(1.0),
            "ece": quality::calibration_error(&plain),
            "calibration_temperature": temperature,
            "calibrated_ece": quality::calibration_error(&scaled),
            "agreement": self.teacher.map(|teacher| {
                let theirs: Vec<usize> = teacher.chunks_exact(self.count()).map(argmax).collect();
                agreement_of(&theirs, &judged.predictions())
            }),
        });
        let bins = |bins: &[Bin]| -> Json {
            bins.iter().map(|bin| json!([bin.count, bin.confidence, bin.accuracy])).collect()
        };
        let figures = json!({
            "key": candidate.key,
            "reliability": bins(&plain),
            "calibrated": bins(&scaled),
            "confusion": judged.confusion(),
        });
        (summary, figures)
    }

    /// The rows to look at: those on which the student is furthest from its teacher, or its surest mistakes.
    pub(super) fn listed(&self, student: &[f32]) -> Json {
        let count = self.count();
        let probability = |logits: &[f32], sample: usize| -> Json {
            let row = &logits[sample * count..][..count];
            let chosen = argmax(row);
            json!([chosen, quality::probabilities(row, 1.0)[chosen]])
        };
        let distances = match self.teacher {
            Some(teacher) => quality::total_variations(count, teacher, student),
            None => self
                .test
                .labels
                .iter()
                .enumerate()
                .map(|(i, &label)| self.mistake(student, i, label))
                .collect(),
        };
        let listed = quality::largest(&distances, LISTED).into_iter().filter(|&i| distances[i] > 0.0);
        let about = |i: usize| {
            let mut row = json!({
                "row": self.rows.get(i).map_or(i, |&row| row) + 1,
                "class": self.test.labels[i],
                "student": probability(student, i),
                "distance": distances[i],
            });
            if let Some(teacher) = self.teacher {
                row["teacher"] = probability(teacher, i);
            }
            if let Some(text) = self.test.texts.get(i) {
                let words: String = text.chars().take(LETTERS_MAX).collect();
                row["text"] = json!(if words.len() < text.len() { words + " ..." } else { words });
            } else if let Some(picture) = self.picture(i) {
                row["picture"] = picture;
            }
            if !self.shown.is_empty() {
                let value = |column: &Column| json!([column.name, column.values.text(i)]);
                row["values"] = self.shown.iter().map(value).collect();
            }
            row
        };
        listed.map(about).collect()
    }

    /// The probability of a wrongly chosen class; 0 of a right one.
    fn mistake(&self, logits: &[f32], sample: usize, label: usize) -> f64 {
        let row = &logits[sample * self.count()..][..self.count()];
        let chosen = argmax(row);
        if chosen == label { 0.0 } else { quality::probabilities(row, 1.0)[chosen] }
    }

    /// The pixels of a grey image, and their number in a row.
    fn picture(&self, sample: usize) -> Option<Json> {
        let [height, width, channels] = self.test.shape;
        let is_small = height > 1 && width > 1 && channels == 1 && height * width <= PIXELS_MAX;
        let pixels = is_small.then(|| self.test.input(sample))?;
        let shades: Vec<u8> = pixels.iter().map(|p| (p.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
        Some(json!({ "width": width, "shades": shades }))
    }

    /// The soft targets of the first test sample of some classes, and the student's answers to it at the same temperature.
    pub(super) fn soft_targets(&self, student: &[f32], temperature: f64) -> Json {
        let (Some(teacher), 2..=DRAWN_CLASSES_MAX) = (self.teacher, self.count()) else { return json!([]) };
        let first = |class: usize| self.test.labels.iter().position(|&label| label == class);
        let drawn = (0..self.count()).filter_map(first).take(DRAWN);
        let of = |logits: &[f32], i: usize| {
            quality::probabilities(&logits[i * self.count()..][..self.count()], temperature)
        };
        drawn
            .map(|i| {
                let mut row = json!({
                    "row": self.rows.get(i).map_or(i, |&row| row) + 1,
                    "class": self.test.labels[i],
                    "temperature": temperature,
                    "teacher": of(teacher, i),
                    "student": of(student, i),
                });
                if let Some(picture) = self.picture(i) {
                    row["picture"] = picture;
                }
                row
            })
            .collect()
    }
}
