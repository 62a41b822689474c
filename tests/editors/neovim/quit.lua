-- An editor that quits with the server running leaves no server behind.
local case = require('case')

case.run(function()
  require('bpf_analyzer').setup()
  case.edit()
  case.attached()
  case.wait_for_findings({ '15 missing-write-back' })
  -- See `case.pass`.
  vim.wait(500)
  case.equal(1, #case.clients(), 'clients')
end, case.quit)
