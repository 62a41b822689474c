-- Columns are right behind characters of several bytes, in both units, and in a file with CRLF.
local case = require('case')

case.run(function()
  require('bpf_analyzer').setup({ offset_encoding = vim.env.CASE_ENCODING })
  case.edit()
  local client = case.attached()
  case.equal(vim.env.CASE_ENCODING or 'utf-8', client.offset_encoding, 'unit')
  case.equal('dos', vim.bo.fileformat, 'line ends')
  case.wait_for_findings({ '15 missing-write-back' })
  local finding = vim.diagnostic.get(0)[1]
  local line = case.lines()[15]
  case.equal('bytes[0] = 1', line:sub(finding.col + 1, finding.end_col), 'reported text')

  vim.api.nvim_win_set_cursor(0, { 15, finding.col + 1 })
  -- Typed text in front of the finding moves it, counted in the agreed unit too.
  vim.api.nvim_buf_set_text(0, 14, 1, 14, 1, { '/* ü🐝 */ ' })
  case.wait('the moved finding', function()
    local moved = vim.diagnostic.get(0)[1]
    return moved and moved.col == finding.col + #'/* ü🐝 */ '
  end)
  case.choose('Write `buf` back')
  case.wait_for_findings({})
  vim.cmd('silent write')
  case.equal(vim.fn.readfile(vim.env.CASE_EXPECTED, 'b'), vim.fn.readfile(case.path, 'b'), 'written file')
end)
