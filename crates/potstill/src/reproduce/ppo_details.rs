//! The implementation details of PPO (Huang et al. 2022), each switched off, or on where the published settings leave it
//! out.

use super::book::chart;
use super::deep::{AXES, Case, Run, evaluations, run_once};
use super::result::{Claim, Column, Reproduction, Runs, nowhere, series};
use crate::error::Error;
use crate::run::watched_map;
use crate::train::statistics::{Center, mean, paired_difference};

const STEPS: u64 = 200_000;
const ENVS: [&str; 2] = ["CartPole-v1", "Acrobot-v1"];

/// A change of CleanRL's settings.
struct Detail {
    /// The detail and its number in the paper.
    name: &'static str,
    set: &'static str,
}

const fn detail(name: &'static str, set: &'static str) -> Detail {
    Detail { name, set }
}

const DETAILS: [Detail; 17] = [
    detail("1: one copy of the environment", "num_envs=1\nn_steps=512"),
    detail("2: PyTorch's initial weights", "initialization='pytorch'"),
    detail("3: Adam's epsilon 1e-8", "optimizer_eps=1e-8"),
    detail("4: constant step size", "learning_rate=0.00025"),
    detail("5: returns, no advantage estimation (lambda 1)", "gae_lambda=1.0"),
    detail("5: TD errors (lambda 0)", "gae_lambda=0.0"),
    detail("6: all transitions in each batch", "batch_size=512"),
    detail("7: advantages as they are", "normalize_advantage=false"),
    detail("8: ratios not clipped", "clip_range=1e9"),
    detail("9: values not clipped", "clip_range_vf=1e9"),
    detail("10: no entropy bonus", "ent_coef=0.0"),
    detail("11: gradients not clipped", "max_grad_norm=1e9"),
    detail("13: one trunk for policy and critic", "shared_trunk=true"),
    detail("one epoch", "n_epochs=1"),
    detail("with normalised observations", "normalize_observations=true"),
    detail("with normalised rewards", "normalize_rewards=true"),
    detail("with a stop at a divergence of 0.01", "target_kl=0.01"),
];

fn case(env: &'static str, set: Option<&'static str>) -> Case {
    Case {
        algorithm: "ppo",
        preset: "cleanrl",
        env,
        steps: STEPS,
        statistic: Center::Mean,
        reach: (f64::NEG_INFINITY, f64::INFINITY),
        from: "no table exists",
        episodes: 100,
        set,
        is_reach: false,
    }
}

/// The mean return of a run's evaluations: high if it learns soon and keeps what it has learned.
fn area(run: &Run) -> f64 {
    mean(&run.curve.iter().map(|point| point.1).collect::<Vec<_>>())
}

/// The ablation.
pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let (mut claims, mut beside, mut charts) = (Vec::new(), Vec::new(), Vec::new());
    for env in ENVS {
        let base: (&str, Option<&str>) = ("all as published", None);
        let variants: Vec<_> =
            std::iter::once(base).chain(DETAILS.iter().map(|of| (of.name, Some(of.set)))).collect();
        let mut curves = Vec::new();
        let mut of_base = Vec::new();
        for (name, set) in variants {
            let case = case(env, set);
            let all = watched_map(
                runs.observer,
                &format!("{env}, {name}"),
                runs.count,
                runs.request.threads,
                |i| run_once(&case, runs.request.seed.wrapping_add(i as u64), runs),
            );
            let all = all.into_iter().collect::<Result<Vec<Run>, Error>>()?;
            let areas: Vec<f64> = all.iter().map(area).collect();
            let mut column = |name: String, of: &dyn Fn(&Run) -> f64| {
                let name = format!("{}{name}", case.column());
                beside.push(Column { name, values: all.iter().map(of).collect() });
            };
            column("best model".to_owned(), &|run| run.score);
            column("last model".to_owned(), &|run| run.last);
            let mut points = Vec::new();
            for (step, values) in evaluations(&all) {
                points.push((step, mean(&values)));
                beside.push(Column { name: format!("{}evaluation at step {step}", case.column()), values });
            }
            let (what, measured, values) = match set {
                None => {
                    of_base = areas;
                    (format!("{env}, {name}: mean return"), Center::Mean.estimate(&of_base), of_base.clone())
                }
                Some(_) => {
                    let differences = areas.iter().zip(&of_base).map(|(a, b)| a - b).collect();
                    (format!("{env}, {name}: change"), paired_difference(&areas, &of_base), differences)
                }
            };
            curves.push((measured.value, series(name, points)));
            let (expected, from) = (case.reach, case.from);
            claims.push(Claim { what, expected, from, measured, is_reach: false, values });
        }
        // The published settings, the three changes that cost most, and the one that gains most.
        let published = curves.remove(0).1;
        curves.sort_by(|a, b| a.0.total_cmp(&b.0));
        let shown = [0, 1, 2, curves.len() - 1].map(|i| curves[i].1.clone());
        let title = format!("{env}: the three changes that cost most, and the one that gains most");
        charts.push(chart(&title, AXES, std::iter::once(published).chain(shown).collect()));
    }
    Ok(Reproduction {
        name: "ppo-details",
        source: "Huang et al. 2022, The 37 implementation details of proximal policy optimization",
        setting: format!(
            "PPO with CleanRL's settings, {STEPS} steps, {} seeds from {} on, each change alone; the number of a run is the mean return of its \
             20 evaluations on 20 episodes, and changes are paired by seed",
            runs.count, runs.request.seed
        ),
        runs: runs.count,
        seed: runs.request.seed,
        claims,
        beside,
        charts,
        maps: Vec::new(),
        note: "Numbers of the details are the paper's. Detail 12 is what is recorded. Those about images, several discrete actions and \
               recurrent networks are about other tasks. On Acrobot, whose returns lie about -100, the critic's gradient takes nearly all of the norm of \
               0.5 to which both are clipped together: the policy hardly moves, no ratio reaches the clip, and scaled rewards help.",
        data: None,
        out: nowhere(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::Algorithm;

    /// A change that changes nothing would measure nothing.
    #[test]
    fn every_detail_differs_from_the_published_settings() {
        let preset = Algorithm::find("ppo").unwrap().preset("cleanrl", ENVS[0]).unwrap();
        for Detail { name, set } in DETAILS {
            for line in set.lines() {
                let (key, value) = line.parse::<toml::Table>().unwrap().into_iter().next().unwrap();
                assert!(preset.values.get(&key) != Some(&value), "{name}: {key} is {value} already");
            }
        }
    }
}
