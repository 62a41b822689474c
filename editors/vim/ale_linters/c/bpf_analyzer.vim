" Description: bpf-analyzer, a language server for BPF C

call ale#Set('c_bpf_analyzer_executable', 'bpf-analyzer')
call ale#Set('c_bpf_analyzer_settings', {})

" ALE starts no server without a project: the nearest configuration, else what ALE takes for C, else the
" directory of the file.
function! ale_linters#c#bpf_analyzer#GetProjectRoot(buffer) abort
    let l:config = ale#path#FindNearestFile(a:buffer, 'bpf-analyzer.toml')

    if !empty(l:config)
        return fnamemodify(l:config, ':h')
    endif

    let l:root = ale#c#FindProjectRoot(a:buffer)

    return empty(l:root) ? expand('#' . a:buffer . ':p:h') : l:root
endfunction

call ale#linter#Define('c', {
\   'name': 'bpf_analyzer',
\   'aliases': ['bpf-analyzer'],
\   'lsp': 'stdio',
\   'executable': {b -> ale#Var(b, 'c_bpf_analyzer_executable')},
\   'command': '%e lsp',
\   'project_root': function('ale_linters#c#bpf_analyzer#GetProjectRoot'),
\   'initialization_options': {b -> ale#Var(b, 'c_bpf_analyzer_settings')},
\})
