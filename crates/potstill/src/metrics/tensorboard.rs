//! TensorBoard event files: `time/fps` and all metrics of `metrics.jsonl`, as scalars, after the hyperparameters.
//!
//! An event file is a row of records (`length: u64`, its masked CRC-32C, payload, the payload's masked CRC-32C), each payload a
//! `tensorboard.Event` in protocol buffers' wire format (tensorboard/compat/proto/event.proto and summary.proto). Only four fields are
//! needed, so they are written by hand.

use super::hparams;
use super::sink::{Sink, open_log};
use super::wire::{push_bytes, push_varint};
use super::{Record, catalogue};
use crate::store::{FileMark, Log, RunDir, StoreError, names};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Writes the event file of a run.
#[derive(Debug)]
pub struct TensorBoard {
    log: Log,
    /// The time of this process's first record, and its step.
    first: Option<(Instant, u64)>,
}

impl TensorBoard {
    /// Creates the file, or truncates it to a mark.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(dir: &RunDir, mark: Option<&FileMark>) -> Result<Self, StoreError> {
        let mut log = open_log(dir, names::EVENTS, mark)?;
        if mark.is_none() {
            // Every event file begins with its version.
            log.add(dir, &framed(&event(wall_time(), 0, &[(3, b"brain.Event:2")])))?;
            // Then the hyperparameters. A run without a configuration, as in tests of this file, has none.
            let config = dir.read_unchecked(names::CONFIG).unwrap_or_default();
            let config = String::from_utf8_lossy(&config);
            for summary in hparams::summaries(&config) {
                log.add(dir, &framed(&event(wall_time(), 0, &[(5, &summary)])))?;
            }
        }
        Ok(Self { log, first: None })
    }
}

impl Sink for TensorBoard {
    fn record(&mut self, dir: &RunDir, record: &Record) -> Result<(), StoreError> {
        let mut summary = Vec::new();
        for &(name, value) in &record.values {
            push_bytes(&mut summary, 1, &scalar(name, value as f32));
        }
        let (then, step) = *self.first.get_or_insert_with(|| (Instant::now(), record.step));
        if record.step > step {
            let fps = (record.step - step) as f64 / then.elapsed().as_secs_f64().max(1e-9);
            push_bytes(&mut summary, 1, &scalar(catalogue::FPS, fps as f32));
        }
        self.log.add(dir, &framed(&event(wall_time(), record.step, &[(5, &summary)])))
    }

    fn flush(&mut self, dir: &RunDir) -> Result<(), StoreError> {
        self.log.flush(dir)
    }

    fn mark(&mut self, dir: &RunDir) -> Result<FileMark, StoreError> {
        self.log.mark(dir)
    }
}

fn wall_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// `Event { wall_time = 1, step = 2 }` and length-delimited fields.
fn event(wall_time: f64, step: u64, fields: &[(u8, &[u8])]) -> Vec<u8> {
    let mut payload = vec![1 << 3 | 1];
    payload.extend(wall_time.to_le_bytes());
    payload.push(2 << 3);
    push_varint(&mut payload, step);
    for (field, bytes) in fields {
        push_bytes(&mut payload, *field, bytes);
    }
    payload
}

/// `Summary.Value { tag = 1, simple_value = 2 }`.
fn scalar(tag: &str, value: f32) -> Vec<u8> {
    let mut payload = Vec::new();
    push_bytes(&mut payload, 1, tag.as_bytes());
    payload.push(2 << 3 | 5);
    payload.extend(value.to_le_bytes());
    payload
}

fn framed(payload: &[u8]) -> Vec<u8> {
    let masked =
        |bytes: &[u8]| crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes();
    let length = (payload.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), payload, &masked(payload)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_by_hand() {
        let payload = event(1.5, 300, &[(5, &scalar("a", 0.5))]);
        // Field 1, double 1.5; field 2, varint 300; field 5, 8 bytes: field 1, "a"; field 2, float 0.5.
        let expected = [9, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 16, 0xac, 2, 42, 8, 10, 1, b'a', 21, 0, 0, 0, 0x3f];
        assert_eq!(payload, expected);
        let frame = framed(&payload);
        assert_eq!(frame[..8], 22_u64.to_le_bytes());
        assert_eq!(frame.len(), 8 + 4 + 22 + 4);
    }
}
