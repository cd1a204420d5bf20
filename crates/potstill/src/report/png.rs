//! Rendering of charts as pixels.
//!
//! Reasons against an SVG renderer: one with text is about sixty packages and needs a font file. Here letters
//! come as bitmaps, so that no font has to be installed.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};
use tiny_skia::{
    Color, FillRule, FilterQuality, LineJoin, Paint, Path, PathBuilder, Pixmap, PixmapPaint,
    PremultipliedColorU8, Rect, Stroke, StrokeDash, Transform,
};

use super::LineChart;
use super::drawing::{Anchor, Drawing, Form, Role};
use super::size::Size;
use super::style::{BAND_OPACITY, DASHES, LIGHT, LINE_WIDTH, SERIES};

const LETTER: RasterHeight = RasterHeight::Size32;
/// Rows of a letter above its baseline.
const ASCENT: f32 = 25.0;
/// Pixels of a letter's bitmap for one unit of the drawing.
const LETTER_SCALE: f32 = 2.0;

fn rgb(colour: u32) -> [u8; 3] {
    let [_, red, green, blue] = colour.to_be_bytes();
    [red, green, blue]
}

/// The points as a path; none without points.
fn path(points: &[(f64, f64)], closed: bool) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for (i, &(x, y)) in points.iter().enumerate() {
        if i == 0 {
            builder.move_to(x as f32, y as f32);
        } else {
            builder.line_to(x as f32, y as f32);
        }
    }
    if closed {
        builder.close();
    }
    builder.finish()
}

/// One line of text, as wide as needed.
fn letters(text: &str, role: Role) -> Option<Pixmap> {
    let weight = if role == Role::Title { FontWeight::Bold } else { FontWeight::Regular };
    let width = get_raster_width(weight, LETTER);
    let columns = text.chars().count() * width;
    let mut picture = Pixmap::new(u32::try_from(columns).ok()?, LETTER.val() as u32)?;
    let [red, green, blue] = rgb(LIGHT.colour(role));
    for (i, c) in text.chars().enumerate() {
        let letter = get_raster(c, weight, LETTER).or_else(|| get_raster('\u{fffd}', weight, LETTER));
        for (y, row) in letter.iter().flat_map(|letter| letter.rows().enumerate()) {
            for (x, &cover) in row.iter().enumerate() {
                let part = |channel: u8| (u16::from(channel) * u16::from(cover) / 255) as u8;
                let pixel = PremultipliedColorU8::from_rgba(part(red), part(green), part(blue), cover);
                picture.pixels_mut()[y * columns + i * width + x] = pixel?;
            }
        }
    }
    Some(picture)
}

fn draw_text(canvas: &mut Pixmap, scale: f32, role: Role, form: &Form) -> Option<()> {
    let Form::Text { text, at: (x, y), anchor, upright } = form else { return None };
    let picture = letters(text, role)?;
    let size = scale / LETTER_SCALE;
    let before = match anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => picture.width() as f32 * size / 2.0,
        Anchor::End => picture.width() as f32 * size,
    };
    let (x, y, above) = (*x as f32 * scale, *y as f32 * scale, ASCENT * size);
    // On whole pixels, so that letters stay sharp.
    let place = if *upright {
        Transform::from_row(0.0, -size, size, 0.0, (x - above).round(), (y + before).round())
    } else {
        Transform::from_row(size, 0.0, 0.0, size, (x - before).round(), (y - above).round())
    };
    let paint = PixmapPaint { quality: FilterQuality::Bilinear, ..PixmapPaint::default() };
    canvas.draw_pixmap(0, 0, picture.as_ref(), &paint, place, None);
    Some(())
}

/// Draws a shape; `None` if it is invisible.
fn draw(canvas: &mut Pixmap, scale: f32, role: Role, form: &Form) -> Option<()> {
    let path = match form {
        Form::Text { .. } => return draw_text(canvas, scale, role, form),
        Form::Polyline(line) => path(line, false)?,
        Form::Polygon(outline) => path(outline, true)?,
        Form::Circle((x, y), radius) => PathBuilder::from_circle(*x as f32, *y as f32, *radius as f32)?,
        Form::Rectangle((x, y), (width, height), _) => {
            let rectangle = Rect::from_xywh(*x as f32, *y as f32, *width as f32, *height as f32)?;
            PathBuilder::from_rect(rectangle)
        }
    };
    let mut paint = Paint::default();
    let [red, green, blue] = rgb(LIGHT.colour(role));
    let opacity = if matches!(role, Role::Band(_)) { BAND_OPACITY } else { 1.0 };
    paint.set_color_rgba8(red, green, blue, (opacity * 255.0).round() as u8);
    let transform = Transform::from_scale(scale, scale);
    if role.is_stroked() {
        let mut stroke = Stroke { width: 1.0, line_join: LineJoin::Round, ..Stroke::default() };
        if let Role::Line(i) = role {
            stroke.width = LINE_WIDTH;
            stroke.dash = StrokeDash::new(DASHES[i % SERIES].to_vec(), 0.0);
        }
        canvas.stroke_path(&path, &paint, &stroke, transform, None);
    } else {
        canvas.fill_path(&path, &paint, FillRule::Winding, transform, None);
    }
    Some(())
}

impl Drawing {
    fn png(&self, scale: f32) -> Vec<u8> {
        assert!((0.25..=16.0).contains(&scale), "a scale of 0.25 to 16, not {scale}");
        let pixels = |length: f64| (length * f64::from(scale)).round() as u32;
        let mut canvas = Pixmap::new(pixels(self.width), pixels(self.height))
            .expect("a scale in range gives a size in range");
        let [red, green, blue] = rgb(LIGHT.ground);
        canvas.fill(Color::from_rgba8(red, green, blue, 255));
        for (role, form) in &self.shapes {
            // A shape without extent has no pixels.
            let _ = draw(&mut canvas, scale, *role, form);
        }
        canvas.encode_png().expect("writing to memory does not fail")
    }
}

impl LineChart {
    /// The chart as the bytes of a PNG file, on white background. At a `scale` of 2, where letters are
    /// sharpest, it is 1440 pixels wide.
    ///
    /// # Panics
    ///
    /// If `scale` is not within 0.25 and 16.
    pub fn png(&self, scale: f32) -> Vec<u8> {
        self.png_of(Size::WIDE, scale)
    }

    /// As [`png`](Self::png), in another size.
    ///
    /// # Panics
    ///
    /// If `scale` is not within 0.25 and 16.
    pub fn png_of(&self, size: Size, scale: f32) -> Vec<u8> {
        self.drawing(size).png(scale)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::report::Series;

    /// Width, height and pixels.
    fn decode(bytes: &[u8]) -> (u32, u32, Vec<[u8; 3]>) {
        let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().expect("a PNG");
        let mut buffer = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut buffer).expect("a picture");
        assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgba, png::BitDepth::Eight));
        (info.width, info.height, buffer.chunks(4).map(|p| [p[0], p[1], p[2]]).collect())
    }

    /// Flat lines at 0, 1, 2 and so on, each with or without a band of 0.4 to either side.
    fn chart(series: usize, band: bool) -> LineChart {
        let series = (0..series).map(|i| {
            let y = i as f64;
            let band = if band { vec![(y - 0.4, y + 0.4); 2] } else { Vec::new() };
            Series { name: format!("series {i}"), points: vec![(0.0, y), (1.0, y)], band }
        });
        LineChart { title: "Flat".to_owned(), series: series.collect(), ..LineChart::default() }
    }

    #[test]
    fn every_series_has_its_colour_and_its_band() {
        // The colours of the style sheet's light theme, and 18 in 100 of them over white.
        const COLOURS: [([u8; 3], [u8; 3]); 6] = [
            ([0x00, 0x72, 0xb2], [0xd1, 0xe6, 0xf1]),
            ([0xc2, 0x50, 0x0a], [0xf4, 0xdf, 0xd3]),
            ([0x00, 0x79, 0x5a], [0xd1, 0xe7, 0xe1]),
            ([0xa0, 0x4a, 0x86], [0xee, 0xdf, 0xe9]),
            ([0x7a, 0x62, 0x00], [0xe7, 0xe3, 0xd1]),
            ([0x3a, 0x3a, 0x3a], [0xdc, 0xdc, 0xdc]),
        ];
        let check = |series: usize, band: bool, scale: f32, size: (u32, u32)| {
            let (width, height, pixels) = decode(&chart(series, band).png(scale));
            assert_eq!((width, height), size);
            let near = |a: &[u8; 3], b: &[u8; 3]| a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= 1);
            let count = |colour: &[u8; 3]| pixels.iter().filter(|pixel| near(pixel, colour)).count();
            for (i, (line, tint)) in COLOURS.iter().enumerate() {
                // 640 long; at least two fifths of the sparsest pattern are drawn, and only its inner row is
                // certain to be pure.
                let drawn = count(line) > (200.0 * scale) as usize;
                assert_eq!(drawn, i < series, "line {i}: {} pixels", count(line));
                let drawn = count(tint) > (640.0 * 10.0 * scale * scale) as usize;
                assert_eq!(drawn, band && i < series, "band {i}: {} pixels", count(tint));
            }
        };
        check(2, false, 1.0, (720, 320));
        check(6, false, 2.0, (1440, 640));
        check(6, true, 2.0, (1440, 640));
        check(3, true, 1.5, (1080, 480));
    }

    #[test]
    fn dashes_and_letters_are_drawn() {
        let (width, _, pixels) = decode(&chart(2, false).png(2.0));
        // The changes between line and background along a row of pixels.
        let changes = |row: f64, colour: [u8; 3]| {
            let start = (row * 2.0) as usize * width as usize;
            let row = &pixels[start + 128..start + 1408];
            row.windows(2).filter(|pair| (pair[0] == colour) != (pair[1] == colour)).count()
        };
        // The first is solid; the second, at the top, has 64 dashes of 7 with gaps of 3 over 640.
        assert_eq!(changes(272.0, [0x00, 0x72, 0xb2]), 0);
        assert_eq!(changes(56.0, [0xc2, 0x50, 0x0a]), 127);
        let ink = |from: f64, to: f64, colour: [u8; 3]| {
            let rows = (from * 2.0) as usize * width as usize..(to * 2.0) as usize * width as usize;
            pixels[rows].iter().filter(|pixel| **pixel == colour).count()
        };
        assert!(ink(6.0, 22.0, [0x1d, 0x1f, 0x21]) > 100, "the title");
        assert!(ink(30.0, 44.0, [0x5f, 0x63, 0x68]) > 100, "the legend");
    }

    #[test]
    fn odd_input_is_drawn_without_a_panic() {
        for (name, points) in [
            ("", vec![]),
            ("\u{3b1} \u{1f600}\n", vec![(f64::NAN, 1.0)]),
            ("one point", vec![(5.0, 5.0)]),
            ("far", vec![(0.0, 1e300), (1.0, -1e300)]),
            ("infinite", vec![(0.0, f64::MAX), (1.0, f64::MIN)]),
        ] {
            let band = vec![(f64::NEG_INFINITY, 1.0); points.len()];
            let series = vec![Series { name: name.to_owned(), points, band }; 2];
            let chart = LineChart { title: name.to_owned(), series, ..LineChart::default() };
            assert_eq!(decode(&chart.png(0.25)).0, 180);
        }
    }
}
