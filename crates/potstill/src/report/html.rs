//! The self-contained page: one file, no script, nothing fetched.

use super::{Block, Page, Table, escape};

/// Okabe and Ito's colours, which the colour-blind can tell apart, darker on light ground and lighter on dark.
const STYLE: &str = "
:root { color-scheme: light dark; --paper: #fdfdfb; --ink: #1d1f21; --faint: #5f6368; --rule: #dadce0; --panel: #f4f4f0;
  --c0: #0072b2; --c1: #c2500a; --c2: #00795a; --c3: #a04a86; --c4: #7a6200; --c5: #3a3a3a; }
@media (prefers-color-scheme: dark) { :root { --paper: #17191c; --ink: #e8e6e1; --faint: #a2a6ab; --rule: #3a3e44; --panel: #202327;
  --c0: #56b4e9; --c1: #e69f00; --c2: #2fc49b; --c3: #d89ac2; --c4: #f0e442; --c5: #c8c8c8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 56rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--rule); }
p { max-width: 44rem; margin: .5rem 0 1rem; } .lead { color: var(--faint); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .3rem 1.25rem .3rem 0; text-align: left; vertical-align: baseline; }
th { font-weight: 600; border-bottom: 1px solid var(--rule); } .number { text-align: right; }
pre { background: var(--panel); padding: .75rem 1rem; overflow-x: auto; font: .85rem/1.4 ui-monospace, monospace; border-radius: 4px; }
figure { margin: 1rem 0; } svg { display: block; width: 100%; height: auto; }
.row { display: flex; flex-wrap: wrap; gap: 1rem; align-items: center; } .row > * { flex: 1 1 18rem; min-width: 0; }
.row > .small { flex: 0 0 9rem; } figcaption { color: var(--faint); font-size: .85rem; }
.title { font-weight: 600; font-size: 15px; } text { fill: var(--ink); font-family: system-ui, sans-serif; }
.tick { font-size: 13px; fill: var(--faint); } .grid { stroke: var(--rule); } .axis { stroke: var(--faint); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; } .band { opacity: .18; stroke: none; }
.s0 { stroke: var(--c0); } .s1 { stroke: var(--c1); stroke-dasharray: 7 3; } .s2 { stroke: var(--c2); stroke-dasharray: 2 3; }
.s3 { stroke: var(--c3); stroke-dasharray: 9 3 2 3; } .s4 { stroke: var(--c4); stroke-dasharray: 12 4; } .s5 { stroke: var(--c5); }
.band, .bar, .dot { stroke: none; } .band.s0, .bar.s0, .dot.s0 { fill: var(--c0); } .band.s1, .bar.s1, .dot.s1 { fill: var(--c1); }
.band.s2, .bar.s2, .dot.s2 { fill: var(--c2); } .band.s3, .bar.s3, .dot.s3 { fill: var(--c3); }
.band.s4, .bar.s4, .dot.s4 { fill: var(--c4); } .band.s5, .bar.s5, .dot.s5 { fill: var(--c5); }
.paper { fill: var(--panel); } .ink { fill: var(--ink); }
";

impl Page {
    /// The page as one HTML document, light or dark as the reader's system is.
    pub fn html(&self) -> String {
        let blocks: String = self.blocks.iter().map(block).collect();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p class=\"lead\">{lead}</p>\n{blocks}</body>\n</html>\n",
            title = escape(&self.title),
            lead = escape(&self.lead),
        )
    }
}

fn block(block: &Block) -> String {
    match block {
        Block::Heading(text) => format!("<h2>{}</h2>\n", escape(text)),
        Block::Text(text) => format!("<p>{}</p>\n", escape(text)),
        Block::Plain(text) => format!("<pre>{}</pre>\n", escape(text)),
        Block::Lines(chart) => format!("<figure>{}</figure>\n", chart.svg()),
        Block::Bars(chart) => format!("<figure>{}</figure>\n", chart.svg()),
        Block::Picture(picture) => format!(
            "<figure class=\"small\">{}<figcaption>{}</figcaption></figure>\n",
            picture.svg(),
            escape(&picture.title)
        ),
        Block::Table(table) => format!("<div class=\"scroll\">{}</div>\n", table_html(table)),
        Block::Row(blocks) => {
            format!("<div class=\"row\">\n{}</div>\n", blocks.iter().map(self::block).collect::<String>())
        }
    }
}

fn table_html(table: &Table) -> String {
    let row = |tag: &str, cells: &[String]| {
        let cells = cells.iter().enumerate().map(|(i, cell)| {
            let class = if table.is_numeric(i) { " class=\"number\"" } else { "" };
            format!("<{tag}{class}>{}</{tag}>", escape(cell))
        });
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    let rows: String = table.rows.iter().map(|cells| row("td", cells)).collect();
    format!("<table>\n{}{rows}</table>", row("th", &table.head))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{BarChart, LineChart, Picture, Series};

    /// Every element that is opened is closed, in order.
    fn check_balanced(html: &str) {
        const EMPTY: [&str; 2] = ["meta", "!doctype"];
        let mut open: Vec<&str> = Vec::new();
        for tag in html.split('<').skip(1) {
            let (inside, _) = tag.split_once('>').expect("a tag that ends");
            let name = inside.split([' ', '/']).find(|part| !part.is_empty()).expect("a tag with a name");
            if inside.starts_with('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !inside.ends_with('/') && !EMPTY.contains(&name) {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    #[test]
    fn every_block_is_escaped_and_balanced_and_nothing_is_fetched() {
        let evil = || "<script>alert(\"1 & 2\")</script>".to_owned();
        let line =
            Series { name: evil(), points: vec![(0.0, f64::NAN), (1.0, 2.0)], band: vec![(0.0, 1.0); 2] };
        let chart = LineChart {
            title: evil(),
            x_label: evil(),
            y_label: evil(),
            series: vec![line, Series::default()],
            y_range: None,
        };
        let bars = BarChart {
            title: evil(),
            categories: vec![evil(), evil()],
            series: vec![(evil(), vec![1.0, f64::NAN]), (evil(), vec![])],
            ..BarChart::default()
        };
        let picture = Picture { title: evil(), width: 2, values: vec![0.0, 1.0, 0.5, 7.0] };
        let table = Table { head: vec![evil(), evil()], rows: vec![vec![evil(), "1".to_owned()]] };
        let row = Block::Row(vec![Block::Picture(picture), Block::Bars(bars)]);
        let blocks = vec![
            Block::Heading(evil()),
            Block::Text(evil()),
            Block::Plain(evil()),
            Block::Lines(chart),
            row,
            Block::Table(table),
        ];
        let html = Page { title: evil(), lead: evil(), blocks }.html();
        check_balanced(&html);
        assert!(!html.contains("<script"), "unescaped");
        assert!(!html.contains("http") && !html.contains("url(") && !html.contains("NaN"));
        assert!(html.contains("&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt;"));
    }
}
