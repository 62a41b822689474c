-- For `vim.lsp.enable('bpf_analyzer')` of Neovim 0.11; what `vim.lsp.config('bpf_analyzer', …)` says is stronger.
local abilities = require('bpf_analyzer.client').abilities
local defaults = require('bpf_analyzer.config').defaults

return {
  cmd = defaults.cmd,
  filetypes = defaults.filetypes,
  root_markers = defaults.root_markers,
  capabilities = abilities.capabilities,
  handlers = abilities.handlers,
}
