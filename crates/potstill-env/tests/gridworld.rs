//! Gridworlds of maps: those of the built-in environments are these environments, transition by transition;
//! values of a published world; every rule by hand; what is wrong is told with its place.

use potstill_env::gridworld::{DEFAULT, Gridworld};
use potstill_env::registry::{Part, find, sections};
use potstill_env::{Env, ModelOutcome, Paint, Shape, TransitionModel};
use std::collections::BTreeSet;
use std::sync::Arc;

fn model(id: &str) -> Arc<TransitionModel> {
    find(id).unwrap().make_states().unwrap().model().unwrap()
}

/// The states in which an action can be taken.
fn acting(model: &TransitionModel) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut frontier: Vec<usize> = model.start().iter().map(|&(_, state)| state).collect();
    while let Some(state) = frontier.pop() {
        if seen.insert(state) {
            let outcomes = (0..model.actions()).flat_map(|action| model.outcomes(state, action));
            frontier.extend(outcomes.filter(|outcome| !outcome.terminated).map(|outcome| outcome.next));
        }
    }
    seen
}

const CLIFF: &str = "............/............/............/SCCCCCCCCCCG";
const WIND: &str = "wind_columns=0:0:0:1:1:1:2:2:1:0";
const WINDY: &str = "........../........../........../S......G../........../........../..........";
const MAZE: &str = "step_reward=0/goal_reward=1/.......#G/..#....#./S.#....#./..#....../.....#.../.........";
const LAKE: &str = "step_reward=0,goal_reward=1";

/// Numbers of the same action in the map's environment; the lake counts others.
const SAME: [usize; 8] = [0, 1, 2, 3, 4, 5, 6, 7];
const OF_LAKE: [usize; 4] = [3, 2, 1, 0];

#[test]
fn maps_of_known_worlds_are_these_worlds() {
    let check = |id: &str, options: &str, actions: &[usize]| {
        let (known, mapped) = (model(id), model(&format!("Gridworld-v0:{options}")));
        assert_eq!((known.states(), known.actions()), (mapped.states(), mapped.actions()), "{id}");
        assert_eq!(known.start(), mapped.start(), "{id}");
        let states = acting(&known);
        assert_eq!(states, acting(&mapped), "{id}");
        assert!(states.len() > 5, "{id}");
        for state in states {
            for (action, &ours) in actions.iter().enumerate().take(known.actions()) {
                let mut theirs = known.outcomes(state, action).to_vec();
                let mut ours = mapped.outcomes(state, ours).to_vec();
                // Right and left of a direction are the lake's left and right.
                let key = |o: &ModelOutcome| (o.next, o.reward, o.probability);
                theirs.sort_by(|a, b| key(a).partial_cmp(&key(b)).unwrap());
                ours.sort_by(|a, b| key(a).partial_cmp(&key(b)).unwrap());
                assert_eq!(theirs.len(), ours.len(), "{id}, state {state}, action {action}");
                for (theirs, ours) in theirs.iter().zip(&ours) {
                    let of = |outcome: &ModelOutcome| (outcome.next, outcome.reward, outcome.terminated);
                    let same =
                        (theirs.probability - ours.probability).abs() < 1e-15 && of(theirs) == of(ours);
                    assert!(same, "{id}, state {state}, action {action}: {theirs:?}, {ours:?}");
                }
            }
        }
    };
    check("CliffWalking-v1", &format!("desc={CLIFF}"), &SAME);
    check("CliffWalkingSlippery-v1", &format!("desc={CLIFF},is_slippery=true"), &SAME);
    check("CliffWalking-v1", &format!("desc=is_slippery=true/{CLIFF},is_slippery=false"), &SAME);
    check("DynaMaze", &format!("desc={MAZE}"), &SAME);
    for (kings, stochastic) in [(false, false), (false, true), (true, false), (true, true)] {
        let rules = format!("kings_moves={kings},stochastic_wind={stochastic}");
        check(&format!("WindyGridworld:{rules}"), &format!("desc={WIND}/{WINDY},{rules}"), &SAME);
    }
    for (id, map) in [
        ("FrozenLake-v1", "SFFF/FHFH/FFFH/HFFG"),
        ("FrozenLake8x8-v1", "SFFFFFFF/FFFFFFFF/FFFHFFFF/FFFFFHFF/FFFHFFFF/FHHFFFHF/FHFFHFHF/FFFHFFFG"),
    ] {
        for rules in ["is_slippery=true", "is_slippery=false", "is_slippery=true,success_rate=0.7"] {
            check(&format!("{id}:{rules}"), &format!("desc={map},{LAKE},{rules}"), &OF_LAKE);
        }
    }
    let several = "FrozenLake-v1:desc=SFS/FHF/SFG,reward_schedule=10:-5:-1";
    check(
        several,
        "desc=SFS/FHF/SFG,step_reward=-1,goal_reward=10,hole_reward=-5,is_slippery=true",
        &OF_LAKE,
    );
}

/// Russell and Norvig, Artificial Intelligence, figure 17.3: utilities of the 4 x 3 world without discount.
#[test]
fn values_of_the_four_by_three_world() {
    let model = model("Gridworld-v0");
    let mut values = [0.0_f64; 12];
    for _ in 0..200 {
        for state in acting(&model) {
            let of_action = |action| {
                let after = |o: &ModelOutcome| if o.terminated { 0.0 } else { values[o.next] };
                model
                    .outcomes(state, action)
                    .iter()
                    .map(|o| o.probability * (o.reward + after(o)))
                    .sum::<f64>()
            };
            values[state] = (0..4).map(of_action).fold(f64::NEG_INFINITY, f64::max);
        }
    }
    let expected = [
        (0, 0.812),
        (1, 0.868),
        (2, 0.918),
        (4, 0.762),
        (6, 0.660),
        (8, 0.705),
        (9, 0.655),
        (10, 0.611),
        (11, 0.388),
    ];
    assert_eq!(acting(&model).len(), expected.len());
    for (state, value) in expected {
        assert!((values[state] - value).abs() < 0.0005, "{state}: {}", values[state]);
    }
}

/// One step of a world of one way: from the only start, by an action, to a square and a reward.
#[test]
fn rules_by_hand() {
    const UP: usize = 0;
    const RIGHT: usize = 1;
    const DOWN: usize = 2;
    const LEFT: usize = 3;
    const DOWN_RIGHT: usize = 5;
    let check = |map: &str, action: usize, expected: &[(f64, usize, f64, bool)]| {
        let model = Gridworld::parse(map).unwrap().model().unwrap();
        let start = model.start()[0].1;
        let found: Vec<_> = model
            .outcomes(start, action)
            .iter()
            .map(|o| (o.probability, o.next, o.reward, o.terminated))
            .collect();
        assert_eq!(found, expected, "{map}, action {action}");
    };
    // Walls and edges; costs; own letters; ends.
    check("#S#/.G.", RIGHT, &[(1.0, 1, -1.0, false)]);
    check("#S#/.G.", UP, &[(1.0, 1, -1.0, false)]);
    check("#S#/.G.", DOWN, &[(1.0, 4, -1.0, true)]);
    check("S7G", RIGHT, &[(1.0, 1, -7.0, false)]);
    check("x=-2.5/SxG", RIGHT, &[(1.0, 1, -2.5, false)]);
    check("A = 3/SA", RIGHT, &[(1.0, 1, 3.0, true)]);
    check("goal_reward=2/hole_reward=-4/HSG", LEFT, &[(1.0, 0, -4.0, true)]);
    check("goal_reward=2/hole_reward=-4/HSG", RIGHT, &[(1.0, 2, 2.0, true)]);
    // The cliff leads to any start.
    check("cliff_reward=-9/SCS/..G", RIGHT, &[(0.5, 0, -9.0, false), (0.5, 2, -9.0, false)]);
    // Wind from the left, up to a wall; downwards; both at a time, along the row first.
    check("wind_rows=2:0/S..#./....G", RIGHT, &[(1.0, 2, -1.0, false)]);
    check("wind_rows=-2:0/..S../....G", RIGHT, &[(1.0, 1, -1.0, false)]);
    check("wind_columns=-1:0/S./.G", RIGHT, &[(1.0, 3, -1.0, true)]);
    check("wind_columns=0:2:0/wind_rows=0:0:1/..G/.#./.S.", LEFT, &[(1.0, 7, -1.0, false)]);
    check("wind_columns=0:2:0/wind_rows=0:0:1/..G/.#./.S.", RIGHT, &[(1.0, 2, -1.0, true)]);
    // A diagonal step beside a wall goes along it.
    check("kings_moves=true/S#/.G", DOWN_RIGHT, &[(1.0, 2, -1.0, false)]);
    check("kings_moves=true/S./.G", DOWN_RIGHT, &[(1.0, 3, -1.0, true)]);
    // To either side, at a right angle.
    let third = 0.25;
    check(
        "is_slippery=true/success_rate=0.5/.../.S./..G",
        UP,
        &[(third, 3, -1.0, false), (0.5, 1, -1.0, false), (third, 5, -1.0, false)],
    );
    // A varying wind only where there is some.
    let gust = 1.0 / 3.0;
    check(
        "stochastic_wind=true/wind_columns=1:0/../../S./.G",
        RIGHT,
        &[(gust, 5, -1.0, false), (gust, 3, -1.0, false), (gust, 1, -1.0, false)],
    );
    check("stochastic_wind=true/wind_columns=0:1/S./.G", DOWN, &[(1.0, 2, -1.0, false)]);
}

#[test]
fn the_default_is_the_world_that_the_documentation_shows() {
    let sections = sections(find("Gridworld-v0").unwrap().documentation);
    let Some(Part::Lines(lines)) = sections.last().unwrap().parts.last() else { panic!("{sections:?}") };
    assert_eq!(Gridworld::parse(&lines.join("\n")), Gridworld::parse(DEFAULT));
    // The example at the top is a map as well.
    let Part::Lines(lines) = &sections[0].parts[2] else { panic!("{:?}", sections[0]) };
    assert!(Gridworld::parse(&lines.join("\n")).and_then(Gridworld::env).is_ok());
}

#[test]
fn lines_of_a_file_are_those_of_one_line() {
    let file = "; Two rooms, / and a door.\r\n\nstep_reward = -2\r\n  S.#.  \n..#G\n....\n";
    let line = "step_reward=-2/S.#./..#G/....";
    assert_eq!(Gridworld::parse(file), Gridworld::parse(line));
    assert!(Gridworld::parse(file).is_ok());
}

#[test]
fn a_bad_map_is_told_where() {
    let check = |text: &str, expected: &str| {
        let error = Gridworld::parse(text).and_then(Gridworld::env).unwrap_err();
        assert!(error.starts_with(expected), "{text}: {error}");
    };
    check("", "a map has 1 to 256 rows and columns, this has 0 x 0");
    check("step_reward=1", "a map has 1 to 256 rows and columns, this has 0 x 0");
    check(&format!("S{}G", ".".repeat(255)), "a map has 1 to 256 rows and columns, this has 1 x 257");
    check("S../.?./..G", "row 2 column 2 is '?'; squares are . ground, S start, # wall");
    check("x=1/S../..y/..G", "row 2 column 3 is 'y'; give it a reward in a line of its own (y=-5)");
    check("S0G", "row 1 column 2 is '0'");
    check("SäG", "row 1 column 2 is 'ä'");
    check("S../../..G", "row 2 has 2 squares, row 1 has 3");
    check("../.G", "the map has no start (S)");
    check("S./..", "the map has no end: a goal (G), a hole (H) or a capital");
    check("S#G/.#./.#.", "no way leads from the start in row 1 column 1 to a square that ends the episode");
    check("SG#S", "no way leads from the start in row 1 column 4");
    check("reward=1/SG", "there is no setting `reward`; there is step_reward, goal_reward");
    check("S=1/SG", "there is no setting `S`");
    check("step_reward=1/step_reward=2/SG", "`step_reward` is set twice");
    check("step_reward=much/SG", "step_reward=much: write a number from");
    check("goal_reward=NaN/SG", "goal_reward=NaN: write a number from");
    check("m=inf/SmG", "m=inf: write a number from");
    check("kings_moves=maybe/SG", "kings_moves=maybe: write true or false");
    check("success_rate=2/SG", "success_rate=2: write a number from 0 to 1");
    check("wind_columns=0:1/S.G", "wind_columns=0:1: it has 2 numbers, the map 3 columns");
    check("wind_rows=0:x/S./.G", "wind_rows=0:x: write a whole number from -9 to 9 for each of the rows");
    check("wind_rows=99/S.G", "wind_rows=99: write a whole number");
    let large =
        format!("is_slippery=true/S{}G{}", ".".repeat(254), format!("/{}", "C".repeat(256)).repeat(255));
    assert!(Gridworld::parse(&large).and_then(Gridworld::env).is_ok());
    let starts = large.replace("/CCC", "/SSS");
    check(&starts, "65536 squares with 4 actions of up to ");
    let found = |id: &str| find(id).unwrap_err().to_string();
    assert_eq!(
        found("Gridworld-v0:desc=SG/..,wind_rows=1"),
        "Gridworld-v0: wind_rows=1: it has 1 numbers, the map 2 rows"
    );
    assert!(found("Gridworld-v0:desc=S?G").starts_with("Gridworld-v0: desc: row 1 column 2 is '?'"));
}

#[test]
fn a_picture_shows_every_kind_of_square() {
    let text = "m=-5/A=-1/wind_columns=0:0:1:0/S.m3/#C.H/.A.G";
    let scene = Gridworld::parse(text).unwrap().env().unwrap().scene_of(&0).unwrap();
    assert!(scene.is_grid);
    let paints: Vec<Paint> = scene
        .shapes
        .iter()
        .filter_map(|(paint, shape)| matches!(shape, Shape::Rectangle { .. }).then_some(*paint))
        .collect();
    use Paint::{Danger, Faint, Goal, Ground, Ink};
    let expected = [Ground, Ground, Faint, Faint, Ink, Danger, Faint, Danger, Ground, Danger, Faint, Goal];
    assert_eq!(paints, expected);
    let letters: String = scene
        .shapes
        .iter()
        .filter_map(|(_, shape)| match shape {
            Shape::Text { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(letters, "Sm3CHA^G");
}
