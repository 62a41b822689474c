-- Programs are verified and run: lenses, the window with the report, its places, and what an edit does to them.
local case = require('case')

local source

-- Waits for the window with a report that begins so; its lines.
local function report(start)
  local lines
  case.wait('the report ' .. start, function()
    lines = vim.bo.filetype == 'bpf_analyzer_report' and case.lines()
    return lines and vim.startswith(lines[1], start)
  end)
  return lines
end

local function close()
  vim.cmd('normal q')
  case.equal(source, vim.api.nvim_get_current_buf(), 'buffer after q')
end

local function finding(code)
  for _, diagnostic in ipairs(vim.diagnostic.get(source)) do
    if diagnostic.code == code then
      return diagnostic
    end
  end
end

local function wait_for_finding(code)
  case.wait('the finding ' .. code, function()
    return finding(code)
  end)
  local found = finding(code)
  case.equal('bpf-analyzer', found.source, 'source')
  case.equal(false, vim.tbl_isempty(found.user_data.lsp.relatedInformation), 'no related information')
  return found
end

case.run(function()
  vim.o.columns = 120
  require('bpf_analyzer').setup({ code_lens = true })
  case.edit()
  source = vim.api.nvim_get_current_buf()
  case.attached()
  case.wait_for_findings({ '15 missing-write-back' })
  case.wait_for_lens('Layouts')
  case.equal({ '1 error', 'Layouts', 'Run', 'Verify' }, case.lenses(), 'lenses')

  -- At the cursor, by name, and with a lens.
  vim.api.nvim_win_set_cursor(0, { 8, 0 })
  vim.cmd('BpfVerify')
  case.contains(report('Verify mark')[2], 'accepted · ', 'verdict')
  case.equal(false, vim.bo.modifiable, 'modifiable')
  close()
  case.contains(case.wait_for_lens('Verify: accepted'), ' of 1,000,000 insns · stack ', 'lens')
  case.equal({ 'mark' }, vim.fn.getcompletion('BpfRun m', 'cmdline'), 'completion')
  case.equal({}, vim.fn.getcompletion('BpfRun x', 'cmdline'), 'completion')
  vim.cmd('BpfRun mark')
  case.contains(report('Run mark')[2], '0 (TC_ACT_OK)', 'result')
  case.type('<Esc>')
  case.wait_for_lens('Run: 0 (TC_ACT_OK)')
  vim.api.nvim_win_set_cursor(0, { 5, 0 })
  case.run_lens('Layouts')
  report('Run mark on all layouts')
  local configured = vim.api.nvim_win_get_config(0)
  case.equal(100, vim.api.nvim_win_get_width(0), 'width')
  -- The book shows this window: `tests/tests/editors/neovim.rs` compares.
  vim.fn.writefile(case.lines(), vim.env.CASE_SHOWN)
  if case.new then
    case.equal(' Run mark on all layouts ', configured.title[1][1], 'title')
  end

  -- From a step of the path to its line.
  vim.fn.search('lost.bpf.c:12', 'w')
  case.type('<CR>')
  case.equal({ source, 12 }, { vim.api.nvim_get_current_buf(), vim.api.nvim_win_get_cursor(0)[1] }, 'place')
  case.wait_for_lens('Layouts: 1 divergence')
  local confirmed
  case.wait('the finding of the rule, confirmed', function()
    local found = vim.diagnostic.get(source)
    for _, place in ipairs(found[1] and found[1].user_data.lsp.relatedInformation or {}) do
      confirmed = confirmed or vim.startswith(place.message, 'the runtime agrees: ')
    end
    return confirmed
  end)
  case.equal({ '15 missing-write-back' }, case.findings(source), 'said once')

  -- The report is there again, until the text changes.
  vim.cmd('BpfReport')
  report('Run mark on all layouts')
  local before = #case.lines()
  vim.api.nvim_buf_set_lines(source, 0, 0, false, { '// changed' })
  report('OUT OF DATE')
  case.equal(before + 2, #case.lines(), 'lines')
  vim.cmd('BpfReport')
  report('OUT OF DATE')
  close()
  case.wait('lenses without results', function()
    return vim.deep_equal({ '1 error', 'Layouts', 'Run', 'Verify' }, case.lenses())
  end)
  case.wait_for_findings({ '16 missing-write-back' })
  vim.cmd('silent undo')
  case.wait_for_findings({ '15 missing-write-back' })

  -- What the kernel rejects, and what it says when the file is saved.
  case.edit(vim.fn.fnamemodify(case.path, ':h') .. '/past_the_end.bpf.c')
  source = vim.api.nvim_get_current_buf()
  case.wait_for_lens('Verify')
  vim.cmd('BpfVerify')
  case.contains(report('Verify first_byte')[2], 'rejected · invalid access to packet', 'verdict')
  close()
  case.contains(wait_for_finding('verifier').message, 'invalid access to packet', 'message')
  vim.fn.append(vim.fn.search('return') - 1, { '\tif (data + 1 > (void *)(long)skb->data_end)', '\t\treturn 0;' })
  case.wait_for_findings({})
  vim.cmd('silent write')
  case.wait_for_lens('Verify: accepted')
  case.wait_for_findings({})

  -- Other C has no programs.
  case.edit(vim.fn.fnamemodify(case.path, ':h') .. '/plain.c')
  case.attached()
  vim.cmd('BpfVerify')
  case.wait('the message', function()
    return case.messages[1]
  end)
  case.equal('bpf-analyzer: there is no program in this file, which has a SEC(…)', case.messages[1].text, 'message')
end)
