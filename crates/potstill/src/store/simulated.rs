//! A simulated disk in memory with faults, and exhaustive tests that a save survives them.
//!
//! Written data stay in a cache until they are synced. Of unsynced data a crash leaves, file by file and name
//! by name, everything, nothing, or any part in any order.

use super::disk::Disk;
use potstill_core::Pcg64;
use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path};
use std::sync::{Mutex, MutexGuard};

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    CrashBefore,
    CrashAfter,
    /// A crash in the middle of a write; before operations that write nothing.
    TornWrite,
    NoSpace,
    IoError,
    /// An error of a sync; an ordinary error of other operations.
    FailedSync,
}

pub(super) const FAULTS: [Fault; 6] = [
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::TornWrite,
    Fault::NoSpace,
    Fault::IoError,
    Fault::FailedSync,
];

/// The unsynced data that survive a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsynced {
    Kept,
    Dropped,
    Reordered,
}

pub(super) const UNSYNCED: [Unsynced; 3] = [Unsynced::Kept, Unsynced::Dropped, Unsynced::Reordered];

#[derive(Clone, Debug)]
enum Node {
    File { now: Vec<u8>, synced: Vec<u8> },
    Folder { now: BTreeMap<String, usize>, synced: BTreeMap<String, usize>, pending: Vec<Change> },
}

/// A change of the names in a folder.
#[derive(Clone, Debug)]
enum Change {
    Link(String, usize),
    Unlink(String),
    Rename(String, usize),
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            // Out of order, the node may already have its later name; it never has two.
            Change::Link(name, node) => {
                if !names.values().any(|linked| linked == node) {
                    names.insert(name.clone(), *node);
                }
            }
            Change::Unlink(name) => _ = names.remove(name),
            Change::Rename(to, node) => {
                names.retain(|_, linked| linked != node);
                names.insert(to.clone(), *node);
            }
        }
    }
}

#[derive(Debug)]
struct Inner {
    /// The first is the root.
    nodes: Vec<Node>,
    /// Changes since the fault was set.
    operations: u64,
    fault: Option<(u64, Fault)>,
    crashed: bool,
}

#[derive(Debug)]
pub(super) struct SimulatedDisk {
    inner: Mutex<Inner>,
}

fn error(kind: io::ErrorKind) -> io::Error {
    io::Error::new(kind, "simulated")
}

fn folder() -> Node {
    Node::Folder { now: BTreeMap::new(), synced: BTreeMap::new(), pending: Vec::new() }
}

impl Inner {
    fn find(&self, path: &Path) -> io::Result<usize> {
        let mut node = 0;
        for part in path.components() {
            let Component::Normal(name) = part else { continue };
            let Node::Folder { now, .. } = &self.nodes[node] else {
                return Err(error(io::ErrorKind::NotADirectory));
            };
            node = *now.get(name.to_str().unwrap()).ok_or_else(|| error(io::ErrorKind::NotFound))?;
        }
        Ok(node)
    }

    fn change(&mut self, folder: &Path, change: Change) -> io::Result<()> {
        let node = self.find(folder)?;
        let Node::Folder { now, pending, .. } = &mut self.nodes[node] else {
            return Err(error(io::ErrorKind::NotADirectory));
        };
        change.apply(now);
        pending.push(change);
        Ok(())
    }

    /// The contents of a file, to be changed; the file is created if it does not exist.
    fn file(&mut self, path: &Path) -> io::Result<&mut Vec<u8>> {
        let node = match self.find(path) {
            Ok(node) => node,
            Err(_) => {
                let (parent, name) = split(path);
                self.nodes.push(Node::File { now: Vec::new(), synced: Vec::new() });
                let node = self.nodes.len() - 1;
                self.change(parent, Change::Link(name, node))?;
                node
            }
        };
        match &mut self.nodes[node] {
            Node::File { now, .. } => Ok(now),
            Node::Folder { .. } => Err(error(io::ErrorKind::IsADirectory)),
        }
    }
}

fn split(path: &Path) -> (&Path, String) {
    (path.parent().unwrap(), path.file_name().unwrap().to_str().unwrap().to_owned())
}

impl SimulatedDisk {
    pub(super) fn new() -> Self {
        let inner = Inner { nodes: vec![folder()], operations: 0, fault: None, crashed: false };
        Self { inner: Mutex::new(inner) }
    }

    /// Lets the `n`-th operation from now fail; `None` for no fault.
    pub(super) fn set_fault(&self, fault: Option<(u64, Fault)>) {
        let mut inner = self.inner.lock().unwrap();
        (inner.fault, inner.operations) = (fault, 0);
    }

    /// Operations since the fault was set.
    pub(super) fn operations(&self) -> u64 {
        self.inner.lock().unwrap().operations
    }

    /// The disk after a crash.
    pub(super) fn after_crash(&self, unsynced: Unsynced, rng: &mut Pcg64) -> Self {
        let inner = self.inner.lock().unwrap();
        let left = inner.nodes.iter().map(|node| match node {
            Node::File { now, synced } => {
                let kept = match unsynced {
                    Unsynced::Kept => now.clone(),
                    Unsynced::Dropped => synced.clone(),
                    Unsynced::Reordered => match rng.below(3) {
                        0 => now.clone(),
                        1 => synced.clone(),
                        // Of appended data a beginning survives; never less than was synced, unless the file
                        // was replaced.
                        _ if now.starts_with(synced) => {
                            now[..synced.len() + rng.below(now.len() - synced.len() + 1)].to_vec()
                        }
                        _ => now[..rng.below(now.len() + 1)].to_vec(),
                    },
                };
                Node::File { now: kept.clone(), synced: kept }
            }
            Node::Folder { synced, pending, .. } => {
                let mut names = synced.clone();
                match unsynced {
                    Unsynced::Kept => pending.iter().for_each(|change| change.apply(&mut names)),
                    Unsynced::Dropped => {}
                    Unsynced::Reordered => {
                        let mut order: Vec<&Change> = pending.iter().filter(|_| rng.below(2) == 0).collect();
                        rng.shuffle(&mut order);
                        order.into_iter().for_each(|change| change.apply(&mut names));
                    }
                }
                Node::Folder { now: names.clone(), synced: names, pending: Vec::new() }
            }
        });
        let inner = Inner { nodes: left.collect(), operations: 0, fault: None, crashed: false };
        Self { inner: Mutex::new(inner) }
    }

    /// Runs an operation, or the part of it that a fault leaves.
    fn operate(
        &self,
        kind: Kind,
        whole: impl FnOnce(&mut Inner) -> io::Result<()>,
        half: impl FnOnce(&mut Inner) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut inner: MutexGuard<'_, Inner> = self.inner.lock().unwrap();
        if inner.crashed {
            return Err(error(io::ErrorKind::Other));
        }
        let n = inner.operations;
        inner.operations += 1;
        let Some((at, fault)) = inner.fault else { return whole(&mut inner) };
        if n != at {
            return whole(&mut inner);
        }
        match fault {
            Fault::CrashBefore => inner.crashed = true,
            Fault::CrashAfter => {
                whole(&mut inner)?;
                inner.crashed = true;
            }
            Fault::TornWrite => {
                if kind == Kind::Write {
                    half(&mut inner)?;
                }
                inner.crashed = true;
            }
            Fault::NoSpace => {
                if kind == Kind::Write {
                    half(&mut inner)?;
                }
                return Err(error(io::ErrorKind::StorageFull));
            }
            Fault::IoError | Fault::FailedSync => {}
        }
        Err(error(io::ErrorKind::Other))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Write,
    Other,
}

impl Disk for SimulatedDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let make = |inner: &mut Inner| {
            if inner.find(path).is_ok() {
                return Err(error(io::ErrorKind::AlreadyExists));
            }
            let (parent, name) = split(path);
            inner.nodes.push(folder());
            let node = inner.nodes.len() - 1;
            inner.change(parent, Change::Link(name, node))
        };
        self.operate(Kind::Other, make, |_| Ok(()))
    }

    fn write(&self, path: &Path, contents: &[u8]) -> io::Result<()> {
        let put = |inner: &mut Inner, part: &[u8]| inner.file(path).map(|file| *file = part.to_vec());
        self.operate(
            Kind::Write,
            |inner| put(inner, contents),
            |inner| put(inner, &contents[..contents.len() / 2]),
        )
    }

    fn append(&self, path: &Path, contents: &[u8]) -> io::Result<()> {
        let put = |inner: &mut Inner, part: &[u8]| inner.file(path).map(|file| file.extend_from_slice(part));
        self.operate(
            Kind::Write,
            |inner| put(inner, contents),
            |inner| put(inner, &contents[..contents.len() / 2]),
        )
    }

    fn truncate(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let cut = |inner: &mut Inner| inner.file(path).map(|file| file.truncate(bytes as usize));
        self.operate(Kind::Other, cut, |_| Ok(()))
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        let keep = |inner: &mut Inner| {
            let node = inner.find(path)?;
            match &mut inner.nodes[node] {
                Node::File { now, synced } => synced.clone_from(now),
                Node::Folder { now, synced, pending } => {
                    synced.clone_from(now);
                    pending.clear();
                }
            }
            Ok(())
        };
        self.operate(Kind::Other, keep, |_| Ok(()))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let name = |inner: &mut Inner| {
            let node = inner.find(from)?;
            if let Ok(other) = inner.find(to)
                && matches!(&inner.nodes[other], Node::Folder { now, .. } if !now.is_empty())
            {
                return Err(error(io::ErrorKind::DirectoryNotEmpty));
            }
            let (parent, to) = split(to);
            assert_eq!(from.parent(), Some(parent), "renamed within a folder");
            inner.change(parent, Change::Rename(to, node))
        };
        self.operate(Kind::Other, name, |_| Ok(()))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let remove = |inner: &mut Inner| {
            let node = inner.find(path)?;
            // As on a real disk, the contents of a folder are removed before the folder.
            if let Node::Folder { now, .. } = &inner.nodes[node] {
                for name in now.keys().cloned().collect::<Vec<_>>() {
                    inner.change(path, Change::Unlink(name))?;
                }
            }
            let (parent, name) = split(path);
            inner.change(parent, Change::Unlink(name))
        };
        self.operate(Kind::Other, remove, |_| Ok(()))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let inner = self.inner.lock().unwrap();
        match &inner.nodes[inner.find(path)?] {
            Node::File { now, .. } => Ok(now.clone()),
            Node::Folder { .. } => Err(error(io::ErrorKind::IsADirectory)),
        }
    }

    fn bytes(&self, path: &Path) -> io::Result<u64> {
        self.read(path).map(|contents| contents.len() as u64)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let inner = self.inner.lock().unwrap();
        match &inner.nodes[inner.find(path)?] {
            Node::Folder { now, .. } => Ok(now.keys().cloned().collect()),
            Node::File { .. } => Err(error(io::ErrorKind::NotADirectory)),
        }
    }
}

mod tests {
    use super::*;
    use crate::store::{Checkpoint, FileMark, Log, RunDir, names};
    use potstill_core::{Snapshot, Value};
    use std::path::PathBuf;
    use std::sync::Arc;

    fn dir(disk: &Arc<SimulatedDisk>) -> RunDir {
        RunDir { disk: disk.clone(), path: PathBuf::from("/run"), made: Vec::new(), lock: None }
    }

    /// A checkpoint at some step: a state, and a log that has grown with it.
    fn checkpoint(step: u64, mark: FileMark) -> Checkpoint {
        let values = Value::F32s((0..100).map(|i| (i * step) as f32).collect());
        let state = Snapshot::new().with("step", Value::U64(step)).with("values", values);
        Checkpoint {
            step,
            state,
            logs: vec![mark],
            lost: Vec::new(),
            score: Some(-(step as f64)),
            seconds: 0.5,
            config: Some(7),
        }
    }

    /// A disk with a run of two checkpoints (the older is the better), and the third, unsaved.
    fn prepared() -> (Arc<SimulatedDisk>, Checkpoint, Checkpoint) {
        let disk = Arc::new(SimulatedDisk::new());
        disk.create_dir(Path::new("/run")).unwrap();
        disk.sync(Path::new("/")).unwrap();
        let dir = dir(&disk);
        let mut log = Log::create(&dir, names::METRICS).unwrap();
        let mut grow = |step: u64| {
            log.add(&dir, format!("line {step}\n").as_bytes()).unwrap();
            checkpoint(step, log.mark(&dir).unwrap())
        };
        grow(1).save(&dir, 2).unwrap();
        let old = grow(2);
        old.save(&dir, 2).unwrap();
        let new = grow(3);
        (disk, old, new)
    }

    /// Checks that after the fault the newest checkpoint is the old or the new one, nothing else remains, and
    /// the next save succeeds.
    fn check(n: u64, fault: Fault, unsynced: Unsynced, seed: u64) {
        let what = format!("{fault:?} at operation {n}, {unsynced:?}, seed {seed}");
        let (disk, old, new) = prepared();
        disk.set_fault(Some((n, fault)));
        let saved = new.save(&dir(&disk), 2);
        disk.set_fault(None);
        // The disk as seen by the same process after an error, and by the next one after a crash.
        let crashed = Arc::new(disk.after_crash(unsynced, &mut Pcg64::new(seed)));
        let died = disk.inner.lock().unwrap().crashed;
        let went_on = (!died).then_some(disk);
        for disk in went_on.into_iter().chain([crashed]) {
            let dir = dir(&disk);
            Checkpoint::sweep(&dir).unwrap_or_else(|e| panic!("{what}: {e}"));
            let found = Checkpoint::newest(&dir, false).unwrap_or_else(|e| panic!("{what}: {e}")).unwrap();
            assert!(found == old || found == new, "{what}: {found:?}");
            if saved.is_ok() {
                assert!(found == new, "{what}: it said that it was saved");
            }
            let names = disk.list(Path::new("/run/checkpoints")).unwrap();
            assert!(names.iter().all(|name| name.starts_with("step-")), "{what}: {names:?}");
            // The run continues from the checkpoint that was found.
            let mut log = Log::resume(&dir, &found.logs[0]).unwrap();
            log.add(&dir, b"line 4\n").unwrap();
            let next = checkpoint(4, log.mark(&dir).unwrap());
            next.save(&dir, 2).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert!(Checkpoint::newest(&dir, false).unwrap().unwrap() == next, "{what}");
        }
    }

    /// The number of seeds of a crash's outcome; 20 by default.
    fn seeds() -> u64 {
        std::env::var("POTSTILL_TORTURE_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(20)
    }

    #[test]
    fn every_fault_in_a_save_leaves_the_old_or_the_new() {
        let (disk, _, new) = prepared();
        disk.set_fault(None);
        new.save(&dir(&disk), 2).unwrap();
        let operations = disk.operations();
        assert!(operations >= 8, "two files written and synced, a folder made, synced and renamed");
        // The best and the newest two are kept.
        assert_eq!(Checkpoint::steps(&dir(&disk)).unwrap(), [1, 2, 3]);
        let mut checked = 0;
        for n in 0..operations {
            for fault in FAULTS {
                for unsynced in UNSYNCED {
                    let seeds = if unsynced == Unsynced::Reordered { seeds() } else { 1 };
                    (0..seeds).for_each(|seed| check(n, fault, unsynced, seed));
                    checked += seeds;
                }
            }
        }
        println!("{checked} of {checked} faults in a save left the old checkpoint or the new one");
    }

    #[test]
    fn every_fault_in_a_write_leaves_the_old_or_the_new() {
        let path = Path::new("/run/config.toml");
        let prepared = || {
            let disk = Arc::new(SimulatedDisk::new());
            disk.create_dir(Path::new("/run")).unwrap();
            disk.sync(Path::new("/")).unwrap();
            dir(&disk).write("config.toml", b"the old contents").unwrap();
            disk
        };
        let disk = prepared();
        disk.set_fault(None);
        dir(&disk).write("config.toml", b"new contents").unwrap();
        let mut checked = 0;
        for n in 0..disk.operations() {
            for fault in FAULTS {
                for (unsynced, seed) in UNSYNCED.into_iter().flat_map(|u| (0..seeds()).map(move |s| (u, s))) {
                    let disk = prepared();
                    disk.set_fault(Some((n, fault)));
                    let written = dir(&disk).write("config.toml", b"new contents");
                    let found = disk.after_crash(unsynced, &mut Pcg64::new(seed)).read(path).unwrap();
                    let new = found == b"new contents";
                    assert!(
                        new || (written.is_err() && found == b"the old contents"),
                        "{fault:?} {n} {unsynced:?}"
                    );
                    checked += 1;
                }
            }
        }
        println!("{checked} of {checked} faults in a write left the old contents or the new");
    }
}
