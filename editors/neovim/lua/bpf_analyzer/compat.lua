--- What Neovim calls differently in its versions, from 0.7 on.
local M = {}

local function has(version)
  return vim.fn.has('nvim-' .. version) == 1
end

--- The running clients with this name, of a buffer or of all.
function M.clients(name, bufnr)
  local all = (vim.lsp.get_clients or vim.lsp.get_active_clients)()
  return vim.tbl_filter(function(client)
    local attached = bufnr == nil or vim.lsp.buf_is_attached(bufnr, client.id)
    return client.name == name and attached
  end, all)
end

--- The buffers a client serves.
function M.buffers(client)
  if client.attached_buffers then
    return vim.tbl_keys(client.attached_buffers)
  end
  return vim.lsp.get_buffers_by_client_id(client.id)
end

function M.request(client, method, params, handler, bufnr)
  if has('0.11') then
    return client:request(method, params, handler, bufnr)
  end
  return client.request(method, params, handler, bufnr)
end

--- Waits for the answer; nil if there is none in time.
function M.request_sync(client, method, params, timeout, bufnr)
  if has('0.11') then
    return client:request_sync(method, params, timeout, bufnr)
  end
  return client.request_sync(method, params, timeout, bufnr)
end

--- Says that the answer to a request is not needed.
function M.cancel(client, id)
  if has('0.11') then
    client:cancel_request(id)
  else
    client.cancel_request(id)
  end
end

--- Asks the server to end; `force` ends it.
function M.stop(client, force)
  if has('0.11') then
    client:stop(force)
  else
    vim.lsp.stop_client(client.id, force)
  end
end

--- Attaches `bufnr` to the client of `config` for its directory, which is started if there is none.
function M.start(config, bufnr)
  if vim.lsp.start then
    -- Before 0.11 the current buffer is the one that is attached.
    vim.api.nvim_buf_call(bufnr, function()
      vim.lsp.start(config, { bufnr = bufnr })
    end)
    return
  end
  for _, client in ipairs(M.clients(config.name)) do
    if client.config.root_dir == config.root_dir then
      vim.lsp.buf_attach_client(bufnr, client.id)
      return
    end
  end
  local id = vim.lsp.start_client(config)
  if id then
    vim.lsp.buf_attach_client(bufnr, id)
  end
end

--- The version a server told, if this Neovim keeps it.
function M.server_version(client)
  local info = client.server_info or (client.initialize_result or {}).serverInfo
  return info and info.version
end

function M.has_inlay_hints()
  return vim.lsp.inlay_hint ~= nil and has('0.10')
end

function M.show_inlay_hints(bufnr)
  vim.lsp.inlay_hint.enable(true, { bufnr = bufnr })
end

function M.refresh_code_lenses(bufnr)
  if has('0.10') then
    vim.lsp.codelens.refresh({ bufnr = bufnr })
  else
    vim.api.nvim_buf_call(bufnr, vim.lsp.codelens.refresh)
  end
end

--- The functions of a health check.
function M.health()
  local health = vim.health or require('health')
  return {
    start = health.start or health.report_start,
    ok = health.ok or health.report_ok,
    info = health.info or health.report_info,
    warn = health.warn or health.report_warn,
    error = health.error or health.report_error,
  }
end

return M
