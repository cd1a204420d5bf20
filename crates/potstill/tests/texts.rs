//! Texts: n-grams against a second program, and students of texts that are restored.

use potstill::core::{Restorable, Streams};
use potstill::data::text::for_each_ngram;
use potstill::data::{Column, DataFrame, DataOptions, Dataset, Preprocessing, Values};
use potstill::distill::{ClassifierTrainer, FitConfig, SoftTargets, SoftTargetsConfig, Source};
use potstill::export::{EXPORTERS, safetensors};
use potstill::model::Model;
use potstill::nn::NetworkSpec;
use std::sync::Arc;

#[test]
fn ngrams_are_those_of_a_second_program() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/text/ngrams.json");
    let cases: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 40);
    for case in cases {
        let [form, text] = ["form", "text"].map(|key| case[key].as_str().unwrap());
        let spec: NetworkSpec = form.parse().unwrap();
        let mut rows = Vec::new();
        for_each_ngram(text, &spec.bag.unwrap(), |row| rows.push(row));
        assert_eq!(serde_json::json!(rows), case["rows"], "{form}, {text:?}");
    }
}

/// Forty short reviews of two classes, and one without words.
fn reviews() -> (Arc<Dataset>, Arc<Preprocessing>) {
    let [mut texts, mut classes] = [Values::words(), Values::words()];
    for i in 0..41_usize {
        let (word, class) = if i.is_multiple_of(2) { ("good", "yes") } else { ("awful", "no") };
        let text = if i == 40 { "...".to_owned() } else { format!("number {i} is {word}, all in all") };
        texts.push_word(Some(&text));
        classes.push_word(Some(class));
    }
    let frame = DataFrame::new(vec![Column::new("review", texts), Column::new("label", classes)]).unwrap();
    let options = DataOptions { text: Some("review".to_owned()), ..DataOptions::default() };
    let rows: Vec<usize> = (0..frame.rows()).collect();
    let preprocessing = Preprocessing::fit(&frame, &rows, &options).unwrap();
    (Arc::new(preprocessing.labelled(&frame, &rows).unwrap()), Arc::new(preprocessing))
}

fn trainer(form: &str, is_taught: bool, seed: u64) -> ClassifierTrainer {
    let (data, _) = reviews();
    let config = FitConfig { learning_rate: 0.05.into(), batch_size: 8, ..FitConfig::default() };
    let soft = is_taught.then(|| {
        let logits = data.labels.iter().flat_map(|&label| [2.0 - 2.0 * label as f32, 2.0 * label as f32]);
        let source = Source::recorded(2, logits.collect());
        SoftTargets::new(source, SoftTargetsConfig::default())
    });
    ClassifierTrainer::new(config, &form.parse().unwrap(), data, soft, Streams::new(seed))
}

/// Every form of a student of texts: linear, wide, with a hidden layer, and a network that is given a bag.
const FORMS: [&str; 4] = ["text:512", "text:512x1", "text:512x4,6:tanh:chars=0", "mlp:5"];

#[test]
fn a_restored_trainer_of_texts_goes_on_identically() {
    for (form, is_taught) in FORMS.iter().flat_map(|form| [(form, false), (form, true)]) {
        let (mut original, mut copy) = (trainer(form, is_taught, 1), trainer(form, is_taught, 2));
        original.epoch().unwrap();
        // In the middle of an epoch.
        (0..3).for_each(|_| assert_eq!(original.step(), Ok(None)));
        copy.restore(&original.snapshot()).unwrap();
        for _ in 0..2 {
            assert_eq!(original.epoch().unwrap().to_bits(), copy.epoch().unwrap().to_bits());
            assert_eq!(original.snapshot(), copy.snapshot(), "{form}");
        }
    }
}

#[test]
fn a_student_of_texts_learns_and_is_kept_in_its_file() {
    let (data, preprocessing) = reviews();
    for form in FORMS {
        let mut trainer = trainer(form, false, 3);
        (0..40).for_each(|_| _ = trainer.epoch().unwrap());
        let predictor = trainer.predictor(&preprocessing);
        let (ours, theirs) = (trainer.embedded(&data), predictor.embedded(&data));
        assert_eq!(ours, theirs, "{form}: n-grams that were kept are those of the text");
        let error = potstill::distill::classifier::error_rate(predictor.network().unwrap(), &theirs);
        assert!(error <= 1.0 / 41.0, "{form}: {error}");
        let model = Model::Predictor(predictor);
        assert_eq!(safetensors::read(&safetensors::write(&model)), Ok(model.clone()), "{form}");
        for exporter in EXPORTERS.iter().filter(|exporter| exporter.name() == "onnx") {
            assert_eq!(
                exporter.takes(&model).unwrap_err(),
                "its column `review` has texts, and no standard operator of ONNX hashes their n-grams; export it to safetensors"
            );
        }
        // From the file into a new student, and not into one of another form.
        let mut further = self::trainer(form, false, 4);
        further.start_from(&model).unwrap();
        assert_eq!(Model::Predictor(further.predictor(&preprocessing)), model);
        assert!(self::trainer("text:256x3", false, 4).start_from(&model).is_err());
    }
}
