if vim.g.loaded_bpf_analyzer then
  return
end
vim.g.loaded_bpf_analyzer = true

if vim.fn.has('nvim-0.7') == 0 then
  vim.api.nvim_err_writeln('bpf-analyzer: Neovim 0.7 or newer is needed')
  return
end

require('bpf_analyzer.commands').define()
