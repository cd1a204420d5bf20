//! The report in a real browser: set `POTSTILL_CHROMIUM` to a Chromium or Chrome to run it.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use potstill::report::{BarChart, Block, GreyImage, LineChart, Page, Series, Table};

fn page() -> Page {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let series = |i: usize| {
        let mean = |x: f64| 200.0 * (1.0 - (-x / (8.0 + 4.0 * i as f64)).exp()) - 25.0 * i as f64;
        let points: Vec<(f64, f64)> = (0..60).map(|x| (f64::from(x) * 500.0, mean(f64::from(x)))).collect();
        let band = points.iter().map(|(_, y)| (y - 15.0, y + 15.0)).collect();
        Series { name: format!("student <{i}> & teacher"), points, band }
    };
    let lines = |count| LineChart {
        title: format!("Return of {count} students"),
        x_label: "environment steps".to_owned(),
        y_label: "return".to_owned(),
        series: (0..count).map(series).collect(),
        y_range: None,
    };
    let bars = BarChart {
        title: "Digits".to_owned(),
        x_label: "digit".to_owned(),
        y_label: "probability".to_owned(),
        categories: texts(&["0", "1", "2", "3"]),
        series: vec![
            ("hard".to_owned(), vec![0.0, 1.0, 0.0, 0.0]),
            ("soft".to_owned(), vec![0.1, 0.6, 0.2, 0.1]),
        ],
    };
    let image = GreyImage {
        title: "A diagonal".to_owned(),
        width: 8,
        values: (0..64).map(|i| if i % 9 == 0 { 1.0 } else { 0.1 }).collect(),
    };
    let table = Table {
        head: texts(&["algorithm", "return"]),
        rows: vec![texts(&["dqn", "195.2"]), texts(&["random", "-22.1"])],
    };
    Page {
        title: "Every block".to_owned(),
        lead: "As a browser sees it.".to_owned(),
        blocks: vec![
            Block::Heading("Charts".to_owned()),
            Block::Text(
                "One with room, one with as many lines as there are colours, and one more.".to_owned(),
            ),
            Block::Lines(lines(2)),
            Block::Lines(lines(7)),
            Block::Row(vec![Block::Image(image), Block::Bars(bars)]),
            Block::Table(table),
            Block::Plain("seed = 0\n".to_owned()),
        ],
    }
}

/// Runs the browser without a window, and returns its output.
fn browse<const N: usize>(browser: &OsStr, home: &Path, arguments: [&str; N]) -> String {
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"])
        .args(["--virtual-time-budget=2000", "--hide-scrollbars", "--window-size=1000,1800"])
        .arg(format!("--user-data-dir={}", home.join("profile").display()))
        .args(arguments)
        .arg(format!("file://{}", home.join("page.html").display()))
        .current_dir(home)
        .output()
        .expect("the browser that POTSTILL_CHROMIUM names starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let console: Vec<&str> = errors.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(console.is_empty(), "the page has no script and should cause no message: {console:?}");
    String::from_utf8(output.stdout).expect("a page in UTF-8")
}

/// The colour in the corner of a screenshot.
fn ground(screenshot: &Path) -> [u8; 3] {
    let file = std::io::BufReader::new(fs::File::open(screenshot).expect("a screenshot"));
    let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
    let mut buffer = vec![0; reader.output_buffer_size().expect("a size")];
    reader.next_frame(&mut buffer).expect("a picture");
    [buffer[0], buffer[1], buffer[2]]
}

#[test]
#[ignore = "needs Chromium"]
fn a_browser_shows_every_block_light_and_dark() {
    let Some(browser) = env::var_os("POTSTILL_CHROMIUM") else {
        eprintln!("NOT RUN: POTSTILL_CHROMIUM names no browser.");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("page.html"), page().html()).unwrap();
    let check = |theme: &[&str; 2], paper: [u8; 3]| {
        let [force, scheme] = *theme;
        let dom = browse(&browser, home.path(), [force, scheme, "--dump-dom"]);
        let (narrow, pictures): (Vec<&str>, Vec<&str>) =
            dom.split("<svg").skip(1).partition(|svg| svg.starts_with(" class=\"narrow\""));
        // Each chart is there for phones too, and not shown here.
        assert_eq!((narrow.len(), pictures.len()), (3, 4), "{dom}");
        let count = |svg: &str, shape: &str| svg.matches(shape).count();
        for (svg, lines) in pictures.iter().zip([2, 7]) {
            // A sample in the legend and the line itself.
            assert_eq!(count(svg, "<polyline class=\"line "), 2 * lines, "{svg}");
            assert_eq!(count(svg, "<polygon class=\"band "), lines, "{svg}");
            assert_eq!(count(svg, "points=\"\""), 0, "{svg}");
        }
        assert_eq!(count(pictures[2], "<rect class=\"ink\""), 64);
        assert_eq!(count(pictures[3], "<rect class=\"bar "), 2 + 8);
        assert!(dom.contains("student &lt;0&gt; &amp; teacher"), "{dom}");
        browse(&browser, home.path(), [force, scheme, "--screenshot=page.png"]);
        assert_eq!(ground(&home.path().join("page.png")), paper, "{theme:?}");
    };
    check(&["--blink-settings=preferredColorScheme=1", "--lang=en"], [0xfd, 0xfd, 0xfb]);
    check(&["--force-dark-mode", "--blink-settings=preferredColorScheme=0"], [0x17, 0x19, 0x1c]);
}
