--- The page of a rule in a floating window.
local window = require('bpf_analyzer.window')

local M = {}

--- Shows Markdown in a window of its own, which `q` and `<Esc>` close; gives the window.
function M.show(title, markdown)
  return (window.open(title, window.lines(markdown), 'markdown'))
end

return M
