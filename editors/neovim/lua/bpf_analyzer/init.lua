--- Neovim 0.7 and newer as a client of `bpf-analyzer lsp`.
---
--- `require('bpf_analyzer').setup()` starts the server for C files. With Neovim 0.11
--- `vim.lsp.enable('bpf_analyzer')` does too.
local M = {}

local options

--- Whether a buffer is loaded and has one of the wanted types.
local function wanted(bufnr)
  return vim.api.nvim_buf_is_loaded(bufnr) and vim.tbl_contains(options.filetypes, vim.bo[bufnr].filetype)
end

--- Attaches all buffers that are open already.
function M.attach_all()
  if not options then
    return
  end
  for _, bufnr in ipairs(vim.api.nvim_list_bufs()) do
    if wanted(bufnr) then
      require('bpf_analyzer.client').attach(bufnr, options)
    end
  end
end

--- Starts the server for files of the wanted types from now on; |bpf_analyzer-options| has the options.
function M.setup(user_options)
  options = require('bpf_analyzer.config').with(user_options)
  vim.api.nvim_create_autocmd('FileType', {
    group = vim.api.nvim_create_augroup('bpf_analyzer', {}),
    pattern = options.filetypes,
    desc = 'Attach bpf-analyzer',
    callback = function(event)
      require('bpf_analyzer.client').attach(event.buf, options)
    end,
  })
  M.attach_all()
end

--- The options in force; nil before setup().
function M.options()
  return options
end

return M
