-- Options are checked; settings reach the server; other files are left alone.
local case = require('case')

case.run(function()
  local setup = require('bpf_analyzer').setup
  for _, row in ipairs({
    { { cmnd = {} }, 'unknown option `cmnd`; see :help bpf_analyzer-options' },
    { { cmd = 'bpf-analyzer lsp' }, 'option `cmd`: expected table, got string' },
    { { cmd = {} }, 'option `cmd` is empty' },
    { { filetypes = { 1 } }, 'option `filetypes`: item 1 is no string' },
    { { inlay_hints = 1 }, 'option `inlay_hints`: expected boolean, got number' },
    { { offset_encoding = 'utf-7' }, 'option `offset_encoding`: `utf-7` is not one of' },
    { 1, 'setup() takes a table' },
  }) do
    local ok, problem = pcall(setup, row[1])
    case.equal(false, ok, row[2])
    case.contains(problem, row[2], 'complaint')
  end

  local on_attach = 0
  setup({
    settings = { severity = { ['missing-write-back'] = 'warning' } },
    on_attach = function()
      on_attach = on_attach + 1
    end,
  })
  case.edit()
  local client = case.attached()
  case.equal(vim.fn.fnamemodify(case.path, ':h'), client.config.root_dir, 'workspace')
  case.wait_for_findings({ '15 missing-write-back' })
  case.equal(vim.diagnostic.severity.WARN, vim.diagnostic.get(0)[1].severity, 'severity')
  case.equal(1, on_attach, 'calls of on_attach')

  -- Ordinary C: the same client, and silence.
  case.edit(vim.fn.fnamemodify(case.path, ':h') .. '/plain.c')
  case.wait('the client', function()
    return #case.clients(0) == 1
  end)
  case.equal(client.id, case.clients(0)[1].id, 'client')
  case.equal('', case.hover(3, 1), 'hover')
  case.equal({}, case.findings(), 'findings')
  -- Not C, and not a file.
  case.edit(vim.fn.fnamemodify(case.path, ':h') .. '/notes.txt')
  case.equal({}, case.clients(0), 'clients of a text')
  vim.cmd('enew | setfiletype c')
  case.equal({}, case.clients(0), 'clients of no file')
end)
