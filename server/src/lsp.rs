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

#[cfg(test)]
mod tests;

use std::io::{self, BufRead, BufReader, Write};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::runtime::Builder;
use tower_lsp::LspService;

use backend::Backend;
use checks::{Engine, QuickEngine};

/// Stack of a working thread, in bytes. Deeply nested text needs more than the usual 2 MiB.
const STACK: usize = 8 * 1024 * 1024;

/// Serves a client on standard input and output. The result is the code that the protocol wants: success
/// only after `shutdown`.
pub fn serve() -> io::Result<ExitCode> {
    serve_on(BufReader::new(io::stdin()), io::stdout(), Arc::new(QuickEngine))
}

/// Serves a client on these streams; programs are verified and run by `engine`.
fn serve_on(
    input: impl BufRead + Send + 'static,
    output: impl Write + Send + 'static,
    engine: Arc<dyn Engine>,
) -> io::Result<ExitCode> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(STACK)
        .enable_time()
        .build()?;
    let code = runtime.block_on(async {
        let (service, socket) = LspService::build(|client| Backend::new(client, engine))
            .custom_method("window/workDoneProgress/cancel", Backend::cancel_progress)
            .custom_method("$/setTrace", Backend::set_trace)
            .custom_method("bpf-analyzer/report", Backend::last_report)
            .finish();
        transport::serve(service, socket, input, output).await
    });
    // What is still being computed is of use to nobody.
    runtime.shutdown_background();
    Ok(code)
}
