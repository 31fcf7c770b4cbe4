//! `helmholtz inpaint`: the pixels a mask hides, filled in given the others.

use super::loaded::Loaded;
use crate::cli::{Failure, Globals, Report, Task, counted, size};
use crate::contract::{FileFormat, InpaintOptions};
use crate::input::{Mask, MaskName, RowChoice, data, npy};
use crate::pictures::{Grid, table};
use clap::Args;
use helmholtz::tensor::BitMatrix;
use std::path::PathBuf;

/// Complete images of which a part is hidden
#[derive(Args)]
#[command(after_help = "\
The picture has three lines for every line of images: what was there, what was shown, what was
filled in. Of rows that are no images it has a panel a column, the hidden ones first, and one for
each pair of columns, the completed rows over the original ones.

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
    options: InpaintOptions,
    /// FILE.png, the picture, or FILE.npy, the completed images as 0 and 1 [default: inpainted.png, in the run folder if there is
    /// one]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Images side by side.
const COLUMNS: usize = 16;
/// A hidden pixel.
const HIDDEN: f32 = 0.5;

impl Task for Inpaint {
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let loaded = Loaded::open(&self.model, globals)?;
        let origin = &loaded.origin;
        let inpainter = loaded.asked(loaded.model.inpainter())?;
        let (out, format) = origin.picture_or_numbers(self.out.as_deref(), "inpainted.png")?;
        let width = loaded.model.width();
        size::check("count", self.count, width)?;
        let rows = origin.rows(&RowChoice::test(self.data.as_deref()))?;
        let shape = if rows.rows.width() == width { rows.rows.image_shape() } else { origin.image_shape };
        let images = data::bits_for(&rows.first(self.count), width, &rows.name)?;
        let mask = Mask::new(&self.mask, shape, globals.seed())?;
        let filled = inpainter.inpaint(&images, &mask, &self.options, globals.seed())?;

        let original = images.to_f32();
        let hides = (0..original.len()).map(|place| mask.hides(place % images.units()));
        let or_filled = |filled: &dyn Fn(usize) -> f32| -> Vec<f32> {
            let pixels = hides.clone().enumerate();
            pixels.map(|(place, hidden)| if hidden { filled(place) } else { original[place] }).collect()
        };
        match format {
            FileFormat::Png if table::is_one(shape) => {
                let drawn = filled.bits.to_f32();
                let completed = or_filled(&|place| drawn[place]);
                table::completions(&completed, &original, width, |column| mask.hides(column)).save(&out)?;
            }
            FileFormat::Png => {
                let shown = or_filled(&|_| HIDDEN);
                let completed = or_filled(&|place| filled.levels[place]);
                Grid::stacked(shape, COLUMNS, &[&original, &shown, &completed]).save(&out)?;
            }
            FileFormat::Npy => {
                let drawn = filled.bits.to_f32();
                let completed: Vec<u8> =
                    or_filled(&|place| drawn[place]).into_iter().map(|bit| bit as u8).collect();
                npy::save(&out, &npy::of_bits(images.rows(), width, &completed))?;
            }
        }
        let wrong = wrong_pixels(&mask, &images, &filled.bits);
        let mut report = loaded.report(&out);
        report.line(format!("{} completed in {}", counted(images.rows(), "image"), out.display()));
        report.line(format!(
            "of the {} of each, {:.1} % were drawn other than they were",
            counted(mask.hidden_count(), "hidden pixel"),
            100.0 * wrong
        ));
        report.figure("data", rows.name);
        report.figure("count", images.rows());
        report.figure("hidden_pixels", mask.hidden_count());
        report.figure("wrong_fraction", wrong);
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
