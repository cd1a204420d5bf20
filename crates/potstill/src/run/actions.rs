//! Environments with features, by the kind of their actions.

use potstill_env::registry::{BoxVecEnv, Spec};
use potstill_env::{Autoreset, BoxEnv, Row};

/// Environments with features whose actions are of this kind.
pub(super) trait Actions: Row + 'static {
    /// One environment.
    fn single(spec: &Spec) -> Option<BoxEnv<[f32], Self>>;

    /// Copies with observations in single precision.
    fn copies(spec: &Spec, copies: usize) -> Option<BoxVecEnv<f32, Self>>;

    /// Copies with observations in bytes.
    fn byte_copies(spec: &Spec, copies: usize) -> Option<BoxVecEnv<u8, Self>>;
}

impl Actions for usize {
    fn single(spec: &Spec) -> Option<BoxEnv<[f32], Self>> {
        spec.make_features()
    }

    fn copies(spec: &Spec, copies: usize) -> Option<BoxVecEnv<f32, Self>> {
        spec.make_vec_features(copies, Autoreset::SameStep)
    }

    fn byte_copies(spec: &Spec, copies: usize) -> Option<BoxVecEnv<u8, Self>> {
        spec.make_vec_planes(copies, Autoreset::SameStep)
    }
}

impl Actions for [f32] {
    fn single(spec: &Spec) -> Option<BoxEnv<[f32], Self>> {
        spec.make_control()
    }

    fn copies(spec: &Spec, copies: usize) -> Option<BoxVecEnv<f32, Self>> {
        spec.make_vec_control(copies, Autoreset::SameStep)
    }

    fn byte_copies(_: &Spec, _: usize) -> Option<BoxVecEnv<u8, Self>> {
        None
    }
}
