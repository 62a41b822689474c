--- User commands, and the commands that the server's code actions and code lenses name.
local checks = require('bpf_analyzer.checks')
local client = require('bpf_analyzer.client')
local compat = require('bpf_analyzer.compat')
local config = require('bpf_analyzer.config')
local explain = require('bpf_analyzer.explain')
local report = require('bpf_analyzer.report')

local M = {}

--- The diagnostics of this server, of a buffer or of all.
local function findings(bufnr)
  return vim.tbl_filter(function(diagnostic)
    return diagnostic.source == 'bpf-analyzer'
  end, vim.diagnostic.get(bufnr))
end

--- Has the server do a command; `done` gets what it answers.
local function execute(command, arguments, done)
  local running = client.current()
  if not running then
    return
  end
  local params = { command = command, arguments = arguments }
  compat.request(running, 'workspace/executeCommand', params, function(err, result)
    if err then
      client.notify(err.message, vim.log.levels.ERROR)
    else
      done(result)
    end
  end)
end

--- The rule of the finding under the cursor, else of the first one in its line.
local function rule_under_cursor()
  local cursor = vim.api.nvim_win_get_cursor(0)
  local line, column = cursor[1] - 1, cursor[2]
  local in_line
  for _, finding in ipairs(findings(0)) do
    local last_line, last_column = finding.end_lnum or finding.lnum, finding.end_col or finding.col
    local behind_start = finding.lnum < line or (finding.lnum == line and finding.col <= column)
    local before_end = line < last_line or (line == last_line and column < last_column)
    if behind_start and before_end then
      return finding.code
    end
    if finding.lnum == line then
      in_line = in_line or finding.code
    end
  end
  return in_line
end

--- Shows the page of a rule: the named one, else that of the finding under the cursor.
function M.explain(rule)
  rule = rule or rule_under_cursor()
  if not rule then
    client.notify('there is no finding in this line', vim.log.levels.WARN)
    return
  end
  execute('bpf-analyzer.explainRule', { rule }, function(page)
    explain.show(rule, page)
  end)
end

--- Checks all files of the workspace and lists the findings.
function M.check_workspace()
  execute('bpf-analyzer.checkWorkspace', {}, function(summary)
    -- Open files are not part of the summary: their findings are here already.
    local list = findings()
    client.notify(('%d closed files checked, %d findings in all'):format(summary.files, #list))
    vim.fn.setqflist({}, ' ', { title = 'bpf-analyzer', items = vim.diagnostic.toqflist(list) })
    if #list > 0 then
      vim.cmd('botright copen')
    end
  end)
end

--- Applies all safe fixes of the current file.
function M.fix_all()
  local running = client.current()
  if not running then
    return
  end
  local bufnr = vim.api.nvim_get_current_buf()
  local start = { line = 0, character = 0 }
  local params = {
    textDocument = { uri = vim.uri_from_bufnr(bufnr) },
    range = { start = start, ['end'] = start },
    context = { diagnostics = {}, only = { 'source.fixAll.bpf-analyzer' } },
  }
  local function apply(err, action)
    if err then
      client.notify(err.message, vim.log.levels.ERROR)
    elseif action and action.edit then
      vim.lsp.util.apply_workspace_edit(action.edit, running.offset_encoding)
    end
  end
  compat.request(running, 'textDocument/codeAction', params, function(err, actions)
    local action = not err and actions and actions[1]
    if err or (action and action.edit) then
      apply(err, action)
    elseif action then
      compat.request(running, 'codeAction/resolve', action, apply, bufnr)
    else
      client.notify('there is nothing to fix safely')
    end
  end, bufnr)
end

--- Says which servers run, and for what.
function M.info()
  local clients = compat.clients(config.name)
  if #clients == 0 then
    client.notify('the server is not running; see :checkhealth bpf_analyzer')
    return
  end
  for _, running in ipairs(clients) do
    local lines = {
      ('server %s, client %d'):format(compat.server_version(running) or '?', running.id),
      'command: ' .. table.concat(running.config.cmd, ' '),
      'workspace: ' .. (running.config.root_dir or '(none)'),
      'columns: ' .. running.offset_encoding,
      'buffers: ' .. #compat.buffers(running),
    }
    client.notify(table.concat(lines, '\n  '))
  end
end

function M.log()
  vim.cmd('tabedit ' .. vim.fn.fnameescape(vim.lsp.get_log_path()))
end

--- Lists the findings of a file in the location list: what a code lens does.
local function show_findings(command)
  local bufnr = vim.uri_to_bufnr(command.arguments[1])
  local items = vim.diagnostic.toqflist(findings(bufnr))
  vim.fn.setloclist(0, {}, ' ', { title = 'bpf-analyzer', items = items })
  if #items > 0 then
    vim.cmd('lopen')
  end
end

local function rules_here(lead)
  local rules = {}
  for _, finding in ipairs(findings(0)) do
    if vim.startswith(finding.code, lead) then
      rules[finding.code] = true
    end
  end
  rules = vim.tbl_keys(rules)
  table.sort(rules)
  return rules
end

--- The commands that verify and run programs.
local function define_checks(define)
  local options = { nargs = '?', complete = checks.complete }
  for _, row in ipairs({
    { 'Verify', 'verify', 'Verify the program at the cursor, or a named one' },
    { 'Run', 'run', 'Run the program at the cursor, or a named one' },
    { 'Layouts', 'layouts', 'Run the program at the cursor, or a named one, on all packet layouts' },
  }) do
    local name, kind, description = unpack(row)
    define(name, description, function(call)
      checks.check(kind, call.args ~= '' and call.args or nil)
    end, options)
  end
  define('Report', 'Show the last report again', report.show_last)
  define('Cancel', 'Stop verifying and running', checks.cancel)
  checks.listen()
end

function M.define()
  local function define(name, description, run, options)
    options = vim.tbl_extend('error', { desc = description }, options or {})
    vim.api.nvim_create_user_command('Bpf' .. name, run, options)
  end
  define_checks(define)
  define('AnalyzerRestart', 'Restart the language server', function()
    client.restart(require('bpf_analyzer').attach_all)
  end)
  define('AnalyzerStop', 'Stop the language server', function()
    client.stop()
  end)
  define('AnalyzerCheckWorkspace', 'Check all BPF C of the workspace', M.check_workspace)
  define('AnalyzerFixAll', 'Apply all safe fixes of this file', M.fix_all)
  define('AnalyzerExplain', 'Explain the finding under the cursor, or a rule', function(call)
    M.explain(call.args ~= '' and call.args or nil)
  end, { nargs = '?', complete = rules_here })
  define('AnalyzerInfo', 'Say which servers run', M.info)
  define('AnalyzerLog', 'Open the log of language servers', M.log)
  vim.lsp.commands['bpf-analyzer.explainRule'] = function(command)
    M.explain(command.arguments[1])
  end
  vim.lsp.commands['bpf-analyzer.showFindings'] = show_findings
end

return M
