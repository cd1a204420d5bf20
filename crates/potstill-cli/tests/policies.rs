//! Tests of learned policies as teachers: of choices and of actions of a box, from every family that learns one.

mod common;

use common::{refused, result as json};
use tempfile::TempDir;

/// A short distillation.
const STUDENT: &str =
    "--student mlp:6 --set transfer_states=400 --set gradient_steps=200 --set rounds=2 --set batch_size=32";

/// Trains with these arguments, distils, and checks that the student is a policy of the same environment that can be
/// evaluated, exported and distilled again, to the same bytes.
fn check(train: &str, closeness: &str) {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    json(path, &format!("train {train} --eval-freq 0 --out teacher"));
    // The teacher knows its environment.
    let distilled = json(path, &format!("distill --teacher teacher {STUDENT} --out student"));
    let env = train.split_whitespace().skip_while(|word| *word != "--env").nth(1).unwrap();
    assert_eq!(distilled["env"], env, "{distilled}");
    for key in ["mean_return", "teacher_mean_return", closeness] {
        assert!(distilled[key].is_f64(), "{train}: {key}: {distilled}");
    }
    assert!(distilled["teacher_parameters"].as_u64() > distilled["parameters"].as_u64(), "{distilled}");
    let evaluated = json(path, "eval student --episodes 3");
    assert_eq!(evaluated["episodes"], 3, "{evaluated}");
    json(path, "export student --to onnx --out student.onnx");
    json(path, &format!("distill --teacher student --env {env} {STUDENT} --out another"));
    json(path, &format!("distill --teacher teacher {STUDENT} --out again"));
    json(path, &format!("distill --teacher teacher --from student {STUDENT} --out further"));
    json(path, "distill --teacher teacher --config student/config.toml --out configured");
    let read = |run: &str| std::fs::read(path.join(run).join("model.safetensors")).unwrap();
    assert_eq!(read("student"), read("again"), "{train}");
}

#[test]
fn policies_of_every_family_are_teachers() {
    check("ppo --env CartPole-v1 --steps 400 --set n_steps=64 --net-arch mlp:16:tanh", "agreement");
    check("reinforce --env CartPole-v1 --steps 400 --net-arch mlp:16:tanh", "agreement");
    check("ppo --env Pendulum-v1 --steps 400 --set n_steps=64 --net-arch mlp:16:tanh", "action_distance");
    check("ppo --env Pendulum-v1 --steps 400 --set n_steps=64 --set use_sde=true", "action_distance");
    check(
        "ppo --env Pendulum-v1 --steps 400 --set n_steps=64 --set normalize_observations=true",
        "action_distance",
    );
    check(
        "sac --env LunarLanderContinuous-v3 --steps 150 --net-arch mlp:16 --set batch_size=16",
        "action_distance",
    );
    check("td3 --env Pendulum-v1 --steps 150 --net-arch mlp:16 --set batch_size=16", "action_distance");
}

/// A student that has learned enough acts as its teacher does.
#[test]
fn actions_of_a_box_are_learned() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    json(
        path,
        "train ppo --env Pendulum-v1 --steps 600 --set n_steps=200 --net-arch mlp:16:tanh --eval-freq 0 --out teacher",
    );
    let distance = |steps: u32, out: &str| {
        let command = format!(
            "distill --teacher teacher --student mlp:24:tanh --set transfer_states=2000 --set gradient_steps={steps} --out {out}"
        );
        json(path, &command)["action_distance"].as_f64().unwrap()
    };
    let (early, late) = (distance(20, "early"), distance(3000, "late"));
    assert!(late < 0.05 && late < early / 3.0, "{early} {late}");
}

#[test]
fn settings_about_choices_are_refused_for_a_box() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    json(path, "train ppo --env Pendulum-v1 --steps 64 --set n_steps=64 --eval-freq 0 --out teacher");
    for setting in ["divergence=mse", "temperature=1"] {
        let command = format!("distill --teacher teacher --student mlp:4 --set {setting} --out new");
        refused(path, &command, "is about choices; Pendulum-v1 has actions of a box");
    }
    refused(
        path,
        "distill --teacher teacher --student mlp:4 --env CartPole-v1 --out new",
        "--env must be Pendulum-v1",
    );
    json(path, "train q-learning --env CliffWalking-v1 --episodes 5 --out table");
    refused(path, "distill --teacher table --student mlp:4 --out new", "a policy's teacher is a network");
    // Noise of states: without a hidden layer, and for choices.
    let train = "train ppo --steps 64 --set n_steps=64 --set use_sde=true --out new";
    refused(path, &format!("{train} --env Pendulum-v1 --net-arch mlp"), "use_sde needs a hidden layer");
    refused(path, &format!("{train} --env CartPole-v1"), "is noise on actions of a box");
    // Deviations at which the first update would explode, or that are lost beside the means; the ends themselves learn.
    for (algorithm, settings) in [
        ("ppo", "--set n_steps=64"),
        ("ppo", "--set n_steps=64 --set use_sde=true"),
        ("a2c", ""),
        ("reinforce", ""),
        ("actor-critic", ""),
        ("sac", "--net-arch mlp:8 --set use_sde=true"),
    ] {
        let train = format!("train {algorithm} --env Pendulum-v1 --steps 640 --eval-freq 0 {settings}");
        for log_std in ["-10.1", "2.1", "20"] {
            let told = "must be from -10 to 2";
            refused(path, &format!("{train} --out new --set log_std_init={log_std}"), told);
        }
        for log_std in [-10, 2] {
            let out = format!("{algorithm}{log_std}{}", settings.len());
            let run = json(path, &format!("{train} --out {out} --set log_std_init={log_std}"));
            assert_eq!(run["steps"], 640, "{algorithm} {settings} {log_std}");
        }
    }
    let sac = "train sac --steps 64 --set use_sde=true --out new";
    refused(path, &format!("{sac} --env Pendulum-v1 --net-arch mlp"), "use_sde needs a hidden layer");
}

#[test]
fn a_result_that_no_update_has_made_is_told() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let remark = |command: &str| {
        let run = json(path, &format!("train {command} --set eval_episodes=5 --preset none"));
        run["remark"].as_str().unwrap_or_default().to_owned()
    };
    let none = "no update was made in 300 steps, and the model is untrained; more steps or a smaller";
    let sac = "sac --env Pendulum-v1 --steps 300 --set learning_starts=1000 --net-arch mlp:8 --eval-freq 100";
    assert_eq!(remark(&format!("{sac} --out sac")), format!("{none} learning_starts may help"));
    let ppo = "ppo --env CartPole-v1 --steps 300 --set n_steps=1000 --seeds 2 --eval-freq 150 --out ppo";
    assert_eq!(remark(ppo), format!("{none} n_steps may help"));
    // A step size that ruins the policy at the first update, after 200 steps: 9 in place of 347.
    let ruined = "ppo --env CartPole-v1 --steps 400 --seed 2 --set n_steps=200 --set batch_size=50 --set \
                  learning_rate=1 --eval-freq 150 --out ruined";
    let best = "the best evaluated model is that of step 150, before the first update; try --preset zoo";
    assert_eq!(remark(ruined), best);
    assert_eq!(json(path, "show ruined")["summary"]["best_step"], 150);
}

#[test]
fn a_long_run_has_a_hundred_evaluations() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let check = |settings: &str, expected: &str| {
        let out = format!("of{}", settings.len());
        // Over at the first evaluation, of one episode.
        let rest = "--net-arch mlp:4 --set stop_at_return=-1 --set eval_episodes=1 --preset none";
        json(path, &format!("train reinforce --env CartPole-v1 {settings} {rest} --out {out}"));
        let config = std::fs::read_to_string(path.join(out).join("config.toml")).unwrap();
        let line = config.lines().find(|line| line.starts_with("eval_freq = ")).unwrap();
        assert_eq!(line.split_whitespace().nth(2), Some(expected), "{settings}");
    };
    check("--steps 10000", "2500");
    check("--steps 1000000", "10000");
    check("--steps 1000000 --eval-freq 3000", "3000");
}
