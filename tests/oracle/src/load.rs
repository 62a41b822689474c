//! From a linked program to one in the kernel: its types, its maps with their contents, and the programs it needs.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use bpf_object::{Attach, FunctionIndex, Linked, MapIndex, MapKind, Object, Program, Slot};
use btf::{Endian, Kind};

use oracle::log::separated;
use oracle::safety::{Danger, danger};

use crate::sys;

/// `BPF_MAP_TYPE_*` that need something special.
pub(crate) mod map_type {
    pub(crate) const HASH: u32 = 1;
    pub(crate) const ARRAY: u32 = 2;
    pub(crate) const PERF_EVENT_ARRAY: u32 = 4;
    pub(crate) const PERCPU_HASH: u32 = 5;
    pub(crate) const PERCPU_ARRAY: u32 = 6;
    pub(crate) const LRU_HASH: u32 = 9;
    pub(crate) const LRU_PERCPU_HASH: u32 = 10;
    pub(crate) const LPM_TRIE: u32 = 11;
    pub(crate) const RINGBUF: u32 = 27;
}

/// What the kernel is to print.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Log {
    /// Figures alone (`BPF_LOG_STATS`).
    Figures,
    /// The path to the error, and figures (`BPF_LOG_LEVEL1 | BPF_LOG_STATS`).
    Short,
    /// All paths with their states (`BPF_LOG_LEVEL2`).
    Long,
}

impl Log {
    const fn level(self) -> u32 {
        match self {
            Self::Figures => 4,
            Self::Short => 1 | 4,
            Self::Long => 2,
        }
    }

    /// Room for it in bytes.
    const fn room(self) -> usize {
        match self {
            Self::Figures => 1 << 12,
            Self::Short => 1 << 22,
            Self::Long => 1 << 24,
        }
    }
}

/// Why a program cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// Types or maps are refused.
    #[error("{what}: {source}")]
    Prepare {
        /// What was being made.
        what: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A program that this one needs cannot be loaded.
    #[error("{0} cannot be loaded, which is needed")]
    Needs(String),
    /// The kernel is better not asked.
    #[error("{program} is not loaded: it {danger}")]
    Danger {
        /// The program.
        program: String,
        /// Why not.
        danger: Danger,
    },
}

/// All that an object has in the kernel.
#[derive(Debug)]
pub(crate) struct Loader<'l> {
    linked: &'l Linked<'l>,
    btf: Option<OwnedFd>,
    maps: BTreeMap<usize, sys::Map>,
    /// Programs in program arrays; they live as long as the arrays.
    others: Vec<OwnedFd>,
}

/// A loaded or refused program.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) program: Result<OwnedFd, i32>,
    pub(crate) log: String,
}

impl<'l> Loader<'l> {
    pub(crate) fn new(linked: &'l Linked<'l>) -> Result<Self, LoadError> {
        let has_operations = linked.maps.iter().any(|map| matches!(map.kind, MapKind::StructOps));
        let btf = match linked.object.btf.as_ref().map(|btf| sys::load_btf(btf.bytes())) {
            Some(Ok(btf)) => Some(btf),
            Some(Err((source, log))) if has_operations => {
                let what = format!("types: {}", log.lines().last().unwrap_or_default());
                return Err(LoadError::Prepare { what, source });
            }
            // As libbpf, which goes on without types that the kernel refuses.
            Some(Err(_)) | None => None,
        };
        Ok(Self { linked, btf, maps: BTreeMap::new(), others: Vec::new() })
    }

    /// The map, if a program that was loaded refers to it.
    pub(crate) fn map(&self, index: usize) -> Option<&sys::Map> {
        self.maps.get(&index)
    }

    /// Creates the maps of a program and loads it.
    pub(crate) fn load(&mut self, program: &Program, log: Log) -> Result<Loaded, LoadError> {
        if let Some(danger) = danger(program) {
            return Err(LoadError::Danger { program: program.name.clone(), danger });
        }
        for reference in &program.map_references {
            self.create(reference.map, Some(program.function))?;
        }
        Ok(self.load_program(program, log))
    }

    fn load_program(&mut self, program: &Program, log: Log) -> Loaded {
        let target = match &program.load.target {
            Attach::Program { name } => self.target(name),
            _ => None,
        };
        let endian = Endian::Little;
        let descriptor = |map: MapIndex| self.maps.get(&map.0).map_or(-1, sys::Map::descriptor);
        let insns = program.to_bytes(endian, descriptor);
        let attach_btf_id = match (&program.load.target, &target) {
            (Attach::Kernel { id, .. }, _) => id.0,
            (_, Some((_, id))) => *id,
            _ => 0,
        };
        let spec = sys::ProgramSpec {
            program_type: program.load.type_number,
            expected_attach_type: program.load.expected_attach_type,
            flags: program.load.flags,
            name: &program.name,
            license: self.linked.object.license.as_deref().unwrap_or_default(),
            version: self.linked.object.version.unwrap_or(0),
            insns: &insns,
            btf: self.btf.as_ref(),
            func_info: &program.func_info(endian),
            line_info: &program.line_info(endian),
            attach_btf_id,
            attach_program: target.as_ref().map(|(fd, _)| fd),
            log_level: log.level(),
        };
        let (result, log) = sys::load_program(&spec, log.room());
        Loaded {
            program: result.map_err(|error| -error.raw_os_error().unwrap_or(0)),
            log: separated(log),
        }
    }

    /// The program with the function that another one replaces, and the type of that function.
    fn target(&mut self, name: &str) -> Option<(OwnedFd, u32)> {
        let object = self.linked.object;
        let id = object.btf.as_ref()?.find(name, Kind::Func)?.id();
        let has_it = |program: &&Program| {
            let parts = program.parts.iter();
            parts.map(|part| &object.functions[part.function.0]).any(|part| part.name == name)
        };
        let program = self.linked.programs.iter().find(has_it)?;
        Some((self.load(program, Log::Short).ok()?.program.ok()?, id.0))
    }

    /// Creates a map with what it holds, unless it exists. `within` is the program that is being loaded; a program
    /// array in it that refers to it is left without that entry.
    fn create(&mut self, index: MapIndex, within: Option<FunctionIndex>) -> Result<(), LoadError> {
        let linked = self.linked;
        let Some(map) = linked.maps.get(index.0) else { return Ok(()) };
        if self.maps.contains_key(&index.0) {
            return Ok(());
        }
        let failed = |source| LoadError::Prepare { what: format!("map {}", map.name), source };
        let inner = match &map.inner {
            Some(inner) => {
                let spec = self.spec(inner, format!("{}.inner", map.name));
                Some(sys::Map::create(&spec).map_err(failed)?)
            }
            None => None,
        };
        // As libbpf opens it: the name of the object is that of its file, which is unimportant here.
        let mut spec = self.spec(&map.definition, map.kernel_name("corpus"));
        spec.inner = inner.as_ref();
        let fd = match sys::Map::create(&spec) {
            Err(_) if spec.btf.is_some() => {
                spec.btf = None;
                sys::Map::create(&spec).map_err(failed)?
            }
            result => result.map_err(failed)?,
        };
        self.maps.insert(index.0, fd);
        self.fill(index, within).map_err(|error| match error {
            LoadError::Prepare { source, .. } => failed(source),
            other => other,
        })
    }

    fn spec(&self, definition: &bpf_object::Definition, name: String) -> sys::MapSpec<'_> {
        let one_for_each = definition.map_type == map_type::PERF_EVENT_ARRAY;
        let typed = definition.key_type.0 != 0 || definition.value_type.0 != 0;
        let types = (definition.key_type.0, definition.value_type.0);
        sys::MapSpec {
            map_type: definition.map_type,
            key_size: definition.key_size,
            value_size: definition.value_size,
            max_entries: match definition.max_entries {
                0 if one_for_each => 1,
                entries => entries,
            },
            flags: definition.flags,
            extra: definition.extra,
            name,
            inner: None,
            btf: self.btf.as_ref().filter(|_| typed).map(|fd| (fd, types.0, types.1)),
        }
    }

    fn fill(&mut self, index: MapIndex, within: Option<FunctionIndex>) -> Result<(), LoadError> {
        let linked = self.linked;
        let map = &linked.maps[index.0];
        let failed = |source| LoadError::Prepare { what: map.name.clone(), source };
        for &(key, slot) in &map.slots {
            let value = match slot {
                Slot::Map(inner) => {
                    self.create(inner, within)?;
                    self.maps.get(&inner.0).map(sys::Map::descriptor)
                }
                Slot::Program(function) if Some(function) == within => None,
                Slot::Program(function) => {
                    let program = linked.programs.iter().find(|one| one.function == function);
                    let program = program.ok_or_else(|| LoadError::Needs(map.name.clone()))?;
                    let loaded = self.load(program, Log::Short)?.program;
                    let fd = loaded.map_err(|_| LoadError::Needs(program.name.clone()))?;
                    self.others.push(fd);
                    self.others.last().map(AsRawFd::as_raw_fd)
                }
            };
            if let (Some(value), Some(made)) = (value, self.maps.get(&index.0)) {
                made.update(&key.to_le_bytes(), &value.to_le_bytes()).map_err(failed)?;
            }
        }
        let Some(made) = self.maps.get(&index.0) else { return Ok(()) };
        if matches!(map.kind, MapKind::Data(_) | MapKind::Config) {
            let mut value = map.data.clone();
            value.resize(map.definition.value_size as usize, 0);
            made.update(&0u32.to_le_bytes(), &value).map_err(failed)?;
        }
        if matches!(map.kind, MapKind::Data(bpf_object::DataKind::ReadOnly) | MapKind::Config) {
            made.freeze().map_err(failed)?;
        }
        Ok(())
    }
}

/// Whether an instruction of a program loads an address of the kernel: of a map, a variable or a function.
pub(crate) fn loads_address(program: &Program, insn: usize) -> bool {
    program.insns.get(insn).is_some_and(|insn| insn.opcode == 0x18 && insn.src != 0)
}

/// The program of this name among the linked ones.
pub(crate) fn find<'l>(linked: &'l Linked<'_>, name: &str) -> Option<&'l Program> {
    linked.programs.iter().find(|program| program.name == name)
}

/// The object in a file.
pub(crate) fn open(bytes: &[u8]) -> Result<Object, bpf_object::Error> {
    Object::parse(bytes)
}
