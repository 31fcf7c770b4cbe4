//! Rows of a dataset as a flow takes them: preprocessed numbers, and what they are conditioned on.

use super::{Conditioning, Flow, FlowError};
use crate::data::Dataset;
use crate::random::{Lanes, Streams};

impl Flow {
    /// Whether rows of `data` are examples for this model, and have what it is conditioned on. Looks at labels, and at rows only where their
    /// levels are fractions.
    pub(super) fn check_data(&self, data: &Dataset<'_>) -> Result<(), FlowError> {
        self.config.preprocessing.check_data(data, self.width())?;
        match self.config.conditioning {
            Conditioning::None => Ok(()),
            Conditioning::Labels { classes } => {
                let beyond = |row| match data.label(row) {
                    None => Some(FlowError::NoContext),
                    Some(label) if usize::from(label) >= classes => Some(FlowError::Label { label, classes }),
                    Some(_) => None,
                };
                (0..data.len()).find_map(beyond).map_or(Ok(()), Err)
            }
            Conditioning::Targets { width } => match data.target_width() {
                None => Err(FlowError::NoContext),
                Some(given) if given != width => Err(FlowError::ContextWidth { given, wanted: width }),
                Some(_) => Ok(()),
            },
        }
    }

    /// Reads rows of checked data: z into `z` `[rows, width]`, what they are conditioned on into `context` `[rows, context]`. `noise`
    /// `[rows, width]` is uniform on [0, 1) where there are levels, else empty.
    pub(super) fn read_rows(
        &self,
        data: &Dataset<'_>,
        rows: impl Iterator<Item = usize> + Clone,
        noise: &[f32],
        z: &mut [f32],
        context: &mut [f32],
    ) {
        let (width, largest) = (self.width(), data.largest());
        for (place, row) in rows.clone().enumerate() {
            let range = place * width..(place + 1) * width;
            let noise = if noise.is_empty() { noise } else { &noise[range.clone()] };
            let z = &mut z[range];
            data.row_into(row, z);
            self.config.preprocessing.apply(z, largest, noise);
        }
        if context.is_empty() {
            return;
        }
        for (context, row) in context.chunks_exact_mut(self.config.context()).zip(rows) {
            match self.config.conditioning {
                Conditioning::None => {}
                Conditioning::Labels { .. } => {
                    context.fill(0.0);
                    if let Some(one) = data.label(row).and_then(|label| context.get_mut(usize::from(label))) {
                        *one = 1.0;
                    }
                }
                Conditioning::Targets { .. } => {
                    if let Some(target) = data.target(row) {
                        context.copy_from_slice(target);
                    }
                }
            }
        }
    }

    /// Labels as a conditional flow takes them, a one among zeros: `[labels, classes]`.
    ///
    /// # Errors
    /// Where the flow is not conditioned on labels, or has no class for one.
    pub fn context_of(&self, labels: &[u16]) -> Result<Vec<f32>, FlowError> {
        let Conditioning::Labels { classes } = self.config.conditioning else {
            return Err(FlowError::ContextWidth { given: labels.len(), wanted: 0 });
        };
        let mut context = vec![0.0; labels.len() * classes];
        for (row, &label) in context.chunks_exact_mut(classes).zip(labels) {
            *row.get_mut(usize::from(label)).ok_or(FlowError::Label { label, classes })? = 1.0;
        }
        Ok(context)
    }

    /// Whether `context` is what `rows` rows are conditioned on.
    pub(super) fn check_context(&self, rows: usize, context: &[f32]) -> Result<(), FlowError> {
        let wanted = rows * self.config.context();
        if context.len() == wanted {
            Ok(())
        } else {
            Err(FlowError::ContextWidth { given: context.len(), wanted })
        }
    }
}

/// Uniform noise for sixteen rows in `noise` `[16, width]`, each from a lane of its own; `drawn` is as long.
pub(super) fn fill_noise(stream: &mut Lanes, drawn: &mut [f32], noise: &mut [f32]) {
    stream.fill_uniform(drawn);
    let width = noise.len() / Streams::ROWS;
    for (lane, row) in noise.chunks_exact_mut(width).enumerate() {
        row.iter_mut().zip(drawn[lane..].iter().step_by(Streams::ROWS)).for_each(|(u, &draw)| *u = draw);
    }
}
