//! `curves.svg`: every figure of a run over its epochs, a panel each.

use crate::failure::Failure;
use crate::metrics_table::MetricsTable;
use helmholtz::storage::write_atomic;
use plotters::prelude::*;
use std::ops::Range;
use std::path::Path;

const PANEL: (u32, u32) = (420, 240);
const COLUMNS: usize = 2;

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
    for (name, panel) in table.names().iter().zip(area.split_evenly((rows, COLUMNS))) {
        let points: Vec<(f64, f64)> = table
            .rows()
            .iter()
            .filter_map(|row| Some((row.epoch as f64, *row.figures.get(name)?)))
            .filter(|(_, value)| value.is_finite())
            .collect();
        let epochs = range(points.iter().map(|(epoch, _)| *epoch), 0.0);
        let values = range(points.iter().map(|(_, value)| *value), 0.05);
        let mut chart = ChartBuilder::on(&panel)
            .caption(name.replace('_', " "), ("sans-serif", 16))
            .margin(10)
            .x_label_area_size(36)
            .y_label_area_size(60)
            .build_cartesian_2d(epochs, values)?;
        chart
            .configure_mesh()
            .x_desc("epoch")
            .x_labels(6)
            .y_labels(5)
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(225, 225, 225))
            .x_label_formatter(&|epoch| format!("{epoch:.0}"))
            .y_label_formatter(&|value| short(*value))
            .draw()?;
        chart.draw_series(LineSeries::new(points, RGBColor(33, 102, 172).stroke_width(2)))?;
    }
    area.present()?;
    Ok(())
}

/// From the smallest to the largest value and a little further; never empty.
fn range(values: impl Iterator<Item = f64>, further: f64) -> Range<f64> {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return 0.0..1.0;
    }
    if low == high {
        let around = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
        return low - around..high + around;
    }
    let margin = (high - low) * further;
    low - margin..high + margin
}

/// Four figures or so, whatever the size.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if !(1e-3..1e5).contains(&size) => format!("{value:.1e}"),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
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
}
