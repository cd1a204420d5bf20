//! Parts of a data set, and several data sets as one.

use super::OfflineDataset;
use potstill_core::Pcg64;
use serde_json::Value;

/// The episodes that are kept of a data set.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EpisodeFilter {
    /// The share of the episodes with the greatest returns, above 0 and at most 1; of equal ones the first.
    pub top: Option<f64>,
    /// The least return.
    pub return_min: Option<f64>,
    /// The greatest return.
    pub return_max: Option<f64>,
    /// The fewest steps.
    pub steps_min: Option<u64>,
    /// The most steps.
    pub steps_max: Option<u64>,
}

impl EpisodeFilter {
    /// The episodes that are kept, in their order. The share is one of those that the other conditions keep.
    pub fn kept(&self, data: &OfflineDataset) -> Vec<usize> {
        let returns: Vec<f64> = data.returns().collect();
        let is_kept = |&i: &usize| {
            let (steps, of) = (data.episodes[i].steps as u64, returns[i]);
            self.return_min.is_none_or(|least| of >= least)
                && self.return_max.is_none_or(|most| of <= most)
                && self.steps_min.is_none_or(|least| steps >= least)
                && self.steps_max.is_none_or(|most| steps <= most)
        };
        let mut kept: Vec<usize> = (0..returns.len()).filter(is_kept).collect();
        if let Some(top) = self.top {
            let count = (kept.len() as f64 * top).ceil() as usize;
            kept.sort_by(|&a, &b| returns[b].total_cmp(&returns[a]));
            kept.truncate(count);
            kept.sort_unstable();
        }
        kept
    }
}

impl OfflineDataset {
    /// Some of the episodes, in this order.
    ///
    /// If there are fewer.
    pub fn select(&self, episodes: &[usize]) -> Self {
        let mut selected = self.emptied();
        episodes.iter().for_each(|&episode| selected.copy_episode(self, episode));
        selected
    }

    /// Appends an episode of another data set of the same spaces.
    fn copy_episode(&mut self, other: &Self, episode: usize) {
        let record = other.episodes[episode];
        self.observations.extend(&other.observations, other.observation_range(episode));
        self.actions.extend(&other.actions, other.action_range(episode));
        self.rewards.extend_from_slice(&other.rewards[record.range()]);
        let flags = [record.terminated, record.truncated];
        self.end_episode(flags, record.seed).expect("it was checked in the other data set");
    }

    /// Parts with these shares of the episodes, which are drawn at random; each in the order of the whole.
    ///
    /// If the shares are not positive, their sum is above 1, or a part would have no episode.
    pub fn split(&self, shares: &[f64], rng: &mut Pcg64) -> Result<Vec<Self>, String> {
        let total: f64 = shares.iter().sum();
        if shares.iter().any(|share| share.is_nan() || *share <= 0.0) || total > 1.0 + 1e-9 {
            return Err("shares are above 0, and together at most 1".to_owned());
        }
        let count = self.episodes.len();
        let mut order: Vec<usize> = (0..count).collect();
        rng.shuffle(&mut order);
        let (mut start, mut sum) = (0, 0.0);
        let mut parts = Vec::new();
        for share in shares {
            sum += share;
            let end = ((sum * count as f64).round() as usize).min(count);
            if end == start {
                return Err(format!("a share of {share} of {count} episodes is none"));
            }
            let mut part = order[start..end].to_vec();
            part.sort_unstable();
            parts.push(self.select(&part));
            start = end;
        }
        Ok(parts)
    }

    /// The episodes of several data sets of one environment, in this order. The metadata is the first one's,
    /// with the authors of all, and the names of the data sets as `combined_datasets`.
    ///
    /// If they are of different environments or spaces: which.
    ///
    /// If there is none.
    pub fn merge(parts: &[Self]) -> Result<Self, String> {
        let first = &parts[0];
        let mut merged = first.emptied();
        for (i, part) in parts.iter().enumerate() {
            let known = (&first.env, &first.observation_space, &first.action_space);
            if (&part.env, &part.observation_space, &part.action_space) != known {
                let about = |data: &Self| {
                    let (env, number) = (&data.env, i + 1);
                    let of = if env.is_empty() {
                        "an environment that is not known".to_owned()
                    } else {
                        env.clone()
                    };
                    (number, format!("{of} ({}, {})", data.observation_space, data.action_space))
                };
                let ((number, other), (_, first)) = (about(part), about(first));
                let bounds = if other == first { ", with other bounds" } else { "" };
                return Err(format!("data set {number} is of {other}{bounds}, the first one of {first}"));
            }
            (0..part.episodes.len()).for_each(|episode| merged.copy_episode(part, episode));
        }
        for key in ["author", "author_email"] {
            let lists = parts.iter().filter_map(|part| part.metadata.get(key)?.as_array());
            let mut all: Vec<Value> = Vec::new();
            lists.flatten().for_each(|name| {
                if !all.contains(name) {
                    all.push(name.clone());
                }
            });
            if !all.is_empty() {
                merged.metadata.insert(key.to_owned(), all.into());
            }
        }
        let ids: Vec<Value> =
            parts.iter().filter_map(|part| part.metadata.get("dataset_id").cloned()).collect();
        if !ids.is_empty() {
            merged.metadata.insert("combined_datasets".to_owned(), ids.into());
        }
        Ok(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experience::Trajectory;
    use potstill_core::Streams;
    use potstill_env::Space;

    /// Episodes whose returns are these, each of as many steps as its number.
    fn data(returns: &[f64]) -> OfflineDataset {
        let mut data = OfflineDataset::new("E", Space::Discrete { n: 99 }, Space::Discrete { n: 2 });
        for (i, of) in returns.iter().enumerate() {
            let mut walk: Trajectory<usize> = Trajectory::starting_at(i);
            (0..=i).for_each(|step| walk.push(0, if step == 0 { *of } else { 0.0 }, i));
            data.push(&walk, [true, false], Some(i as u64)).unwrap();
        }
        data
    }

    fn seeds(data: &OfflineDataset) -> Vec<u64> {
        data.episodes().iter().map(|episode| episode.seed.unwrap()).collect()
    }

    #[test]
    fn episodes_are_kept_by_return_and_length() {
        let data = data(&[5.0, 1.0, 5.0, 3.0, -2.0]);
        let check = |filter: EpisodeFilter, expected: &[usize]| assert_eq!(filter.kept(&data), expected);
        let all = EpisodeFilter::default();
        check(all, &[0, 1, 2, 3, 4]);
        check(EpisodeFilter { top: Some(0.2), ..all }, &[0]);
        check(EpisodeFilter { top: Some(0.21), ..all }, &[0, 2]);
        check(EpisodeFilter { top: Some(1.0), ..all }, &[0, 1, 2, 3, 4]);
        check(EpisodeFilter { return_min: Some(3.0), ..all }, &[0, 2, 3]);
        check(EpisodeFilter { return_max: Some(1.0), ..all }, &[1, 4]);
        check(EpisodeFilter { steps_min: Some(2), steps_max: Some(4), ..all }, &[1, 2, 3]);
        check(EpisodeFilter { steps_min: Some(2), top: Some(0.25), ..all }, &[2]);
        assert_eq!(seeds(&data.select(&[4, 0])), [4, 0]);
    }

    #[test]
    fn every_episode_is_in_one_part_and_merged_parts_are_the_whole() {
        let whole = data(&[0.5; 10]);
        let split = |seed: u64, shares: &[f64]| whole.split(shares, &mut Streams::new(seed).stream("split"));
        let parts = split(1, &[0.7, 0.3]).unwrap();
        assert_eq!(parts.iter().map(|part| part.episodes().len()).collect::<Vec<_>>(), [7, 3]);
        assert_eq!(split(1, &[0.7, 0.3]).unwrap(), parts);
        assert_ne!(split(2, &[0.7, 0.3]).unwrap(), parts);
        let merged = OfflineDataset::merge(&parts).unwrap();
        let mut all = seeds(&merged);
        assert_eq!(merged.steps(), 55);
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
        for (shares, expected) in [
            (&[0.7, 0.4][..], "shares are above 0, and together at most 1"),
            (&[0.5, 0.0], "shares are above 0, and together at most 1"),
            (&[0.04], "a share of 0.04 of 10 episodes is none"),
        ] {
            assert_eq!(split(1, shares).unwrap_err(), expected);
        }
    }

    #[test]
    fn data_of_other_environments_is_not_merged() {
        let mut other = OfflineDataset::new("E", Space::Discrete { n: 98 }, Space::Discrete { n: 2 });
        other.metadata.insert("author".to_owned(), vec!["B"].into());
        let error = OfflineDataset::merge(&[data(&[1.0]), other]).unwrap_err();
        let expected =
            "data set 2 is of E (Discrete(98), Discrete(2)), the first one of E (Discrete(99), Discrete(2))";
        assert_eq!(error, expected);
        let mut first = data(&[1.0]);
        first.metadata.insert("author".to_owned(), vec!["A"].into());
        let mut second = data(&[2.0]);
        second.metadata.insert("author".to_owned(), vec!["B", "A"].into());
        let merged = OfflineDataset::merge(&[first, second]).unwrap();
        assert_eq!(merged.metadata["author"], serde_json::json!(["A", "B"]));
    }
}
