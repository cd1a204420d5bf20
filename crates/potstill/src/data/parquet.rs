//! Parquet files: flat columns of numbers, truths and text. An index that pandas has written is left out.

use super::content::Content;
#[cfg(feature = "parquet")]
use super::content::unreadable;
#[cfg(feature = "parquet")]
use super::frame::DataFrame;
#[cfg(feature = "parquet")]
use super::parquet_table::table;
use super::reader::{Data, Head, Reader};
use super::source::DataOptions;

/// The format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parquet;

/// The first bytes of a file.
const MARK: &[u8] = b"PAR1";

impl Reader for Parquet {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn summary(&self) -> &'static str {
        "a Parquet table"
    }

    fn recognizes(&self, head: &Head<'_>) -> bool {
        matches!(head, Head::File(bytes) if bytes.starts_with(MARK))
    }

    #[cfg(not(feature = "parquet"))]
    fn read(&self, _: &dyn Content, _: &DataOptions) -> Result<Data, String> {
        Err("it is a Parquet table, which this build does not read; build with the feature parquet, or write it as CSV"
            .to_owned())
    }

    #[cfg(feature = "parquet")]
    fn read(&self, content: &dyn Content, options: &DataOptions) -> Result<Data, String> {
        let columns = table(content.bytes().map_err(unreadable)?, options)?;
        DataFrame::new(columns).map(Data::rows)
    }
}

#[cfg(feature = "parquet")]
#[cfg(test)]
mod tests {
    use super::super::content::Bytes;
    use super::super::reader::Samples;
    use super::*;
    use proptest::prelude::*;

    /// Files that pyarrow has written, see `testdata/data/make_parquet.py`.
    const FILES: [(&str, &[u8]); 3] = [
        ("kinds", include_bytes!("../../../../testdata/data/kinds.parquet")),
        ("nested", include_bytes!("../../../../testdata/data/nested.parquet")),
        ("answers", include_bytes!("../../../../testdata/data/answers.parquet")),
    ];

    fn read(bytes: &[u8]) -> Result<DataFrame, String> {
        Parquet.read(&Bytes(bytes), &DataOptions::default()).map(|data| match data {
            Data::Samples(samples) => samples.rows,
            Data::Episodes(_) => panic!("no episodes"),
        })
    }

    #[test]
    fn kinds_of_columns_are_numbers_or_words() {
        let frame = read(FILES[0].1).unwrap();
        let check = |name: &str, expected: [Option<&str>; 3]| {
            let values = &frame.columns()[frame.find(name).unwrap()].values;
            let found: Vec<Option<String>> = (0..3).map(|row| values.text(row)).collect();
            assert_eq!(found, expected.map(|text| text.map(str::to_owned)), "{name}");
        };
        check("int8", [Some("1"), Some("-2"), None]);
        check("uint32", [Some("4294967295"), Some("0"), Some("7")]);
        check("int64", [Some("9007199254740991"), Some("-1"), None]);
        check("half", [Some("0.5"), None, Some("-2")]);
        check("float", [Some("1.5"), None, Some("-0.25")]);
        check("double", [Some("0.1"), Some("2"), None]);
        check("truth", [Some("true"), None, Some("false")]);
        check("text", [Some("so, so"), Some(""), None]);
        check("dictionary", [Some("red"), Some("blue"), Some("red")]);
        check("decimal", [Some("12.34"), Some("-0.05"), None]);
        // The index of pandas is no column.
        assert_eq!(frame.columns().len(), 10);
    }

    #[test]
    fn a_table_in_a_file_has_the_same_values() {
        let options = DataOptions { memory: 0, ..DataOptions::default() };
        let in_file = Parquet.read(&Bytes(FILES[0].1), &options).unwrap();
        let Data::Samples(Samples { rows, .. }) = in_file else { panic!("samples") };
        assert!(rows.columns().iter().all(|column| column.values.is_in_file()));
        assert_eq!(rows.checksum(), read(FILES[0].1).unwrap().checksum());
    }

    #[test]
    fn an_answer_that_is_not_a_number_is_no_missing_one() {
        let read = |is_of_answers: bool| {
            let options = DataOptions { is_of_answers, ..DataOptions::default() };
            Parquet.read(&Bytes(FILES[2].1), &options).map(|_| ())
        };
        let told = "column `p(a)`: row 2: nan is no answer; leave it out (null) if the class is not among the most probable \
                    ones that are known";
        assert_eq!(read(true), Err(told.to_owned()));
        assert_eq!(read(false), Ok(()));
    }

    #[test]
    fn lists_and_damage_are_told() {
        let check = |bytes: &[u8], expected: &str| {
            let error = read(bytes).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        };
        check(
            FILES[1].1,
            "column `list.list.element`: it has lists; only single values are read, one column for each",
        );
        check(&FILES[0].1[..100], "it is damaged: ");
        check(b"PAR1", "it is damaged: ");
        // A width that its bytes do not have, on which the reader panics.
        let mut bytes = FILES[0].1.to_vec();
        bytes[1340] = 20;
        check(&bytes, "it is damaged: its parts do not fit together");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(place in 0_usize..4096, byte: u8, cut in 0_usize..4096) {
            let mut bytes = FILES[0].1.to_vec();
            let length = bytes.len();
            bytes[place % length] = byte;
            let _ = read(&bytes);
            bytes.truncate(cut % length);
            let _ = read(&bytes);
        }
    }
}
