//! The part of a run's report that says how good its classifiers are: numbers beside each other, calibration, errors of each
//! class, the rows to look at, soft targets.

use super::classifiers::{classifier_table, title_of};
use crate::jobs::STUDENT_DISTILLED;
use crate::report::{BarChart, Block, GreyImage, GridChart, LineChart, Series, Square, Table};
use crate::words::counted;
use serde_json::Value;

/// The most classes that are drawn; of more, the worst are listed.
const CLASSES_MAX: usize = 20;
/// The worst classes and confusions that are listed.
const WORST: usize = 15;
/// Letters of a class's name in the confusion matrix.
const LETTERS_MAX: usize = 7;
/// Letters of a value of a listed row, and of the name of its column.
const VALUE_LETTERS_MAX: usize = 16;

/// The words for rows that are listed of one seed.
const FIRST_SEED: &str = " Of the first seed.";

/// The figures of a run as its file has them, or of several seeds.
struct Figures<'a> {
    quality: &'a Value,
    classes: Vec<&'a str>,
}

/// The blocks of a run's classifiers, from its summary and its figures; none of another run.
pub(super) fn quality_blocks(summary: &Value, quality: &Value) -> Vec<Block> {
    let names = quality["classes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let figures = Figures { quality, classes: names.collect() };
    if figures.classes.is_empty() {
        return Vec::new();
    }
    let mut blocks = Vec::new();
    if let Some(table) = classifier_table(summary) {
        blocks.push(Block::Table(table));
        blocks.push(Block::Text(
            "Labels only: a student of the same form, seed and samples that never saw the teacher. NLL: mean negative \
             log-likelihood of the test labels, in nats. ECE: expected calibration error in 15 bins (Guo et al. 2017), as \
             trained and after temperature scaling, at the temperature that suits training samples best. \
             Agreement: share of test samples on which the teacher names the same class. Times are from the \
             encoded values of a row, or its text, to the answers, of several teachers one after the other, \
             measured on the machine of the run."
                .to_owned()
                + figures.over_seeds(" In brackets: the 95 % interval of the mean over seeds, from three \
                seeds on."),
        ));
    }
    blocks.extend(figures.calibration());
    blocks.extend(figures.errors());
    blocks.extend(figures.rows());
    blocks.extend(figures.soft_targets());
    blocks
}

fn heading(text: &str) -> Block {
    Block::Heading(text.to_owned())
}

/// A class's name for a figure, of at most so many letters.
fn short(name: &str, letters_max: usize) -> String {
    if name.chars().count() <= letters_max {
        return name.to_owned();
    }
    name.chars().take(letters_max - 1).collect::<String>() + "."
}

fn count(value: &Value) -> usize {
    value.as_u64().unwrap_or_default() as usize
}

impl Figures<'_> {
    /// Words for figures of several seeds; none for those of one run.
    fn over_seeds<'a>(&self, words: &'a str) -> &'a str {
        if count(&self.quality["seeds"]) > 1 { words } else { "" }
    }

    fn models(&self) -> impl Iterator<Item = &Value> {
        self.quality["models"].as_array().into_iter().flatten()
    }

    /// The names of the classes under the bars of a narrow chart.
    fn categories(&self) -> Vec<String> {
        let letters_max = match self.classes.len() {
            0..=4 => 9,
            5..=8 => 5,
            _ => 3,
        };
        self.classes.iter().map(|name| short(name, letters_max)).collect()
    }

    fn class(&self, value: &Value) -> &str {
        self.classes.get(count(value)).copied().unwrap_or("?")
    }

    /// Reliability diagrams, beside each other.
    fn calibration(&self) -> Vec<Block> {
        let line = |name: &str, bins: &Value| {
            let bins = bins.as_array().into_iter().flatten().filter(|bin| count(&bin[0]) > 0);
            let point = |bin: &Value| Some((bin[1].as_f64()?, bin[2].as_f64()?));
            Series { name: name.to_owned(), points: bins.filter_map(point).collect(), band: Vec::new() }
        };
        let chart = |model: &Value| {
            let even = Series {
                name: "perfect calibration".to_owned(),
                points: vec![(0.0, 0.0), (1.0, 1.0)],
                band: Vec::new(),
            };
            Block::Lines(LineChart {
                title: format!("Reliability: {}", title_of(model["key"].as_str().unwrap_or_default())),
                x_label: "confidence".to_owned(),
                y_label: "share right".to_owned(),
                series: vec![
                    line("as trained", &model["reliability"]),
                    line("after temperature scaling", &model["calibrated"]),
                    even,
                ],
                y_range: Some((0.0, 1.0)),
            })
        };
        let samples = counted(&self.quality["calibration_samples"], "training sample");
        let words = format!(
            "A point is a fifteenth of the range of the highest probability: how sure the classifier was of these test \
             samples, and how often it was right. Below the line of perfect calibration it is too sure. \
             Temperature scaling divides the logits by the temperature with the highest likelihood of \
             {samples}; a classifier that knows those by heart needs samples of its own for it.{}",
            self.over_seeds(" The test samples of all seeds are taken together.")
        );
        let charts = self.models().map(chart).collect();
        vec![heading("Calibration"), Block::Row(charts), Block::Text(words)]
    }

    /// The confusion matrix of a model, by rows.
    fn confusion(&self, model: &Value) -> Vec<usize> {
        model["confusion"].as_array().into_iter().flatten().map(count).collect()
    }

    /// The share of each class's test samples that is wrong; none of a class without any.
    fn error_by_class(&self, model: &Value) -> Vec<Option<f64>> {
        let confusion = self.confusion(model);
        let rows = confusion.chunks(self.classes.len().max(1)).enumerate();
        rows.map(|(class, row)| {
            let all: usize = row.iter().sum();
            (all > 0).then(|| 1.0 - row.get(class).copied().unwrap_or_default() as f64 / all as f64)
        })
        .collect()
    }

    /// The errors of each class, and what is taken for what.
    fn errors(&self) -> Vec<Block> {
        let by_model: Vec<(&str, Vec<Option<f64>>)> = self
            .models()
            .map(|model| (title_of(model["key"].as_str().unwrap_or_default()), self.error_by_class(model)))
            .collect();
        let Some((_, own)) = by_model.last() else { return Vec::new() };
        let mut blocks = vec![heading("Errors by class")];
        if self.classes.len() <= CLASSES_MAX {
            let percent =
                |errors: &[Option<f64>]| errors.iter().map(|e| 100.0 * e.unwrap_or_default()).collect();
            blocks.push(Block::Bars(BarChart {
                title: format!("Wrong test samples of each class, %{}", self.over_seeds(", all seeds")),
                x_label: "class".to_owned(),
                y_label: "%".to_owned(),
                categories: self.categories(),
                series: by_model.iter().map(|(name, errors)| ((*name).to_owned(), percent(errors))).collect(),
            }));
        } else {
            let mut places: Vec<usize> = (0..own.len()).filter(|&class| own[class].is_some()).collect();
            places.sort_by(|&a, &b| own[b].unwrap_or(0.0).total_cmp(&own[a].unwrap_or(0.0)));
            let mut head = vec![format!("the {} worst classes", places.len().min(WORST))];
            head.extend(by_model.iter().map(|(name, _)| format!("{name}, %")));
            let cell =
                |error: Option<f64>| error.map_or(String::new(), |error| format!("{:.1}", 100.0 * error));
            let row = |&class: &usize| {
                let cells = by_model.iter().map(|(_, errors)| cell(errors.get(class).copied().flatten()));
                std::iter::once(self.classes[class].to_owned()).chain(cells).collect()
            };
            blocks.push(Block::Table(Table { head, rows: places.iter().take(WORST).map(row).collect() }));
        }
        blocks.extend(self.models().last().map(|model| self.confusions(model)));
        if self.classes.len() <= CLASSES_MAX && self.categories() != self.classes {
            blocks.push(Block::Text(format!("The classes, in their order: {}.", self.classes.join(", "))));
        }
        blocks
    }

    /// The confusion matrix as a picture, or the most frequent confusions.
    fn confusions(&self, model: &Value) -> Block {
        let classes = self.classes.len();
        let confusion = self.confusion(model);
        if classes <= CLASSES_MAX {
            let names: Vec<String> = self.classes.iter().map(|name| short(name, LETTERS_MAX)).collect();
            let square = |&samples: &usize| Square { value: Some(samples as f64), ..Square::default() };
            return Block::Grid(GridChart {
                title: format!(
                    "Test samples of each class (down) by the class that the {} names (across){}",
                    if model["key"] == STUDENT_DISTILLED { "distilled student" } else { "classifier" },
                    self.over_seeds(", all seeds")
                ),
                columns: classes,
                squares: confusion.iter().map(square).collect(),
                is_count: true,
                row_names: names.clone(),
                column_names: names,
                labels: ["class", "named"].map(str::to_owned),
            });
        }
        let wrong = |place: &usize| place / classes != place % classes && confusion[*place] > 0;
        let mut pairs: Vec<usize> = (0..confusion.len()).filter(wrong).collect();
        pairs.sort_by_key(|&place| std::cmp::Reverse(confusion[place]));
        let row = |&place: &usize| {
            let (class, named) = (self.classes[place / classes], self.classes[place % classes]);
            vec![class.to_owned(), named.to_owned(), confusion[place].to_string()]
        };
        let head = ["class", "taken for", "samples"].map(str::to_owned).to_vec();
        Block::Table(Table { head, rows: pairs.iter().take(WORST).map(row).collect() })
    }

    /// The rows to look at.
    fn rows(&self) -> Vec<Block> {
        let rows: Vec<&Value> = self.quality["rows"].as_array().into_iter().flatten().collect();
        if rows.is_empty() {
            return Vec::new();
        }
        let has_teacher = rows[0]["teacher"].is_array();
        let place = if self.quality["is_apart"] == true { "row of the test data" } else { "row of the data" };
        let mut head = vec![place.to_owned(), "class".to_owned()];
        if has_teacher {
            head.push("teacher".to_owned());
        }
        head.push(if has_teacher { "student" } else { "named" }.to_owned());
        if has_teacher {
            head.push("distance".to_owned());
        }
        let values = |row: &Value| row["values"].as_array().cloned().unwrap_or_default();
        head.extend(
            values(rows[0]).iter().map(|value| short(value[0].as_str().unwrap_or("?"), VALUE_LETTERS_MAX)),
        );
        let has_text = rows[0]["text"].is_string();
        if has_text {
            head.push("text".to_owned());
        }
        let answer = |answer: &Value| {
            format!("{} ({:.0} %)", self.class(&answer[0]), 100.0 * answer[1].as_f64().unwrap_or_default())
        };
        let line = |row: &&Value| {
            let mut cells = vec![row["row"].to_string(), self.class(&row["class"]).to_owned()];
            if has_teacher {
                cells.push(answer(&row["teacher"]));
            }
            cells.push(answer(&row["student"]));
            if has_teacher {
                cells.push(format!("{:.3}", row["distance"].as_f64().unwrap_or_default()));
            }
            let shown = |value: &Value| short(value[1].as_str().unwrap_or_default(), VALUE_LETTERS_MAX);
            cells.extend(values(row).iter().map(shown));
            if has_text {
                cells.push(row["text"].as_str().unwrap_or_default().to_owned());
            }
            cells
        };
        let (title, words) = match has_teacher {
            true => (
                "Where teacher and student differ most",
                "Class, and the class that each names with its probability; then the first columns of the row, if it has any. The distance is the total variation: half the \
                 sum of the absolute differences of the probabilities, 0 to 1.",
            ),
            false => {
                ("The surest mistakes", "Class, and the class that is named instead, with its probability.")
            }
        };
        let table = Table { head, rows: rows.iter().map(line).collect() };
        let pictures: Vec<Block> = rows
            .iter()
            .filter_map(|row| picture(row, self.class(&row["class"])))
            .map(Block::Image)
            .take(6)
            .collect();
        let words = words.to_owned() + self.over_seeds(FIRST_SEED);
        let mut blocks = vec![heading(title), Block::Text(words), Block::Table(table)];
        if !pictures.is_empty() {
            blocks.push(Block::Row(pictures));
        }
        blocks
    }

    /// Soft targets of some samples, and the student's answers.
    fn soft_targets(&self) -> Vec<Block> {
        let rows: Vec<&Value> = self.quality["soft_targets"].as_array().into_iter().flatten().collect();
        let Some(first) = rows.first() else { return Vec::new() };
        let temperature = first["temperature"].as_f64().unwrap_or(1.0);
        let numbers = |value: &Value| {
            value.as_array().into_iter().flatten().filter_map(Value::as_f64).collect::<Vec<_>>()
        };
        let bars = |row: &&Value| {
            let class = self.class(&row["class"]);
            let bars = Block::Bars(BarChart {
                title: format!("Row {}, class {class}", row["row"]),
                x_label: "class".to_owned(),
                y_label: "probability".to_owned(),
                categories: self.categories(),
                series: ["teacher", "student"].map(|who| (who.to_owned(), numbers(&row[who]))).to_vec(),
            });
            match picture(row, class) {
                Some(image) => Block::Row(vec![Block::Image(image), bars]),
                None => bars,
            }
        };
        let words = format!(
            "What the teacher said of some test samples, and what the student says, at temperature \
             {temperature}.{}",
            self.over_seeds(FIRST_SEED)
        );
        let mut blocks = vec![heading("Soft targets"), Block::Text(words)];
        blocks.extend(rows.iter().map(bars));
        blocks
    }
}

/// The picture of a row.
fn picture(row: &Value, class: &str) -> Option<GreyImage> {
    let shades = row["picture"]["shades"].as_array()?;
    let values = shades.iter().map(|shade| shade.as_f64().unwrap_or_default() / 255.0).collect();
    let (title, width) = (format!("row {}, class {class}", row["row"]), count(&row["picture"]["width"]));
    (width > 0).then_some(GreyImage { title, width, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Page;
    use serde_json::json;

    fn figures(classes: usize) -> Value {
        let names: Vec<String> = (0..classes).map(|class| format!("class number {class}")).collect();
        // Of each class nine samples are right and one is taken for the next.
        let confusion: Vec<usize> = (0..classes * classes)
            .map(|place| match (place % classes + classes - place / classes) % classes {
                0 => 9,
                1 => 1,
                _ => 0,
            })
            .collect();
        let bins = json!([[0, 0.0, 0.0], [5, 0.9, 0.8]]);
        let model = |key: &str| json!({ "key": key, "reliability": bins, "calibrated": bins, "confusion": confusion });
        json!({
            "classes": names,
            "calibration_samples": 30,
            "is_apart": false,
            "models": [model("teacher"), model("student_distilled")],
            "rows": [{ "values": [["size", "5.1"], ["hue", "a very long name of red"]], "row": 7, "class": 1, "teacher": [1, 0.75], "student": [0, 0.5], "distance": 0.25 }],
            "soft_targets": [],
        })
    }

    #[test]
    fn few_classes_are_drawn_and_many_listed() {
        let check = |classes: usize, is_drawn: bool| {
            let blocks = quality_blocks(&json!({}), &figures(classes));
            let has = |is: &dyn Fn(&Block) -> bool| blocks.iter().any(is);
            assert_eq!(has(&|block| matches!(block, Block::Grid(_))), is_drawn, "{classes}");
            assert_eq!(has(&|block| matches!(block, Block::Bars(_))), is_drawn, "{classes}");
            let page = Page { title: "t".to_owned(), lead: String::new(), blocks };
            let text = page.text(80);
            assert!(text.contains("hue") && text.contains("a very long nam."), "{text}");
            assert!(text.contains("class number 1 (75 %)") && text.contains("0.250"), "{text}");
            let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
            let lists = |line: &str| words(line) == "class number 0 class number 1 1";
            assert_eq!(text.lines().any(lists), !is_drawn, "{text}");
            assert!(page.html().contains("Reliability: distilled"));
        };
        check(2, true);
        check(20, true);
        check(21, false);
    }

    #[test]
    fn a_run_without_figures_has_no_blocks() {
        assert_eq!(quality_blocks(&json!({ "test_error": 0.1 }), &Value::Null), []);
    }
}
