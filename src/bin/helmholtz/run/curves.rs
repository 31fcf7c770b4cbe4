//! `curves.svg`: the figures of a run over its epochs, a panel a quantity.

use super::metrics_table::{MetricsTable, Row};
use crate::cli::Failure;
use crate::pictures::{Axis, BLUE, GREY, Key, ORANGE, RED, RULE, Stroke, title};
use helmholtz::storage::write_atomic;
use plotters::prelude::*;
use std::path::Path;

const PANEL: (u32, u32) = (420, 250);
const COLUMNS: usize = 2;
/// The line below all panels.
const FOOT: u32 = 26;
/// Up to so many evaluations each is marked: a line of one or two points is hard to see.
const MARKED: usize = 10;
/// Points of a line at the most: twice as many as a panel has pixels.
const POINTS: usize = 800;

/// What begins the name of a figure of the running average of the weights, and of the rows trained on: the rest is the
/// quantity.
const AVERAGE: &str = "average_";
const TRAIN: &str = "train_";

/// Draws the curves of `table` into the file `path`, replacing it whole or not at all.
pub fn save(table: &MetricsTable, path: &Path) -> Result<(), Failure> {
    let mut text = String::new();
    draw(table, &mut text).map_err(|error| Failure::new(error.to_string()).about(path.display()))?;
    Ok(write_atomic(path, |file| file.write_all(text.as_bytes()))?)
}

/// One line of a panel.
struct Curve {
    label: &'static str,
    colour: RGBColor,
    points: Vec<(f64, f64)>,
}

/// A quantity, and all that was measured of it.
struct Quantity {
    name: String,
    curves: Vec<Curve>,
}

impl Quantity {
    /// The quantities of a table, in the order in which they first appeared.
    fn all(table: &MetricsTable, time: impl Fn(&Row) -> f64) -> Vec<Quantity> {
        let mut quantities: Vec<Quantity> = Vec::new();
        let known = |name: &str| table.names().iter().any(|other| other == name);
        for name in table.names() {
            let base =
                [AVERAGE, TRAIN].iter().filter_map(|prefix| name.strip_prefix(prefix)).find(|base| known(base));
            let base = base.unwrap_or(name);
            let trained_on = known(&format!("{TRAIN}{base}"));
            let averaged = known(&format!("{AVERAGE}{base}"));
            let (label, colour) = match name.strip_suffix(base) {
                Some(TRAIN) => ("training rows", ORANGE),
                Some(AVERAGE) if trained_on => ("held out, average of the weights", RED),
                Some(AVERAGE) => ("average of the weights", RED),
                _ if trained_on => ("held out", BLUE),
                _ if averaged => ("weights", BLUE),
                _ => ("", BLUE),
            };
            let points = table
                .rows()
                .iter()
                .filter_map(|row| Some((time(row), *row.figures.get(name)?)))
                .filter(|(_, value)| value.is_finite())
                .collect();
            let curve = Curve { label, colour, points };
            match quantities.iter_mut().find(|quantity| quantity.name == base) {
                Some(quantity) => quantity.curves.push(curve),
                None => quantities.push(Quantity { name: base.to_owned(), curves: vec![curve] }),
            }
        }
        quantities
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        self.curves.iter().flat_map(|curve| curve.points.iter().map(|(_, value)| *value))
    }

    /// The one value that all evaluations have, where there are several.
    fn constant(&self) -> Option<f64> {
        let first = self.values().next()?;
        let several = self.curves.iter().any(|curve| curve.points.len() > 1);
        (several && self.values().all(|value| value == first)).then_some(first)
    }

    fn words(&self) -> String {
        self.name.replace('_', " ")
    }
}

fn draw(table: &MetricsTable, text: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    // A run of less than an epoch has its updates to show.
    let last = table.rows().last();
    let in_steps = last.is_some_and(|row| row.epoch == 0);
    let time = |row: &Row| if in_steps { row.step } else { row.epoch } as f64;
    let (constant, moving): (Vec<Quantity>, Vec<Quantity>) =
        Quantity::all(table, time).into_iter().partition(|quantity| quantity.constant().is_some());
    let rows = moving.len().div_ceil(COLUMNS) as u32;
    let size = (PANEL.0 * COLUMNS as u32, PANEL.1 * rows + FOOT);
    let area = SVGBackend::with_string(text, size).into_drawing_area();
    area.fill(&WHITE)?;
    let (panels, foot) = area.split_vertically(PANEL.1 * rows);
    let panels = if rows > 0 { panels.split_evenly((rows as usize, COLUMNS)) } else { Vec::new() };
    for (quantity, panel) in moving.iter().zip(panels) {
        let times = Axis::of_counts(last.map_or(0.0, time));
        panel_of(quantity, times, if in_steps { "update" } else { "epoch" }, &panel)?;
    }
    let constants: Vec<String> = constant
        .iter()
        .filter_map(|quantity| Some(format!("{} {}", quantity.words(), number(quantity.constant()?))))
        .collect();
    if !constants.is_empty() {
        let style = ("sans-serif", 12).into_font().color(&GREY);
        foot.draw(&Text::new(format!("constant: {}", constants.join(", ")), (12, 4), style))?;
    }
    area.present()?;
    Ok(())
}

/// One quantity: the lines of it on one pair of axes, their names above.
fn panel_of(
    quantity: &Quantity,
    times: Axis,
    unit: &str,
    panel: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
) -> Result<(), Box<dyn std::error::Error>> {
    let key = |curve: &Curve| Key { label: curve.label, colour: curve.colour, stroke: Stroke::Solid };
    let keys: Vec<Key<'_>> = quantity.curves.iter().map(key).collect();
    let below = title(panel, &quantity.words(), &keys)?;
    let mut chart = ChartBuilder::on(&below)
        .margin_left(10)
        .margin_right(16)
        .x_label_area_size(36)
        .y_label_area_size(60)
        .build_cartesian_2d(times, Axis::of_values(quantity.values()))?;
    chart.configure_mesh().x_desc(unit).light_line_style(TRANSPARENT).bold_line_style(RULE).draw()?;
    for Curve { colour, points, .. } in &quantity.curves {
        if points.len() <= MARKED {
            chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
        }
        chart.draw_series(LineSeries::new(thinned(points), colour.stroke_width(2)))?;
    }
    Ok(())
}

/// At most [`POINTS`] of the points, evenly, the last one among them: a drawing costs the same however long a run is.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let step = points.len().div_ceil(POINTS).max(1);
    let first = (points.len().max(1) - 1) % step;
    points.iter().skip(first).step_by(step).copied().collect()
}

/// A number as it is, or to four digits where it has many.
fn number(value: f64) -> String {
    let exact = value.to_string();
    if exact.len() <= 7 { exact } else { format!("{value:.3e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[&[(&str, f64)]]) -> MetricsTable {
        let mut table = MetricsTable::default();
        for (epoch, figures) in (1..).zip(rows) {
            table.push(epoch, epoch * 10, figures.iter().map(|(name, value)| ((*name).to_owned(), *value)));
        }
        table
    }

    fn drawn(table: &MetricsTable) -> String {
        let mut text = String::new();
        draw(table, &mut text).unwrap();
        assert!(text.contains("</svg>"));
        text
    }

    /// The texts of a drawing.
    fn words(text: &str) -> Vec<String> {
        let words = text.split('>').filter_map(|part| part.split('<').next()?.trim().lines().next());
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn a_quantity_has_one_panel_with_all_its_curves() {
        let figures = |n: f64| {
            [("elbo", -20.0 + n), ("train_elbo", -19.0 + n), ("average_elbo", -21.0 + n), ("kl", 3.0 + n)]
        };
        let text = drawn(&table(&[&figures(0.0), &figures(1.0), &figures(1.5)]));
        let words = words(&text);
        let titles = ["elbo", "training rows", "held out", "held out, average of the weights", "kl"];
        for title in titles {
            assert_eq!(words.iter().filter(|word| **word == title).count(), 1, "{title}: {words:?}");
        }
        assert!(
            !words.iter().any(|word| word.contains("train elbo") || word.contains("average elbo")),
            "{words:?}"
        );
        assert_eq!(words.iter().filter(|word| **word == "epoch").count(), 2, "two panels: {words:?}");
        // Figures that only look alike, without the plain one, stand for themselves.
        let text = drawn(&table(&[&[("train_loss", 1.0)], &[("train_loss", 2.0)]]));
        assert!(text.contains("train loss"));
    }

    #[test]
    fn what_never_changes_has_no_panel_and_is_named_below() {
        let rows: Vec<[(&str, f64); 3]> =
            (0..4).map(|n| [("pseudo_likelihood", f64::from(n)), ("dead_hidden", 0.0), ("beta", 1.0)]).collect();
        let rows: Vec<&[(&str, f64)]> = rows.iter().map(|row| row.as_slice()).collect();
        let words = words(&drawn(&table(&rows)));
        assert!(words.contains(&"pseudo likelihood".to_owned()));
        assert!(words.contains(&"constant: dead hidden 0, beta 1".to_owned()), "{words:?}");
        assert_eq!(words.iter().filter(|word| **word == "epoch").count(), 1, "{words:?}");
        // Nothing at all is a drawing too.
        drawn(&MetricsTable::default());
        drawn(&table(&[&[("loss", 2.0)], &[("loss", 2.0)]]));
        let folder = tempfile::tempdir().unwrap();
        save(&table(&rows), &folder.path().join("curves.svg")).unwrap();
    }

    /// Names above the plot cannot meet its lines.
    #[test]
    fn the_names_of_curves_stand_above_the_plot() {
        let figures = |n: f64| [("elbo", -20.0 + n), ("train_elbo", -19.0 + n)];
        let text = drawn(&table(&[&figures(0.0), &figures(1.0)]));
        let place =
            |line: &str| -> f64 { line.split("y=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap() };
        let lines: Vec<&str> = text.lines().collect();
        let label = lines.windows(2).find(|pair| pair[1].trim() == "held out").map(|pair| place(pair[0])).unwrap();
        // Both curves rise; the strokes beside their names are level.
        let heights = |part: &str| -> Vec<f64> {
            let points = part.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
            points.split_whitespace().map(|point| point.split_once(',').unwrap().1.parse().unwrap()).collect()
        };
        let lines = text.split("<polyline").filter(|part| part.contains("stroke-width=\"2\"")).map(heights);
        let curves: Vec<Vec<f64>> = lines.filter(|line| line[0] != line[line.len() - 1]).collect();
        assert_eq!(curves.len(), 2);
        let highest = curves.into_iter().flatten().fold(f64::INFINITY, f64::min);
        assert!(label + 4.0 < highest, "{label} {highest}");
    }

    #[test]
    fn a_long_run_is_thinned_to_its_last_point() {
        for count in [1, 2, 799, 800, 801, 5000, 100_001] {
            let points: Vec<(f64, f64)> = (0..count).map(|n| (f64::from(n), 0.0)).collect();
            let thin = thinned(&points);
            assert!(thin.len() <= POINTS && thin.len() >= points.len().min(POINTS / 2), "{count}");
            assert_eq!(thin.last(), points.last());
        }
        assert!(thinned(&[]).is_empty());
    }

    #[test]
    fn a_single_evaluation_is_a_mark_between_ticks() {
        let one = |epoch, step| {
            let mut table = MetricsTable::default();
            table.push(epoch, step, [("loss".to_owned(), 2.5)].into_iter());
            let text = drawn(&table);
            assert_eq!(text.matches("<circle").count(), 1);
            words(&text)
        };
        assert_eq!(one(1, 23), ["loss", "epoch", "2.3", "2.4", "2.5", "2.6", "2.7", "0", "1"]);
        let labels = one(0, 5);
        assert_eq!(labels[1], "update");
        assert_eq!(labels[7..], ["0", "1", "2", "3", "4", "5"]);
    }
}
