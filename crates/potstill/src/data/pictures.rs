//! A folder of PNG pictures, a folder in it for each class; and CIFAR-10's binary files.
//!
//! Pictures are of one size and of grey or of colour; a picture's transparency does not count.

use super::content::{Content, unreadable};
use super::frame::{Column, DataFrame, Values};
use super::reader::{Data, Head, Reader, Samples};
use super::source::DataOptions;
use png::{ColorType, Decoder, Limits, Transformations};
use potstill_core::Stored;
use std::io::{BufRead, Cursor};

/// The most bytes of a decoded picture.
const BYTES_MAX: usize = 1 << 26;

/// A folder of PNG pictures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pictures;

impl Reader for Pictures {
    fn name(&self) -> &'static str {
        "pictures"
    }

    fn summary(&self) -> &'static str {
        "a folder of PNG pictures, a folder for each class"
    }

    fn recognizes(&self, head: &Head<'_>) -> bool {
        matches!(head, Head::Folder(files) if files.iter().any(|file| is_picture(file)))
    }

    fn read(&self, content: &dyn Content, options: &DataOptions) -> Result<Data, String> {
        let files = content.files().map_err(|error| format!("the folder cannot be read: {error}"))?;
        let files = files.ok_or("it is a file; pictures are in folders")?;
        let mut labels = Values::words();
        let mut bytes = Stored::below(options.memory);
        let mut first: Option<(&str, [usize; 3])> = None;
        check_files(&files)?;
        for file in files.iter().filter(|file| is_picture(file)) {
            let (class, _) = file.split_once('/').ok_or_else(|| {
                format!("{file}: it lies in no folder of a class; put each picture into a folder with the name of its class")
            })?;
            let reader = content.file(file);
            let reader = reader.inflated().map_err(|error| format!("{file}: it cannot be read: {error}"))?;
            let (shape, pixels) = picture(reader).map_err(|reason| format!("{file}: {reason}"))?;
            let (other, expected) = *first.get_or_insert((file, shape));
            if shape != expected {
                return Err(format!(
                    "{file} is {}, but {other} is {}; bring all to one size",
                    size(shape),
                    size(expected)
                ));
            }
            bytes.extend_from_slice(&pixels);
            labels.push_word(Some(class));
        }
        let (_, shape) = first.ok_or("it has no PNG pictures")?;
        let image = Values::Images { shape, white: u8::MAX, bytes };
        DataFrame::new(vec![Column::new("image", image), Column::new("label", labels)]).map(Data::rows)
    }
}

/// Refuses files in the folders of classes that are no PNG pictures.
fn check_files(files: &[String]) -> Result<(), String> {
    if let Some(folder) = files.iter().find(|file| file.ends_with('/')) {
        return Err(format!(
            "{folder}: it is a folder in that of a class; move its pictures into that, or remove it"
        ));
    }
    let is_hidden = |name: &str| name.starts_with('.') || ["Thumbs.db", "desktop.ini"].contains(&name);
    let is_left =
        |file: &&String| file.rsplit_once('/').is_some_and(|(_, name)| !is_picture(name) && !is_hidden(name));
    let left: Vec<&String> = files.iter().filter(is_left).collect();
    if let [first, ..] = left[..] {
        let are = match left.len() {
            1 => "it is no PNG picture".to_owned(),
            count => format!("{count} files are no PNG pictures"),
        };
        return Err(format!("{first}: {are}; convert or remove what is none"));
    }
    Ok(())
}

fn is_picture(file: &str) -> bool {
    file.rsplit_once('.').is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("png"))
}

fn size([height, width, channels]: [usize; 3]) -> String {
    format!("{width} x {height} of {}", if channels == 1 { "grey" } else { "colour" })
}

/// Height, width, channels and bytes of a PNG picture.
fn picture(mut reader: impl BufRead) -> Result<([usize; 3], Vec<u8>), String> {
    let damaged = |error: png::DecodingError| format!("it is no whole PNG picture: {error}");
    let mut file = Vec::new();
    reader.read_to_end(&mut file).map_err(unreadable)?;
    let mut decoder = Decoder::new_with_limits(Cursor::new(file), Limits { bytes: BYTES_MAX });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let length = reader.output_buffer_size().filter(|&length| length <= BYTES_MAX);
    let mut bytes = vec![0; length.ok_or("it is too large")?];
    let info = reader.next_frame(&mut bytes).map_err(damaged)?;
    bytes.truncate(info.buffer_size());
    let (kept, of) = match info.color_type {
        ColorType::Grayscale => (1, 1),
        ColorType::GrayscaleAlpha => (1, 2),
        ColorType::Rgb => (3, 3),
        ColorType::Rgba => (3, 4),
        ColorType::Indexed => return Err("its palette cannot be expanded".to_owned()),
    };
    let bytes = bytes.chunks_exact(of).flat_map(|point| &point[..kept]).copied().collect();
    Ok(([info.height as usize, info.width as usize, kept], bytes))
}

/// A folder of CIFAR-10's binary files.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cifar;

/// A label, and three planes of 32 x 32 bytes.
const RECORD: usize = 1 + 3 * 1024;
const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

impl Reader for Cifar {
    fn name(&self) -> &'static str {
        "cifar10"
    }

    fn summary(&self) -> &'static str {
        "a folder of CIFAR-10's binary files"
    }

    fn recognizes(&self, head: &Head<'_>) -> bool {
        matches!(head, Head::Folder(files) if files.iter().any(|file| is_batch(file, "data_batch")))
    }

    fn read(&self, content: &dyn Content, options: &DataOptions) -> Result<Data, String> {
        let files = content.files().map_err(|error| format!("the folder cannot be read: {error}"))?;
        let files = files.ok_or("it is a file; CIFAR-10 is a folder of files")?;
        let part = |prefix: &str| -> Result<Option<DataFrame>, String> {
            let (mut bytes, mut labels) = (Stored::below(options.memory), Values::words());
            for file in files.iter().filter(|file| is_batch(file, prefix)) {
                let records = content
                    .file(file)
                    .bytes()
                    .map_err(|error| format!("{file}: it cannot be read: {error}"))?;
                if records.is_empty() || !records.len().is_multiple_of(RECORD) {
                    return Err(format!("{file}: {} bytes are no whole records of {RECORD}", records.len()));
                }
                for record in records.chunks_exact(RECORD) {
                    let class = CLASSES.get(usize::from(record[0]));
                    labels
                        .push_word(Some(class.ok_or_else(|| format!("{file}: {} is no class", record[0]))?));
                    let planes = &record[1..];
                    bytes.extend(
                        (0..1024)
                            .flat_map(|point| [planes[point], planes[1024 + point], planes[2048 + point]]),
                    );
                }
            }
            if bytes.is_empty() {
                return Ok(None);
            }
            let image = Values::Images { shape: [32, 32, 3], white: u8::MAX, bytes };
            DataFrame::new(vec![Column::new("image", image), Column::new("label", labels)]).map(Some)
        };
        let rows = part("data_batch")?.ok_or("it has no data_batch_1.bin")?;
        Ok(Data::Samples(Samples { rows, test: part("test_batch")? }))
    }
}

fn is_batch(file: &str, prefix: &str) -> bool {
    let name = file.rsplit_once('/').map_or(file, |(_, name)| name);
    name.starts_with(prefix) && (name.ends_with(".bin") || name.ends_with(".bin.gz"))
}
