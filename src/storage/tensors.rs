//! Snapshots to safetensors bytes and back.

use super::{StorageError, write_atomic};
use crate::store::{Array, Snapshot, Values};
use safetensors::tensor::{Dtype, Metadata, View};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The one key of the file's metadata that is ours; one, because safetensors keeps its own in a hash map, whose order
/// changes from run to run.
const KEY: &str = "helmholtz";

/// Saves a snapshot, replacing the file whole or not at all (see [`write_atomic`]).
///
/// # Errors
/// When the operating system refuses, or the snapshot has a shape that is not that of its values.
pub fn save(path: &Path, snapshot: &Snapshot) -> Result<(), StorageError> {
    let bytes =
        encode(snapshot).map_err(|problem| StorageError::Format { file: path.display().to_string(), problem })?;
    write_atomic(path, |file| file.write_all(&bytes))
}

/// Loads a snapshot.
///
/// # Errors
/// When the operating system refuses, the file is no regular one, is damaged or no safetensors file, or holds numbers
/// of another type than f32, f64, u32, u64.
pub fn load(path: &Path) -> Result<Snapshot, StorageError> {
    let failed = |error| StorageError::io("read", path, error);
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(StorageError::NotAFile { file: path.display().to_string() });
    }
    from_bytes(&path.display().to_string(), &fs::read(path).map_err(failed)?)
}

/// The bytes that [`save`] writes. Equal snapshots give equal bytes.
///
/// # Errors
/// When the snapshot has a shape that is not that of its values.
pub fn to_bytes(snapshot: &Snapshot) -> Result<Vec<u8>, StorageError> {
    encode(snapshot).map_err(|problem| StorageError::Format { file: "snapshot".to_owned(), problem })
}

fn encode(snapshot: &Snapshot) -> Result<Vec<u8>, String> {
    for (name, array) in &snapshot.arrays {
        if array.shape.iter().try_fold(1usize, |product, axis| product.checked_mul(*axis))
            != Some(array.values.len())
        {
            return Err(format!(
                "tensor {name:?} has {} values for the shape {:?}",
                array.values.len(),
                array.shape
            ));
        }
    }
    let metadata = if snapshot.metadata.is_empty() {
        None
    } else {
        let text = serde_json::to_string(&snapshot.metadata).map_err(|error| error.to_string())?;
        Some(std::iter::once((KEY.to_owned(), text)).collect())
    };
    safetensors::serialize(&snapshot.arrays, metadata).map_err(|error| error.to_string())
}

/// The snapshot that is stored in these bytes; errors call them `name`.
///
/// # Errors
/// As for [`load`], but for the file system's.
pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Snapshot, StorageError> {
    let format = |problem: String| StorageError::Format { file: name.to_owned(), problem };
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return Err(format(format!("{} bytes are too few for its header", bytes.len())));
    };
    let length = u64::from_le_bytes(*length);
    let Some((header_text, data)) = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length))
    else {
        return Err(format(format!("a header of {length} bytes in a file of {}", bytes.len())));
    };
    let text = std::str::from_utf8(header_text).map_err(|error| format(format!("its header: {error}")))?;
    let header: Metadata = serde_json::from_str(text).map_err(|error| format(format!("its header: {error}")))?;
    if header.data_len() != data.len() {
        return Err(format(format!(
            "its header promises {} bytes of numbers, there are {}",
            header.data_len(),
            data.len()
        )));
    }
    let infos = header.tensors();
    if entries(header_text) != infos.len() + usize::from(header.metadata().is_some()) {
        return Err(format("a tensor is there twice".to_owned()));
    }
    let metadata = match header.metadata().as_ref().and_then(|metadata| metadata.get(KEY)) {
        None => BTreeMap::new(),
        Some(text) => serde_json::from_str(text)
            .map_err(|error| StorageError::Metadata { file: name.to_owned(), problem: error.to_string() })?,
    };
    let mut arrays = BTreeMap::new();
    for (tensor, info) in infos {
        let (start, end) = info.data_offsets;
        let Some(values) = values(info.dtype, &data[start..end]) else {
            return Err(StorageError::ElementType {
                file: name.to_owned(),
                tensor,
                found: info.dtype.to_string(),
            });
        };
        arrays.insert(tensor, Array { shape: info.shape.clone(), values });
    }
    Ok(Snapshot { arrays, metadata })
}

fn values(dtype: Dtype, bytes: &[u8]) -> Option<Values> {
    macro_rules! read {
        ($number:ty) => {{
            let (chunks, _) = bytes.as_chunks();
            chunks.iter().map(|chunk| <$number>::from_le_bytes(*chunk)).collect()
        }};
    }
    Some(match dtype {
        Dtype::F32 => Values::F32(read!(f32)),
        Dtype::F64 => Values::F64(read!(f64)),
        Dtype::U32 => Values::U32(read!(u32)),
        Dtype::U64 => Values::U64(read!(u64)),
        _ => return None,
    })
}

/// How many entries the outermost object of valid JSON has: one colon each. The reader keeps the last of two entries
/// with one name, and would not tell.
fn entries(json: &[u8]) -> usize {
    let (mut depth, mut entries, mut in_string, mut escaped) = (0usize, 0, false, false);
    for &byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b':' if depth == 1 => entries += 1,
            _ => {}
        }
    }
    entries
}

impl View for &Array {
    fn dtype(&self) -> Dtype {
        match self.values {
            Values::F32(_) => Dtype::F32,
            Values::F64(_) => Dtype::F64,
            Values::U32(_) => Dtype::U32,
            Values::U64(_) => Dtype::U64,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        macro_rules! bytes {
            ($values:expr) => {
                if cfg!(target_endian = "little") {
                    Cow::Borrowed(bytemuck::cast_slice($values))
                } else {
                    Cow::Owned($values.iter().flat_map(|value| value.to_le_bytes()).collect())
                }
            };
        }
        match &self.values {
            Values::F32(values) => bytes!(values),
            Values::F64(values) => bytes!(values),
            Values::U32(values) => bytes!(values),
            Values::U64(values) => bytes!(values),
        }
    }

    fn data_len(&self) -> usize {
        self.values.len() * self.dtype().bitsize() / 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.put_f32("weights", &[2, 3], &[0.0, -0.0, 1.5, f32::MIN_POSITIVE, f32::INFINITY, -7.0]);
        snapshot.put_u32("chains", &[3], &[1, 2, u32::MAX]);
        snapshot.put_u64("step", &[], &[u64::MAX]);
        snapshot.put_f64("means", &[1, 1], &[0.1]);
        snapshot.put_f32("empty", &[0, 4], &[]);
        for key in ["seed", "kind", "version", "a \"quoted\" {key}"] {
            snapshot.set(key, "1: {}\n");
        }
        snapshot
    }

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn a_snapshot_survives_and_its_bytes_depend_on_it_alone() {
        let snapshot = snapshot();
        let bytes = to_bytes(&snapshot).unwrap();
        assert_eq!(from_bytes("x", &bytes).unwrap(), snapshot);
        for _ in 0..20 {
            // Hash maps are seeded anew each time.
            assert_eq!(to_bytes(&snapshot.clone()).unwrap(), bytes);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.safetensors");
        save(&path, &snapshot).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert_eq!(load(&path).unwrap(), snapshot);
        assert_eq!(from_bytes("x", &to_bytes(&Snapshot::default()).unwrap()).unwrap(), Snapshot::default());
    }

    /// Frozen: files written today must be read by what comes later.
    #[test]
    fn the_bytes_are_frozen() {
        let mut snapshot = Snapshot::default();
        snapshot.put_f32("w", &[1, 2], &[1.0, -1.0]);
        snapshot.set("kind", "rbm");
        snapshot.set("a", 1);
        let header = concat!(
            r#"{"__metadata__":{"helmholtz":"{\"a\":\"1\",\"kind\":\"rbm\"}"},"#,
            r#""w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"#
        );
        let padded = format!("{header:<width$}", width = header.len().next_multiple_of(8));
        assert_eq!(to_bytes(&snapshot).unwrap(), file(&padded, &[0, 0, 128, 63, 0, 0, 128, 191]));
    }

    #[test]
    fn a_file_of_another_program_loads_without_metadata() {
        let header = r#"{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
        let snapshot = from_bytes("x", &file(header, &[0, 0, 128, 63])).unwrap();
        assert_eq!(snapshot.f32("w", &[1]).unwrap(), [1.0]);
        assert!(snapshot.metadata.is_empty());
    }

    #[test]
    fn what_is_wrong_is_one_line_with_the_name() {
        let tensor =
            |dtype: &str, end: usize| format!(r#""w":{{"dtype":"{dtype}","shape":[2],"data_offsets":[0,{end}]}}"#);
        let f32s = tensor("F32", 8);
        for (bytes, said) in [
            (vec![], "0 bytes are too few"),
            (vec![1, 2, 3], "3 bytes are too few"),
            (vec![0xff; 100], "a header of 18446744073709551615 bytes in a file of 100"),
            (file("{}", &[0; 3]), "promises 0 bytes of numbers, there are 3"),
            (file(&format!("{{{f32s}}}"), &[0; 7]), "promises 8 bytes of numbers, there are 7"),
            (file(&format!("{{{}}}", tensor("F32", 12)), &[0; 12]), "invalid shape"),
            (file("{\"w\n", &[]), "its header: control character"),
            (file(&"[".repeat(100_000), &[]), "its header: "),
            ([&[1, 0, 0, 0, 0, 0, 0, 0][..], &[0xff]].concat(), "utf-8"),
            (file(&format!("{{{}}}", tensor("F16", 4)), &[0; 4]), "tensor \"w\" is of type F16, wanted F32"),
            (file(&format!("{{{}}}", tensor("BF16", 4)), &[0; 4]), "tensor \"w\" is of type BF16"),
            (file(&format!("{{{}}}", tensor("I64", 16)), &[0; 16]), "tensor \"w\" is of type I64"),
            (file(&format!("{{{}}}", tensor("Q7", 16)), &[0; 16]), "Q7"),
            (file(&format!("{{{f32s},{f32s}}}"), &[0; 8]), "there twice"),
            (
                file(r#"{"w":{"dtype":"F32","shape":[4294967296,4294967296,2],"data_offsets":[0,8]}}"#, &[0; 8]),
                "overflow",
            ),
            (file(r#"{"__metadata__":{"helmholtz":"[1]"}}"#, &[]), "not an object of strings"),
            (file(r#"{"__metadata__":{"helmholtz":"{\"a\":1}"}}"#, &[]), "not an object of strings"),
        ] {
            let error = from_bytes("the file", &bytes).expect_err(said).to_string();
            assert!(
                error.contains(said) && error.starts_with("the file: ") && !error.contains('\n'),
                "{error:?}, wanted {said:?}"
            );
        }
    }

    #[test]
    fn a_shape_that_lies_is_not_saved() {
        let mut snapshot = snapshot();
        snapshot.arrays.get_mut("weights").unwrap().shape = vec![7];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        assert!(save(&path, &snapshot).unwrap_err().to_string().contains("\"weights\" has 6 values"));
        assert!(!path.exists());
    }
}
