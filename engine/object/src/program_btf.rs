//! Completing the type information of an object as libbpf does before it is loaded: compilers leave sizes of sections
//! and offsets of variables at zero, and the kernel takes no externs.

use btf::{Btf, Kind, Linkage, NewType, TypeId, Variable, Writer};
use object::elf;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::elf::{Elf, Symbol};
use crate::externs::{self, Extern, ExternKind};
use crate::{Error, Problem};

/// What kernel functions without parameter names get, and what stands for them in `.ksyms`.
const DUMMY: &str = "dummy_ksym";

pub(crate) fn complete(elf: &Elf<'_>, btf: &Btf<'_>) -> Result<(Btf<'static>, Vec<Extern>), Error> {
    let externs = externs::collect(elf, btf)?;
    let mut writer = Writer::of(btf);
    let variables = FxHashMap::from_iter(
        elf.symbols.iter().filter(|symbol| is_variable(symbol)).map(|symbol| (symbol.name, symbol)),
    );
    for section in btf.types().filter(|ty| ty.kind() == Kind::DataSec) {
        let name = section.name();
        match name {
            ".ksyms" => ksyms(btf, &mut writer, section.id()),
            ".kconfig" => kconfig(btf, &mut writer, section.id(), &externs),
            _ => data(elf, btf, &mut writer, section.id(), &variables),
        }
        .map_err(|problem| problem.in_section(name))?;
    }
    hidden_functions(elf, btf, &mut writer).map_err(Problem::plain)?;
    let bytes = writer.finish();
    let completed = Btf::parse(bytes).map_err(|error| Problem::Btf(error).plain())?;
    Ok((completed, externs))
}

fn is_variable(symbol: &Symbol<'_>) -> bool {
    !symbol.is_local() && symbol.kind == elf::STT_OBJECT
}

/// A section of variables: its size, and where the global ones are.
fn data(
    elf: &Elf<'_>,
    btf: &Btf<'_>,
    writer: &mut Writer,
    id: TypeId,
    symbols: &FxHashMap<&str, &Symbol<'_>>,
) -> Result<(), Problem> {
    let Some(section) = btf.get(id) else { return Ok(()) };
    let open = section.size() == Some(0);
    if open {
        let size = elf.find(section.name()).map_or(0, |index| elf.sections[index].size);
        let size = u32::try_from(size).ok().filter(|&size| size > 0);
        let size = size.ok_or_else(|| Problem::NoVariable(section.name().to_owned()))?;
        writer.set_size(id, size)?;
    }
    let mut variables: Vec<Variable> = section.variables().iter().collect();
    for variable in &mut variables {
        let ty = btf.get(variable.ty).filter(|ty| ty.kind() == Kind::Var);
        let ty = ty.ok_or_else(|| Problem::NoVariable(format!("[{}]", variable.ty)))?;
        if ty.linkage() != Some(Linkage::Global) {
            continue;
        }
        let symbol = symbols.get(ty.name());
        let symbol = symbol.ok_or_else(|| Problem::NoVariable(ty.name().to_owned()))?;
        if open {
            variable.offset = u32::try_from(symbol.value).unwrap_or(u32::MAX);
        }
        // Hidden variables are nobody's but the programs'.
        if symbol.is_hidden() {
            writer.set_linkage(ty.id(), Linkage::Static)?;
        }
    }
    variables.sort_by_key(|variable| variable.offset);
    Ok(writer.set_variables(id, &variables)?)
}

/// Kernel functions and variables become integers of this object: the kernel only wants to see something allocated.
fn ksyms(btf: &Btf<'_>, writer: &mut Writer, id: TypeId) -> Result<(), Problem> {
    let Some(section) = btf.get(id) else { return Ok(()) };
    let int = btf.types().find(|ty| ty.int().is_some_and(|int| int.bits == 32));
    let int = int.map_or(TypeId::VOID, |int| int.id());
    let is_function = |id| btf.get(id).is_some_and(|ty| ty.kind() == Kind::Func);
    let dummy = if section.variables().iter().any(|variable| is_function(variable.ty)) {
        let linkage = Linkage::Global;
        Some(writer.add(&NewType::Var { name: DUMMY, ty: int, linkage })?)
    } else {
        None
    };
    let mut variables: Vec<Variable> = section.variables().iter().collect();
    let mut offset = 0;
    for variable in &mut variables {
        let Some(ty) = btf.get(variable.ty) else { continue };
        match (ty.kind(), dummy) {
            (Kind::Func, Some(dummy)) => {
                name_params(btf, writer, ty.target().unwrap_or_default())?;
                writer.set_linkage(ty.id(), Linkage::Global)?;
                variable.ty = dummy;
            }
            (Kind::Var, _) => {
                writer.set_linkage(ty.id(), Linkage::Global)?;
                writer.set_target(ty.id(), int)?;
            }
            _ => {}
        }
        (variable.offset, variable.size) = (offset, 4);
        offset += 4;
    }
    writer.set_size(id, offset)?;
    Ok(writer.set_variables(id, &variables)?)
}

/// The kernel wants parameters of functions to have names.
fn name_params(btf: &Btf<'_>, writer: &mut Writer, id: TypeId) -> Result<(), Problem> {
    let Some(prototype) = btf.get(id).filter(|ty| ty.kind() == Kind::FuncProto) else {
        return Ok(());
    };
    for (index, param) in (0u16..).zip(prototype.params().iter()) {
        if param.ty != TypeId::VOID && param.name().is_empty() {
            let name = writer.string(DUMMY)?;
            writer.set_param_name(id, index, name)?;
        }
    }
    Ok(())
}

fn kconfig(
    btf: &Btf<'_>,
    writer: &mut Writer,
    id: TypeId,
    externs: &[Extern],
) -> Result<(), Problem> {
    let Some(section) = btf.get(id) else { return Ok(()) };
    let mut places = FxHashMap::default();
    let mut size = 0;
    for one in externs {
        if let ExternKind::Config(config) = one.kind {
            places.insert(one.name.as_str(), config.offset);
            size = config.offset + config.size;
        }
    }
    let mut variables: Vec<Variable> = section.variables().iter().collect();
    for variable in &mut variables {
        let Some(ty) = btf.get(variable.ty).filter(|ty| ty.kind() == Kind::Var) else { continue };
        if let Some(&offset) = places.get(ty.name()) {
            variable.offset = offset;
        }
        writer.set_linkage(ty.id(), Linkage::Global)?;
    }
    variables.sort_by_key(|variable| variable.offset);
    writer.set_size(id, size)?;
    Ok(writer.set_variables(id, &variables)?)
}

/// Hidden subprograms are described as static, so that the verifier follows calls into them.
fn hidden_functions(elf: &Elf<'_>, btf: &Btf<'_>, writer: &mut Writer) -> Result<(), Problem> {
    let text = elf.find(".text").and_then(|index| u16::try_from(index).ok());
    let hidden = elf.symbols.iter().filter(|symbol| {
        symbol.kind == elf::STT_FUNC
            && Some(symbol.section) == text
            && !symbol.is_local()
            && symbol.is_hidden()
    });
    let mut hidden = FxHashSet::from_iter(hidden.map(|symbol| symbol.name));
    if hidden.is_empty() {
        return Ok(());
    }
    for ty in btf.types().filter(|ty| ty.kind() == Kind::Func) {
        if ty.linkage() == Some(Linkage::Global) && hidden.remove(ty.name()) {
            writer.set_linkage(ty.id(), Linkage::Static)?;
        }
    }
    Ok(())
}
