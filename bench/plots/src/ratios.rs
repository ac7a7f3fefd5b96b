//! Ratios: a dot for the median, a line for the interval, a tick for the limit.

use crate::style::{FAINT, INK, MET, MISSED, WIDTH, digits, text};
use plotters::element::{Circle, PathElement, Text};
use plotters::prelude::{IntoDrawingArea, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, WHITE};
use serde::Deserialize;
use std::error::Error;
use std::path::Path;

#[derive(Deserialize)]
pub struct Ratios {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    label: String,
    value: f64,
    low: f64,
    high: f64,
    limit: Option<f64>,
}

const TOP: i32 = 56;
const ROW: i32 = 24;
const LEFT: i32 = 270;
const RIGHT: i32 = 70;

impl Ratios {
    pub fn draw(&self, title: &str, file: &Path) -> Result<(), Box<dyn Error>> {
        let rows = i32::try_from(self.rows.len())?;
        let bottom = TOP + ROW * rows;
        let root = SVGBackend::new(file, (WIDTH, u32::try_from(bottom + 56)?)).into_drawing_area();
        root.fill(&WHITE)?;
        root.draw(&Text::new(title.to_owned(), (16, 14), text(18)))?;
        let most = self.rows.iter().flat_map(|row| [row.high, row.limit.unwrap_or(0.0)]).fold(1.5, f64::max);
        let least = self.rows.iter().map(|row| row.low).fold(0.8, f64::min);
        let (from, to) = ((least * 10.0).floor() / 10.0, (most * 10.0).ceil() / 10.0);
        let width = WIDTH as i32 - LEFT - RIGHT;
        let x = |ratio: f64| LEFT + ((ratio - from) / (to - from) * f64::from(width)) as i32;

        let step = if to - from > 2.0 { 0.5 } else { 0.1 };
        let mut tick = (from / step).ceil() * step;
        while tick <= to + 1e-9 {
            let at = x(tick);
            let colour = if (tick - 1.0).abs() < 1e-9 { INK } else { FAINT };
            root.draw(&PathElement::new([(at, TOP - 8), (at, bottom)], colour))?;
            let centred = text(12).pos(Pos::new(HPos::Center, VPos::Top));
            root.draw(&Text::new(format!("{tick:.1}"), (at, bottom + 6), centred))?;
            tick += step;
        }
        for (row, y) in self.rows.iter().zip((0..).map(|n| TOP + ROW * n + ROW / 2)) {
            let missed = row.limit.is_some_and(|limit| row.value > limit);
            let colour = if missed { MISSED } else { MET };
            let right = text(13).pos(Pos::new(HPos::Right, VPos::Center));
            root.draw(&Text::new(row.label.clone(), (LEFT - 12, y), right))?;
            root.draw(&PathElement::new([(x(row.low), y), (x(row.high), y)], colour.stroke_width(2)))?;
            root.draw(&Circle::new((x(row.value), y), 5, colour.filled()))?;
            if let Some(limit) = row.limit {
                root.draw(&PathElement::new([(x(limit), y - 8), (x(limit), y + 8)], INK.stroke_width(2)))?;
            }
            let left = text(12).pos(Pos::new(HPos::Left, VPos::Center));
            root.draw(&Text::new(digits(row.value), (WIDTH as i32 - RIGHT + 12, y), left))?;
        }
        let legend = "dot: median; line: its 95% interval; tick: the target";
        root.draw(&Text::new(legend, (LEFT, bottom + 28), text(12)))?;
        Ok(root.present()?)
    }
}
