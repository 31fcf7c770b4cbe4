//! Files that are not what they should be: every fault is one line that names the file and the value, nothing
//! panics, and nothing is allocated that the file does not justify.

use helmholtz::data::{
    Binarization, DataError, Dataset, MNIST_FILES, MnistParts, NamedBytes, idx_file_length, mnist_files,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::path::Path;

/// The system's allocator, which remembers the largest request of each thread.
struct Watched;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on as it is; remembering a number allocates nothing.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.set(LARGEST.get().max(layout.size()));
        // SAFETY: the caller's promises are those of the system's allocator.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.set(LARGEST.get().max(size));
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

fn idx(shape: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|axis| axis.to_be_bytes()));
    bytes.extend(values);
    bytes
}

fn npy(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    npy_in("False", descr, shape, values)
}

fn npy_in(fortran_order: &str, descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran_order}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values);
    bytes
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The error of opening a file with these bytes, which names the file in one line and is the same from memory.
#[track_caller]
fn refused(bytes: &[u8], said: &str) -> DataError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("the-file");
    fs::write(&path, bytes).unwrap();
    let error = Dataset::open(&path).expect_err(said);
    let line = error.to_string();
    assert!(
        line.contains(said) && line.starts_with(&path.display().to_string()) && !line.contains('\n'),
        "{line:?}, wanted {said:?}"
    );
    let from_memory =
        Dataset::from_bytes(NamedBytes::new(path.display().to_string(), bytes.to_vec())).unwrap_err();
    assert_eq!(from_memory.to_string(), line);
    error
}

#[test]
fn files_that_are_not_whole() {
    refused(&[], "the file is empty");
    refused(b"hello, world", "it starts with the bytes [68, 65, 6c, 6c]");
    refused(&[0, 0], "it starts with the bytes [00, 00]");
    refused(&[0, 0, 8, 3, 0, 0], "its header promises 16 bytes, there are 6");
    refused(&idx(&[2, 2, 2], &[0; 7]), "its header promises 24 bytes, there are 23");
    refused(&idx(&[2, 2, 2], &[0; 9]), "its header promises 24 bytes, there are 25");
    refused(&idx(&[60_000, 28, 28], &[0; 100]), "its header promises 47040016 bytes, there are 116");
    let whole = npy("<f4", "(2, 2)", &floats(&[0.0; 4]));
    assert!(Dataset::from_bytes(NamedBytes::new("x", whole.clone())).is_ok());
    refused(&whole[..whole.len() - 1], "cut short");
    refused(&whole[..20], "cut short");
    refused(&whole[..7], "cut short");
    refused(&[&whole[..], &[0]].concat(), "too long");
}

#[test]
fn shapes_and_types_that_are_not_read() {
    refused(&idx(&[0, 28, 28], &[]), "its shape is [0, 28, 28]");
    refused(&idx(&[10, 0], &[]), "its shape is [10, 0]");
    refused(&idx(&[u32::MAX; 3], &[]), "larger than any memory");
    refused(&idx(&[1, 1, 1, 1], &[0]), "its shape is [1, 1, 1, 1]");
    refused(&idx(&[3], &[1, 2, 3]), "a file of labels, wanted one of images");
    refused(&[0, 0, 0x0d, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0], "type 0x0d (IDX), wanted unsigned bytes");
    refused(&npy("<i8", "(1, 1)", &[0; 8]), "type \"<i8\"");
    refused(&npy(">f8", "(1, 1)", &[0; 8]), "big-endian");
    refused(&npy("<f4", "(4,)", &[0; 16]), "its shape is [4], wanted [rows, width]");
    refused(&npy("<f4", "(1, 2, 2)", &[0; 16]), "its shape is [1, 2, 2]");
    refused(&npy("<f4", "(99999999999999999999, 1)", &[]), "'shape' in its header");
    let error = refused(&[0x1f, 0x8b, 8, 0], "compressed with gzip");
    assert!(error.hint().unwrap().contains("gunzip"));
}

#[test]
fn values_that_are_no_probabilities() {
    refused(&npy("<f4", "(2, 2)", &floats(&[0.0, 1.0, 0.5, f32::NAN])), "row 1, column 1 is NaN");
    refused(&npy("<f4", "(2, 2)", &floats(&[0.0, 1.0, -1e-9, 0.0])), "row 1, column 0 is -0.0000000");
    refused(
        &npy("<f8", "(1, 2)", &[0.0f64.to_le_bytes(), f64::INFINITY.to_le_bytes()].concat()),
        "column 1 is inf",
    );
    let error = refused(&npy("<f4", "(1, 1)", &floats(&[255.0])), "row 0, column 0 is 255, wanted");
    assert!(error.hint().unwrap().contains("255"));
    refused(&npy("|b1", "(1, 2)", &[1, 2]), "row 0, column 1 is 2, wanted a number from 0 to 1");
}

/// Floats of a file stay what they are until bits are asked for; those that are all 0 or 1 are bits.
#[test]
fn floats_of_a_file_are_read_as_they_are() {
    let open = |values: &[f32]| {
        let bytes = npy("<f4", "(2, 2)", &floats(values));
        Dataset::from_bytes(NamedBytes::new("x.npy", bytes)).unwrap()
    };
    let grey = open(&[0.6, 0.9, 0.0, 1.0]);
    assert!(grey.is_grey() && !grey.is_binarized());
    let mut row = [0.0; 2];
    grey.row_into(0, &mut row);
    assert_eq!(row, [0.6, 0.9]);
    assert!(grey.binarized(Binarization::Threshold).is_binarized());
    let bits = open(&[0.0, 1.0, 1.0, 0.0]);
    assert!(bits.is_binary() && !bits.is_binarized());
    assert_eq!(bits.to_bits().to_f32(), [0.0, 1.0, 1.0, 0.0]);
}

fn write_mnist(folder: &Path, train: u32, test: u32) {
    for (name, bytes) in MNIST_FILES.iter().zip([
        idx(&[train, 2, 3], &vec![200; train as usize * 6]),
        idx(&[train], &vec![7; train as usize]),
        idx(&[test, 2, 3], &vec![100; test as usize * 6]),
        idx(&[test], &vec![3; test as usize]),
    ]) {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

#[test]
fn a_folder_is_whole_or_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let said = || Dataset::open(folder.path()).unwrap_err().to_string();
    assert!(said().ends_with("no train-images-idx3-ubyte, no t10k-images-idx3-ubyte"), "{}", said());

    write_mnist(folder.path(), 5, 4);
    let mnist = Dataset::open(folder.path()).unwrap();
    assert_eq!((mnist.len(), mnist.train().len(), mnist.test().len()), (9, 5, 4));
    assert_eq!((mnist.image_shape(), mnist.width(), mnist.has_test_split()), ((2, 3), 6, true));
    assert_eq!((mnist.train().label(4), mnist.test().label(0)), (Some(7), Some(3)));
    assert_eq!(mnist.test().means(), [0.0; 6]);
    assert_eq!(mnist.train().means(), [1.0; 6]);
    let grey = mnist.binarized(Binarization::None);
    assert_eq!(grey.test().means(), [100.0 / 255.0; 6]);
    assert!(grey.is_grey() && !mnist.is_grey());

    let [train_images, train_labels, test_images, test_labels] = MNIST_FILES;
    let (from, to) = (folder.path().join(train_labels), folder.path().join("train-labels.idx1-ubyte"));
    fs::rename(&from, &to).unwrap();
    assert_eq!(Dataset::open(folder.path()).unwrap().fingerprint(), mnist.fingerprint());
    fs::rename(&to, &from).unwrap();

    fs::write(folder.path().join(test_labels), idx(&[3], &[0; 3])).unwrap();
    assert!(said().ends_with(&format!("{test_images} has 4 images")), "{}", said());
    fs::write(folder.path().join(test_labels), idx(&[4, 1], &[0; 4])).unwrap();
    assert!(said().contains("wanted [labels]"), "{}", said());
    write_mnist(folder.path(), 5, 4);
    fs::write(folder.path().join(test_images), idx(&[4, 3, 2], &[0; 24])).unwrap();
    assert!(said().contains("test images of 3×2, but training images of 2×3"), "{}", said());
    write_mnist(folder.path(), 5, 4);
    fs::write(folder.path().join(test_images), idx(&[4], &[0; 4])).unwrap();
    assert!(said().contains("a file of labels"), "{}", said());

    write_mnist(folder.path(), 5, 4);
    let gz = folder.path().join(format!("{train_images}.gz"));
    fs::remove_file(folder.path().join(train_images)).unwrap();
    fs::write(&gz, [0x1f, 0x8b, 8, 0]).unwrap();
    assert_eq!(mnist_files(folder.path()).unwrap()[0], Some(gz));
    assert!(said().contains("train-images-idx3-ubyte.gz: compressed with gzip"), "{}", said());
}

/// Every choice of files with images among them is read for what is there.
#[test]
fn a_folder_with_some_of_the_files_is_those() {
    for missing in 0..16 {
        let folder = tempfile::tempdir().unwrap();
        write_mnist(folder.path(), 5, 4);
        let there = |file: usize| missing >> file & 1 == 0;
        for file in (0..4).filter(|&file| !there(file)) {
            fs::remove_file(folder.path().join(MNIST_FILES[file])).unwrap();
        }
        let data = match (Dataset::open(folder.path()), there(0) || there(2)) {
            (Ok(data), true) => data,
            (Err(error), false) => {
                assert!(matches!(error, DataError::Missing { .. }), "{error}");
                continue;
            }
            (other, _) => panic!("{missing:04b}: {other:?}"),
        };
        assert_eq!(data.has_test_split(), there(0) && there(2), "{missing:04b}");
        assert_eq!(data.len(), 5 * usize::from(there(0)) + 4 * usize::from(there(2)));
        assert_eq!(data.label(0), if there(0) { there(1).then_some(7) } else { there(3).then_some(3) });
        assert_eq!(
            data.label(data.len() - 1),
            if there(2) { there(3).then_some(3) } else { there(1).then_some(7) }
        );
    }
}

/// IDX files of 0 and 1 are bits, those of a folder all alike.
#[test]
fn idx_files_of_nothing_but_0_and_1_are_bits() {
    let open =
        |values: &[u8]| Dataset::from_idx_bytes(NamedBytes::new("x", idx(&[2, 2, 2], values)), None).unwrap();
    let bits = open(&[0, 1, 1, 0, 1, 1, 0, 0]);
    assert!(bits.is_binary() && !bits.is_binarized());
    assert_eq!(bits.to_bits().to_f32(), [0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    let levels = open(&[0, 1, 1, 0, 1, 2, 0, 0]);
    assert_eq!((levels.is_binarized(), levels.spread().unwrap().scale), (true, 255.0));

    let part = |values: &[u8]| Some(NamedBytes::new("x", idx(&[1, 2, 2], values)));
    let folder = |train: &[u8], test: &[u8]| {
        let parts = MnistParts { train_images: part(train), test_images: part(test), ..MnistParts::default() };
        Dataset::from_mnist_parts("folder", parts).unwrap()
    };
    assert!(!folder(&[0, 1, 1, 0], &[1, 1, 0, 1]).is_binarized());
    let mixed = folder(&[0, 1, 1, 0], &[255, 1, 0, 1]);
    assert!(mixed.is_binarized());
    assert_eq!(mixed.to_bits().to_f32(), [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
}

fn doubles(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Doubles are read as floats: what rounding makes right is right, and what it loses is told.
#[test]
fn doubles_are_judged_as_the_floats_they_become() {
    let open = |values: &[f64]| Dataset::from_bytes(NamedBytes::new("x", npy("<f8", "(1, 2)", &doubles(values))));
    let above = open(&[1.0 + f64::EPSILON, 0.25]).unwrap();
    let mut row = [0.0; 2];
    above.row_into(0, &mut row);
    assert_eq!((row, above.means()), ([1.0, 0.25], vec![1.0, 0.25]));
    assert!(open(&[1.0 + f64::EPSILON, 0.0]).unwrap().is_binary());
    assert!(above.binarized(Binarization::Sample).to_bits().get(0, 0));
    let error = open(&[1.0 + 1e-7, 0.25]).unwrap_err().to_string();
    assert_eq!(error, "x: row 0, column 0 is 1.0000001, wanted a number from 0 to 1");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    let real = |values: &[f64]| {
        fs::write(&path, npy("<f8", "(2, 2)", &doubles(values))).unwrap();
        Dataset::open_real(&path).map_err(|error| error.to_string().split_once(": ").unwrap().1.to_owned())
    };
    let said = "row 1, column 0 is 1e300, larger than any 32-bit float, as which numbers are read";
    assert_eq!(real(&[0.0, 1.0, 1e300, 2.0]).unwrap_err(), said);
    let said = "the numbers of column 1 differ by less than 32-bit floats, as which they are read, tell: all become 1000000000";
    assert_eq!(real(&[0.0, 1e9, 1.0, 1e9 + 1.0]).unwrap_err(), said);
    // A constant, and one that sums have touched.
    assert!(real(&[0.0, 0.3, 1.0, 0.3]).is_ok() && real(&[0.0, 0.3, 1.0, 0.1 + 0.2]).is_ok());
    assert!(real(&[0.0, 1e9, 1.0, 1e9 + 1000.0]).is_ok());
}

/// The hint of each fault that one array may have is followed once, and leads to a file that is read.
#[test]
fn one_hint_mends_order_type_and_shape() {
    let fortran = |descr: &str, shape: &str| {
        let bytes = npy_in("True", descr, shape, &[0; 64]);
        Dataset::from_bytes(NamedBytes::new("x", bytes)).unwrap_err()
    };
    let hints = [fortran("<i8", "(2, 4)"), fortran("<f8", "(2, 4)"), fortran("<f8", "(2, 2, 2)")]
        .map(|error| error.hint().unwrap().to_owned());
    assert_eq!(hints[0], "in NumPy: np.save(file, np.ascontiguousarray(x.reshape(len(x), -1), dtype=np.float32))");
    assert!(hints.iter().all(|hint| *hint == hints[0]), "{hints:?}");
}

#[test]
fn parts_given_as_bytes_are_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    write_mnist(folder.path(), 5, 4);
    let part = |name: &str| NamedBytes::new(name, fs::read(folder.path().join(name)).unwrap());
    let alone = Dataset::from_idx_bytes(part(MNIST_FILES[2]), Some(part(MNIST_FILES[3]))).unwrap();
    let [train_images, train_labels, test_images, test_labels] = MNIST_FILES.map(|name| Some(part(name)));
    let parts = MnistParts { train_images, train_labels, test_images, test_labels };
    let mnist = Dataset::from_mnist_parts("mnist", parts).unwrap();
    assert_eq!(mnist.name(), "mnist");
    assert_eq!(mnist.fingerprint(), Dataset::open(folder.path()).unwrap().fingerprint());
    assert_eq!(mnist.test().fingerprint(), alone.fingerprint());
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_read_as_far_as_its_header_says() {
    let error = Dataset::open(Path::new("/dev/zero")).unwrap_err();
    assert_eq!(error.to_string(), "/dev/zero: not an IDX or .npy file: it starts with the bytes [00, 00, 00, 00]");
    let error = Dataset::open(Path::new("/dev/null")).unwrap_err();
    assert_eq!(error.to_string(), "/dev/null: the file is empty");
}

/// A generator of its own, so that the cases are the same for ever.
struct Cases(u64);

impl Cases {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }

    /// `file` with some bytes changed, lost or added, or now and then nothing but noise.
    fn damaged(&mut self, file: &[u8]) -> Vec<u8> {
        let mut bytes = file.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len().max(1)).min(bytes.len());
            match self.below(8) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, self.below(256) as u8),
                2 if at < bytes.len() => drop(bytes.remove(at)),
                3 => bytes.extend_from_within(at..),
                4 if at < bytes.len() => bytes[at] = b"0123456789(){}[],:'\"><"[self.below(22)],
                5 if at < bytes.len() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][self.below(5)],
                _ if at < bytes.len() => bytes[at] = self.below(256) as u8,
                _ => {}
            }
        }
        if self.below(50) == 0 {
            let kept = self.below(12).min(bytes.len());
            bytes.truncate(kept);
            bytes.extend((0..self.below(100)).map(|_| self.below(256) as u8).collect::<Vec<_>>());
        }
        bytes
    }
}

/// Runs `read`, which may hold copies of `bytes` and the little an error message takes.
fn within_reason<T>(bytes: &[u8], read: impl FnOnce() -> T) -> T {
    LARGEST.set(0);
    let result = read();
    assert!(LARGEST.get() <= 16 * bytes.len() + 4096, "{} bytes asked for by {bytes:02x?}", LARGEST.get());
    result
}

#[test]
fn no_bytes_make_the_readers_panic_or_allocate_what_is_not_there() {
    let values = floats(&[0.0, 0.25, 0.5, 1.0, 0.75, 0.125]);
    let files = [
        idx(&[3, 2, 2], &[0, 255, 127, 128, 1, 2, 3, 4, 5, 6, 7, 8]),
        idx(&[3, 4], &[9; 12]),
        idx(&[3], &[1, 2, 3]),
        npy("<f4", "(2, 3)", &values),
        npy("<f8", "(3, 1)", &values),
        npy("|u1", "(4, 6)", &values),
        npy("|b1", "(2, 2)", &[0, 1, 1, 0]),
    ];
    let (mut cases, mut readable) = (Cases(1), 0);
    for case in 0..100_000 {
        let bytes = cases.damaged(&files[case % files.len()]);
        let labels = cases.damaged(&files[2]);
        let _ = within_reason(&bytes, || idx_file_length("x", &bytes));
        let _ = within_reason(&[&bytes[..], &labels].concat(), || {
            Dataset::from_idx_bytes(NamedBytes::new("x", bytes.clone()), Some(NamedBytes::new("y", labels)))
        });
        match within_reason(&bytes, || Dataset::from_bytes(NamedBytes::new("x", bytes.clone()))) {
            Ok(data) => {
                readable += 1;
                assert!(!data.is_empty() && data.width() > 0);
                assert!(data.means().iter().all(|mean| (0.0..=1.0).contains(mean)));
                data.binarized(Binarization::Sample).to_bits();
                data.fingerprint();
            }
            Err(error) => {
                let line = error.to_string();
                assert!(line.starts_with("x: ") && !line.contains('\n'), "{line:?}");
            }
        }
    }
    assert!(readable > 1000, "only {readable} cases got past the header: the test tests little");
}

#[cfg(feature = "storage")]
#[test]
fn no_bytes_make_the_reader_of_models_panic_or_allocate_what_is_not_there() {
    use helmholtz::storage::{from_bytes, load, to_bytes};
    use helmholtz::store::Snapshot;
    let mut snapshot = Snapshot::default();
    snapshot.put_f32("weights", &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    snapshot.put_f64("means", &[1], &[0.5]);
    snapshot.set("kind", "rbm");
    let whole = to_bytes(&snapshot).unwrap();
    let (mut cases, mut readable) = (Cases(2), 0);
    for _ in 0..100_000 {
        let bytes = cases.damaged(&whole);
        match within_reason(&bytes, || from_bytes("x", &bytes)) {
            Ok(snapshot) => {
                readable += 1;
                assert_eq!(
                    from_bytes("x", &to_bytes(&snapshot).unwrap()).unwrap().arrays.len(),
                    snapshot.arrays.len()
                );
            }
            Err(error) => {
                let line = error.to_string();
                assert!(line.starts_with("x: ") && !line.contains('\n'), "{line:?}");
            }
        }
    }
    assert!(readable > 1000, "only {readable} cases got past the header: the test tests little");
    let error = load(Path::new("no-such-model")).unwrap_err().to_string();
    assert!(error.starts_with("no-such-model: cannot read: "), "{error}");
    let error = load(&std::env::temp_dir()).unwrap_err().to_string();
    assert!(error.ends_with("not a regular file"), "{error}");
}
