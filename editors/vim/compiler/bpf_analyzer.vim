" Vim compiler file
" Compiler: bpf-analyzer, all BPF C below the current directory

if exists('current_compiler')
    finish
endif
let current_compiler = 'bpf_analyzer'

let s:executable = get(g:, 'ale_c_bpf_analyzer_executable', 'bpf-analyzer')
execute 'CompilerSet makeprg=' . escape(shellescape(s:executable), ' \"|')
\   . '\ check\ --format\ concise\ --color\ never\ $*'
CompilerSet errorformat=%f:%l:%c:\ %t%*[^[][%*[^]]]\ %m,%-G%.%#
