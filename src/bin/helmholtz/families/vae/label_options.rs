//! The options of labels of `helmholtz train vae`: whose they are, how many are kept, what the model and the recipe make of them.

use crate::cli::{Failure, size};
use crate::input::LabelSource;
use crate::run::{Session, Widths, widths};
use clap::Args;
use helmholtz::vae::{ClassesBy, LabelPosterior, LabelPrior, LabelRecipe, Labels, VaeConfig};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The options of labels.
#[derive(Args)]
#[group(skip)]
pub struct LabelOptions {
    /// Learn p(x | y, z), y being the label that each row of DATA has, or that FILE says: IDX, .npy, or text of one a line; blank or
    /// -1: no label
    #[arg(long, value_name = "FILE", num_args = 0..=1, help_heading = "Labels")]
    labels: Option<Option<PathBuf>>,
    /// Keep so many labels of training rows, of each class as many, and hide the others [default: all]
    #[arg(long, value_name = "N", requires = "labels", help_heading = "Labels")]
    labelled: Option<usize>,
    /// Classes [default: those of the labels]; without --labels all rows are without labels, and classes are clusters
    #[arg(long, value_name = "N", help_heading = "Labels")]
    classes: Option<usize>,
    /// What q(z | ·) is given: independent (x) or conditional (x and y) [default: conditional; independent with --hidden 0]
    #[arg(long, value_name = "GIVEN", help_heading = "Labels")]
    label_posterior: Option<LabelPosterior>,
    /// Widths of the hidden layers of the classifier q(y | x), like 500; 0: none [default: as --hidden]
    #[arg(long, value_name = "SIZES", help_heading = "Labels")]
    classifier: Option<Widths>,
    /// Weight of -ln q(y | x) beside the bound of a row with a label [default: a tenth of the rows a row with a label]
    #[arg(long, value_name = "ALPHA", allow_negative_numbers = true, help_heading = "Labels")]
    alpha: Option<f32>,
    /// How rows without a label take all classes into account: enumerate, topk:K (the K most probable and one drawn of the rest) or gumbel
    /// (a mixture, biased) [default: auto: enumerate up to 20 classes, else topk:3]
    #[arg(long, value_name = "HOW", help_heading = "Labels")]
    classes_by: Option<ClassesBy>,
    /// Rows with a label of an update, where there are rows without too [default: half of --batch]
    #[arg(long, value_name = "N", help_heading = "Labels")]
    labelled_batch: Option<usize>,
    /// Weight of rows with a label, as a whole, in the mean over all rows [default: the part of a batch that they are]
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true, help_heading = "Labels")]
    labelled_weight: Option<f32>,
    /// Updates at the start in which the classifier learns from labels alone, the other rows with the classes that it gives them [default: 0]
    #[arg(long, value_name = "UPDATES", help_heading = "Labels")]
    classifier_alone: Option<u64>,
    /// What p(y) is: uniform, or frequencies, those of the labels [default: uniform]
    #[arg(long, value_name = "PRIOR", help_heading = "Labels")]
    label_prior: Option<LabelPrior>,
    /// Temperatures of --classes-by gumbel: at the start and from half of the run on [default: 1,0.5]
    #[arg(long, value_name = "FIRST,LAST", help_heading = "Labels")]
    temperatures: Option<Temperatures>,
}

/// Two temperatures.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Temperatures([f32; 2]);

impl fmt::Display for Temperatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.0[0], self.0[1])
    }
}

impl FromStr for Temperatures {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = "wanted two positive numbers, like 1,0.5";
        let (first, last) = text.split_once(',').ok_or(wanted)?;
        let number = |text: &str| text.trim().parse::<f32>().ok().filter(|t| *t > 0.0 && t.is_finite());
        Ok(Temperatures([number(first).ok_or(wanted)?, number(last).ok_or(wanted)?]))
    }
}

/// What stands for the usual weight of a label in settings.
const USUAL: &str = "usual";

impl LabelOptions {
    /// The names of the options beside the labels themselves that were given.
    fn given(&self) -> Option<&'static str> {
        let options = [
            self.label_posterior.map(|_| "label-posterior"),
            self.classifier.as_ref().map(|_| "classifier"),
            self.alpha.map(|_| "alpha"),
            self.classes_by.map(|_| "classes-by"),
            self.labelled_batch.map(|_| "labelled-batch"),
            self.labelled_weight.map(|_| "labelled-weight"),
            self.classifier_alone.map(|_| "classifier-alone"),
            self.label_prior.map(|_| "label-prior"),
            self.temperatures.map(|_| "temperatures"),
        ];
        options.into_iter().flatten().next()
    }

    /// The labels of the rows, and what the model knows of classes; `hidden` layers are the usual ones of a classifier.
    pub fn settle(
        &self,
        session: &mut Session,
        hidden: &Widths,
        start: Option<&VaeConfig>,
    ) -> Result<Option<Labels>, Failure> {
        let own = start.and_then(|start| start.labels.clone());
        // A model with classes is given labels where the data have some.
        let usual = own.is_some() && session.data.has_labels();
        let source = session.settle_labels(LabelSource::given(&self.labels)?, usual)?;
        let usual_classes = own.as_ref().map_or(0, |own| own.classes);
        let named = session.settings.settle("classes", self.classes, usual_classes)?;
        if source.is_none() && named == 0 {
            return match self.given() {
                Some(option) => Err(Failure::new(format!("--{option} is for labels"))
                    .hint("--labels takes those of the data, --classes N learns clusters")),
                None => Ok(None),
            };
        }
        let there = session.data.classes().filter(|_| source.is_some()).unwrap_or(0);
        if named != 0 && named < there {
            return Err(Failure::new(format!("--classes is {named}, and labels go up to {}", there - 1)));
        }
        let classes = named.max(there);
        size::check("classes", classes, 4 * session.data.width())?;
        if source.is_some() {
            let labelled = session.train.labelled_rows().len();
            let kept = session.settings.settle("labelled", self.labelled, labelled)?;
            if kept != labelled {
                session.keep_labels(kept)?;
            }
        }
        let posterior = match hidden.0.is_empty() {
            true => LabelPosterior::Independent,
            false => LabelPosterior::Conditional,
        };
        let settings = &mut session.settings;
        let classifier = own.as_ref().map_or_else(|| hidden.clone(), |own| Widths(own.classifier.clone()));
        let posterior = own.as_ref().map_or(posterior, |own| own.posterior);
        let classifier = settings.settle("classifier", self.classifier.clone(), classifier)?;
        widths::check(&classifier.0, session.data.width())?;
        Ok(Some(Labels {
            classes,
            named: source.is_some(),
            posterior: settings.settle("label-posterior", self.label_posterior, posterior)?,
            classifier: classifier.0,
        }))
    }

    /// What is made of labels in training.
    pub fn recipe(&self, session: &mut Session) -> Result<LabelRecipe, Failure> {
        let usual = LabelRecipe::default();
        let settings = &mut session.settings;
        let alpha = self.alpha.map(|alpha| alpha.to_string());
        let alpha = settings.settle("alpha", alpha, USUAL.to_owned())?;
        let labelled_batch = settings.settle("labelled-batch", self.labelled_batch, 0)?;
        let weight = self.labelled_weight.map(|weight| weight.to_string());
        let weight = settings.settle("labelled-weight", weight, USUAL.to_owned())?;
        Ok(LabelRecipe {
            alpha: alpha.parse().ok(),
            classes_by: settings.settle("classes-by", self.classes_by, usual.classes_by)?,
            labelled_batch: (labelled_batch > 0 || self.labelled_batch.is_some()).then_some(labelled_batch),
            labelled_weight: weight.parse().ok(),
            classifier_alone: settings.settle(
                "classifier-alone",
                self.classifier_alone,
                usual.classifier_alone,
            )?,
            prior: settings.settle("label-prior", self.label_prior, usual.prior)?,
            temperatures: settings.settle("temperatures", self.temperatures, Temperatures(usual.temperatures))?.0,
        })
    }
}
