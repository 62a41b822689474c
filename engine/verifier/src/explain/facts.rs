//! Stories of what the kernel knows before it follows any path: types, places of attachment, licences, declarations.

use isa::{Callee, Insn, Pc, Reg as RegName};
use kernel_model::{Capability, ProgramType};

use super::tell::{Teller, numbers_behind};
use crate::cfg;
use crate::load::is_for_anybody;
use crate::log;
use crate::program::Program;
use crate::state::RegKind;

/// Program types that are named at most.
const MOST_TYPES: usize = 8;

/// The program's type and what it is attached to.
pub(super) fn target(t: &mut Teller<'_, '_>) {
    let program = t.program();
    let ty = match program.type_name() {
        "" => "an unknown type".to_owned(),
        name => format!("the type `{name}`"),
    };
    let mut text = format!("`{}` is a program of {ty}", program.name);
    if program.sleepable {
        text += ", loaded as one that may sleep";
    }
    if let Some((_, name)) = program.target {
        text += &format!(", for `{name}`");
    }
    let lacking = lacking(program);
    if t.message.is_empty() && !lacking.is_empty() {
        text += &format!(", which needs {}", lacking.join(" and "));
        t.help = Some("load the program with the capabilities that its type needs");
    }
    t.say_of(Pc(0), text);
    t.branches(0);
}

/// What the loader is not allowed to do, but must be for a program of this type.
fn lacking(program: &Program<'_>) -> Vec<&'static str> {
    let ty = match program.is_extension {
        true => kernel_model::program_type("ext"),
        false => program.ty,
    };
    let bpf = (!is_for_anybody(program)).then_some(Capability::Bpf);
    let needed = bpf.into_iter().chain(ty.map_or(&[][..], |ty| ty.capabilities).iter().copied());
    needed.filter(|&one| !program.may(one)).map(Capability::name).collect()
}

/// The arguments of what the program is attached to.
pub(super) fn attached(t: &mut Teller<'_, '_>) {
    let program = t.program();
    let (Some((_, name)), Some(proto)) = (program.target, program.attach_proto()) else {
        return target(t);
    };
    let hidden = usize::from(
        program.attach.is_some_and(|attach| matches!(attach, kernel_model::AttachType::TraceRawTp)),
    );
    let params = proto.params();
    let names = params.iter().skip(hidden).map(|param| match param.name() {
        "" => "one without a name".to_owned(),
        name => format!("`{name}`"),
    });
    let names: Vec<String> = names.collect();
    let text = match names.len() {
        0 => format!("`{name}`, which the program is for, has no arguments"),
        count => {
            format!(
                "`{name}`, which the program is for, has {count} arguments: {}",
                names.join(", ")
            )
        }
    };
    t.say_of(Pc(0), text);
    t.branches(0);
}

/// The licence of the object.
pub(super) fn licence(t: &mut Teller<'_, '_>) {
    let licence = t.program().linked.object.license.as_deref().unwrap_or_default();
    let text = match licence {
        "" => "the object has no licence".to_owned(),
        licence => format!("the licence of the object is \"{licence}\""),
    };
    t.say_of(Pc(0), text);
    if let (Some(end), Some(name)) = (t.end(), t.end().and_then(|end| t.callee(end))) {
        t.say(end, format!("`{name}` asks for one that is compatible with the GPL"));
    }
    t.branches(0);
}

/// Who may call a function.
pub(super) fn permission(t: &mut Teller<'_, '_>) {
    let Some(end) = t.end() else { return code(t) };
    let Some(name) = t.callee(end) else {
        let number = numbers_behind(t.message, "unknown#").next().unwrap_or_default();
        let kernel = t.program().options.kernel;
        t.say(end, format!("Linux {kernel} has no helper with the number {number}"));
        return t.branches(0);
    };
    let function = kernel_model::function(&name);
    let sleeps = t.message.contains("sleep");
    let text = match function {
        Some(_) if sleeps => {
            format!("`{name}` may sleep, and the program is not loaded as one that may")
        }
        Some(function) if function.since > t.program().options.kernel => {
            format!("`{name}` is there since Linux {}", function.since)
        }
        Some(function) => who(t, function),
        None => format!("`{name}` is called here"),
    };
    if function.is_some_and(|function| function.since > t.program().options.kernel) {
        t.rule = Some("not-in-target-kernel");
    }
    t.say(end, text);
    target(t);
}

/// The program types that may call a function.
fn who(t: &Teller<'_, '_>, function: &kernel_model::Function) -> String {
    let may = |ty: &&ProgramType| match &function.kfunc {
        Some(kfunc) => kfunc.is_for(ty, None),
        None => function.proto(ty, None).is_some(),
    };
    let types: Vec<&ProgramType> = kernel_model::program_types().iter().filter(may).collect();
    let own = t.program().type_name();
    if types.iter().any(|ty| ty.name == own) {
        return format!(
            "programs of the type `{own}` may call `{}` for other places of attachment only",
            function.name
        );
    }
    let names: Vec<String> =
        types.iter().take(MOST_TYPES).map(|ty| format!("`{}`", ty.name)).collect();
    match (names.len(), types.len() - names.len()) {
        (0, _) => format!("no program may call `{}`", function.name),
        (_, 0) => format!("`{}` is for programs of the types {}", function.name, names.join(", ")),
        (_, more) => format!(
            "`{}` is for programs of the types {} and {more} more",
            function.name,
            names.join(", ")
        ),
    }
}

/// A map that is passed to a call.
pub(super) fn map(t: &mut Teller<'_, '_>) {
    let Some(end) = t.end() else { return code(t) };
    let regs = (1..=5).filter_map(RegName::from_number);
    let mut maps = regs.filter(|&reg| {
        t.reg_at(end, reg).is_some_and(|value| value.kind() == RegKind::ConstMapPtr)
    });
    let Some(reg) = maps.next() else { return super::values::argument(t) };
    let value = t.reg_at(end, reg).copied();
    let facts = value.and_then(|value| t.program().map(value.map()?));
    if let Some(facts) = facts
        && let Some(ty) = facts.ty
    {
        t.say(end, format!("the map `{}` has the type `{}`", facts.map.name, ty.name));
    }
    let root = t.root_of(reg).unwrap_or_default();
    t.origin_of(&root);
}

/// A map that the program refers to.
pub(super) fn declared(t: &mut Teller<'_, '_>) {
    let program = t.program();
    let pc = t.cx.pc;
    let references = &program.linked_program.map_references;
    let reference = references.iter().find(|reference| reference.insn == pc.index());
    let map = reference.and_then(|reference| program.linked.maps.get(reference.map.0));
    if let Some(map) = map.filter(|_| t.path.is_empty()) {
        t.say_of(pc, format!("the program refers to the map `{}` here", map.name));
        return target(t);
    }
    self::map(t);
}

/// A function of the program whose declaration is refused.
pub(super) fn function(t: &mut Teller<'_, '_>) {
    let pc = t.cx.pc;
    let called = match t.program().insn(pc) {
        Some(Insn::Call(Callee::Subprogram(offset))) => offset.target(pc),
        _ => None,
    };
    let start = called.or(t.cx.blamed.first().copied()).unwrap_or(pc);
    let index = cfg::containing(t.cx, start);
    let Some(subprog) = t.cx.subprogs.get(index as usize) else { return code(t) };
    let kind = if subprog.is_global { "global" } else { "static" };
    t.say_of(subprog.start, format!("`{}` is a {kind} function", subprog.name));
    if called.is_some() {
        t.say_of(pc, format!("`{}` is called here", subprog.name));
    }
    t.branches(0);
}

/// The instruction itself.
pub(super) fn code(t: &mut Teller<'_, '_>) {
    let pc = named(t).or(t.cx.blamed.first().copied()).unwrap_or(t.cx.pc);
    let program = t.program();
    let error = program.undecoded.iter().find(|error| error.pc == pc);
    let error = error.filter(|error| error.kernel_message() == t.message);
    if let Some(error) = error {
        t.say_of(pc, error.kind.to_string());
    } else if named(t).is_none() && t.cx.blamed.is_empty() && t.path.is_empty() && pc == Pc(0) {
        return target(t);
    } else if pc.index() < program.len() {
        let mut text = String::new();
        log::write_insn(&mut text, program, pc);
        t.say_of(pc, format!("this is `{}`", text.trim()));
    }
    if let Some(to) = numbers_behind(t.message, " to ").next()
        && let Ok(to) = u32::try_from(to)
        && (to as usize) < program.len()
    {
        t.say_of(Pc(to), "it would go on here");
    }
    t.branches(0);
}

/// The instruction that the message names.
fn named(t: &Teller<'_, '_>) -> Option<Pc> {
    let texts = ["insn ", "back-edge from insn ", "(insn "];
    let number = texts.iter().find_map(|text| numbers_behind(t.message, text).next())?;
    let pc = u32::try_from(number).ok()?;
    let names_it = ["unreachable", "jump", "back-edge", "insn"];
    names_it.iter().any(|word| t.message.starts_with(word)).then_some(Pc(pc))
}

/// The rejected instruction, which says all.
pub(super) fn here(t: &mut Teller<'_, '_>) {
    let Some(end) = t.end() else { return code(t) };
    match (t.callee(end), t.base()) {
        (Some(name), _) => t.say(end, format!("`{name}` is called here")),
        (None, Some(reg)) => {
            let root = t.root_of(reg).unwrap_or_default();
            return t.origin_of(&root);
        }
        (None, None) => code(t),
    }
    t.branches(0);
}
