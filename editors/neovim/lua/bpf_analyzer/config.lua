--- Options: their defaults, and what is wrong with those of a user.
local M = {}

--- The name of the client. `vim.lsp.config` and `vim.lsp.enable` know it by this name too.
M.name = 'bpf_analyzer'

--- The section of the editor's settings that the server asks for.
M.section = 'bpf-analyzer'

M.defaults = {
  -- The server and its arguments.
  cmd = { 'bpf-analyzer', 'lsp' },
  -- The server looks at BPF C only; it says nothing about other files of these types.
  filetypes = { 'c' },
  -- The workspace is the nearest directory with the first of these, else with the second, and so on.
  root_markers = { 'bpf-analyzer.toml', 'compile_commands.json', '.git' },
  -- The keys of bpf-analyzer.toml, and `inlayHints` and `codeLens`.
  settings = {},
  -- Show inlay hints (Neovim 0.10 and newer; in a buffer they are shown of all servers or of none).
  inlay_hints = false,
  -- Show code lenses, and fetch them again when the text is saved or insert mode is left.
  code_lens = false,
  -- Offered as the only unit of columns, if a second server in the same buffer needs another one than UTF-8.
  offset_encoding = nil,
  -- As for `vim.lsp.start`.
  capabilities = nil,
  on_attach = nil,
}

local types = {
  cmd = { 'table' },
  filetypes = { 'table' },
  root_markers = { 'table' },
  settings = { 'table' },
  inlay_hints = { 'boolean' },
  code_lens = { 'boolean' },
  offset_encoding = { 'string', 'nil' },
  capabilities = { 'table', 'nil' },
  on_attach = { 'function', 'nil' },
}

local lists = { cmd = true, filetypes = true, root_markers = true }

local encodings = { ['utf-8'] = true, ['utf-16'] = true, ['utf-32'] = true }

--- What is wrong with `options`, as one line; nil if nothing is.
local function complaint(options)
  local names = vim.tbl_keys(options)
  table.sort(names, function(a, b)
    return tostring(a) < tostring(b)
  end)
  for _, name in ipairs(names) do
    local value = options[name]
    if not types[name] then
      return ('unknown option `%s`'):format(name)
    end
    if not vim.tbl_contains(types[name], type(value)) then
      return ('option `%s`: expected %s, got %s'):format(name, types[name][1], type(value))
    end
    if lists[name] then
      for index, item in ipairs(value) do
        if type(item) ~= 'string' then
          return ('option `%s`: item %d is no string'):format(name, index)
        end
      end
      if #value == 0 then
        return ('option `%s` is empty'):format(name)
      end
    end
  end
  local encoding = options.offset_encoding
  if encoding and not encodings[encoding] then
    return ('option `offset_encoding`: `%s` is not one of utf-8, utf-16, utf-32'):format(encoding)
  end
end

--- The defaults with `options` on top; an error says what is wrong with them.
function M.with(options)
  options = options or {}
  if type(options) ~= 'table' then
    error('bpf-analyzer: setup() takes a table of options', 0)
  end
  local problem = complaint(options)
  if problem then
    error(('bpf-analyzer: %s; see :help bpf_analyzer-options'):format(problem), 0)
  end
  return vim.tbl_extend('force', M.defaults, options)
end

return M
