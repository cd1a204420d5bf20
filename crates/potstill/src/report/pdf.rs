//! Charts as PDF files, for papers: vector shapes and the standard fonts that every viewer has.

use super::LineChart;
use super::drawing::{Anchor, Drawing, Form, Role};
use super::size::Size;
use super::style::{BAND_OPACITY, DASHES, LIGHT, LINE_WIDTH, SERIES};
use std::fmt::Write;

/// Widths of Helvetica's letters from the space on, in thousandths of the size (Adobe's font metrics).
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
/// The distance of a Bezier curve's handles that makes a quarter of a circle, of its radius.
const QUARTER: f64 = 0.552_285;

/// The width of a text in a size.
fn width(text: &str, size: f64) -> f64 {
    let of = |c: char| (c as usize).checked_sub(32).and_then(|i| WIDTHS.get(i)).copied().unwrap_or(556);
    text.chars().map(|c| f64::from(of(c))).sum::<f64>() * size / 1000.0
}

/// A text as a PDF string in Latin-1; other letters become question marks.
fn string(text: &str) -> Vec<u8> {
    let mut bytes = vec![b'('];
    for c in text.chars() {
        match c {
            '(' | ')' | '\\' => bytes.extend([b'\\', c as u8]),
            ' '..='~' | '\u{a0}'..='\u{ff}' => bytes.push(c as u32 as u8),
            _ => bytes.push(b'?'),
        }
    }
    bytes.push(b')');
    bytes
}

fn colour(role: Role) -> String {
    let [_, red, green, blue] = LIGHT.colour(role).to_be_bytes();
    [red, green, blue].map(|channel| format!("{:.3}", f64::from(channel) / 255.0)).join(" ")
}

/// A page's content.
struct Content {
    bytes: Vec<u8>,
    height: f64,
}

impl Content {
    fn line(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(b'\n');
    }

    /// A place in coordinates of the page, whose origin is below.
    fn at(&self, (x, y): (f64, f64)) -> String {
        format!("{x:.2} {:.2}", self.height - y)
    }

    fn path(&mut self, points: &[(f64, f64)]) {
        for (i, point) in points.iter().enumerate() {
            let line = format!("{} {}", self.at(*point), if i == 0 { "m" } else { "l" });
            self.line(&line);
        }
    }

    fn circle(&mut self, (x, y): (f64, f64), radius: f64) {
        let handle = QUARTER * radius;
        self.path(&[(x + radius, y)]);
        for (ax, ay) in [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)] {
            // From (ax, ay) to its left, (-ay, ax).
            let points = [
                (x + ax * radius - ay * handle, y + ay * radius + ax * handle),
                (x - ay * radius + ax * handle, y + ax * radius + ay * handle),
                (x - ay * radius, y + ax * radius),
            ];
            let line = format!("{} c", points.map(|point| self.at(point)).join(" "));
            self.line(&line);
        }
    }

    fn text(&mut self, role: Role, form: &Form) {
        let Form::Text { text, at, anchor, upright } = form else { return };
        let (font, size) = if role == Role::Title { ("/B", 15.0) } else { ("/R", 13.0) };
        let before = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => width(text, size) / 2.0,
            Anchor::End => width(text, size),
        };
        let (turn, place) = match upright {
            true => ("0 1 -1 0", (at.0, at.1 + before)),
            false => ("1 0 0 1", (at.0 - before, at.1)),
        };
        let head = format!("{} rg BT {font} {size} Tf {turn} {} Tm ", colour(role), self.at(place));
        self.bytes.extend_from_slice(head.as_bytes());
        self.bytes.extend(string(text));
        self.line(" Tj ET");
    }

    fn shape(&mut self, role: Role, form: &Form) {
        if let Form::Text { .. } = form {
            return self.text(role, form);
        }
        let style = match role {
            Role::Line(i) => {
                let dash: Vec<String> = DASHES[i % SERIES].iter().map(f32::to_string).collect();
                format!("q {} RG {LINE_WIDTH} w 1 j [{}] 0 d", colour(role), dash.join(" "))
            }
            _ if role.is_stroked() => format!("q {} RG 1 w", colour(role)),
            Role::Band(_) => format!("q /Band gs {} rg", colour(role)),
            _ => format!("q {} rg", colour(role)),
        };
        self.line(&style);
        match form {
            Form::Text { .. } => {}
            Form::Polyline(points) | Form::Polygon(points) => self.path(points),
            Form::Circle(center, radius) => self.circle(*center, *radius),
            Form::Rectangle((x, y), (width, height), _) => {
                let corner = self.at((*x, y + height));
                self.line(&format!("{corner} {width:.2} {height:.2} re"));
            }
        }
        self.line(if role.is_stroked() { "S Q" } else { "f Q" });
    }
}

impl Drawing {
    fn pdf(&self) -> Vec<u8> {
        let mut content = Content { bytes: Vec::new(), height: self.height };
        for (role, form) in &self.shapes {
            content.shape(*role, form);
        }
        let mut bytes = content.bytes;
        let fonts = ["Helvetica", "Helvetica-Bold"].map(|name| {
            format!("<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>")
                .into_bytes()
        });
        let [regular, bold] = fonts;
        let page = format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {:.0} {:.0}] /Contents 4 0 R /Resources << /Font << /R 5 0 R /B 6 0 R >> \
             /ExtGState << /Band << /ca {BAND_OPACITY} >> >> >> >>",
            self.width, self.height
        );
        let mut stream = format!("<< /Length {} >>\nstream\n", bytes.len()).into_bytes();
        stream.append(&mut bytes);
        stream.extend_from_slice(b"endstream");
        let mut info = b"<< /Title ".to_vec();
        info.extend(string(&self.title));
        info.extend_from_slice(b" /Producer (potstill) >>");
        file(&[
            b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
            page.into_bytes(),
            stream,
            regular,
            bold,
            info,
        ])
    }
}

/// A file of numbered objects: the first is the catalogue, the last the information.
fn file(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (i, object) in objects.iter().enumerate() {
        let _ = writeln!(table, "{:010} 00000 n ", bytes.len());
        bytes.extend_from_slice(format!("{} 0 obj\n", i + 1).as_bytes());
        bytes.extend_from_slice(object);
        bytes.extend_from_slice(b"\nendobj\n");
    }
    let start = bytes.len();
    let (size, info) = (objects.len() + 1, objects.len());
    let trailer =
        format!("trailer\n<< /Size {size} /Root 1 0 R /Info {info} 0 R >>\nstartxref\n{start}\n%%EOF\n");
    bytes.extend_from_slice(table.as_bytes());
    bytes.extend_from_slice(trailer.as_bytes());
    bytes
}

impl LineChart {
    /// The chart as the bytes of a PDF file of one page.
    pub fn pdf(&self, size: Size) -> Vec<u8> {
        self.drawing(size).pdf()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Series;

    fn chart() -> LineChart {
        let points = vec![(0.0, 1.0), (1.0, 3.0), (2.0, 2.0)];
        let band = vec![(0.5, 1.5); 3];
        let named = |name: &str| Series { name: name.to_owned(), points: points.clone(), band: band.clone() };
        let title = "Return (mean) \\ \u{3b1}".to_owned();
        LineChart { title, series: vec![named("a"), named("b")], ..LineChart::default() }
    }

    #[test]
    fn letters_are_as_wide_as_in_the_font() {
        // 0.722 + 0.667 + 0.278 + 0.556 of the size.
        assert!((width("RA 0", 10.0) - 22.23).abs() < 1e-9);
        assert_eq!(string("(\u{e4}\u{3b1})\\"), b"(\\(\xe4?\\)\\\\)");
    }

    #[test]
    fn every_object_is_where_the_table_says_and_streams_are_as_long_as_told() {
        let bytes = chart().pdf(Size::fixed(400, 300));
        assert!(bytes.starts_with(b"%PDF-1.4\n") && bytes.ends_with(b"%%EOF\n"));
        let find = |needle: &[u8]| bytes.windows(needle.len()).rposition(|window| window == needle).unwrap();
        let text = |from: usize| String::from_utf8_lossy(&bytes[from..]).into_owned();
        let start: usize = text(find(b"startxref\n") + 10).lines().next().unwrap().parse().unwrap();
        let table = text(start);
        assert!(table.starts_with("xref\n0 8\n0000000000 65535 f \n"));
        for (i, entry) in table.lines().skip(3).take(7).enumerate() {
            let at: usize = entry[..10].parse().unwrap();
            assert!(text(at).starts_with(&format!("{} 0 obj\n<<", i + 1)), "{entry}");
        }
        let length = find(b"/Length ") + 8;
        let length: usize = text(length).split(' ').next().unwrap().parse().unwrap();
        assert_eq!(find(b"endstream") - (find(b">>\nstream\n") + 10), length);
        let content = text(find(b">>\nstream\n") + 10);
        // Bands before lines, both themes' dashes, and three marks on each line.
        assert!(content.rfind("/Band gs").unwrap() < content.rfind("[7 3] 0 d").unwrap());
        assert_eq!(content.matches("/Band gs").count(), 2);
        assert_eq!(content.matches(" c\n").count(), 2 * 3 * 4);
        assert!(content.contains("(Return \\(mean\\) \\\\ ?) Tj ET"), "{content}");
        assert!(String::from_utf8_lossy(&bytes).contains("/MediaBox [0 0 400 300]"));
        assert_eq!(bytes, chart().pdf(Size::fixed(400, 300)));
    }
}
