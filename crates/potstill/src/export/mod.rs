//! Shipping what was learned.

pub mod safetensors;
