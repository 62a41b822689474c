-- Set up by `vim.lsp.enable` of Neovim 0.11, without `setup()`.
local case = require('case')

case.run(function()
  vim.lsp.config('bpf_analyzer', {
    settings = { ['bpf-analyzer'] = { severity = { ['missing-write-back'] = 'warning' } } },
  })
  vim.lsp.enable('bpf_analyzer')
  case.edit()
  local first = case.attached()
  case.equal(vim.fn.fnamemodify(case.path, ':h'), first.root_dir, 'workspace')
  case.wait_for_findings({ '15 missing-write-back' })
  case.wait('the settings', function()
    return vim.diagnostic.get(0)[1].severity == vim.diagnostic.severity.WARN
  end)
  vim.cmd('BpfAnalyzerRestart')
  case.wait('another client', function()
    local client = case.clients(0)[1]
    return client and client.id ~= first.id
  end)
  case.attached()
  case.wait_for_findings({ '15 missing-write-back' })
  vim.api.nvim_win_set_cursor(0, { 15, 3 })
  vim.lsp.buf.code_action({
    apply = true,
    filter = function(action)
      return action.title == 'Write `buf` back'
    end,
  })
  case.wait_for_findings({})
  case.equal(vim.fn.readfile(vim.env.CASE_EXPECTED), case.lines(), 'text')
  vim.cmd('checkhealth bpf_analyzer')
  local report = table.concat(case.lines(), '\n')
  case.contains(report, 'set up by vim.lsp.enable()', 'report')
  case.equal(nil, report:find('ERROR') or report:find('WARN'), report)
  case.equal({}, case.messages, 'messages')
end)
