//! The data that comes with the crate: handwritten digits.
//!
//! ```
//! use potstill::data::{DataFrame, Dataset};
//!
//! let (frame, digits) = (DataFrame::digits(), Dataset::digits());
//! assert_eq!((frame.rows(), digits.len(), digits.classes), (1797, 1797, 10));
//! ```

use super::frame::{Column, DataFrame, Values};
use super::labelled::Dataset;
use super::preprocessing::Preprocessing;
use super::source::DataOptions;
use flate2::read::GzDecoder;
use std::io::Read;

/// The names of built-in datasets, for [`Dataset::by_name`].
pub const DATASETS: [&str; 1] = ["digits"];

impl DataFrame {
    /// The built-in data with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        (name == "digits").then(Self::digits)
    }

    /// The 1,797 handwritten digits of 8 x 8 pixels from the UCI repository (Alpaydin and Kaynak 1998, CC BY 4.0).
    pub fn digits() -> Self {
        const RECORD: usize = 65;
        // A pixel counts the ink in a 4 x 4 block of the scan, 0 to 16.
        const INK: u8 = 16;
        let mut records = Vec::new();
        GzDecoder::new(include_bytes!("../../data/digits.bin.gz").as_slice())
            .read_to_end(&mut records)
            .expect("the crate's own file is sound");
        let (mut bytes, mut labels) = (Vec::new(), Vec::new());
        for record in records.chunks_exact(RECORD) {
            bytes.extend_from_slice(&record[..RECORD - 1]);
            labels.push(f64::from(record[RECORD - 1]));
        }
        let images = Values::Images { shape: [8, 8, 1], white: INK, bytes: bytes.into() };
        let columns =
            vec![Column::new("image", images), Column::new("label", Values::Numbers(labels.into()))];
        Self::new(columns).expect("columns of one length")
    }
}

impl Dataset {
    /// The dataset with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        (name == "digits").then(Self::digits)
    }

    /// The handwritten digits of [`DataFrame::digits`], with inputs from 0 to 1.
    pub fn digits() -> Self {
        let frame = DataFrame::digits();
        let rows: Vec<usize> = (0..frame.rows()).collect();
        let preprocessing = Preprocessing::fit(&frame, &rows, &DataOptions::default());
        let encoded = preprocessing.and_then(|preprocessing| preprocessing.labelled(&frame, &rows));
        encoded.expect("the crate's own data is sound")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_repository() {
        let digits = Dataset::digits();
        assert_eq!((digits.len(), digits.inputs.len()), (1797, 1797 * 64));
        let mut counts = [0; 10];
        digits.labels.iter().for_each(|&label| counts[label] += 1);
        // The class counts that the repository states.
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        // Row 0 of the first image, a zero, as scikit-learn's documentation prints it.
        let ink: Vec<f32> = digits.input(0)[..8].iter().map(|x| x * 16.0).collect();
        assert_eq!(ink, [0.0, 0.0, 5.0, 13.0, 9.0, 1.0, 0.0, 0.0]);
    }
}
