//! Convolutions and pools: windows that slide over images.

use super::dense::Dense;
use super::proto::NodeProto;
use super::tensor::{Tensor, count};

/// Rows of patches that are multiplied at once.
const PATCHES: usize = 4096;

/// The geometry of a window, in rows and columns. One dimension is an image of one row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) dilation: [usize; 2],
    /// Above, on the left, below, on the right.
    pub(crate) pads: [usize; 4],
    /// Pads are computed from the image: 1 puts the odd one behind, 2 before.
    same: u8,
}

/// The largest pad, stride, kernel and dilation: beyond, sizes would overflow.
const SIDE_MAX: usize = 1 << 16;

impl Window {
    /// Reads the attributes of a node whose kernel is known.
    pub(crate) fn read(node: &NodeProto<'_>, kernel: &[usize]) -> Result<Self, String> {
        let rank = kernel.len();
        if !(1..=2).contains(&rank) {
            return Err(format!("slides over {rank} dimensions; one and two are evaluated"));
        }
        let list = |name: &str, default: usize, length: usize| -> Result<Vec<usize>, String> {
            let Some(values) = node.integers(name) else { return Ok(vec![default; length]) };
            let all: Option<Vec<usize>> = values
                .iter()
                .map(|&value| usize::try_from(value).ok().filter(|&value| value <= SIDE_MAX))
                .collect();
            all.filter(|all| all.len() == length).ok_or_else(|| format!("has {name} {values:?}"))
        };
        let pair = |values: &[usize]| if values.len() == 2 { [values[0], values[1]] } else { [1, values[0]] };
        let pads = list("pads", 0, 2 * rank)?;
        let pads = if rank == 2 { [pads[0], pads[1], pads[2], pads[3]] } else { [0, pads[0], 0, pads[1]] };
        let (pads, same) = match node.text("auto_pad") {
            "" | "NOTSET" => (pads, 0),
            "VALID" => ([0; 4], 0),
            "SAME_UPPER" => ([0; 4], 1),
            "SAME_LOWER" => ([0; 4], 2),
            other => return Err(format!("has auto_pad {other}, which is not known")),
        };
        let window = Self {
            kernel: pair(kernel),
            stride: pair(&list("strides", 1, rank)?),
            dilation: pair(&list("dilations", 1, rank)?),
            pads,
            same,
        };
        let sides = [window.kernel, window.stride, window.dilation].concat();
        match sides.iter().all(|side| (1..=SIDE_MAX).contains(side)) {
            true => Ok(window),
            false => Err("has a window without size".to_owned()),
        }
    }

    /// The pads of a window without dilation that has as many on each side.
    pub(crate) fn even_padding(&self) -> Option<usize> {
        let is_even = self.pads == [self.pads[0]; 4] && self.same == 0 && self.dilation == [1, 1];
        is_even.then_some(self.pads[0])
    }

    /// Returns true if the window touches each point of the image once or not at all, without pads.
    pub(crate) fn is_plain(&self) -> bool {
        self.pads == [0; 4] && self.same == 0 && self.dilation == [1, 1]
    }

    /// The first rows and columns of pads, and the size of the output.
    pub(crate) fn over(&self, image: [usize; 2]) -> Result<([usize; 2], [usize; 2]), String> {
        let (mut before, mut size) = ([self.pads[0], self.pads[1]], [0; 2]);
        for i in 0..2 {
            let reach = self.dilation[i] * (self.kernel[i] - 1) + 1;
            if self.same > 0 {
                size[i] = image[i].div_ceil(self.stride[i]);
                let pads = ((size[i].max(1) - 1) * self.stride[i] + reach).saturating_sub(image[i]);
                before[i] = if self.same == 1 { pads / 2 } else { pads.div_ceil(2) };
                continue;
            }
            let padded = image[i] + self.pads[i] + self.pads[i + 2];
            let last = padded.checked_sub(reach).ok_or_else(|| {
                format!("has a window of {:?} for an image of {} x {}", self.kernel, image[0], image[1])
            })?;
            size[i] = last / self.stride[i] + 1;
        }
        Ok((before, size))
    }

    /// The place in the image of a point of the window, if it is not a pad.
    fn place(&self, image: [usize; 2], before: [usize; 2], at: [usize; 2], tap: [usize; 2]) -> Option<usize> {
        let y = (at[0] * self.stride[0] + tap[0] * self.dilation[0]).checked_sub(before[0])?;
        let x = (at[1] * self.stride[1] + tap[1] * self.dilation[1]).checked_sub(before[1])?;
        (y < image[0] && x < image[1]).then_some(y * image[1] + x)
    }
}

/// Samples, channels, and the image, of `samples x channels x rows x columns` or without rows.
pub(crate) fn images(x: &Tensor) -> Result<(usize, usize, [usize; 2]), String> {
    match x.shape[..] {
        [samples, channels, height, width] => Ok((samples, channels, [height, width])),
        [samples, channels, width] => Ok((samples, channels, [1, width])),
        _ => Err(format!("takes images, and was given {:?}", x.shape)),
    }
}

/// The shape of an output beside that of the input.
pub(crate) fn shape_like(x: &Tensor, channels: usize, size: [usize; 2]) -> Vec<usize> {
    match x.shape.len() {
        3 => vec![x.shape[0], channels, size[1]],
        _ => vec![x.shape[0], channels, size[0], size[1]],
    }
}

/// A convolution.
#[derive(Clone, Debug)]
pub(crate) struct Convolution {
    pub(crate) window: Window,
    pub(crate) groups: usize,
    /// `outputs x channels of a group x kernel`.
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    /// For a single group.
    dense: Option<Dense>,
    patches: Vec<f32>,
}

impl Convolution {
    pub(crate) fn read(
        node: &NodeProto<'_>,
        weights: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Self, String> {
        let [outputs, channels, kernel @ ..] = &weights.shape[..] else {
            return Err(format!("has weights of shape {:?}", weights.shape));
        };
        let window = Window::read(node, kernel)?;
        let groups = usize::try_from(node.integer("group", 1)).ok().filter(|&groups| groups > 0);
        let groups = groups.filter(|groups| outputs % groups == 0 && *outputs > 0);
        let groups = groups.ok_or("has groups that do not divide its outputs")?;
        let patch = channels * window.kernel[0] * window.kernel[1];
        let data = weights.to_floats();
        let bias = bias.map_or_else(|| vec![0.0; *outputs], Tensor::to_floats);
        if bias.len() != *outputs || patch == 0 {
            return Err(format!("has {} biases for {outputs} outputs", bias.len()));
        }
        let dense =
            (groups == 1).then(|| Dense::new(patch, *outputs, data.clone(), bias.clone())).transpose()?;
        Ok(Self { window, groups, weights: data, bias, dense, patches: Vec::new() })
    }

    pub(crate) fn dense(&mut self) -> Option<&mut Dense> {
        self.dense.as_mut()
    }

    pub(crate) fn outputs(&self) -> usize {
        self.bias.len()
    }

    pub(crate) fn patch(&self) -> usize {
        self.weights.len() / self.bias.len()
    }

    /// The shape of the output.
    pub(crate) fn shape(&self, x: &Tensor) -> Result<Vec<usize>, String> {
        let (_, channels, image) = images(x)?;
        let taps = self.window.kernel[0] * self.window.kernel[1];
        if channels * taps != self.patch() * self.groups {
            let expected = self.patch() * self.groups / taps;
            return Err(format!("takes {expected} channels, and was given {channels}"));
        }
        Ok(shape_like(x, self.outputs(), self.window.over(image)?.1))
    }

    pub(crate) fn run(&mut self, x: &Tensor) -> Result<Tensor, String> {
        let shape = self.shape(x)?;
        let (samples, channels, image) = images(x)?;
        let (before, size) = self.window.over(image)?;
        let (points, outputs, patch) = (size[0] * size[1], self.outputs(), self.patch());
        let kernel = self.window.kernel;
        let taps = kernel[0] * kernel[1];
        let pixels = image[0] * image[1];
        let x = x.as_floats()?;
        let mut y = vec![0.0; count(&shape).unwrap_or(0)];
        if y.is_empty() {
            return Ok(Tensor::floats(shape, y));
        }
        let per_group = (channels / self.groups, outputs / self.groups);
        if self.dense.is_none() {
            for sample in 0..samples {
                for o in 0..outputs {
                    let first = o / per_group.1 * per_group.0;
                    for point in 0..points {
                        let at = [point / size[1], point % size[1]];
                        let mut sum = self.bias[o];
                        for c in 0..per_group.0 {
                            for tap in 0..taps {
                                let place =
                                    self.window.place(image, before, at, [tap / kernel[1], tap % kernel[1]]);
                                if let Some(place) = place {
                                    sum += self.weights[o * patch + c * taps + tap]
                                        * x[(sample * channels + first + c) * pixels + place];
                                }
                            }
                        }
                        y[(sample * outputs + o) * points + point] = sum;
                    }
                }
            }
            return Ok(Tensor::floats(shape, y));
        }
        let Self { window, dense: Some(dense), patches, .. } = self else {
            unreachable!("there is one group")
        };
        // The place in the image of each tap of each point, once for all samples.
        let mut places = Vec::with_capacity(points * taps);
        for point in 0..points {
            let at = [point / size[1], point % size[1]];
            places.extend((0..taps).map(|tap| {
                window.place(image, before, at, [tap / kernel[1], tap % kernel[1]]).unwrap_or(usize::MAX)
            }));
        }
        let all = samples * points;
        let mut from = 0;
        while from < all {
            let to = all.min(from + PATCHES);
            patches.clear();
            for row in from..to {
                let (sample, point) = (row / points, row % points);
                for c in 0..channels {
                    let plane = &x[(sample * channels + c) * pixels..][..pixels];
                    patches.extend(
                        places[point * taps..][..taps]
                            .iter()
                            .map(|&place| plane.get(place).copied().unwrap_or(0.0)),
                    );
                }
            }
            for (row, values) in (from..to).zip(dense.run(patches).chunks_exact(outputs)) {
                let (sample, point) = (row / points, row % points);
                for (o, &value) in values.iter().enumerate() {
                    y[(sample * outputs + o) * points + point] = value;
                }
            }
            from = to;
        }
        Ok(Tensor::floats(shape, y))
    }
}

/// A pool: the largest of each window, or the mean.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pool {
    pub(crate) window: Window,
    pub(crate) is_max: bool,
    counts_pads: bool,
}

impl Pool {
    pub(crate) fn read(node: &NodeProto<'_>) -> Result<Self, String> {
        let kernel = node.integers("kernel_shape").ok_or("has no kernel_shape")?;
        let kernel: Vec<usize> = kernel.iter().map(|&side| usize::try_from(side).unwrap_or(0)).collect();
        if node.integer("ceil_mode", 0) != 0 {
            return Err("has ceil_mode=1, which is not evaluated".to_owned());
        }
        let window = Window::read(node, &kernel)?;
        Ok(Self {
            window,
            is_max: node.op == "MaxPool",
            counts_pads: node.integer("count_include_pad", 0) != 0,
        })
    }

    pub(crate) fn shape(&self, x: &Tensor) -> Result<Vec<usize>, String> {
        let (_, channels, image) = images(x)?;
        Ok(shape_like(x, channels, self.window.over(image)?.1))
    }

    pub(crate) fn run(&self, x: &Tensor) -> Result<Tensor, String> {
        let shape = self.shape(x)?;
        let (samples, channels, image) = images(x)?;
        let (before, size) = self.window.over(image)?;
        let kernel = self.window.kernel;
        let pixels = image[0] * image[1];
        let data = x.as_floats()?;
        let mut y = Vec::with_capacity(count(&shape).unwrap_or(0));
        for plane in 0..samples * channels {
            let plane = &data[plane * pixels..][..pixels];
            for point in 0..size[0] * size[1] {
                let at = [point / size[1], point % size[1]];
                let (mut best, mut sum, mut inside) = (f32::NEG_INFINITY, 0.0, 0);
                for tap in 0..kernel[0] * kernel[1] {
                    let place = self.window.place(image, before, at, [tap / kernel[1], tap % kernel[1]]);
                    if let Some(place) = place {
                        best = best.max(plane[place]);
                        sum += plane[place];
                        inside += 1;
                    }
                }
                let taps = if self.counts_pads { kernel[0] * kernel[1] } else { inside };
                y.push(if self.is_max { best } else { sum / taps as f32 });
            }
        }
        Ok(Tensor::floats(shape, y))
    }
}
