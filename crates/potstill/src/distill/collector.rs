//! Collectors: the policy that visits the states of the transfer set.
//!
//! ```
//! use potstill::core::Pcg64;
//! use potstill::distill::Collector;
//!
//! let mut rng = Pcg64::new(1);
//! assert_eq!(Collector::with_teacher_share(0.0), Collector::Student);
//! assert!(Collector::with_teacher_share(1.0).teacher_plays(&mut rng));
//! let half = Collector::with_teacher_share(0.5);
//! let played = (0..1000).filter(|_| half.teacher_plays(&mut rng)).count();
//! // Five standard deviations of 1,000 coins are 79.
//! assert!((421..=579).contains(&played));
//! ```

use potstill_core::Pcg64;

/// The policy that plays the episodes of the transfer set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Collector {
    /// The teacher (Rusu et al. 2015).
    Teacher,
    /// The student, with the teacher's outputs as targets (DAgger; Ross, Gordon and Bagnell 2011).
    Student,
    /// The teacher in an episode with this probability, otherwise the student.
    Mixture(f64),
}

impl Collector {
    /// The collector that plays an episode with the teacher with probability `share`.
    pub fn with_teacher_share(share: f64) -> Self {
        match share {
            1.0 => Collector::Teacher,
            0.0 => Collector::Student,
            share => Collector::Mixture(share),
        }
    }

    /// Decides if the teacher plays the next episode. Only a mixture draws a random number.
    pub fn teacher_plays(self, rng: &mut Pcg64) -> bool {
        match self {
            Collector::Teacher => true,
            Collector::Student => false,
            Collector::Mixture(share) => rng.unit() < share,
        }
    }
}
