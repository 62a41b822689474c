//! What is asked of calls after everything was followed (`do_misc_fixups`).

use isa::{Callee, Insn};

use super::helper::TAIL_CALL;
use crate::cx::{Check, Cx, reject};

/// Calls that were reached can be made.
pub(crate) fn check(cx: &mut Cx<'_>) -> Check {
    let guesses = !cx.program.bypasses_spec_v1();
    for (pc, insn) in cx.program.code.iter() {
        let Some(aux) = cx.aux.get(pc.index()).filter(|aux| aux.seen) else { continue };
        match insn {
            // A weak kfunc that does not exist (`fixup_kfunc_call`).
            Insn::Call(Callee::Kfunc { id, .. }) if id.0 == 0 => {
                cx.pc = pc;
                reject!(EINVAL, "invalid kernel function call not eliminated in verifier pass");
            }
            // Which array it goes through depends on the path, and processors may guess the path.
            Insn::Call(Callee::Helper(id))
                if id.0 == TAIL_CALL && guesses && aux.map == Some(None) =>
            {
                cx.pc = pc;
                reject!(EINVAL, "tail_call abusing map_ptr");
            }
            _ => {}
        }
    }
    Ok(())
}
