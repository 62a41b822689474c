//! Contexts as people write them: fields, arguments, digits, and what is beside these.
//!
//! ```json
//! {"user_ip4": 16777343, "user_port": 20480, "family": 2, "type": 1, "protocol": 6}
//! {"level": 6, "optname": 1, "optval": "01000000", "sk": {"protocol": "tcp", "local": "10.0.0.1:80"}}
//! {"task": {"pid": 7, "comm": "sh"}}
//! [{"struct": "file", "f_path": "/etc/passwd"}, 0]
//! ```

use btf::{Btf, Kind, Type, TypeId};
use kernel_model::{ContextField, ProgramType, Record, context_layout};
use runtime::{Attached, AttachedKind, AttachedRow, Image, Object};
use serde_json::{Map, Value};

use super::tables::SocketRow;
use super::typed;

/// Nesting of structures deeper than this is refused.
const DEPTH: u32 = 16;
/// What programs are attached to that see the result of a function.
const WITH_RESULT: [&str; 2] = ["trace_fexit", "modify_return"];
/// The longest array of pointers whose elements are told apart from numbers.
const MOST_POINTERS: u32 = 64;

/// A context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it has beside them.
    pub attached: Attached,
}

/// The structure that the context of a program has in the interface to user space, if it has one.
pub fn record(image: &Image) -> Option<&'static Record> {
    context_layout(image.program_type(), image.attach_type())?.record
}

/// The context of a program: hexadecimal digits, a list of 64-bit arguments, or an object with fields of its context.
///
/// # Errors
///
/// If a field does not exist or a value does not fit.
pub fn context(image: &Image, value: &Value) -> Result<Context, String> {
    match value {
        Value::String(digits) => {
            let bytes = crate::packets::hex(digits);
            let bytes = bytes.ok_or_else(|| format!("{digits}: no hexadecimal digits"))?;
            Ok(Context { bytes, ..Context::default() })
        }
        Value::Array(arguments) => {
            let mut context = Context::default();
            for argument in arguments {
                context.push(argument)?;
            }
            Ok(context)
        }
        Value::Object(fields) => of_fields(image, fields),
        _ => Err("a context is an object with fields, a list of arguments, or hexadecimal digits"
            .to_owned()),
    }
}

impl Context {
    /// Adds an argument: a number, or an object that it points to.
    fn push(&mut self, argument: &Value) -> Result<(), String> {
        let at = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        let number = match argument {
            Value::Object(fields) => {
                self.attached.objects.push((at, object_by_name(fields)?));
                &Value::from(0)
            }
            number => number,
        };
        self.bytes.extend(typed::write(None, TypeId::VOID, 8, number)?);
        Ok(())
    }

    /// Takes a value that is beside the bytes.
    fn attach(&mut self, row: &AttachedRow, value: &Value) -> Result<(), String> {
        let wrong = |what: &str| format!("{}: {what} expected, got {value}", row.name);
        let values = match row.kind {
            AttachedKind::Number => {
                vec![typed::write(None, TypeId::VOID, 8, value)?]
            }
            AttachedKind::Text => {
                let text = value.as_str().ok_or_else(|| wrong("a text is"))?;
                vec![text.as_bytes().to_vec()]
            }
            AttachedKind::Bytes => {
                let parts = match value {
                    Value::Array(parts) => parts.as_slice(),
                    one => std::slice::from_ref(one),
                };
                let parts = parts.iter().map(bytes_of).collect::<Option<Vec<_>>>();
                parts.ok_or_else(|| wrong("hexadecimal digits or {\"text\": …} are"))?
            }
        };
        self.attached.values.extend(values.into_iter().map(|bytes| (row.name.to_owned(), bytes)));
        Ok(())
    }
}

/// Bytes: digits, or a text.
fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(digits) => crate::packets::hex(digits),
        Value::Object(fields) if fields.len() == 1 => {
            Some(fields.get("text")?.as_str()?.as_bytes().to_vec())
        }
        _ => None,
    }
}

fn of_fields(image: &Image, fields: &Map<String, Value>) -> Result<Context, String> {
    let program = image.program_type();
    let mut context = Context::default();
    let mut rest = Map::new();
    for (name, value) in fields {
        let row = runtime::attached(program).find(|row| row.name == name);
        match (row, value) {
            (Some(row), value) => context.attach(row, value)?,
            (None, Value::Object(socket)) if name == "sk" && has_socket(image) => {
                let row: SocketRow = serde_json::from_value(Value::Object(socket.clone()))
                    .map_err(|error| format!("sk: {error}"))?;
                context.attached.socket = Some(row.socket().map_err(|why| format!("sk: {why}"))?);
            }
            _ => {
                rest.insert(name.clone(), value.clone());
            }
        }
    }
    match record(image).filter(|record| record.size > 0) {
        Some(record) => {
            context.bytes = of_record(record, &rest)?;
            // A callback is about a whole socket, unless it is said that it is not.
            if program.name == "sock_ops" && !fields.contains_key("is_fullsock") {
                let (at, bytes) = context_field(record, "is_fullsock", &Value::from(1))?;
                context.bytes[at..at + bytes.len()].copy_from_slice(&bytes);
            }
        }
        None => of_types(image, &rest, &mut context)?,
    }
    Ok(context)
}

/// Whether the context has a socket.
fn has_socket(image: &Image) -> bool {
    record(image).is_some_and(|record| record.fields.iter().any(|field| field.name == "sk"))
}

fn of_record(record: &Record, fields: &Map<String, Value>) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; record.size as usize];
    for (name, value) in fields {
        let (at, written) = context_field(record, name, value)?;
        let place = bytes.get_mut(at..at + written.len());
        place.ok_or("the field lies outside")?.copy_from_slice(&written);
    }
    Ok(bytes)
}

/// Where a field of a context is, and the bytes of a value of it: of the first elements, if it has several.
///
/// # Errors
///
/// If it does not exist or the value does not fit.
pub fn context_field(
    record: &Record,
    name: &str,
    value: &Value,
) -> Result<(usize, Vec<u8>), String> {
    let field = record.fields.iter().find(|field: &&ContextField| field.name == name);
    let field = field.ok_or_else(|| format!("{} has no field {name}", record.name))?;
    let (size, element) = (field.size as usize, (field.element_size() as usize).max(1));
    if let (Value::Object(_), Some(types)) = (value, registers(field)) {
        let ty = types.find("pt_regs", Kind::Struct).ok_or("the kernel has no struct pt_regs")?;
        let written = typed::write(Some(types), ty.id(), size, value);
        return Ok((field.offset as usize, written.map_err(|why| format!("{name}: {why}"))?));
    }
    let values = match value {
        Value::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    if values.len() * element > size {
        return Err(format!("{name} has only {} elements", size / element));
    }
    let mut bytes = Vec::new();
    for value in values {
        let written = typed::write(None, TypeId::VOID, element, value);
        bytes.extend(written.map_err(|why| format!("{name}: {why}"))?);
    }
    Ok((field.offset as usize, bytes))
}

/// The types of the kernel, for a field that holds registers.
fn registers(field: &ContextField) -> Option<&'static Btf<'static>> {
    bpf_object::vmlinux().filter(|_| field.c_type == "bpf_user_pt_regs_t")
}

/// A context that is a structure of the kernel or of the program, or arguments of a function of the kernel.
fn of_types(
    image: &Image,
    fields: &Map<String, Value>,
    context: &mut Context,
) -> Result<(), String> {
    let kernel = bpf_object::vmlinux().ok_or("the types of the kernel cannot be read")?;
    let program = image.program_type();
    if let Some(ty) = known_structure(image, kernel) {
        let object = object(kernel, &ty, fields, DEPTH)?;
        context.bytes = object.bytes;
        // What is not said is not there.
        let pointers = object.pointers.into_iter();
        let pointers = pointers.filter_map(|(at, object)| Some((at, object?)));
        context.attached.objects.extend(pointers);
        return Ok(());
    }
    if let Some(parameters) = parameters(image, kernel) {
        let mut words = vec![Value::from(0); parameters.len()];
        for (name, value) in fields {
            let place = parameters.iter().position(|(known, _)| known == name);
            let place = place.ok_or_else(|| {
                let known: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
                format!("there is no argument `{name}`; there are {}", known.join(", "))
            })?;
            words[place] = match (value, parameters[place].1) {
                (Value::Object(object), Some(ty)) if !object.contains_key("struct") => {
                    let mut object = object.clone();
                    object.insert("struct".to_owned(), Value::from(ty));
                    Value::Object(object)
                }
                (value, _) => value.clone(),
            };
        }
        return words.iter().try_for_each(|word| context.push(word));
    }
    if let Some((types, ty)) = own_structure(image) {
        let size = ty.size().unwrap_or(0) as usize;
        let value = Value::Object(fields.clone());
        context.bytes = typed::write(Some(types), ty.id(), size, &value)?;
        return Ok(());
    }
    if fields.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the context of {} programs has no named fields; give a list of arguments or digits",
        program.name
    ))
}

/// The structure that the kernel has for contexts of a program: registers, or what an iterator gives.
fn known_structure<'k>(image: &Image, kernel: &'k Btf<'k>) -> Option<Type<'k>> {
    let name = match image.program_type().name {
        "kprobe" => "pt_regs".to_owned(),
        "tracing" if image.attach_type().is_some_and(|attach| attach.name() == "trace_iter") => {
            // `bpf_iter_task` is called with a `struct bpf_iter__task`.
            format!("bpf_iter__{}", image.target()?.strip_prefix("bpf_iter_")?)
        }
        _ => return None,
    };
    kernel.find(&name, Kind::Struct)
}

/// The structure that the first argument of the program points to, by its own types.
fn own_structure(image: &Image) -> Option<(&Btf<'static>, Type<'_>)> {
    let types = image.types()?;
    let function = types.find(image.name(), Kind::Func)?;
    let prototype = types.get(function.target()?)?;
    let argument = types.resolve(prototype.params().iter().next()?.ty)?;
    let target = types.resolve(argument.target().filter(|_| argument.kind() == Kind::Ptr)?)?;
    (target.kind() == Kind::Struct && target.size().is_some_and(|size| size > 0))
        .then_some((types, target))
}

/// The parameters of the function of the kernel that a program is attached to: names, and the structures that they point
/// to.
fn parameters<'k>(image: &Image, kernel: &'k Btf<'k>) -> Option<Vec<(String, Option<&'k str>)>> {
    let function = kernel.find(image.target()?, Kind::Func)?;
    let prototype = kernel.get(function.target()?)?;
    let structure = |ty: TypeId| {
        let pointer = kernel.resolve(ty).filter(|ty| ty.kind() == Kind::Ptr)?;
        let target = kernel.resolve(pointer.target()?)?;
        (target.kind() == Kind::Struct).then(|| target.name())
    };
    let named = prototype.params();
    let named = named.iter().map(|one| (one.name().to_owned(), structure(one.ty)));
    let mut named: Vec<_> = named.collect();
    // The result is behind the arguments, where there is one.
    if image.attach_type().is_some_and(|attach| WITH_RESULT.contains(&attach.name())) {
        named.push(("return".to_owned(), None));
    }
    named.iter().all(|(name, _)| !name.is_empty()).then_some(named)
}

/// An object that says of which type it is.
fn object_by_name(fields: &Map<String, Value>) -> Result<Object, String> {
    let kernel = bpf_object::vmlinux().ok_or("the types of the kernel cannot be read")?;
    let mut fields = fields.clone();
    let name = fields.remove("struct");
    let name = name.as_ref().and_then(Value::as_str);
    let name = name.ok_or("an argument that is an object needs `struct`, the name of its type")?;
    let ty = kernel.find(name, Kind::Struct);
    let ty = ty.ok_or_else(|| format!("the kernel has no struct {name}"))?;
    object(kernel, &ty, &fields, DEPTH)
}

/// An object of a structure of the kernel with some of its fields. What other pointers of it point to is not known.
fn object(
    types: &Btf<'_>,
    ty: &Type<'_>,
    fields: &Map<String, Value>,
    depth: u32,
) -> Result<Object, String> {
    let name = format!("struct {}", ty.name());
    let bytes = vec![0; ty.size().unwrap_or(0) as usize];
    let mut object = Object { name, bytes, ..Object::default() };
    pointers(types, ty, 0, depth, &mut object.pointers);
    fill(types, ty, 0, fields, depth, &mut object)?;
    Ok(object)
}

/// Finds the pointers of a structure.
fn pointers(
    types: &Btf<'_>,
    ty: &Type<'_>,
    base: u32,
    depth: u32,
    found: &mut Vec<(u32, Option<Object>)>,
) {
    let Some(depth) = depth.checked_sub(1) else { return };
    for member in ty.members().iter().filter(|member| member.bitfield == 0) {
        let Some(of) = types.resolve(member.ty) else { continue };
        let at = base + member.bit_offset / 8;
        match of.kind() {
            Kind::Ptr if !found.iter().any(|(known, _)| *known == at) => found.push((at, None)),
            Kind::Struct | Kind::Union => pointers(types, &of, at, depth, found),
            Kind::Array => {
                let Some(array) = of.array() else { continue };
                let element = types.resolve(array.element).map(|element| element.kind());
                if element == Some(Kind::Ptr) {
                    let elements = 0..array.length.min(MOST_POINTERS);
                    found.extend(elements.map(|index| (at + 8 * index, None)));
                }
            }
            _ => {}
        }
    }
}

/// Fills in fields of a structure that begins at `base` of the object.
fn fill(
    types: &Btf<'_>,
    ty: &Type<'_>,
    base: usize,
    fields: &Map<String, Value>,
    depth: u32,
    object: &mut Object,
) -> Result<(), String> {
    let depth = depth.checked_sub(1).ok_or("the objects are nested too deep")?;
    for (path, value) in fields {
        let field = types.field(ty.id(), path).map_err(|error| error.to_string())?;
        let outside = || format!("{path} lies outside of the structure");
        let at = usize::try_from(field.bit_offset / 8).map_err(|_| outside())? + base;
        let of = types.resolve(field.ty).ok_or_else(outside)?;
        match (of.kind(), value) {
            (Kind::Struct, Value::String(text)) if of.name() == "path" => {
                object.paths.push((u32::try_from(at).map_err(|_| outside())?, text.clone()));
            }
            (Kind::Struct | Kind::Union, Value::Object(inner)) => {
                fill(types, &of, at, inner, depth, object)?;
            }
            (Kind::Ptr, Value::Object(_) | Value::String(_)) => {
                let target = pointee(types, &of, value, depth);
                let target = target.map_err(|why| format!("{path}: {why}"))?;
                set_pointer(object, at, Some(target));
            }
            _ => {
                if of.kind() == Kind::Ptr {
                    set_pointer(object, at, None);
                }
                let size = types.size_of(field.ty).ok().and_then(|size| usize::try_from(size).ok());
                let size = size.filter(|_| field.bitfield == 0).ok_or_else(outside)?;
                // A pointer that is nothing is the number 0.
                let number = if value.is_null() { &Value::from(0) } else { value };
                let written = typed::write(Some(types), field.ty, size, number);
                let written = written.map_err(|why| format!("{path}: {why}"))?;
                let place = object.bytes.get_mut(at..at + size).ok_or_else(outside)?;
                place.copy_from_slice(&written);
            }
        }
    }
    Ok(())
}

/// What a pointer points to is known: an object, or it is a number.
fn set_pointer(object: &mut Object, at: usize, target: Option<Object>) {
    object.pointers.retain(|(known, _)| *known as usize != at);
    if let (Ok(at), Some(target)) = (u32::try_from(at), target) {
        object.pointers.push((at, Some(target)));
    }
}

/// What a pointer points to: a structure with fields, bytes, or a text with a zero behind it.
fn pointee(
    types: &Btf<'_>,
    pointer: &Type<'_>,
    value: &Value,
    depth: u32,
) -> Result<Object, String> {
    let target = pointer.target().and_then(|id| types.resolve(id));
    match (target, value) {
        (Some(ty), Value::Object(fields)) if ty.kind() == Kind::Struct => {
            object(types, &ty, fields, depth)
        }
        (_, Value::Object(fields)) if fields.contains_key("struct") => object_by_name(fields),
        (Some(ty), Value::String(text)) if ty.name() == "char" => {
            let bytes = [text.as_bytes(), &[0]].concat();
            Ok(Object { name: "a text".to_owned(), bytes, ..Object::default() })
        }
        (_, Value::String(digits)) => {
            let bytes = crate::packets::hex(digits);
            let bytes = bytes.ok_or_else(|| format!("{digits}: no hexadecimal digits"))?;
            Ok(Object { name: "bytes".to_owned(), bytes, ..Object::default() })
        }
        _ => Err(format!("{value} is not what it points to")),
    }
}

/// A field of a context that a program has changed, with what it was and what it is, as numbers where it has several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The field.
    pub name: &'static str,
    /// What it was.
    pub before: Value,
    /// What it is.
    pub after: Value,
}

/// The fields of the context that are not as they were at first.
pub fn changes(
    program: &'static ProgramType,
    attach: Option<kernel_model::AttachType>,
    before: &[u8],
    after: &[u8],
) -> Vec<Change> {
    let layout = context_layout(program, attach);
    let Some(record) = layout.and_then(|layout| layout.record) else { return Vec::new() };
    let written = |field: &&ContextField| {
        let range = field.offset as usize..(field.offset + field.size) as usize;
        let regions = layout.map_or(&[] as &[_], |layout| layout.regions);
        let can_be =
            regions.iter().any(|region| region.name == field.name && region.write.is_some());
        can_be && before.get(range.clone()) != after.get(range)
    };
    let value = |field: &ContextField, bytes: &[u8]| {
        let (from, size) = (field.offset as usize, field.size as usize);
        let bytes = bytes.get(from..from + size).unwrap_or_default();
        let element = (field.element_size() as usize).clamp(1, 8);
        let numbers = bytes.chunks(element).map(|part| {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            Value::from(u64::from_le_bytes(word))
        });
        let mut numbers: Vec<Value> = numbers.collect();
        if numbers.len() == 1 { numbers.remove(0) } else { Value::Array(numbers) }
    };
    let fields = record.fields.iter().filter(written);
    fields
        .map(|field| Change {
            name: field.name,
            before: value(field, before),
            after: value(field, after),
        })
        .collect()
}
