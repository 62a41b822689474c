" Settings, a missing server, and the whole project by `:make`.
source <sfile>:h/case.vim

function! Case()
    let g:ale_c_bpf_analyzer_executable = 'no-such-bpf-analyzer'
    execute 'edit' $CASE_FILE
    BpfAnalyzerExplain missing-write-back
    call Contains(execute('messages'), '`no-such-bpf-analyzer` is not in your PATH', 'message')
    call ale#Queue(0)
    call Wait('the attempt', {-> execute('ALEInfo') =~# 'no-such-bpf-analyzer'})
    call Contains(execute('ALEInfo'), '(executable check - failure) no-such-bpf-analyzer', 'information')

    let g:ale_c_bpf_analyzer_executable = 'bpf-analyzer'
    let g:ale_c_bpf_analyzer_settings = {'severity': {'missing-write-back': 'warning'}}
    ALELint
    call WaitForFindings(['15 missing-write-back'])
    call Equal('W', ale#engine#GetLoclist(bufnr(''))[0].type, 'severity')

    execute 'cd' fnamemodify($CASE_FILE, ':h')
    compiler bpf_analyzer
    silent make!
    let l:list = map(getqflist(), {_, item -> bufname(item.bufnr) . ':' . item.lnum . ' ' . item.type})
    call Equal(['lost.bpf.c:15 e'], l:list, 'quickfix list')
    call Contains(getqflist()[0].text, 'the 16 bytes written', 'quickfix list')

    execute 'helptags' $CASE_PLUGIN . '/doc'
    help bpf-analyzer-server
    call Equal('bpf-analyzer-ale.txt', expand('%:t'), 'help file')

    execute 'edit' fnamemodify($CASE_FILE, ':h') . '/plain.c'
    call ale#Queue(0)
    sleep 300m
    call Equal([], Findings(), 'findings of other C')
endfunction
