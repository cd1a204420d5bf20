//! Parity with MinAtar (Young and Tian 2019): same random numbers, same actions, same games. Needs Python;
//! `cargo xtask test` provides it.

mod oracle;

use oracle::Oracle;
use potstill_core::{Pcg64, Streams};
use potstill_env::Env;
use potstill_env::registry::find;
use potstill_env::trace::{Actions, Trace, trace};
use serde_json::{Value, json};

const GAMES: [(&str, &str); 5] = [
    ("Asterix", "asterix"),
    ("Breakout", "breakout"),
    ("Freeway", "freeway"),
    ("Seaquest", "seaquest"),
    ("SpaceInvaders", "space_invaders"),
];

const SEEDS: u64 = 200;
const STEPS: usize = 3000;

/// Actions of the full set. Random play ends soon; repeating actions, shooting often, or surfacing for air
/// gets further.
fn actions(style: &str, rng: &mut Pcg64) -> Vec<usize> {
    let mut held = 0;
    let mut choose = |t: usize| match style {
        "random" => rng.below(6),
        "held" => {
            if rng.unit() < 0.2 {
                held = rng.below(6);
            }
            held
        }
        "shooting" if t.is_multiple_of(2) => 5,
        "shooting" => [1, 3, 0, 4][rng.below(4)],
        // Down for a while and up again, shooting.
        "diving" => [4, 5, [1, 3][rng.below(2)], 5, 2, 2][(t / 7 + rng.below(2)) % 6],
        _ => unreachable!("{style}"),
    };
    (0..STEPS).map(&mut choose).collect()
}

/// A scripted player: chooses a move of the full set from the planes.
type Player = fn(&Board<'_>, usize) -> usize;

/// An observation by column, row and channel.
struct Board<'a> {
    squares: &'a [u8],
    channels: usize,
}

impl Board<'_> {
    fn is_set(&self, column: i32, row: i32, channel: usize) -> bool {
        (0..10).contains(&column)
            && (0..10).contains(&row)
            && self.squares[(row as usize * 10 + column as usize) * self.channels + channel] == 1
    }

    /// Column and row of every square that is set.
    fn all(&self, channel: usize) -> impl Iterator<Item = (i32, i32)> {
        (0..100).map(|place| (place % 10, place / 10)).filter(move |&(c, r)| self.is_set(c, r, channel))
    }

    fn one(&self, channel: usize) -> (i32, i32) {
        self.all(channel).next().unwrap_or((5, 5))
    }
}

/// The move left, none or right.
fn towards(from: i32, to: i32) -> usize {
    [1, 0, 3][((to - from).signum() + 1) as usize]
}

/// Follows the ball: every brick goes, and the wall is built again.
fn follows_the_ball(board: &Board<'_>, t: usize) -> usize {
    let ((paddle, _), (ball, row), (trail, _)) = (board.one(0), board.one(1), board.one(2));
    let flight = if ball == trail { 0 } else { ball - trail };
    // Now from above and now from the side, so that the ball takes other ways.
    let aside = if row == 8 && t / 60 % 2 == 1 { flight } else { 0 };
    towards(paddle, (ball + aside).clamp(0, 9))
}

/// Runs from shots and shoots at the aliens above: waves are cleared.
fn shoots_and_runs(board: &Board<'_>, t: usize) -> usize {
    let (cannon, _) = board.one(0);
    let danger = |column: i32| (6..10).any(|row| board.is_set(column, row, 5));
    if danger(cannon) {
        let right = cannon < 9 && !danger(cannon + 1) && (cannon == 0 || danger(cannon - 1) || cannon < 5);
        return if right { 3 } else { 1 };
    }
    let nearest = board.all(1).map(|(column, _)| column).min_by_key(|column| (column - cannon).abs());
    match nearest {
        Some(column) if column != cannon && t % 2 == 1 && !danger(cannon + (column - cannon).signum()) => {
            towards(cannon, column)
        }
        _ => 5,
    }
}

/// Picks up divers and surfaces with six, or before the air runs out.
fn rescues_divers(board: &Board<'_>, t: usize) -> usize {
    let (column, row) = board.one(0);
    let (aboard, air) = (board.all(8).count(), board.all(7).count());
    let danger = |c: i32, r: i32| {
        r > 0 && [4, 5, 6].iter().any(|&channel| (-2..=2).any(|d| board.is_set(c + d, r, channel)))
    };
    let target = match board.all(9).min_by_key(|(c, r)| (c - column).abs() + (r - row).abs()) {
        _ if aboard >= 6 || (air <= 3 && aboard > 0) => (column, 0),
        Some(diver) => diver,
        None => (4 + (t / 40 % 3) as i32, 4),
    };
    let after = [(0, 0, 0), (1, -1, 0), (2, 0, -1), (3, 1, 0), (4, 0, 1)];
    let cost = |&(action, right, down): &(usize, i32, i32)| {
        let (c, r) = ((column + right).clamp(0, 9), (row + down).clamp(0, 8));
        let sinks = r == 0 && row > 0 && aboard == 0;
        let hit = i32::from(danger(c, r)) * 50 + i32::from(sinks) * 100;
        (hit + (c - target.0).abs() + (r - target.1).abs(), usize::from(action == 0))
    };
    let best = after.iter().min_by_key(|option| cost(option)).unwrap().0;
    if t.is_multiple_of(3) && danger(column, row) { 5 } else { best }
}

/// The actions of a player in a game.
fn played(id: &str, seed: u64, player: Player) -> Vec<usize> {
    let mut env = find(id).unwrap().make_planes().unwrap();
    let mut squares = vec![0; env.observation_space().features()];
    let channels = squares.len() / 100;
    env.reset(Some(seed), &mut squares);
    let mut actions = Vec::new();
    for t in 0..STEPS {
        actions.push(player(&Board { squares: &squares, channels }, t));
        if env.step(&actions[t], &mut squares).unwrap().done() {
            break;
        }
    }
    actions
}

#[test]
#[ignore = "needs MinAtar: run `cargo xtask test`"]
fn games_that_go_on_are_those_of_minatar() {
    let mut minatar = Oracle::start("minatar/play.py");
    // Rewards that only come late: beyond the first wall, the first wave, and with six divers.
    for (ours, theirs, player, late, at_once) in [
        ("Breakout", "breakout", follows_the_ball as Player, 40.0, 0.0),
        ("SpaceInvaders", "space_invaders", shoots_and_runs, 30.0, 0.0),
        ("Seaquest", "seaquest", rescues_divers, 0.0, 4.0),
    ] {
        let (mut steps, mut reached) = (0, 0);
        for seed in 0..100 {
            for sticky in [0.0, 0.1] {
                let id = format!("{ours}:sticky_action_prob={sticky},full_action_set=true");
                let actions = played(&id, seed, player);
                let given = Actions::Given(actions.iter().map(|&a| vec![a as f64]).collect());
                let traced = trace(&find(&id).unwrap(), seed, &given).unwrap();
                let request = json!({
                    "game": theirs, "sticky": sticky, "ramping": true, "seed": seed, "actions": actions,
                });
                check(&traced, &minatar.ask(&request), &format!("{id} seed {seed}"));
                steps += traced.steps.len();
                let rewards = || traced.steps.iter().map(|step| step.outcome.reward);
                reached += usize::from(rewards().sum::<f64>() >= late && rewards().any(|r| r >= at_once));
            }
        }
        println!("{ours}: 200 games, {steps} steps, {reached} beyond the first stage, no difference");
        assert!(reached >= 10, "{ours}: {reached}");
    }
}

fn places(observation: &[f64]) -> Vec<usize> {
    observation.iter().enumerate().filter(|(_, square)| **square == 1.0).map(|(place, _)| place).collect()
}

#[test]
#[ignore = "needs MinAtar: run `cargo xtask test`"]
fn games_are_those_of_minatar() {
    let mut minatar = Oracle::start("minatar/play.py");
    for (ours, theirs) in GAMES {
        let (mut games, mut steps, mut rewards) = (0, 0, 0.0);
        for seed in 0..SEEDS {
            for (i, style) in ["random", "held", "shooting", "diving"].into_iter().enumerate() {
                for (j, (sticky, ramping)) in [(0.1, true), (0.0, false)].into_iter().enumerate() {
                    // Each game of Freeway has 2,500 steps: one way to play per seed.
                    if ours == "Freeway" && seed as usize % 8 != 2 * i + j {
                        continue;
                    }
                    let actions = actions(style, &mut Streams::new(seed).stream(style));
                    let id = format!(
                        "{ours}:sticky_action_prob={sticky},difficulty_ramping={ramping},full_action_set=true"
                    );
                    let given = Actions::Given(actions.iter().map(|&a| vec![a as f64]).collect());
                    let traced = trace(&find(&id).unwrap(), seed, &given).unwrap();
                    let request = json!({
                        "game": theirs, "sticky": sticky, "ramping": ramping, "seed": seed, "actions": actions,
                    });
                    check(&traced, &minatar.ask(&request), &format!("{id} {style} seed {seed}"));
                    games += 1;
                    steps += traced.steps.len();
                    rewards += traced.steps.iter().map(|step| step.outcome.reward).sum::<f64>();
                }
            }
        }
        println!("{ours}: {SEEDS} seeds, {games} games, {steps} steps, {rewards} rewards, no difference");
    }
}

fn check(traced: &Trace, expected: &Value, place: &str) {
    let Trace { start, steps } = traced;
    let theirs = expected["observations"].as_array().unwrap();
    assert_eq!(json!(places(start)), theirs[0], "{place}, the start");
    for (i, step) in steps.iter().enumerate() {
        assert_eq!(json!(step.outcome.reward), expected["rewards"][i], "{place}, step {}", i + 1);
        assert_eq!(json!(step.outcome.terminated), expected["terminated"][i], "{place}, step {}", i + 1);
        assert_eq!(json!(places(&step.observation)), theirs[i + 1], "{place}, step {}", i + 1);
    }
    assert_eq!(steps.len(), theirs.len() - 1, "{place}");
}

#[test]
#[ignore = "needs MinAtar: run `cargo xtask test`"]
fn planes_and_moves_are_those_of_minatar() {
    let mut minatar = Oracle::start("minatar/play.py");
    let full = ["none", "left", "up", "right", "down", "fire"];
    for (ours, theirs) in GAMES {
        let (spec, expected) =
            (find(ours).unwrap(), minatar.ask(&json!({ "game": theirs, "describe": true })));
        let shape = format!(
            "MultiBinary({})",
            expected["shape"].to_string().trim_matches(['[', ']']).replace(',', ", ")
        );
        assert_eq!(spec.observation_space().to_string(), shape);
        let minimal: Vec<usize> =
            spec.actions.iter().map(|word| full.iter().position(|w| w == word).unwrap()).collect();
        assert_eq!(json!(minimal), expected["minimal"], "{ours}");
    }
}
