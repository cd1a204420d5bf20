//! Sizes of charts.

use std::str::FromStr;

/// The size of a chart, in pixels of a page and points of paper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
    /// False if further rows of title and legend add to the height.
    pub(super) is_fixed: bool,
}

impl Size {
    /// The size on a page.
    pub const WIDE: Self = Self { width: 720.0, height: 320.0, is_fixed: false };
    /// The size on a page of a phone, whose letters are then as large as its text.
    pub const NARROW: Self = Self { width: 350.0, height: 290.0, is_fixed: false };

    /// A size of one's own.
    pub fn fixed(width: u16, height: u16) -> Self {
        Self { width: f64::from(width), height: f64::from(height), is_fixed: true }
    }

    /// The left end of the x axis.
    pub(super) fn left(self) -> f64 {
        if self.width < 500.0 { 56.0 } else { 64.0 }
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("size {text}: write WIDTHxHEIGHT, such as 720x320, from 240x160 to 4000x4000");
        let (width, height) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
        match (width.trim().parse(), height.trim().parse()) {
            (Ok(width @ 240..=4000), Ok(height @ 160..=4000)) => Ok(Self::fixed(width, height)),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_two_numbers() {
        assert_eq!("800x400".parse(), Ok(Size::fixed(800, 400)));
        for wrong in ["", "800", "800x", "800x400x2", "100x400", "800x99999", "-800x400"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }
}
