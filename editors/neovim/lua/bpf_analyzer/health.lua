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

--- The compiler that the server uses: the one of the settings, else `clang`, else the newest `clang-NN`.
local function clang(settings)
  local named = settings.clang
  if type(named) == 'string' and named ~= '' then
    return vim.fn.exepath(named), named
  end
  if vim.fn.executable('clang') == 1 then
    return vim.fn.exepath('clang'), 'clang'
  end
  local newest, version = '', 0
  for _, directory in ipairs(vim.split(vim.env.PATH or '', ':', { plain = true })) do
    for _, path in ipairs(vim.fn.glob(directory .. '/clang-[0-9]*', true, true)) do
      local number = tonumber(path:match('/clang%-(%d+)$'))
      if number and number > version and vim.fn.executable(path) == 1 then
        newest, version = path, number
      end
    end
  end
  return newest, 'clang'
end

local function check_clang(health)
  local options = require('bpf_analyzer').options()
  local path, name = clang(options and options.settings or {})
  if path ~= '' then
    health.ok(('programs are compiled by %s to be verified and run'):format(path))
  else
    health.warn(('`%s` is not in your PATH: findings need none, but programs cannot be verified and run'):format(name))
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
  check_clang(health)
  check_clients(health)
end

return M
