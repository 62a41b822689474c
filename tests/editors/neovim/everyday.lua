-- Findings, hover, a code action, restart and stop, set up by `setup()`.
local case = require('case')

case.run(function()
  require('bpf_analyzer').setup()
  case.edit()
  local first = case.attached()
  case.wait_for_findings({ '15 missing-write-back' })
  local finding = vim.diagnostic.get(0)[1]
  case.equal({ 14, 1, 'bpf-analyzer' }, { finding.lnum, finding.col, finding.source }, 'place')
  case.contains(finding.message, 'the 16 bytes written through `bytes` are lost', 'message')
  case.contains(case.hover(12, 15), 'Gives a writable pointer', 'hover')

  vim.api.nvim_win_set_cursor(0, { 15, 3 })
  case.choose('Write `buf` back')
  case.wait_for_findings({})
  case.equal(vim.fn.readfile(vim.env.CASE_EXPECTED), case.lines(), 'text')

  vim.cmd('BpfAnalyzerRestart')
  case.wait('another client', function()
    local client = case.clients(0)[1]
    return client and client.id ~= first.id
  end)
  case.attached()
  vim.cmd('silent undo')
  case.wait_for_findings({ '15 missing-write-back' })

  vim.cmd('BpfAnalyzerStop')
  case.wait('the end of the client', function()
    return #case.clients() == 0
  end)
  vim.cmd('BpfAnalyzerRestart')
  case.attached()
  case.wait_for_findings({ '15 missing-write-back' })
  case.equal({}, case.messages, 'messages')
end)
