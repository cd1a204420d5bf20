//! Doubly robust estimates: estimated values, corrected by weighted errors of theirs. They are unbiased if
//! either the ratios or the values are right, and the better the values, the less is left to the ratios.
//!
//! - [doubly_robust] (Jiang and Li 2016, equation 10): `V_DR(t) = v(s_t) + rho_t (r_t + gamma V_DR(t+1) -
//!   q(s_t, a_t))`, from the last step of each episode to the first.
//! - [weighted_doubly_robust] (Thomas and Brunskill 2016, equation 9): the same as sums over steps, with
//!   weights `w_t = rho_{0:t} / sum_i rho_{0:t}` in place of `rho_{0:t} / n`.
//!
//! After the last step of an episode that did not terminate the estimate goes on with `v`.

use super::importance::{Logged, count, sums_of_ratios};

/// The doubly robust estimate.
///
/// # Panics
/// If there is no episode, or one has no values.
pub fn doubly_robust(episodes: &[&Logged], gamma: f64) -> f64 {
    let of_episode = |episode: &&Logged| {
        let Logged { ratios, rewards, q, v } = episode;
        (0..ratios.len())
            .rev()
            .fold(v[ratios.len()], |after, t| v[t] + ratios[t] * (rewards[t] + gamma * after - q[t]))
    };
    episodes.iter().map(of_episode).sum::<f64>() / count(episodes)
}

/// The weighted doubly robust estimate; 0 / 0 if all ratios of the first step are 0.
///
/// # Panics
/// If there is no episode, or one has no values.
pub fn weighted_doubly_robust(episodes: &[&Logged], gamma: f64) -> f64 {
    let sums = sums_of_ratios(episodes);
    let n = count(episodes);
    let mut sum = 0.0;
    for episode in episodes {
        let Logged { ratios, rewards, q, v } = episode;
        // w_{t-1}, rho_{0:t} and gamma^t
        let (mut before, mut rho, mut discount) = (1.0 / n, 1.0, 1.0);
        for t in 0..ratios.len() {
            rho *= ratios[t];
            let weight = if rho == 0.0 { 0.0 } else { rho / sums[t] };
            sum += discount * (weight * (rewards[t] - q[t]) + before * v[t]);
            before = weight;
            discount *= gamma;
            if rho == 0.0 {
                break;
            }
        }
        sum += discount * before * v[ratios.len()];
    }
    if sums.first().is_some_and(|&first| first == 0.0) { f64::NAN } else { sum }
}

#[cfg(test)]
mod tests {
    use super::super::importance::{per_decision, weighted_per_decision};
    use super::*;

    fn episode(ratios: &[f64], rewards: &[f64], q: &[f64], v: &[f64]) -> Logged {
        Logged { ratios: ratios.to_vec(), rewards: rewards.to_vec(), q: q.to_vec(), v: v.to_vec() }
    }

    #[test]
    fn estimates_by_hand() {
        let episodes = [
            episode(&[2.0, 0.5], &[1.0, 4.0], &[3.0, 2.0], &[1.0, 5.0, 6.0]),
            episode(&[0.5], &[8.0], &[7.0], &[2.0, 0.0]),
        ];
        let all: Vec<&Logged> = episodes.iter().collect();
        // 5 + 0.5 (4 + 0.5 x 6 - 2) = 7.5, 1 + 2 (1 + 0.5 x 7.5 - 3) = 4.5; 2 + 0.5 (8 - 7) = 2.5.
        assert!((doubly_robust(&all, 0.5) - 3.5).abs() < 1e-12);
        // w_0 = 0.8, 0.2; w_1 = 1 / 1.5, and the second has ended. First: 0.8 (1 - 3) + 1/2, then
        // 0.5 (2/3 (4 - 2) + 0.8 x 5), then 0.25 x 2/3 x 6; second: 0.2 (8 - 7) + 1/2 x 2, then 0.
        let expected = (-1.6 + 0.5) + 0.5 * (4.0 / 3.0 + 4.0) + 1.0 + 0.2 + 1.0;
        assert!((weighted_doubly_robust(&all, 0.5) - expected).abs() < 1e-12);
    }

    #[test]
    fn without_values_they_are_importance_sampling_per_decision() {
        let episodes = [
            episode(&[2.0, 0.5, 1.5], &[1.0, 4.0, -1.0], &[0.0; 3], &[0.0; 4]),
            episode(&[0.5, 0.0], &[8.0, 3.0], &[0.0; 2], &[0.0; 3]),
        ];
        let all: Vec<&Logged> = episodes.iter().collect();
        assert!((doubly_robust(&all, 0.9) - per_decision(&all, 0.9)).abs() < 1e-12);
        assert!((weighted_doubly_robust(&all, 0.9) - weighted_per_decision(&all, 0.9)).abs() < 1e-12);
    }
}
