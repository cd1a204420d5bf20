//! Gymnasium's specifications of environments, by which Minari makes them again from a data set.

use serde_json::json;

/// Ids with their entry points below `gymnasium.envs`, step limits and arguments, as Gymnasium 1.4 registers
/// them.
const KNOWN: [(&str, &str, Option<u64>, &str); 14] = [
    ("Acrobot-v1", "classic_control.acrobot:AcrobotEnv", Some(500), "{}"),
    ("BipedalWalker-v3", "box2d.bipedal_walker:BipedalWalker", Some(1600), "{}"),
    ("BipedalWalkerHardcore-v3", "box2d.bipedal_walker:BipedalWalker", Some(2000), r#"{"hardcore": true}"#),
    ("Blackjack-v1", "toy_text.blackjack:BlackjackEnv", None, r#"{"sab": true, "natural": false}"#),
    ("CartPole-v0", "classic_control.cartpole:CartPoleEnv", Some(200), "{}"),
    ("CartPole-v1", "classic_control.cartpole:CartPoleEnv", Some(500), "{}"),
    ("CliffWalking-v1", "toy_text.cliffwalking:CliffWalkingEnv", None, "{}"),
    ("FrozenLake-v1", "toy_text.frozen_lake:FrozenLakeEnv", Some(100), r#"{"map_name": "4x4"}"#),
    ("FrozenLake8x8-v1", "toy_text.frozen_lake:FrozenLakeEnv", Some(200), r#"{"map_name": "8x8"}"#),
    ("LunarLander-v3", "box2d.lunar_lander:LunarLander", Some(1000), "{}"),
    ("LunarLanderContinuous-v3", "box2d.lunar_lander:LunarLander", Some(1000), r#"{"continuous": true}"#),
    ("MountainCar-v0", "classic_control.mountain_car:MountainCarEnv", Some(200), "{}"),
    (
        "MountainCarContinuous-v0",
        "classic_control.continuous_mountain_car:Continuous_MountainCarEnv",
        Some(999),
        "{}",
    ),
    ("Pendulum-v1", "classic_control.pendulum:PendulumEnv", Some(200), "{}"),
];

/// The specification of an environment of Gymnasium's without options, as JSON.
pub(super) fn env_spec(id: &str) -> Option<String> {
    let (_, entry_point, limit, arguments) = KNOWN.iter().find(|(known, ..)| *known == id)?;
    let arguments: serde_json::Value = serde_json::from_str(arguments).expect("JSON");
    let spec = json!({
        "id": id,
        "entry_point": format!("gymnasium.envs.{entry_point}"),
        "max_episode_steps": limit,
        "kwargs": arguments,
        "additional_wrappers": [],
    });
    Some(spec.to_string())
}
