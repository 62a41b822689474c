--- A floating window with text that is read and closed.
local M = {}

local function place(lines, title)
  local width = math.max(1, math.min(100, vim.o.columns - 4))
  local height = math.max(1, math.min(#lines, vim.o.lines - 6))
  local placed = {
    relative = 'editor',
    row = math.max(0, math.floor((vim.o.lines - height) / 2) - 1),
    col = math.floor((vim.o.columns - width) / 2),
    width = width,
    height = height,
    style = 'minimal',
    border = 'rounded',
  }
  if title and vim.fn.has('nvim-0.9') == 1 then
    placed.title = (' %s '):format(title)
  end
  return placed
end

--- The lines of a text, without empty ones at its end.
function M.lines(text)
  return vim.split((text:gsub('%s+$', '')), '\n', { plain = true })
end

--- Shows lines in a window of its own, which `q` and `<Esc>` close; gives window and buffer.
function M.open(title, lines, filetype)
  local bufnr = vim.api.nvim_create_buf(false, true)
  vim.bo[bufnr].bufhidden = 'wipe'
  local window = vim.api.nvim_open_win(bufnr, true, place(lines, title))
  vim.wo[window].wrap = true
  vim.wo[window].linebreak = true
  vim.wo[window].conceallevel = 2
  M.fill(window, lines)
  vim.bo[bufnr].filetype = filetype
  for _, key in ipairs({ 'q', '<Esc>' }) do
    vim.keymap.set('n', key, '<Cmd>close<CR>', { buffer = bufnr, nowait = true })
  end
  return window, bufnr
end

--- Replaces what a window shows, and makes it as high as that.
function M.fill(window, lines)
  local bufnr = vim.api.nvim_win_get_buf(window)
  vim.bo[bufnr].modifiable = true
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].modifiable = false
  local config = place(lines)
  vim.api.nvim_win_set_config(window, {
    relative = 'editor',
    row = config.row,
    col = config.col,
    width = config.width,
    height = config.height,
  })
end

return M
