//! Episodes as the arrays of d3rlpy in an npz file: `observations`, `actions`, `rewards`, `terminals` and
//! `timeouts`, one row for each step.
//!
//! There is no observation after the last row of an episode. One that ends at a terminal has its last
//! observation twice, since no target looks at the second. Of another one the last row is only the
//! observation after the row before it, as d3rlpy takes it; if it is the only row, it is no transition and is
//! left out. An array `next_observations`, as other programs write it, makes every row a step.
//!
//! Whole numbers of one column are indices; their space is as large as the largest makes it.

use super::{OfflineDataset, Rows, checked_space};
use potstill_core::Stored;
use potstill_env::Space;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use std::io::{self, Write};
use std::ops::Range;

/// The arrays that every file has.
const NEEDED: [&str; 4] = ["observations", "actions", "rewards", "terminals"];
const TIMEOUTS: &str = "timeouts";
const NEXT: &str = "next_observations";

/// An array of numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NumberArray {
    pub(crate) shape: Vec<usize>,
    pub(crate) numbers: Stored<f64>,
    /// True if they are floating-point numbers in the file.
    pub(crate) is_float: bool,
}

/// Returns true if arrays of these names are episodes.
pub(crate) fn are_episodes(names: &[String]) -> bool {
    NEEDED.iter().all(|needed| names.iter().any(|name| name == needed))
}

/// A column of rows, with the space that its numbers need.
struct Column {
    space: Space,
    array: NumberArray,
    width: usize,
}

impl Column {
    fn new(name: &str, array: NumberArray) -> Result<Self, String> {
        let told = |reason: String| format!("array `{name}`: {reason}");
        let width = array.shape.iter().skip(1).try_fold(1_usize, |width, &side| width.checked_mul(side));
        let width = width.filter(|width| (1..=Space::FEATURES_MAX).contains(width));
        let width = width.ok_or_else(|| told(format!("its shape is {:?}", array.shape)))?;
        let largest = array.numbers.iter().copied().fold(0.0, f64::max);
        let space = match array.is_float || width > 1 {
            true => Space::uniform(width, f32::NEG_INFINITY, f32::INFINITY),
            false => Space::Discrete { n: (largest as usize).saturating_add(1) },
        };
        let space = checked_space(space).map_err(told)?;
        Ok(Self { space, array, width })
    }

    fn rows(&self) -> usize {
        self.array.numbers.len() / self.width
    }

    fn append(&self, range: Range<usize>, rows: &mut Rows) -> Result<(), String> {
        self.array.numbers[range.start * self.width..range.end * self.width]
            .iter()
            .try_for_each(|&x| rows.push(x).ok_or_else(|| format!("{x} is no index from 0 on")))
    }
}

/// Reads the episodes of arrays, of which each column holds at most so many bytes in memory.
///
/// If they do not fit together: the array and the reason.
pub(crate) fn read(
    names: &[String],
    array: impl Fn(&str) -> Result<NumberArray, String>,
    memory: usize,
) -> Result<OfflineDataset, String> {
    let column = |name: &str| Column::new(name, array(name)?);
    let has = |name: &str| names.iter().any(|other| other == name);
    let observations = column(NEEDED[0])?;
    let (actions, rewards) = (column(NEEDED[1])?, column(NEEDED[2])?);
    let next = if has(NEXT) { Some(column(NEXT)?) } else { None };
    let terminals = column(NEEDED[3])?;
    let timeouts = if has(TIMEOUTS) { Some(column(TIMEOUTS)?) } else { None };
    let rows = observations.rows();
    let lengths = [(NEEDED[1], Some(&actions)), (NEEDED[2], Some(&rewards)), (NEEDED[3], Some(&terminals))];
    for (name, column) in lengths.into_iter().chain([(TIMEOUTS, timeouts.as_ref()), (NEXT, next.as_ref())]) {
        let Some(column) = column else { continue };
        let width = match name {
            "actions" => column.width,
            NEXT => observations.width,
            _ => 1,
        };
        if column.rows() != rows || column.width != width {
            let (found, given) = (&column.array.shape, &observations.array.shape);
            return Err(format!("array `{name}`: its shape is {found:?}, that of `observations` {given:?}"));
        }
    }
    let mut data = OfflineDataset::below(memory, "", observations.space.clone(), actions.space.clone());
    let flag = |column: &Column, row: usize| column.array.numbers[row] != 0.0;
    let mut start = 0;
    for row in 0..rows {
        let terminated = flag(&terminals, row);
        let truncated = timeouts.as_ref().is_some_and(|timeouts| flag(timeouts, row));
        let end = row + 1;
        if !terminated && !truncated && end < rows {
            continue;
        }
        let steps = match terminated || next.is_some() {
            true => start..end,
            false => start..row,
        };
        if !steps.is_empty() {
            let told = |name: &'static str| move |reason: String| format!("array `{name}`: {reason}");
            observations.append(start..end, &mut data.observations).map_err(told(NEEDED[0]))?;
            match &next {
                Some(next) => next.append(row..end, &mut data.observations).map_err(told(NEXT))?,
                None if terminated => {
                    observations.append(row..end, &mut data.observations).map_err(told(NEEDED[0]))?;
                }
                None => {}
            }
            actions.append(steps.clone(), &mut data.actions).map_err(told(NEEDED[1]))?;
            data.rewards.extend_from_slice(&rewards.array.numbers[steps]);
            data.end_episode([terminated, truncated], None)?;
        }
        start = end;
    }
    match data.episodes.is_empty() {
        true => Err("it holds no episode of a step".to_owned()),
        false => Ok(data),
    }
}

/// Writes a data set so that the same episodes are read, without seeds and metadata: an episode that
/// did not terminate has a row more than steps, whose action and reward are 0.
///
/// If it cannot be written.
pub fn write(data: &OfflineDataset, to: &mut dyn Write) -> io::Result<()> {
    let [width, action_width] = data.widths();
    let mut columns: [Vec<u8>; 5] = Default::default();
    let [observations, actions, rewards, terminals, timeouts] = &mut columns;
    let mut rows = 0;
    for (i, episode) in data.episodes.iter().enumerate() {
        let more = usize::from(!episode.terminated);
        let seen = data.observation_range(i);
        append(&data.observations, seen.start..seen.start + (episode.steps + more) * width, observations);
        append(&data.actions, data.action_range(i), actions);
        let padding = more * action_width * number_size(&data.actions);
        actions.resize(actions.len() + padding, 0);
        let of_steps = data.rewards[episode.range()].iter().chain(&[0.0][..more]);
        of_steps.for_each(|reward| rewards.extend_from_slice(&(*reward as f32).to_le_bytes()));
        let last = episode.steps + more - 1;
        for row in 0..=last {
            let flag = |flag: bool| f32::from(u8::from(flag && row == last)).to_le_bytes();
            terminals.extend_from_slice(&flag(episode.terminated));
            timeouts.extend_from_slice(&flag(!episode.terminated));
        }
        rows += last + 1;
    }
    let mut archive = ZipArchiveWriter::new(to);
    let kinds = [kind(&data.observations), kind(&data.actions), "<f4", "<f4", "<f4"];
    let names = [NEEDED[0], NEEDED[1], NEEDED[2], NEEDED[3], TIMEOUTS];
    let widths = [Some(width), Some(action_width), None, None, None];
    for (((name, bytes), kind), width) in names.into_iter().zip(&columns).zip(kinds).zip(widths) {
        let file = format!("{name}.npy");
        let failed = |error: rawzip::Error| io::Error::other(error);
        let (mut entry, config) =
            archive.new_file(&*file).compression_method(CompressionMethod::STORE).start().map_err(failed)?;
        let mut writer = config.wrap(&mut entry);
        writer.write_all(&header(kind, rows, width))?;
        writer.write_all(bytes)?;
        let (_, output) = writer.finish().map_err(failed)?;
        entry.finish(output).map_err(failed)?;
    }
    archive.finish().map_err(io::Error::other)?;
    Ok(())
}

/// The type of numbers that rows are written in, as NumPy describes it.
fn kind(rows: &Rows) -> &'static str {
    match rows {
        Rows::Indices(_) => "<i8",
        Rows::Floats(_) => "<f4",
        Rows::Bytes(_) => "|u1",
    }
}

/// The bytes of a number that is written.
fn number_size(rows: &Rows) -> usize {
    match rows {
        Rows::Indices(_) => 8,
        Rows::Floats(_) => 4,
        Rows::Bytes(_) => 1,
    }
}

fn append(rows: &Rows, range: Range<usize>, bytes: &mut Vec<u8>) {
    match rows {
        Rows::Indices(x) => x[range].iter().for_each(|&x| bytes.extend_from_slice(&(x as u64).to_le_bytes())),
        Rows::Floats(x) => x[range].iter().for_each(|x| bytes.extend_from_slice(&x.to_le_bytes())),
        Rows::Bytes(x) => bytes.extend_from_slice(&x[range]),
    }
}

/// The beginning of an array as NumPy writes it, a multiple of 64 bytes.
fn header(kind: &str, rows: usize, width: Option<usize>) -> Vec<u8> {
    let shape = width.map_or_else(|| format!("({rows},)"), |width| format!("({rows}, {width})"));
    let mut text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    let length = (10 + text.len() + 1).next_multiple_of(64) - 10;
    text += &" ".repeat(length - text.len() - 1);
    text.push('\n');
    [b"\x93NUMPY\x01\x00", &(length as u16).to_le_bytes()[..], text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experience::Trajectory;

    fn array(shape: &[usize], is_float: bool, numbers: &[f64]) -> NumberArray {
        NumberArray { shape: shape.to_vec(), is_float, numbers: numbers.to_vec().into() }
    }

    /// Six rows: a terminal after two, a timeout after two more, and two that are cut off.
    fn rows(name: &str) -> Result<NumberArray, String> {
        Ok(match name {
            "observations" => array(&[6, 1], true, &[0.5, 1.5, 2.5, 3.5, 4.5, 5.5]),
            "actions" => array(&[6], false, &[0.0, 1.0, 2.0, 0.0, 1.0, 0.0]),
            "rewards" => array(&[6, 1], true, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            "terminals" => array(&[6], false, &[0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
            "timeouts" => array(&[6], true, &[0.0, 0.0, 0.0, 1.0, 0.0, 0.0]),
            _ => return Err("it is gone".to_owned()),
        })
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn rows_are_steps_as_d3rlpy_takes_them() {
        let arrays = names(&["observations", "actions", "rewards", "terminals", "timeouts"]);
        assert!(are_episodes(&arrays) && !are_episodes(&arrays[1..]));
        let data = read(&arrays, rows, usize::MAX).unwrap();
        assert_eq!((data.env(), data.action_space()), ("", &Space::Discrete { n: 3 }));
        let transitions = data.transitions::<[f32], usize>().unwrap();
        let found: Vec<_> = (0..transitions.len())
            .map(|i| transitions.get(i))
            .map(|t| {
                (t.observation[0], *t.action, t.reward, t.next_observation[0], t.terminated, t.truncated)
            })
            .collect();
        let expected = [
            (0.5, 0, 1.0, 1.5, false, false),
            (1.5, 1, 2.0, 1.5, true, false),
            (2.5, 2, 3.0, 3.5, false, true),
            (4.5, 1, 5.0, 5.5, false, true),
        ];
        assert_eq!(found, expected);
        let cut = data.episodes()[2];
        assert_eq!((cut.terminated, cut.truncated), (false, false));
    }

    #[test]
    fn arrays_that_do_not_fit_are_told() {
        let check = |other: &str, changed: NumberArray, expected: &str| {
            let arrays = names(&["observations", "actions", "rewards", "terminals"]);
            let array = |name: &str| if name == other { Ok(changed.clone()) } else { rows(name) };
            assert_eq!(read(&arrays, array, usize::MAX).unwrap_err(), expected);
        };
        check(
            "rewards",
            array(&[5], true, &[0.0; 5]),
            "array `rewards`: its shape is [5], that of `observations` [6, 1]",
        );
        check("actions", array(&[6], false, &[-1.0; 6]), "array `actions`: -1 is no index from 0 on");
        check(
            "rewards",
            array(&[6], true, &[f64::NAN; 6]),
            "episode 1, step 1: its reward is NaN, which is not finite",
        );
    }

    #[test]
    fn what_is_written_is_read() {
        let mut data = OfflineDataset::new("", Space::Discrete { n: 9 }, Space::uniform(2, -1.0, 1.0));
        let mut walk: Trajectory<usize, [f32]> = Trajectory::starting_at(8);
        walk.push(vec![0.5, -0.5], 1.0, 3);
        walk.push(vec![1.0, 0.25], 2.0, 3);
        data.push(&walk, [true, false], None).unwrap();
        data.push(&walk, [false, true], None).unwrap();
        let mut file = Vec::new();
        write(&data, &mut file).unwrap();
        let read = crate::data::read(&crate::data::Bytes(&file), None, &crate::data::DataOptions::default());
        let Ok(crate::data::Data::Episodes(again)) = read else { panic!("{read:?}") };
        assert_eq!((again.observations(), again.actions()), (data.observations(), data.actions()));
        assert_eq!((again.rewards(), again.episodes()), (data.rewards(), data.episodes()));
    }
}
