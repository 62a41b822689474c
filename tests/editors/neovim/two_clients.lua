-- Beside another server in the same buffer, which counts columns in its own unit: clangd, played by a second
-- copy of the server that has no rules.
local case = require('case')

local function another(encoding)
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  capabilities.general = { positionEncodings = { encoding } }
  local id = vim.lsp.start_client({
    name = 'clangd',
    cmd = { 'bpf-analyzer', 'lsp' },
    capabilities = capabilities,
    init_options = { ignore = { 'ALL' } },
    settings = { ['bpf-analyzer'] = { ignore = { 'ALL' } } },
    on_init = function(client, result)
      client.offset_encoding = result.capabilities.positionEncoding
    end,
  })
  vim.lsp.buf_attach_client(0, id)
  case.wait('the other client', function()
    local client = vim.lsp.get_client_by_id(id)
    return client and client.initialized
  end)
  return id
end

case.run(function()
  local theirs = vim.env.CASE_ENCODING
  require('bpf_analyzer').setup({ offset_encoding = theirs })
  case.edit()
  local client = case.attached()
  case.equal(theirs or 'utf-8', client.offset_encoding, 'unit')
  another(theirs or 'utf-16')
  case.wait_for_findings({ '15 missing-write-back' })
  case.contains(case.hover(12, 15), 'Gives a writable pointer', 'hover')
  vim.cmd('checkhealth bpf_analyzer')
  local report = table.concat(case.lines(), '\n')
  if theirs then
    case.equal(nil, report:find('counts columns'), report)
  else
    case.contains(report, '`clangd` counts columns in utf-16, bpf-analyzer in utf-8', 'report')
  end
  -- The report is a tab of its own.
  vim.cmd('tabfirst | buffer lost.bpf.c')
  vim.api.nvim_win_set_cursor(0, { 15, 3 })
  case.choose('Write `buf` back')
  case.wait_for_findings({})
  case.equal(vim.fn.readfile(vim.env.CASE_EXPECTED), case.lines(), 'text')
  if theirs then
    case.equal({}, case.messages, 'messages')
  end
end)
