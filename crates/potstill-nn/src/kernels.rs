//! The inner loops, written once and compiled twice: for AVX2 with FMA, and for any processor.
//!
//! Both compilations give the same bits. Each element of a matrix product is one chain of fused multiply-adds in the
//! order of the contracted index; vector width and tiling only decide how many chains run side by side. Where the processor
//! has no FMA instruction, `mul_add` is emulated: slow, but equal.
//!
//! ```
//! let mut target = [0.0, 8.0];
//! potstill_nn::kernels::blend(0.25, &[4.0, 0.0], &mut target);
//! assert_eq!(target, [1.0, 6.0]);
//! ```

/// A function compiled for AVX2 + FMA and portably, and chosen when called.
macro_rules! kernel {
    ($(#[$doc:meta])* pub fn $name:ident($($arg:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        pub fn $name($($arg: $type),*) {
            #[inline(always)]
            fn portable($($arg: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $type),*) {
                    portable($($arg),*);
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: `avx2` needs nothing but the two features, and the processor has just said it has them.
                    #[expect(unsafe_code, reason = "the call of a function compiled for detected features")]
                    unsafe { avx2($($arg),*) };
                    return;
                }
            }
            portable($($arg),*);
        }

        #[cfg(test)]
        paste_portable!($name, ($($arg: $type),*), $body);
    };
}

/// The portable compilation by name, for the tests that hold the two against each other.
#[cfg(test)]
macro_rules! paste_portable {
    ($name:ident, ($($arg:ident: $type:ty),*), $body:block) => {
        pub(crate) mod $name {
            #[allow(unused_imports, reason = "a kernel may need none of its module's names")]
            use super::*;
            pub(crate) fn portable($($arg: $type),*) $body
        }
    };
}

/// A matrix whose element `(i, j)` is `data[i * row + j * column]`, so that a transpose costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct Strided<'a> {
    /// The elements.
    pub data: &'a [f32],
    /// The distance between rows.
    pub row: usize,
    /// The distance between columns.
    pub column: usize,
}

/// What a matrix product is added to.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// Nothing.
    Zero,
    /// One row, for every row of the product.
    Row(&'a [f32]),
}

/// Columns of a tile of the product.
const TILE: usize = 16;

/// `acc[i][j] = fma(column[i], row[j], acc[i][j])`.
#[inline(always)]
fn rank_one<const M: usize, const N: usize>(
    column: [f32; M],
    row: &[f32; N],
    mut acc: [[f32; N]; M],
) -> [[f32; N]; M] {
    for i in 0..M {
        for j in 0..N {
            acc[i][j] = column[i].mul_add(row[j], acc[i][j]);
        }
    }
    acc
}

/// Adds the product of `M` rows of `a`, from row `first` on, and a panel of `b` to `acc`.
///
/// No closures and no iterator adaptors in the loops: one that is not inlined would be compiled without FMA. The sums go in and
/// out by value: behind a reference the compiler keeps them in memory.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "see above")]
fn tile<const M: usize>(
    a: Strided<'_>,
    first: usize,
    panel: &[[f32; TILE]],
    mut acc: [[f32; TILE]; M],
) -> [[f32; TILE]; M] {
    let depth = panel.len();
    // The two layouts there are, each with its bounds checked outside the inner loop.
    if a.column == 1 {
        let rows: [&[f32]; M] = std::array::from_fn(|i| &a.data[(first + i) * a.row..][..depth]);
        for p in 0..depth {
            let mut column = [0.0; M];
            for i in 0..M {
                column[i] = rows[i][p];
            }
            acc = rank_one(column, &panel[p], acc);
        }
    } else {
        assert!(a.row == 1, "rows or columns are contiguous");
        for p in 0..depth {
            let column = a.data[p * a.column + first..][..M].try_into().expect("a slice of M");
            acc = rank_one(column, &panel[p], acc);
        }
    }
    acc
}

/// Copies as many as both have: a whole tile in two moves, fewer one by one.
#[inline(always)]
fn copy(from: &[f32], to: &mut [f32]) {
    if let (Some(from), Some(to)) = (from.first_chunk::<TILE>(), to.first_chunk_mut::<TILE>()) {
        *to = *from;
    } else {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
    }
}

/// As many whole tiles of `M` rows as there are from row `first` on; returns the first row left over.
#[inline(always)]
fn tiles<const M: usize>(
    a: Strided<'_>,
    panel: &[[f32; TILE]],
    start: &[f32; TILE],
    c: &mut [f32],
    (rows, columns, from): (usize, usize, usize),
    mut first: usize,
) -> usize {
    let width = TILE.min(columns - from);
    while first + M <= rows {
        let acc = tile(a, first, panel, [*start; M]);
        for i in 0..M {
            copy(&acc[i], &mut c[(first + i) * columns + from..][..width]);
        }
        first += M;
    }
    first
}

/// One row of the product, `N` columns at a time straight from `b`; returns the first column left over.
#[inline(always)]
fn row_times<const N: usize>(
    a: Strided<'_>,
    b: &[f32],
    start: Start<'_>,
    c: &mut [f32],
    mut from: usize,
) -> usize {
    let columns = c.len();
    let depth = b.len() / columns;
    while from + N <= columns {
        let mut acc = [[0.0; N]];
        if let Start::Row(row) = start {
            acc[0] = row[from..][..N].try_into().expect("a slice of N");
        }
        for p in 0..depth {
            let row: &[f32; N] = b[p * columns + from..][..N].try_into().expect("a slice of N");
            acc = rank_one([a.data[p * a.column]], row, acc);
        }
        c[from..][..N].copy_from_slice(&acc[0]);
        from += N;
    }
    from
}

/// A panel of 16 columns of `b`, copied together so that the inner loop reads it in order. Reused from product to product.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    rows: Vec<[f32; TILE]>,
}

kernel! {
    /// `c = start + a · b`, with `a` of `rows x depth`, `b` of `depth x columns` and `c` of `rows x columns`, the last two
    /// contiguous row by row; rows or columns of `a` are contiguous.
    ///
    /// # Panics
    /// If a slice has not the length of its shape, or the depth is 0.
    pub fn matmul(
        shape: (usize, usize, usize), a: Strided<'_>, b: &[f32], start: Start<'_>, c: &mut [f32], panel: &mut Panel,
    ) {
        let (rows, depth, columns) = shape;
        assert!(depth > 0, "a product over nothing");
        assert!((b.len(), c.len()) == (depth * columns, rows * columns), "a matrix has the length of its shape");
        if rows == 1 {
            // Nothing is read twice, so nothing is copied; wide strips keep enough sums in flight.
            let done = row_times::<64>(a, b, start, c, 0);
            let done = row_times::<TILE>(a, b, start, c, done);
            let done = row_times::<4>(a, b, start, c, done);
            row_times::<1>(a, b, start, c, done);
            return;
        }
        panel.rows.resize(depth, [0.0; TILE]);
        for from in (0..columns).step_by(TILE) {
            let width = TILE.min(columns - from);
            for p in 0..depth {
                copy(&b[p * columns + from..][..width], &mut panel.rows[p]);
            }
            let mut first = [0.0; TILE];
            if let Start::Row(row) = start {
                first[..width].copy_from_slice(&row[from..][..width]);
            }
            let size = (rows, columns, from);
            // Six rows of sums fill twelve of the sixteen AVX2 registers.
            let done = tiles::<6>(a, &panel.rows, &first, c, size, 0);
            let done = tiles::<4>(a, &panel.rows, &first, c, size, done);
            tiles::<1>(a, &panel.rows, &first, c, size, done);
        }
    }
}

kernel! {
    /// `to[j][i] = from[i][j]` for `from` of `rows x columns`.
    pub fn transpose(rows: usize, columns: usize, from: &[f32], to: &mut [f32]) {
        const BLOCK: usize = 8;
        for i0 in (0..rows).step_by(BLOCK) {
            for j0 in (0..columns).step_by(BLOCK) {
                for i in i0..(i0 + BLOCK).min(rows) {
                    for j in j0..(j0 + BLOCK).min(columns) {
                        to[j * rows + i] = from[i * columns + j];
                    }
                }
            }
        }
    }
}

kernel! {
    /// `sums[j] = sum over i of from[i][j]`, added row by row.
    pub fn column_sums(columns: usize, from: &[f32], sums: &mut [f32]) {
        sums.fill(0.0);
        for row in from.chunks_exact(columns) {
            for (sum, &x) in sums.iter_mut().zip(row) {
                *sum += x;
            }
        }
    }
}

kernel! {
    /// `x = max(x, 0)`; NaN stays NaN, so that it is seen.
    pub fn relu(values: &mut [f32]) {
        for x in values {
            *x = if *x < 0.0 { 0.0 } else { *x };
        }
    }
}

kernel! {
    /// Sets the gradient to 0 where the unit's output is 0.
    pub fn relu_backward(outputs: &[f32], gradient: &mut [f32]) {
        for (g, &y) in gradient.iter_mut().zip(outputs) {
            *g = if y > 0.0 { *g } else { 0.0 };
        }
    }
}

kernel! {
    /// `x = tanh x`.
    pub fn tanh(values: &mut [f32]) {
        for x in values {
            *x = potstill_core::math::tanh(*x);
        }
    }
}

kernel! {
    /// Multiplies the gradient by `1 - y^2`, `y` the unit's output.
    pub fn tanh_backward(outputs: &[f32], gradient: &mut [f32]) {
        for (g, &y) in gradient.iter_mut().zip(outputs) {
            *g *= 1.0 - y * y;
        }
    }
}

/// The constants of one Adam step.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// Learning rate over the first bias correction.
    pub rate: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// One over the square root of the second bias correction.
    pub scale: f32,
    /// Added to the denominator.
    pub epsilon: f32,
}

kernel! {
    /// One fused step of Adam over parameters, gradient and both moments (all of one length).
    pub fn adam(step: AdamStep, parameters: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        let AdamStep { rate, beta1, beta2, scale, epsilon } = step;
        let moments = first.iter_mut().zip(second);
        for ((p, &g), (m, v)) in parameters.iter_mut().zip(gradient).zip(moments) {
            *m = beta1 * *m + (1.0 - beta1) * g;
            *v = beta2 * *v + (1.0 - beta2) * (g * g);
            *p -= rate * *m / (v.sqrt() * scale + epsilon);
        }
    }
}

kernel! {
    /// `target += tau * (source - target)`: an exponential moving average.
    pub fn blend(tau: f32, source: &[f32], target: &mut [f32]) {
        for (t, &s) in target.iter_mut().zip(source) {
            *t += tau * (s - *t);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use potstill_core::Pcg64;
    use proptest::prelude::*;

    fn noise(length: usize, rng: &mut Pcg64) -> Vec<f32> {
        (0..length).map(|_| rng.uniform(-2.0, 2.0) as f32).collect()
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|x| x.to_bits()).collect()
    }

    proptest! {
        /// Both compilations, and a plain triple loop of `mul_add`, give the same bits for every shape and stride.
        #[test]
        fn matmul_has_the_bits_of_the_triple_loop(
            rows in 1_usize..14, depth in 1_usize..9, columns in 1_usize..90, transposed: bool, biased: bool, seed: u64,
        ) {
            let mut rng = Pcg64::new(seed);
            let (a, b, bias) = (noise(rows * depth, &mut rng), noise(depth * columns, &mut rng), noise(columns, &mut rng));
            let (row, column) = if transposed { (1, rows) } else { (depth, 1) };
            let a = Strided { data: &a, row, column };
            let start = if biased { Start::Row(&bias) } else { Start::Zero };
            let mut expected = vec![0.0_f32; rows * columns];
            for i in 0..rows {
                for j in 0..columns {
                    let first = if biased { bias[j] } else { 0.0 };
                    expected[i * columns + j] = (0..depth)
                        .fold(first, |sum, p| a.data[i * row + p * column].mul_add(b[p * columns + j], sum));
                }
            }
            let (mut fast, mut slow) = (vec![f32::NAN; rows * columns], vec![f32::NAN; rows * columns]);
            matmul((rows, depth, columns), a, &b, start, &mut fast, &mut Panel::default());
            matmul::portable((rows, depth, columns), a, &b, start, &mut slow, &mut Panel::default());
            prop_assert_eq!(bits(&fast), bits(&expected));
            prop_assert_eq!(bits(&slow), bits(&expected));
        }

        #[test]
        fn elementwise_kernels_have_the_same_bits_in_both_compilations(length in 1_usize..70, seed: u64) {
            let mut rng = Pcg64::new(seed);
            let (x, y) = (noise(length, &mut rng), noise(length, &mut rng));
            let check = |fast: &dyn Fn(&mut [f32]), slow: &dyn Fn(&mut [f32])| {
                let (mut a, mut b) = (x.clone(), x.clone());
                fast(&mut a);
                slow(&mut b);
                assert_eq!(bits(&a), bits(&b));
            };
            check(&|v| relu(v), &|v| relu::portable(v));
            check(&|v| tanh(v), &|v| tanh::portable(v));
            check(&|v| relu_backward(&y, v), &|v| relu_backward::portable(&y, v));
            check(&|v| tanh_backward(&y, v), &|v| tanh_backward::portable(&y, v));
            check(&|v| blend(0.3, &y, v), &|v| blend::portable(0.3, &y, v));
            check(&|v| column_sums(length, &y, v), &|v| column_sums::portable(length, &y, v));
            check(&|v| transpose(1, length, &y, v), &|v| transpose::portable(1, length, &y, v));
            let step = AdamStep { rate: 0.1, beta1: 0.9, beta2: 0.999, scale: 1.3, epsilon: 1e-8 };
            let (m, v2) = (noise(length, &mut rng), vec![0.2; length]);
            check(
                &|v| adam(step, v, &y, &mut m.clone(), &mut v2.clone()),
                &|v| adam::portable(step, v, &y, &mut m.clone(), &mut v2.clone()),
            );
        }
    }

    #[test]
    fn transpose_moves_every_element() {
        let from: Vec<f32> = (0..9 * 17).map(|i| i as f32).collect();
        let mut to = vec![0.0; from.len()];
        transpose(9, 17, &from, &mut to);
        for i in 0..9 {
            for j in 0..17 {
                assert_eq!(to[j * 9 + i], from[i * 17 + j]);
            }
        }
    }

    #[test]
    fn relu_lets_nan_through() {
        let mut values = [-1.0, f32::NAN, 2.0, -0.0];
        relu(&mut values);
        assert!(values[1].is_nan());
        assert_eq!((values[0], values[2]), (0.0, 2.0));
    }
}
