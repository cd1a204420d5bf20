//! A table of flowers, models that have learned them, and what commands on them say.

use super::potstill;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Flowers about the means of Fisher's three species, an equal number of each.
pub(crate) fn flowers(rows: usize, names: [&str; 3]) -> String {
    let means = [[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.6, 2.0]];
    let row = |i: usize| {
        let by = (i * 7 % 13) as f64 / 20.0 - 0.3;
        let numbers = means[i % 3].iter().zip([1.0, 0.5, 0.6, 0.3]).map(|(mean, share)| mean + by * share);
        let numbers: Vec<String> = numbers.map(|x| format!("{x:.2}")).collect();
        format!("{},{}\n", numbers.join(","), names[i % 3])
    };
    format!("sl,sw,pl,pw,species\n{}", (0..rows).map(row).collect::<String>())
}

pub(crate) const SPECIES: [&str; 3] = ["setosa", "versicolor", "virginica"];

/// A folder with the flowers, and models of scikit-learn and others that have learned Fisher's.
pub(crate) fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("flowers.csv"), flowers(120, SPECIES)).unwrap();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/onnx");
    for name in ["sk-forest", "sk-boosting", "sk-mlp-two", "sk-regression", "xgboost", "pt-images"] {
        fs::copy(models.join(name).with_extension("onnx"), dir.path().join(format!("{name}.onnx"))).unwrap();
    }
    fs::copy(models.join("pt-images.onnx.data"), dir.path().join("pt-images.onnx.data")).unwrap();
    dir
}

/// The line of an error, or of the first warning; none if there is neither.
pub(crate) fn told(dir: &Path, arguments: &str, code: i32) -> String {
    let output = potstill(dir, arguments);
    let lines = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments}: {lines}");
    lines
        .lines()
        .find(|line| line.starts_with("warning") || line.starts_with("error"))
        .unwrap_or("")
        .to_owned()
}

/// Runs a command, which must be refused with these words, and leave `FILE` as it was.
pub(crate) fn refused(dir: &Path, arguments: &str, expected: &str, file: &str) {
    let before = fs::read(dir.join(file)).unwrap();
    let output = potstill(dir, arguments);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments}: {told}");
    assert!(told.contains(expected) && told.lines().count() == 1, "{arguments}: {told}");
    assert!(fs::read(dir.join(file)).unwrap() == before, "{arguments}: {file} has changed");
}
