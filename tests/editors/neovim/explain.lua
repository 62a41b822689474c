-- The page of a rule: under the cursor, by name, and as a code action.
local case = require('case')

local function window_with_page()
  local page
  case.wait('the page', function()
    page = vim.bo.filetype == 'markdown' and case.lines()
    return page
  end)
  case.equal('# missing-write-back', page[1], 'title')
  case.equal(false, vim.bo.modifiable, 'modifiable')
  vim.cmd('normal q')
  case.equal('c', vim.bo.filetype, 'file type after q')
end

case.run(function()
  require('bpf_analyzer').setup()
  case.edit()
  case.attached()
  case.wait_for_findings({ '15 missing-write-back' })

  vim.api.nvim_win_set_cursor(0, { 15, 3 })
  vim.cmd('BpfAnalyzerExplain')
  window_with_page()

  vim.api.nvim_win_set_cursor(0, { 1, 0 })
  vim.cmd('BpfAnalyzerExplain')
  case.equal('bpf-analyzer: there is no finding in this line', case.messages[1].text, 'message')
  case.equal({ 'missing-write-back' }, vim.fn.getcompletion('BpfAnalyzerExplain mi', 'cmdline'), 'completion')
  vim.cmd('BpfAnalyzerExplain missing-write-back')
  window_with_page()

  vim.cmd('BpfAnalyzerExplain no-such-rule')
  case.wait('the refusal', function()
    return #case.messages == 2
  end)
  case.contains(case.messages[2].text, 'no-such-rule', 'message')

  vim.api.nvim_win_set_cursor(0, { 15, 3 })
  case.choose('Explain `missing-write-back`')
  window_with_page()
end)
