//! Files and folders of data that the user names.

use crate::data::Content;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The folders below a folder of data that are read: one per class.
const DEPTH: usize = 2;

/// A file or a folder on the disk.
#[derive(Clone, Debug)]
pub struct DataFile(PathBuf);

impl DataFile {
    /// The file or folder at this path.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl Content for DataFile {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(File::open(&self.0)?))
    }

    fn files(&self) -> io::Result<Option<Vec<String>>> {
        if !fs::metadata(&self.0)?.is_dir() {
            return Ok(None);
        }
        let mut files = Vec::new();
        collect(&self.0, "", DEPTH, &mut files)?;
        files.sort();
        Ok(Some(files))
    }

    fn file(&self, path: &str) -> Box<dyn Content + '_> {
        Box::new(Self(self.0.join(path)))
    }
}

/// The files of a folder and of those in it, with the names before them; a folder that is not read for its depth ends with `/`.
/// Hidden ones do not count.
fn collect(folder: &Path, prefix: &str, depth: usize, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        if name.starts_with('.') {
            continue;
        }
        let path = format!("{prefix}{name}");
        // Links are followed.
        if fs::metadata(entry.path())?.is_dir() {
            let inner = format!("{path}/");
            match depth {
                1 => files.push(inner),
                _ => collect(&entry.path(), &inner, depth - 1, files)?,
            }
        } else {
            files.push(path);
        }
    }
    Ok(())
}
