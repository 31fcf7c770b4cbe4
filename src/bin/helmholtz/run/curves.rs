//! `curves.svg`: every figure of a run over its epochs, a panel each.

use super::metrics_table::{MetricsTable, Row};
use crate::cli::Failure;
use crate::pictures::Axis;
use helmholtz::storage::write_atomic;
use plotters::prelude::*;
use std::path::Path;

const PANEL: (u32, u32) = (420, 240);
const COLUMNS: usize = 2;
/// Up to so many evaluations each is marked: a line of one or two points is hard to see.
const MARKED: usize = 10;
const BLUE: RGBColor = RGBColor(33, 102, 172);

/// Draws the curves of `table` into the file `path`.
pub fn save(table: &MetricsTable, path: &Path) -> Result<(), Failure> {
    let mut text = String::new();
    draw(table, &mut text).map_err(|error| Failure::new(error.to_string()).about(path.display()))?;
    Ok(write_atomic(path, |file| file.write_all(text.as_bytes()))?)
}

fn draw(table: &MetricsTable, text: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let rows = table.names().len().div_ceil(COLUMNS).max(1);
    let size = (PANEL.0 * COLUMNS as u32, PANEL.1 * rows as u32);
    let area = SVGBackend::with_string(text, size).into_drawing_area();
    area.fill(&WHITE)?;
    // A run of less than an epoch has its updates to show.
    let last = table.rows().last();
    let in_steps = last.is_some_and(|row| row.epoch == 0);
    let time = |row: &Row| if in_steps { row.step } else { row.epoch } as f64;
    for (name, panel) in table.names().iter().zip(area.split_evenly((rows, COLUMNS))) {
        let points: Vec<(f64, f64)> = table
            .rows()
            .iter()
            .filter_map(|row| Some((time(row), *row.figures.get(name)?)))
            .filter(|(_, value)| value.is_finite())
            .collect();
        let times = Axis::of_counts(last.map_or(0.0, time));
        let values = Axis::of_values(points.iter().map(|(_, value)| *value));
        let mut chart = ChartBuilder::on(&panel)
            .caption(name.replace('_', " "), ("sans-serif", 16))
            .margin(10)
            .x_label_area_size(36)
            .y_label_area_size(60)
            .build_cartesian_2d(times, values)?;
        chart
            .configure_mesh()
            .x_desc(if in_steps { "update" } else { "epoch" })
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(225, 225, 225))
            .draw()?;
        if points.len() <= MARKED {
            chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, BLUE.filled())))?;
        }
        chart.draw_series(LineSeries::new(points, BLUE.stroke_width(2)))?;
    }
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_has_a_panel() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("curves.svg");
        let mut table = MetricsTable::default();
        for epoch in 1..5 {
            let figures = [("pseudo_likelihood".to_owned(), -20.0 + epoch as f64), ("dead".to_owned(), 0.0)];
            table.push(epoch, epoch * 10, figures.into_iter());
        }
        save(&table, &path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("pseudo likelihood") && text.contains("dead") && text.contains("</svg>"));
        save(&MetricsTable::default(), &path).unwrap();
    }

    #[test]
    fn a_single_evaluation_is_a_mark_between_ticks() {
        let drawn = |epoch, step| {
            let mut table = MetricsTable::default();
            table.push(epoch, step, [("loss".to_owned(), 2.5)].into_iter());
            let mut text = String::new();
            draw(&table, &mut text).unwrap();
            assert_eq!(text.matches("<circle").count(), 1);
            text.split('>')
                .filter_map(|part| part.split('<').next()?.trim().lines().next().map(str::to_owned))
                .collect()
        };
        let labels: Vec<String> = drawn(1, 23);
        assert_eq!(labels, ["loss", "epoch", "2.3", "2.4", "2.5", "2.6", "2.7", "0", "1"]);
        let labels: Vec<String> = drawn(0, 5);
        assert_eq!(labels[1], "update");
        assert_eq!(labels[7..], ["0", "1", "2", "3", "4", "5"]);
    }
}
