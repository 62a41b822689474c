//! CO-RE: instructions that depend on types of the kernel.
//!
//! A relocation names a type of the object and an access to it. The types of the kernel with the same name, flavours
//! (`___x`) aside, are candidates. The access is followed in each by the names of members ([`access`]), types are
//! compared as loosely as the kind of the relocation wants ([`compat`]), the answer is a number ([`value`]), and it is
//! put into the instruction ([`patch`]). All candidates must agree. Without any, questions about existence are answered
//! with no, and other instructions are replaced by a call of helper `0xbad2310`, which is no error unless it is reached.
//! This follows `tools/lib/bpf/relo_core.c` (v6.18).

mod access;
mod compat;
mod patch;
mod value;

use btf::{Btf, Kind, TypeId, essential_name};
use rustc_hash::FxHashMap;

use crate::btf_ext::CoreRelocation;
use crate::{CoreProblem, Problem};

pub(crate) use compat::are_compatible;
pub(crate) use patch::patch;

/// Work per relocation: members and types looked at. Real ones need some hundreds.
const BUDGET: u32 = 1 << 18;
/// As many relocations share this much more, so that an object cannot have all of them use their budget.
const TOTAL: u64 = 1 << 26;

/// What a relocation asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CoreKind {
    FieldOffset,
    FieldSize,
    FieldExists,
    FieldSigned,
    FieldLeftShift,
    FieldRightShift,
    TypeIdLocal,
    TypeIdTarget,
    TypeExists,
    TypeSize,
    EnumeratorExists,
    EnumeratorValue,
    TypeMatches,
}

impl CoreKind {
    /// In the order of `enum bpf_core_relo_kind`, with libbpf's words for them.
    const ALL: [(CoreKind, &'static str); 13] = [
        (CoreKind::FieldOffset, "byte_off"),
        (CoreKind::FieldSize, "byte_sz"),
        (CoreKind::FieldExists, "field_exists"),
        (CoreKind::FieldSigned, "signed"),
        (CoreKind::FieldLeftShift, "lshift_u64"),
        (CoreKind::FieldRightShift, "rshift_u64"),
        (CoreKind::TypeIdLocal, "local_type_id"),
        (CoreKind::TypeIdTarget, "target_type_id"),
        (CoreKind::TypeExists, "type_exists"),
        (CoreKind::TypeSize, "type_size"),
        (CoreKind::EnumeratorExists, "enumval_exists"),
        (CoreKind::EnumeratorValue, "enumval_value"),
        (CoreKind::TypeMatches, "type_matches"),
    ];

    fn is_type(self) -> bool {
        matches!(
            self,
            CoreKind::TypeIdLocal
                | CoreKind::TypeIdTarget
                | CoreKind::TypeExists
                | CoreKind::TypeSize
                | CoreKind::TypeMatches
        )
    }

    fn is_enumerator(self) -> bool {
        matches!(self, CoreKind::EnumeratorExists | CoreKind::EnumeratorValue)
    }
}

/// What becomes of an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Outcome {
    /// The instruction cannot be made right.
    pub(crate) poison: bool,
    /// The instruction must hold `old` before; bitfields and type numbers are left unchecked.
    pub(crate) check: bool,
    pub(crate) old: u64,
    pub(crate) new: u64,
    /// Sizes of the member in bytes, if it is read as a whole; 0 if not.
    pub(crate) old_size: u32,
    pub(crate) new_size: u32,
    /// A load or store of the old size cannot become one of the new size.
    pub(crate) resize_fails: bool,
}

/// Resolves relocations of one object against one kernel.
pub(crate) struct Resolver<'k> {
    local: &'k Btf<'k>,
    kernel: &'k Btf<'k>,
    candidates: FxHashMap<TypeId, Vec<TypeId>>,
    left: u64,
}

/// Work that may still be done for a relocation.
pub(crate) struct Budget(u32);

impl Budget {
    pub(crate) fn new() -> Self {
        Budget(BUDGET)
    }

    fn spend(&mut self) -> Result<(), CoreProblem> {
        self.0 = self.0.checked_sub(1).ok_or(CoreProblem::TooDeep)?;
        Ok(())
    }
}

impl<'k> Resolver<'k> {
    pub(crate) fn new(local: &'k Btf<'k>, kernel: &'k Btf<'k>) -> Self {
        Resolver { local, kernel, candidates: FxHashMap::default(), left: TOTAL }
    }

    /// What becomes of the instruction that `relocation`, number `index` of its section, is about.
    pub(crate) fn resolve(
        &mut self,
        index: usize,
        relocation: &CoreRelocation,
    ) -> Result<Outcome, Problem> {
        let problem = |problem| self.problem(index, relocation, problem);
        let &(kind, _) = CoreKind::ALL
            .get(relocation.kind as usize)
            .ok_or_else(|| problem(CoreProblem::Kind))?;
        let access = self.local.string(relocation.access);
        let granted = BUDGET.min(u32::try_from(self.left).unwrap_or(BUDGET));
        let mut budget = Budget(granted);
        let outcome = self.outcome(kind, relocation.ty, access, &mut budget);
        self.left -= u64::from(granted - budget.0);
        outcome.map_err(|problem| self.problem(index, relocation, problem))
    }

    /// Says which relocation has a problem.
    pub(crate) fn problem(
        &self,
        index: usize,
        relocation: &CoreRelocation,
        problem: CoreProblem,
    ) -> Problem {
        let kind = CoreKind::ALL.get(relocation.kind as usize).map_or("unknown", |kind| kind.1);
        let root = self.local.get(relocation.ty).map_or("", |ty| ty.name()).to_owned();
        Problem::Core { index, kind, root, problem }
    }

    fn outcome(
        &mut self,
        kind: CoreKind,
        root: TypeId,
        access: &str,
        budget: &mut Budget,
    ) -> Result<Outcome, CoreProblem> {
        let (local, kernel) = (self.local, self.kernel);
        let root_ty = local.get(root).ok_or(CoreProblem::Malformed)?;
        let spec = access::parse(local, kind, root, access)?;
        if kind == CoreKind::TypeIdLocal {
            let id = u64::from(root.0);
            return Ok(Outcome { old: id, new: id, check: false, ..Outcome::none() });
        }
        if root_ty.name().is_empty() {
            return Err(CoreProblem::Anonymous);
        }
        let candidates = self.candidates.entry(root).or_insert_with(|| {
            let essential = essential_name(root_ty.name());
            kernel
                .find_essential(essential)
                .filter(|ty| same_kind(ty.kind(), root_ty.kind()))
                .map(|ty| ty.id())
                .collect()
        });
        let mut agreed: Option<(Outcome, u64)> = None;
        let mut matching = Vec::new();
        for &candidate in candidates.iter() {
            budget.spend()?;
            let Some(target) = access::follow(local, &spec, kernel, candidate, budget)? else {
                continue;
            };
            let outcome = value::outcome(local, &spec, Some((kernel, &target)))?;
            match agreed {
                None => agreed = Some((outcome, target.bit_offset)),
                Some((_, bits)) if bits != target.bit_offset => {
                    return Err(CoreProblem::Ambiguous(bits, target.bit_offset));
                }
                Some((first, _)) if (first.poison, first.new) != (outcome.poison, outcome.new) => {
                    return Err(CoreProblem::Ambiguous(first.new, outcome.new));
                }
                Some(_) => {}
            }
            matching.push(candidate);
        }
        match agreed {
            Some((outcome, _)) => {
                // What did not match once is not asked again.
                *candidates = matching;
                Ok(outcome)
            }
            None => value::outcome(local, &spec, None),
        }
    }
}

impl Outcome {
    fn none() -> Self {
        Outcome {
            poison: false,
            check: true,
            old: 0,
            new: 0,
            old_size: 0,
            new_size: 0,
            resize_fails: false,
        }
    }
}

/// Kinds that can stand for each other: equal ones, and enumerations of any width.
fn same_kind(a: Kind, b: Kind) -> bool {
    a == b || a.is_enum() && b.is_enum()
}
