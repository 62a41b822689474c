" Findings, hover, explanation, a code action, restart and stop.
source <sfile>:h/case.vim

function! Case()
    execute 'edit' $CASE_FILE
    call WaitForFindings(['15 missing-write-back'])
    let l:item = ale#engine#GetLoclist(bufnr(''))[0]
    call Equal([2, 'E', 'bpf_analyzer'], [l:item.col, l:item.type, l:item.linter_name], 'finding')
    call Contains(l:item.text, 'the 16 bytes written through `bytes` are lost', 'message')

    let g:ale_hover_to_preview = 1
    call cursor(12, 16)
    ALEHover
    call Wait('hover', {-> winnr('$') == 2})
    wincmd P
    call Contains(join(getline(1, '$'), "\n"), 'Gives a writable pointer', 'hover')
    pclose

    call cursor(15, 3)
    BpfAnalyzerExplain
    call Equal('# missing-write-back', substitute(getline(1), '^\(# \)\?', '# ', ''), 'page')
    normal q
    call Equal(1, winnr('$'), 'windows')

    call cursor(15, 3)
    call Answer("1\<CR>")
    ALECodeAction
    call Wait('the edit', {-> line('$') == len(readfile($CASE_EXPECTED))})
    call Equal(readfile($CASE_EXPECTED), getline(1, '$'), 'text')
    " ALE waits for events that a script does not make.
    ALELint
    call WaitForFindings([])

    ALEStopAllLSPs
    silent undo
    " ALE takes the end of the old server for that of the new one if it comes later.
    sleep 500m
    ALELint
    call WaitForFindings(['15 missing-write-back'])
endfunction
