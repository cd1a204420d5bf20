//! The HDF5 layout: a file with a group for each episode, whose arrays lie in datasets and whose metadata in
//! attributes.

use super::super::super::caught::caught;
use super::super::OfflineDataset;
use super::super::Rows;
use super::super::raw::{NumberKind, Raw};
use super::form::{Form, FormKind};
use super::steps::{COLUMNS, append_ends, end_episode, episode_metadata};
use hdf5_pure::{
    AttrValue, DType, Dataset, Datatype, EnumTypeBuilder, File, FileBuilder, Group, GroupBuilder,
    make_f32_type, make_f64_type, make_i8_type, make_i16_type, make_i32_type, make_i64_type, make_u8_type,
    make_u16_type, make_u32_type, make_u64_type,
};
use serde_json::Value;

/// Bytes of an array that are read whatever the size of the file.
const FREE: u64 = 1 << 28;
/// Bytes of arrays for each byte of the file above which it is taken for one that is made to fill memory:
/// what was never written takes no room in a file.
const RATIO_MAX: u64 = 200;
const EPISODE: &str = "episode_";

/// Reads the episodes of a file.
///
/// If it is damaged, or does not fit the metadata.
pub(super) fn read(
    bytes: Vec<u8>,
    episodes: u64,
    forms: &[Form; 2],
    data: &mut OfflineDataset,
) -> Result<(), String> {
    caught(|| read_file(bytes, episodes, forms, data))
}

fn damaged(error: impl std::fmt::Display) -> String {
    format!("it is damaged: {error}")
}

fn read_file(
    bytes: Vec<u8>,
    episodes: u64,
    forms: &[Form; 2],
    data: &mut OfflineDataset,
) -> Result<(), String> {
    let room = FREE.max((bytes.len() as u64).saturating_mul(RATIO_MAX));
    let file = File::from_bytes(bytes).map_err(damaged)?;
    // One pass over the groups: a search for each would take long in a large file.
    let mut groups = Vec::new();
    for (name, group) in file.root().iter_groups().map_err(damaged)? {
        if let Some(number) = name.strip_prefix(EPISODE).and_then(|number| number.parse::<u64>().ok()) {
            groups.push((number, group));
        }
    }
    groups.sort_by_key(|(number, _)| *number);
    if groups.len() as u64 != episodes || groups.iter().zip(0..).any(|((number, _), i)| *number != i) {
        let found = groups.len();
        return Err(format!("it has {found} of the {episodes} episodes that its metadata names"));
    }
    let mut room = Room { left: room };
    for (number, group) in groups {
        let told = |reason: String| format!("{EPISODE}{number}: {reason}");
        episode(&group, forms, &mut room, data).map_err(told)?;
    }
    Ok(())
}

/// Reads an episode.
fn episode(
    group: &Group,
    forms: &[Form; 2],
    room: &mut Room,
    data: &mut OfflineDataset,
) -> Result<(), String> {
    let [observations, actions, rest @ ..] = COLUMNS;
    let [rewards, terminations, truncations] = rest.map(|name| room.array(group, name));
    let (rewards, flags) = (rewards?, [terminations?, truncations?]);
    let steps = rewards.count();
    if flags.iter().any(|flags| flags.count() != steps) {
        return Err("its arrays have different lengths".to_owned());
    }
    let mut append = |name: &str, form: &Form, count: usize, rows: &mut Rows| {
        let columns = match &form.kind {
            FormKind::Tuple { starts } => {
                let parts = group.group(name).map_err(damaged)?;
                let part = |i: usize| room.array(&parts, &format!("_index_{i}"));
                (0..starts.len()).map(part).collect::<Result<Vec<_>, String>>()?
            }
            _ => vec![room.array(group, name)?],
        };
        if columns.iter().any(|column| column.count() != count * form.width()) {
            return Err(format!("array `{name}` does not have {count} rows"));
        }
        form.append(&columns, count, rows).map_err(|reason| format!("array `{name}`: {reason}"))
    };
    append(observations, &forms[0], steps + 1, &mut data.observations)?;
    append(actions, &forms[1], steps, &mut data.actions)?;
    let mut ends = Vec::new();
    append_ends(&rewards, &flags, steps, data, &mut ends);
    let seed = group.attrs().map_err(damaged)?.get("seed").and_then(|seed| match seed {
        AttrValue::U64(seed) => Some(*seed),
        AttrValue::I64(seed) => u64::try_from(*seed).ok(),
        _ => None,
    });
    end_episode(&ends, seed, data)
}

/// Bytes of arrays that may still be read.
struct Room {
    left: u64,
}

impl Room {
    /// The numbers of an array.
    fn array(&mut self, group: &Group, name: &str) -> Result<Raw<'static>, String> {
        let told = |error: hdf5_pure::Error| format!("array `{name}`: {}", damaged(error));
        let array = group.dataset(name).map_err(told)?;
        let count =
            array.shape().map_err(told)?.iter().try_fold(1_u64, |count, &side| count.checked_mul(side));
        // Numbers are widened to at most eight bytes.
        let bytes = count.and_then(|count| count.checked_mul(array.element_size().ok()?.max(8)));
        self.left = bytes.and_then(|bytes| self.left.checked_sub(bytes)).ok_or_else(|| {
            format!(
                "array `{name}`: the arrays have more than {RATIO_MAX} times the bytes of the file, as those do that are \
                 made to fill memory"
            )
        })?;
        numbers(&array).map_err(told)?.ok_or_else(|| format!("array `{name}` has no numbers"))
    }
}

/// The numbers of an array; none if it has something else.
fn numbers(array: &Dataset) -> Result<Option<Raw<'static>>, hdf5_pure::Error> {
    fn bytes<T, const N: usize>(numbers: &[T], to: impl Fn(&T) -> [u8; N]) -> Vec<u8> {
        numbers.iter().flat_map(to).collect()
    }
    let (kind, bytes) = match array.dtype()? {
        DType::F32 => (NumberKind::Float { bytes: 4 }, bytes(&array.read_f32()?, |x| x.to_le_bytes())),
        DType::F64 => (NumberKind::Float { bytes: 8 }, bytes(&array.read_f64()?, |x| x.to_le_bytes())),
        DType::U64 => {
            (NumberKind::Int { bytes: 8, is_signed: false }, bytes(&array.read_u64()?, |x| x.to_le_bytes()))
        }
        DType::I8 | DType::I16 | DType::I32 | DType::I64 | DType::U8 | DType::U16 | DType::U32 => {
            (NumberKind::Int { bytes: 8, is_signed: true }, bytes(&array.read_i64()?, |x| x.to_le_bytes()))
        }
        DType::Enum(_) if array.element_size()? == 1 => (NumberKind::Bool, array.read_raw()?),
        _ => return Ok(None),
    };
    Ok(Some(Raw::new(kind, bytes)))
}

/// The bytes of a file of all episodes.
///
/// If the library refuses them.
pub(super) fn write(data: &OfflineDataset, forms: &[Form; 2]) -> Result<Vec<u8>, hdf5_pure::Error> {
    // What h5py takes for truth values.
    let truth = EnumTypeBuilder::with_base(make_i8_type()).value("FALSE", 0).value("TRUE", 1).build()?;
    let mut file = FileBuilder::new();
    for (i, episode) in data.episodes.iter().enumerate() {
        let mut group = file.create_group(&format!("{EPISODE}{i}"));
        for (key, value) in episode_metadata(data, i) {
            group.set_attr(key, attribute(&value));
        }
        let steps = episode.steps;
        let [observations, actions, rewards, terminations, truncations] = COLUMNS;
        let columns = forms[0].columns(&data.observations, data.observation_range(i), 0);
        write_columns(&mut group, observations, &forms[0], &columns, steps + 1);
        let columns = forms[1].columns(&data.actions, data.action_range(i), 0);
        write_columns(&mut group, actions, &forms[1], &columns, steps);
        group.create_dataset(rewards).with_f64_data(&data.rewards[episode.range()]);
        for (name, flag) in [(terminations, episode.terminated), (truncations, episode.truncated)] {
            let mut flags = vec![0; steps];
            flags[steps - 1] = u8::from(flag);
            group.create_dataset(name).with_raw_data(truth.clone(), flags, steps as u64);
        }
        let infos = group.create_group("infos").finish();
        group.add_group(infos);
        file.add_group(group.finish());
    }
    file.finish()
}

/// Writes the columns of observations or actions.
fn write_columns(group: &mut GroupBuilder, name: &str, form: &Form, columns: &[Raw<'_>], rows: usize) {
    match &form.kind {
        FormKind::Tuple { .. } => {
            let mut parts = group.create_group(name);
            for (i, column) in columns.iter().enumerate() {
                let array = parts.create_dataset(&format!("_index_{i}"));
                array.with_raw_data(datatype(column.kind), column.bytes.to_vec(), rows as u64);
            }
            let parts = parts.finish();
            group.add_group(parts);
        }
        FormKind::Discrete { .. } => {
            let array = group.create_dataset(name);
            array.with_raw_data(datatype(columns[0].kind), columns[0].bytes.to_vec(), rows as u64);
        }
        FormKind::MultiDiscrete { shape, .. } | FormKind::Array { shape } => {
            let sides: Vec<u64> =
                std::iter::once(rows).chain(shape.iter().copied()).map(|side| side as u64).collect();
            let count = columns[0].count() as u64;
            let array = group.create_dataset(name);
            array
                .with_raw_data(datatype(columns[0].kind), columns[0].bytes.to_vec(), count)
                .with_shape(&sides);
        }
    }
}

fn datatype(kind: NumberKind) -> Datatype {
    match kind {
        NumberKind::Float { bytes: 8 } => make_f64_type(),
        NumberKind::Float { .. } => make_f32_type(),
        NumberKind::Int { bytes: 1, is_signed: true } => make_i8_type(),
        NumberKind::Int { bytes: 2, is_signed: true } => make_i16_type(),
        NumberKind::Int { bytes: 4, is_signed: true } => make_i32_type(),
        NumberKind::Int { is_signed: true, .. } => make_i64_type(),
        NumberKind::Int { bytes: 1, .. } | NumberKind::Bool => make_u8_type(),
        NumberKind::Int { bytes: 2, .. } => make_u16_type(),
        NumberKind::Int { bytes: 4, .. } => make_u32_type(),
        NumberKind::Int { .. } => make_u64_type(),
    }
}

/// A number of an episode's metadata; a large seed needs the unsigned type, which h5py takes for it, too.
fn attribute(value: &Value) -> AttrValue {
    match (value.as_i64(), value.as_u64()) {
        (Some(x), _) => AttrValue::I64(x),
        (None, Some(x)) => AttrValue::U64(x),
        (None, None) => AttrValue::F64(value.as_f64().unwrap_or_default()),
    }
}
