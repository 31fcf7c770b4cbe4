//! Labels as a second latent variable: p(x, y, z) = p(y) p(z) p(x | y, z), y being one of C classes (Kingma, Rezende, Mohamed & Welling 2014).

use crate::Setting;
use crate::nn::check_width;
use std::fmt;
use std::str::FromStr;

/// The largest number of classes: the tape counts the places of a piece's rows by classes in `f32`, and a piece has 512 rows at the most.
const MOST_CLASSES: usize = (1 << 24) / 512 - 1;

/// What a model that knows classes has more than one that does not: a classifier q(y | x), and a row of weights for each class in the
/// first layer of the decoder, and of the encoder where that reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Classes C.
    pub classes: usize,
    /// What q(z | ·) is given.
    pub posterior: LabelPosterior,
    /// Widths of the hidden layers of the classifier q(y | x), from the data on; none for a linear one.
    pub classifier: Vec<usize>,
    /// Whether labels name the classes. Else classes are clusters: labels are not read, neither in training nor for a likelihood.
    pub named: bool,
}

impl Labels {
    /// A classifier with one hidden layer of 200 units, and q(z | x, y).
    pub fn new(classes: usize) -> Self {
        Labels { classes, posterior: LabelPosterior::Conditional, classifier: vec![200], named: true }
    }

    /// The same, of classes that no label names.
    pub fn clusters(classes: usize) -> Self {
        Labels { named: false, ..Labels::new(classes) }
    }

    /// Checks the number of classes and every width.
    ///
    /// # Errors
    /// Names the first one that is 0 or absurd.
    pub fn check(&self) -> Result<(), Setting> {
        let classes = self.classes;
        Setting::check(
            (1..=MOST_CLASSES).contains(&classes),
            "the number of classes",
            classes,
            "from 1 to 32767",
        )?;
        self.classifier.iter().try_for_each(|&width| check_width("the width of a classifier layer", width))
    }
}

/// What the posterior of z is given, in q(y, z | x) = q(y | x) q(z | ·).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum LabelPosterior {
    /// q(z | x): what class a row has says nothing of its z.
    Independent,
    /// q(z | x, y) (M2 of Kingma et al. 2014).
    #[default]
    Conditional,
}

/// The distribution p(y).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum LabelPrior {
    /// 1 / C each.
    #[default]
    Uniform,
    /// As often as the labels of the training rows say, one of each class added.
    Frequencies,
}

/// How the expectation over the classes of rows without a label is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ClassesBy {
    /// [`Enumerate`](Self::Enumerate) up to 20 classes, else [`TopK`](Self::TopK) with 3.
    #[default]
    Auto,
    /// All classes, exactly.
    Enumerate,
    /// The k most probable classes exactly, and one of the rest, drawn, with the weight of all of these (Liu et al. 2019): without bias,
    /// and equal to enumeration for k = C.
    TopK(usize),
    /// A mixture of the classes, drawn from the Gumbel-softmax distribution (Jang, Gu & Poole 2017; Maddison, Mnih & Teh 2017): biased, less
    /// so at lower temperatures, where gradients are noisier.
    Gumbel,
}

/// Classes up to which all of them are enumerated unless told otherwise.
const ENUMERATED: usize = 20;
const TOP: usize = 3;

impl ClassesBy {
    /// What is done for so many classes: never [`Auto`](Self::Auto).
    pub fn resolved(self, classes: usize) -> Self {
        match self {
            ClassesBy::Auto if classes <= ENUMERATED => ClassesBy::Enumerate,
            ClassesBy::Auto => ClassesBy::TopK(TOP),
            other => other,
        }
    }

    /// Classes for which the decoder is run for each row without a label.
    pub fn evaluated(self, classes: usize) -> usize {
        match self.resolved(classes) {
            ClassesBy::TopK(top) => (top + 1).min(classes),
            ClassesBy::Gumbel => 1,
            ClassesBy::Auto | ClassesBy::Enumerate => classes,
        }
    }
}

/// How a model that knows classes is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelRecipe {
    /// The weight α of −ln q(y | x) beside the bound of a row with a label; `None`: a tenth of the rows a row with a label (Kingma et al.
    /// 2014).
    pub alpha: Option<f32>,
    /// The expectation over the classes of a row without a label.
    pub classes_by: ClassesBy,
    /// Rows with a label in a batch, where there are rows without one too: half of it unless there are fewer.
    pub labelled_batch: Option<usize>,
    /// The weight of rows with a label, as a whole, in the mean over all rows, where there are both kinds: the part of a batch that they are
    /// unless told otherwise. A few labels that count by their part of the data move nothing.
    pub labelled_weight: Option<f32>,
    /// Steps at the start in which the classifier learns from labels alone, and rows without them are learned with the classes that it gives
    /// them. A model that has not yet learned what classes look like tells the classifier of any clusters that come first.
    pub classifier_alone: u64,
    /// p(y).
    pub prior: LabelPrior,
    /// Temperatures of the Gumbel-softmax distribution, at the first step and from half of the run on; it falls geometrically.
    pub temperatures: [f32; 2],
}

impl Default for LabelRecipe {
    fn default() -> Self {
        LabelRecipe {
            alpha: None,
            classes_by: ClassesBy::Auto,
            labelled_batch: None,
            labelled_weight: None,
            classifier_alone: 0,
            prior: LabelPrior::Uniform,
            temperatures: [1.0, 0.5],
        }
    }
}

impl LabelRecipe {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first one that makes no sense.
    pub fn check(&self) -> Result<(), Setting> {
        if let Some(alpha) = self.alpha {
            Setting::not_negative("alpha", alpha)?;
        }
        if let ClassesBy::TopK(top) = self.classes_by {
            Setting::at_least_one("the number of classes that are summed", top)?;
        }
        if let Some(labelled) = self.labelled_batch {
            Setting::at_least_one("the number of labelled rows in a batch", labelled)?;
        }
        if let Some(weight) = self.labelled_weight {
            let good = weight > 0.0 && weight < 1.0;
            Setting::check(good, "the weight of labelled rows", weight, "between 0 and 1")?;
        }
        for temperature in self.temperatures {
            let good = temperature > 0.0 && temperature.is_finite();
            Setting::check(good, "the temperature of the Gumbel-softmax distribution", temperature, "positive")?;
        }
        Ok(())
    }

    /// The temperature where `part` of the run is over.
    pub(super) fn temperature_at(&self, part: f64) -> f32 {
        let [first, last] = self.temperatures;
        first * (last / first).powf((2.0 * part).min(1.0) as f32)
    }
}

/// The name that [`FromStr`] reads.
impl fmt::Display for LabelPosterior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LabelPosterior::Independent => "independent",
            LabelPosterior::Conditional => "conditional",
        })
    }
}

impl FromStr for LabelPosterior {
    type Err = Setting;
    fn from_str(name: &str) -> Result<Self, Setting> {
        match name {
            "independent" => Ok(LabelPosterior::Independent),
            "conditional" => Ok(LabelPosterior::Conditional),
            _ => Err(Setting::new("the posterior of labels", name, "independent or conditional")),
        }
    }
}

/// The name that [`FromStr`] reads.
impl fmt::Display for LabelPrior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LabelPrior::Uniform => "uniform",
            LabelPrior::Frequencies => "frequencies",
        })
    }
}

impl FromStr for LabelPrior {
    type Err = Setting;
    fn from_str(name: &str) -> Result<Self, Setting> {
        match name {
            "uniform" => Ok(LabelPrior::Uniform),
            "frequencies" => Ok(LabelPrior::Frequencies),
            _ => Err(Setting::new("the prior of labels", name, "uniform or frequencies")),
        }
    }
}

/// The name that [`FromStr`] reads: `auto`, `enumerate`, `topk:K` or `gumbel`.
impl fmt::Display for ClassesBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClassesBy::Auto => f.write_str("auto"),
            ClassesBy::Enumerate => f.write_str("enumerate"),
            ClassesBy::TopK(top) => write!(f, "topk:{top}"),
            ClassesBy::Gumbel => f.write_str("gumbel"),
        }
    }
}

impl FromStr for ClassesBy {
    type Err = Setting;
    fn from_str(name: &str) -> Result<Self, Setting> {
        let found = match name {
            "auto" => Some(ClassesBy::Auto),
            "enumerate" => Some(ClassesBy::Enumerate),
            "gumbel" => Some(ClassesBy::Gumbel),
            _ => name.strip_prefix("topk:").and_then(|top| top.parse().ok()).map(ClassesBy::TopK),
        };
        found.ok_or_else(|| Setting::new("the way classes are summed", name, "auto, enumerate, topk:K or gumbel"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for by in [ClassesBy::Auto, ClassesBy::Enumerate, ClassesBy::TopK(7), ClassesBy::Gumbel] {
            assert_eq!(by.to_string().parse(), Ok(by));
        }
        for posterior in [LabelPosterior::Independent, LabelPosterior::Conditional] {
            assert_eq!(posterior.to_string().parse(), Ok(posterior));
        }
        for prior in [LabelPrior::Uniform, LabelPrior::Frequencies] {
            assert_eq!(prior.to_string().parse(), Ok(prior));
        }
        let said = "topk".parse::<ClassesBy>().unwrap_err().to_string();
        assert_eq!(said, "the way classes are summed is topk, but must be auto, enumerate, topk:K or gumbel");
        assert!("both".parse::<LabelPosterior>().is_err() && "flat".parse::<LabelPrior>().is_err());
    }

    #[test]
    fn classes_are_enumerated_while_they_are_few() {
        assert_eq!(ClassesBy::Auto.resolved(20), ClassesBy::Enumerate);
        assert_eq!(ClassesBy::Auto.resolved(21), ClassesBy::TopK(3));
        let evaluated = |by: ClassesBy, classes| by.evaluated(classes);
        assert_eq!([evaluated(ClassesBy::Auto, 10), evaluated(ClassesBy::Auto, 100)], [10, 4]);
        assert_eq!([evaluated(ClassesBy::TopK(10), 10), evaluated(ClassesBy::Gumbel, 10)], [10, 1]);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let good = LabelRecipe::default();
        assert_eq!(good.check(), Ok(()));
        for wrong in [
            LabelRecipe { alpha: Some(-1.0), ..good },
            LabelRecipe { alpha: Some(f32::NAN), ..good },
            LabelRecipe { classes_by: ClassesBy::TopK(0), ..good },
            LabelRecipe { labelled_batch: Some(0), ..good },
            LabelRecipe { labelled_weight: Some(1.0), ..good },
            LabelRecipe { temperatures: [1.0, 0.0], ..good },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
        let said = Labels::new(0).check().unwrap_err().to_string();
        assert_eq!(said, "the number of classes is 0, but must be from 1 to 32767");
        assert!(Labels { classifier: vec![0], ..Labels::new(2) }.check().is_err());
    }

    #[test]
    fn temperatures_fall_over_half_of_the_run() {
        let recipe = LabelRecipe { temperatures: [1.0, 0.25], ..LabelRecipe::default() };
        let at = [0.0, 0.25, 0.5, 1.0].map(|part| recipe.temperature_at(part));
        assert_eq!(at, [1.0, 0.5, 0.25, 0.25]);
    }
}
