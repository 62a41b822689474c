--- `:checkhealth bpf_analyzer`
local compat = require('bpf_analyzer.compat')
local config = require('bpf_analyzer.config')

local M = {}

--- The command that would be run, and who says so.
local function command()
  local options = require('bpf_analyzer').options()
  if options then
    return options.cmd, 'setup()'
  end
  if vim.lsp.is_enabled and vim.lsp.is_enabled(config.name) then
    local cmd = vim.lsp.config[config.name].cmd
    return type(cmd) == 'table' and cmd or config.defaults.cmd, 'vim.lsp.enable()'
  end
end

local function check_server(health, cmd)
  local problem = require('bpf_analyzer.client').missing(cmd)
  if problem then
    health.error(problem)
    return
  end
  local version = vim.trim(vim.fn.system({ cmd[1], '--version' }))
  if vim.v.shell_error == 0 and version:find('^bpf%-analyzer ') then
    health.ok(('%s (%s)'):format(version, vim.fn.exepath(cmd[1])))
  else
    health.error(('`%s --version` does not answer as bpf-analyzer: %s'):format(cmd[1], version))
  end
end

local function check_clients(health)
  local clients = compat.clients(config.name)
  if #clients == 0 then
    health.info('no server is running; one starts when a C file is opened')
  end
  for _, client in ipairs(clients) do
    local root = client.config.root_dir or 'no workspace'
    local buffers = compat.buffers(client)
    health.ok(('a server is running for %s, buffers: %d'):format(root, #buffers))
    for _, bufnr in ipairs(buffers) do
      for _, other in ipairs((vim.lsp.get_clients or vim.lsp.get_active_clients)()) do
        local shares = other.id ~= client.id and vim.lsp.buf_is_attached(bufnr, other.id)
        if shares and other.offset_encoding ~= client.offset_encoding then
          health.warn(
            ('in buffer %d `%s` counts columns in %s, bpf-analyzer in %s; see :help bpf_analyzer-clangd'):format(
              bufnr,
              other.name,
              other.offset_encoding,
              client.offset_encoding
            )
          )
        end
      end
    end
  end
end

function M.check()
  local health = compat.health()
  health.start('bpf-analyzer')
  if vim.fn.has('nvim-0.7') == 1 then
    health.ok('Neovim is 0.7 or newer')
  else
    health.error('Neovim 0.7 or newer is needed')
  end
  local cmd, source = command()
  if cmd then
    health.ok('set up by ' .. source)
  else
    health.warn("not set up: call require('bpf_analyzer').setup()")
  end
  check_server(health, cmd or config.defaults.cmd)
  check_clients(health)
end

return M
