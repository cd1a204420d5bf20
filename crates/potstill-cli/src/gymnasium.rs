//! Environments of Gymnasium, `gym:ID`, played in the Python of the user: a process for each, behind a pipe.

use potstill::env::registry::{Entry, is_resolved, resolve_namespace};
use potstill::env::replayed::{Constructed, Foreign};
use potstill::env::space::{Numbers, NumbersMut};
use potstill::env::{Outcome, Space};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The program of the process: the module of the Python package, which needs nothing of it.
const PROGRAM: &str = include_str!("gymnasium_worker.py");
const NAMESPACE: &str = "gym:";
/// The variable that names the interpreter.
const INTERPRETER: &str = "POTSTILL_PYTHON";
/// Bytes of the longest answer; a longer one is no answer.
const ANSWER_BYTES_MAX: usize = 1 << 30;

/// Lets the command find the environments of Gymnasium, unless the program that it is part of does.
pub(crate) fn find() {
    if !is_resolved(NAMESPACE) {
        resolve_namespace(NAMESPACE, entry);
        resolve_namespace("python:", |name| {
            Err(format!(
                "it was an environment of a Python program: resume the run there, with env=, not {name} here"
            ))
        });
    }
}

/// The interpreter: the named one, that of the active virtual environment, or the first on the path.
fn interpreter() -> OsString {
    if let Some(named) = env::var_os(INTERPRETER).filter(|named| !named.is_empty()) {
        return named;
    }
    let folder = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    let of_environment = env::var_os("VIRTUAL_ENV").map(|root| PathBuf::from(root).join(folder));
    match of_environment.filter(|python| python.exists()) {
        Some(python) => python.into(),
        None if cfg!(windows) => "python".into(),
        None => "python3".into(),
    }
}

/// The process of one environment. It ends when its input is closed.
struct Worker {
    process: Child,
    /// None when there are no more.
    requests: Option<ChildStdin>,
    answers: ChildStdout,
    answer: Vec<u8>,
}

impl Worker {
    fn start() -> Result<Self, String> {
        let python = interpreter();
        let mut command = Command::new(&python);
        command.args(["-c", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped());
        // Ctrl-C is for the command, which then closes the pipe.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command.spawn().map_err(|error| {
            format!(
                "{} cannot be started ({error}): activate the virtual environment that has Gymnasium, or name its \
                 interpreter in {INTERPRETER}",
                python.display()
            )
        })?;
        let (requests, answers) = (process.stdin.take(), process.stdout.take());
        let (requests, answers) = (requests.expect("it is piped"), answers.expect("it is piped"));
        Ok(Self { process, requests: Some(requests), answers, answer: Vec::new() })
    }

    /// Asks for an operation, and returns its answer; an error is the reason.
    fn ask(&mut self, operation: u8, argument: &[u8]) -> Result<&[u8], String> {
        match self.exchange(operation, argument) {
            Ok(true) => Ok(&self.answer),
            Ok(false) => Err(String::from_utf8_lossy(&self.answer).into_owned()),
            Err(error) => Err(match ended(&mut self.process) {
                Some(status) => format!("the Python process of the environment has ended ({status})"),
                None => format!("the Python process of the environment does not answer ({error})"),
            }),
        }
    }

    fn exchange(&mut self, operation: u8, argument: &[u8]) -> io::Result<bool> {
        let mut request = Vec::with_capacity(5 + argument.len());
        request.extend((argument.len() as u32).to_le_bytes());
        request.push(operation);
        request.extend(argument);
        let requests = self.requests.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        requests.write_all(&request)?;
        requests.flush()?;
        let mut head = [0; 5];
        self.answers.read_exact(&mut head)?;
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        if length > ANSWER_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.answer.resize(length, 0);
        self.answers.read_exact(&mut self.answer)?;
        Ok(head[4] == 0)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It ends at the end of its requests, and closes its environment, unless it is in a step that does not end.
        self.requests.take();
        if ended(&mut self.process).is_none() {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// The status of a process that ends within a second.
fn ended(process: &mut Child) -> Option<ExitStatus> {
    for _ in 0..100 {
        match process.try_wait() {
            Ok(None) => thread::sleep(Duration::from_millis(10)),
            Ok(status) => return status,
            Err(_) => return None,
        }
    }
    None
}

/// An environment that is not played at present. An episode of an evaluation has an environment of its own, and a process takes
/// half a second to start.
struct Idle {
    options: Vec<(String, String)>,
    worker: Worker,
    observations: Space,
    actions: Space,
}

/// An answer to the request to construct an environment.
struct Made {
    env: Idle,
    max_episode_steps: Option<u64>,
    reward_threshold: Option<f64>,
}

/// Constructs the environment of an id, with keyword arguments, in a process of its own.
fn made(name: &str, options: &[(String, String)]) -> Result<Made, String> {
    let arguments: BTreeMap<_, _> = options.iter().cloned().collect();
    let mut worker = Worker::start()?;
    let answer = worker.ask(b'M', json!({ "name": name, "options": arguments }).to_string().as_bytes())?;
    let about: Value = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
    let space = |i: usize| space(&about["spaces"][i]).ok_or_else(|| format!("{about} has no spaces"));
    let (observations, actions) = (space(0)?, space(1)?);
    Ok(Made {
        env: Idle { options: options.to_vec(), worker, observations, actions },
        max_episode_steps: about["max_episode_steps"].as_u64(),
        reward_threshold: about["reward_threshold"].as_f64(),
    })
}

/// A space as the worker tells it.
fn space(about: &Value) -> Option<Space> {
    let sizes = || -> Option<Vec<usize>> {
        about[1].as_array()?.iter().map(|size| usize::try_from(size.as_u64()?).ok()).collect()
    };
    let bound = |i: usize| -> Option<Vec<f32>> {
        about[i].as_array()?.iter().map(|number| number.as_str()?.parse().ok()).collect()
    };
    Some(match about[0].as_str()? {
        "Discrete" => Space::Discrete { n: usize::try_from(about[1].as_u64()?).ok()? },
        "Tuple" => Space::Tuple { sizes: sizes()? },
        "MultiBinary" => Space::MultiBinary { shape: sizes()? },
        "Image" => {
            let [frames, height, width, channels] = sizes()?[..] else { return None };
            Space::Image { frames, height, width, channels }
        }
        "Box" => Space::Box { low: bound(1)?, high: bound(2)? },
        _ => return None,
    })
}

/// A number in a request or an answer.
trait Wire: Copy {
    const BYTES: usize;
    fn put(self, bytes: &mut Vec<u8>);
    fn get(bytes: &[u8]) -> Self;
}

macro_rules! wire {
    ($element:ty, $wire:ty) => {
        impl Wire for $element {
            const BYTES: usize = size_of::<$wire>();

            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend((self as $wire).to_le_bytes());
            }

            fn get(bytes: &[u8]) -> Self {
                <$wire>::from_le_bytes(bytes.try_into().expect("as many bytes")) as $element
            }
        }
    };
}

wire!(usize, u64);
wire!(f32, f32);
wire!(u8, u8);

/// Reads the numbers of an observation.
fn read(bytes: &[u8], observation: NumbersMut<'_>) -> Result<(), String> {
    fn row<T: Wire>(bytes: &[u8], row: &mut [T]) -> Result<(), String> {
        let (got, wanted) = (bytes.len() / T::BYTES, row.len());
        if got != wanted || !bytes.len().is_multiple_of(T::BYTES) {
            return Err(format!(
                "an observation has {got} numbers; those of the observation space have {wanted}"
            ));
        }
        row.iter_mut().zip(bytes.chunks_exact(T::BYTES)).for_each(|(to, from)| *to = T::get(from));
        Ok(())
    }
    match observation {
        NumbersMut::Index(number) => row(bytes, std::slice::from_mut(number)),
        NumbersMut::Floats(numbers) => row(bytes, numbers),
        NumbersMut::Bytes(numbers) => row(bytes, numbers),
    }
}

/// The numbers of an action.
fn written(action: Numbers<'_>) -> Vec<u8> {
    fn row<T: Wire>(row: &[T]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(row.len() * T::BYTES);
        row.iter().for_each(|number| number.put(&mut bytes));
        bytes
    }
    match action {
        Numbers::Index(number) => row(&[number]),
        Numbers::Floats(numbers) => row(numbers),
        Numbers::Bytes(numbers) => row(numbers),
    }
}

impl Worker {
    fn reset(&mut self, seed: Option<u64>, observation: NumbersMut<'_>) -> Result<(), String> {
        let mut argument = vec![u8::from(seed.is_some())];
        argument.extend(seed.unwrap_or_default().to_le_bytes());
        read(self.ask(b'R', &argument)?, observation)
    }

    fn step(&mut self, action: Numbers<'_>, observation: NumbersMut<'_>) -> Result<Outcome, String> {
        let answer = self.ask(b'S', &written(action))?;
        let parts =
            answer.split_first_chunk().and_then(|(reward, rest)| Some((reward, rest.split_first_chunk()?)));
        let Some((reward, ([terminated, truncated], row))) = parts else {
            return Err("the Python process of the environment gave half an answer".to_owned());
        };
        read(row, observation)?;
        let reward = f64::from_le_bytes(*reward);
        Ok(Outcome { reward, terminated: *terminated != 0, truncated: *truncated != 0 })
    }
}

/// An environment that is played, and idle afterwards unless it has failed.
struct Played {
    /// None when it is dropped.
    env: Option<Idle>,
    has_failed: bool,
    idle: Arc<Mutex<Vec<Idle>>>,
}

impl Played {
    fn call<T>(&mut self, call: impl FnOnce(&mut Worker) -> Result<T, String>) -> Result<T, String> {
        let result = call(&mut self.env.as_mut().expect("it is not dropped").worker);
        self.has_failed |= result.is_err();
        result
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        let env = self.env.take().filter(|_| !self.has_failed);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(env);
    }
}

impl Foreign for Played {
    fn reset(&mut self, seed: Option<u64>, observation: NumbersMut<'_>) -> Result<(), String> {
        self.call(|worker| worker.reset(seed, observation))
    }

    fn step(&mut self, action: Numbers<'_>, observation: NumbersMut<'_>) -> Result<Outcome, String> {
        self.call(|worker| worker.step(action, observation))
    }

    fn random_state(&mut self) -> Result<Vec<u8>, String> {
        self.call(|worker| worker.ask(b'G', &[]).map(<[u8]>::to_vec))
    }

    fn set_random_state(&mut self, state: &[u8]) -> Result<(), String> {
        self.call(|worker| worker.ask(b'T', state).map(|_| ()))
    }

    fn reseed(&mut self, seed: u64) -> Result<(), String> {
        self.call(|worker| worker.ask(b'D', &seed.to_le_bytes()).map(|_| ()))
    }

    fn warn(&self, warning: &str) {
        crate::output::tell(&format!("warning: {warning}"));
    }
}

/// The entry of an environment, whose options are keyword arguments.
fn entry(name: &str) -> Result<Entry, String> {
    // The process that tells the limits is the first that is played, if there are no options.
    let Made { env, max_episode_steps, reward_threshold } = made(name, &[])?;
    let idle = Arc::new(Mutex::new(vec![env]));
    let owned = name.to_owned();
    let entry = Entry::of_foreign(&format!("{NAMESPACE}{name}"), move |options| {
        let known = {
            let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
            let place = idle.iter().rposition(|env| env.options == options);
            place.map(|place| idle.swap_remove(place))
        };
        let env = match known {
            Some(env) => env,
            None => made(&owned, options)?.env,
        };
        let (observations, actions) = (env.observations.clone(), env.actions.clone());
        let env = Box::new(Played { env: Some(env), has_failed: false, idle: idle.clone() });
        Ok(Constructed { env, observations, actions })
    });
    Ok(entry.limits(max_episode_steps, reward_threshold))
}
