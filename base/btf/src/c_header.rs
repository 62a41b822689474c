//! Types as a C header: what `vmlinux.h` is to programs.
//!
//! Every type is written after what it needs: whole types in front of those that contain them, declarations in front
//! of those that only point to them. Where C would lay a structure out differently, it is packed or gets padding, so
//! that a compiler for BPF gives every member its offset and every structure its size.

mod layout;
mod names;
mod print;

use rustc_hash::FxHashMap;

use crate::{Btf, Kind, Type, TypeId};
use layout::{Layout, Layouts};
use names::Names;

/// Changes whenever the header of the same types does.
pub const C_HEADER_REVISION: u32 = 1;

/// Types that need types, one within the other.
const DEPTH: usize = 256;

/// Bytes of text and steps for each type; those of the kernel need about 40.
const WORK_PER_TYPE: usize = 512;

/// Types as C, and what they are called there.
#[derive(Clone, Debug)]
pub struct CHeader {
    /// The header.
    pub text: String,
    names: FxHashMap<TypeId, String>,
}

/// Why types cannot be written as C.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CHeaderError {
    /// A type refers to one that does not exist.
    #[error("there is no type [{0}]")]
    NoType(TypeId),
    /// A type contains itself, or types are nested deeper than any compiler makes.
    #[error("type [{0}] contains itself or is nested too deeply")]
    Cycle(TypeId),
    /// The header would be much longer than that of any program.
    #[error("too many types within types")]
    TooLarge,
}

impl CHeader {
    /// Writes all types, and prototypes of the functions that are marked as kfuncs.
    ///
    /// Of several types with one name the first keeps it, and the others get a flavour: `task_struct___2`. Loaders that
    /// match types by name ignore it. Structures have the attribute `preserve_access_index` unless
    /// `BPF_NO_PRESERVE_ACCESS_INDEX` is defined; there are no prototypes if `BPF_NO_KFUNC_PROTOTYPES` is.
    ///
    /// # Errors
    ///
    /// If types contain themselves or refer to nothing.
    pub fn of(btf: &Btf<'_>) -> Result<Self, CHeaderError> {
        let names = Names::of(btf);
        let state = vec![State::default(); btf.len() as usize];
        let layouts = Layouts::new(btf);
        let budget = (btf.len() as usize).saturating_mul(WORK_PER_TYPE).saturating_add(1 << 20);
        let mut writer = Writer { btf, names, layouts, state, out: String::new(), budget };
        writer.out.push_str(OPENING);
        for ty in btf.types() {
            writer.top_level(ty)?;
        }
        writer.kfuncs()?;
        if writer.budget == 0 {
            return Err(CHeaderError::TooLarge);
        }
        writer.out.push_str(CLOSING);
        let named = |ty: Type<'_>| {
            let named = ty.kind().is_composite() && !ty.name().is_empty();
            named.then(|| (ty.id(), writer.names.tagged(ty)))
        };
        let names = btf.types().filter_map(named).collect();
        Ok(Self { text: writer.out, names })
    }

    /// What the structure or union is called: `struct task_struct`. `None` for what has no name.
    pub fn name(&self, id: TypeId) -> Option<&str> {
        self.names.get(&id).map(String::as_str)
    }
}

const OPENING: &str = "\
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

#ifndef __ksym
#define __ksym __attribute__((section(\".ksyms\")))
#endif

#ifndef __weak
#define __weak __attribute__((weak))
#endif

#ifndef __bpf_fastcall
#if __has_attribute(bpf_fastcall)
#define __bpf_fastcall __attribute__((bpf_fastcall))
#else
#define __bpf_fastcall
#endif
#endif

#if __has_attribute(btf_type_tag)
#define __vmlinux_tag(tag) __attribute__((btf_type_tag(tag)))
#else
#define __vmlinux_tag(tag)
#endif

";

const CLOSING: &str = "\
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#undef __vmlinux_tag

#endif
";

/// How far a type is written.
#[derive(Clone, Copy, Default)]
struct State {
    declared: bool,
    begun: bool,
    done: bool,
}

/// What is needed of a type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Its name, to point to it.
    Name,
    /// Its size.
    Whole,
}

struct Writer<'b> {
    btf: &'b Btf<'b>,
    names: Names,
    layouts: Layouts<'b>,
    state: Vec<State>,
    out: String,
    /// Work that is left. Types without a name are written wherever they are used, so that few of them can become
    /// many lines.
    budget: usize,
}

/// Where in the types the writer is.
#[derive(Clone, Copy)]
struct Place {
    /// The structure whose members need what is asked for; its name is known inside.
    within: TypeId,
    depth: usize,
}

impl Place {
    const TOP: Place = Place { within: TypeId::VOID, depth: 0 };

    fn deeper(self, id: TypeId) -> Result<Self, CHeaderError> {
        let depth = self.depth + 1;
        if depth > DEPTH { Err(CHeaderError::Cycle(id)) } else { Ok(Place { depth, ..self }) }
    }
}

impl<'b> Writer<'b> {
    fn get(&self, id: TypeId) -> Result<Type<'b>, CHeaderError> {
        self.btf.get(id).ok_or(CHeaderError::NoType(id))
    }

    fn state(&mut self, id: TypeId) -> &mut State {
        // Every number comes from a type that exists.
        &mut self.state[id.0 as usize]
    }

    fn top_level(&mut self, ty: Type<'b>) -> Result<(), CHeaderError> {
        match ty.kind() {
            Kind::Struct | Kind::Union if !ty.name().is_empty() => self.define(ty, Place::TOP),
            Kind::Enum | Kind::Enum64 if !ty.name().is_empty() => {
                self.enumeration(ty);
                Ok(())
            }
            // Those that belong to a member or a name are written there.
            Kind::Enum | Kind::Enum64 if !self.names.is_used(ty.id()) => {
                self.enumeration(ty);
                Ok(())
            }
            Kind::Typedef => self.typedef(ty, Place::TOP),
            Kind::Fwd => self.need(ty.id(), Need::Name, Place::TOP),
            _ => Ok(()),
        }
    }

    /// Writes what must stand in front of a use of the type.
    fn need(&mut self, id: TypeId, need: Need, place: Place) -> Result<(), CHeaderError> {
        let place = place.deeper(id)?;
        self.budget = self.budget.saturating_sub(1);
        if self.budget == 0 {
            return Err(CHeaderError::TooLarge);
        }
        let ty = self.get(id)?;
        let target = ty.target().unwrap_or_default();
        match ty.kind() {
            Kind::Int | Kind::Float => self.base_type(ty),
            Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag => {
                return self.need(target, need, place);
            }
            Kind::Ptr => return self.need(target, Need::Name, place),
            // The elements of an array must be complete even if it is only pointed to.
            Kind::Array => {
                let element = ty.array().map(|array| array.element).unwrap_or_default();
                return self.need(element, Need::Whole, place);
            }
            Kind::FuncProto => {
                self.need(target, Need::Name, place)?;
                for param in ty.params().iter() {
                    self.need(param.ty, Need::Name, place)?;
                }
            }
            Kind::Struct | Kind::Union if ty.name().is_empty() => self.members(ty, place)?,
            Kind::Struct | Kind::Union | Kind::Fwd => {
                let ty = self.get(self.names.definition(id))?;
                if need == Need::Whole && ty.kind() != Kind::Fwd {
                    return self.define(ty, place);
                }
                self.forward(ty, place);
            }
            Kind::Enum | Kind::Enum64 if ty.name().is_empty() => {}
            Kind::Enum | Kind::Enum64 => {
                let ty = self.get(self.names.definition(id))?;
                self.enumeration(ty);
            }
            Kind::Typedef => {
                self.typedef(ty, place)?;
                if need == Need::Whole {
                    return self.need(target, need, place);
                }
            }
            Kind::Void | Kind::Func | Kind::Var | Kind::DataSec | Kind::DeclTag => {}
        }
        Ok(())
    }

    fn members(&mut self, ty: Type<'b>, place: Place) -> Result<(), CHeaderError> {
        if self.layouts.of(ty, 0) == Layout::Opaque {
            return Ok(());
        }
        ty.members().iter().try_for_each(|member| self.need(member.ty, Need::Whole, place))
    }

    fn define(&mut self, ty: Type<'b>, place: Place) -> Result<(), CHeaderError> {
        let id = ty.id();
        let state = self.state(id);
        if state.done {
            return Ok(());
        }
        if std::mem::replace(&mut state.begun, true) {
            return Err(CHeaderError::Cycle(id));
        }
        self.members(ty, Place { within: id, ..place })?;
        let text = self.composite(ty, 0, 0);
        self.out.push_str(&text);
        self.out.push_str(";\n\n");
        self.state(id).done = true;
        Ok(())
    }

    fn forward(&mut self, ty: Type<'b>, place: Place) {
        let id = ty.id();
        let state = self.state(id);
        if state.done || state.declared || id == place.within {
            return;
        }
        state.declared = true;
        let name = self.names.tagged(ty);
        self.out.push_str(&name);
        self.out.push_str(";\n\n");
    }

    fn enumeration(&mut self, ty: Type<'b>) {
        let state = self.state(ty.id());
        if std::mem::replace(&mut state.done, true) || self.names.definition(ty.id()) != ty.id() {
            return;
        }
        if ty.entries() == 0 {
            // Nothing else says how wide it is.
            return;
        }
        let text = self.enum_text(ty, 0);
        self.out.push_str(&text);
        self.out.push_str(";\n\n");
    }

    fn typedef(&mut self, ty: Type<'b>, place: Place) -> Result<(), CHeaderError> {
        let id = ty.id();
        let state = self.state(id);
        if state.done {
            return Ok(());
        }
        if std::mem::replace(&mut state.begun, true) {
            return Err(CHeaderError::Cycle(id));
        }
        let target = ty.target().unwrap_or_default();
        self.need(target, Need::Name, Place { within: TypeId::VOID, ..place })?;
        let name = self.names.ordinary(ty);
        // `bool` is a keyword from C23 on.
        let keyword = name == "bool";
        let text = self.declaration(target, name, 0, 0);
        if keyword {
            self.out.push_str("#if __STDC_VERSION__ < 202311L\n");
        }
        self.out.push_str("typedef ");
        self.out.push_str(&text);
        self.out.push_str(if keyword { ";\n#endif\n\n" } else { ";\n\n" });
        self.state(id).done = true;
        Ok(())
    }

    /// Compilers know most of them.
    fn base_type(&mut self, ty: Type<'b>) {
        if print::keyword_type(ty).is_some()
            || std::mem::replace(&mut self.state(ty.id()).done, true)
        {
            return;
        }
        let name = self.names.ordinary(ty);
        let (size, signed) =
            (ty.size().unwrap_or_default(), ty.int().is_some_and(|int| int.signed));
        let text = match print::type_of_size(size, signed) {
            Some(same) => format!("typedef {same} {name};\n\n"),
            None => format!("typedef struct {{ unsigned char bytes[{size}]; }} {name};\n\n"),
        };
        self.out.push_str(&text);
    }

    fn kfuncs(&mut self) -> Result<(), CHeaderError> {
        let kfuncs = self.names.kfuncs();
        if kfuncs.is_empty() {
            return Ok(());
        }
        let mut prototypes = String::new();
        for kfunc in kfuncs {
            let ty = self.get(kfunc.id)?;
            let prototype = ty.target().unwrap_or_default();
            self.need(prototype, Need::Name, Place::TOP)?;
            let text = self.declaration(prototype, names::identifier(ty.name()), 0, 0);
            let fast = if kfunc.fast { " __bpf_fastcall" } else { "" };
            prototypes.push_str(&format!("extern {text} __weak __ksym{fast};\n"));
        }
        self.out.push_str("#ifndef BPF_NO_KFUNC_PROTOTYPES\n");
        self.out.push_str(&prototypes);
        self.out.push_str("#endif\n\n");
        Ok(())
    }
}
