//! A training run: its options and settings, its folder, and what is written and said while it goes and at its end.

mod conclusion;
mod curves;
mod descent;
mod diagnosis;
mod estimating;
pub mod folder;
mod init;
mod labels;
mod masks;
mod metrics_table;
mod options;
mod progress_bar;
mod progress_lines;
mod recorder;
mod seeds;
mod session;
mod settings;
pub mod standing;
pub mod widths;

pub use conclusion::Trained;
pub use descent::DescentOptions;
pub use estimating::Estimating;
pub use folder::{
    CAPACITY, CAPACITY_TABLE, CHECKPOINT, CLASSES, DENSITY, Existing, FILTERS, FINGERPRINT, IMAGE_SHAPE,
    INTERPOLATION, KIND, LARGEST, MANIFOLD, MODEL, RECALL, RECONSTRUCTIONS, RUN, RunFolder, SAMPLES,
};
pub use init::Init;
pub use options::{Options, Validation};
pub use seeds::each_seed;
pub use session::{Session, Subject, file_name_of};
pub use settings::{Choice, Settings};
pub use standing::Standing;
pub use widths::Widths;
