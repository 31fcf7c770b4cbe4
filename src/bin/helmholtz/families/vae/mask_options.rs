//! Options of missing values and masks.

use crate::cli::Failure;
use crate::input::{MaskName, mask};
use crate::run::Session;
use clap::Args;
use helmholtz::data::Dataset;
use helmholtz::vae::{MaskInput, MaskLoss, MaskRecipe, VaeConfig, VaeRecipe};

/// Options of missing values and masks.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct MaskOptions {
    /// What of each row the encoder is not shown, anew each time: 30%, box, quadrants:N (N are shown), top, bottom, left, right, center; or a
    /// .npy whose ones are hidden for good, of an image's shape or [rows, width] of all or of the training rows
    #[arg(long, value_name = "MASK", help_heading = "Missing values")]
    mask: Option<MaskName>,
    /// What a masked row is learned by: shown (the likelihood of what is shown), all (that of the whole row) or hidden (that of what is
    /// hidden, given the rest) [default: shown]
    #[arg(long, value_name = "PART", help_heading = "Missing values")]
    mask_loss: Option<MaskLoss>,
    /// How the encoder is told what is hidden: means (a hidden value reads as its column's mean) or weights (it has weights of its own, two
    /// products more a step) [default: means for bits, weights for levels and numbers]
    #[arg(long, value_name = "WAY", help_heading = "Missing values")]
    mask_input: Option<MaskInput>,
    /// The part of the encoder's hidden units that is dropped in an update, for each row others [default: 0]
    #[arg(long, value_name = "P", allow_negative_numbers = true, help_heading = "Missing values")]
    dropout: Option<f32>,
}

/// What stands for no mask in settings.
const NONE: &str = "false";

impl MaskOptions {
    /// Hides what a file says, for good.
    pub fn hide_always(&self, session: &mut Session) -> Result<(), Failure> {
        let named = self.mask.as_ref().map(ToString::to_string);
        let settled = session.settings.settle("mask", named, NONE.to_owned())?;
        if let Ok(MaskName::File(file)) = settled.parse() {
            let hidden = mask_of_all(&file, &session.data)?;
            session.hide(&hidden)?;
            let hash = format!("{:016x}", session.data.fingerprint());
            session.settings.settle("mask-fingerprint", Some(hash.clone()), hash)?;
        }
        if let Some(column) = session.train.empty_column() {
            return Err(Failure::new(format!("column {column} has no value in any training row"))
                .about(session.data.name())
                .hint("leave such a column out: there is nothing to learn it from"));
        }
        Ok(())
    }

    /// How the encoder is told what is hidden, where something is; after [`hide_always`](Self::hide_always). A model that training starts
    /// from goes on as it is; convolutions have no weights for it.
    pub fn settle(
        &self,
        session: &mut Session,
        start: Option<MaskInput>,
        convolved: bool,
    ) -> Result<Option<MaskInput>, Failure> {
        let masked = session.settings.settled().get("mask").is_some_and(|mask| mask != NONE);
        if !masked && !session.data.has_missing() && start.is_none() {
            return match self.mask_input {
                None => Ok(None),
                Some(_) => Err(Failure::new("--mask-input is for rows of which something is hidden or missing")),
            };
        }
        let usual = if session.data.is_binary() || convolved { MaskInput::Means } else { MaskInput::Weights };
        Ok(Some(session.settings.settle("mask-input", self.mask_input, start.unwrap_or(usual))?))
    }

    /// Whether the model is one of what is hidden given the rest.
    pub fn completes(&self, session: &Session) -> bool {
        let saved = session.settings.saved::<MaskLoss>("mask-loss");
        self.mask_loss.or(saved) == Some(MaskLoss::Hidden)
    }

    /// What training hides of each row, and the dropout.
    pub fn recipe(&self, session: &mut Session) -> Result<(Option<MaskRecipe>, f32), Failure> {
        let drawn = match session.settings.settled().get("mask").map(|mask| mask.parse()) {
            Some(Ok(MaskName::Drawn(masking))) => Some(masking),
            _ => None,
        };
        if drawn.is_none() && self.mask_loss.is_some() {
            return Err(Failure::new("--mask-loss is for rows of which --mask hides a part anew each time"));
        }
        let masks = match drawn {
            None => None,
            Some(masking) => {
                let loss = session.settings.settle("mask-loss", self.mask_loss, MaskLoss::default())?;
                Some(MaskRecipe { masking, loss })
            }
        };
        let dropout = match self.dropout.is_some() || session.settings.saved::<f32>("dropout").is_some() {
            true => session.settings.settle("dropout", self.dropout, 0.0)?,
            false => 0.0,
        };
        Ok((masks, dropout))
    }
}

/// The mask of a file for all rows of the data, or for its training rows alone.
fn mask_of_all(file: &str, data: &Dataset<'static>) -> Result<Vec<bool>, Failure> {
    mask::from_file(file, data, data.image_shape()).or_else(|failure| {
        let train = data.train();
        let mut hidden = mask::from_file(file, &train, data.image_shape()).map_err(|_| failure)?;
        hidden.resize(data.len() * data.width(), false);
        Ok(hidden)
    })
}

/// Refuses what does not go together.
pub fn check(config: &VaeConfig, recipe: &VaeRecipe, session: &Session) -> Result<(), Failure> {
    if !(0.0..1.0).contains(&recipe.dropout) {
        return Err(Failure::new(format!("--dropout is {}, but must be from 0 to below 1", recipe.dropout)));
    }
    if let Some(input) = config.masks {
        if config.labels.is_some() {
            let why = if session.data.has_missing() { "missing values" } else { "--mask" };
            return Err(Failure::new(format!("{why}: a model of classes wants whole rows")));
        }
        if config.convolutions.is_some() && input == MaskInput::Weights {
            return Err(Failure::new("--mask-input weights is not for convolutions: means"));
        }
        if config.encoder.is_empty() && input == MaskInput::Weights {
            return Err(Failure::new("an encoder with weights for masks needs a hidden layer").hint(
                "--encoder 128 gives it one, whatever --hidden says of the decoder; --mask-input means needs none",
            ));
        }
    }
    if config.labels.is_some() && recipe.dropout > 0.0 {
        return Err(Failure::new("--dropout is not for models of classes"));
    }
    Ok(recipe.check_for(config).or_else(|error| match recipe.bound {
        // Which is told in words of its own.
        helmholtz::vae::Bound::DoublyReparameterised if recipe.masks.is_none() => Ok(()),
        _ => Err(error),
    })?)
}
