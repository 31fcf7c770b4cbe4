//! DATA on the command line: a built-in set, a folder, a file, or either of them compressed.

use crate::cli::{Console, Failure};
use clap::ValueEnum;
use flate2::read::MultiGzDecoder;
use helmholtz::data::{
    Binarization, DataError, Dataset, IDX_HEADER_BYTES, MNIST_FILES, MnistParts, NamedBytes, Scale, Spread,
    ToyDensity, idx_file_length, mnist_files, npy_numbers,
};
use helmholtz::tensor::BitMatrix;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The numbers that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Bits and grey levels, from 0 to 1.
    Levels,
    /// Any real numbers.
    Reals,
    /// All kinds of data.
    Any,
}

/// The first bytes of a `.npy` file.
const NPY: [u8; 6] = *b"\x93NUMPY";

/// How grey levels become bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Binarize {
    /// 1 where the grey level is at least half of the scale
    Threshold,
    /// 1 with the probability the grey level names, drawn anew each time in training
    Sample,
    /// grey levels stay probabilities: they can be trained on, but have no likelihood
    None,
}

impl From<Binarize> for Binarization {
    fn from(binarize: Binarize) -> Self {
        match binarize {
            Binarize::Threshold => Binarization::Threshold,
            Binarize::Sample => Binarization::Sample,
            Binarize::None => Binarization::None,
        }
    }
}

/// On what scale grey levels are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PixelScale {
    /// from 0 to 1
    Unit,
    /// as they are stored: to 16 for the digits, to 255 for MNIST
    Raw,
}

impl From<PixelScale> for Scale {
    fn from(scale: PixelScale) -> Self {
        match scale {
            PixelScale::Unit => Scale::Unit,
            PixelScale::Raw => Scale::Raw,
        }
    }
}

/// Whether light is 1 or dark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polarity {
    /// The data as it is.
    Plain,
    /// Its complement, 1 − x.
    Flipped,
}

/// How rows are read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// How grey levels become bits.
    pub binarize: Binarize,
    /// Whether light is 1 or dark is.
    pub polarity: Polarity,
    /// On what scale the levels that stay grey are.
    pub scale: PixelScale,
}

impl Reading {
    /// The rows of `data` read this way.
    pub fn of(self, data: &Dataset<'static>) -> Result<Dataset<'static>, Failure> {
        let data = data.binarized(self.binarize.into()).scaled(self.scale.into());
        match self.polarity {
            Polarity::Plain => Ok(data),
            Polarity::Flipped if data.is_real() => {
                Err(Failure::new("--flip is for bits and grey levels, and these are real numbers")
                    .about(data.name()))
            }
            Polarity::Flipped => Ok(data.flipped()),
        }
    }
}

/// Refuses a way to make bits of what stays real.
pub fn refuse_bits_of_reals(data: &Dataset<'_>, binarize: Option<Binarize>) -> Result<(), Failure> {
    match binarize {
        Some(Binarize::Threshold | Binarize::Sample) if data.is_real() => {
            Err(Failure::new("--binarize is for grey levels, and these are real numbers").about(data.name()))
        }
        _ => Ok(()),
    }
}

/// The absolute path of the data that `argument` names; `None` where it is built in.
pub fn path_of(argument: &str) -> Option<String> {
    match Dataset::built_in(argument) {
        Ok(None) => Some(std::path::absolute(argument).ok()?.display().to_string()),
        Ok(Some(_)) | Err(_) => None,
    }
}

/// Says how levels are read as bits, in one line, where they are; warns where what is left of them is little, and refuses
/// data of which nothing is.
pub fn check_bits(data: &Dataset<'_>, console: &Console) -> Result<Option<String>, Failure> {
    let spread = if data.is_binarized() { data.spread() } else { None };
    let Some(Spread { smallest, largest, scale, threshold }) = spread else { return Ok(None) };
    let range = format!("its numbers go from {smallest} to {largest} on a scale from 0 to {scale}");
    // The most that reading on another scale could help: numbers as far as the largest one.
    let remedy = format!(
        "in NumPy: np.save(file, (x / {largest}).astype(np.float32)); --binarize none keeps the levels as they are"
    );
    let ones = data.means().iter().sum::<f64>() / data.width() as f64;
    if data.binarization() == Binarization::Sample {
        if largest < threshold {
            let most = 100.0 * largest / scale;
            console.warn(format!("{}: {range}: no pixel is 1 in more than {most:.1} % of the draws", data.name()));
        }
        return Ok(Some(format!("{} is drawn as bits, {:.1} % of them 1", data.name(), 100.0 * ones)));
    }
    if smallest < largest && (largest < threshold || smallest >= threshold) {
        let all = if largest < threshold { 0 } else { 1 };
        return Err(Failure::new(format!(
            "{range}: by --binarize threshold, from {threshold} on, every bit is {all}"
        ))
        .about(data.name())
        .hint(remedy));
    }
    if data.threshold_merges_all() {
        return Err(Failure::new(format!(
            "{range}: by --binarize threshold, from {threshold} on, all rows are equal"
        ))
        .about(data.name())
        .hint("--binarize sample draws bits, and --binarize none keeps the levels as they are"));
    }
    Ok(Some(format!(
        "{} is read as bits: 1 from {threshold} of {scale} on, {:.1} % of them (--binarize says how)",
        data.name(),
        100.0 * ones
    )))
}

/// The data that `argument` names: `digits`, `bars:N` or a density on the plane, which come first whatever files there are; else a
/// folder with MNIST's files, an IDX file or a `.npy`. Where any real numbers will do, so do those of a `.npy` that are not in
/// [0, 1]. What a folder lacks is said to `console`.
pub fn open(argument: &str, domain: Domain, console: &Console) -> Result<Dataset<'static>, Failure> {
    if domain == Domain::Levels && argument.parse::<ToyDensity>().is_ok() {
        return Err(Failure::new(format!(
            "{argument} is a density on the plane, and this model learns rows of bits or grey levels"
        ))
        .hint("try digits, or bars:3; helmholtz train neural learns densities"));
    }
    if let Some(data) = Dataset::built_in(argument)? {
        return Ok(data);
    }
    let path = Path::new(argument);
    if path.is_file() && starts_with(path, &NPY) {
        return open_npy(path, domain);
    }
    if path.is_dir() {
        return open_folder(path, argument, console);
    }
    if path.is_file() && is_compressed(path) {
        return Ok(Dataset::from_idx_bytes(read(path)?, None)?);
    }
    Ok(Dataset::open(path)?)
}

/// The files of MNIST in a folder, those that are there.
fn open_folder(folder: &Path, name: &str, console: &Console) -> Result<Dataset<'static>, Failure> {
    let files = mnist_files(folder)?;
    let lacks = |file: usize| files[file].is_none();
    if lacks(0) || lacks(2) {
        let there = if lacks(0) { MNIST_FILES[2] } else { MNIST_FILES[0] };
        console.warn(format!(
            "{name} has no images but those of {there}: its rows are not split, --validation holds some out"
        ));
    }
    for (images, labels) in [(0, 1), (2, 3)] {
        if !lacks(images) && lacks(labels) {
            console.note(format!("{name} has no {}: {} has no labels", MNIST_FILES[labels], MNIST_FILES[images]));
        }
    }
    if !files.iter().flatten().any(|file| is_compressed(file)) {
        return Ok(Dataset::open(folder)?);
    }
    let [train_images, train_labels, test_images, test_labels] =
        files.map(|file| file.map(|file| read(&file)).transpose());
    let parts = MnistParts {
        train_images: train_images?,
        train_labels: train_labels?,
        test_images: test_images?,
        test_labels: test_labels?,
    };
    Ok(Dataset::from_mnist_parts(name, parts)?)
}

/// A `.npy`: of bits or levels as such, where real numbers are wanted only if it holds nothing but bits.
fn open_npy(path: &Path, domain: Domain) -> Result<Dataset<'static>, Failure> {
    let levels = Dataset::open(path);
    let keep = match (&levels, domain) {
        (_, Domain::Levels) => true,
        (Ok(levels), Domain::Reals) => levels.binarized(Binarization::None).is_binary(),
        (Ok(_), Domain::Any) => true,
        (Err(error), _) => !matches!(error, DataError::Value { .. }),
    };
    let opened = if keep { levels } else { Dataset::open_real(path) };
    // NaN is a missing value.
    match opened {
        Err(DataError::Value { value, .. }) if value.is_nan() => Ok(Dataset::open_incomplete(path)?),
        opened => Ok(opened?),
    }
}

/// The rows as bits, if they are as wide as a model of `width` visible units; grey levels are drawn.
pub fn bits_for(rows: &Dataset<'_>, width: usize, name: &str) -> Result<BitMatrix, Failure> {
    if rows.width() != width {
        let given = rows.width();
        return Err(
            Failure::new(format!("rows of {given} values, and the model has {width} visible units")).about(name)
        );
    }
    refuse_missing(rows, name)?;
    if rows.is_grey() {
        let binarized = rows.binarized(Binarization::Sample);
        return Ok(binarized.to_bits());
    }
    Ok(rows.to_bits())
}

/// The numbers of the rows, `[rows, width]`, if they are as wide as a model of `width` values a row; where bits are
/// sampled, those of their one fixed stream.
pub fn values_for(rows: &Dataset<'_>, width: usize, name: &str) -> Result<Vec<f32>, Failure> {
    if rows.width() != width {
        let given = rows.width();
        return Err(Failure::new(format!("rows of {given} values, and the model has {width}")).about(name));
    }
    refuse_missing(rows, name)?;
    Ok(known_values(rows))
}

/// The numbers of the rows, `[rows, width]`, zeros where they are missing.
pub fn known_values(rows: &Dataset<'_>) -> Vec<f32> {
    let width = rows.width();
    if rows.binarization() == Binarization::Sample {
        return rows.to_bits().to_f32();
    }
    let mut values = vec![0.0; rows.len() * width];
    values.chunks_exact_mut(width).enumerate().for_each(|(row, values)| rows.row_into(row, values));
    values
}

/// Refuses rows with missing values.
fn refuse_missing(rows: &Dataset<'_>, name: &str) -> Result<(), Failure> {
    match rows.first_missing() {
        None => Ok(()),
        Some([row, column]) => {
            Err(Failure::new(format!("row {row}, column {column} is missing, and this wants whole rows"))
                .about(name)
                .hint("helmholtz inpaint completes them by a VAE that was trained on such rows"))
        }
    }
}

/// The numbers of a two-dimensional `.npy`, `[rows, width]`, all of them finite.
pub fn numbers(path: &Path) -> Result<(Vec<f32>, [usize; 2]), Failure> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| DataError::Io { file: name.clone(), source })?;
    let (numbers, shape) = npy_numbers(&NamedBytes::new(name.clone(), bytes))?;
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(place) => {
            let (row, column) = (place / shape[1], place % shape[1]);
            Err(Failure::new(format!("row {row}, column {column} is {}", numbers[place])).about(name))
        }
        None => Ok((numbers, shape)),
    }
}

/// The bytes of a file of labels, decompressed where it is a compressed IDX file.
pub fn labels(path: &Path) -> Result<NamedBytes, Failure> {
    if is_compressed(path) {
        return read(path);
    }
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| DataError::Io { file: name.clone(), source })?;
    Ok(NamedBytes::new(name, bytes))
}

fn is_compressed(path: &Path) -> bool {
    starts_with(path, &[0x1f, 0x8b])
}

fn starts_with(path: &Path, magic: &[u8]) -> bool {
    let mut first = vec![0; magic.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut first)).is_ok() && first == magic
}

/// The bytes of an IDX file, decompressed where need be; never more than one byte past what its header promises.
fn read(path: &Path) -> Result<NamedBytes, Failure> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|source| DataError::Io { file: name.clone(), source })?;
    if !is_compressed(path) {
        return Ok(bounded(&name, file)?);
    }
    bounded(&name, MultiGzDecoder::new(file)).map_err(|error| match error {
        DataError::Magic { found, .. } if NPY.starts_with(&found) => {
            Failure::new("a compressed .npy, and only IDX files are read compressed")
                .about(&name)
                .hint(format!("gunzip -k {name} first"))
        }
        DataError::Magic { .. } => {
            Failure::from(error).hint("what was compressed is no IDX file; those of MNIST end in -ubyte.gz")
        }
        _ => Failure::from(error).hint("the file was probably not copied or downloaded whole: fetch it again"),
    })
}

fn bounded(name: &str, mut stream: impl Read) -> Result<NamedBytes, DataError> {
    let unreadable = |source| DataError::Io { file: name.to_owned(), source };
    let mut bytes = Vec::new();
    stream.by_ref().take(IDX_HEADER_BYTES as u64).read_to_end(&mut bytes).map_err(unreadable)?;
    let promised = idx_file_length(name, &bytes)?;
    let rest = promised.saturating_add(1).saturating_sub(bytes.len() as u64);
    stream.take(rest).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(NamedBytes::new(name, bytes))
}
