//! A run told line by line: what each line of C reads and writes.

use std::collections::HashMap;
use std::fmt::Write as _;

use bpf_object::Linked;
use btf::TypeId;
use kernel_model::context_layout;
use runtime::{Accessed, Image, Operation, Place, Step, Trace};

use super::typed;

/// Numbers up to this are shown in decimal.
const SMALL: u64 = 1 << 16;
/// So many bytes of a value are shown.
const SHOWN: usize = 32;
/// Changed bytes with so many others in between are told together.
const NEAR: usize = 8;
/// What a call may write to: the frame of the stack that calls.
const FRAME: u32 = 512;

/// Tells a run.
pub(super) struct Teller<'i> {
    image: &'i Image,
    /// The text of lines, by file and line.
    texts: HashMap<(String, u32), String>,
    /// How many lines there may be.
    most: usize,
    lines: usize,
    pub(super) told: String,
    /// The line that is being told, and how deep its function is.
    line: Option<(String, u32, usize)>,
    /// The registers when it began.
    registers: [u64; 11],
    /// What waits for the next step.
    pending: Pending,
    /// The keys of values of maps that were looked up, by where the values begin.
    keys: HashMap<u64, String>,
}

/// What a step did that is seen at the next one.
enum Pending {
    Nothing,
    /// A load whose value is in a register afterwards.
    Load {
        what: String,
        register: usize,
    },
    /// A call: in words, the frame of the caller as it was before, and the key that it looks up.
    Call {
        what: String,
        depth: usize,
        frame: Option<Vec<u8>>,
        key: Option<String>,
    },
}

impl<'i> Teller<'i> {
    /// One that tells so many lines at most.
    pub(super) fn new(image: &'i Image, linked: &Linked<'_>, most: usize) -> Self {
        let mut texts = HashMap::new();
        for program in &linked.programs {
            for insn in 0..program.insns.len() {
                if let Some(line) = linked.source_line(program, insn) {
                    texts
                        .entry((line.file.to_owned(), line.line))
                        .or_insert_with(|| line.text.trim().to_owned());
                }
            }
        }
        Self {
            image,
            texts,
            most,
            lines: 0,
            told: String::new(),
            line: None,
            registers: [0; 11],
            pending: Pending::Nothing,
            keys: HashMap::new(),
        }
    }

    fn say(&mut self, text: &str) {
        self.lines += 1;
        if self.lines <= self.most {
            // Texts come from the object, which may be anybody's.
            self.told.extend(text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }));
            self.told.push('\n');
        } else if self.lines == self.most + 1 {
            // Writing to a string does not fail.
            let _ = writeln!(self.told, "… and more: --max-trace says how many lines are shown");
        }
    }

    /// Tells what the step before did.
    fn catch_up(&mut self, step: &Step<'_>) {
        match std::mem::replace(&mut self.pending, Pending::Nothing) {
            Pending::Nothing => {}
            Pending::Load { what, register } => {
                let value = step.registers.get(register).copied().unwrap_or(0);
                let value = self.value(step, value);
                self.say(&format!("    read  {what} = {value}"));
            }
            Pending::Call { what, depth, frame, key } => {
                let result = step.registers[0];
                if let (Some(key), Some(Place::MapValue { base, .. })) = (key, step.place(result)) {
                    self.keys.insert(base, key);
                }
                let result = self.value(step, result);
                self.say(&format!("    {what} = {result}"));
                // A callback that the call made has frames of its own.
                if let Some(before) = frame.filter(|_| depth == step.depth) {
                    self.tell_frame(step, &before);
                }
            }
        }
    }

    /// Tells which bytes of the frame a call has written.
    fn tell_frame(&mut self, step: &Step<'_>, before: &[u8]) {
        let Some(after) = frame(step) else { return };
        let mut at = 0;
        while at < after.len() {
            if before.get(at) == after.get(at) {
                at += 1;
                continue;
            }
            // Bytes in between that happen to be the same are part of it.
            let changed = |at: usize| after.get(at) != before.get(at);
            let mut len = 1;
            while let Some(more) = (1..=NEAR).find(|more| changed(at + len - 1 + more)) {
                len += more;
            }
            let from = i64::try_from(at).unwrap_or(0) - i64::from(FRAME);
            let bytes = digits(after.get(at..at + len).unwrap_or_default());
            self.say(&format!("    write {} = {bytes}", range("stack", from, len)));
            at += len;
        }
    }

    /// Tells which registers the line has changed.
    fn end_line(&mut self, step: &Step<'_>) {
        let mut now = [0; 11];
        now.copy_from_slice(&step.registers[..11]);
        let Some((.., depth)) = self.line else { return };
        if depth == step.depth {
            let before = self.registers;
            let changed = (0..10).filter(|&number| before[number] != now[number]);
            let changed: Vec<String> = changed
                .map(|number| format!("r{number} = {}", self.value(step, now[number])))
                .collect();
            if !changed.is_empty() {
                self.say(&format!("    {}", changed.join(", ")));
            }
        }
    }

    /// A number, or what it points to.
    fn value(&self, step: &Step<'_>, value: u64) -> String {
        match step.place(value) {
            Some(Place::Map(map)) => format!("map {}", self.map_name(map)),
            Some(Place::Packet(offset)) => plus("packet", offset),
            Some(Place::Stack(_, offset)) => plus("stack", offset),
            Some(Place::Context(offset)) => plus("ctx", offset),
            Some(Place::MapValue { map, base, offset }) => {
                if let Some(variable) = self.variable(map, offset) {
                    return format!("&{variable}");
                }
                let (element, offset) = self.element(map, base, offset);
                plus(&format!("&{element}"), offset)
            }
            Some(Place::Other(origin, offset)) => plus(&format!("<{origin}>"), offset),
            None => number(value),
        }
    }

    /// The variable that lies at an offset in a section of variables.
    fn variable(&self, map: usize, offset: i64) -> Option<String> {
        let map = self.image.maps().get(map).filter(|map| Image::is_data(map))?;
        let offset = u32::try_from(offset).ok()?;
        let types = self.image.types()?;
        let (path, _) = typed::part_at(types, map.definition.value_type, offset, 1)?;
        Some(path.strip_suffix("+0").map_or(path.clone(), str::to_owned))
    }

    fn map_name(&self, map: usize) -> &str {
        self.image.maps().get(map).map_or("?", |map| map.name.as_str())
    }

    /// The element of a map that an offset lies in, and the offset in it: `stats[3]`.
    fn element(&self, map: usize, base: u64, offset: i64) -> (String, i64) {
        /// `BPF_MAP_TYPE_ARRAY`, `BPF_MAP_TYPE_PERCPU_ARRAY`
        const ARRAYS: [u32; 2] = [2, 6];
        let name = self.map_name(map);
        let Some(map) = self.image.maps().get(map) else { return (name.to_owned(), offset) };
        if Image::is_data(map) {
            return (name.to_owned(), offset);
        }
        let stride = i64::from(map.definition.value_size.next_multiple_of(8)).max(1);
        if ARRAYS.contains(&map.definition.map_type) && offset >= 0 {
            return (format!("{name}[{}]", offset / stride), offset % stride);
        }
        let key = self.keys.get(&base).map_or("?", String::as_str);
        (format!("{name}[{key}]"), offset)
    }

    /// Some bytes of memory in words, and their type if it is known.
    fn part(&self, step: &Step<'_>, accessed: &Accessed) -> (String, TypeId) {
        let len = accessed.len as usize;
        let untyped = |what: String| (what, TypeId::VOID);
        match step.place(accessed.address) {
            Some(Place::Packet(offset)) => untyped(range("packet", offset, len)),
            Some(Place::Stack(0, offset)) => untyped(range("stack", offset, len)),
            Some(Place::Stack(frame, offset)) => {
                untyped(range(&format!("stack of frame {frame}"), offset, len))
            }
            Some(Place::Context(offset)) => untyped(self.context(offset, len)),
            Some(Place::MapValue { map, base, offset }) => {
                let (element, offset) = self.element(map, base, offset);
                let types = self.image.types();
                let definition = self.image.maps().get(map).map(|map| &map.definition);
                let part = types.zip(definition).and_then(|(types, definition)| {
                    let offset = u32::try_from(offset).ok()?;
                    typed::part_at(types, definition.value_type, offset, accessed.len)
                });
                let is_data = self.image.maps().get(map).is_some_and(Image::is_data);
                match part {
                    Some((variable, id)) if is_data => (variable, id),
                    Some((path, id)) => (format!("{element}{path}"), id),
                    None => untyped(range(&element, offset, len)),
                }
            }
            Some(Place::Map(map)) => untyped(format!("map {}", self.map_name(map))),
            Some(Place::Other(origin, offset)) => {
                untyped(range(&format!("<{origin}>"), offset, len))
            }
            None => untyped(format!("[{:#x}]", accessed.address)),
        }
    }

    /// A field of the context.
    fn context(&self, offset: i64, len: usize) -> String {
        let record = context_layout(self.image.program_type(), self.image.attach_type())
            .and_then(|layout| layout.record);
        let field = record.and_then(|record| {
            record.fields.iter().find(|field| {
                i64::from(field.offset) <= offset
                    && offset < i64::from(field.offset) + i64::from(field.size)
            })
        });
        match field {
            Some(field) if field.element_size() < field.size => {
                let index = (offset - i64::from(field.offset)) / i64::from(field.element_size());
                format!("ctx->{}[{index}]", field.name)
            }
            Some(field) => format!("ctx->{}", field.name),
            None => range("ctx", offset, len),
        }
    }

    /// Bytes in words: by their type, as a number, or those of a packet one by one.
    fn bytes(&self, step: &Step<'_>, id: TypeId, what: &str, bytes: &[u8]) -> String {
        if id != TypeId::VOID {
            return typed::read(self.image.types(), id, bytes).to_string();
        }
        let mut word = [0; 8];
        match bytes.len() {
            1..=8 if !what.starts_with("packet") && !what.starts_with("<the slice") => {
                word[..bytes.len()].copy_from_slice(bytes);
                self.value(step, u64::from_le_bytes(word))
            }
            _ => digits(bytes),
        }
    }

    /// Tells an access.
    fn access(&mut self, step: &Step<'_>, accessed: &Accessed) {
        let (what, id) = self.part(step, accessed);
        let len = accessed.len as usize;
        match accessed.operation {
            Operation::Read => match step.bytes(accessed.address, len) {
                Some(bytes) => {
                    let value = self.bytes(step, id, &what, bytes);
                    self.say(&format!("    read  {what} = {value}"));
                }
                // Fields of contexts are made up when they are read.
                None => self.pending = Pending::Load { what, register: accessed.register },
            },
            Operation::Write(value) => {
                let bytes = value.to_le_bytes();
                let value = self.bytes(step, id, &what, bytes.get(..len).unwrap_or(&bytes));
                self.say(&format!("    write {what} = {value}"));
            }
            Operation::Modify(sign, operand) => {
                let operand = self.value(step, operand);
                self.say(&format!("    write {what} {sign} {operand}"));
            }
        }
    }

    /// Remembers a call to be told when it has returned.
    fn call(&mut self, step: &Step<'_>, callee: &str) {
        let known = kernel_model::function(callee).map_or(5, |row| row.params.len().min(5));
        let arguments: Vec<String> =
            (1..=known).map(|number| self.value(step, step.registers[number])).collect();
        let map = match step.place(step.registers[1]) {
            Some(Place::Map(map)) if callee.starts_with("bpf_map_lookup") => Some(map),
            _ => None,
        };
        let key = map.and_then(|map| {
            let definition = &self.image.maps().get(map)?.definition;
            let bytes = step.bytes(step.registers[2], definition.key_size as usize)?;
            Some(typed::read(self.image.types(), definition.key_type, bytes).to_string())
        });
        let name = callee.strip_prefix("bpf_").unwrap_or(callee);
        let what = format!("bpf_{name}({})", arguments.join(", "));
        self.pending =
            Pending::Call { what, depth: step.depth, frame: frame(step).map(<[u8]>::to_vec), key };
    }
}

impl Trace for Teller<'_> {
    fn begin(&mut self) {
        self.line = None;
        self.pending = Pending::Nothing;
        self.keys.clear();
    }

    fn step(&mut self, step: &Step<'_>) {
        if self.lines > self.most {
            return;
        }
        self.catch_up(step);
        let at = step.location();
        let line = (at.file.to_string(), at.line, step.depth);
        let place = if at.line == 0 { at.insn } else { at.line };
        let same = self.line.as_ref().is_some_and(|last| *last == line) && at.line > 0;
        if !same {
            self.end_line(step);
            let text = self.texts.get(&(line.0.clone(), at.line)).cloned().unwrap_or_default();
            let head = match at.line {
                0 => format!("{}: instruction {place}", at.program),
                _ => format!("{}:{place}: {text}", at.file),
            };
            self.say(&head);
            self.line = Some(line);
            self.registers.copy_from_slice(&step.registers[..11]);
        }
        if let Some(accessed) = step.access() {
            self.access(step, &accessed);
        } else if let Some(callee) = step.callee() {
            self.call(step, callee);
        }
    }

    fn end(&mut self, result: u64) {
        if self.line.is_some() {
            self.say(&format!("    returns {}", number(result)));
        }
        self.line = None;
    }
}

/// The bytes of the frame that the step is in.
fn frame<'s>(step: &Step<'s>) -> Option<&'s [u8]> {
    step.bytes(step.registers[10].wrapping_sub(u64::from(FRAME)), FRAME as usize)
}

/// `packet[12..14]`, or `packet[12]` for one byte.
fn range(what: &str, from: i64, len: usize) -> String {
    match len {
        1 => format!("{what}[{from}]"),
        _ => format!("{what}[{from}..{}]", from + i64::try_from(len).unwrap_or(0)),
    }
}

fn plus(what: &str, offset: i64) -> String {
    match offset {
        0 => what.to_owned(),
        offset => format!("{what}{offset:+}"),
    }
}

/// A number as people write it: small and negative ones in decimal.
fn number(value: u64) -> String {
    let signed = value.cast_signed();
    if value < SMALL {
        value.to_string()
    } else if signed < 0 && signed > -4096 {
        signed.to_string()
    } else {
        format!("{value:#x}")
    }
}

fn digits(bytes: &[u8]) -> String {
    match bytes.get(..SHOWN) {
        Some(front) if bytes.len() > SHOWN => format!("{}…", typed::digits(front)),
        _ => typed::digits(bytes),
    }
}
