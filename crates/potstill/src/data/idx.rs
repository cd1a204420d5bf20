//! IDX files, the format of MNIST and its relatives: an array of bytes behind a head of its dimensions, perhaps compressed.
//!
//! A single file of three dimensions is images without labels, one of one dimension labels. A folder with files whose names
//! have `images` and `labels` in them is a data set; those with `t10k` or `test` in their names are its test part.

use super::content::{Content, read_below, unreadable};
use super::frame::{Column, DataFrame, Values};
use super::reader::{Data, Head, Reader, Samples};
use super::source::DataOptions;
use potstill_core::Stored;
use std::io::Read;

/// The most bytes of an array.
const BYTES_MAX: u64 = 1 << 33;

/// A single file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Idx;

impl Reader for Idx {
    fn name(&self) -> &'static str {
        "idx"
    }

    fn summary(&self) -> &'static str {
        "an IDX file"
    }

    fn recognizes(&self, head: &Head<'_>) -> bool {
        // Two zeros, the code of unsigned bytes, the number of dimensions.
        matches!(head, Head::File([0, 0, 8, 1..=4, ..]))
    }

    fn read(&self, content: &dyn Content, options: &DataOptions) -> Result<Data, String> {
        DataFrame::new(vec![column(content, options.memory)?]).map(Data::rows)
    }
}

/// A folder of images and labels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mnist;

impl Reader for Mnist {
    fn name(&self) -> &'static str {
        "mnist"
    }

    fn summary(&self) -> &'static str {
        "a folder of IDX files, such as MNIST's"
    }

    fn recognizes(&self, head: &Head<'_>) -> bool {
        let Head::Folder(files) = head else { return false };
        ["images", "labels"].iter().all(|part| files.iter().any(|file| is_of(file, part)))
    }

    fn read(&self, content: &dyn Content, options: &DataOptions) -> Result<Data, String> {
        let files = content.files().map_err(|error| format!("the folder cannot be read: {error}"))?;
        let files = files.ok_or("it is a file; the four files of MNIST are a folder")?;
        let part = |of_test: bool| -> Result<Option<DataFrame>, String> {
            let columns: Vec<Column> = ["images", "labels"]
                .into_iter()
                .filter_map(|part| one_of(&files, part, of_test).transpose())
                .map(|file| {
                    let file = file?;
                    column(&*content.file(file), options.memory).map_err(|reason| format!("{file}: {reason}"))
                })
                .collect::<Result<_, _>>()?;
            match columns.as_slice() {
                [] => Ok(None),
                [_, _] => DataFrame::new(columns).map(Some),
                [one] => Err(format!("it has {} without the other of images and labels", one.name)),
                _ => unreachable!("two parts"),
            }
        };
        let rows = part(false)?.ok_or("it has no training images, such as train-images-idx3-ubyte.gz")?;
        Ok(Data::Samples(Samples { rows, test: part(true)? }))
    }
}

/// Returns true if a file's name has the part of an IDX file's.
fn is_of(file: &str, part: &str) -> bool {
    file.contains(part) && (file.contains("idx") || file.contains("ubyte"))
}

/// The file of images or labels, to train or to test on.
fn one_of<'a>(files: &'a [String], part: &str, of_test: bool) -> Result<Option<&'a str>, String> {
    let is_test = |file: &str| file.contains("t10k") || file.contains("test");
    let of_part = files.iter().filter(|file| is_of(file, part) && is_test(file) == of_test);
    let all: Vec<&str> = of_part.map(String::as_str).collect();
    // The same file may lie beside its compressed form.
    match all.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        [plain, compressed] if compressed.strip_suffix(".gz") == Some(plain) => Ok(Some(plain)),
        several => Err(format!("which are the {part}: {}?", several.join(", "))),
    }
}

/// The array of a file as a column: images, or numbers; at most `limit` bytes of them in memory.
fn column(content: &dyn Content, limit: usize) -> Result<Column, String> {
    let mut reader = content.inflated().map_err(unreadable)?;
    let mut head = [0; 4];
    let cut = "it is cut off in its head".to_owned();
    reader.read_exact(&mut head).map_err(|_| cut.clone())?;
    let [0, 0, 8, dimensions @ 1..=4] = head else {
        return Err(format!("it begins with {head:02x?}, not as an IDX file of bytes"));
    };
    let mut sizes = Vec::new();
    for _ in 0..dimensions {
        let mut size = [0; 4];
        reader.read_exact(&mut size).map_err(|_| cut.clone())?;
        sizes.push(u32::from_be_bytes(size) as usize);
    }
    let count = sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    let count = count
        .filter(|count| (1..=BYTES_MAX).contains(&(*count as u64)))
        .ok_or_else(|| format!("its head says {sizes:?} bytes; from 1 to {BYTES_MAX} are possible"))?;
    let bytes = read_below(limit, &mut reader.by_ref().take(count as u64 + 1)).map_err(unreadable)?;
    if bytes.len() != count {
        let found = if bytes.len() > count { "more".to_owned() } else { bytes.len().to_string() };
        return Err(format!("its head says {count} bytes, but there are {found}"));
    }
    Ok(match *sizes.as_slice() {
        [_] => Column::new("label", Values::Numbers(bytes.iter().map(|&byte| f64::from(byte)).collect())),
        [_, width] => images([1, 1, width], bytes),
        [_, height, width] => images([height, width, 1], bytes),
        [_, height, width, channels] => images([height, width, channels], bytes),
        _ => unreachable!("one to four dimensions"),
    })
}

fn images(shape: [usize; 3], bytes: Stored<u8>) -> Column {
    Column::new("image", Values::Images { shape, white: u8::MAX, bytes })
}

#[cfg(test)]
mod tests {
    use super::super::content::Bytes;
    use super::*;

    fn read(bytes: &[u8]) -> Result<DataFrame, String> {
        Idx.read(&Bytes(bytes), &DataOptions::default()).map(|data| match data {
            Data::Samples(samples) => samples.rows,
            Data::Episodes(_) => panic!("no episodes"),
        })
    }

    #[test]
    fn images_and_labels_are_read() {
        let frame = read(&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 255]).unwrap();
        let expected = Values::Images { shape: [1, 2, 1], white: 255, bytes: vec![1, 2, 3, 255].into() };
        assert_eq!((frame.rows(), &frame.columns()[0].values), (2, &expected));
        let frame = read(&[0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 9]).unwrap();
        assert_eq!(frame.columns()[0], Column::new("label", Values::Numbers(vec![7.0, 0.0, 9.0].into())));
    }

    #[test]
    fn damage_is_told() {
        let check = |bytes: &[u8], expected: &str| assert_eq!(read(bytes).err().as_deref(), Some(expected));
        check(&[0, 0, 8, 1, 0, 0], "it is cut off in its head");
        check(&[0, 0, 8, 1, 0, 0, 0, 3, 7], "its head says 3 bytes, but there are 1");
        check(&[0, 0, 8, 1, 0, 0, 0, 1, 7, 7], "its head says 1 bytes, but there are more");
        check(&[0, 0, 8, 1, 0, 0, 0, 0], "its head says [0] bytes; from 1 to 8589934592 are possible");
        check(&[0, 0, 13, 1, 0, 0, 0, 0], "it begins with [00, 00, 0d, 01], not as an IDX file of bytes");
        let huge = [0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255];
        check(
            &huge,
            "its head says [4294967295, 4294967295, 4294967295] bytes; from 1 to 8589934592 are possible",
        );
    }

    #[test]
    fn files_are_found_by_their_names() {
        let check = |files: &[&str], part: &str, of_test: bool, expected: Option<&str>| {
            let files: Vec<String> = files.iter().map(ToString::to_string).collect();
            assert_eq!(one_of(&files, part, of_test), Ok(expected), "{files:?}");
        };
        let mnist = ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz"];
        check(&mnist, "images", false, Some("train-images-idx3-ubyte.gz"));
        check(&mnist, "images", true, Some("t10k-images-idx3-ubyte.gz"));
        check(&mnist, "labels", false, None);
        let emnist = ["emnist-letters-train-images-idx3-ubyte", "emnist-letters-train-images-idx3-ubyte.gz"];
        check(&emnist, "images", false, Some(emnist[0]));
    }
}
