//! Horizontal bars on a logarithmic axis, in groups: one group a scenario, one bar a server.

use crate::style::{FAINT, WIDTH, colour, decades, digits, head, text};
use plotters::element::{PathElement, Rectangle, Text};
use plotters::prelude::{IntoDrawingArea, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, WHITE};
use serde::Deserialize;
use std::error::Error;
use std::path::Path;

#[derive(Deserialize)]
pub struct Bars {
    unit: String,
    groups: Vec<String>,
    series: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    name: String,
    /// One a group; nothing where the server was not measured.
    values: Vec<Option<f64>>,
}

const TOP: i32 = 84;
const BAR: i32 = 13;
const GAP: i32 = 16;
const LEFT: i32 = 230;
const RIGHT: i32 = 70;

impl Bars {
    pub fn draw(&self, title: &str, file: &Path) -> Result<(), Box<dyn Error>> {
        let (groups, series) = (i32::try_from(self.groups.len())?, i32::try_from(self.series.len())?);
        let group = series * BAR + GAP;
        let bottom = TOP + groups * group;
        let root = SVGBackend::new(file, (WIDTH, u32::try_from(bottom + 44)?)).into_drawing_area();
        root.fill(&WHITE)?;
        head(&root, title, self.series.iter().map(|series| &series.name))?;

        let (from, to) = decades(self.series.iter().flat_map(|s| s.values.iter().flatten().copied()));
        let width = f64::from(WIDTH as i32 - LEFT - RIGHT);
        let x = |value: f64| LEFT + ((value / from).log10() / (to / from).log10() * width) as i32;
        let mut tick = from;
        while tick <= to * 1.001 {
            root.draw(&PathElement::new([(x(tick), TOP - 6), (x(tick), bottom)], FAINT))?;
            let centred = text(12).pos(Pos::new(HPos::Center, VPos::Top));
            root.draw(&Text::new(format!("{tick}"), (x(tick), bottom + 4), centred))?;
            tick *= 10.0;
        }
        for (name, (n, top)) in self.groups.iter().zip((0..).map(|n| (n, TOP + group * n as i32))) {
            let right = text(13).pos(Pos::new(HPos::Right, VPos::Center));
            root.draw(&Text::new(name.clone(), (LEFT - 12, top + series * BAR / 2), right))?;
            for (i, (series, y)) in self.series.iter().zip((0..).map(|i| top + BAR * i)).enumerate() {
                let Some(value) = series.values.get(n).copied().flatten().filter(|value| *value > 0.0) else {
                    continue;
                };
                root.draw(&Rectangle::new([(LEFT, y), (x(value), y + BAR - 2)], colour(i).filled()))?;
                let left = text(11).pos(Pos::new(HPos::Left, VPos::Center));
                root.draw(&Text::new(digits(value), (x(value) + 5, y + BAR / 2), left))?;
            }
        }
        let right = text(12).pos(Pos::new(HPos::Right, VPos::Top));
        root.draw(&Text::new(format!("{}, logarithmic", self.unit), (WIDTH as i32 - 16, bottom + 22), right))?;
        Ok(root.present()?)
    }
}
