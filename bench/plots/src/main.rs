//! Draws the charts that the runner describes.
//!
//! usage: `plots FOLDER < CHARTS`, where CHARTS is a JSON list of [`Chart`]; each becomes `FOLDER/<file>.svg`.

mod bars;
mod lines;
mod ratios;
mod style;

use serde::Deserialize;
use std::error::Error;
use std::path::Path;

#[derive(Deserialize)]
struct Chart {
    file: String,
    title: String,
    #[serde(flatten)]
    data: Data,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Data {
    Ratios(ratios::Ratios),
    Bars(bars::Bars),
    Lines(lines::Lines),
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: plots FOLDER < CHARTS")?;
    let charts: Vec<Chart> = serde_json::from_reader(std::io::stdin())?;
    for chart in charts {
        let file = Path::new(&folder).join(format!("{}.svg", chart.file));
        match &chart.data {
            Data::Ratios(ratios) => ratios.draw(&chart.title, &file)?,
            Data::Bars(bars) => bars.draw(&chart.title, &file)?,
            Data::Lines(lines) => lines.draw(&chart.title, &file)?,
        }
    }
    Ok(())
}
