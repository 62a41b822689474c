//! Whether a type of the object is what a type of the kernel is, by three rules of different strictness.

use btf::{Btf, Kind, Type, TypeId, essential_name};

use super::{Budget, same_kind};
use crate::CoreProblem;

/// Types behind types, as in libbpf.
const DEEPEST: usize = 32;

fn resolve<'b>(btf: &'b Btf<'b>, id: TypeId) -> Result<Type<'b>, CoreProblem> {
    btf.resolve(id).ok_or(CoreProblem::Malformed)
}

/// Neither is an integer of the old form that is a bitfield.
fn whole_ints(a: Type<'_>, b: Type<'_>) -> bool {
    let whole = |ty: Type<'_>| ty.int().is_some_and(|int| int.bit_offset == 0);
    whole(a) && whole(b)
}

/// Whether members of these types can be read for each other: the rule of relocations of members
/// (`bpf_core_fields_are_compat`).
pub(super) fn fields_compatible(
    local: &Btf<'_>,
    mut local_id: TypeId,
    kernel: &Btf<'_>,
    mut kernel_id: TypeId,
) -> Result<bool, CoreProblem> {
    for _ in 0..DEEPEST {
        let (a, b) = (resolve(local, local_id)?, resolve(kernel, kernel_id)?);
        if a.kind().is_composite() && b.kind().is_composite() {
            return Ok(true);
        }
        if !same_kind(a.kind(), b.kind()) {
            return Ok(false);
        }
        match a.kind() {
            Kind::Ptr | Kind::Float => return Ok(true),
            Kind::Fwd | Kind::Enum | Kind::Enum64 => {
                let (a, b) = (essential_name(a.name()), essential_name(b.name()));
                return Ok(a.is_empty() || b.is_empty() || a == b);
            }
            Kind::Int => return Ok(whole_ints(a, b)),
            Kind::Array => match (a.array(), b.array()) {
                (Some(a), Some(b)) => (local_id, kernel_id) = (a.element, b.element),
                _ => return Ok(false),
            },
            _ => return Ok(false),
        }
    }
    Err(CoreProblem::TooDeep)
}

/// Whether the types are of the same make, names aside: the rule of relocations of types, of kernel functions and of
/// kernel variables (`bpf_core_types_are_compat`).
pub(crate) fn are_compatible(
    local: &Btf<'_>,
    local_id: TypeId,
    kernel: &Btf<'_>,
    kernel_id: TypeId,
    budget: &mut Budget,
) -> Result<bool, CoreProblem> {
    compatible(local, local_id, kernel, kernel_id, DEEPEST, budget)
}

fn compatible(
    local: &Btf<'_>,
    mut local_id: TypeId,
    kernel: &Btf<'_>,
    mut kernel_id: TypeId,
    level: usize,
    budget: &mut Budget,
) -> Result<bool, CoreProblem> {
    let kind = |btf: &Btf<'_>, id| btf.get(id).map(|ty| ty.kind()).ok_or(CoreProblem::Malformed);
    if !same_kind(kind(local, local_id)?, kind(kernel, kernel_id)?) {
        return Ok(false);
    }
    for _ in 0..DEEPEST {
        budget.spend()?;
        let (a, b) = (resolve(local, local_id)?, resolve(kernel, kernel_id)?);
        if !same_kind(a.kind(), b.kind()) {
            return Ok(false);
        }
        match a.kind() {
            Kind::Void | Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::Fwd => {
                return Ok(true);
            }
            Kind::Int => return Ok(whole_ints(a, b)),
            Kind::Ptr => {
                local_id = a.target().unwrap_or_default();
                kernel_id = b.target().unwrap_or_default();
            }
            Kind::Array => match (a.array(), b.array()) {
                (Some(a), Some(b)) => (local_id, kernel_id) = (a.element, b.element),
                _ => return Ok(false),
            },
            Kind::FuncProto => {
                if a.entries() != b.entries() {
                    return Ok(false);
                }
                let level = level.checked_sub(1).ok_or(CoreProblem::TooDeep)?;
                for (a, b) in a.params().iter().zip(b.params().iter()) {
                    let (a, b) = (resolve(local, a.ty)?.id(), resolve(kernel, b.ty)?.id());
                    if !compatible(local, a, kernel, b, level, budget)? {
                        return Ok(false);
                    }
                }
                local_id = resolve(local, a.target().unwrap_or_default())?.id();
                kernel_id = resolve(kernel, b.target().unwrap_or_default())?.id();
            }
            _ => return Ok(false),
        }
    }
    Err(CoreProblem::TooDeep)
}

/// Whether all that the type of the object says holds of the kernel's: the rule of `bpf_core_type_matches`.
pub(super) fn matches(
    local: &Btf<'_>,
    local_id: TypeId,
    kernel: &Btf<'_>,
    kernel_id: TypeId,
    budget: &mut Budget,
) -> Result<bool, CoreProblem> {
    let mut matcher = Matcher { local, kernel, budget };
    matcher.matches(local_id, kernel_id, false, DEEPEST)
}

struct Matcher<'m> {
    local: &'m Btf<'m>,
    kernel: &'m Btf<'m>,
    budget: &'m mut Budget,
}

impl Matcher<'_> {
    fn matches(
        &mut self,
        mut local_id: TypeId,
        mut kernel_id: TypeId,
        mut behind_pointer: bool,
        level: usize,
    ) -> Result<bool, CoreProblem> {
        if level == 0 {
            return Err(CoreProblem::TooDeep);
        }
        for _ in 0..DEEPEST {
            self.budget.spend()?;
            let (local, kernel) = (self.local, self.kernel);
            let (a, b) = (resolve(local, local_id)?, resolve(kernel, kernel_id)?);
            if !names_match(a.name(), b.name()) {
                return Ok(false);
            }
            let same = a.kind() == b.kind();
            match a.kind() {
                Kind::Void => return Ok(same),
                Kind::Fwd => {
                    let union = a.flag();
                    let fits = match b.kind() {
                        Kind::Fwd => union == b.flag(),
                        Kind::Struct => behind_pointer && !union,
                        Kind::Union => behind_pointer && union,
                        _ => false,
                    };
                    return Ok(fits);
                }
                Kind::Enum | Kind::Enum64 => {
                    return if b.kind().is_enum() { self.enums_match(a, b) } else { Ok(false) };
                }
                Kind::Struct | Kind::Union if behind_pointer => {
                    let forward = b.kind() == Kind::Fwd && b.flag() == (a.kind() == Kind::Union);
                    return Ok(same || forward);
                }
                _ if !same => return Ok(false),
                Kind::Struct | Kind::Union => {
                    return self.members_match(a, b, behind_pointer, level);
                }
                Kind::Int => {
                    let signed = |ty: Type<'_>| ty.int().is_some_and(|int| int.signed);
                    return Ok(a.size() == b.size() && signed(a) == signed(b));
                }
                Kind::Ptr => behind_pointer = true,
                Kind::Array => match (a.array(), b.array()) {
                    (Some(a), Some(b)) if a.length == b.length => {
                        (local_id, kernel_id) = (a.element, b.element);
                        continue;
                    }
                    _ => return Ok(false),
                },
                Kind::FuncProto => {
                    if a.entries() != b.entries() {
                        return Ok(false);
                    }
                    for (a, b) in a.params().iter().zip(b.params().iter()) {
                        if !self.matches(a.ty, b.ty, behind_pointer, level - 1)? {
                            return Ok(false);
                        }
                    }
                }
                _ => return Ok(false),
            }
            local_id = a.target().unwrap_or_default();
            kernel_id = b.target().unwrap_or_default();
        }
        Err(CoreProblem::TooDeep)
    }

    /// Each enumerator has one of the same name.
    fn enums_match(&mut self, a: Type<'_>, b: Type<'_>) -> Result<bool, CoreProblem> {
        if a.size() != b.size() || a.entries() > b.entries() {
            return Ok(false);
        }
        for one in a.enumerators().iter() {
            let mut found = false;
            for other in b.enumerators().iter() {
                self.budget.spend()?;
                found = names_match(one.name(), other.name());
                if found {
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Each member has one of the same name whose type matches.
    fn members_match(
        &mut self,
        a: Type<'_>,
        b: Type<'_>,
        behind_pointer: bool,
        level: usize,
    ) -> Result<bool, CoreProblem> {
        if a.entries() > b.entries() {
            return Ok(false);
        }
        for one in a.members().iter() {
            let mut found = false;
            for other in b.members().iter() {
                self.budget.spend()?;
                found = names_match(one.name(), other.name())
                    && self.matches(one.ty, other.ty, behind_pointer, level - 1)?;
                if found {
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn names_match(local: &str, kernel: &str) -> bool {
    essential_name(local) == essential_name(kernel)
}
