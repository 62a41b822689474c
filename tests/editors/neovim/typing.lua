-- A piece of work: typing, deleting, undoing, replacing, moving. What the server has of the text in the end is
-- what is in the buffer: a copy of it, opened fresh, has the same findings and symbols.
local case = require('case')

local function type_keys(keys)
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(keys, true, false, true), 'xt', false)
  -- The server gets each change by itself.
  vim.wait(5)
end

local function all_about(bufnr)
  local params = { textDocument = { uri = vim.uri_from_bufnr(bufnr) } }
  local symbols = vim.lsp.buf_request_sync(bufnr, 'textDocument/documentSymbol', params, 10000)
  return { case.findings(bufnr), symbols[case.clients(bufnr)[1].id].result }
end

case.run(function()
  require('bpf_analyzer').setup()
  case.edit()
  case.attached()
  case.wait_for_findings({ '15 missing-write-back' })
  vim.o.autoindent = true

  type_keys('15Gobytes[1] = 2; /* é😀 */<Esc>')
  for _, line in ipairs({ 'if (bytes == buf)', 'bpf_dynptr_write(&pkt, 32, buf, sizeof(buf), 0);' }) do
    type_keys('o')
    for character in line:gmatch('.') do
      type_keys('a' .. character)
    end
  end
  case.wait_for_findings({})
  type_keys('u')
  case.wait_for_findings({ '15 missing-write-back' })
  type_keys('<C-r>')
  type_keys('5Gyap')
  type_keys('Gop')
  type_keys('Gp')
  type_keys(':%s/mark/é_mark_/<CR>')
  type_keys(':$-12,$s/é_mark_/other/e<CR>')
  type_keys(':g/other/m0<CR>')
  type_keys('uu')
  type_keys('15GJJ')
  type_keys('ggdG')
  type_keys('u')
  type_keys(':8,9>><CR>')
  type_keys('15Gxxxxu.')
  type_keys('qaA // 🐝<Esc>jq5@a')
  type_keys('gg=G')
  type_keys(':3t$<CR>:4,18t$<CR>')
  type_keys('GVgUdwiint x;<CR><BS><BS><Del><Esc>')
  type_keys(':%s/$/ /<CR>:%s/ $//<CR>')
  type_keys(':0read ' .. vim.fn.fnameescape(case.path) .. '<CR>')

  local original = vim.api.nvim_get_current_buf()
  local copy = vim.fn.fnamemodify(case.path, ':h') .. '/copy.bpf.c'
  vim.fn.writefile(case.lines(), copy)
  case.edit(copy)
  case.wait('the copy', function()
    return #case.clients(0) == 1
  end)
  local function same()
    return vim.deep_equal(all_about(original), all_about(0))
  end
  vim.wait(10000, same, 50)
  case.equal(all_about(original), all_about(0), 'what is known of ' .. table.concat(case.lines(), '\n'))
  case.equal(false, vim.tbl_isempty(all_about(0)[1]), 'no findings in ' .. table.concat(case.lines(), '\n'))
  case.equal({}, case.messages, 'messages')
  vim.cmd('%bwipeout!')
end)
