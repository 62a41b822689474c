--- The window with the report of a program that was verified or run.
local client = require('bpf_analyzer.client')
local window = require('bpf_analyzer.window')

local M = {}

local STALE = 'OUT OF DATE: the text, or a setting, has changed since this was found.'
local FILETYPE = 'bpf_analyzer_report'

--- The last report, whether its text has changed, and the window it is shown in.
local last = {}

local function is_open()
  return last.window ~= nil and vim.api.nvim_win_is_valid(last.window)
end

local function content()
  local lines = window.lines(last.report.text)
  if last.stale then
    table.insert(lines, 1, STALE)
    table.insert(lines, 2, '')
  end
  return lines
end

--- Whether two addresses are those of one file.
local function same_file(one, other)
  return one == other or vim.uri_to_fname(one) == vim.uri_to_fname(other)
end

--- The file and the line that a line of the report names: where the cursor is, else the first.
local function place_in(line, column)
  local found
  local from = 1
  while true do
    local first, final, name, number = line:find('([^%s:()]+):(%d+)', from)
    if not first then
      return found
    end
    if not found or (first <= column + 1 and column + 1 <= final) then
      found = { name = name, line = tonumber(number) }
    end
    from = final + 1
  end
end

--- The file that a report calls `name`: its own, else one relative to it or to the current directory.
local function resolve(name)
  local own = vim.uri_to_fname(last.report.uri)
  if own == name or vim.endswith(own, '/' .. name) then
    return own
  end
  for _, path in ipairs({ vim.fn.fnamemodify(own, ':h') .. '/' .. name, name }) do
    if vim.fn.filereadable(path) == 1 then
      return vim.fn.fnamemodify(path, ':p')
    end
  end
end

--- What the line under the cursor names, else the nearest one above it in the same paragraph.
local function place_under_cursor()
  local cursor = vim.api.nvim_win_get_cursor(0)
  local place = place_in(vim.api.nvim_get_current_line(), cursor[2])
  for row = cursor[1] - 1, 1, -1 do
    local line = vim.fn.getline(row)
    if place or line == '' then
      break
    end
    place = place_in(line, 0)
  end
  return place
end

--- Goes to the place that the line under the cursor names, and closes the window.
function M.jump()
  local place = place_under_cursor()
  local path = place and resolve(place.name)
  if not path then
    client.notify('this line names no place', vim.log.levels.WARN)
    return
  end
  vim.cmd('close')
  local bufnr = vim.fn.bufadd(path)
  local shown = vim.fn.win_findbuf(bufnr)
  local here = vim.api.nvim_get_current_buf() == bufnr
  if not here and shown[1] then
    vim.api.nvim_set_current_win(shown[1])
  end
  vim.cmd("normal! m'")
  if vim.api.nvim_get_current_buf() ~= bufnr then
    vim.cmd('edit ' .. vim.fn.fnameescape(path))
  end
  local final = vim.api.nvim_buf_line_count(0)
  vim.api.nvim_win_set_cursor(0, { math.max(1, math.min(place.line, final)), 0 })
  vim.cmd('normal! ^')
end

local function draw()
  if is_open() then
    vim.api.nvim_win_close(last.window, true)
  end
  local bufnr
  last.window, bufnr = window.open(last.report.title, content(), FILETYPE)
  vim.keymap.set('n', '<CR>', M.jump, { buffer = bufnr, nowait = true })
end

--- Shows a report; `stale` says that the text has changed already.
function M.show(report, stale)
  last = { report = report, stale = stale or false, window = last.window }
  draw()
end

--- Shows the last report again.
function M.show_last()
  if last.report then
    draw()
  else
    client.notify('no program has been verified or run yet')
  end
end

--- Reports on a file no longer count, since its text has changed.
function M.outdate(uri)
  if last.report and not last.stale and same_file(last.report.uri, uri) then
    last.stale = true
    if is_open() then
      window.fill(last.window, content())
    end
  end
end

return M
