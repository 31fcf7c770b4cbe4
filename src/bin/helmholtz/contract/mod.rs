//! The contract of commands and families: traits that commands ask through, and the options and results of each question.

mod encode;
mod family;
mod inpaint;
pub mod likelihood;
mod model;
mod origin;
mod recall;
mod sample;
mod score;

pub use encode::{Autoencoder, Codes, Encoder};
pub use family::Family;
pub use inpaint::{Clamped, Filled, InpaintAsk, InpaintOptions, Inpainter, Scores};
pub use model::{Measure, Model};
pub use origin::Origin;
pub use recall::{Part, RecallOptions, Recaller};
pub use sample::{Draws, FileFormat, Numbers, Observation, Replicas, SampleAsk, SampleOptions, Sampler};
pub use score::{ScoreAsk, ScoreOptions, Scored, Scorer, Slack};
