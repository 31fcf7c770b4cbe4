//! `metrics.csv`: a row an evaluation.

use crate::cli::Failure;
use helmholtz::storage::write_atomic;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

/// One evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Epochs finished.
    pub epoch: u64,
    /// Updates finished.
    pub step: u64,
    /// Figures by name.
    pub figures: BTreeMap<String, f64>,
}

/// The evaluations of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricsTable {
    names: Vec<String>,
    rows: Vec<Row>,
}

impl MetricsTable {
    /// Adds an evaluation.
    pub fn push(&mut self, epoch: u64, step: u64, figures: impl Iterator<Item = (String, f64)>) {
        let mut row = Row { epoch, step, figures: BTreeMap::new() };
        for (name, value) in figures {
            if !self.names.contains(&name) {
                self.names.push(name.clone());
            }
            row.figures.insert(name, value);
        }
        self.rows.push(row);
    }

    /// The names of the figures, in the order in which they first appeared.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// All rows, oldest first.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Forgets what came after `step`.
    pub fn cut_after(&mut self, step: u64) {
        self.rows.retain(|row| row.step <= step);
    }

    /// Writes the table, replacing the file whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), Failure> {
        Ok(write_atomic(path, |file| {
            let names: String = self.names.iter().map(|name| format!(",{name}")).collect();
            writeln!(file, "epoch,step{names}")?;
            for row in &self.rows {
                write!(file, "{},{}", row.epoch, row.step)?;
                for name in &self.names {
                    match row.figures.get(name) {
                        Some(value) => write!(file, ",{value}")?,
                        None => write!(file, ",")?,
                    }
                }
                writeln!(file)?;
            }
            Ok(())
        })?)
    }

    /// Reads the table of a run that is resumed. A file that is missing is an empty table, a line that cannot be read
    /// is left out: no number of the run depends on it.
    pub fn load(path: &Path) -> Result<Self, Failure> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => {
                Ok(Self::default())
            }
            Err(error) => Err(Failure::new(error.to_string()).about(path.display())),
        }
    }

    fn parse(text: &str) -> Self {
        let mut lines = text.lines();
        let names: Vec<String> = lines.next().unwrap_or_default().split(',').skip(2).map(str::to_owned).collect();
        let row = |line: &str| {
            let mut fields = line.split(',');
            let epoch = fields.next()?.parse().ok()?;
            let step = fields.next()?.parse().ok()?;
            let figures =
                names.iter().zip(fields).filter_map(|(name, field)| Some((name.clone(), field.parse().ok()?)));
            Some(Row { epoch, step, figures: figures.collect() })
        };
        let rows = lines.filter_map(row).collect();
        MetricsTable { names, rows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_loaded_and_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        let mut table = MetricsTable::default();
        let figures = |list: &[(&str, f64)]| list.iter().map(|(n, v)| (n.to_string(), *v)).collect::<Vec<_>>();
        table.push(1, 10, figures(&[("loss", 0.1), ("norm", 1e-30)]).into_iter());
        table.push(2, 20, figures(&[("loss", 0.05)]).into_iter());
        table.save(&path).unwrap();
        let mut loaded = MetricsTable::load(&path).unwrap();
        assert_eq!(loaded, table);
        loaded.cut_after(10);
        assert_eq!(loaded.rows(), &table.rows()[..1]);
        assert_eq!(MetricsTable::load(&folder.path().join("none.csv")).unwrap(), MetricsTable::default());
    }
}
