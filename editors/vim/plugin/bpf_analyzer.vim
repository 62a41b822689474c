" The page of a rule, for the finding in the current line or by name.

if exists('g:loaded_bpf_analyzer')
    finish
endif
let g:loaded_bpf_analyzer = 1

function! s:RuleInLine() abort
    for l:item in get(get(g:, 'ale_buffer_info', {}), bufnr(''), {'loclist': []}).loclist
        if l:item.lnum == line('.') && l:item.linter_name is# 'bpf_analyzer'
            return get(l:item, 'code', '')
        endif
    endfor

    return ''
endfunction

function! s:Complain(message) abort
    echohl ErrorMsg
    echomsg 'bpf-analyzer: ' . a:message
    echohl None
endfunction

function! s:Explain(rule) abort
    let l:executable = get(g:, 'ale_c_bpf_analyzer_executable', 'bpf-analyzer')
    let l:rule = empty(a:rule) ? s:RuleInLine() : a:rule

    if empty(l:rule)
        return s:Complain('there is no finding in this line')
    endif

    if !executable(l:executable)
        return s:Complain('`' . l:executable . '` is not in your PATH; see :help bpf-analyzer-server')
    endif

    let l:page = systemlist(shellescape(l:executable) . ' explain ' . shellescape(l:rule))

    if v:shell_error
        return s:Complain(substitute(get(l:page, 0, ''), '^error: ', '', ''))
    endif

    new
    setlocal buftype=nofile bufhidden=wipe noswapfile
    call setline(1, l:page)
    setlocal nomodifiable filetype=markdown
    nnoremap <buffer> <silent> <nowait> q :close<CR>
endfunction

command! -nargs=? BpfAnalyzerExplain call s:Explain(<q-args>)
