//! The files of a reproduction: the same request gives the same bytes, on any machine and with any number of threads.

use super::finished::RAW;
use super::result::{Claim, Column, Reproduction};
use crate::store::names;

/// The page with the setting and the claims.
const README: &str = "README.md";

/// Names and texts of all files of the folder.
pub(super) fn files(of: &Reproduction) -> Vec<(String, String)> {
    let mut summary = of.json();
    // The only entry that depends on where the folder is.
    summary.as_object_mut().expect("it is an object").shift_remove("out");
    let mut files = vec![
        (README.to_owned(), readme(of)),
        (RAW.to_owned(), raw(of)),
        (names::SUMMARY.to_owned(), format!("{summary:#}\n")),
        (names::REPORT.to_owned(), of.page().html()),
    ];
    let figures = of.charts.iter().enumerate().map(|(i, chart)| (figure(i), chart.svg_file()));
    files.extend(figures);
    files.extend(of.maps.iter().enumerate().map(|(i, map)| (map_file(i), map.svg_file())));
    files
}

fn map_file(i: usize) -> String {
    if i == 0 { "map.svg".to_owned() } else { format!("map-{}.svg", i + 1) }
}

fn figure(i: usize) -> String {
    if i == 0 { "figure.svg".to_owned() } else { format!("figure-{}.svg", i + 1) }
}

/// The page in Markdown.
fn readme(of: &Reproduction) -> String {
    let Reproduction { name, source, setting, runs, seed, note, .. } = of;
    let charts = of.charts.iter().enumerate().map(|(i, chart)| format!("![{}]({})", chart.title, figure(i)));
    let maps = of.maps.iter().enumerate().map(|(i, map)| format!("![{}]({})", map.title, map_file(i)));
    let figures: Vec<String> = charts.chain(maps).collect();
    let held: Vec<_> = of.claims.iter().filter(|claim| !claim.is_open()).collect();
    let agreeing = held.iter().filter(|claim| claim.agrees()).count();
    let rule = if held.is_empty() {
        "The intervals are 95 % intervals of the mean over seeds; a number without one is the same for every seed."
    } else if of.claims.iter().any(|claim| claim.is_reach) {
        "A claim agrees if the value itself is in the expected range; the interval is its 95 % interval over seeds."
    } else {
        "A claim agrees if the 95 % interval of the mean over seeds meets the expected range; a number without an interval is \
         computed, or the same for every seed."
    };
    let rest = if !of.maps.is_empty() {
        "; the figures show means over the same runs, single runs, or what is computed, as the note says"
    } else if of.beside.is_empty() {
        "; the figure's curves are means over the same runs"
    } else {
        ", then those of the last models and of the evaluations that the figures are drawn from"
    };
    let parts = [
        format!("# {name}: {source}"),
        "Written by the command, not by hand:".to_owned(),
        format!("```sh\n{}\n```", of.command()),
        format!(
            "{runs} runs of each algorithm, with the seeds {seed} to {}. Setting: {setting}.",
            seed.wrapping_add(*runs as u64).wrapping_sub(1)
        ),
        table(of),
        match held.len() {
            0 => format!("Nobody has published these numbers, against which they could be held. {rule}"),
            claims => format!("{agreeing} of {claims} claims agree. {rule}"),
        },
        (*note).to_owned(),
        figures.join("\n\n"),
        format!(
            "`raw.csv` has one row per seed and one column per drawn number: the values that the claims were measured from{rest}. \
             `summary.json` has the table with all digits."
        ),
    ];
    parts.map(|part| wrapped(&part)).join("\n\n") + "\n"
}

/// The claims as a Markdown table.
fn table(of: &Reproduction) -> String {
    let row = |cells: [&str; 5]| format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    let table = of.table();
    let rows = table.rows.iter().map(|cells| match &cells[..] {
        [what, measured, expected, from, verdict] => row([what, expected, from, measured, verdict]),
        _ => unreachable!("a claim has five cells"),
    });
    let head = row(["claim", "expected", "from", "measured [95 %]", "verdict"]) + "|---|---|---|---|---|\n";
    (head + &rows.collect::<String>()).trim_end().to_owned()
}

/// Prose in lines of at most 110 characters; tables and code as they are.
fn wrapped(text: &str) -> String {
    if ["#", "|", "```", "!["].iter().any(|mark| text.starts_with(mark)) {
        return text.to_owned();
    }
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is one");
        if line.is_empty() {
            *line += word;
        } else if line.chars().count() + 1 + word.chars().count() <= 110 {
            *line += " ";
            *line += word;
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}

/// A row for each seed, a column for each number that was drawn.
fn raw(of: &Reproduction) -> String {
    let drawn = |claim: &&Claim| !claim.values.is_empty();
    let column = |claim: &Claim| Column { name: claim.what.clone(), values: claim.values.clone() };
    let columns: Vec<Column> =
        of.claims.iter().filter(drawn).map(column).chain(of.beside.iter().cloned()).collect();
    let mut text = "seed".to_owned();
    for Column { name, .. } in &columns {
        text += &format!(",\"{}\"", name.replace('"', "\"\""));
    }
    for run in 0..of.runs {
        text += &format!("\n{}", of.seed.wrapping_add(run as u64));
        for Column { values, .. } in &columns {
            text += &format!(",{}", digits(values[run]));
        }
    }
    text + "\n"
}

/// The shortest digits that read back as the same number, without a zero before the point; nothing for NaN.
fn digits(value: f64) -> String {
    if value.is_nan() {
        return String::new();
    }
    let text = value.to_string();
    if value.abs() < 1.0 { text.replacen("0.", ".", 1) } else { text }
}

#[cfg(test)]
mod tests {
    use super::super::result::nowhere;
    use super::*;
    use crate::report::{GridChart, LineChart};
    use crate::train::statistics::Estimate;

    fn small() -> Reproduction {
        let measured = Estimate { value: 0.5, interval: Some((0.25, 0.75)) };
        let drawn = |what: &str, values: &[f64]| Claim {
            measured,
            values: values.to_vec(),
            ..Claim::computed(what, (0.4, 0.6), "a book", 0.5)
        };
        Reproduction {
            name: "small",
            source: "a test",
            setting: "none".to_owned(),
            runs: 2,
            seed: 7,
            claims: vec![
                drawn("a, \"b\" | c", &[0.25, 0.75]),
                Claim::computed("d", (1.0, 1.0), "by hand", 2.0),
                drawn("e", &[f64::NAN, -0.5]),
            ],
            beside: vec![Column { name: "f".to_owned(), values: vec![3.0, 1e-7] }],
            charts: vec![LineChart {
                title: "A figure".to_owned(),
                x_label: "x".to_owned(),
                y_label: "y".to_owned(),
                series: Vec::new(),
                y_range: None,
            }],
            maps: Vec::new(),
            note: "A note.",
            data: None,
            out: nowhere(),
        }
    }

    #[test]
    fn raw_numbers_have_a_row_per_seed_and_a_column_per_drawn_number() {
        assert_eq!(raw(&small()), "seed,\"a, \"\"b\"\" | c\",\"e\",\"f\"\n7,.25,,3\n8,.75,-.5,.0000001\n");
    }

    #[test]
    fn the_page_has_command_seeds_table_and_figure() {
        let text = readme(&small());
        for part in [
            "# small: a test\n",
            "```sh\npotstill reproduce small --runs 2 --seed 7\n```\n",
            "seeds 7 to 8.",
            "\n| a, \"b\" \\| c | 0.400 to 0.600 | a book | 0.500 [0.250, 0.750] | agrees |\n",
            "\n| d | 1.00 | by hand | 2.00 | differs |\n",
            "2 of 3 claims agree.",
            "\n\nA note.\n\n![A figure](figure.svg)\n\n",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        let is_long = |line: &&str| line.chars().count() > 110 && !line.starts_with('|');
        assert_eq!(text.lines().find(is_long), None);
    }

    #[test]
    fn maps_are_files_beside_the_figures() {
        let map = |title: &str| GridChart { title: title.to_owned(), columns: 1, ..GridChart::default() };
        let of = Reproduction { maps: vec![map("A map"), map("Another")], ..small() };
        assert!(
            readme(&of).contains("![A figure](figure.svg)\n\n![A map](map.svg)\n\n![Another](map-2.svg)\n")
        );
        let names: Vec<String> = files(&of).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names[4..], ["figure.svg", "map.svg", "map-2.svg"]);
    }

    #[test]
    fn no_file_depends_on_the_folder() {
        let there = Reproduction { out: "somewhere/else".into(), ..small() };
        assert_eq!(files(&small()), files(&there));
        let names: Vec<String> = files(&there).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["README.md", "raw.csv", "summary.json", "report.html", "figure.svg"]);
    }
}
