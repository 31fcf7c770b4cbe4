//! `capacity.svg` and `capacity.csv`: what a rule holds at each load, beside theory; a panel a rule.

use crate::cli::Failure;
use crate::pictures::Axis;
use crate::run::{CAPACITY, CAPACITY_TABLE, RunFolder};
use helmholtz::energy::hopfield::{CRITICAL_LOAD, CapacityPoint, exactly_fixed, retrieval_overlap};
use helmholtz::storage::write_atomic;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const PANEL: (u32, u32) = (440, 300);
const COLUMNS: usize = 2;
const BLUE: RGBColor = RGBColor(33, 102, 172);
const RED: RGBColor = RGBColor(178, 24, 43);
const GREEN: RGBColor = RGBColor(27, 120, 55);
const GREY: RGBColor = RGBColor(120, 120, 120);

/// A figure of a point.
type Figure = fn(&CapacityPoint) -> f64;

/// The series drawn of every rule.
const SERIES: [(&str, RGBColor, Figure); 3] = [
    ("overlap where recall ends", BLUE, |point| point.overlap),
    ("exactly fixed", GREEN, |point| point.fixed),
    ("10 % flipped, exactly recalled", RED, |point| point.recalled),
];

/// Draws and writes the sweeps of networks of `units` units, each with the name of its rule.
pub fn save(sweeps: &[(String, Vec<CapacityPoint>)], units: usize, folder: &RunFolder) -> Result<(), Failure> {
    let mut text = String::new();
    let path = folder.file(CAPACITY);
    draw(sweeps, units, &mut text).map_err(|error| Failure::new(error.to_string()).about(path.display()))?;
    write_atomic(&path, |file| file.write_all(text.as_bytes()))?;
    Ok(write_atomic(&folder.file(CAPACITY_TABLE), |file| {
        writeln!(file, "rule,patterns,load,overlap,overlap_error,retrieved,fixed,all_fixed,recalled")?;
        for (rule, points) in sweeps {
            for p in points {
                writeln!(
                    file,
                    "{rule},{},{},{},{},{},{},{},{}",
                    p.patterns, p.load, p.overlap, p.overlap_error, p.retrieved, p.fixed, p.all_fixed, p.recalled
                )?;
            }
        }
        Ok(())
    })?)
}

fn draw(
    sweeps: &[(String, Vec<CapacityPoint>)],
    units: usize,
    text: &mut String,
) -> Result<(), Box<dyn std::error::Error>> {
    let columns = COLUMNS.min(sweeps.len().max(1));
    let rows = sweeps.len().div_ceil(columns).max(1);
    let size = (PANEL.0 * columns as u32, PANEL.1 * rows as u32);
    let area = SVGBackend::with_string(text, size).into_drawing_area();
    area.fill(&WHITE)?;
    for ((rule, points), panel) in sweeps.iter().zip(area.split_evenly((rows, columns))) {
        let most = points.last().map_or(1.0, |point| point.load);
        let mut chart = ChartBuilder::on(&panel)
            .caption(format!("{rule}, {units} units"), ("sans-serif", 16))
            .margin(10)
            .x_label_area_size(36)
            .y_label_area_size(44)
            .build_cartesian_2d(
                Axis::of_values([0.0, most].into_iter()),
                Axis::of_values([0.0, 1.0].into_iter()),
            )?;
        chart
            .configure_mesh()
            .x_desc("patterns / units")
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(225, 225, 225))
            .draw()?;
        let anchor = Pos::new(HPos::Right, VPos::Top);
        for (line, (label, colour, figure)) in SERIES.into_iter().enumerate() {
            let measured = points.iter().map(|point| (point.load, figure(point)));
            chart.draw_series(LineSeries::new(measured, colour.stroke_width(2)))?;
            let style = ("sans-serif", 12).into_font().color(&colour).pos(anchor);
            let place = (most * 0.98, 0.98 - 0.08 * line as f64);
            chart.draw_series(std::iter::once(Text::new(label, place, style)))?;
        }
        if rule == "hebb" {
            let loads = || (1..=200).map(|step| most * f64::from(step) / 200.0);
            let overlap = loads().filter_map(|load| Some((load, retrieval_overlap(load)?)));
            chart.draw_series(LineSeries::new(overlap, GREY.stroke_width(1)))?;
            let fixed = loads().map(|load| (load, exactly_fixed(units, (load * units as f64).round() as usize)));
            chart.draw_series(LineSeries::new(fixed, GREY.stroke_width(1)))?;
            chart.draw_series(LineSeries::new(
                [(CRITICAL_LOAD, 0.0), (CRITICAL_LOAD, 1.0)],
                GREY.stroke_width(1),
            ))?;
        }
    }
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_panel() {
        let point = |patterns: usize| CapacityPoint {
            patterns,
            load: patterns as f64 / 100.0,
            fixed: 1.0,
            all_fixed: 1.0,
            overlap: 1.0,
            overlap_error: 0.0,
            overlap_retrieved: f64::NAN,
            retrieved: 1.0,
            recalled: 0.5,
        };
        let sweeps =
            [("hebb".to_owned(), vec![point(1), point(20)]), ("storkey".to_owned(), vec![point(1), point(40)])];
        let mut text = String::new();
        draw(&sweeps, 100, &mut text).unwrap();
        assert!(text.contains("hebb, 100 units") && text.contains("storkey") && text.contains("</svg>"));
    }
}
