//! Lines: a figure by a number, both on logarithmic axes.

use crate::style::{FAINT, WIDTH, colour, decades, head, text};
use plotters::chart::ChartBuilder;
use plotters::element::Circle;
use plotters::prelude::{IntoDrawingArea, IntoLogRange, SVGBackend};
use plotters::series::LineSeries;
use plotters::style::{Color, WHITE};
use serde::Deserialize;
use std::error::Error;
use std::path::Path;

#[derive(Deserialize)]
pub struct Lines {
    unit: String,
    axis: String,
    series: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    name: String,
    points: Vec<(f64, f64)>,
}

impl Lines {
    pub fn draw(&self, title: &str, file: &Path) -> Result<(), Box<dyn Error>> {
        let root = SVGBackend::new(file, (WIDTH, 460)).into_drawing_area();
        root.fill(&WHITE)?;
        head(&root, title, self.series.iter().map(|series| &series.name))?;
        let points = || self.series.iter().flat_map(|series| &series.points);
        let (left, right) = points().fold((f64::MAX, f64::MIN), |(l, r), (x, _)| (l.min(*x), r.max(*x)));
        let (low, high) = decades(points().map(|(_, y)| *y));
        let mut chart = ChartBuilder::on(&root)
            .margin(14)
            .margin_top(84)
            .x_label_area_size(44)
            .y_label_area_size(58)
            .build_cartesian_2d((left * 0.9..right * 1.1).log_scale(), (low..high).log_scale())?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(FAINT)
            .x_desc(format!("{}, logarithmic", self.axis))
            .y_desc(format!("{}, logarithmic", self.unit))
            .x_label_formatter(&|x| format!("{x}"))
            .y_label_formatter(&|y| format!("{y}"))
            .label_style(text(12))
            .draw()?;
        for (i, series) in self.series.iter().enumerate() {
            let line = LineSeries::new(series.points.clone(), colour(i).stroke_width(2));
            chart.draw_series(line)?;
            chart.draw_series(series.points.iter().map(|point| Circle::new(*point, 4, colour(i).filled())))?;
        }
        Ok(root.present()?)
    }
}
