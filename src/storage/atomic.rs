//! A file that is replaced whole or not at all.

use super::StorageError;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Makes `path` hold what `write` writes, or leaves it as it was: writes to a temporary name in the same folder, syncs,
/// renames, syncs the folder. Whoever reads `path` meanwhile, or after a crash at any moment, sees the old file or the
/// new one. A link is followed, not replaced.
///
/// # Errors
/// When `write` fails or the operating system refuses (a full disk, say); the temporary file is then gone. Also when
/// `path` is a folder, a device or a pipe.
pub fn write_atomic(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), StorageError> {
    let target = match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => {
            return Err(StorageError::NotAFile { file: path.display().to_string() });
        }
        Ok(_) => fs::canonicalize(path).map_err(|error| StorageError::io("write", path, error))?,
        Err(_) => path.to_owned(),
    };
    let (temporary, file) = create_beside(&target).map_err(|error| StorageError::io("write", path, error))?;
    let result = fill(file, write).and_then(|()| fs::rename(&temporary, &target));
    if let Err(error) = result {
        // The first error is the one to tell; there is no more to be done about a second.
        let _ = fs::remove_file(&temporary);
        return Err(StorageError::io("write", path, error));
    }
    sync_folder(&target).map_err(|error| StorageError::io("sync the folder of", path, error))
}

fn fill(file: File, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut writer = BufWriter::new(file);
    write(&mut writer)?;
    writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// A new file in the folder of `target`, under a name that no other process or thread takes.
fn create_beside(target: &Path) -> io::Result<(PathBuf, File)> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let mut attempt = 0;
    loop {
        let temporary = target.with_file_name(format!(".{name}.{}-{attempt}.partial", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 1000 => attempt += 1,
            result => return result.map(|file| (temporary, file)),
        }
    }
}

/// Removes the temporary files that processes which were killed while writing `path` have left beside it. Those of
/// processes that are alive stay, as far as `/proc` tells.
///
/// # Errors
/// When the operating system refuses.
pub fn remove_leftovers(path: &Path) -> io::Result<()> {
    let prefix = format!(".{}.", path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy());
    let is_leftover = |name: &str| {
        let process = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(".partial")?.split_once('-'));
        process.is_some_and(|(process, attempt)| {
            let numbers = [process, attempt].iter().all(|number| number.parse::<u32>().is_ok());
            numbers && !Path::new("/proc").join(process).exists()
        })
    };
    for entry in fs::read_dir(folder_of(path))? {
        let entry = entry?;
        if is_leftover(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the rename itself survive a crash, where folders can be synced.
fn sync_folder(target: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder_of(target))?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        write_atomic(&path, |file| file.write_all(b"old")).unwrap();
        let error = write_atomic(&path, |file| {
            file.write_all(&[1; 100_000])?;
            Err(io::ErrorKind::StorageFull.into())
        })
        .unwrap_err();
        assert!(error.to_string().starts_with(&format!("{}: cannot write: ", path.display())), "{error}");
        assert!(error.hint().is_some());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["model"]);
        write_atomic(&path, |file| file.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["model"]);
    }

    #[test]
    fn folders_and_missing_folders_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomic(folder.path(), |_| Ok(())).unwrap_err();
        assert!(matches!(error, StorageError::NotAFile { .. }), "{error}");
        let inside = folder.path().join("none/model");
        let error = write_atomic(&inside, |_| panic!("nothing to write to")).unwrap_err();
        assert!(error.to_string().contains("none/model"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write_atomic(&link, |file| file.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn a_name_left_by_a_killed_process_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(format!(".model.{}-0.partial", std::process::id())), "half").unwrap();
        let path = folder.path().join("model");
        write_atomic(&path, |file| file.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_killed_processes_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        // No process has this number: Linux gives at most 2²².
        let (dead, alive) = (u32::MAX, std::process::id());
        let kept = [format!(".model.{alive}-0.partial"), ".model.mine.partial".into(), "model".into()];
        for name in kept.iter().chain(&[format!(".model.{dead}-0.partial"), format!(".model.{dead}-17.partial")]) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        remove_leftovers(&folder.path().join("model")).unwrap();
        assert_eq!(names(folder.path()), kept);
    }
}
