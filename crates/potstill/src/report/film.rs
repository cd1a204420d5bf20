//! Films: renderings of an episode as an animated GIF.
//!
//! Every pixel has the colour of one kind of thing, without blending, so that seven colours are the whole palette.

use super::scene::{PAINTS, colour};
use super::style::LIGHT;
use gif::{Encoder, Frame, Repeat};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, RasterizedChar, get_raster};
use potstill_env::{Paint, Scene, Shape};
use std::borrow::Cow;

/// The longer side of a film, in pixels, at most.
const SIDE_MAX: f64 = 360.0;
/// The most frames of a film.
pub const FRAMES_MAX: usize = 5000;

/// A film that is being made.
///
/// ```
/// use potstill::env::{Env, registry::find};
/// use potstill::report::Film;
///
/// let mut env = find("CliffWalking-v1").unwrap().make_states().unwrap();
/// env.reset(Some(0), &mut 0);
/// let mut film = Film::new(10.0);
/// film.add(&env.scene().unwrap());
/// assert_eq!(&film.bytes()[..6], b"GIF89a");
/// ```
#[derive(Clone, Debug)]
pub struct Film {
    /// Hundredths of a second for which a frame is shown.
    delay: u16,
    /// Width and height in pixels, which the first frame decides.
    size: (u16, u16),
    /// Indices into the palette.
    frames: Vec<Vec<u8>>,
}

impl Film {
    /// A film without frames that shows so many a second, at most 50.
    pub fn new(frames_per_second: f64) -> Self {
        // Viewers slow down films that are faster.
        let delay = (100.0 / frames_per_second).round().clamp(2.0, 1000.0);
        Self { delay: delay as u16, size: (0, 0), frames: Vec::new() }
    }

    /// Adds a frame. Returns false if the film is full.
    pub fn add(&mut self, scene: &Scene) -> bool {
        if self.frames.len() >= FRAMES_MAX {
            return false;
        }
        if self.frames.is_empty() {
            self.size = size(scene);
        }
        self.frames.push(indices(scene, self.size));
        true
    }

    /// The number of frames.
    pub fn frames(&self) -> usize {
        self.frames.len()
    }

    /// The bytes of the GIF, which repeats for ever; empty without frames.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if self.frames.is_empty() {
            return bytes;
        }
        let palette: Vec<u8> = PAINTS.iter().flat_map(|(paint, _)| rgb(*paint)).collect();
        let (width, height) = self.size;
        let mut encoder =
            Encoder::new(&mut bytes, width, height, &palette).expect("a vector takes every byte");
        encoder.set_repeat(Repeat::Infinite).expect("a vector takes every byte");
        for (i, indices) in self.frames.iter().enumerate() {
            // The last one stays for a second.
            let delay = if i + 1 == self.frames.len() { self.delay.max(100) } else { self.delay };
            let buffer = Cow::Borrowed(&**indices);
            let frame = Frame { width, height, delay, buffer, ..Frame::default() };
            encoder.write_frame(&frame).expect("a vector takes every byte");
        }
        drop(encoder);
        bytes
    }
}

/// Width and height of a scene in pixels, and the red, green and blue bytes of every pixel, row after row: one frame of a
/// [`Film`].
///
/// ```
/// use potstill::env::{Env, registry::find};
///
/// let mut env = find("CliffWalking-v1").unwrap().make_states().unwrap();
/// env.reset(Some(0), &mut 0);
/// let (width, height, bytes) = potstill::report::scene_rgb(&env.scene().unwrap());
/// assert_eq!((width, height, bytes.len()), (360, 120, 360 * 120 * 3));
/// ```
pub fn scene_rgb(scene: &Scene) -> (usize, usize, Vec<u8>) {
    let (width, height) = size(scene);
    let pixels = indices(scene, (width, height));
    let bytes = pixels.into_iter().flat_map(|index| rgb(PAINTS[usize::from(index)].0)).collect();
    (width.into(), height.into(), bytes)
}

/// The width and height of a frame in pixels.
fn size(scene: &Scene) -> (u16, u16) {
    let longer = scene.width.max(scene.height).max(f64::MIN_POSITIVE);
    // Squares of whole pixels.
    let scale = if scene.is_grid { (SIDE_MAX / longer).floor().max(1.0) } else { SIDE_MAX / longer };
    let pixels = |side: f64| (side * scale).round().clamp(1.0, f64::from(u16::MAX)) as u16;
    (pixels(scene.width), pixels(scene.height))
}

fn rgb(paint: Paint) -> [u8; 3] {
    let [_, red, green, blue] = colour(&LIGHT, paint).to_be_bytes();
    [red, green, blue]
}

/// The place of a colour in the palette.
fn index(paint: Paint) -> u8 {
    PAINTS.iter().position(|(known, _)| *known == paint).unwrap_or(0) as u8
}

/// A scene as indices into the palette, row after row.
fn indices(scene: &Scene, (width, height): (u16, u16)) -> Vec<u8> {
    let (columns, rows) = (usize::from(width), usize::from(height));
    let mut pixels = vec![index(Paint::Ground); columns * rows];
    let unit = (scene.width / f64::from(width), scene.height / f64::from(height));
    for (paint, shape) in &scene.shapes {
        if let Shape::Text { at, text, size } = shape {
            write(
                &mut pixels,
                (columns, rows),
                (at.0 / unit.0, at.1 / unit.1),
                text,
                size / unit.1,
                index(*paint),
            );
            continue;
        }
        let ((left, top), (right, bottom)) = bounds(shape);
        // One pixel more on each side, for thin lines.
        let within = |low: f64, high: f64, unit: f64, most: usize| {
            ((low / unit).floor() - 1.0).max(0.0) as usize
                ..(((high / unit).ceil() + 1.0).max(0.0) as usize).min(most)
        };
        for row in within(top, bottom, unit.1, rows) {
            for column in within(left, right, unit.0, columns) {
                let point = ((column as f64 + 0.5) * unit.0, (row as f64 + 0.5) * unit.1);
                if shape.covers(point, unit) {
                    pixels[row * columns + column] = index(*paint);
                }
            }
        }
    }
    pixels
}

/// The upper left and the lower right corner of a shape.
fn bounds(shape: &Shape) -> ((f64, f64), (f64, f64)) {
    match shape {
        Shape::Rectangle { at, size } => (*at, (at.0 + size.0, at.1 + size.1)),
        Shape::Circle { centre: (x, y), radius } => ((x - radius, y - radius), (x + radius, y + radius)),
        Shape::Line { points, width } => {
            let fold = |of: fn(&(f64, f64)) -> f64, pick: fn(f64, f64) -> f64| {
                points.iter().map(of).reduce(pick).unwrap_or(0.0)
            };
            let (low, high) = (
                (fold(|p| p.0, f64::min), fold(|p| p.1, f64::min)),
                (fold(|p| p.0, f64::max), fold(|p| p.1, f64::max)),
            );
            ((low.0 - width, low.1 - width), (high.0 + width, high.1 + width))
        }
        Shape::Text { at, .. } => (*at, *at),
    }
}

/// Writes a word about a point, with letters of a height in pixels.
fn write(
    pixels: &mut [u8],
    (columns, rows): (usize, usize),
    at: (f64, f64),
    text: &str,
    height: f64,
    ink: u8,
) {
    let letter_height = RasterHeight::Size32.val() as f64;
    let scale = (height / letter_height).max(f64::MIN_POSITIVE);
    let letters: Vec<_> =
        text.chars().filter_map(|c| get_raster(c, FontWeight::Regular, RasterHeight::Size32)).collect();
    let width: usize = letters.iter().map(RasterizedChar::width).sum();
    let mut left = at.0 - width as f64 * scale / 2.0;
    let top = at.1 - height / 2.0;
    for letter in letters {
        let bitmap: Vec<_> = letter.rows().collect();
        let (from, to) =
            (left.floor().max(0.0) as usize, (left + letter.width() as f64 * scale).ceil().max(0.0) as usize);
        for row in top.floor().max(0.0) as usize..rows.min((top + height).ceil().max(0.0) as usize) {
            for column in from..columns.min(to) {
                // The middle of the pixel in the letter's bitmap.
                let x = (column as f64 + 0.5 - left) / scale;
                let y = (row as f64 + 0.5 - top) / scale;
                let cover = bitmap.get(y as usize).and_then(|line| line.get(x as usize));
                if x >= 0.0 && y >= 0.0 && cover.is_some_and(|cover| *cover > 96) {
                    pixels[row * columns + column] = ink;
                }
            }
        }
        left += letter.width() as f64 * scale;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_has_its_size_colours_and_frames() {
        let disc = |x: f64| Scene {
            width: 2.0,
            height: 1.0,
            is_grid: true,
            shapes: vec![(Paint::Agent, Shape::Circle { centre: (x, 0.5), radius: 0.4 })],
        };
        let mut film = Film::new(10.0);
        assert!(film.bytes().is_empty());
        assert!(film.add(&disc(0.5)) && film.add(&disc(1.5)));
        let bytes = film.bytes();
        // Signature, width 360 and height 180 in little-endian order, and at the end the trailer.
        assert_eq!(bytes[..10], *b"GIF89a\x68\x01\xb4\x00");
        assert_eq!(bytes.last(), Some(&0x3b));
        let mut decoder = gif::Decoder::new(&bytes[..]).unwrap();
        let mut frames = Vec::new();
        while let Some(frame) = decoder.read_next_frame().unwrap() {
            frames.push((frame.delay, frame.buffer.to_vec()));
        }
        assert_eq!(frames.iter().map(|(delay, _)| *delay).collect::<Vec<_>>(), [10, 100]);
        let at = |frame: usize, x: usize| frames[frame].1[90 * 360 + x];
        let (ground, agent) = (index(Paint::Ground), index(Paint::Agent));
        assert_eq!([at(0, 90), at(0, 270), at(1, 90), at(1, 270)], [agent, ground, ground, agent]);
    }

    #[test]
    fn what_lies_within_the_bounds_of_a_shape_is_all_of_it() {
        for spec in potstill_env::registry::all() {
            let Some(scene) = crate::commands::first_scene(&spec) else { continue };
            let size = (60, 60);
            let unit = (scene.width / 60.0, scene.height / 60.0);
            let mut expected = vec![index(Paint::Ground); 3600];
            let shapes = scene.shapes.iter().filter(|(_, shape)| !matches!(shape, Shape::Text { .. }));
            for (paint, shape) in shapes.clone() {
                for (i, pixel) in expected.iter_mut().enumerate() {
                    let point = (((i % 60) as f64 + 0.5) * unit.0, ((i / 60) as f64 + 0.5) * unit.1);
                    if shape.covers(point, unit) {
                        *pixel = index(*paint);
                    }
                }
            }
            let scene = Scene { shapes: shapes.cloned().collect(), ..scene.clone() };
            assert_eq!(indices(&scene, size), expected, "{}", spec.id);
        }
    }

    #[test]
    fn letters_are_written_about_their_point() {
        let shapes = vec![(Paint::Ink, Shape::Text { at: (0.5, 0.5), text: "G".to_owned(), size: 0.8 })];
        let scene = Scene { width: 1.0, height: 1.0, is_grid: true, shapes };
        let pixels = indices(&scene, (100, 100));
        let inked: Vec<usize> = (0..pixels.len()).filter(|&i| pixels[i] == index(Paint::Ink)).collect();
        assert!(inked.len() > 200, "{}", inked.len());
        assert!(inked.iter().all(|i| (20..80).contains(&(i % 100)) && (10..90).contains(&(i / 100))));
    }
}
