//! Pictures of a variational autoencoder: what it draws, what it makes of examples, and what lies between them.

use crate::contract::Autoencoder;
use crate::pictures::{Canvas, Grid, Raster, Tick, table, with_axes};
use helmholtz::Seed;
use helmholtz::data::Dataset;
use helmholtz::vae::{Likelihood, Observation, Prior, Vae};

/// Samples in a picture.
const SAMPLES: usize = 100;
/// Pictures along one side of the latent plane.
const SIDE: usize = 20;
/// Φ(z), the share of the prior below z: cells of the latent plane have equal shares.
const SHARES: [(&str, f64); 5] =
    [("-2", 0.022_750), ("-1", 0.158_655), ("0", 0.5), ("1", 0.841_345), ("2", 0.977_250)];

/// Draws from the prior: the mean of p(x | z), the probabilities of pixels that are bits; of a table draws from p(x | z)
/// over those of the data.
pub fn samples(vae: &Vae, canvas: Canvas, data: &Dataset<'_>, seed: Seed) -> Raster {
    if canvas.is_table() {
        let (points, width) = (table::points(data), vae.width());
        let grey = data.is_grey() && vae.data_likelihood() == Likelihood::Bernoulli;
        let observation = if grey { Observation::Mean } else { Observation::Drawn };
        let draws = vae.sample(points.len() / width.max(1), observation, seed);
        return table::pairs(&draws, &points, width);
    }
    canvas.square(&vae.sample(SAMPLES, Observation::Mean, seed)).raster()
}

/// Examples `[count, pixels]`, and below them what the mean of q(z | x) is decoded to; of a table the one over the other.
pub fn reconstructions(vae: &dyn Autoencoder, canvas: Canvas, originals: &[f32]) -> Raster {
    let made = vae.reconstruct(originals);
    canvas.beside_originals(originals, &made)
}

/// From each example of `originals` with an even number to the next one, a line each of `steps` images.
pub fn interpolations(vae: &dyn Autoencoder, canvas: Canvas, originals: &[f32], steps: usize) -> Grid {
    canvas.lines(&vae.interpolate(originals, steps), steps)
}

/// Lines of the picture of classes, and classes in it at the most.
const LINES: usize = 10;
const CLASSES: usize = 50;

/// A class a column, the same z along a line: what the class alone changes. `None` of a table, or of a model without classes or with many.
pub fn of_classes(vae: &Vae, canvas: Canvas, seed: Seed) -> Option<Raster> {
    let few = (1..=CLASSES).contains(&vae.classes()) && !canvas.is_table();
    let lines = vae.sample_lines(LINES, seed).ok().filter(|_| few)?;
    Some(canvas.lines(&lines, vae.classes()).raster())
}

/// The latent plane, where there is one: images, or of a table a panel a column.
pub fn manifold(vae: &Vae, canvas: Canvas) -> Option<Raster> {
    let plane = vae.manifold(SIDE).ok()?;
    let ticks = SHARES.map(|(label, part)| Tick { part, label: label.to_owned() });
    let width = vae.width();
    // Where a flow is the prior, the plane is that of its base.
    let (x, y) = if vae.config().prior == Prior::Normal { ("z0", "z1") } else { ("u0", "u1") };
    if canvas.is_table() {
        return Some(table::on_plane(&plane, SIDE, width, &ticks, (x, y)));
    }
    // Lines of images go down, the axis goes up.
    let upwards: Vec<f32> = plane.chunks_exact(SIDE * width).rev().flatten().copied().collect();
    let title = "what lies where: each image has the same share of the prior";
    Some(with_axes(&canvas.lines(&upwards, SIDE).raster(), title, (&ticks, x), (&ticks, y)))
}
