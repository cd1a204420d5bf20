//! Steps of every environment through the public vector interface, new episodes included:
//! `cargo bench -p potstill-env`.

use divan::{Bencher, counter::ItemsCount};
use potstill_core::Pcg64;
use potstill_env::registry::{self, Factory, Visitor, find};
use potstill_env::{Autoreset, Row};

fn main() {
    divan::main();
}

/// Copies of an environment, stepped with random actions drawn beforehand.
struct Steps<'a, 'b> {
    bencher: Bencher<'a, 'b>,
    copies: usize,
}

impl Visitor for Steps<'_, '_> {
    type Output = ();

    fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(self, factory: &Factory<O, A>) {
        let Steps { bencher, copies } = self;
        let mut envs = factory.many(copies, Autoreset::SameStep);
        let (space, mut rng) = (envs.single_action_space(), Pcg64::new(1));
        let rows: Vec<_> = (0..64).map(|_| A::sample_rows(copies, &space, &mut rng)).collect();
        envs.reset(Some(0));
        let mut place = 0;
        bencher.counter(ItemsCount::new(copies)).bench_local(|| {
            place = (place + 1) % rows.len();
            envs.step(&rows[place]).map(|batch| batch.rewards[0])
        });
    }
}

#[divan::bench(args = [1, 2, 4, 8, 64, 1024])]
fn cart_pole(bencher: Bencher<'_, '_>, copies: usize) {
    find("CartPole-v1").expect("it is registered").visit(Steps { bencher, copies });
}

#[divan::bench(args = [1, 16, 64])]
fn lunar_lander(bencher: Bencher<'_, '_>, copies: usize) {
    find("LunarLander-v3").expect("it is registered").visit(Steps { bencher, copies });
}

#[divan::bench(args = [1, 16, 64])]
fn bipedal_walker(bencher: Bencher<'_, '_>, copies: usize) {
    find("BipedalWalker-v3").expect("it is registered").visit(Steps { bencher, copies });
}

#[divan::bench(args = registry::ids())]
fn copies_1024(bencher: Bencher<'_, '_>, id: &str) {
    find(id).expect("it is registered").visit(Steps { bencher, copies: 1024 });
}
