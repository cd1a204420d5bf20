//! Prioritized sweeping (Sutton and Barto 2018, box of section 8.4) in lock step, in a deterministic world as the box
//! assumes; the queue is a list that is searched.

use crate::table::{ACTIONS, Outcome, STATES, Table, World, act, assert_same, largest, observe};
use potstill::core::Streams;
use potstill::planning::{PrioritizedSweeping, PrioritizedSweepingConfig};
use potstill::tabular::TabularConfig;

const GAMMA: f64 = 0.9;
const ALPHA: f64 = 0.7;
const THETA: f64 = 0.01;

/// The queue, by pair.
#[derive(Default)]
struct Queue(Vec<(f64, usize)>);

impl Queue {
    fn push(&mut self, priority: f64, pair: usize) {
        if priority > THETA {
            match self.0.iter_mut().find(|entry| entry.1 == pair) {
                Some(entry) => entry.0 = entry.0.max(priority),
                None => self.0.push((priority, pair)),
            }
        }
    }

    /// The pair of the highest priority, the first of equals.
    fn pop(&mut self) -> Option<usize> {
        let order = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1));
        let (i, _) = self.0.iter().enumerate().max_by(|a, b| order(a.1, b.1))?;
        Some(self.0.swap_remove(i).1)
    }
}

fn target(q: &Table, (next, reward, is_over): Outcome) -> f64 {
    reward + if is_over { 0.0 } else { GAMMA * largest(&q[next]) }
}

fn check(planning_steps: u64, seed: u64) {
    let config =
        TabularConfig { alpha: ALPHA.into(), gamma: GAMMA, epsilon: 0.3.into(), ..TabularConfig::default() };
    let own = PrioritizedSweepingConfig { planning_steps, theta: THETA };
    let mut agent = PrioritizedSweeping::new((config, own), STATES, ACTIONS, Streams::new(seed));
    let mut world = World::new(1, 500 + seed);
    let mut q: Table = [[0.0; ACTIONS]; STATES];
    let mut model: Vec<Option<Outcome>> = vec![None; STATES * ACTIONS];
    let mut queue = Queue::default();
    for _ in 0..40 {
        let mut state = world.start();
        for _ in 0..100 {
            let action = act(&mut agent, state);
            let outcome = world.step(state, action);
            observe(&mut agent, state, action, outcome);
            model[state * ACTIONS + action] = Some(outcome);
            queue.push((target(&q, outcome) - q[state][action]).abs(), state * ACTIONS + action);
            for _ in 0..planning_steps {
                let Some(pair) = queue.pop() else { break };
                let (s, a) = (pair / ACTIONS, pair % ACTIONS);
                q[s][a] += ALPHA * (target(&q, model[pair].unwrap()) - q[s][a]);
                for (before, known) in model.iter().enumerate() {
                    if let Some(known) = known.filter(|&(next, _, is_over)| next == s && !is_over) {
                        queue.push((target(&q, known) - q[before / ACTIONS][before % ACTIONS]).abs(), before);
                    }
                }
            }
            assert_same(agent.q().values(), &q, &format!("{planning_steps} planning steps, seed {seed}"));
            if outcome.2 {
                break;
            }
            state = outcome.0;
        }
    }
}

#[test]
fn prioritized_sweeping_box() {
    for planning_steps in [1, 5, 20] {
        (0..8).for_each(|seed| check(planning_steps, seed));
    }
}
