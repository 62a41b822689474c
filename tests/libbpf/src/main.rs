//! Records what libbpf makes of objects: see README.md.

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::{CStr, CString, c_char, c_int};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{fs, ptr, slice};

use libbpf_sys as bpf;
use serde_json::{Map, Value, json};

const LD_IMM64: u8 = 0x18;
const CALL: u8 = 0x85;

/// What libbpf said last, and whether it said that a map could not be created: everything is relocated by then.
static SAID: Mutex<(String, bool)> = Mutex::new((String::new(), false));

unsafe extern "C" {
    fn vsnprintf(
        to: *mut c_char,
        size: usize,
        format: *const c_char,
        args: *mut bpf::__va_list_tag,
    ) -> c_int;
}

unsafe extern "C" fn listen(
    level: bpf::libbpf_print_level,
    format: *const c_char,
    args: *mut bpf::__va_list_tag,
) -> c_int {
    if level == bpf::LIBBPF_WARN {
        let mut buffer = [0 as c_char; 1024];
        // SAFETY: libbpf passes a format with its arguments; the buffer is as long as it says.
        let text = unsafe {
            vsnprintf(buffer.as_mut_ptr(), buffer.len(), format, args);
            CStr::from_ptr(buffer.as_ptr()).to_string_lossy().trim().to_owned()
        };
        let mut said = SAID.lock().expect("nobody panics with it");
        said.1 |= text.contains("failed to create");
        said.0 = text;
    }
    0
}

fn main() -> Result<(), Box<dyn Error>> {
    // SAFETY: the callback lives as long as the program.
    unsafe { bpf::libbpf_set_print(Some(listen)) };
    let (mut config, mut into, mut objects) = (None, None, Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--config" => config = Some(fs::read_to_string(args.next().ok_or("--config FILE")?)?),
            "--into" => into = Some(PathBuf::from(args.next().ok_or("--into FOLDER")?)),
            _ => objects.push(PathBuf::from(arg)),
        }
    }
    let config = config.map(CString::new).transpose()?;
    let symbols = fs::read_to_string("/proc/kallsyms")?;
    let symbols: BTreeMap<&str, u64> = symbols
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let address = u64::from_str_radix(words.next()?, 16).ok()?;
            Some((words.nth(1)?, address))
        })
        .collect();
    for path in objects {
        let file = CString::new(path.to_str().ok_or("a path that is not UTF-8")?)?;
        // SAFETY: all pointers come from libbpf and are used while their object is open.
        let recorded = unsafe { record(&file, config.as_deref(), &symbols)? };
        let name = path.with_extension("libbpf.json");
        let target = match &into {
            None => name,
            Some(folder) => {
                let family = path.parent().and_then(Path::file_name).ok_or("no folder")?;
                let folder = folder.join(family);
                fs::create_dir_all(&folder)?;
                folder.join(name.file_name().ok_or("no name")?)
            }
        };
        fs::write(target, lines(&recorded)?)?;
    }
    Ok(())
}

/// JSON with a line for each program and map.
fn lines(recorded: &Value) -> Result<String, Box<dyn Error>> {
    let mut out = String::from("{");
    for (index, (key, value)) in recorded.as_object().into_iter().flatten().enumerate() {
        out += if index > 0 { ",\n" } else { "\n" };
        out += &format!("{}: ", serde_json::to_string(key)?);
        match value.as_array() {
            Some(list) if !list.is_empty() => {
                let list = list.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
                out += &format!("[\n  {}\n]", list.join(",\n  "));
            }
            _ => out += &serde_json::to_string(value)?,
        }
    }
    Ok(out + "\n}\n")
}

struct Open(*mut bpf::bpf_object);

impl Drop for Open {
    fn drop(&mut self) {
        // SAFETY: it was opened and is closed once.
        unsafe { bpf::bpf_object__close(self.0) }
    }
}

unsafe fn open(file: &CStr, config: Option<&CStr>) -> Option<Open> {
    // SAFETY: zero is what the options mean by default; the strings outlive the call.
    unsafe {
        let mut options: bpf::bpf_object_open_opts = std::mem::zeroed();
        options.sz = std::mem::size_of_val(&options) as _;
        options.kconfig = config.map_or(ptr::null(), CStr::as_ptr);
        let object = bpf::bpf_object__open_file(file.as_ptr(), &options);
        (!object.is_null()).then_some(Open(object))
    }
}

unsafe fn record(
    file: &CStr,
    config: Option<&CStr>,
    symbols: &BTreeMap<&str, u64>,
) -> Result<Value, Box<dyn Error>> {
    // SAFETY: as in `main`.
    unsafe {
        let version = text(bpf::libbpf_version_string());
        let Some(object) = open(file, config) else {
            return Ok(json!({ "libbpf": version, "error": said().0 }));
        };
        let names: Vec<String> =
            programs(&object).map(|p| text(bpf::bpf_program__name(p))).collect();
        let unprepared = shared(&object);
        drop(object);
        let mut recorded = Vec::new();
        // What all programs share is taken from the first that can be prepared.
        let mut shared = None;
        for name in &names {
            let object = open(file, config).ok_or("opened once but not twice")?;
            let program = program(&object, name, symbols)?;
            if shared.is_none() && program.get("func_info").is_some() {
                shared = Some(self::shared(&object));
            }
            recorded.push(program);
        }
        let created = shared.is_some();
        let (btf, maps) = shared.unwrap_or(unprepared);
        Ok(json!({
            "libbpf": version,
            "btf": btf,
            "created": created,
            "maps": maps,
            "programs": recorded,
        }))
    }
}

/// The types and the maps of an object.
unsafe fn shared(object: &Open) -> (Value, Value) {
    // SAFETY: as in `main`; libbpf says how long the bytes are.
    unsafe {
        let maps: Vec<Value> = maps(object).map(|map| self::map(map)).collect();
        let btf = bpf::bpf_object__btf(object.0);
        if btf.is_null() {
            return (Value::Null, maps.into());
        }
        let mut length = 0;
        let data = bpf::btf__raw_data(btf, &mut length);
        (hash(slice::from_raw_parts(data.cast(), length as usize)), maps.into())
    }
}

unsafe fn program(
    object: &Open,
    name: &str,
    symbols: &BTreeMap<&str, u64>,
) -> Result<Value, Box<dyn Error>> {
    // SAFETY: as in `main`; libbpf says how many instructions and records there are.
    unsafe {
        let mut wanted = ptr::null_mut();
        for program in programs(object) {
            let this = text(bpf::bpf_program__name(program)) == name;
            bpf::bpf_program__set_autoload(program, this);
            if this {
                wanted = program;
            }
        }
        let descriptors = descriptors(object)?;
        *SAID.lock().expect("nobody panics with it") = (String::new(), false);
        let result = bpf::bpf_object__prepare(object.0);
        let (error, relocated) = said();
        let mut out = Map::new();
        out.insert("name".into(), name.into());
        out.insert("section".into(), text(bpf::bpf_program__section_name(wanted)).into());
        if result != 0 && !relocated {
            out.insert("error".into(), error.into());
            return Ok(out.into());
        }
        out.insert("type".into(), bpf::bpf_program__type(wanted).into());
        out.insert("attach_type".into(), bpf::bpf_program__expected_attach_type(wanted).into());
        let count = bpf::bpf_program__insn_cnt(wanted) as usize;
        let insns = bpf::bpf_program__insns(wanted);
        let mut insns = slice::from_raw_parts(insns.cast::<u8>(), count * 8).to_vec();
        let kernel = Kernel::of(object, symbols).normalise(&mut insns, &descriptors);
        out.insert("insns".into(), hex(&insns).into());
        out.insert("kernel".into(), kernel.into());
        if result == 0 {
            let functions = bpf::bpf_program__func_info(wanted).cast::<u8>();
            let count = bpf::bpf_program__func_info_cnt(wanted) as usize * 8;
            out.insert("func_info".into(), hash(bytes(functions, count)));
            let lines = bpf::bpf_program__line_info(wanted).cast::<u8>();
            let count = bpf::bpf_program__line_info_cnt(wanted) as usize * 16;
            out.insert("line_info".into(), hash(bytes(lines, count)));
        }
        Ok(out.into())
    }
}

/// The kernel's types, and the symbols that an object may refer to.
struct Kernel {
    btf: *mut bpf::btf,
    symbols: BTreeMap<u64, String>,
}

impl Drop for Kernel {
    fn drop(&mut self) {
        // SAFETY: it was opened and is closed once.
        unsafe { bpf::btf__free(self.btf) }
    }
}

impl Kernel {
    unsafe fn of(object: &Open, symbols: &BTreeMap<&str, u64>) -> Self {
        // SAFETY: as in `main`; numbers below the count are those of types.
        unsafe {
            let local = bpf::bpf_object__btf(object.0);
            let count = if local.is_null() { 0 } else { bpf::btf__type_cnt(local) };
            let names = (1..count).map(|id| {
                text(bpf::btf__name_by_offset(local, (*bpf::btf__type_by_id(local, id)).name_off))
            });
            let known = names.filter_map(|name| Some((*symbols.get(name.as_str())?, name)));
            Kernel { btf: bpf::btf__load_vmlinux_btf(), symbols: known.collect() }
        }
    }

    unsafe fn name(&self, id: i32) -> String {
        // SAFETY: libbpf took the number from these types.
        unsafe {
            let ty = bpf::btf__type_by_id(self.btf, id.cast_unsigned());
            if ty.is_null() {
                String::new()
            } else {
                text(bpf::btf__name_by_offset(self.btf, (*ty).name_off))
            }
        }
    }

    /// Puts numbers of maps in the place of file descriptors, and names what is the kernel's.
    unsafe fn normalise(&self, insns: &mut [u8], descriptors: &[i32]) -> Map<String, Value> {
        let mut names = Map::new();
        let (insns, _) = insns.as_chunks_mut::<8>();
        let mut at = 0;
        while at < insns.len() {
            let [opcode, registers, _, _, imm @ ..] = insns[at];
            let imm = i32::from_le_bytes(imm);
            let set = |insn: &mut [u8; 8], imm: i32| insn[4..].copy_from_slice(&imm.to_le_bytes());
            match (opcode, registers >> 4) {
                (LD_IMM64, 1 | 2) => {
                    let map = descriptors.iter().position(|&fd| fd == imm);
                    set(&mut insns[at], map.map_or(-1, |map| map as i32));
                }
                (LD_IMM64, 3) | (CALL, 2) => {
                    // SAFETY: as above.
                    names.insert(at.to_string(), unsafe { self.name(imm) }.into());
                    set(&mut insns[at], 0);
                }
                (LD_IMM64, 0) => {
                    let [.., high] = insns.get(at + 1).map_or([0; 2], |next| {
                        [0, u32::from_le_bytes([next[4], next[5], next[6], next[7]])]
                    });
                    let address = u64::from(imm.cast_unsigned()) | u64::from(high) << 32;
                    if let Some(name) = self.symbols.get(&address) {
                        names.insert(at.to_string(), name.as_str().into());
                        set(&mut insns[at], 0);
                        set(&mut insns[at + 1], 0);
                    }
                }
                _ => {}
            }
            at += if opcode == LD_IMM64 { 2 } else { 1 };
        }
        names
    }
}

unsafe fn map(map: *const bpf::bpf_map) -> Value {
    // SAFETY: as in `main`.
    unsafe {
        json!({
            "name": text(bpf::bpf_map__name(map)),
            "type": bpf::bpf_map__type(map),
            "key_size": bpf::bpf_map__key_size(map),
            "value_size": bpf::bpf_map__value_size(map),
            "max_entries": bpf::bpf_map__max_entries(map),
            "flags": bpf::bpf_map__map_flags(map),
            "extra": bpf::bpf_map__map_extra(map),
            "numa_node": bpf::bpf_map__numa_node(map),
            "key_type": bpf::bpf_map__btf_key_type_id(map),
            "value_type": bpf::bpf_map__btf_value_type_id(map),
            "autocreate": bpf::bpf_map__autocreate(map),
            "data": initial(map),
        })
    }
}

/// The bytes that a map of variables begins with.
unsafe fn initial(map: *const bpf::bpf_map) -> Value {
    // SAFETY: libbpf says how long the bytes are.
    unsafe {
        let mut size = 0;
        let value = bpf::bpf_map__initial_value(map, &mut size);
        let plain = bpf::bpf_map__type(map) != bpf::BPF_MAP_TYPE_STRUCT_OPS;
        if value.is_null() || !plain {
            Value::Null
        } else {
            hash(slice::from_raw_parts(value.cast::<u8>(), size as usize))
        }
    }
}

/// The descriptors of all maps. libbpf reserves them when it opens an object, in the order of the maps, each followed by that
/// of the map it holds.
fn descriptors(object: &Open) -> Result<Vec<i32>, Box<dyn Error>> {
    let mut reserved = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let path = entry?.path();
        let target = fs::read_link(&path).unwrap_or_default();
        if target.to_string_lossy().contains("libbpf-placeholder") {
            let name = path.file_name().ok_or("no name")?.to_string_lossy().into_owned();
            reserved.push(name.parse::<i32>()?);
        }
    }
    reserved.sort_unstable();
    let mut reserved = reserved.into_iter();
    let mut all = Vec::new();
    for map in maps(object) {
        all.push(reserved.next().ok_or("no descriptor is reserved")?);
        // SAFETY: as in `main`.
        if !unsafe { bpf::bpf_map__inner_map(map) }.is_null() {
            reserved.next();
        }
    }
    Ok(all)
}

fn programs(object: &Open) -> impl Iterator<Item = *mut bpf::bpf_program> {
    // SAFETY: as in `main`.
    let next = |program| unsafe { bpf::bpf_object__next_program(object.0, program) };
    std::iter::successors(Some(next(ptr::null_mut())), move |&program| Some(next(program)))
        .take_while(|program| !program.is_null())
}

fn maps(object: &Open) -> impl Iterator<Item = *mut bpf::bpf_map> {
    // SAFETY: as in `main`.
    let next = |map: *mut bpf::bpf_map| unsafe { bpf::bpf_object__next_map(object.0, map) };
    std::iter::successors(Some(next(ptr::null_mut())), move |&map| Some(next(map)))
        .take_while(|map| !map.is_null())
}

unsafe fn bytes<'a>(data: *const u8, length: usize) -> &'a [u8] {
    // SAFETY: the caller says how long the bytes are.
    if data.is_null() { &[] } else { unsafe { slice::from_raw_parts(data, length) } }
}

unsafe fn text(text: *const c_char) -> String {
    // SAFETY: libbpf's strings end with zero.
    if text.is_null() {
        String::new()
    } else {
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    }
}

fn said() -> (String, bool) {
    SAID.lock().expect("nobody panics with it").clone()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Length and FNV-1a hash, in place of bytes that are long.
fn hash(bytes: &[u8]) -> Value {
    let step = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, step);
    format!("{}:{hash:016x}", bytes.len()).into()
}
