//! The system calls that nothing safe wraps: `bpf(2)`, and pinning the process to a processor.
//!
//! Only loading, test runs and maps are here; nothing that attaches or pins.
#![allow(
    unsafe_code,
    reason = "bpf(2) takes records with addresses of memory; no crate wraps it safely"
)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

const MAP_CREATE: libc::c_int = 0;
const MAP_LOOKUP_ELEM: libc::c_int = 1;
const MAP_UPDATE_ELEM: libc::c_int = 2;
const MAP_GET_NEXT_KEY: libc::c_int = 4;
const PROG_LOAD: libc::c_int = 5;
const PROG_TEST_RUN: libc::c_int = 10;
const BTF_LOAD: libc::c_int = 18;
const MAP_FREEZE: libc::c_int = 22;

/// `CONFIG_NR_CPUS` at most.
const MOST_PROCESSORS: usize = 8192;

/// Names of maps and programs, with the zero at their end.
const NAME: usize = 16;

/// `BPF_MAP_TYPE_*` with a value for each processor: hash, array, LRU hash, storage of control groups.
const PER_PROCESSOR: [u32; 4] = [5, 6, 10, 21];

/// What `bpf(BPF_MAP_CREATE)` takes.
#[derive(Clone, Debug, Default)]
pub(crate) struct MapSpec<'a> {
    pub(crate) map_type: u32,
    pub(crate) key_size: u32,
    pub(crate) value_size: u32,
    pub(crate) max_entries: u32,
    pub(crate) flags: u32,
    pub(crate) extra: u64,
    pub(crate) name: String,
    pub(crate) inner: Option<&'a Map>,
    /// The types, and those of key and value among them.
    pub(crate) btf: Option<(&'a OwnedFd, u32, u32)>,
}

/// What `bpf(BPF_PROG_LOAD)` takes.
#[derive(Debug, Default)]
pub(crate) struct ProgramSpec<'a> {
    pub(crate) program_type: u32,
    pub(crate) expected_attach_type: u32,
    pub(crate) flags: u32,
    pub(crate) name: &'a str,
    pub(crate) license: &'a str,
    pub(crate) version: u32,
    /// Whole instructions.
    pub(crate) insns: &'a [u8],
    pub(crate) btf: Option<&'a OwnedFd>,
    /// Records of 8 bytes.
    pub(crate) func_info: &'a [u8],
    /// Records of 16 bytes.
    pub(crate) line_info: &'a [u8],
    pub(crate) attach_btf_id: u32,
    pub(crate) attach_program: Option<&'a OwnedFd>,
    pub(crate) log_level: u32,
}

/// What `bpf(BPF_PROG_TEST_RUN)` takes.
#[derive(Debug, Default)]
pub(crate) struct RunSpec<'a> {
    pub(crate) data: Option<&'a [u8]>,
    /// How many bytes of data may come back.
    pub(crate) data_out: usize,
    pub(crate) context: &'a [u8],
    /// How many bytes of context may come back.
    pub(crate) context_out: usize,
}

/// What `bpf(BPF_PROG_TEST_RUN)` gives.
#[derive(Debug)]
pub(crate) struct RunResult {
    pub(crate) retval: u32,
    pub(crate) data: Vec<u8>,
    pub(crate) context: Vec<u8>,
}

#[repr(C)]
#[derive(Default)]
struct MapCreate {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
    inner_map_fd: i32,
    numa_node: u32,
    name: [u8; NAME],
    ifindex: u32,
    btf_fd: i32,
    btf_key_type_id: u32,
    btf_value_type_id: u32,
    btf_vmlinux_value_type_id: u32,
    extra: u64,
    value_type_btf_obj_fd: i32,
    token_fd: i32,
}

#[repr(C)]
#[derive(Default)]
struct MapElement {
    map_fd: i32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
#[derive(Default)]
struct ProgLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    flags: u32,
    name: [u8; NAME],
    ifindex: u32,
    expected_attach_type: u32,
    btf_fd: i32,
    func_info_rec_size: u32,
    func_info: u64,
    func_info_cnt: u32,
    line_info_rec_size: u32,
    line_info: u64,
    line_info_cnt: u32,
    attach_btf_id: u32,
    attach_fd: i32,
    core_relo_cnt: u32,
    fd_array: u64,
    core_relos: u64,
    core_relo_rec_size: u32,
    log_true_size: u32,
    token_fd: i32,
    fd_array_cnt: u32,
}

#[repr(C)]
#[derive(Default)]
struct TestRun {
    prog_fd: i32,
    retval: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
    ctx_size_in: u32,
    ctx_size_out: u32,
    ctx_in: u64,
    ctx_out: u64,
    flags: u32,
    cpu: u32,
    batch_size: u32,
    padding: u32,
}

#[repr(C)]
#[derive(Default)]
struct BtfLoad {
    btf: u64,
    log_buf: u64,
    size: u32,
    log_size: u32,
    log_level: u32,
    log_true_size: u32,
}

/// Loads type information; the error comes with the kernel's log.
pub(crate) fn load_btf(bytes: &[u8]) -> Result<OwnedFd, (io::Error, String)> {
    let mut attr = BtfLoad { btf: address(bytes), size: length(bytes), ..BtfLoad::default() };
    // SAFETY: the address in `attr` is that of `bytes`, with its length; they live beyond the call.
    let result = unsafe { descriptor(BTF_LOAD, &mut attr) };
    // A log that does not fit would be an error of its own, so it is asked for only when something is wrong.
    result.map_err(|error| {
        let mut log = vec![0u8; 1 << 24];
        attr.log_buf = address_mut(&mut log);
        attr.log_size = length(&log);
        attr.log_level = 1;
        // SAFETY: as above; `log` has the length that is stated, and lives beyond the call.
        drop(unsafe { descriptor(BTF_LOAD, &mut attr) });
        (error, text(&log))
    })
}

/// A map, with the sizes that the kernel reads and writes at.
#[derive(Debug)]
pub(crate) struct Map {
    fd: OwnedFd,
    key: usize,
    /// Bytes of a value; in maps with values per processor, of all of them, each rounded up to 8 bytes.
    value: usize,
    /// Entries, which for a ring buffer are bytes.
    entries: usize,
}

impl Map {
    /// Creates a map.
    pub(crate) fn create(spec: &MapSpec<'_>) -> io::Result<Self> {
        let mut attr = MapCreate {
            map_type: spec.map_type,
            key_size: spec.key_size,
            value_size: spec.value_size,
            max_entries: spec.max_entries,
            flags: spec.flags,
            inner_map_fd: spec.inner.map_or(0, |map| map.fd.as_raw_fd()),
            name: name(&spec.name),
            btf_fd: spec.btf.map_or(0, |(fd, _, _)| fd.as_raw_fd()),
            btf_key_type_id: spec.btf.map_or(0, |(_, key, _)| key),
            btf_value_type_id: spec.btf.map_or(0, |(_, _, value)| value),
            extra: spec.extra,
            ..MapCreate::default()
        };
        // SAFETY: `attr` holds no addresses.
        let fd = unsafe { descriptor(MAP_CREATE, &mut attr) }?;
        let value = spec.value_size as usize;
        let value = match PER_PROCESSOR.contains(&spec.map_type) {
            true => value.next_multiple_of(8) * processors(),
            false => value,
        };
        Ok(Self { fd, key: spec.key_size as usize, value, entries: spec.max_entries as usize })
    }

    /// The descriptor, for instructions and for maps of maps.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    /// Sets an element.
    pub(crate) fn update(&self, key: &[u8], value: &[u8]) -> io::Result<()> {
        if key.len() != self.key || value.len() != self.value {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let (key, value) = (address(key), address(value));
        let mut attr =
            MapElement { map_fd: self.descriptor(), key, value, ..MapElement::default() };
        // SAFETY: the kernel reads one key and one value, which are as long as the map was made for.
        unsafe { call(MAP_UPDATE_ELEM, &mut attr) }.map(drop)
    }

    /// The value of a key.
    pub(crate) fn lookup(&self, key: &[u8]) -> io::Result<Vec<u8>> {
        if key.len() != self.key {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut value = vec![0u8; self.value];
        let (key, place) = (address(key), address_mut(&mut value));
        let mut attr =
            MapElement { map_fd: self.descriptor(), key, value: place, ..MapElement::default() };
        // SAFETY: the kernel reads one key and writes one value, which are as long as the map was made for.
        unsafe { call(MAP_LOOKUP_ELEM, &mut attr) }?;
        Ok(value)
    }

    /// The key behind `key`, or the first one.
    pub(crate) fn next_key(&self, key: Option<&[u8]>) -> Option<Vec<u8>> {
        if key.is_some_and(|key| key.len() != self.key) {
            return None;
        }
        let mut next = vec![0u8; self.key];
        let (key, place) = (key.map_or(0, address), address_mut(&mut next));
        let mut attr =
            MapElement { map_fd: self.descriptor(), key, value: place, ..MapElement::default() };
        // SAFETY: the kernel reads one key or none and writes one, which are as long as the map was made for.
        unsafe { call(MAP_GET_NEXT_KEY, &mut attr) }.ok()?;
        Some(next)
    }

    /// Forbids user space to change the map any more.
    pub(crate) fn freeze(&self) -> io::Result<()> {
        let mut attr = self.descriptor();
        // SAFETY: the attribute is the descriptor alone.
        unsafe { call(MAP_FREEZE, &mut attr) }.map(drop)
    }

    /// The records of a ring buffer that nobody has consumed anything of.
    pub(crate) fn records(&self) -> io::Result<Vec<Record>> {
        const BUSY: u32 = 1 << 31;
        const DISCARDED: u32 = 1 << 30;
        const HEADER: usize = 8;
        const PAGE: usize = 4096;
        let size = self.entries;
        let whole = 2 * PAGE + size;
        // SAFETY: a new mapping is made where the kernel likes; it is only read.
        let address = unsafe {
            let fd = self.descriptor();
            libc::mmap(std::ptr::null_mut(), whole, libc::PROT_READ, libc::MAP_SHARED, fd, 0)
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the mapping has `whole` bytes; the program that writes to it has ended, so that the bytes stand still.
        let bytes = unsafe { std::slice::from_raw_parts(address.cast::<u8>(), whole) }.to_vec();
        // SAFETY: nothing refers to the mapping any more.
        unsafe { libc::munmap(address, whole) };
        let word = |at: usize| {
            let bytes = bytes.get(at..at + 4)?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?))
        };
        let (consumed, produced) = (word(0), word(PAGE));
        let (mut at, produced) = (consumed.unwrap_or(0) as usize, produced.unwrap_or(0) as usize);
        let mut records = Vec::new();
        while at < produced && produced <= size {
            let Some(header) = word(2 * PAGE + at).filter(|header| header & BUSY == 0) else {
                break;
            };
            let length = (header & !DISCARDED) as usize;
            let start = 2 * PAGE + at + HEADER;
            let Some(record) = bytes.get(start..start + length) else { break };
            records.push((header & DISCARDED == 0, record.to_vec()));
            at += (HEADER + length).next_multiple_of(8);
        }
        Ok(records)
    }
}

/// Loads a program. The text is what the kernel says, whatever the result; `log` is the room for it.
pub(crate) fn load_program(spec: &ProgramSpec<'_>, log: usize) -> (io::Result<OwnedFd>, String) {
    let mut log = vec![0u8; log];
    let license = [spec.license.as_bytes(), &[0]].concat();
    let mut attr = ProgLoad {
        prog_type: spec.program_type,
        insn_cnt: length(spec.insns) / 8,
        insns: address(spec.insns),
        license: address(&license),
        log_level: spec.log_level,
        log_size: length(&log),
        log_buf: address_mut(&mut log),
        kern_version: spec.version,
        flags: spec.flags,
        name: name(spec.name),
        expected_attach_type: spec.expected_attach_type,
        btf_fd: spec.btf.map_or(0, AsRawFd::as_raw_fd),
        attach_btf_id: spec.attach_btf_id,
        attach_fd: spec.attach_program.map_or(0, AsRawFd::as_raw_fd),
        ..ProgLoad::default()
    };
    if spec.btf.is_some() && !spec.func_info.is_empty() {
        attr.func_info_rec_size = 8;
        attr.func_info = address(spec.func_info);
        attr.func_info_cnt = length(spec.func_info) / 8;
        attr.line_info_rec_size = 16;
        attr.line_info = address(spec.line_info);
        attr.line_info_cnt = length(spec.line_info) / 16;
    }
    // SAFETY: each address in `attr` is that of a slice that lives beyond the call, with its length in whole records;
    // the licence ends with a zero.
    let result = unsafe { descriptor(PROG_LOAD, &mut attr) };
    (result, text(&log))
}

/// Runs a program once.
pub(crate) fn run(program: &OwnedFd, spec: &RunSpec<'_>) -> io::Result<RunResult> {
    let mut data = vec![0u8; spec.data_out];
    let mut context = vec![0u8; spec.context_out];
    let mut attr = TestRun { prog_fd: program.as_raw_fd(), ..TestRun::default() };
    if let Some(input) = spec.data {
        attr.data_in = address(input);
        attr.data_size_in = length(input);
    }
    if !data.is_empty() {
        attr.data_out = address_mut(&mut data);
        attr.data_size_out = length(&data);
    }
    // A context that is written back in place needs memory of its own.
    let mut input = spec.context.to_vec();
    if !input.is_empty() {
        attr.ctx_in = address_mut(&mut input);
        attr.ctx_size_in = length(&input);
    }
    if !context.is_empty() {
        attr.ctx_out = address_mut(&mut context);
        attr.ctx_size_out = length(&context);
    }
    // SAFETY: each address in `attr` is that of a vector that lives beyond the call, with its length.
    unsafe { call(PROG_TEST_RUN, &mut attr) }?;
    data.truncate(attr.data_size_out as usize);
    if context.is_empty() {
        context = input;
    } else {
        context.truncate(attr.ctx_size_out as usize);
    }
    Ok(RunResult { retval: attr.retval, data, context })
}

/// A record of a ring buffer, and whether it was submitted; otherwise it was discarded.
pub(crate) type Record = (bool, Vec<u8>);

/// Keeps this process on the first processor, so that values of that processor are those of the run.
pub(crate) fn stay_on_first_processor() -> io::Result<()> {
    // SAFETY: a set of processors is plain data, and zero is a value of it; the size that is passed is its size.
    let result = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(0, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Whether this process may ask the kernel.
pub(crate) fn is_root() -> bool {
    // SAFETY: the call takes nothing and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// # Safety
///
/// `attr` must be laid out as the kernel expects for `command`, and its addresses must be valid for what the kernel
/// reads and writes there.
unsafe fn call<T>(command: libc::c_int, attr: &mut T) -> io::Result<RawFd> {
    // SAFETY: as the caller promises; the size is that of the record.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attr, size_of::<T>()) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    RawFd::try_from(result).map_err(|_| io::Error::from_raw_os_error(libc::EOVERFLOW))
}

/// # Safety
///
/// As for [`call`]; and `command` must give a new descriptor.
unsafe fn descriptor<T>(command: libc::c_int, attr: &mut T) -> io::Result<OwnedFd> {
    // SAFETY: as the caller promises.
    let fd = unsafe { call(command, attr) }?;
    // SAFETY: the kernel just gave this descriptor to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// How many processors the kernel keeps values for.
fn processors() -> usize {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/possible").unwrap_or_default();
    let last = text.trim().rsplit(['-', ',']).next().and_then(|last| last.parse::<usize>().ok());
    // More than there can be is room that stays unused; less would be overwritten.
    last.map_or(MOST_PROCESSORS, |last| last + 1)
}

fn address(bytes: &[u8]) -> u64 {
    bytes.as_ptr() as u64
}

fn address_mut(bytes: &mut [u8]) -> u64 {
    bytes.as_mut_ptr() as u64
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// A name the kernel takes: cut, with a zero at its end, and nothing else than letters, digits, `_` and `.`.
fn name(text: &str) -> [u8; NAME] {
    let mut name = [0; NAME];
    for (place, byte) in name[..NAME - 1].iter_mut().zip(text.bytes()) {
        let is_plain = byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
        *place = if is_plain { byte } else { b'_' };
    }
    name
}

/// The text up to the first zero.
fn text(log: &[u8]) -> String {
    let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
    String::from_utf8_lossy(&log[..end]).into_owned()
}
