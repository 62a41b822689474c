" What the cases of this folder share. A case is the function `Case()`.
set cmdheight=4 nocompatible encoding=utf-8 nomore noswapfile viminfo=
set runtimepath^=/usr/share/vim-ale
let &runtimepath .= ',' . $CASE_PLUGIN
let g:ale_linters = {'c': ['bpf_analyzer']}
let g:ale_set_balloons = 0
filetype plugin on
syntax off

function! Say(text)
    call writefile([a:text], $CASE_OUTPUT, 'a')
endfunction

function! Fail(what)
    call Say('failed: ' . a:what)
    call Say(execute('messages'))
    cquit 1
endfunction

function! Wait(what, Condition)
    let l:end = reltimefloat(reltime()) + 15.0
    while !a:Condition()
        if reltimefloat(reltime()) > l:end
            call Fail('waited in vain: ' . a:what)
        endif
        sleep 20m
    endwhile
endfunction

function! Equal(expected, found, what)
    if a:expected !=# a:found
        call Fail(a:what . ': expected ' . string(a:expected) . ', found ' . string(a:found))
    endif
endfunction

function! Contains(text, part, what)
    if stridx(a:text, a:part) < 0
        call Fail(a:what . ': ' . string(a:part) . ' is not in ' . string(a:text))
    endif
endfunction

function! Findings()
    return map(copy(ale#engine#GetLoclist(bufnr(''))), {_, item -> item.lnum . ' ' . item.code})
endfunction

function! WaitForFindings(expected)
    call Wait('findings ' . string(a:expected), {-> Findings() ==# a:expected})
endfunction

" Types the keys as soon as something waits for them.
function! Answer(keys)
    call timer_start(200, {-> feedkeys(a:keys, 't')})
endfunction

function! Run(_)
    try
        call Case()
        call Say('passed')
        qall!
    catch
        call Fail(v:exception . ' at ' . v:throwpoint)
    endtry
endfunction

autocmd VimEnter * call timer_start(10, 'Run')
