//! Serialisation of a tree of named values as a safetensors file: each value is one tensor, named by its path
//! with dots.
//!
//! ```
//! use potstill::core::{Snapshot, Value};
//! use potstill::store::snapshot_file;
//!
//! let state = Snapshot::new().with("step", Value::U64(7)).with("weights", Value::F32s(vec![0.5, f32::INFINITY]));
//! assert_eq!(snapshot_file::read(&snapshot_file::write(&state)), Ok(state));
//! ```

use potstill_core::{Snapshot, Value};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// Serialises a state. The same state gives the same bytes.
pub fn write(state: &Snapshot) -> Vec<u8> {
    let mut entries = Vec::new();
    collect("", state, &mut entries);
    let views = entries.iter().map(|(name, dtype, shape, bytes)| {
        (name, TensorView::new(*dtype, shape.clone(), bytes).expect("the bytes fill the shape"))
    });
    safetensors::serialize(views, None).expect("names are distinct and sizes fit")
}

/// Greatest depth of a state; a forged file must not exhaust the stack.
const DEPTH_MAX: usize = 64;

type Entry = (String, Dtype, Vec<usize>, Vec<u8>);

fn collect(prefix: &str, state: &Snapshot, entries: &mut Vec<Entry>) {
    for (name, value) in state.iter() {
        assert!(!name.is_empty() && !name.contains('.'), "a dot separates the names of a path");
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        let array = |dtype, length, bytes| (path.clone(), dtype, vec![length], bytes);
        let scalar = |dtype, bytes| (path.clone(), dtype, Vec::new(), bytes);
        entries.push(match value {
            Value::Tree(branch) => {
                assert!(branch.iter().next().is_some(), "a branch without values leaves no trace");
                collect(&path, branch, entries);
                continue;
            }
            Value::Bool(flag) => scalar(Dtype::BOOL, vec![u8::from(*flag)]),
            Value::U64(n) => scalar(Dtype::U64, n.to_le_bytes().to_vec()),
            Value::F64(x) => scalar(Dtype::F64, x.to_le_bytes().to_vec()),
            Value::U8s(v) => array(Dtype::U8, v.len(), v.clone()),
            Value::U64s(v) => array(Dtype::U64, v.len(), v.iter().flat_map(|n| n.to_le_bytes()).collect()),
            Value::F32s(v) => array(Dtype::F32, v.len(), v.iter().flat_map(|x| x.to_le_bytes()).collect()),
            Value::F64s(v) => array(Dtype::F64, v.len(), v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        });
    }
}

/// Parses the bytes that [`write()`] returns.
///
/// # Errors
/// The reason, if the bytes are invalid. Never panics, whatever the bytes.
pub fn read(bytes: &[u8]) -> Result<Snapshot, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let mut root = Branch::default();
    for (name, view) in file.iter() {
        let data = view.data();
        let eight = || data.as_chunks::<8>().0.iter();
        let scalar = || eight().next().copied().unwrap_or_default();
        let value = match (view.dtype(), view.shape()) {
            (Dtype::BOOL, []) => Value::Bool(data[0] != 0),
            (Dtype::U64, []) => Value::U64(u64::from_le_bytes(scalar())),
            (Dtype::F64, []) => Value::F64(f64::from_le_bytes(scalar())),
            (Dtype::U8, [_]) => Value::U8s(data.to_vec()),
            (Dtype::U64, [_]) => Value::U64s(eight().map(|&b| u64::from_le_bytes(b)).collect()),
            (Dtype::F32, [_]) => {
                Value::F32s(data.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect())
            }
            (Dtype::F64, [_]) => Value::F64s(eight().map(|&b| f64::from_le_bytes(b)).collect()),
            (dtype, shape) => return Err(format!("`{name}` is {dtype:?} of shape {shape:?}")),
        };
        if name.matches('.').count() > DEPTH_MAX {
            return Err("a path of more than 64 names".to_owned());
        }
        if name.split('.').any(str::is_empty) {
            return Err(format!("`{name}` has a name without letters in its path"));
        }
        root.insert(name, value).ok_or_else(|| format!("`{name}` is a value and a branch"))?;
    }
    Ok(root.into_state())
}

/// A branch whose values arrive in any order.
#[derive(Default)]
struct Branch {
    values: std::collections::BTreeMap<String, Result<Value, Branch>>,
}

impl Branch {
    fn insert(&mut self, path: &str, value: Value) -> Option<()> {
        let mut branch = self;
        let mut rest = path;
        while let Some((name, after)) = rest.split_once('.') {
            let next = branch.values.entry(name.to_owned()).or_insert_with(|| Err(Branch::default()));
            branch = next.as_mut().err()?;
            rest = after;
        }
        branch.values.insert(rest.to_owned(), Ok(value)).is_none().then_some(())
    }

    fn into_state(self) -> Snapshot {
        self.values.into_iter().fold(Snapshot::new(), |state, (name, entry)| {
            state.with(&name, entry.unwrap_or_else(|branch| Value::Tree(branch.into_state())))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_reads_back_bit_for_bit() {
        let inner = Snapshot::new()
            .with("f32s", Value::F32s(vec![f32::NAN, -0.0, 1e-45]))
            .with("f64s", Value::F64s(vec![f64::INFINITY, 5e-324]))
            .with("empty", Value::F32s(Vec::new()));
        let state = Snapshot::new()
            .with("flag", Value::Bool(true))
            .with("count", Value::U64(u64::MAX))
            .with("number", Value::F64(-0.0))
            .with("bytes", Value::U8s(vec![0, 255]))
            .with("integers", Value::U64s(vec![1, u64::MAX]))
            .with("inner", Value::Tree(Snapshot::new().with("deeper", Value::Tree(inner))));
        let bytes = write(&state);
        let again = read(&bytes).unwrap();
        // NaN is not equal to itself, its bytes are.
        assert_eq!(write(&again), bytes);
        assert_eq!(format!("{again:?}"), format!("{state:?}"));
    }

    #[test]
    fn what_no_state_writes_is_refused() {
        let check = |entries: &[(&str, Dtype, Vec<usize>)], expected: &str| {
            let bytes = [0_u8; 64];
            let views = entries.iter().map(|(name, dtype, shape)| {
                let length = shape.iter().product::<usize>() * dtype.bitsize() / 8;
                (*name, TensorView::new(*dtype, shape.clone(), &bytes[..length]).unwrap())
            });
            let file = safetensors::serialize(views, None).unwrap();
            let error = read(&file).unwrap_err();
            assert!(error.ends_with(expected), "{error}");
        };
        check(&[("a", Dtype::F16, vec![2])], "`a` is F16 of shape [2]");
        check(&[("a", Dtype::F32, vec![2, 2])], "`a` is F32 of shape [2, 2]");
        check(&[(".a", Dtype::U8, vec![1])], "`.a` has a name without letters in its path");
        check(&[("a", Dtype::U8, vec![1]), ("a.b", Dtype::U8, vec![1])], " is a value and a branch");
    }
}
