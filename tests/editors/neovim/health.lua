-- `:checkhealth bpf_analyzer` of a set-up that works. It comes after the file, as from plugin managers that load
-- lazily.
local case = require('case')

case.run(function()
  case.edit()
  require('bpf_analyzer').setup()
  case.attached()
  vim.cmd('checkhealth bpf_analyzer')
  case.wait('the report', function()
    return table.concat(case.lines(), '\n'):find('buffers: 1', 1, true)
  end)
  local report = table.concat(case.lines(), '\n')
  for _, part in ipairs({ 'Neovim is 0.7 or newer', 'set up by setup()', 'bpf-analyzer 0.', 'a server is running for', 'programs are compiled by /' }) do
    case.contains(report, part, 'report')
  end
  case.equal(nil, report:find('ERROR') or report:find('WARN'), report)
end)
