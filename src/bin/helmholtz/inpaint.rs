//! `helmholtz inpaint`: the pixels a mask hides, filled in by chains whose other pixels are clamped.

use crate::console::Report;
use crate::data;
use crate::failure::Failure;
use crate::globals::Globals;
use crate::mask::{Mask, MaskName};
use crate::model::{Loaded, Model};
use crate::picture::{Grid, grey};
use crate::sample::bits_for;
use clap::Args;
use helmholtz::rbm::Chains;
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
    /// Gibbs sweeps of each chain
    #[arg(long, default_value_t = 1000, value_name = "SWEEPS")]
    steps: usize,
    /// The picture [default: inpainted.png, in the run folder if there is one]
    #[arg(long, value_name = "FILE.png")]
    out: Option<PathBuf>,
}

/// Images side by side.
const COLUMNS: usize = 16;
/// A hidden pixel.
const HIDDEN: f32 = 0.5;

impl Inpaint {
    /// Fills in and writes the picture.
    pub fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let loaded = Loaded::open(&self.model, globals.console())?;
        let out = loaded.picture_path(self.out.as_deref(), "inpainted.png");
        if out.extension().is_none_or(|extension| extension != "png") {
            return Err(Failure::new("--out must end in .png").about(out.display()));
        }
        if self.count == 0 || self.steps == 0 {
            return Err(Failure::new("--count and --steps must be at least 1"));
        }
        let Model::Rbm(rbm) = &loaded.model;
        let name = loaded.data_name(self.data.as_deref())?;
        let rows = loaded.reading(None).of(&data::open(&name)?).test();
        let shape = if rows.width() == rbm.visible() { rows.image_shape() } else { loaded.image_shape };
        let count = self.count.min(rows.len());
        let images = bits_for(rbm, &rows.subset(0..count), &name)?;
        let mask = Mask::new(&self.mask, shape, globals.seed())?;

        // Hidden pixels start dark; the chain forgets it.
        let shown =
            BitMatrix::from_fn(count, images.units(), |row, unit| !mask.hides(unit) && images.get(row, unit));
        let mut chains = Chains::from_visible(shown, rbm.hidden(), globals.seed());
        chains.clamp_visible(&mask.shown());
        chains.gibbs(rbm, self.steps);
        let means = rbm.mean_visible(chains.hidden());

        let pixels = images.units();
        let original = images.to_f32();
        let hidden_as = |row: usize, of: &dyn Fn(usize) -> f32| -> Vec<f32> {
            (0..pixels)
                .map(|u| if mask.hides(u) { of(row * pixels + u) } else { original[row * pixels + u] })
                .collect()
        };
        let mut grid = Grid::new(shape, COLUMNS.min(count));
        let all: Vec<usize> = (0..count).collect();
        for rows in all.chunks(COLUMNS) {
            let blank =
                std::iter::repeat_n(vec![HIDDEN; pixels], if count > COLUMNS { COLUMNS - rows.len() } else { 0 });
            let lines: [Vec<Vec<f32>>; 3] = [
                rows.iter().map(|&row| original[row * pixels..][..pixels].to_vec()).collect(),
                rows.iter().map(|&row| hidden_as(row, &|_| HIDDEN)).collect(),
                rows.iter().map(|&row| hidden_as(row, &|place| means[place])).collect(),
            ];
            for line in lines {
                for tile in line.into_iter().chain(blank.clone()) {
                    grid.push(&tile, grey);
                }
            }
        }
        grid.save(&out)?;
        let wrong = wrong_pixels(&mask, &images, chains.visible());
        let mut report = Report::new();
        report.line(format!("{count} images completed in {}", out.display()));
        report.line(format!(
            "of the {} hidden pixels of each, {:.1} % were drawn other than they were",
            mask.hidden_count(),
            100.0 * wrong
        ));
        report.figure("model", "rbm");
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
