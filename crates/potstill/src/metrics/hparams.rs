//! The hyperparameters of a run for TensorBoard: a session of its plugin `hparams` (tensorboard/plugins/hparams/api.proto and
//! plugin_data.proto), and the configuration as a text.

use super::catalogue::{EP_REW_MEAN, EVAL_MEAN_REWARD, EVAL_TEST_ERROR, EVAL_TEST_RMSE};
use super::wire::{push_bytes, push_double, push_number};
use toml::{Table, Value};

/// `Summary` messages for the beginning of an event file; none for text that is no configuration.
pub(super) fn summaries(config: &str) -> Vec<Vec<u8>> {
    let table: Table = match config.parse() {
        Ok(table) if !config.is_empty() => table,
        _ => return Vec::new(),
    };
    let experiment = plugin_data(2, &experiment(&table));
    let start = plugin_data(3, &session_start(&table));
    // A session that has ended well: TensorBoard shows one without an end as running for ever.
    let mut ended = Vec::new();
    push_number(&mut ended, 1, 1);
    let end = plugin_data(4, &ended);
    vec![
        value("_hparams_/experiment", "hparams", &experiment, &[]),
        value("_hparams_/session_start_info", "hparams", &start, &[]),
        value("_hparams_/session_end_info", "hparams", &end, &[]),
        value("config/text_summary", "text", &[], &text_tensor(&markdown(config))),
    ]
}

/// `Summary { value = 1 { tag = 1, tensor = 8, metadata = 9 { plugin_data = 1 { plugin_name = 1, content = 2 } } } }`.
fn value(tag: &str, plugin: &str, content: &[u8], tensor: &[u8]) -> Vec<u8> {
    let (mut data, mut metadata, mut value, mut summary) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    push_bytes(&mut data, 1, plugin.as_bytes());
    if !content.is_empty() {
        push_bytes(&mut data, 2, content);
    }
    push_bytes(&mut metadata, 1, &data);
    push_bytes(&mut value, 1, tag.as_bytes());
    if !tensor.is_empty() {
        push_bytes(&mut value, 8, tensor);
    }
    push_bytes(&mut value, 9, &metadata);
    push_bytes(&mut summary, 1, &value);
    summary
}

/// `HParamsPluginData { version = 1 }`, which is 0, and one of its messages.
fn plugin_data(field: u8, message: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    push_bytes(&mut data, field, message);
    data
}

/// `Experiment { hparam_infos = 4, metric_infos = 5 }`.
fn experiment(table: &Table) -> Vec<u8> {
    let mut experiment = Vec::new();
    for (name, value) in table {
        // HParamInfo { name = 1, type = 4 }: 1 for text, 2 for a truth value, 3 for a number.
        let kind = match value {
            Value::Boolean(_) => 2,
            Value::Integer(_) | Value::Float(_) => 3,
            _ => 1,
        };
        let mut info = Vec::new();
        push_bytes(&mut info, 1, name.as_bytes());
        push_number(&mut info, 4, kind);
        push_bytes(&mut experiment, 4, &info);
    }
    let of_data = table.contains_key("data") && !table.contains_key("env");
    let is_regression = table.contains_key("teacher_noise")
        || table.get("algorithm").and_then(Value::as_str) == Some("regression");
    let measured = match (of_data, is_regression) {
        (true, true) => vec![EVAL_TEST_RMSE],
        (true, false) => vec![EVAL_TEST_ERROR],
        (false, _) => vec![EVAL_MEAN_REWARD, EP_REW_MEAN],
    };
    for tag in measured {
        // MetricInfo { name = 1 { tag = 2 } }
        let (mut name, mut info) = (Vec::new(), Vec::new());
        push_bytes(&mut name, 2, tag.as_bytes());
        push_bytes(&mut info, 1, &name);
        push_bytes(&mut experiment, 5, &info);
    }
    experiment
}

/// `SessionStartInfo { hparams = 1 }`: a map, whose entries are `{ key = 1, value = 2 }`.
fn session_start(table: &Table) -> Vec<u8> {
    let mut start = Vec::new();
    for (name, value) in table {
        // google.protobuf.Value { number_value = 2, string_value = 3, bool_value = 4 }
        let (mut entry, mut content) = (Vec::new(), Vec::new());
        match value {
            Value::Boolean(truth) => push_number(&mut content, 4, (*truth).into()),
            Value::Integer(number) => push_double(&mut content, 2, *number as f64),
            Value::Float(number) => push_double(&mut content, 2, *number),
            Value::String(text) => push_bytes(&mut content, 3, text.as_bytes()),
            other => push_bytes(&mut content, 3, other.to_string().as_bytes()),
        }
        push_bytes(&mut entry, 1, name.as_bytes());
        push_bytes(&mut entry, 2, &content);
        push_bytes(&mut start, 1, &entry);
    }
    start
}

/// The configuration as a block of code: an indented line is one.
fn markdown(config: &str) -> String {
    config.lines().map(|line| format!("    {line}\n")).collect()
}

/// `TensorProto { dtype = 1, tensor_shape = 2 { dim = 2 { size = 1 } }, string_val = 8 }` of one string, whose type is 7.
fn text_tensor(text: &str) -> Vec<u8> {
    let (mut tensor, mut shape, mut dim) = (Vec::new(), Vec::new(), Vec::new());
    push_number(&mut dim, 1, 1);
    push_bytes(&mut shape, 2, &dim);
    push_number(&mut tensor, 1, 7);
    push_bytes(&mut tensor, 2, &shape);
    push_bytes(&mut tensor, 8, text.as_bytes());
    tensor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_by_hand() {
        let table: Table = "a = true\nb = 0.5\nc = 'x'".parse().unwrap();
        // One entry each: length, key, length, value.
        let expected = [
            [10, 7, 10, 1, b'a', 18, 2, 32, 1].as_slice(),
            &[10, 14, 10, 1, b'b', 18, 9, 17, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f],
            &[10, 8, 10, 1, b'c', 18, 3, 26, 1, b'x'],
        ];
        assert_eq!(session_start(&table), expected.concat());
        assert_eq!(text_tensor("hi"), [8, 7, 18, 4, 18, 2, 8, 1, 66, 2, b'h', b'i']);
        let value = value("t", "text", &[], &[8, 7]);
        assert_eq!(value, [10, 17, 10, 1, b't', 66, 2, 8, 7, 74, 8, 10, 6, 10, 4, b't', b'e', b'x', b't']);
        assert!(summaries("").is_empty() && summaries("a = = 1").is_empty());
        assert_eq!(summaries("a = 1").len(), 4);
    }
}
