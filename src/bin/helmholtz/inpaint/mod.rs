//! `helmholtz inpaint`: the pixels a mask hides, filled in given the others.

mod rbm;

use crate::console::Report;
use crate::counted::counted;
use crate::data::{self, Domain};
use crate::failure::Failure;
use crate::globals::Globals;
use crate::mask::{Mask, MaskName};
use crate::model::{Loaded, Model};
use crate::picture::{self, Grid};
use crate::size;
use clap::Args;
use helmholtz::tensor::BitMatrix;
use std::path::PathBuf;

/// Complete images of which a part is hidden
#[derive(Args)]
#[command(after_help = "\
The picture has three lines for every line of images: what was there, what was shown, what was
filled in.

Examples:
  helmholtz inpaint runs/rbm-digits --mask bottom
  helmholtz inpaint runs/rbm-digits --mask 50% --count 20 --out half.png")]
pub struct Inpaint {
    /// A run folder or a .safetensors file
    #[arg(value_name = "RUN|MODEL")]
    model: PathBuf,
    /// Data; its test rows are completed [default: what the model was trained on]
    data: Option<String>,
    /// What is hidden: top, bottom, left, right, center, a part of all pixels like 30%, or a .npy file of the image's
    /// shape whose ones are hidden
    #[arg(long, value_name = "MASK")]
    mask: MaskName,
    /// How many images
    #[arg(long, default_value_t = 16, value_name = "N")]
    count: usize,
    #[command(flatten)]
    rbm: rbm::Options,
    /// The picture [default: inpainted.png, in the run folder if there is one]
    #[arg(long, value_name = "FILE.png")]
    out: Option<PathBuf>,
}

/// Images side by side.
const COLUMNS: usize = 16;
/// A hidden pixel.
const HIDDEN: f32 = 0.5;

/// Images whose hidden pixels are filled in.
struct Filled {
    /// The probabilities of the pixels, `[count, pixels]`; those of the shown ones are not looked at.
    levels: Vec<f32>,
    /// The pixels as they were drawn.
    bits: BitMatrix,
}

impl Inpaint {
    /// Fills in and writes the picture.
    pub fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let loaded = Loaded::open(&self.model, globals.console())?;
        let out = loaded.picture_path(self.out.as_deref(), "inpainted.png");
        picture::check_ending(&out)?;
        if let Model::Neural(_) = &loaded.model {
            return Err(
                Failure::new("a neural energy has no hidden pixels to fill in").about(self.model.display())
            );
        }
        let width = loaded.model.width();
        size::check("count", self.count, width)?;
        let name = loaded.data_name(self.data.as_deref())?;
        let rows = loaded.reading(None).of(&data::open(&name, Domain::Levels)?)?.test();
        let shape = if rows.width() == width { rows.image_shape() } else { loaded.image_shape };
        let count = self.count.min(rows.len());
        let images = data::bits_for(&rows.subset(0..count), width, &name)?;
        let mask = Mask::new(&self.mask, shape, globals.seed())?;

        let filled = match &loaded.model {
            Model::Rbm(rbm) => self.rbm.fill(rbm, &images, &mask, globals.seed())?,
            Model::Boltzmann(_) | Model::Hopfield(_) | Model::Neural(_) => {
                let kind = loaded.model.kind();
                return Err(Failure::new(format!("a model of kind {kind:?} cannot fill in images yet"))
                    .about(loaded.file.display())
                    .hint("helmholtz recall --erase half completes what a Hopfield network has stored"));
            }
            Model::Vae(_) => {
                return Err(Failure::new("a variational autoencoder does not fill in hidden pixels")
                    .about(self.model.display())
                    .hint("helmholtz reconstruct shows what it makes of whole images"));
            }
        };

        let original = images.to_f32();
        let hides = (0..original.len()).map(|place| mask.hides(place % images.units()));
        let or_filled = |filled: &dyn Fn(usize) -> f32| -> Vec<f32> {
            let pixels = hides.clone().enumerate();
            pixels.map(|(place, hidden)| if hidden { filled(place) } else { original[place] }).collect()
        };
        let shown = or_filled(&|_| HIDDEN);
        let completed = or_filled(&|place| filled.levels[place]);
        Grid::stacked(shape, COLUMNS, &[&original, &shown, &completed]).save(&out)?;
        let wrong = wrong_pixels(&mask, &images, &filled.bits);
        let mut report = Report::new();
        report.line(format!("{} completed in {}", counted(count, "image"), out.display()));
        report.line(format!(
            "of the {} of each, {:.1} % were drawn other than they were",
            counted(mask.hidden_count(), "hidden pixel"),
            100.0 * wrong
        ));
        report.figure("model", loaded.model.kind());
        report.figure("data", name);
        report.figure("count", count);
        report.figure("hidden_pixels", mask.hidden_count());
        report.figure("wrong_fraction", wrong);
        report.figure("out", out.display().to_string());
        Ok(report)
    }
}

/// The part of the hidden pixels that were drawn other than they were.
fn wrong_pixels(mask: &Mask, images: &BitMatrix, drawn: &BitMatrix) -> f64 {
    let hidden: Vec<usize> = (0..images.units()).filter(|&unit| mask.hides(unit)).collect();
    let wrong = (0..images.rows())
        .flat_map(|row| hidden.iter().map(move |&unit| (row, unit)))
        .filter(|&(row, unit)| images.get(row, unit) != drawn.get(row, unit))
        .count();
    wrong as f64 / (images.rows() * hidden.len()).max(1) as f64
}
