//! Accesses: from `0:1:2` and a type to members, and the same members in another type.

use btf::{Btf, Kind, TypeId, essential_name};

use super::compat::{are_compatible, fields_compatible, matches};
use super::{Budget, CoreKind};
use crate::CoreProblem;

/// Longest access, as in libbpf.
const LONGEST: usize = 64;

/// An access to a type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Access {
    pub(super) kind: CoreKind,
    pub(super) root: TypeId,
    /// The steps that have a meaning: members with names, and elements of arrays. For enumerators, the one step is the
    /// enumerator.
    pub(super) steps: Vec<Step>,
    /// The place of what is accessed, from the beginning.
    pub(super) bit_offset: u64,
    /// How many steps there are with those through anonymous structures.
    depth: usize,
}

/// A step of an access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Step {
    /// The structure, the element, or the enumeration.
    pub(super) ty: TypeId,
    /// The member, element or enumerator.
    pub(super) index: u32,
    /// Whether it is a member with a name.
    pub(super) named: bool,
}

impl Access {
    fn new(kind: CoreKind, root: TypeId) -> Self {
        Access { kind, root, steps: Vec::new(), bit_offset: 0, depth: 0 }
    }

    fn push(&mut self, ty: TypeId, index: u32, named: bool) {
        self.steps.push(Step { ty, index, named });
    }

    fn advance(&mut self, bits: u64) -> Result<(), CoreProblem> {
        self.bit_offset = self.bit_offset.checked_add(bits).ok_or(CoreProblem::Malformed)?;
        Ok(())
    }

    fn deepen(&mut self) -> Result<(), CoreProblem> {
        self.depth += 1;
        if self.depth > LONGEST { Err(CoreProblem::TooDeep) } else { Ok(()) }
    }
}

/// Reads the access string `text` of a type of the object (`bpf_core_parse_spec`).
pub(super) fn parse(
    btf: &Btf<'_>,
    kind: CoreKind,
    root: TypeId,
    text: &str,
) -> Result<Access, CoreProblem> {
    let wrong = || CoreProblem::Access(text.to_owned());
    let mut access = Access::new(kind, root);
    if kind.is_type() {
        return if text == "0" { Ok(access) } else { Err(wrong()) };
    }
    let mut indices = text.split(':').map(|index| index.parse::<u32>().map_err(|_| wrong()));
    let first = indices.next().ok_or_else(wrong)??;
    let ty = btf.resolve(root).ok_or(CoreProblem::Malformed)?;
    access.push(ty.id(), first, false);
    if kind.is_enumerator() {
        let exists = ty.kind().is_enum() && first < u32::from(ty.entries());
        return if exists && indices.next().is_none() { Ok(access) } else { Err(wrong()) };
    }
    access.advance(elements(btf, ty.id(), first)?)?;
    let mut at = ty.id();
    for index in indices {
        let index = index?;
        access.deepen()?;
        let ty = btf.resolve(at).ok_or(CoreProblem::Malformed)?;
        match ty.kind() {
            Kind::Struct | Kind::Union => {
                let member = ty.members().get(index as usize).ok_or_else(wrong)?;
                access.advance(u64::from(member.bit_offset))?;
                if !member.is_anonymous() {
                    access.push(ty.id(), index, true);
                }
                at = member.ty;
            }
            Kind::Array => {
                let array = ty.array().ok_or_else(wrong)?;
                let element = btf.resolve(array.element).ok_or(CoreProblem::Malformed)?;
                if index >= array.length && !is_flexible(btf, access.steps.last(), array.length) {
                    return Err(wrong());
                }
                access.push(element.id(), index, false);
                access.advance(elements(btf, element.id(), index)?)?;
                at = element.id();
            }
            _ => return Err(wrong()),
        }
    }
    Ok(access)
}

/// Finds the same access in a type of the kernel (`bpf_core_spec_match`). `None` if there is none.
pub(super) fn follow(
    local: &Btf<'_>,
    access: &Access,
    kernel: &Btf<'_>,
    root: TypeId,
    budget: &mut Budget,
) -> Result<Option<Access>, CoreProblem> {
    let mut found = Access::new(access.kind, root);
    if access.kind == CoreKind::TypeMatches {
        let same = matches(local, access.root, kernel, root, budget)?;
        return Ok(same.then_some(found));
    }
    if access.kind.is_type() {
        let same = are_compatible(local, access.root, kernel, root, budget)?;
        return Ok(same.then_some(found));
    }
    if access.kind.is_enumerator() {
        let step = access.steps.first().and_then(|step| enumerator(local, *step, kernel, root));
        return Ok(step.map(|step| {
            found.steps.push(step);
            found
        }));
    }
    let mut at = root;
    for (position, step) in access.steps.iter().enumerate() {
        let ty = kernel.resolve(at).ok_or(CoreProblem::Malformed)?;
        at = ty.id();
        if step.named {
            match member(local, *step, kernel, at, &mut found, budget)? {
                Some(next) => at = next,
                None => return Ok(None),
            }
            continue;
        }
        if position > 0 {
            let Some(array) = ty.array() else { return Ok(None) };
            let flexible = is_flexible(kernel, found.steps.last(), array.length);
            if step.index >= array.length && !flexible {
                return Ok(None);
            }
            at = kernel.resolve(array.element).ok_or(CoreProblem::Malformed)?.id();
        }
        found.deepen()?;
        found.push(at, step.index, false);
        found.advance(elements(kernel, at, step.index)?)?;
    }
    Ok(Some(found))
}

/// The enumerator of the same name, flavours aside.
fn enumerator(local: &Btf<'_>, step: Step, kernel: &Btf<'_>, root: TypeId) -> Option<Step> {
    let name = local.get(step.ty)?.enumerators().get(step.index as usize)?.name();
    let ty = kernel.resolve(root).filter(|ty| ty.kind().is_enum())?;
    let same = |other: &str| essential_name(other) == essential_name(name);
    let index = ty.enumerators().iter().position(|one| same(one.name()))?;
    Some(Step { ty: ty.id(), index: u32::try_from(index).ok()?, named: false })
}

/// Looks for a member by its name, also in anonymous structures and unions, and goes there. The result is its type.
fn member(
    local: &Btf<'_>,
    step: Step,
    kernel: &Btf<'_>,
    root: TypeId,
    found: &mut Access,
    budget: &mut Budget,
) -> Result<Option<TypeId>, CoreProblem> {
    let wanted = local.get(step.ty).and_then(|ty| ty.members().get(step.index as usize));
    let wanted = wanted.ok_or(CoreProblem::Malformed)?;
    let name = wanted.name();
    let ty = kernel.resolve(root).ok_or(CoreProblem::Malformed)?;
    if !ty.kind().is_composite() {
        return Ok(None);
    }
    for (index, member) in (0u32..).zip(ty.members().iter()) {
        budget.spend()?;
        let anonymous = member.is_anonymous();
        if !anonymous && !member.is_named(name) {
            continue;
        }
        found.deepen()?;
        let before = found.bit_offset;
        found.advance(u64::from(member.bit_offset))?;
        if !anonymous {
            // The first member of the name decides.
            let fits = fields_compatible(local, wanted.ty, kernel, member.ty)?;
            if fits {
                found.push(ty.id(), index, true);
            }
            return Ok(fits.then_some(member.ty));
        }
        if let Some(ty) = self::member(local, step, kernel, member.ty, found, budget)? {
            return Ok(Some(ty));
        }
        found.bit_offset = before;
        found.depth -= 1;
    }
    Ok(None)
}

/// An array without length at the end of a structure has as many elements as one asks for.
fn is_flexible(btf: &Btf<'_>, last: Option<&Step>, length: u32) -> bool {
    let Some(step) = last.filter(|step| step.named && length == 0) else { return false };
    btf.get(step.ty).is_some_and(|ty| u32::from(ty.entries()) == step.index + 1)
}

/// How many bits `count` elements of a type take.
fn elements(btf: &Btf<'_>, ty: TypeId, count: u32) -> Result<u64, CoreProblem> {
    let size = btf.size_of(ty).map_err(|_| CoreProblem::Malformed)?;
    (size * 8).checked_mul(count.into()).ok_or(CoreProblem::Malformed)
}
