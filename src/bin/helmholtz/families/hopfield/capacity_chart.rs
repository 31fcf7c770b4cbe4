//! `capacity.svg` and `capacity.csv`: what a rule holds at each load, beside theory; a panel a rule.

use super::capacity_theory::Theory;
use crate::cli::Failure;
use crate::pictures::{Axis, BLUE, DASH, GREEN, GREY, Key, RED, RULE, Stroke, title};
use crate::run::{CAPACITY, CAPACITY_TABLE, RunFolder};
use helmholtz::energy::hopfield::{CapacityPoint, Rule};
use helmholtz::storage::write_atomic;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::fmt::Write;
use std::path::Path;

const PANEL: (u32, u32) = (460, 340);
const COLUMNS: usize = 2;
/// Points of a line of theory.
const STEPS: u32 = 400;
/// The columns of the table.
const HEAD: &str = "rule,patterns,load,overlap,overlap_error,retrieved,fixed,all_fixed,recalled,theory_overlap,theory_fixed,\
                    theory_capacity";

/// What was measured of one rule.
pub struct Sweep {
    /// Its name.
    pub name: String,
    /// The rule.
    pub rule: Rule,
    /// A point a number of patterns.
    pub points: Vec<CapacityPoint>,
}

/// A figure of a point.
type Figure = fn(&CapacityPoint) -> f64;

/// The series drawn of every rule.
const SERIES: [(&str, RGBColor, Figure); 3] = [
    ("overlap where recall ends", BLUE, |point| point.overlap),
    ("exactly fixed", GREEN, |point| point.fixed),
    ("10 % flipped, exactly recalled", RED, |point| point.recalled),
];

/// Draws and writes the sweeps of networks of `units` units.
pub fn save(sweeps: &[Sweep], units: usize, folder: &RunFolder) -> Result<(), Failure> {
    let mut drawing = String::new();
    let path = folder.file(CAPACITY);
    draw(sweeps, units, &mut drawing).map_err(|error| Failure::new(error.to_string()).about(path.display()))?;
    write(&path, &drawing)?;
    write(&folder.file(CAPACITY_TABLE), &table(sweeps, units))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    Ok(write_atomic(path, |file| file.write_all(text.as_bytes()))?)
}

/// A line a point; a field without a figure, or without a theory, is empty.
fn table(sweeps: &[Sweep], units: usize) -> String {
    let mut text = format!("{HEAD}\n");
    for Sweep { name, rule, points } in sweeps {
        let theory = Theory::of(*rule, units);
        for p in points {
            let measured = [p.load, p.overlap, p.overlap_error, p.retrieved, p.fixed, p.all_fixed, p.recalled];
            let known = [theory.overlap(p.load), theory.fixed(p.load), theory.capacity()];
            let figures = measured.into_iter().map(Some).chain(known);
            let fields: String = figures
                .map(|figure| figure.filter(|figure| figure.is_finite()))
                .map(|figure| figure.map_or_else(|| ",".to_owned(), |figure| format!(",{figure}")))
                .collect();
            let _ = writeln!(text, "{name},{}{fields}", p.patterns);
        }
    }
    text
}

fn draw(sweeps: &[Sweep], units: usize, text: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let columns = COLUMNS.min(sweeps.len().max(1));
    let rows = sweeps.len().div_ceil(columns).max(1);
    let size = (PANEL.0 * columns as u32, PANEL.1 * rows as u32);
    let area = SVGBackend::with_string(text, size).into_drawing_area();
    area.fill(&WHITE)?;
    for (sweep, panel) in sweeps.iter().zip(area.split_evenly((rows, columns))) {
        panel_of(sweep, units, &panel)?;
    }
    area.present()?;
    Ok(())
}

fn panel_of(
    sweep: &Sweep,
    units: usize,
    panel: &DrawingArea<SVGBackend<'_>, Shift>,
) -> Result<(), Box<dyn std::error::Error>> {
    let most = sweep.points.last().map_or(1.0, |point| point.load);
    let theory = Theory::of(sweep.rule, units);
    let loads = || (1..=STEPS).map(|step| most * f64::from(step) / f64::from(STEPS));
    let overlap: Vec<(f64, f64)> = loads().filter_map(|load| Some((load, theory.overlap(load)?))).collect();
    let fixed: Vec<(f64, f64)> = loads().filter_map(|load| Some((load, theory.fixed(load)?))).collect();
    let capacity = theory.capacity().filter(|load| *load <= most);

    let said = theory.words();
    let solid = SERIES.map(|(label, colour, _)| Key { label, colour, stroke: Stroke::Solid });
    let mut keys = solid.to_vec();
    let dashed = |label, colour| Key { label, colour, stroke: Stroke::Dashed };
    keys.extend((!overlap.is_empty()).then(|| dashed("theory: overlap", BLUE)));
    keys.extend((!fixed.is_empty()).then(|| dashed("theory: fixed", GREEN)));
    keys.extend(said.as_deref().map(|said| dashed(said, GREY)));
    let below = title(panel, &format!("{}, {units} units", sweep.name), &keys)?;
    let mut chart = ChartBuilder::on(&below)
        .margin_left(10)
        .margin_right(16)
        .margin_bottom(8)
        .x_label_area_size(36)
        .y_label_area_size(44)
        .build_cartesian_2d(Axis::of_values([0.0, most].into_iter()), Axis::of_values([0.0, 1.0].into_iter()))?;
    let style = TRANSPARENT;
    chart.configure_mesh().x_desc("patterns / units").light_line_style(style).bold_line_style(RULE).draw()?;
    for (_, colour, figure) in SERIES {
        let measured = sweep.points.iter().map(|point| (point.load, figure(point)));
        let finite = measured.filter(|(_, value)| value.is_finite());
        chart.draw_series(LineSeries::new(finite, colour.stroke_width(2)))?;
    }
    let upright = capacity.map(|load| (0..=STEPS).map(|y| (load, f64::from(y) / f64::from(STEPS))).collect());
    for (line, colour) in [(overlap, BLUE), (fixed, GREEN), (upright.unwrap_or_default(), GREY)] {
        if !line.is_empty() {
            chart.draw_series(DashedLineSeries::new(line, DASH.0, DASH.1, colour.stroke_width(1)))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use helmholtz::energy::hopfield::{CRITICAL_LOAD, Perceptron, exactly_fixed, retrieval_overlap};

    fn sweep(name: &str, rule: Rule, counts: &[usize]) -> Sweep {
        let point = |patterns: usize| CapacityPoint {
            patterns,
            load: patterns as f64 / 100.0,
            fixed: 1.0,
            all_fixed: 1.0,
            overlap: 1.0,
            overlap_error: f64::INFINITY,
            overlap_retrieved: f64::NAN,
            retrieved: 1.0,
            recalled: 0.5,
        };
        Sweep { name: name.to_owned(), rule, points: counts.iter().map(|count| point(*count)).collect() }
    }

    fn all() -> Vec<Sweep> {
        vec![
            sweep("hebb", Rule::Hebb, &[1, 9, 20]),
            sweep("storkey", Rule::Storkey, &[1, 40]),
            sweep("pseudo-inverse", Rule::PseudoInverse, &[1, 96]),
            sweep("perceptron", Rule::Perceptron(Perceptron::default()), &[1, 160]),
        ]
    }

    #[test]
    fn every_rule_has_a_panel_and_every_theory_its_name() {
        let drawn = |sweeps: &[Sweep]| {
            let mut text = String::new();
            draw(sweeps, 100, &mut text).unwrap();
            assert!(text.contains("</svg>"));
            text
        };
        let text = drawn(&all());
        assert!(text.contains("hebb, 100 units") && text.contains("storkey, 100 units"));
        let named = |text: &str, words: &str| text.matches(words).count();
        assert_eq!((named(&text, "theory: overlap"), named(&text, "theory: fixed")), (1, 2));
        assert_eq!(named(&text, "theory: capacity"), 4, "a panel each");
        // No theory of a perceptron with a margin is known here, so none is drawn or named.
        let margin = Rule::Perceptron(Perceptron { margin: 1.0, ..Perceptron::default() });
        assert_eq!(named(&drawn(&[sweep("perceptron", margin, &[1, 50])]), "theory"), 0);
    }

    #[test]
    fn the_table_has_the_theory_beside_what_was_measured() {
        let text = table(&all(), 100);
        let head: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        let field = |rule: &str, patterns: usize, name: &str| -> Option<f64> {
            let line = text.lines().find(|line| line.starts_with(&format!("{rule},{patterns},"))).unwrap();
            let fields: Vec<&str> = line.split(',').collect();
            assert_eq!(fields.len(), head.len(), "{line}");
            fields[head.iter().position(|column| *column == name).unwrap()].parse().ok()
        };
        assert_eq!(field("hebb", 9, "theory_overlap"), retrieval_overlap(0.09));
        assert_eq!(field("hebb", 20, "theory_overlap"), None, "above the critical load nothing is retrieved");
        assert_eq!(field("hebb", 20, "theory_fixed"), Some(exactly_fixed(100, 20)));
        assert_eq!(field("hebb", 1, "theory_capacity"), Some(CRITICAL_LOAD));
        assert_eq!(field("pseudo-inverse", 96, "theory_fixed"), Some(1.0));
        assert_eq!(field("storkey", 40, "theory_fixed"), None);
        assert_eq!(
            (field("perceptron", 160, "theory_capacity"), field("perceptron", 160, "theory_fixed")),
            (Some(2.0), None)
        );
        assert_eq!(field("hebb", 1, "overlap_error"), None, "one network has no error");
    }
}
