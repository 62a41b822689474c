-- Inlay hints and code lenses where there are such, all fixes at once, the workspace, information.
local case = require('case')

case.run(function()
  require('bpf_analyzer').setup({ inlay_hints = true, code_lens = true })
  case.edit()
  case.attached()
  case.wait_for_findings({ '15 missing-write-back' })

  if case.new then
    local labels = {}
    case.wait('inlay hints', function()
      labels = vim.tbl_map(function(hint)
        return hint.inlay_hint.label
      end, vim.lsp.inlay_hint.get({ bufnr = 0 }))
      return #labels == 2
    end)
    table.sort(labels)
    case.equal({ '16 bytes of pkt at 32', 'tc (sched_cls)' }, labels, 'inlay hints')
  end
  local titles
  case.wait('code lenses', function()
    titles = case.lenses()
    return #titles > 0
  end)
  case.equal({ '1 error', 'Layouts', 'Run', 'Verify' }, titles, 'code lenses')
  vim.api.nvim_win_set_cursor(0, { 5, 0 })
  case.run_lens('1 error')
  case.wait('the location list', function()
    return vim.bo.filetype == 'qf'
  end)
  case.equal(15, vim.fn.getloclist(0)[1].lnum, 'location list')
  vim.cmd('lclose')

  vim.cmd('BpfAnalyzerCheckWorkspace')
  case.wait('the quickfix list', function()
    return vim.bo.filetype == 'qf'
  end)
  local listed = vim.tbl_map(function(item)
    return vim.fn.fnamemodify(vim.fn.bufname(item.bufnr), ':t') .. ':' .. item.lnum
  end, vim.fn.getqflist())
  table.sort(listed)
  case.equal({ 'another.bpf.c:15', 'lost.bpf.c:15' }, listed, 'quickfix list')
  case.equal('bpf-analyzer: 1 closed files checked, 2 findings in all', case.messages[1].text, 'message')
  vim.cmd('cclose')

  vim.cmd('BpfAnalyzerFixAll')
  case.wait_for_findings({})
  case.equal(vim.fn.readfile(vim.env.CASE_EXPECTED), case.lines(), 'text')
  vim.cmd('BpfAnalyzerFixAll')
  case.wait('the message', function()
    return #case.messages == 2
  end)
  case.equal('bpf-analyzer: there is nothing to fix safely', case.messages[2].text, 'message')

  vim.cmd('BpfAnalyzerInfo')
  case.contains(case.messages[3].text, 'server 0.', 'information')
  case.contains(case.messages[3].text, 'buffers: 1', 'information')
  vim.cmd('BpfAnalyzerLog')
  case.equal(vim.lsp.get_log_path(), vim.fn.expand('%:p'), 'log')
end)
