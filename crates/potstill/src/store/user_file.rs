//! Files that the user names, outside of run directories.

use super::{StoreError, io_error};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Component, Path, PathBuf};

/// Longest chain of links that is followed, as on Linux.
const LINKS_MAX: usize = 40;

/// Names of this process's own standard output.
const STDOUT: [&str; 3] = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// Checks that a file to write is none of those that are read, nor one in a folder that is read; links are followed.
///
/// # Errors
/// If it is one.
pub fn check_output(out: &Path, read: &[&Path]) -> Result<(), StoreError> {
    let Some(ours) = out.canonicalize().ok().filter(|path| path.is_file()) else { return Ok(()) };
    let is_read = |path: &&Path| path.canonicalize().is_ok_and(|path| ours.starts_with(path));
    match read.iter().any(is_read) {
        true => Err(StoreError::IsInput { path: out.to_owned() }),
        false => Ok(()),
    }
}

/// Writes a file at a path of the user's: a regular file at once, by renaming a new one, in the place that links lead to
/// and with the mode that it has; into a pipe, a device or an open file directly. Other processes see the old contents
/// or the new ones. Nothing is synced: a loss of power soon afterwards may take the new contents, which the same command
/// writes again.
///
/// # Errors
/// If the path is a folder, or the disk cannot be written.
pub fn write_file(path: &Path, contents: &[u8]) -> Result<(), StoreError> {
    write_pieces(path, |to| Ok(to.write_all(contents)?)).map_err(|error| error.needing(contents.len()))
}

/// The same, with contents that `write` writes piece by piece; in some cases it is called twice.
///
/// # Errors
/// As for [`write_file`], and if `write` fails.
pub fn write_pieces(
    path: &Path,
    write: impl Fn(&mut dyn Write) -> Result<(), PieceError>,
) -> Result<(), StoreError> {
    let failed = |error| match error {
        PieceError::Write(error) => io_error("write", path)(error),
        PieceError::Read(error) => error,
    };
    let target = followed(path).map_err(|error| failed(error.into()))?;
    if STDOUT.iter().any(|name| target == Path::new(name)) {
        let mut stdout = io::stdout().lock();
        return write(&mut stdout).and_then(|()| Ok(stdout.flush()?)).map_err(failed);
    }
    let known = fs::metadata(&target).ok();
    match &known {
        Some(about) if about.is_dir() => return Err(StoreError::IsFolder { path: path.to_owned() }),
        Some(about) if !about.is_file() || is_shared(about) || is_open_file(&target) => {
            write_in_place(&target, write)
        }
        _ => match replace(&target, known.as_ref(), &write) {
            // The file may be writable where its folder is not.
            Err(PieceError::Write(error)) if known.is_some() && is_refusal(&error) => {
                write_in_place(&target, write)
            }
            written => written,
        },
    }
    .map_err(failed)
}

/// The reason for which a file was not written piece by piece.
#[derive(Debug)]
pub enum PieceError {
    /// It cannot be written.
    Write(io::Error),
    /// Another file, from which its contents come, cannot be read.
    Read(StoreError),
}

impl From<io::Error> for PieceError {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl From<StoreError> for PieceError {
    fn from(error: StoreError) -> Self {
        Self::Read(error)
    }
}

/// Creates a folder at a path of the user's, with those that it is in; one that exists is left as it is.
///
/// # Errors
/// If it cannot be created.
pub fn make_folder(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(io_error("create", path))
}

/// Writes a folder that is not there yet, with those that it is in: under a hidden name, which is then its own. `write` is
/// given a function that writes a file, by its path in the folder.
///
/// # Errors
/// If the folder exists, the disk cannot be written, or `write` fails; nothing is left then.
pub fn write_new_folder(
    path: &Path,
    write: impl FnOnce(&mut dyn FnMut(&str, &[u8]) -> io::Result<()>) -> io::Result<()>,
) -> Result<(), StoreError> {
    if path.symlink_metadata().is_ok() {
        return Err(StoreError::Exists { path: path.to_owned() });
    }
    let failed = |error| io_error("write", path)(error);
    path.parent().map_or(Ok(()), make_folder)?;
    let temporary = new_folder_beside(path).map_err(failed)?;
    // Files of one folder mostly follow each other.
    let mut folder = temporary.clone();
    let mut put = |file: &str, contents: &[u8]| {
        let file = temporary.join(file);
        if let Some(parent) = file.parent().filter(|parent| **parent != folder) {
            fs::create_dir_all(parent)?;
            parent.clone_into(&mut folder);
        }
        fs::write(file, contents)
    };
    let written = write(&mut put).and_then(|()| fs::rename(&temporary, path));
    written.inspect_err(|_| _ = fs::remove_dir_all(&temporary)).map_err(failed)
}

/// Writes a new file at a path of the user's, or into a pipe or a device.
///
/// # Errors
/// If the path is a file or a folder already, or the disk refuses.
pub fn write_new_file(path: &Path, contents: &[u8]) -> Result<(), StoreError> {
    match fs::metadata(path) {
        Ok(about) if about.is_file() || about.is_dir() => Err(StoreError::Exists { path: path.to_owned() }),
        _ => write_file(path, contents),
    }
}

/// Reads a file at a path of the user's.
///
/// # Errors
/// If it does not exist, is a folder, or cannot be read.
pub fn read_file(path: &Path) -> Result<Vec<u8>, StoreError> {
    match path.is_dir() {
        true => Err(StoreError::IsFolder { path: path.to_owned() }),
        false => fs::read(path).map_err(io_error("read", path)),
    }
}

/// Reads a part of a file that a model names: it must lie in a folder or below it, links included.
///
/// # Errors
/// The reason, after the name of the file.
pub(crate) fn read_part_within(
    folder: &Path,
    name: &str,
    offset: u64,
    length: usize,
) -> Result<Vec<u8>, String> {
    let is_plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    if name.is_empty() || !Path::new(name).components().all(is_plain) {
        return Err("which does not lie in the folder of the model".to_owned());
    }
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let missing = |error: io::Error| format!("which cannot be read ({error})");
    let (inside, path) =
        (folder.canonicalize().map_err(missing)?, folder.join(name).canonicalize().map_err(missing)?);
    if !path.starts_with(&inside) {
        return Err("which does not lie in the folder of the model".to_owned());
    }
    let mut file = File::open(&path).map_err(missing)?;
    let about = file.metadata().map_err(missing)?;
    if !about.is_file() {
        return Err("which is no regular file".to_owned());
    }
    let size = about.len();
    if offset.checked_add(length as u64).is_none_or(|end| end > size) {
        return Err(format!("which ends after {size} bytes, before byte {offset} + {length}"));
    }
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes)).map_err(missing)?;
    Ok(bytes)
}

/// Reads a text file at a path of the user's.
///
/// # Errors
/// If it does not exist, cannot be read, or is no text.
pub fn read_text(path: &Path) -> Result<String, StoreError> {
    String::from_utf8(read_file(path)?).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        let reason = match error.as_bytes() {
            [0x1f, 0x8b, ..] => "is compressed by gzip; unpack it first".to_owned(),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "is text in UTF-16; save it as UTF-8".to_owned(),
            _ => format!("is not text in UTF-8: byte {place}"),
        };
        StoreError::NoText { path: path.to_owned(), reason }
    })
}

/// Returns true where the system keeps open files, which look like links to names.
fn is_open_file(path: &Path) -> bool {
    path.starts_with("/proc") || path.starts_with("/dev/fd")
}

/// The path that a chain of links ends at. It need not exist.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..=LINKS_MAX {
        if is_open_file(&path) || STDOUT.iter().any(|name| path == Path::new(name)) {
            return Ok(path);
        }
        match fs::read_link(&path) {
            Ok(next) => path = path.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "its links lead in a circle"))
}

/// Returns true if a file has further names, which a new file in its place would take it from.
#[cfg(unix)]
fn is_shared(about: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(about) > 1
}

#[cfg(not(unix))]
fn is_shared(_: &Metadata) -> bool {
    false
}

fn is_refusal(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

fn write_in_place(
    path: &Path,
    write: impl Fn(&mut dyn Write) -> Result<(), PieceError>,
) -> Result<(), PieceError> {
    write_buffered(OpenOptions::new().write(true).truncate(true).open(path)?, write).map(|_| ())
}

fn write_buffered(
    file: File,
    write: impl Fn(&mut dyn Write) -> Result<(), PieceError>,
) -> Result<File, PieceError> {
    let mut buffer = BufWriter::new(file);
    write(&mut buffer)?;
    Ok(buffer.into_inner().map_err(io::IntoInnerError::into_error)?)
}

/// Writes beside the target under a name of its own, and renames.
fn replace(
    target: &Path,
    known: Option<&Metadata>,
    write: impl Fn(&mut dyn Write) -> Result<(), PieceError>,
) -> Result<(), PieceError> {
    let (temporary, file) = new_file_beside(target)?;
    let written = write_buffered(file, write).and_then(|file| {
        known.map_or(Ok(()), |known| keep_owner_and_mode(&file, known))?;
        Ok(fs::rename(&temporary, target)?)
    });
    written.inspect_err(|_| {
        // Removes the half-written file; the first error is the one to report.
        let _ = fs::remove_file(&temporary);
    })
}

/// A file that did not exist before.
fn new_file_beside(target: &Path) -> io::Result<(PathBuf, File)> {
    new_beside(target, |path| OpenOptions::new().write(true).create_new(true).open(path))
}

/// A folder that did not exist before.
fn new_folder_beside(target: &Path) -> io::Result<PathBuf> {
    new_beside(target, |path| fs::create_dir(path)).map(|(path, ())| path)
}

/// Makes what did not exist before: its name is short, so that it fits beside any other.
fn new_beside<T>(target: &Path, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    for n in 0_u32.. {
        let path = target.with_file_name(format!(".potstill-{}-{n}.tmp", std::process::id()));
        match make(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|made| (path, made)),
        }
    }
    unreachable!("some number is free")
}

#[cfg(unix)]
fn keep_owner_and_mode(file: &File, known: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let made = file.metadata()?;
    if (made.uid(), made.gid()) != (known.uid(), known.gid()) {
        // Only the superuser may; others then own the new file.
        let _ = fchown(file, Some(known.uid()), Some(known.gid()));
    }
    file.set_permissions(known.permissions())
}

#[cfg(not(unix))]
fn keep_owner_and_mode(file: &File, known: &Metadata) -> io::Result<()> {
    file.set_permissions(known.permissions())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_file_replaces_nothing() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("pole.safetensors");
        write_new_file(&path, b"one").unwrap();
        let error = write_new_file(&path, b"two").unwrap_err();
        assert!(error.to_string().ends_with("pole.safetensors exists; choose another --out or remove it"));
        assert!(error.is_input());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(names(root.path()), ["pole.safetensors"]);
    }

    #[test]
    fn a_file_of_the_users_is_never_the_temporary_one() {
        let root = tempfile::tempdir().unwrap();
        let old = [".pole.svg.tmp".to_owned(), format!(".potstill-{}-0.tmp", std::process::id())];
        old.iter().for_each(|name| fs::write(root.path().join(name), "mine").unwrap());
        write_file(&root.path().join("pole.svg"), b"new").unwrap();
        // As long as a name can be.
        let long = "a".repeat(255);
        write_file(&root.path().join(&long), b"new").unwrap();
        assert_eq!(names(root.path()), [&old[0], &old[1], &long, "pole.svg"]);
        old.iter().for_each(|name| assert_eq!(fs::read(root.path().join(name)).unwrap(), b"mine"));
    }

    #[test]
    fn a_new_folder_is_there_whole_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("sets/pole-v0");
        let failing = write_new_folder(&path, |put| {
            put("data/0/a", b"a")?;
            Err(io::Error::other("no more"))
        });
        assert!(failing.unwrap_err().to_string().ends_with("pole-v0: no more"));
        assert!(names(&root.path().join("sets")).is_empty());
        write_new_folder(&path, |put| {
            put("data/0/a", b"a")?;
            put("data/b", b"b")
        })
        .unwrap();
        assert_eq!(
            (names(&path.join("data")), names(&root.path().join("sets"))),
            (vec!["0".into(), "b".into()], vec!["pole-v0".into()])
        );
        let error = write_new_folder(&path, |_| Ok(())).unwrap_err();
        assert!(error.to_string().ends_with("pole-v0 exists; choose another --out or remove it"), "{error}");
    }

    #[test]
    fn a_folder_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let error = write_file(root.path(), b"new").unwrap_err();
        assert!(error.to_string().ends_with(" is a folder; name a file"), "{error}");
        assert!(error.is_input());
    }

    #[test]
    fn contents_that_cannot_be_read_leave_the_file() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("e.csv");
        fs::write(&path, "old").unwrap();
        let missing = root.path().join("none");
        let error = write_pieces(&path, |to| {
            to.write_all(b"step")?;
            Ok(read_file(&missing).map(|_| ())?)
        });
        assert!(error.unwrap_err().to_string().starts_with(&format!("cannot read {}", missing.display())));
        assert_eq!(
            (fs::read(&path).unwrap(), names(root.path())),
            (b"old".to_vec(), vec!["e.csv".to_owned()])
        );
    }

    #[test]
    fn what_is_no_text_is_told() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a.toml");
        for (bytes, expected) in [
            (&b"\x1f\x8b\x08\x00"[..], "a.toml is compressed by gzip; unpack it first"),
            (b"\xff\xfea\x00", "a.toml is text in UTF-16; save it as UTF-8"),
            (b"ab\xff", "a.toml is not text in UTF-8: byte 2"),
        ] {
            fs::write(&path, bytes).unwrap();
            let error = read_text(&path).unwrap_err();
            assert!(error.to_string().ends_with(expected), "{error}");
            assert!(error.is_input());
        }
        assert!(read_text(root.path()).unwrap_err().to_string().ends_with(" is a folder; name a file"));
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use std::os::unix::fs::{PermissionsExt, symlink};
        use std::process::Command;

        #[test]
        fn links_are_followed_and_stay() {
            let root = tempfile::tempdir().unwrap();
            let at = |name: &str| root.path().join(name);
            fs::create_dir(at("elsewhere")).unwrap();
            fs::write(at("elsewhere/real"), "old").unwrap();
            symlink("elsewhere/real", at("link")).unwrap();
            symlink("link", at("link of a link")).unwrap();
            symlink("elsewhere/new", at("dangling")).unwrap();
            for (name, target) in
                [("link", "real"), ("link of a link", "real"), ("dangling", "new"), ("dangling", "new")]
            {
                write_file(&at(name), name.as_bytes()).unwrap();
                assert!(fs::symlink_metadata(at(name)).unwrap().is_symlink(), "{name}");
                assert_eq!(fs::read(at("elsewhere").join(target)).unwrap(), name.as_bytes());
            }
            assert_eq!(names(&at("elsewhere")), ["new", "real"]);
            symlink("round", at("round")).unwrap();
            let error = write_file(&at("round"), b"x").unwrap_err();
            assert!(error.to_string().ends_with("round: its links lead in a circle"), "{error}");
            assert!(error.is_input());
        }

        #[test]
        fn modes_and_further_names_are_kept() {
            let root = tempfile::tempdir().unwrap();
            let at = |name: &str| root.path().join(name);
            for mode in [0o600, 0o640, 0o755] {
                fs::write(at("file"), "old").unwrap();
                fs::set_permissions(at("file"), fs::Permissions::from_mode(mode)).unwrap();
                write_file(&at("file"), b"new").unwrap();
                assert_eq!(fs::metadata(at("file")).unwrap().permissions().mode() & 0o777, mode);
            }
            fs::hard_link(at("file"), at("also")).unwrap();
            write_file(&at("file"), b"newer").unwrap();
            assert_eq!(fs::read(at("also")).unwrap(), b"newer");
        }

        #[test]
        fn a_reader_of_a_pipe_has_its_data() {
            let root = tempfile::tempdir().unwrap();
            let pipe = root.path().join("pipe");
            assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            for write in [write_file, write_new_file] {
                let path = pipe.clone();
                let reader = std::thread::spawn(move || fs::read(path).unwrap());
                let contents = b"0123456789abcdef".repeat(10_000);
                write(&pipe, &contents).unwrap();
                assert!(reader.join().unwrap() == contents);
            }
            assert_eq!(names(root.path()), ["pipe"]);
        }

        #[test]
        fn a_link_to_an_open_file_writes_it() {
            use std::os::fd::AsRawFd;
            let root = tempfile::tempdir().unwrap();
            let at = |name: &str| root.path().join(name);
            let open = File::create(at("err.txt")).unwrap();
            for (i, folder) in ["/proc/self/fd", "/dev/fd"].into_iter().enumerate() {
                let link = at(&format!("{i}.csv"));
                symlink(format!("{folder}/{}", open.as_raw_fd()), &link).unwrap();
                write_file(&link, folder.as_bytes()).unwrap();
                assert_eq!(fs::read(at("err.txt")).unwrap(), folder.as_bytes());
            }
            assert_eq!(names(root.path()), ["0.csv", "1.csv", "err.txt"]);
        }

        #[test]
        fn a_device_takes_what_is_written_and_stays() {
            write_file(Path::new("/dev/null"), b"nothing").unwrap();
            assert!(!fs::metadata("/dev/null").unwrap().is_file());
            let error = write_file(Path::new("/dev/full"), b"something").unwrap_err();
            assert!(matches!(error, StoreError::Full { .. }), "{error}");
        }
    }
}
