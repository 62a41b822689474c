//! How much stack chains of calls need (`check_max_stack_depth`).

use isa::Pc;

use super::facts;
use super::raw::{self, Call};
use crate::cx::{Check, Cx, reject};

/// The size of a stack (`MAX_BPF_STACK`).
const MAX_STACK: u32 = 512;
/// As many frames as there may be (`MAX_CALL_FRAMES`).
const MAX_FRAMES: usize = 8;
/// Functions with less stack get no stack of their own (`BPF_PRIV_STACK_MIN_SIZE`).
const PRIVATE_STACK_MIN: u32 = 64;
/// The stack of the callers of a function that makes tail calls.
const MAX_STACK_BEFORE_TAIL_CALL: u32 = 256;

/// Where a function's stack is (`enum priv_stack_mode`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Unknown,
    Shared,
    Private,
}

/// No path of calls needs more stack than there is; after everything was followed.
///
/// Spills that are patched away need none (`remove_fastcall_spills_fills`, which comes before); calls of `bpf_loop` and
/// `may_goto` that are patched in need some more, which is not checked (`optimize_bpf_loop`, `do_misc_fixups`).
pub(crate) fn check_stack_depth(cx: &mut Cx<'_>) -> Check {
    remove_fastcall_spills(cx);
    let tail_calls = cx.subprogs.iter().any(|subprog| subprog.has_tail_call);
    let private = !tail_calls && may_have_private_stacks(cx) && !cx.program.lacks("private_stack");
    let mut places = vec![Place::Unknown; cx.subprogs.len()];
    for index in (0..cx.subprogs.len()).rev() {
        if index == 0 || cx.subprogs[index].is_async_cb {
            let mut descent = Descent::new(index == 0 && private, &mut places);
            if let Err(stop) = descent.run(cx, index) {
                let calls = descent.callers.iter().map(|&(_, next)| Pc::from_index(next - 1));
                cx.blamed = calls.collect();
                if cx.blamed.is_empty() {
                    cx.pc = cx.subprogs[index].start;
                }
                return Err(stop);
            }
        }
    }
    add_patched_in(cx);
    Ok(())
}

fn remove_fastcall_spills(cx: &mut Cx<'_>) {
    for subprog in &mut cx.subprogs {
        let calls = cx.aux.get(subprog.start.index()..subprog.end.index()).unwrap_or_default();
        if !subprog.keep_fastcall_stack && calls.iter().any(|aux| aux.fastcall_spills > 0) {
            subprog.stack_depth = subprog.fastcall_stack_off.unsigned_abs();
        }
    }
}

/// Functions of such programs may get stacks of their own (`bpf_enable_priv_stack`, on x86-64).
fn may_have_private_stacks(cx: &Cx<'_>) -> bool {
    if cx.program.is_extension {
        return false;
    }
    match cx.program.type_name() {
        "kprobe" | "tracepoint" | "perf_event" | "raw_tracepoint" => true,
        "tracing" => cx.program.attach != Some(kernel_model::AttachType::TraceIter),
        _ => false,
    }
}

struct Descent<'p> {
    private: bool,
    places: &'p mut Vec<Place>,
    depth: u32,
    /// The callers, each with where it goes on.
    callers: Vec<(usize, usize)>,
    reaches_tail_call: bool,
    /// The situations in which each function was found to be fine, so that many calls of it are not followed again.
    entered: Vec<Vec<Situation>>,
}

/// How a function is called.
#[derive(Clone, Copy, Debug)]
struct Situation {
    depth: u32,
    callers: usize,
    in_callback: bool,
}

impl Situation {
    /// What is fine here is fine there.
    fn covers(self, other: Self) -> bool {
        self.depth >= other.depth
            && self.callers >= other.callers
            && self.in_callback >= other.in_callback
    }
}

impl<'p> Descent<'p> {
    fn new(private: bool, places: &'p mut Vec<Place>) -> Self {
        let entered = vec![Vec::new(); places.len()];
        Self { private, places, depth: 0, callers: Vec::new(), reaches_tail_call: false, entered }
    }

    /// `check_max_stack_depth_subprog`
    fn run(&mut self, cx: &mut Cx<'_>, root: usize) -> Check {
        let mut subprog = root;
        self.enter(cx, subprog)?;
        let mut at = cx.subprogs[subprog].start.index();
        loop {
            if let Some((insn, callee)) = self.next_call(cx, subprog, at)? {
                self.callers.push((subprog, insn + 1));
                if cx.subprogs[callee].has_tail_call {
                    self.reaches_tail_call = true;
                }
                if self.callers.len() >= MAX_FRAMES {
                    let frames = self.callers.len();
                    reject!(E2BIG, "the call stack of {frames} frames is too deep !");
                }
                if self.is_known(cx, callee) {
                    self.mark_tail_calls(cx)?;
                    self.callers.pop();
                    at = insn + 1;
                    continue;
                }
                subprog = callee;
                self.enter(cx, subprog)?;
                at = cx.subprogs[subprog].start.index();
                continue;
            }
            self.mark_tail_calls(cx)?;
            let Some((caller, next)) = self.callers.pop() else { return Ok(()) };
            if self.places[subprog] != Place::Private {
                self.depth = self.depth.saturating_sub(rounded(cx.subprogs[subprog].stack_depth));
            }
            (subprog, at) = (caller, next);
        }
    }

    /// The function was found to be fine when more was against it; otherwise this is noted, because what is not fine
    /// ends the descent.
    fn is_known(&mut self, cx: &Cx<'_>, callee: usize) -> bool {
        let situation = Situation {
            depth: self.depth,
            callers: self.callers.len(),
            in_callback: self.callers.iter().any(|(caller, _)| cx.subprogs[*caller].is_cb),
        };
        let entered = &mut self.entered[callee];
        if entered.iter().any(|before| before.covers(situation)) {
            return true;
        }
        entered.retain(|before| !situation.covers(*before));
        entered.push(situation);
        false
    }

    /// The function gets its stack.
    fn enter(&mut self, cx: &Cx<'_>, index: usize) -> Check {
        let subprog = &cx.subprogs[index];
        if !self.private {
            self.places[index] = Place::Shared;
        }
        if index != 0 && subprog.has_tail_call && self.depth >= MAX_STACK_BEFORE_TAIL_CALL {
            reject!(
                EACCES,
                "tail_calls are not allowed when call stack of previous frames is {} bytes. Too large",
                self.depth
            );
        }
        let need = rounded(subprog.stack_depth);
        if self.private && self.places[index] == Place::Unknown && need >= PRIVATE_STACK_MIN {
            self.places[index] = Place::Private;
        }
        if self.places[index] == Place::Private {
            if need > MAX_STACK {
                reject!(EACCES, "stack size of subprog {index} is {need}. Too large");
            }
            return Ok(());
        }
        self.depth += need;
        if self.depth > MAX_STACK {
            let calls = self.callers.len() + 1;
            reject!(EACCES, "combined stack size of {calls} calls is {}. Too large", self.depth);
        }
        Ok(())
    }

    /// The next call of a function of the program, from this instruction on.
    fn next_call(&self, cx: &Cx<'_>, index: usize, from: usize) -> Check<Option<(usize, usize)>> {
        for at in from..cx.subprogs[index].end.index() {
            let insn = cx.program.raw[at];
            let call = raw::call(insn);
            if matches!(call, Some(Call::Kfunc(_))) && insn.off == 0 {
                self.check_throw(cx, index, at)?;
                continue;
            }
            let is_call = call == Some(Call::Subprog);
            if !is_call && !raw::loads_function(insn) {
                continue;
            }
            let target = i64::try_from(at).unwrap_or(i64::MAX) + i64::from(insn.imm) + 1;
            let callee = u32::try_from(target).ok().and_then(|pc| super::subprog_at(cx, Pc(pc)));
            let Some(callee) = callee.map(|callee| callee as usize) else {
                return cx.unsupported(format!("a call of no function at {at}"));
            };
            if cx.subprogs[callee].is_async_cb {
                if cx.subprogs[callee].has_tail_call {
                    return cx.unsupported("a tail call in an asynchronous callback");
                }
                // It runs on a stack of its own, unless it is called.
                if !is_call {
                    continue;
                }
                if cx.subprogs[callee].is_exception_cb {
                    reject!(EINVAL, "insn {at} cannot call exception cb directly");
                }
            }
            return Ok(Some((at, callee)));
        }
        Ok(None)
    }

    /// Exceptions cannot be thrown through the kernel.
    fn check_throw(&self, cx: &Cx<'_>, index: usize, at: usize) -> Check {
        if facts::kfunc_name(cx.program, cx.program.raw[at]) != Some("bpf_throw") {
            return Ok(());
        }
        let callers = self.callers.iter().map(|(caller, _)| *caller);
        if callers.chain([index]).any(|index| cx.subprogs[index].is_cb) {
            reject!(
                EINVAL,
                "bpf_throw kfunc (insn {at}) cannot be called from callback subprog {index}"
            );
        }
        Ok(())
    }

    fn mark_tail_calls(&self, cx: &mut Cx<'_>) -> Check {
        if !self.reaches_tail_call {
            return Ok(());
        }
        for (caller, _) in &self.callers {
            if cx.subprogs[*caller].is_exception_cb {
                reject!(EINVAL, "cannot tail call within exception cb");
            }
            cx.subprogs[*caller].tail_call_reachable = true;
        }
        Ok(())
    }
}

/// What the JIT gives (`round_up_stack_depth`).
fn rounded(depth: u32) -> u32 {
    depth.next_multiple_of(16)
}

/// What is patched into functions keeps its own values on their stacks.
fn add_patched_in(cx: &mut Cx<'_>) {
    for subprog in &mut cx.subprogs {
        let insns = subprog.start.index()..subprog.end.index();
        let patched = cx.aux.get(insns.clone()).unwrap_or_default();
        let loops = patched.iter().any(|aux| aux.call.inline_loop.is_some_and(|(fits, _)| fits));
        if loops {
            subprog.stack_depth = subprog.stack_depth.next_multiple_of(8) + 24;
        }
        let may_goto = insns.clone().any(|at| {
            cx.aux[at].seen && cx.program.raw.get(at).is_some_and(|insn| raw::is_may_goto(*insn))
        });
        if may_goto {
            subprog.stack_depth += 16;
        }
    }
}
