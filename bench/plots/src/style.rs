//! What all charts have in common.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Rectangle, Text};
use plotters::prelude::SVGBackend;
use plotters::style::{Color, IntoFont, RGBColor, TextStyle};
use std::error::Error;

/// Distinct also for those who see red and green alike (Okabe and Ito).
const COLOURS: [RGBColor; 8] = [
    RGBColor(120, 120, 120),
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(160, 140, 30),
];

pub const INK: RGBColor = RGBColor(51, 51, 51);
pub const FAINT: RGBColor = RGBColor(221, 221, 221);
pub const MISSED: RGBColor = RGBColor(213, 94, 0);
pub const MET: RGBColor = RGBColor(0, 114, 178);

pub const WIDTH: u32 = 860;

/// The colour of the `n`th server.
pub fn colour(n: usize) -> RGBColor {
    COLOURS[n % COLOURS.len()]
}

/// Text of so many pixels: plotters counts the height of a line, which is 1.24 times that.
pub fn text(pixels: i32) -> TextStyle<'static> {
    ("sans-serif", f64::from(pixels) * 1.24).into_font().color(&INK)
}

/// Draws title and legend into the first 84 pixels.
pub fn head<'a>(
    root: &DrawingArea<SVGBackend<'_>, Shift>,
    title: &str,
    names: impl Iterator<Item = &'a String>,
) -> Result<(), Box<dyn Error>> {
    root.draw(&Text::new(title.to_owned(), (16, 14), text(18)))?;
    let mut at = 16;
    for (i, name) in names.enumerate() {
        root.draw(&Rectangle::new([(at, 48), (at + 12, 60)], colour(i).filled()))?;
        root.draw(&Text::new(name.clone(), (at + 17, 48), text(12)))?;
        at += 40 + 7 * i32::try_from(name.chars().count())?;
    }
    Ok(())
}

/// Three digits that mean something.
pub fn digits(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// A range of powers of ten around all values.
pub fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.filter(|v| *v > 0.0).fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return (0.1, 10.0);
    }
    (10f64.powf(low.log10().floor()), 10f64.powf((high * 1.05).log10().ceil()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_hold_all_values() {
        let (low, high) = decades([0.0, 0.63, 27.7].into_iter());
        assert!((low - 0.1).abs() < 1e-9 && (high - 100.0).abs() < 1e-9);
    }
}
