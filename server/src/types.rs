//! The types of the kernel that programs are verified against.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use btf::Btf;
use kernel_model::SNAPSHOT;

/// The types of a kernel, with what else is to be known of it.
#[derive(Clone, Debug)]
pub struct KernelTypes {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Bundled(&'static Btf<'static>),
    Own(Arc<Btf<'static>>),
}

/// Why there are no types of a kernel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TypesError {
    /// Those that come with the program cannot be read.
    #[error("the types of the kernel cannot be read")]
    Bundled,
    /// The file cannot be read.
    #[error("{path}: {cause}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: std::io::Error,
    },
    /// The file has none.
    #[error("{path}: no BTF: {cause}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: btf::ParseError,
    },
}

impl KernelTypes {
    /// Those that come with the program, decoded once in the life of a process.
    ///
    /// # Errors
    ///
    /// If they are broken.
    pub fn bundled() -> Result<Self, TypesError> {
        let types = bpf_object::vmlinux().ok_or(TypesError::Bundled)?;
        Ok(Self { source: Source::Bundled(types) })
    }

    /// Those in a file: `/sys/kernel/btf/vmlinux`, or the section `.BTF` of a kernel.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or has none.
    pub fn read(path: &Path) -> Result<Self, TypesError> {
        let bytes =
            fs::read(path).map_err(|cause| TypesError::Read { path: path.to_owned(), cause })?;
        let types = Btf::parse(bytes)
            .map_err(|cause| TypesError::Content { path: path.to_owned(), cause })?;
        Ok(Self { source: Source::Own(Arc::new(types.into_owned())) })
    }

    /// The types.
    pub fn btf(&self) -> &Btf<'static> {
        match &self.source {
            Source::Bundled(types) => types,
            Source::Own(types) => types,
        }
    }

    /// The kernel lists the addresses of its variables, as kernels of distributions do; types do not tell.
    pub fn lists_variables(&self) -> bool {
        match self.source {
            Source::Bundled(_) => SNAPSHOT.lists_variables,
            Source::Own(_) => true,
        }
    }
}

/// Types that were read; a file is read again if it has changed.
#[derive(Debug, Default)]
pub struct TypesCache {
    files: Mutex<HashMap<PathBuf, (Stamp, KernelTypes)>>,
}

/// Length and time of a file.
type Stamp = (u64, Option<SystemTime>);

impl TypesCache {
    /// The types in a file, or those that come with the program.
    ///
    /// # Errors
    ///
    /// As those of [`KernelTypes::read`] and [`KernelTypes::bundled`].
    pub fn get(&self, path: Option<&Path>) -> Result<KernelTypes, TypesError> {
        let Some(path) = path else { return KernelTypes::bundled() };
        let stamp = fs::metadata(path)
            .map(|data| (data.len(), data.modified().ok()))
            .map_err(|cause| TypesError::Read { path: path.to_owned(), cause })?;
        let files = || self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, types)) = files().get(path)
            && *known == stamp
        {
            return Ok(types.clone());
        }
        let types = KernelTypes::read(path)?;
        files().insert(path.to_owned(), (stamp, types.clone()));
        Ok(types)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A BTF with an integer of this name.
    fn btf(name: &str) -> Vec<u8> {
        let mut writer = btf::Writer::new(btf::Endian::Little);
        writer.add(&btf::NewType::int(name, 4, true)).expect("short");
        writer.finish()
    }

    #[test]
    fn files_are_read_again_when_they_change() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("vmlinux");
        let cache = TypesCache::default();
        let message = |cache: &TypesCache| cache.get(Some(&path)).expect_err("fails").to_string();
        assert!(message(&cache).starts_with(&format!("{}: ", path.display())));
        fs::write(&path, "no types").expect("is written");
        assert!(message(&cache).starts_with(&format!("{}: no BTF: ", path.display())));
        for name in ["int", "longer"] {
            fs::write(&path, btf(name)).expect("is written");
            let types = cache.get(Some(&path)).expect("is read");
            assert!(types.btf().find(name, btf::Kind::Int).is_some());
            assert!(types.lists_variables());
            let again = cache.get(Some(&path)).expect("is read");
            assert!(std::ptr::eq(types.btf(), again.btf()));
        }
        let bundled = cache.get(None).expect("is there");
        assert!(!bundled.lists_variables());
        assert!(bundled.btf().find("task_struct", btf::Kind::Struct).is_some());
    }
}
