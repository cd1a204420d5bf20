//! Self-contained HTML pages: one file, no scripts, no external resources.

use super::style::{DARK, LIGHT, Theme, chart_style};
use super::{Block, Page, Table, escape};

/// The style sheet without colours, which precede it, and charts, which follow it.
const STYLE: &str = "\
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
.narrow { display: none; }
@media (max-width: 34rem) { .wide { display: none; } .narrow { display: block; }
  table { font-size: .8rem; } th, td { padding-right: .6rem; } }
.row { display: flex; flex-wrap: wrap; gap: 1rem; align-items: center; } .row > * { flex: 1 1 18rem; min-width: 0; }
.charts > * { max-width: 26rem; } .charts .wide { display: none; } .charts .narrow { display: block; }
.row > .small { flex: 0 0 9rem; } figcaption { color: var(--faint); font-size: .85rem; }
";

fn style() -> String {
    let colours = |theme: &Theme| {
        let Theme { paper, ink, faint, rule, panel, .. } = theme;
        format!(
            "--paper: #{paper:06x}; --ink: #{ink:06x}; --faint: #{faint:06x}; --rule: #{rule:06x}; --panel: #{panel:06x};"
        )
    };
    format!(
        "\n:root {{ color-scheme: light dark; {} }}\n\
         @media (prefers-color-scheme: dark) {{ :root {{ {} }} }}\n{STYLE}{}",
        colours(&LIGHT),
        colours(&DARK),
        chart_style()
    )
}

impl Page {
    /// The page as one HTML document, light or dark by the reader's preference.
    pub fn html(&self) -> String {
        let blocks: String = self.blocks.iter().map(block).collect();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
             <style>{style}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p class=\"lead\">{lead}</p>\n{blocks}</body>\n</html>\n",
            title = escape(&self.title),
            lead = escape(&self.lead),
            style = style(),
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
        Block::Grid(chart) => {
            format!(
                "<figure class=\"scroll\">{}<figcaption>{}</figcaption></figure>\n",
                chart.svg(),
                escape(&chart.title)
            )
        }
        Block::Image(image) => format!(
            "<figure class=\"small\">{}<figcaption>{}</figcaption></figure>\n",
            image.svg(),
            escape(&image.title)
        ),
        Block::Table(table) => format!("<div class=\"scroll\">{}</div>\n", table_html(table)),
        Block::Row(blocks) => {
            // Charts beside each other are narrow ones.
            let are_charts = blocks.iter().all(|block| matches!(block, Block::Lines(_) | Block::Bars(_)));
            let class = if are_charts && blocks.len() > 1 { "row charts" } else { "row" };
            format!("<div class=\"{class}\">\n{}</div>\n", blocks.iter().map(self::block).collect::<String>())
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
    use crate::report::tests::check_well_formed;
    use crate::report::{BarChart, GreyImage, GridChart, LineChart, Series, Square};

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
        let image = GreyImage { title: evil(), width: 2, values: vec![0.0, 1.0, 0.5, 7.0] };
        let square =
            Square { value: Some(1.0), arrow: Some("<".to_owned()), letter: Some('&'), is_wall: true };
        let grid = GridChart {
            title: evil(),
            columns: 1,
            squares: vec![square],
            is_count: true,
            row_names: vec![evil()],
            column_names: vec![evil()],
            labels: [evil(), evil()],
        };
        let table = Table { head: vec![evil(), evil()], rows: vec![vec![evil(), "1".to_owned()]] };
        let row = Block::Row(vec![Block::Image(image), Block::Bars(bars)]);
        let blocks = vec![
            Block::Heading(evil()),
            Block::Text(evil()),
            Block::Plain(evil()),
            Block::Lines(chart),
            Block::Grid(grid),
            row,
            Block::Table(table),
        ];
        let html = Page { title: evil(), lead: evil(), blocks }.html();
        check_well_formed(&html);
        assert!(!html.contains("<script"), "unescaped");
        assert!(!html.contains("http") && !html.contains("url(") && !html.contains("NaN"));
        assert!(html.contains("&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt;"));
    }
}
