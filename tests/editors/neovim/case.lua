-- What the cases of this folder share. A case ends with `case.pass()`; anything else is a failure.
local case = {}

local function say(text)
  io.stdout:write(text .. '\n')
  io.stdout:flush()
end

case.path = vim.env.CASE_FILE
case.new = vim.fn.has('nvim-0.11') == 1
case.messages = {}

-- What a user would be told.
vim.notify = function(message, level)
  say('notified: ' .. message)
  table.insert(case.messages, { text = message, level = level })
end

function case.fail(what)
  say('failed: ' .. what)
  for _, message in ipairs(vim.split(vim.fn.execute('messages'), '\n')) do
    say('| ' .. message)
  end
  vim.cmd('cquit 1')
end

function case.quit()
  say('passed')
  vim.cmd('qall!')
end

-- Neovim 0.11 dies of SIGPIPE if it is still answering a server when it quits, as in the first moments of a
-- session. So the servers are stopped first.
function case.pass()
  local function running()
    return (vim.lsp.get_clients or vim.lsp.get_active_clients)()
  end
  vim.lsp.stop_client(running())
  case.wait('the end of all clients', function()
    return #running() == 0
  end)
  case.quit()
end

-- A case is a function, so that a Lua error in it is a failure and not an editor that waits for ever.
function case.run(body, finish)
  local ok, problem = xpcall(body, debug.traceback)
  if not ok then
    case.fail(problem)
  end
  (finish or case.pass)()
end

function case.wait(what, condition)
  if not vim.wait(15000, condition, 10) then
    case.fail('waited in vain: ' .. what)
  end
end

function case.equal(expected, found, what)
  if not vim.deep_equal(expected, found) then
    case.fail(('%s: expected %s, found %s'):format(what, vim.inspect(expected), vim.inspect(found)))
  end
end

function case.contains(text, part, what)
  if not text:find(part, 1, true) then
    case.fail(('%s: %q is not in: %s'):format(what, part, text))
  end
end

function case.edit(path)
  vim.cmd('edit ' .. vim.fn.fnameescape(path or case.path))
end

function case.clients(bufnr)
  return require('bpf_analyzer.compat').clients('bpf_analyzer', bufnr)
end

function case.attached()
  case.wait('the client', function()
    local client = case.clients(0)[1]
    return client and client.initialized
  end)
  return case.clients(0)[1]
end

-- Lines from 1, as a person counts them, with the rules reported there.
function case.findings(bufnr)
  local found = {}
  for _, diagnostic in ipairs(vim.diagnostic.get(bufnr or 0)) do
    table.insert(found, ('%d %s'):format(diagnostic.lnum + 1, diagnostic.code))
  end
  table.sort(found)
  return found
end

function case.wait_for_findings(expected)
  vim.wait(15000, function()
    return vim.deep_equal(expected, case.findings())
  end, 10)
  case.equal(expected, case.findings(), 'findings')
end

function case.lines()
  return vim.api.nvim_buf_get_lines(0, 0, -1, false)
end

-- Has `ask` offer a choice, and chooses as a user does; `part` is a part of the title.
local function choose(part, ask)
  local chosen
  vim.ui.select = function(items, options, on_choice)
    for index, item in ipairs(items) do
      local title = options.format_item and options.format_item(item) or tostring(item)
      if title:find(part, 1, true) then
        chosen = title
        return on_choice(item, index)
      end
    end
  end
  ask()
  case.wait('the choice ' .. part, function()
    return chosen
  end)
end

-- Chooses a code action for the cursor.
function case.choose(part)
  choose(part, vim.lsp.buf.code_action)
end

-- The titles of the code lenses, in the order of the alphabet.
function case.lenses()
  local titles = vim.tbl_map(function(lens)
    return lens.command.title
  end, vim.lsp.codelens.get(vim.api.nvim_get_current_buf()))
  table.sort(titles)
  return titles
end

-- Waits for a code lens that begins so; its title.
function case.wait_for_lens(start)
  local found
  case.wait('the lens ' .. start, function()
    for _, title in ipairs(case.lenses()) do
      found = vim.startswith(title, start) and title or found
    end
    return found
  end)
  return found
end

-- Runs a code lens of the cursor's line.
function case.run_lens(part)
  choose(part, vim.lsp.codelens.run)
end

-- Types keys, which may be written as `<CR>`.
function case.type(keys)
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(keys, true, false, true), 'xt', false)
end

function case.hover(line, column)
  local client = case.attached()
  vim.api.nvim_win_set_cursor(0, { line, column })
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  local answers = vim.lsp.buf_request_sync(0, 'textDocument/hover', params, 10000)
  local answer = answers and answers[client.id]
  return answer and answer.result and answer.result.contents.value or ''
end

return case
