//! The softmax of a row of logits and the divergence of two, in double precision and without cancellation: a divergence
//! near 0 and the gradient of a sure prediction keep their digits.

use potstill_core::math::{exp_f64, expm1_f64, ln_1p_f64};

/// `softmax(logits / T)` of one row, by its logarithms. A logit of minus infinity has probability 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogSoftmax<'a> {
    logits: &'a [f32],
    temperature: f64,
    /// A class that is left out.
    without: Option<usize>,
    /// The logit that stands for minus infinity.
    least: f64,
    highest: f64,
    /// `ln sum exp((z - highest) / T)`, which is 0 or above.
    log_sum: f64,
}

/// The logit, below the highest of its row, of a probability of 0 where its logarithm is asked for: the logarithm
/// of the smallest normal number of single precision, `2^-126`.
const LEAST: f64 = -126.0 * std::f64::consts::LN_2;

impl<'a> LogSoftmax<'a> {
    pub(crate) fn new(temperature: f64, logits: &'a [f32]) -> Self {
        Self::without(None, temperature, logits)
    }

    /// The softmax over all classes but one.
    pub(crate) fn without(without: Option<usize>, temperature: f64, logits: &'a [f32]) -> Self {
        let kept = || logits.iter().enumerate().filter(|(i, _)| Some(*i) != without);
        let highest = kept().map(|(_, &z)| z).fold(f32::NEG_INFINITY, f32::max);
        // The first of the highest is the 1 of `ln(1 + rest)`, so that a small rest is not lost.
        let first = kept().find(|(_, z)| **z == highest).map(|(i, _)| i);
        let highest = f64::from(highest);
        let others = kept().filter(|(i, _)| Some(*i) != first);
        let rest: f64 = others.map(|(_, &z)| exp_f64((f64::from(z) - highest) / temperature)).sum();
        Self { logits, temperature, without, least: f64::NEG_INFINITY, highest, log_sum: ln_1p_f64(rest) }
    }

    /// The softmax of logits with those of minus infinity raised to [`LEAST`] below the highest, so that every
    /// logarithm is finite.
    pub(crate) fn bounded(temperature: f64, logits: &'a [f32]) -> Self {
        let softmax = Self::new(temperature, logits);
        if !logits.contains(&f32::NEG_INFINITY) {
            return softmax;
        }
        let excluded = logits.iter().filter(|z| **z == f32::NEG_INFINITY).count() as f64;
        let log_sum = ln_1p_f64(expm1_f64(softmax.log_sum) + excluded * exp_f64(LEAST / temperature));
        Self { least: softmax.highest + LEAST, log_sum, ..softmax }
    }

    /// Returns true if no class has any probability.
    pub(crate) fn is_empty(&self) -> bool {
        self.highest == f64::NEG_INFINITY
    }

    /// `ln sum exp(z / T)`.
    pub(crate) fn log_total(&self) -> f64 {
        if self.is_empty() { f64::NEG_INFINITY } else { self.highest / self.temperature + self.log_sum }
    }

    /// A logit; that of the class that is left out is minus infinity.
    pub(crate) fn logit(&self, i: usize) -> f64 {
        match self.logits[i] {
            _ if Some(i) == self.without => f64::NEG_INFINITY,
            f32::NEG_INFINITY => self.least,
            z => f64::from(z),
        }
    }

    /// The logarithm of a probability.
    pub(crate) fn log(&self, i: usize) -> f64 {
        (self.logit(i) - self.highest) / self.temperature - self.log_sum
    }

    /// The logarithms of all probabilities.
    pub(crate) fn logs(self) -> impl Iterator<Item = f64> + Clone + 'a {
        (0..self.logits.len()).map(move |i| self.log(i))
    }

    /// The probability less 1 if it is that of the label.
    pub(crate) fn less_label(&self, i: usize, label: usize) -> f64 {
        if i == label { expm1_f64(self.log(i)) } else { exp_f64(self.log(i)) }
    }
}

/// `KL(p || q)` of two softmaxes at one temperature, element by element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Divergence<'a> {
    p: LogSoftmax<'a>,
    q: LogSoftmax<'a>,
    /// The mean under `p` of the differences of logits over `T`.
    mean: f64,
    /// `ln E_p exp(difference - mean)`, 0 or above.
    excess: f64,
}

/// A step of the difference of logits beyond which the plain formulas lose nothing.
const NEAR: f64 = 1.0;

/// `e^x - 1 - x`.
pub(crate) fn exp_less_tangent(x: f64) -> f64 {
    if x.abs() > NEAR {
        return expm1_f64(x) - x;
    }
    // Taylor's series: the next term is below 1e-17 of the first.
    let tail = (3..=18).rev().fold(1.0, |tail, n| 1.0 + x / f64::from(n) * tail);
    0.5 * x * x * tail
}

impl<'a> Divergence<'a> {
    /// The divergence of `q` from `p`, rows of one length.
    pub(crate) fn new(temperature: f64, p: &'a [f32], q: &'a [f32]) -> Self {
        Self::of(LogSoftmax::new(temperature, p), LogSoftmax::new(temperature, q))
    }

    /// The divergence of `q` from `p`, softmaxes of rows of one length at one temperature.
    pub(crate) fn of(p: LogSoftmax<'a>, q: LogSoftmax<'a>) -> Self {
        let temperature = p.temperature;
        let mut this = Self { p, q, mean: 0.0, excess: 0.0 };
        let weights = || p.logs().map(exp_f64).enumerate().filter(|(_, p)| *p > 0.0);
        let mean: f64 = weights().map(|(i, p)| p * this.difference(i)).sum();
        // It is infinite where `q` excludes what `p` has.
        this.mean = if mean.is_finite() { mean } else { 0.0 };
        let mut kept = (0..p.logits.len()).filter(|i| Some(*i) != p.without);
        let is_near = kept.all(|i| (this.difference(i) - this.mean).abs() <= NEAR);
        this.excess = if is_near {
            ln_1p_f64(weights().map(|(i, p)| p * exp_less_tangent(this.difference(i) - this.mean)).sum())
        } else {
            (q.highest - p.highest) / temperature + (q.log_sum - p.log_sum) - this.mean
        };
        this
    }

    fn difference(&self, i: usize) -> f64 {
        (self.q.logit(i) - self.p.logit(i)) / self.p.temperature
    }

    /// `p` and `ln p - ln q`.
    pub(crate) fn log_ratio(&self, i: usize) -> (f64, f64) {
        (exp_f64(self.p.log(i)), self.excess - (self.difference(i) - self.mean))
    }

    /// Element `i` of the divergence, `q - p + p ln(p / q)`, none of which is negative, and `q - p`: the gradient with
    /// respect to the logits of `q`, times `T`.
    pub(crate) fn element(&self, i: usize) -> (f64, f64) {
        let (p, ratio) = self.log_ratio(i);
        if p == 0.0 {
            let q = exp_f64(self.q.log(i));
            return (q, q);
        }
        if ratio.abs() <= NEAR {
            return (p * exp_less_tangent(-ratio), p * expm1_f64(-ratio));
        }
        let gradient = exp_f64(self.q.log(i)) - p;
        (gradient + p * ratio, gradient)
    }

    /// The gradient with respect to logit `i` of `p`, times `T`, where the logarithms of `q` are finite:
    /// `p (ln(p / q) - KL)`, whose second factor is the centred difference of logits.
    pub(crate) fn first_gradient(&self, i: usize) -> f64 {
        let p = exp_f64(self.p.log(i));
        if p == 0.0 { 0.0 } else { p * (self.mean - self.difference(i)) }
    }

    /// `ln(sum exp(z_q / T) / sum exp(z_p / T))`, the logarithm of the ratio of the two sums.
    pub(crate) fn log_total_ratio(&self) -> f64 {
        self.mean + self.excess
    }

    /// The divergence.
    pub(crate) fn value(&self) -> f64 {
        (0..self.p.logits.len()).map(|i| self.element(i).0).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_divergence_keeps_its_digits_at_every_temperature() {
        // By Python's decimal module with 120 digits.
        let p = [1.5, -0.25, 0.75, 3.0];
        let q = [0.5, 0.5, -1.0, 2.0];
        let check = |temperature: f64, expected: f64| {
            let value = Divergence::new(temperature, &p, &q).value();
            assert!((value / expected - 1.0).abs() < 1e-12, "T = {temperature}: {value:e}, not {expected:e}");
        };
        check(0.5, 0.04737646889585791);
        check(1.0, 0.09817325811464356);
        check(20.0, 0.0010077814125508818);
        check(1e4, 4.218378897206036e-9);
        check(1e10, 4.2187499996289065e-21);
        check(1e30, 4.21875e-61);
    }

    #[test]
    fn what_is_excluded_is_left_out() {
        let (p, q) = ([0.0, f32::NEG_INFINITY, 0.0], [1.0, f32::NEG_INFINITY, 1.0]);
        assert_eq!(Divergence::new(1.0, &p, &q).value(), 0.0);
        // ln 2 where half of the mass of q is nowhere in p.
        let q = [0.0, 0.0, f32::NEG_INFINITY];
        let p = [0.0, f32::NEG_INFINITY, f32::NEG_INFINITY];
        assert!((Divergence::new(1.0, &p, &q).value() - 2.0_f64.ln()).abs() < 1e-15);
        assert_eq!(Divergence::new(1.0, &q, &p).value(), f64::INFINITY);
    }
}
