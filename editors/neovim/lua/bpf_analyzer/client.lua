--- Starting, stopping and finding the client.
local compat = require('bpf_analyzer.compat')
local config = require('bpf_analyzer.config')

local M = {}

--- How long a server may take to end when asked, in milliseconds; then it is made to.
local PATIENCE = 3000

function M.notify(message, level)
  vim.notify('bpf-analyzer: ' .. message, level or vim.log.levels.INFO)
end

--- The nearest directory above `path` with the first marker that is found at all, else that of `path`.
function M.root(path, markers)
  local start = vim.fn.fnamemodify(path, ':p:h')
  for _, marker in ipairs(markers) do
    local directory = start
    while true do
      local separator = directory:sub(-1) == '/' and '' or '/'
      if vim.loop.fs_stat(directory .. separator .. marker) then
        return directory
      end
      local parent = vim.fn.fnamemodify(directory, ':h')
      if parent == directory then
        break
      end
      directory = parent
    end
  end
  return start
end

local function show_code_lenses(bufnr)
  local group = vim.api.nvim_create_augroup('bpf_analyzer.code_lens', { clear = false })
  vim.api.nvim_clear_autocmds({ group = group, buffer = bufnr })
  vim.api.nvim_create_autocmd({ 'BufEnter', 'BufWritePost', 'InsertLeave' }, {
    group = group,
    buffer = bufnr,
    callback = function()
      if #compat.clients(config.name, bufnr) > 0 then
        compat.refresh_code_lenses(bufnr)
      end
    end,
  })
  compat.refresh_code_lenses(bufnr)
end

--- What the client can do beyond what Neovim says of itself, and what it does then.
M.abilities = {
  capabilities = { workspace = { codeLens = { refreshSupport = true } } },
  handlers = {
    -- There are new results: lenses are fetched again where some are shown.
    ['workspace/codeLens/refresh'] = function(_, _, context)
      local client = vim.lsp.get_client_by_id(context.client_id)
      for _, bufnr in ipairs(client and compat.buffers(client) or {}) do
        if vim.api.nvim_buf_is_loaded(bufnr) and #vim.lsp.codelens.get(bufnr) > 0 then
          compat.refresh_code_lenses(bufnr)
        end
      end
      return vim.NIL
    end,
  },
}

--- The configuration for `vim.lsp.start`, without the directory.
function M.start_config(options)
  local capabilities = options.capabilities or vim.lsp.protocol.make_client_capabilities()
  capabilities = vim.tbl_deep_extend('force', capabilities, M.abilities.capabilities)
  local offered = options.offset_encoding and { options.offset_encoding }
  if offered or not vim.tbl_get(capabilities, 'general', 'positionEncodings') then
    capabilities = vim.tbl_deep_extend('force', capabilities, {
      general = { positionEncodings = offered or { 'utf-8', 'utf-16', 'utf-32' } },
    })
  end
  return {
    name = config.name,
    cmd = options.cmd,
    capabilities = capabilities,
    handlers = M.abilities.handlers,
    -- Old versions do not answer `workspace/configuration`.
    init_options = next(options.settings) and options.settings or nil,
    settings = { [config.section] = options.settings },
    on_init = function(client, result)
      -- Old versions do not read the answer to the units they were made to offer.
      client.offset_encoding = result.capabilities.positionEncoding or 'utf-16'
      client.initialize_result = result
    end,
    on_attach = function(client, bufnr)
      if options.inlay_hints and compat.has_inlay_hints() then
        compat.show_inlay_hints(bufnr)
      end
      if options.code_lens then
        show_code_lenses(bufnr)
      end
      if options.on_attach then
        options.on_attach(client, bufnr)
      end
    end,
  }
end

--- Why the server cannot be started; nil if it can.
function M.missing(cmd)
  if vim.fn.executable(cmd[1]) == 1 then
    return nil
  end
  local where = cmd[1]:find('/', 1, true) and 'is not an executable file' or 'is not in your PATH'
  return ('`%s` %s; install it or set the option `cmd`, see :help bpf_analyzer-server'):format(cmd[1], where)
end

--- Commands that could not be started, which is told once.
local told = {}

--- Attaches a buffer that is a file.
function M.attach(bufnr, options)
  local path = vim.api.nvim_buf_get_name(bufnr)
  if vim.bo[bufnr].buftype ~= '' or path == '' or path:find('^%a[%w+.-]+://') then
    return
  end
  local problem = M.missing(options.cmd)
  if problem then
    if not told[options.cmd[1]] then
      told[options.cmd[1]] = true
      M.notify(problem, vim.log.levels.ERROR)
    end
    return
  end
  local start = M.start_config(options)
  start.root_dir = M.root(path, options.root_markers)
  start.workspace_folders = { { uri = vim.uri_from_fname(start.root_dir), name = start.root_dir } }
  compat.start(start, bufnr)
end

--- The client of the current buffer, else any; nil, and a message, if there is none.
function M.current()
  local client = compat.clients(config.name, vim.api.nvim_get_current_buf())[1] or compat.clients(config.name)[1]
  if not client then
    M.notify('the server is not running; see :checkhealth bpf_analyzer', vim.log.levels.ERROR)
  end
  return client
end

--- Calls `done` when these clients have ended.
local function when_gone(clients, done)
  local begun = vim.loop.now()
  local forced = false
  local function look()
    local left = vim.tbl_filter(function(client)
      return vim.lsp.get_client_by_id(client.id) ~= nil
    end, clients)
    if #left == 0 then
      return done()
    end
    if not forced and vim.loop.now() - begun > PATIENCE then
      forced = true
      for _, client in ipairs(left) do
        compat.stop(client, true)
      end
    end
    vim.defer_fn(look, 20)
  end
  look()
end

--- Stops all servers, then calls `done`.
function M.stop(done)
  local clients = compat.clients(config.name)
  for _, client in ipairs(clients) do
    compat.stop(client)
  end
  when_gone(clients, done or function() end)
end

--- Stops all servers and starts them again for the same buffers; `attach` starts them where none ran.
function M.restart(attach)
  local before = {}
  for _, client in ipairs(compat.clients(config.name)) do
    table.insert(before, { config = client.config, buffers = compat.buffers(client) })
  end
  M.stop(function()
    for _, client in ipairs(before) do
      for _, bufnr in ipairs(client.buffers) do
        if vim.api.nvim_buf_is_loaded(bufnr) then
          compat.start(client.config, bufnr)
        end
      end
    end
    if #before == 0 then
      attach()
    end
  end)
end

return M
