//! The figures of one evaluation.

use std::borrow::Cow;

/// Named figures in the order in which they were first set. Reused from one evaluation to the next.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Metrics {
    figures: Vec<(Cow<'static, str>, f64)>,
}

impl Metrics {
    /// No figures.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one figure, replacing an earlier value of that name. A name that is `'static` is not copied.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: f64) {
        let name = name.into();
        match self.figures.iter_mut().find(|(known, _)| *known == name) {
            Some(figure) => figure.1 = value,
            None => self.figures.push((name, value)),
        }
    }

    /// The figure of that name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// All figures in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> + '_ {
        self.figures.iter().map(|(name, value)| (&**name, *value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.figures.is_empty()
    }

    /// Forgets all figures; keeps the memory.
    pub fn clear(&mut self) {
        self.figures.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_and_replaces() {
        let mut metrics = Metrics::new();
        metrics.set("loss", 3.0);
        metrics.set("accuracy", 0.5);
        metrics.set(String::from("loss"), 2.0);
        assert_eq!(metrics.iter().collect::<Vec<_>>(), [("loss", 2.0), ("accuracy", 0.5)]);
        assert_eq!(metrics.get("error"), None);
    }
}
