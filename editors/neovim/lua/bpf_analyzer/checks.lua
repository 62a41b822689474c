--- Quick checks: has the server verify or run the program at the cursor, and shows what came of it.
local client = require('bpf_analyzer.client')
local compat = require('bpf_analyzer.compat')
local report = require('bpf_analyzer.report')

local M = {}

--- What the outline of a file calls a program: the kernel calls it, so that it is an event.
local EVENT = 24

--- How long the command line waits for names, in milliseconds.
local COMPLETION_PATIENCE = 1000

--- The checks that the server is doing, with their clients, by the numbers of their requests.
local running = {}

local tokens = 0

local function outline_params(bufnr)
  return { textDocument = { uri = vim.uri_from_bufnr(bufnr) } }
end

--- The programs of an outline: names, and lines from 0.
local function programs_of(symbols)
  local programs = {}
  for _, symbol in ipairs(symbols or {}) do
    if symbol.kind == EVENT then
      local range = symbol.range or symbol.location.range
      table.insert(programs, { name = symbol.name, first = range.start.line, last = range['end'].line })
    end
  end
  return programs
end

--- Whether the text of a buffer is another one than that of the report.
local function has_changed(bufnr, version)
  local now = vim.lsp.util.buf_versions[bufnr]
  return type(version) == 'number' and now ~= nil and now ~= version
end

--- Has the server check `{ uri, program }`, and shows the report.
local function start(kind, subject)
  local server = client.current()
  if not server then
    return
  end
  tokens = tokens + 1
  local id
  local _
  _, id = compat.request(server, 'workspace/executeCommand', {
    command = 'bpf-analyzer.' .. kind,
    arguments = { subject },
    workDoneToken = 'bpf_analyzer.nvim/' .. tokens,
  }, function(err, answer)
    if id then
      running[id] = nil
    end
    if err then
      client.notify(err.message, vim.log.levels.ERROR)
    elseif type(answer) == 'table' and answer.text then
      report.show(answer, has_changed(vim.uri_to_bufnr(answer.uri), answer.version))
    end
  end)
  if id then
    running[id] = server
  end
end

--- Calls `done` with the name of the program at the cursor, of the only one, or of the one that is chosen.
local function choose(done)
  local server = client.current()
  if not server then
    return
  end
  local bufnr = vim.api.nvim_get_current_buf()
  local line = vim.api.nvim_win_get_cursor(0)[1] - 1
  compat.request(server, 'textDocument/documentSymbol', outline_params(bufnr), function(err, symbols)
    if err then
      return client.notify(err.message, vim.log.levels.ERROR)
    end
    local programs = programs_of(symbols)
    for _, program in ipairs(programs) do
      if program.first <= line and line <= program.last then
        return done(program.name)
      end
    end
    if #programs == 0 then
      client.notify('there is no program in this file, which has a SEC(…)', vim.log.levels.WARN)
    elseif #programs == 1 then
      done(programs[1].name)
    else
      local names = vim.tbl_map(function(program)
        return program.name
      end, programs)
      vim.ui.select(names, { prompt = 'Program:' }, function(name)
        if name then
          done(name)
        end
      end)
    end
  end, bufnr)
end

--- Verifies or runs a program of the current file: the named one, else that at the cursor.
function M.check(kind, program)
  local uri = vim.uri_from_bufnr(0)
  if program then
    start(kind, { uri = uri, program = program })
  else
    choose(function(name)
      start(kind, { uri = uri, program = name })
    end)
  end
end

--- Stops what the server is doing.
function M.cancel()
  if not next(running) then
    client.notify('nothing is being verified or run')
  end
  for id, server in pairs(running) do
    compat.cancel(server, id)
  end
  running = {}
end

--- The names of the programs of this file that begin with `lead`.
function M.complete(lead)
  local bufnr = vim.api.nvim_get_current_buf()
  local server = compat.clients(require('bpf_analyzer.config').name, bufnr)[1]
  if not server then
    return {}
  end
  local params = outline_params(bufnr)
  local answer = compat.request_sync(server, 'textDocument/documentSymbol', params, COMPLETION_PATIENCE, bufnr)
  local names = {}
  for _, program in ipairs(programs_of(answer and answer.result)) do
    if vim.startswith(program.name, lead) then
      table.insert(names, program.name)
    end
  end
  return names
end

--- The commands of code lenses, and what the server says of its reports.
function M.listen()
  for _, kind in ipairs({ 'verify', 'run', 'layouts' }) do
    vim.lsp.commands['bpf-analyzer.' .. kind] = function(command)
      start(kind, command.arguments[1])
    end
  end
  vim.lsp.handlers['bpf-analyzer/reportStale'] = function(_, params)
    report.outdate(params.uri)
  end
end

return M
