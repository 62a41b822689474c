//! The language server. Messages come in through `transport`, requests are answered by `backend`, and all
//! state belongs to the one task in `owner`.

mod actions;
mod analysis;
mod backend;
mod capabilities;
mod checks;
mod client;
mod convert;
mod document;
mod features;
mod open;
mod owner;
mod progress;
mod settings;
mod transport;
mod workspace;

use std::io;
use std::process::ExitCode;

use tokio::runtime::Builder;
use tower_lsp::LspService;

use backend::Backend;

/// Stack of a working thread, in bytes. Deeply nested text needs more than the usual 2 MiB.
const STACK: usize = 8 * 1024 * 1024;

/// Serves a client on standard input and output. The result is the code that the protocol wants: success
/// only after `shutdown`.
pub fn serve() -> io::Result<ExitCode> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(STACK)
        .enable_time()
        .build()?;
    let code = runtime.block_on(async {
        let (service, socket) = LspService::build(Backend::new)
            .custom_method("window/workDoneProgress/cancel", Backend::cancel_progress)
            .custom_method("$/setTrace", Backend::set_trace)
            .custom_method("bpf-analyzer/report", Backend::last_report)
            .finish();
        transport::serve(service, socket).await
    });
    // What is still being computed is of use to nobody.
    runtime.shutdown_background();
    Ok(code)
}
