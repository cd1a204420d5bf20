//! The examples do what they say: each ends with assertions of its own.

#[path = "../examples/custom_environment.rs"]
mod custom_environment;
#[path = "../examples/custom_network.rs"]
mod custom_network;

#[test]
fn an_environment_of_ones_own() {
    custom_environment::main();
}

#[test]
fn a_network_of_ones_own() {
    custom_network::main();
}
